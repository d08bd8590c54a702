"""What each documented kind of Messenger's events becomes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from adapters.base import ParseError
from adapters.registry import adapter_for
from model.content import Choice, Content, Location, Notice, Referral, Shared, Sticker, Unsupported
from model.inbound import (
    DeliveryReceipt,
    HandleRef,
    Ignored,
    InboundEvent,
    InboundMessage,
    MessageEchoed,
    MessageEdited,
    MessageReacted,
    MessageUnsent,
    ReadUpTo,
    Unreadable,
)
from model.timeline import Media
from tests.adapters.messenger.meta_requests import ACCOUNT, CUSTOMER, OUR_ID, Harness, first_event
from tests.adapters.meta_signing import dumped, posted

PERSON = HandleRef("social", CUSTOMER, f"messenger:{OUR_ID}")
CDN = "https://scontent.xx.fbcdn.net/v/t1.15752-9/"


def parse(name: str | Any) -> list[InboundEvent]:
    delivery = Harness().fixture(f"meta_{name}") if isinstance(name, str) else name
    return adapter_for("meta", "messenger").parse(posted("messenger-main", dumped(delivery)), ACCOUNT)


def message(name: str | Any) -> InboundMessage:
    (event,) = parse(name)
    assert isinstance(event, InboundMessage)
    return event


def test_a_text_is_said_by_a_page_scoped_id() -> None:
    assert message("text") == InboundMessage(
        key="m_A0001",
        handle=PERSON,
        body="Do you deliver on Sundays? 🙂",
        occurred_at=datetime.fromtimestamp(1781000001, UTC),
    )
    assert message("text_reply").in_reply_to == "m_OURS01"


CONTENT: dict[str, tuple[str, tuple[Content, ...]]] = {
    "location": ("", (Location(48.1371, 11.5754, name="Maya's location"),)),
    "fallback": ("https://shop.example/mug", (Shared("link", "https://shop.example/mug", "The blue mug"),)),
    "reel": ("", (Shared("reel", "https://www.facebook.com/reel/1", "How mugs are made", "1234567890123456"),)),
    "post": ("", (Shared("post", "https://www.facebook.com/1/posts/2", "Our winter sale"),)),
    "template_product": ("", (Shared("product", None, "Blue mug", "4321"),)),
    "attachment_new": ("", (Unsupported("hologram", "the app does not hand over messages of this kind"),)),
    "quick_reply": ("Yes", (Choice("quick_reply", "Yes", "deliver-yes"),)),
    "referral_message": (
        "I saw your ad",
        (Referral("ads", CDN + "ad.jpg", "6045246247433", headline="Mugs for winter", ref="winter"),),
    ),
    "product_message": ("How much?", (Referral("link", id="4321"),)),
    "postback": ("Get started", (Choice("postback", "Get started", "start"), Referral("shortlink", ref="poster-7"))),
    "postback_without_mid": ("Talk to us", (Choice("postback", "Talk to us", "agent"),)),
}


@pytest.mark.parametrize("name", sorted(CONTENT))
def test_each_kind_is_shown_as_what_it_is(name: str) -> None:
    event = message(name)
    assert (event.body, event.content) == CONTENT[name]
    assert event.handle == PERSON
    assert not event.automatic


@pytest.mark.parametrize(
    ("name", "media", "content"),
    [
        ("image", (Media(CDN + "broken.jpg?oh=1", "image/jpeg"),), ()),
        ("images", (Media(CDN + "a.jpg", "image/jpeg"), Media(CDN + "b.jpg", "image/jpeg")), ()),
        ("audio", (Media("https://cdn.fbsbx.com/v/voice.mp4?x=1", "audio/mp4"),), ()),
        ("video", (Media("https://video.xx.fbcdn.net/v/drip.mp4", "video/mp4"),), ()),
        ("file", (Media("https://cdn.fbsbx.com/v/Invoice.pdf?x=1", "application/octet-stream"),), ()),
        ("sticker", (Media(CDN + "like.png", "image/jpeg"),), (Sticker(),)),
    ],
)
def test_media_are_at_their_addresses(name: str, media: tuple[Media, ...], content: tuple[Content, ...]) -> None:
    event = message(name)
    assert (event.media, event.content) == (media, content)


def test_an_attachment_of_another_shape_costs_itself_alone() -> None:
    event = message("attachment_broken")
    assert event.body == "See"
    assert [type(each) for each in event.content] == [Unsupported, Unsupported]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "file:///etc/passwd", "https://", "//x/y"])
def test_what_is_no_address_of_the_web_is_no_medium(url: str) -> None:
    delivery = Harness().fixture("meta_image")
    first_event(delivery)["message"]["attachments"][0]["payload"]["url"] = url
    assert not message(delivery).media


@pytest.mark.parametrize(("name", "kind"), [("referral", Referral), ("optin", Notice)])  # codespell:ignore
def test_what_was_not_said_opens_nothing(name: str, kind: type[Content]) -> None:
    event = message(name)
    assert event.automatic
    assert isinstance(event.content[0], kind)


def test_what_was_said_in_the_inbox_of_the_page_is_an_entry_of_ours() -> None:
    (text,), (image,) = parse("echo"), parse("echo_image")
    assert isinstance(text, MessageEchoed)
    assert (text.handle, text.body) == (PERSON, "Typed in the page's inbox: yes, we do.")
    assert text.key == f"{text.provider_id}:echo"
    assert isinstance(image, MessageEchoed)
    assert len(image.media) == 1


def test_an_echo_of_what_was_sent_from_here_is_its_receipt() -> None:
    (event,) = parse("echo_ours")
    entry = UUID("0197b6c2-5c3f-7c1e-8a4b-0123456789ab")
    assert event == DeliveryReceipt("m_OURS02:sent", "m_OURS02", "sent", outbound_id=entry)


def test_an_echo_of_a_file_whose_words_follow_is_no_receipt() -> None:
    delivery = Harness().fixture("meta_echo_ours")
    first_event(delivery)["message"]["metadata"] += ":file"
    (event,) = parse(delivery)
    assert isinstance(event, Ignored)


@pytest.mark.parametrize("metadata", ["screenpop:", ":file", "17:file", "screenpop:17", "17", ""])
def test_an_echo_with_another_mark_is_somebody_elses(metadata: str) -> None:
    delivery = Harness().fixture("meta_echo_ours")
    first_event(delivery)["message"]["metadata"] = metadata
    (event,) = parse(delivery)
    assert isinstance(event, MessageEchoed)


def test_reads_and_deliveries_reach_up_to_a_time() -> None:
    assert parse("read") == [
        ReadUpTo(f"read:{CUSTOMER}:1781000050000", PERSON, "read", datetime.fromtimestamp(1781000050, UTC))
    ]
    until = datetime.fromtimestamp(1781000049, UTC)
    assert parse("delivery") == [
        DeliveryReceipt("m_OURS03:delivered", "m_OURS03", "delivered"),
        DeliveryReceipt("m_OURS04:delivered", "m_OURS04", "delivered"),
        ReadUpTo(f"delivered:{CUSTOMER}:1781000049000", PERSON, "delivered", until),
    ]
    assert len(parse("delivery_without_mids")) == 1


def test_reactions_are_put_on_changed_and_taken_back() -> None:
    events = [parse(name)[0] for name in ("reaction", "reaction_other", "reaction_removed")]
    reactions = [event for event in events if isinstance(event, MessageReacted)]
    assert [each.emoji for each in reactions] == ["❤", "🎉", None]
    assert {each.target for each in reactions} == {"m_OURS05"}
    assert len({each.key for each in reactions}) == 3


def test_an_edit_names_what_it_changes() -> None:
    (event,) = parse("edit")
    assert isinstance(event, MessageEdited)
    assert (event.target, event.body, event.key) == ("m_A0001", "Do you deliver on Saturdays?", "m_A0001:edit:1")


def test_a_message_taken_back_is_shown_as_such() -> None:
    delivery = Harness().fixture("meta_text")
    first_event(delivery)["message"] = {"mid": "m_A0001", "is_deleted": True}
    (event,) = parse(delivery)
    assert isinstance(event, MessageUnsent)
    assert event.target == "m_A0001"


@pytest.mark.parametrize(
    "name",
    [
        *("pass_thread_control", "take_thread_control", "request_thread_control", "app_roles", "account_linking"),
        *("policy_enforcement", "feedback", "game_play", "standby", "feed", "optin_visitor"),
    ],
)
def test_what_is_no_message_is_ignored_with_a_reason(name: str) -> None:
    (event,) = parse(name)
    assert isinstance(event, Ignored)
    assert event.reason


def test_a_batch_is_all_of_its_events_and_what_cannot_be_read_holds_up_none() -> None:
    assert [type(event) for event in parse("batch")] == [InboundMessage, InboundMessage, ReadUpTo, InboundMessage]
    events = parse(Harness().fixture("mixed_meta"))
    assert [event.body for event in events if isinstance(event, InboundMessage)] == ["One", "Two", "Drei"]
    assert sum(isinstance(event, Unreadable) for event in events) == 3


def test_a_message_for_another_page_is_nobodys_here() -> None:
    delivery = Harness().fixture("meta_text")
    delivery["entry"][0]["id"] = "1"
    with pytest.raises(ParseError, match="another account's"):
        parse(delivery)


def test_the_same_postback_again_has_the_same_key_and_another_has_another() -> None:
    delivery = Harness().fixture("meta_postback_without_mid")
    first = message(delivery).key
    assert message(delivery).key == first
    first_event(delivery)["timestamp"] += 1
    assert message(delivery).key != first
