"""What each documented kind of X's events becomes."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from adapters.base import ParseError
from adapters.registry import adapter_for
from model.content import Choice, Content, Location, Referral, Shared, Unsupported
from model.inbound import (
    DeliveryReceipt,
    HandleRef,
    Ignored,
    InboundEvent,
    InboundMessage,
    MessageEchoed,
    ReadUpTo,
    Typing,
    Unreadable,
)
from model.timeline import Media
from tests.adapters.x.x_requests import ACCOUNT, CUSTOMER, FIXTURES, OURS, fixture, saying, signed

PERSON = HandleRef("social", CUSTOMER, f"x:{OURS}")
PHOTO = Media("https://ton.twitter.com/1.1/ton/data/dm/1/2/photo.jpg", "image/jpeg")
FILM = Media("https://video.twimg.com/dm_video/1/vid/640x360/a.mp4", "video/mp4")
GIF = Media("https://video.twimg.com/dm_gif/1/a.mp4", "video/mp4")
POST = Shared("post", "https://twitter.com/bluemugs/status/1089247437226975200", id="1089247437226975200")
MESSAGES: dict[str, tuple[str, tuple[Media, ...], tuple[Content, ...]]] = {
    "text": ("Hello World!", (), ()),
    "text_links": ("Is R&D <open>? https://mugs.example/blue?a=1&b=2 and https://mugs.example/red", (), ()),
    "photo": ("Look at this", (PHOTO,), ()),
    "video": ("", (FILM,), ()),
    "animated_gif": ("", (GIF,), ()),
    "location": ("I am here", (), (Location(37.771718, -122.443893),)),
    "place": ("Somewhere there", (), (Shared("place", title="San Francisco, CA"),)),
    "attachment_new": (
        "What about this",
        (),
        (Unsupported("hologram", "a kind of attachment that is not known here"),),
    ),
    "quick_reply": ("Yes, please", (), (Choice("quick_reply", "Yes, please", "deliver-yes"),)),
    "initiated": ("About your post", (), (Referral("tweet", id="123456"), Referral("welcome_message", id="456789"))),
    "shared_post": (f"What do you say? {POST.url}", (), (POST,)),
}


def parse(name: str | bytes) -> list[InboundEvent]:
    body = name if isinstance(name, bytes) else json.dumps(fixture(name)).encode()
    return adapter_for("x", "x").parse(signed(body), ACCOUNT)


@pytest.mark.parametrize("name", MESSAGES)
def test_each_kind_of_message_is_shown_as_what_it_is(name: str) -> None:
    (event,) = parse(name)
    assert isinstance(event, InboundMessage)
    assert (event.body, event.media, event.content) == MESSAGES[name]
    assert (event.handle, event.name_hint) == (PERSON, "Jordan Brinks")
    assert event.key == fixture(name)["direct_message_events"][0]["id"]
    assert event.occurred_at is not None


def test_what_our_account_said_is_an_echo_under_the_id_that_sending_gives() -> None:
    (event,) = parse("echo")
    assert isinstance(event, MessageEchoed)
    identity = fixture("echo")["direct_message_events"][0]["id"]
    assert (event.handle, event.provider_id, event.key) == (PERSON, identity, f"{identity}:echo")


def test_what_was_read_reaches_up_to_a_time_and_names_a_message() -> None:
    until = datetime.fromtimestamp(1518452444.662, UTC)
    assert parse("read") == [
        DeliveryReceipt("963085315333238788:read", "963085315333238788", "read"),
        ReadUpTo(f"read:{CUSTOMER}:963085315333238788:1518452444662", PERSON, "read", until),
    ]
    assert parse("typing") == [Typing(f"typing:{CUSTOMER}:1518127183443", PERSON)]


IGNORED = ("block", "unblock", "mute", "unmute", "follow", "unfollow", "tweet_create", "favorite", "tweet_delete")


@pytest.mark.parametrize("name", [*IGNORED, "revoke", "read_by_us"])
def test_what_is_no_message_of_a_customer_is_ignored(name: str) -> None:
    assert all(isinstance(event, Ignored) and event.reason for event in parse(name))


def test_every_fixture_is_among_these() -> None:
    others = {"echo", "read", "typing", "batch", "revoke", "read_by_us", *IGNORED}
    assert {path.stem.removeprefix("x_") for path in FIXTURES.glob("*.json")} == others | MESSAGES.keys()


def test_a_message_that_cannot_be_read_holds_up_no_other() -> None:
    whole = fixture("batch")
    whole["direct_message_events"][1]["id"] = "no number"
    events = parse(json.dumps(whole).encode())
    assert [type(event) for event in events] == [InboundMessage, Unreadable, InboundMessage]


def test_an_attachment_of_another_shape_costs_itself_alone() -> None:
    whole = fixture("photo")
    whole["direct_message_events"][0]["message_create"]["message_data"]["attachment"]["media"] = [7]
    (event,) = parse(json.dumps(whole).encode())
    assert isinstance(event, InboundMessage)
    assert isinstance(event.content[0], Unsupported)


def test_long_words_are_a_file_too() -> None:
    (event,) = parse(saying(json.dumps("x" * 17_000)))
    assert isinstance(event, InboundMessage)
    assert (len(event.body), len(event.files[0].data)) == (16_000, 17_000)


def test_a_message_between_others_is_nobodys_here() -> None:
    whole = fixture("text")
    whole["direct_message_events"][0]["message_create"]["target"]["recipient_id"] = "1"
    with pytest.raises(ParseError, match="between others"):
        parse(json.dumps(whole).encode())
