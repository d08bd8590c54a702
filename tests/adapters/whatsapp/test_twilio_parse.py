"""What Twilio's webhooks for WhatsApp become, and how replies leave."""

from __future__ import annotations

from uuid import UUID

import pytest
from msgspec.structs import replace

from adapters.base import Outgoing, Refused
from adapters.registry import adapter_for
from model.content import Choice, Content, Form, Forwarded, Location, Referral, Template, Unsupported
from model.inbound import ConsentChange, DeliveryReceipt, HandleRef, InboundEvent, InboundMessage
from tests.adapters.whatsapp.twilio_requests import ACCOUNT, CUSTOMER, ENTRY, NUMBER, Harness

PERSON = HandleRef("phone", CUSTOMER)
REQUESTS = Harness().requests()


def parse(name: str) -> InboundEvent:
    (event,) = adapter_for("twilio", "whatsapp").parse(REQUESTS[f"twilio_{name}"], ACCOUNT)
    return event


CONTENT: dict[str, tuple[str, tuple[Content, ...]]] = {
    "text": ("Is the blue one still there? 💙", ()),
    "forwarded": ("Look", (Forwarded(),)),
    "forwarded_often": ("Pass it on", (Forwarded(many_times=True),)),
    "location": (
        "",
        (Location(38.9806263495, -131.9428612257, "Main Street Café", "1 Main Street, Springfield"),),
    ),
    "button": ("Cancel", (Choice("button", "Cancel", "cancel-17"),)),
    "list": ("Express", (Choice("list", "Express", "express", "Next day"),)),
    "flow": ("", (Form(None, {"InteractiveData": '{"size":"M"}'}),)),
    "referral": (
        "I saw your ad",
        (
            Referral(
                "ad",
                "https://fb.me/3cr4Wqqkv",
                "120226305854810726",
                "Mugs for winter",
                "Two for one until Sunday",
                "Aff-n8ZTODiE79d22",
            ),
        ),
    ),
    "empty": ("", (Unsupported("unsupported", "Twilio hands over neither words nor media of it"),)),
}


@pytest.mark.parametrize("name", sorted(CONTENT))
def test_each_kind_is_shown_as_what_it_is(name: str) -> None:
    event = parse(name)
    assert isinstance(event, InboundMessage)
    assert (event.body, event.content, event.handle) == (*CONTENT[name], PERSON)
    assert event.name_hint == "Maya Okafor"


@pytest.mark.parametrize(("name", "kind"), [("image", "image/jpeg"), ("voice", "audio/ogg"), ("contact", "text/vcard")])
def test_media_come_with_their_kind(name: str, kind: str) -> None:
    event = parse(name)
    assert isinstance(event, InboundMessage)
    assert [each.content_type for each in event.media] == [kind]


@pytest.mark.parametrize(
    ("name", "handle"),
    [
        ("mexico", HandleRef("phone", "+525512345678", form="+5215512345678")),
        ("username_only", HandleRef("social", "US.13579246801357924680", f"whatsapp:{NUMBER}")),
    ],
)
def test_people_are_known_by_number_or_by_user_id(name: str, handle: HandleRef) -> None:
    event = parse(name)
    assert isinstance(event, InboundMessage)
    assert event.handle == handle


def test_an_answer_names_what_it_answers() -> None:
    event = parse("reply")
    assert isinstance(event, InboundMessage)
    assert event.in_reply_to == "SM00000000000000000000000000000ace"


def test_only_what_twilio_declares_is_an_opt_out() -> None:
    assert isinstance(parse("stop_advanced"), ConsentChange)
    assert isinstance(parse("button"), InboundMessage)  # CANCEL is an answer here


@pytest.mark.parametrize(
    ("name", "status"), [("sent", "sent"), ("delivered", "delivered"), ("read", "read"), ("undelivered", "failed")]
)
def test_receipts_name_our_entry(name: str, status: str) -> None:
    event = parse(f"status_{name}")
    assert isinstance(event, DeliveryReceipt)
    assert (event.status, event.outbound_id) == (status, UUID(ENTRY))
    if status == "failed":
        assert "24 hours" in (event.error or "")


async def test_a_template_is_named_by_its_content_sid() -> None:
    outgoing = Outgoing(UUID(ENTRY), CUSTOMER, "", content=(Template("parcel", "en"),))
    outcome = await adapter_for("twilio", "whatsapp").send(ACCOUNT, outgoing, 1.0)
    assert isinstance(outcome, Refused)
    assert "ContentSid" in outcome.error


def test_limits_and_configuration_are_whatsapps_over_twilio() -> None:
    adapter = adapter_for("twilio", "whatsapp")
    limits = adapter.limits(ACCOUNT)
    assert (limits.most_characters, limits.window_seconds, limits.templates) == (1600, 86_400, True)
    assert any("secrets" in problem for problem in adapter.check_account(replace(ACCOUNT, secrets=())))
