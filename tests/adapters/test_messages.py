"""What adapters make of what they read, and of what they are to send: messages of words, parts and pieces."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest

from adapters.base import AccountConfig, Outgoing, OutgoingFile, ParseError
from adapters.json_body import each_alone, meant_for, reading, settled
from adapters.messages import Kinds, Part, message_of, place, told_as
from adapters.pieces import Piece, Way, pieces_of
from adapters.receipts import States, became
from model.content import Location, Sticker, Unsupported
from model.inbound import DeliveryReceipt, HandleRef, Ignored, InboundEvent, InboundFile, Unreadable
from model.timeline import Media

WHO = HandleRef("social", "7", "x:1")
PICTURE = Media("https://files.example/1.jpg", "image/jpeg")


def test_parts_are_told_apart_whatever_their_order() -> None:
    said = message_of("1", WHO, "Look", [Sticker(), PICTURE, Location(1.0, 2.0)])
    assert (said.body, said.media, said.content) == ("Look", (PICTURE,), (Sticker(), Location(1.0, 2.0)))


def test_words_longer_than_an_entry_are_a_file_too_beside_those_that_came() -> None:
    came = InboundFile("a.txt", "text/plain", b"a")
    said = message_of("1", WHO, "x" * 16_001, files=[came])
    assert (len(said.body), [len(file.data) for file in said.files]) == (16_000, [16_001, 1])


def test_a_message_of_nothing_is_shown_as_one() -> None:
    assert message_of("1", WHO, "").content == (Unsupported("message", "of a kind that is not known here"),)


def _spot(latitude: float, longitude: float) -> tuple[Location, ...]:
    return place(latitude, longitude)


KINDS: Kinds[str] = {"sticker": lambda _: [Sticker()], "place": lambda where: _spot(*map(float, where.split()))}


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        ("text", []),
        ("sticker", [Sticker()]),
        ("place", [Unsupported("place", "why")]),
        ("hologram", [Unsupported("hologram", "why")]),
        ("", [Unsupported("nothing", "why")]),
    ],
)
def test_a_kind_that_is_unknown_or_lacks_what_it_holds_is_shown_as_that(kind: str, parts: list[Part]) -> None:
    assert told_as(kind, KINDS, "91 0", "why") == parts


@pytest.mark.parametrize(("latitude", "longitude"), [(91.0, 0.0), (0.0, -181.0), (float("nan"), 0.0), (None, 0.0)])
def test_what_lies_off_the_globe_is_no_place(latitude: float | None, longitude: float) -> None:
    assert place(latitude, longitude) == ()


def numbered(number: int) -> list[InboundEvent]:
    return [Ignored(str(number), "")]


def test_of_several_events_each_is_read_alone() -> None:
    raws = [msgspec.Raw(text) for text in (b"1", b'"x"', b"3")]
    decoder = msgspec.json.Decoder(int)
    events = settled(each_alone(raws, decoder, numbered, "events"))
    assert [type(event) for event in events] == [Ignored, Unreadable, Ignored]
    assert isinstance(events[1], Unreadable)
    assert events[1].field == "events[1]"
    with pytest.raises(ParseError, match="more than 2 events"):
        settled(each_alone(raws, decoder, numbered, "events", 2))
    with pytest.raises(ParseError):
        settled(each_alone(raws[1:2], decoder, numbered, "events"))


def test_a_reader_of_raw_json_refuses_another_kind() -> None:
    twice = reading(int, lambda number, more: number * 2 + more)
    assert twice(msgspec.Raw(b"4"), 1) == 9
    with pytest.raises(ParseError):
        twice(msgspec.Raw(b"[]"), 1)


def test_an_event_for_another_address_is_refused() -> None:
    account = AccountConfig("x-main", "x", "x", "1", ("key",), "DE", "https://desk.example.com/hooks/x-main")
    meant_for("1", account, "to")
    with pytest.raises(ParseError, match="another account's"):
        meant_for("2", account, "to")


STATES: States = {"queued": None, "arrived": "delivered", "lost": "failed"}


def test_what_became_of_a_message_is_told_without_numbers() -> None:
    assert isinstance(became("k", "m", "queued", STATES), Ignored)
    assert became("k", "m", "arrived", STATES, words="x") == DeliveryReceipt("k", "m", "delivered")
    assert became("k", "m", "lost", STATES, words="no +4915112345678") == DeliveryReceipt(
        *("k", "m", "failed", None, "no …")
    )
    with pytest.raises(ParseError):
        became("k", "m", "eaten", STATES)


MUG, FILM = (OutgoingFile("a", kind, b"12345", "https://x") for kind in ("image/jpeg", "video/mp4"))
WAYS = (Way("photo", ("image/jpeg",), 5, 3), Way("file"))


@pytest.mark.parametrize(
    ("words", "files", "pieces"),
    [
        ("Hi", (), [Piece("Hi")]),
        ("Hi", (MUG,), [Piece("Hi", MUG, "photo")]),
        ("Long", (MUG,), [Piece("", MUG, "photo"), Piece("Long")]),
        ("Hi", (FILM, MUG), [Piece("", FILM, "file"), Piece("Hi", MUG, "photo")]),
        ("", (FILM,), [Piece("", FILM, "file")]),
        ("", (), []),
    ],
)
def test_words_go_with_a_file_where_they_fit(words: str, files: tuple[OutgoingFile, ...], pieces: list[Piece]) -> None:
    assert pieces_of(Outgoing(UUID(int=1), "7", words, files=files), WAYS) == pieces


def test_a_file_too_large_for_its_way_goes_another() -> None:
    large = OutgoingFile("a", "image/jpeg", b"123456", "https://x")
    assert pieces_of(Outgoing(UUID(int=1), "7", "", files=(large,)), WAYS) == [Piece("", large, "file")]
