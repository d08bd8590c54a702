"""What each documented kind of Instagram's events becomes."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.base import ParseError
from adapters.registry import adapter_for
from model.content import Choice, Content, Referral, Shared, Story, Unsupported
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
    Unreadable,
)
from tests.adapters.instagram.meta_requests import ACCOUNT, CUSTOMER, OUR_ID, Harness
from tests.adapters.meta_signing import dumped, posted

PERSON = HandleRef("social", CUSTOMER, f"instagram:{OUR_ID}")
CDN = "https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=17&signature=AbC"
NOT_HANDED_OVER = "the app does not hand over messages of this kind"


def parse(name: str | Any) -> list[InboundEvent]:
    delivery = Harness().fixture(f"meta_{name}") if isinstance(name, str) else name
    return adapter_for("meta", "instagram").parse(posted("instagram-main", dumped(delivery)), ACCOUNT)


def message(name: str | Any) -> InboundMessage:
    (event,) = parse(name)
    assert isinstance(event, InboundMessage)
    assert event.handle == PERSON
    return event


CONTENT: dict[str, tuple[str, tuple[Content, ...]]] = {
    "text": ("Still in stock? 🌿", ()),
    "share": ("", (Shared("post", CDN),)),
    "post": ("", (Shared("post", CDN, "Our winter sale"),)),
    "reel": ("This!", (Shared("reel", CDN, "How mugs are made", "17900000000000002"),)),
    "story_reply": ("Love this!", (Story("reply", CDN, "17900000000000003"),)),
    "story_mention": ("", (Story("mention", CDN),)),
    "product": ("How much?", (Referral("link", id="4321"),)),
    "template_product": ("", (Shared("product", None, "Blue mug", "4321"),)),
    "ad": (
        "I saw your ad",
        (
            Referral(
                "ads",
                "https://scontent.cdninstagram.com/ad.jpg",
                "6045246247433",
                headline="Mugs for winter",
                ref="winter",
            ),
        ),
    ),
    "quick_reply": ("Yes", (Choice("quick_reply", "Yes", "stock-yes"),)),
    "postback": ("Where is my parcel?", (Choice("postback", "Where is my parcel?", "track"),)),
    "unsupported": ("", (Unsupported("message", NOT_HANDED_OVER),)),
    "unsupported_type": ("", (Unsupported("unsupported_type", NOT_HANDED_OVER),)),
    "ephemeral": ("", (Unsupported("ephemeral", NOT_HANDED_OVER),)),
}


@pytest.mark.parametrize("name", sorted(CONTENT))
def test_each_kind_is_shown_as_what_it_is(name: str) -> None:
    event = message(name)
    assert (event.body, event.content) == CONTENT[name]
    assert not event.automatic


@pytest.mark.parametrize(
    ("name", "types"),
    [
        ("image", ["image/jpeg"]),
        ("images", ["image/jpeg", "image/jpeg"]),
        ("video", ["video/mp4"]),
        ("audio", ["audio/mp4"]),
        ("file", ["application/octet-stream"]),
    ],
)
def test_media_are_at_their_addresses(name: str, types: list[str]) -> None:
    event = message(name)
    assert [each.content_type for each in event.media] == types
    assert all(each.url.startswith(CDN) for each in event.media)


def test_an_answer_names_what_it_answers() -> None:
    assert message("text_reply").in_reply_to == "aWdfOURS01"


def test_what_was_taken_back_is_named_whoever_said_it() -> None:
    (theirs,), (ours,) = parse("unsend"), parse("echo_unsend")
    assert isinstance(theirs, MessageUnsent)
    assert isinstance(ours, MessageUnsent)
    assert (theirs.target, ours.target) == ("aWdfZAG1f0001", "aWdfOURS02")
    assert theirs.handle == ours.handle == PERSON


def test_what_was_said_in_the_app_is_an_entry_of_ours() -> None:
    (event,) = parse("echo")
    assert isinstance(event, MessageEchoed)
    assert (event.handle, event.body) == (PERSON, "Typed in the Instagram app: yes.")


def test_reactions_are_put_on_and_taken_back() -> None:
    (put,), (taken,) = parse("reaction"), parse("reaction_removed")
    assert isinstance(put, MessageReacted)
    assert isinstance(taken, MessageReacted)
    assert (put.emoji, taken.emoji, put.target) == ("❤️", None, taken.target)


def test_seen_and_edited_name_the_message() -> None:
    (seen,), (edit,) = parse("seen"), parse("edit")
    assert seen == DeliveryReceipt("aWdfOURS04:read", "aWdfOURS04", "read")
    assert isinstance(edit, MessageEdited)
    assert (edit.target, edit.body) == ("aWdfZAG1f0001", "Still in stock in green?")


def test_coming_by_a_link_opens_nothing() -> None:
    event = message("referral")
    assert event.automatic
    assert event.content == (Referral("igme-source-link", ref="poster-7"),)


@pytest.mark.parametrize("name", ["standby", "comment", "echo_self"])
def test_what_is_no_message_to_us_is_ignored_with_a_reason(name: str) -> None:
    (event,) = parse(name)
    assert isinstance(event, Ignored)
    assert event.reason


def test_what_cannot_be_read_holds_up_none() -> None:
    assert len(parse("batch")) == 3
    events = parse(Harness().fixture("mixed_meta"))
    assert [event.body for event in events if isinstance(event, InboundMessage)] == ["One", "Two"]
    assert sum(isinstance(event, Unreadable) for event in events) == 3


def test_events_of_a_page_are_not_instagrams() -> None:
    delivery = Harness().fixture("meta_text")
    with pytest.raises(ParseError, match="instagram only"):
        parse({**delivery, "object": "page"})
