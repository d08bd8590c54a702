"""What LINE's fixtures are read as."""

from __future__ import annotations

import json

import pytest

from adapters.base import ParseError
from adapters.registry import adapter_for
from model.content import Choice, Content, Location, Sticker, Unsupported
from model.inbound import ConsentChange, HandleRef, Ignored, InboundEvent, InboundMessage, MessageUnsent, Unreadable
from model.timeline import Media
from tests.adapters.line.line_requests import ACCOUNT, CUSTOMER, FIXTURES, fixture, saying, signed

PERSON = HandleRef("social", CUSTOMER, f"line:{ACCOUNT.address}")
TOKYO = Location(35.65910807942215, 139.70372892916203, "my location", "Tokyo")
MESSAGES: dict[str, tuple[str, tuple[str, ...], tuple[Content, ...]]] = {
    "text": ("Hello, world", (), ()),
    "text_emoji": ("Good (love) morning", (), ()),
    "text_mention": ("@All Good Morning!!", (), ()),
    "text_quote": ("This one", (), ()),
    "image": ("", ("image/jpeg",), ()),
    "image_set": ("", ("image/jpeg",), ()),
    "image_external": ("", ("image/jpeg",), ()),
    "video": ("", ("video/mp4",), ()),
    "audio": ("", ("audio/mp4",), ()),
    "file": ("", ("application/octet-stream",), ()),
    "location": ("", (), (TOKYO,)),
    "sticker": ("", (), (Sticker(),)),
    "new_kind": ("", (), (Unsupported("hologram"),)),
    "postback": ("storeId=12345", (), (Choice("postback", "storeId=12345", "storeId=12345"),)),
    "redelivery": ("Once more", (), ()),
}
IGNORED = (
    *("accountlink", "beacon", "membership", "videoplaycomplete", "group_text", "join", "leave", "standby", "verify"),
)
OTHERS = ("unsend", "follow", "unfollow", "several")


def read(name: str | bytes) -> list[InboundEvent]:
    body = name if isinstance(name, bytes) else json.dumps(fixture(name)).encode()
    return adapter_for("line", "line").parse(signed(body), ACCOUNT)


@pytest.mark.parametrize("name", MESSAGES)
def test_each_kind_of_message_is_shown_as_what_it_is(name: str) -> None:
    (event,) = read(name)
    assert isinstance(event, InboundMessage)
    kinds = tuple(medium.content_type for medium in event.media)
    assert (event.body, kinds, event.content) == MESSAGES[name]
    assert (event.handle, event.key) == (PERSON, fixture(name)["events"][0]["webhookEventId"])


def test_what_is_answered_and_where_files_are() -> None:
    (quoting,), (own,), (outside,), (file,) = (
        read(f"{name}") for name in ("text_quote", "image", "image_external", "file")
    )
    assert isinstance(quoting, InboundMessage)
    assert quoting.in_reply_to == "468354670876500001"
    assert isinstance(own, InboundMessage)
    assert own.media == (Media(f"line:{own.provider_id}", "image/jpeg"),)
    assert isinstance(outside, InboundMessage)
    assert outside.media[0].url == "https://example.com/mug.jpg"
    assert isinstance(file, InboundMessage)
    assert (file.media[0].name, file.media[0].size) == ("invoice.pdf", 2138)


@pytest.mark.parametrize("name", IGNORED)
def test_what_says_nothing_to_us_is_ignored(name: str) -> None:
    assert [type(event) for event in read(name)] == [Ignored]


def test_taken_back_followed_and_blocked() -> None:
    (unsent,), (followed,), (blocked,) = (read(name) for name in ("unsend", "follow", "unfollow"))
    assert isinstance(unsent, MessageUnsent)
    assert (unsent.handle, unsent.target) == (PERSON, "468354670876500001")
    assert isinstance(followed, ConsentChange)
    assert isinstance(blocked, ConsentChange)
    assert (followed.opted_out, blocked.opted_out) == (False, True)


def test_one_event_that_cannot_be_read_costs_the_others_nothing() -> None:
    both = fixture("several")
    assert [event.body for event in read("several") if isinstance(event, InboundMessage)] == ["One", "Two"]
    both["events"][0]["message"]["text"] = 7
    first, second = read(json.dumps(both).encode())
    assert isinstance(first, Unreadable)
    assert first.field == "events[0].message.text"
    assert isinstance(second, InboundMessage)


def test_a_delivery_for_another_account_is_a_letter() -> None:
    with pytest.raises(ParseError, match="another account's"):
        read(json.dumps(fixture("text") | {"destination": "U0000000000000000000000000000bot2"}).encode())


def test_long_words_are_a_file_too() -> None:
    (event,) = read(saying(json.dumps("x" * 17_000)))
    assert isinstance(event, InboundMessage)
    assert (len(event.body), len(event.files[0].data)) == (16_000, 17_000)


def test_every_fixture_is_among_these() -> None:
    known = {*MESSAGES, *IGNORED, *OTHERS}
    assert {path.stem.removeprefix("line_") for path in FIXTURES.glob("*.json")} == known
