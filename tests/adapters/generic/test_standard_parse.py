"""What each kind of event of the generic channel becomes."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from uuid import UUID

import jsonschema_rs
import pytest

from adapters.base import Outgoing, ParseError
from adapters.generic.standard import StandardWebhooks
from adapters.http_call import Call
from model.content import (
    Card,
    Cards,
    Choice,
    Content,
    Form,
    Forwarded,
    Location,
    Notice,
    Order,
    OrderItem,
    Referral,
    Shared,
    Sticker,
    Story,
    Unsupported,
    VoiceNote,
)
from model.inbound import (
    ConsentChange,
    DeliveryReceipt,
    HandleRef,
    InboundEvent,
    InboundFile,
    InboundMessage,
    MessageEchoed,
    MessageEdited,
    MessageReacted,
    MessageUnsent,
    ReadUpTo,
    Typing,
)
from model.timeline import Media
from tests.adapters.generic.schema import PAGE, schema
from tests.adapters.generic.standard_requests import ACCOUNT, FIXTURES, event, signed

MAYA = HandleRef("social", "crm-4711", "generic:shop")
PROVED = (HandleRef("phone", "+14155550123"), HandleRef("email", "maya@customer.example"))


def at(second: int) -> datetime:
    return datetime(2026, 11, 3, 9, 12, second, tzinfo=UTC)


def parse(name: str | bytes) -> InboundEvent:
    body = name if isinstance(name, bytes) else (FIXTURES / f"standard_{name}.json").read_bytes()
    (read,) = StandardWebhooks().parse(signed(body), ACCOUNT)
    return read


def said(number: int, body: str, handle: HandleRef = MAYA, **more: object) -> InboundMessage:
    name = "Maya Lindholm"
    return InboundMessage(f"evt-{number:04d}", handle, body, occurred_at=at(number), name_hint=name, **more)  # type: ignore[arg-type]


EVENTS: dict[str, InboundEvent] = {
    "message": said(1, "Where is my parcel? 🙂"),
    "message_proven": said(2, "I am logged in", also=PROVED),
    "message_claimed": said(
        3, "From the form on your page", HandleRef("social", "form-88", "generic:shop"), claims=PROVED
    ),
    "message_files": said(
        *(4, "Two pictures"),
        media=(Media("https://shop.example/a.jpg", "image/jpeg", name="a.jpg"),),
        files=(InboundFile("bill.pdf", "application/pdf", b"%PDF-1.7 a bill"),),
    ),
    "message_reply": said(5, "Yes, that one", in_reply_to="evt-0001"),
    "message_automatic": said(6, "Your order was packed", automatic=True),
    "echo": MessageEchoed("evt-0021", MAYA, "We sent you a mail about it", (), at(21), in_reply_to="evt-0001"),
    "edited": MessageEdited("evt-0022", MAYA, "evt-0001", "Where is my parcel 4711?", at(22)),
    "unsent": MessageUnsent("evt-0023", MAYA, "evt-0005", at(23)),
    "reaction": MessageReacted("evt-0024", MAYA, "evt-0001", "👍", at(24)),
    "reaction_removed": MessageReacted("evt-0025", MAYA, "evt-0001", None, at(25)),
    "typing": Typing("evt-0026", MAYA),
    "seen": ReadUpTo("evt-0027", MAYA, "read", datetime(2026, 11, 3, 9, tzinfo=UTC)),
    "seen_delivered": ReadUpTo("evt-0028", MAYA, "delivered", datetime(2026, 11, 3, 9, tzinfo=UTC)),
    "receipt_entry": DeliveryReceipt("evt-0029", "", "delivered", UUID("0197b6c2-5c3f-7c1e-8a4b-0123456789ab")),
    "receipt_message": DeliveryReceipt("evt-0030", "crm-out-17", "failed", None, "The customer has left"),
    "consent_out": ConsentChange("evt-0031", MAYA, "Please stop", True),
    "consent_in": ConsentChange("evt-0032", MAYA, "", False),
}
CONTENT: dict[str, tuple[Content, ...]] = {
    "location": (Location(52.52, 13.405, "Shop", "1 Mill Lane"),),
    "cards": (Cards((Card("Jo Berg", ("+4930123456",), ("jo@berg.example",), "Berg"),)),),
    "choice": (Choice("button", "Call me back", "call-back"),),
    "order": (Order("winter", (OrderItem("mug-blue", "2", "9.50", "EUR"),)),),
    "sticker": (Sticker(True),),
    "voice_note": (VoiceNote(),),
    "story": (Story("mention", "https://shop.example/story/1"),),
    "referral": (Referral("ad", "https://shop.example/winter", headline="Winter sale"),),
    "shared": (Shared("product", "https://shop.example/mug", "The blue mug"),),
    "form": (Form("Return", {"Order": "4711", "Why": "Broken"}),),
    "forwarded": (Forwarded(),),
    "notice": (Notice("The customer moved to another town"),),
    "unsupported": (Unsupported("hologram"),),
    "unknown": (
        Unsupported("content", "type: Invalid value 'hologram'"),
        Unsupported("content", "latitude: Expected `float`, got `str`"),
    ),
}


def test_every_fixture_is_of_a_kind_below() -> None:
    named = {path.stem.removeprefix("standard_") for path in FIXTURES.glob("*.json")}
    assert named == {*EVENTS, *(f"content_{name}" for name in CONTENT)}


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_each_kind_of_event_is_read_as_what_it_is(name: str) -> None:
    assert parse(name) == EVENTS[name]


@pytest.mark.parametrize("name", sorted(CONTENT))
def test_each_kind_of_content_is_shown_as_what_it_is(name: str) -> None:
    read = parse(f"content_{name}")
    assert isinstance(read, InboundMessage)
    assert (read.content, read.handle) == (CONTENT[name], MAYA)


def test_what_is_no_phone_and_no_mailbox_is_left_out() -> None:
    customer = {"id": "crm-1", "phone": "call me", "email": "maya@", "proven": True}
    read = parse(event(customer=customer))
    assert isinstance(read, InboundMessage)
    assert (read.also, read.claims, read.body) == ((), (), "Hello")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"type": "template", "name": "hello", "language": "de"}, "not of a customer"),
        ({"type": "mail", "subject": "x", "sender": None}, "not of a customer"),
        ({"type": "notice", "text": "x" * 20_000}, "too large"),
    ],
)
def test_content_that_is_not_a_customers_is_shown_as_such(content: dict[str, object], reason: str) -> None:
    read = parse(event(content=[content]))
    assert isinstance(read, InboundMessage)
    (held,) = read.content
    assert isinstance(held, Unsupported)
    assert reason in (held.reason or "")
    assert read.body == "Hello"


@pytest.mark.parametrize("file", [{}, {"url": "javascript:alert(1)"}, {"url": "file:///etc/passwd"}, {"data": ""}])
def test_a_file_that_is_none_costs_itself_alone(file: dict[str, str]) -> None:
    read = parse(event(files=[file]))
    assert isinstance(read, InboundMessage)
    assert (read.body, read.media, read.files) == ("Hello", (), ())
    assert isinstance(read.content[0], Unsupported)


def test_a_long_text_is_shown_in_part_and_kept_whole() -> None:
    read = parse(event(text="x" * 20_000))
    assert isinstance(read, InboundMessage)
    assert len(read.body) == 16_000
    assert len(read.files[0].data) == 20_000


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"type": "dance"}, "type"),
        ({"to": "another"}, "to"),
        ({"customer": {"id": 7}}, "customer.id"),
        ({"type": "seen", "until": "soon"}, "until"),
        ({"type": "receipt", "status": "read"}, "entry"),
        (
            {"type": "receipt", "status": "read", "message": "x", "entry": "0197b6c2-5c3f-7c1e-8a4b-0123456789ab"},
            "entry",
        ),
    ],
)
def test_what_cannot_be_read_names_its_field(changes: dict[str, object], field: str) -> None:
    with pytest.raises(ParseError) as raised:
        parse(event(**changes))
    assert raised.value.field == field


def test_the_published_schema_is_that_of_the_code_and_every_fixture_follows_it() -> None:
    assert PAGE.read_text(encoding="utf-8") == schema(), "run: python -m tests.adapters.generic.schema"
    validator = jsonschema_rs.Draft202012Validator(json.loads(schema()))
    for path in sorted(FIXTURES.glob("*.json")):
        told = json.loads(path.read_bytes())
        assert validator.is_valid(told) == (path.stem != "standard_content_unknown"), path.stem
    for wrong in ({"type": "dance"}, {"id": ""}, {"customer": {"name": "Maya"}}, {"content": [{"type": "mail"}]}):
        assert not validator.is_valid(json.loads(event(**wrong))), wrong


def test_the_examples_of_the_page_are_what_is_read_and_what_is_posted_back() -> None:
    page = PAGE.with_name("generic.md").read_text(encoding="utf-8")
    posted, reply = re.findall(r'^    (\{"type": "message".*?\}) *$', page, re.DOTALL | re.MULTILINE)
    read = parse(posted.encode())
    assert isinstance(read, InboundMessage)
    assert (read.key, len(read.also), len(read.media), len(read.content)) == ("evt-1", 1, 1, 1)
    calls = StandardWebhooks().calls(ACCOUNT, Outgoing(UUID("0197b6c2-5c3f-7c1e-8a4b-0123456789ab"), "crm-4711", "It"))
    assert isinstance(calls, list)
    (call,) = calls
    assert isinstance(call, Call)
    assert json.loads(reply).keys() == json.loads(call.content or b"").keys()
