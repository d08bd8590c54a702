"""What each documented kind of WhatsApp's webhooks becomes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from adapters.base import ParseError
from adapters.registry import adapter_for
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
    Unsupported,
    VoiceNote,
)
from model.inbound import (
    DeliveryReceipt,
    HandleChanged,
    HandleRef,
    Ignored,
    InboundEvent,
    InboundMessage,
    MessageEchoed,
    MessageEdited,
    MessageReacted,
    MessageUnsent,
    Unreadable,
)
from model.timeline import Media
from tests.adapters.meta_signing import dumped, posted
from tests.adapters.whatsapp.cloud_requests import ACCOUNT, CUSTOMER, Harness, first_message

PERSON = HandleRef("phone", CUSTOMER)
USER = HandleRef("social", "US.13579246801357924680", "whatsapp:100200300400500")
NEW_USER = HandleRef("social", "US.24680135792468013579", "whatsapp:100200300400500")
GRAPH = "https://graph.facebook.com/v23.0/"


def parse(name: str | Any, **settings: str) -> list[InboundEvent]:
    delivery = Harness().fixture(name) if isinstance(name, str) else name
    account = replace(ACCOUNT, settings={**ACCOUNT.settings, **settings})
    return adapter_for("meta", "whatsapp").parse(posted("whatsapp-main", dumped(delivery)), account)


def message(name: str | Any) -> InboundMessage:
    (event,) = parse(name)
    assert isinstance(event, InboundMessage)
    return event


def test_a_text_is_said_by_a_number_that_is_proved_to_have_a_user_id() -> None:
    assert message("cloud_text") == InboundMessage(
        key="wamid.HBgLMTQxNTU1NTAxMjMVAgASGBQ00000000000000000001AA==",
        handle=PERSON,
        body="Is the blue one still there? 💙",
        occurred_at=datetime.fromtimestamp(1781000001, UTC),
        name_hint="Maya Okafor",
        also=(USER,),
    )


CONTENT: dict[str, tuple[str, tuple[Content, ...]]] = {
    "text_forwarded": ("Look at this", (Forwarded(),)),
    "text_forwarded_often": ("Pass it on", (Forwarded(many_times=True),)),
    "text_product": ("How much is it?", (Shared("product", id="mug-blue", title="194836987003835"),)),
    "text_referral": (
        "I saw your ad",
        (
            Referral(
                source="ad",
                url="https://fb.me/3cr4Wqqkv",
                id="120226305854810726",
                headline="Mugs for winter",
                body="Two for one until Sunday",
                ref="Aff-n8ZTODiE79d22KtAwQKj9e",
            ),
        ),
    ),
    "text_identity_key": ("Me again", ()),
    "text_group": (
        "Who brings the cups?",
        (Notice("Written in a WhatsApp group. An answer goes to this person alone."),),
    ),
    "location": (
        "",
        (Location(38.9806263495, -131.9428612257, "Main Street Café", "1 Main Street, Springfield"),),
    ),
    "contacts": (
        "",
        (Cards((Card("Barbara J. Johnson", ("+1 (631) 555-1234",), ("barbara@social.example",), "Social Tsunami"),)),),
    ),
    "button": ("Track my parcel", (Choice("button", "Track my parcel", "track-17"),)),
    "button_reply": ("Cancel", (Choice("button", "Cancel", "cancel-17"),)),
    "list_reply": ("Express", (Choice("list", "Express", "express", "Next day"),)),
    "flow_reply": ("", (Form("flow", {"size": "M", "count": "2", "gift": "true", "colours": '["blue", "red"]'}),)),
    "call_permission_reply": ("", (Notice("Asked for leave to call: accept"),)),
    "interactive_new": ("", (Unsupported("interactive hologram_reply"),)),
    "order": (
        "As a gift, please",
        (
            Order(
                "194836987003835",
                (OrderItem("mug-blue", "2", "12.5", "EUR"), OrderItem("cup-7", "1", "30", "EUR")),
            ),
        ),
    ),
    "unsupported": ("", (Unsupported("poll_creation", "131051: Message type is currently not supported."),)),
    "unknown": (
        "",
        (Unsupported("unknown", "131060: This message is unavailable. Ask the sender to resend the message."),),
    ),
    "new_kind": ("", (Unsupported("telepathy"),)),
}


@pytest.mark.parametrize("name", sorted(CONTENT))
def test_each_kind_is_shown_as_what_it_is(name: str) -> None:
    event = message(f"cloud_{name}")
    assert (event.body, event.content) == CONTENT[name]
    assert not event.automatic
    assert not event.media


@pytest.mark.parametrize(
    ("name", "media", "body", "content"),
    [
        ("image", Media(GRAPH + "900000000000009", "image/jpeg"), "It came broken", ()),
        ("audio", Media(GRAPH + "900000000000010", "audio/mpeg"), "", ()),
        ("voice", Media(GRAPH + "900000000000011", "audio/ogg; codecs=opus"), "", (VoiceNote(),)),
        ("video", Media(GRAPH + "900000000000012", "video/mp4"), "See how it drips", ()),
        ("document", Media(GRAPH + "900000000000013", "application/pdf", name="Invoice 17.pdf"), "The invoice", ()),
        ("sticker", Media(GRAPH + "900000000000014", "image/webp"), "", (Sticker(),)),
        ("sticker_animated", Media(GRAPH + "900000000000015", "image/webp"), "", (Sticker(animated=True),)),
    ],
)
def test_media_are_named_by_their_id_at_the_api(
    name: str, media: Media, body: str, content: tuple[Content, ...]
) -> None:
    event = message(f"cloud_{name}")
    assert (event.media, event.body, event.content) == ((media,), body, content)


@pytest.mark.parametrize("name", ["text_reply", "button", "button_reply", "list_reply", "flow_reply"])
def test_what_answers_a_message_of_ours_names_it(name: str) -> None:
    assert (message(f"cloud_{name}").in_reply_to or "").startswith("wamid.OURS")


@pytest.mark.parametrize(
    ("name", "handle"),
    [
        ("brazil", HandleRef("phone", "+551187654321")),
        ("mexico", HandleRef("phone", "+525512345678", form="+5215512345678")),
        ("argentina", HandleRef("phone", "+5491123456789")),
        ("username_only", USER),
    ],
)
def test_people_are_known_by_number_or_by_user_id(name: str, handle: HandleRef) -> None:
    event = message(f"cloud_{name}")
    assert (event.handle, event.also) == (handle, ())


def test_a_user_without_name_is_called_by_the_username() -> None:
    delivery = Harness().fixture("cloud_username_only")
    del delivery["entry"][0]["changes"][0]["value"]["contacts"][0]["profile"]["name"]
    assert message(delivery).name_hint == "robin.reads"


def test_a_portfolio_of_several_business_accounts_shares_its_users() -> None:
    (event,) = parse("cloud_text", portfolio_id="777")
    assert isinstance(event, InboundMessage)
    assert event.also == (HandleRef("social", USER.value, "whatsapp:777"),)


def test_a_number_the_customer_gave_at_our_request_is_a_claim() -> None:
    event = message("cloud_contacts_requested")
    assert (event.handle, event.claims) == (USER, (HandleRef("phone", "+14155550199"),))


def test_reactions_are_put_on_and_taken_back() -> None:
    (put,), (taken,) = parse("cloud_reaction"), parse("cloud_reaction_removed")
    assert isinstance(put, MessageReacted)
    assert isinstance(taken, MessageReacted)
    assert (put.handle, put.target, put.emoji) == (PERSON, "wamid.OURS0008", "👍🏽")
    assert (taken.target, taken.emoji) == ("wamid.OURS0008", None)
    assert put.key != taken.key


def test_edits_and_withdrawals_name_what_they_change() -> None:
    (edit,), (caption,), (revoke,) = parse("cloud_edit"), parse("cloud_edit_caption"), parse("cloud_revoke")
    assert isinstance(edit, MessageEdited)
    assert isinstance(caption, MessageEdited)
    assert isinstance(revoke, MessageUnsent)
    assert (edit.target, edit.body) == (message("cloud_text").key, "Is the red one still there?")
    assert (caption.target, caption.body) == (message("cloud_image").key, "It came in two pieces")
    assert revoke.target == message("cloud_text").key


def test_a_changed_number_moves_the_handles_before_it_is_noticed() -> None:
    number, user, notice = parse("cloud_number_changed")
    key = notice.key if isinstance(notice, InboundMessage) else ""
    new = HandleRef("phone", "+14155550177")
    assert number == HandleChanged(f"{key}:number", new, PERSON)
    assert user == HandleChanged(f"{key}:user", NEW_USER, USER)
    assert isinstance(notice, InboundMessage)
    assert notice.handle == new
    assert notice.automatic
    assert notice.content == (Notice("User Maya Okafor changed from 14155550123 to 14155550177"),)


def test_a_changed_user_id_moves_it_alone() -> None:
    user, notice = parse("cloud_user_id_changed")
    assert isinstance(user, HandleChanged)
    assert (user.handle, user.replaced) == (NEW_USER, USER)
    assert isinstance(notice, InboundMessage)
    assert notice.handle == NEW_USER


@pytest.mark.parametrize("name", ["identity_changed", "request_welcome", "marketing_stopped"])
def test_what_the_provider_reports_opens_nothing(name: str) -> None:
    event = message(f"cloud_{name}")
    assert event.automatic
    assert event.handle == PERSON
    assert isinstance(event.content[0], Notice)


@pytest.mark.parametrize(
    ("name", "status"), [("sent", "sent"), ("delivered", "delivered"), ("read", "read"), ("played", "read")]
)
def test_a_status_names_our_entry_and_is_one_event(name: str, status: str) -> None:
    (event,) = parse(f"cloud_status_{name}")
    assert event == DeliveryReceipt(
        key=f"wamid.OURS0009:{name}",
        provider_id="wamid.OURS0009",
        status=status,  # type: ignore[arg-type]
        outbound_id=UUID("0197b6c2-5c3f-7c1e-8a4b-0123456789ab"),
    )


def test_a_file_whose_words_follow_tells_of_the_reply_only_when_it_failed() -> None:
    entry = "0197b6c2-5c3f-7c1e-8a4b-0123456789ab"
    for name in ("status_delivered", "status_failed"):
        delivery = Harness().fixture(f"cloud_{name}")
        delivery["entry"][0]["changes"][0]["value"]["statuses"][0]["biz_opaque_callback_data"] = f"{entry}:file"
        (event,) = parse(delivery)
        if name == "status_delivered":
            assert isinstance(event, Ignored)
        else:
            assert isinstance(event, DeliveryReceipt)
            assert (event.provider_id, event.status, event.outbound_id) == ("", "failed", UUID(entry))
            assert (event.error or "").startswith("the file: Meta 131047")


def test_a_failure_says_what_to_do_and_hides_the_number() -> None:
    (late,), (new,) = parse("cloud_status_failed"), parse("cloud_status_failed_new_code")
    assert isinstance(late, DeliveryReceipt)
    assert late.status == "failed"
    assert (late.error or "").startswith("Meta 131047: more than 24 hours")
    assert isinstance(new, DeliveryReceipt)
    assert new.outbound_id is None
    assert new.error == "Meta 139999: Unheard of: … cannot be reached"


@pytest.mark.parametrize("name", ["status_deleted", "template_status", "errors"])
def test_what_says_nothing_of_a_customer_is_ignored_with_a_reason(name: str) -> None:
    (event,) = parse(f"cloud_{name}")
    assert isinstance(event, Ignored)
    assert event.reason


def test_what_was_said_in_the_business_app_is_an_entry_of_ours() -> None:
    (text,), (image,) = parse("cloud_echo_text"), parse("cloud_echo_image")
    assert isinstance(text, MessageEchoed)
    assert (text.handle, text.body) == (PERSON, "From my own phone: yes, it is.")
    assert isinstance(image, MessageEchoed)
    assert (image.body, len(image.media)) == ("Here it is", 1)
    (edit,), (revoke,) = parse("cloud_echo_edit"), parse("cloud_echo_revoke")
    assert isinstance(edit, MessageEdited)
    assert isinstance(revoke, MessageUnsent)


def test_a_batch_is_all_of_its_events() -> None:
    events = parse("cloud_batch")
    bodies = [event.body for event in events if isinstance(event, InboundMessage)]
    statuses = [event.status for event in events if isinstance(event, DeliveryReceipt)]
    assert (bodies, statuses) == (["One", "Two", "Drei"], ["read", "sent"])


def test_what_cannot_be_read_does_not_hold_up_what_can() -> None:
    events = parse("mixed_cloud")
    assert [event.body for event in events if isinstance(event, InboundMessage)] == ["One", "Two", "Drei"]
    unread = [event.field for event in events if isinstance(event, Unreadable)]
    assert unread == ["metadata.phone_number_id", "messages.from", "value.messages"]


def test_a_message_for_another_number_is_nobodys_here() -> None:
    delivery = Harness().fixture("cloud_text")
    delivery["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"] = "1"
    with pytest.raises(ParseError, match="phone_number_id"):
        parse(delivery)
    with pytest.raises(ParseError):
        parse("cloud_text", phone_number_id="")


@pytest.mark.parametrize(
    "content",
    [{"body": 7}, [], None, {"body": ["x"]}],
)
def test_a_kind_of_another_shape_costs_its_content_alone(content: object) -> None:
    delivery = Harness().fixture("cloud_text")
    first_message(delivery)["text"] = content
    event = message(delivery)
    assert event.handle == PERSON
    assert isinstance(event.content[0], Unsupported)


@pytest.mark.parametrize(
    "place", [{"latitude": 91, "longitude": 0}, {"latitude": 0, "longitude": -181}, {"latitude": "x", "longitude": 0}]
)
def test_a_place_that_is_not_on_earth_is_not_shown(place: object) -> None:
    delivery = Harness().fixture("cloud_location")
    first_message(delivery)["location"] = place
    assert isinstance(message(delivery).content[0], Unsupported)


@pytest.mark.parametrize("identity", ["../me", "1?x=1", "1/2", "é"])
def test_a_media_id_is_no_path(identity: str) -> None:
    delivery = Harness().fixture("cloud_image")
    first_message(delivery)["image"]["id"] = identity
    event = message(delivery)
    assert not event.media
    assert isinstance(event.content[0], Unsupported)


def test_a_text_beyond_what_an_entry_shows_is_kept_whole_as_a_file() -> None:
    delivery = Harness().fixture("cloud_text")
    first_message(delivery)["text"]["body"] = "ü" * 20_000
    event = message(delivery)
    assert event.body == "ü" * 16_000
    assert event.files[0].data.decode() == "ü" * 20_000


def test_a_backslash_u0000_that_the_customer_typed_is_text() -> None:
    delivery = Harness().fixture("cloud_text")
    first_message(delivery)["text"]["body"] = "what is \\u0000?"
    assert message(delivery).body == "what is \\u0000?"


@pytest.mark.parametrize("timestamp", [None, "", "soon", "0", "-1", "9" * 40, 10**15])
def test_a_time_that_is_none_is_left_out(timestamp: object) -> None:
    delivery = Harness().fixture("cloud_text")
    first_message(delivery)["timestamp"] = timestamp
    assert message(delivery).occurred_at is None


def test_answers_of_a_form_that_are_no_json_leave_the_message() -> None:
    delivery = Harness().fixture("cloud_flow_reply")
    first_message(delivery)["interactive"]["nfm_reply"]["response_json"] = "{"
    assert isinstance(message(delivery).content[0], Unsupported)
    first_message(delivery)["interactive"]["nfm_reply"]["response_json"] = '{"a": "\\u0000"}'
    assert message(delivery).content == (Form("flow", {"a": "\ufffd"}),)
