"""What each documented kind of Viber's callbacks becomes."""

from __future__ import annotations

import json

import pytest

from adapters.registry import adapter_for
from model.content import Card, Cards, Content, Location, Notice, Referral, Shared, Sticker, Unsupported
from model.inbound import DeliveryReceipt, HandleRef, Ignored, InboundEvent, InboundMessage
from model.timeline import Media
from tests.adapters.viber.viber_requests import ACCOUNT, CUSTOMER, FIXTURES, fixture, saying, signed

PERSON = HandleRef("social", CUSTOMER, f"viber:{ACCOUNT.address}")
CDN = "https://dl-media.viber.com/1/"
MUG = "https://mugs.example/blue?a=1"
MESSAGES: dict[str, tuple[str, tuple[Media, ...], tuple[Content, ...]]] = {
    "text": ("a message to the service ふ", (), ()),
    "picture": ("The handle came off", (Media(CDN + "picture.jpg?sig=1", "image/jpeg", name="picture.jpg"),), ()),
    "video": ("", (Media(CDN + "video.mp4", "video/mp4"),), ()),
    "file": ("", (Media(CDN + "invoice.pdf", "application/octet-stream", name="invoice.pdf", size=12345),), ()),
    "sticker": ("", (Media("https://s.viber.com/stickers/40133.png", "image/png"),), (Sticker(),)),
    "sticker_bare": ("", (), (Sticker(),)),
    "contact": ("", (), (Cards((Card("Alex", ("+972511123123",)),)),)),
    "url": (MUG, (), (Shared("link", MUG),)),
    "location": ("", (), (Location(37.7898, -122.3942),)),
    "kind_new": ("…", (), (Unsupported("telepathy", "not known here, or without what it would hold"),)),
}
UNSUBSCRIBED = Notice("Unsubscribed from the bot: Viber takes no reply until they write or subscribe again")
NOTICES: dict[str, Content] = {
    "subscribed": Notice("Subscribed to the bot"),
    "unsubscribed": UNSUBSCRIBED,
    "conversation_started_context": Referral("link", ref="poster-7"),
}
RECEIPTS = {"delivered": "delivered", "seen": "read", "failed": "failed"}
IGNORED = ("webhook", "client_status", "conversation_started")


def parse(name: str | bytes) -> InboundEvent:
    body = name if isinstance(name, bytes) else json.dumps(fixture(name)).encode()
    (event,) = adapter_for("viber", "viber").parse(signed(body), ACCOUNT)
    return event


@pytest.mark.parametrize("name", MESSAGES)
def test_each_kind_of_message_is_shown_as_what_it_is(name: str) -> None:
    event = parse(name)
    assert isinstance(event, InboundMessage)
    assert (event.body, event.media, event.content) == MESSAGES[name]
    assert (event.handle, event.name_hint, event.automatic) == (PERSON, "John McClane", False)
    assert event.key == str(fixture(name)["message_token"])


@pytest.mark.parametrize("name", NOTICES)
def test_what_was_not_said_opens_nothing(name: str) -> None:
    event = parse(name)
    assert isinstance(event, InboundMessage)
    assert (event.handle, event.content, event.automatic) == (PERSON, (NOTICES[name],), True)


@pytest.mark.parametrize("name", RECEIPTS)
def test_receipts_name_the_message_by_its_token(name: str) -> None:
    event, token = parse(name), str(fixture(name)["message_token"])
    assert isinstance(event, DeliveryReceipt)
    assert (event.key, event.provider_id, event.status) == (f"{token}:{name}", token, RECEIPTS[name])
    assert event.error == ("failure description" if name == "failed" else None)


@pytest.mark.parametrize("name", IGNORED)
def test_what_says_nothing_is_ignored(name: str) -> None:
    assert isinstance(parse(name), Ignored)


def test_every_fixture_is_among_these() -> None:
    known = {*MESSAGES, *NOTICES, *RECEIPTS, *IGNORED}
    assert {path.stem.removeprefix("viber_") for path in FIXTURES.glob("*.json")} == known


@pytest.mark.parametrize("media", ["javascript:alert(1)", "file:///etc/passwd", ""])
def test_what_is_no_address_of_the_web_is_no_medium(media: str) -> None:
    for name in ("picture", "url"):
        whole = fixture(name)
        whole["message"]["media"] = media
        event = parse(json.dumps(whole).encode())
        assert isinstance(event, InboundMessage)
        assert not event.media
        assert isinstance(event.content[0], Unsupported)


def test_a_place_off_the_globe_is_none() -> None:
    whole = fixture("location")
    whole["message"]["location"]["lat"] = 91
    event = parse(json.dumps(whole).encode())
    assert isinstance(event, InboundMessage)
    assert isinstance(event.content[0], Unsupported)


def test_long_words_are_a_file_too() -> None:
    event = parse(saying(json.dumps("x" * 17_000)))
    assert isinstance(event, InboundMessage)
    assert (len(event.body), len(event.files[0].data)) == (16_000, 17_000)
