"""What Telegram's fixtures are read as."""

from __future__ import annotations

import json

import pytest

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
    Referral,
    Sticker,
    Story,
    Unsupported,
    VoiceNote,
)
from model.inbound import (
    ConsentChange,
    HandleRef,
    Ignored,
    InboundEvent,
    InboundMessage,
    MessageEdited,
    MessageReacted,
)
from model.timeline import Media
from tests.adapters.telegram.telegram_requests import ACCOUNT, CUSTOMER, FIXTURES, fixture, saying, signed

PERSON = HandleRef("social", CUSTOMER, f"telegram:{ACCOUNT.address}")
UNKNOWN = Unsupported("message", "of a kind that is not known here")
SHOP = Location(52.379112, 4.900384, "Mug shop", "Damrak 1")
Files = tuple[Media, ...]


def file(id_: str, kind: str, name: str | None = None, size: int = 1234) -> Files:
    return (Media(f"telegram:{id_}", kind, None, name, size),)


MESSAGES: dict[str, tuple[str, Files, tuple[Content, ...]]] = {
    "text": ("Where is my parcel?", (), ()),
    "start": ("/start poster7", (), (Referral("link", ref="poster7"),)),
    "web_app_data": ("", (), (Form("Choose a mug", {"data": '{"mug":"blue"}'}),)),
    "payment": ("", (), (Unsupported("successful_payment"),)),
    "users_shared": ("", (), (Unsupported("users_shared"),)),
    "sticker_video": ("", file("CAACAgIAAxkBfilm", "video/webm"), (Sticker(True),)),
    "reply": ("This one", (), ()),
    "forward": ("Passed on", (), (Forwarded(),)),
    "photo": ("Look", file("AgACAgIAAxkBlarge", "image/jpeg", size=90000), ()),
    "voice": ("", file("AwACAgIAAxkBvoice", "audio/ogg"), (VoiceNote(),)),
    "audio": ("", file("CQACAgIAAxkBaudio", "audio/mpeg", "song.mp3"), ()),
    "video": ("See", file("BAACAgIAAxkBvideo", "video/mp4"), ()),
    "video_note": ("", file("DQACAgIAAxkBnote", "video/mp4"), ()),
    "animation": ("", file("CgACAgIAAxkBgif", "video/mp4"), ()),
    "document": ("The bill", file("BQACAgIAAxkBdoc", "application/pdf", "invoice.pdf"), ()),
    "sticker": ("", file("CAACAgIAAxkBsticker", "image/webp"), (Sticker(),)),
    "sticker_animated": ("", file("CAACAgIAAxkBmoves", "application/x-tgsticker"), (Sticker(True),)),
    "contact": ("", (), (Cards((Card("Alex Roe", ("+491701234567",)),)),)),
    "location": ("", (), (Location(52.379112, 4.900384),)),
    "venue": ("", (), (SHOP,)),
    "dice": ("", (), (Notice("Threw 🎲: 4"),)),
    "poll": ("", (), (Unsupported("poll", "Blue or green?"),)),
    "story": ("", (), (Story("mention"),)),
    "new_kind": ("", (), (UNKNOWN,)),
    "button": ("blue", (), (Choice("button", "blue", "blue"),)),
}
IGNORED = (
    *("pinned", "inline_button", "group_text", "group_edited", "group_joined", "group_reaction"),
    *("channel_post", "inline_query"),
)
CHANGES = ("edited", "reaction", "reaction_removed", "blocked", "unblocked")


def read(name: str | bytes) -> InboundEvent:
    body = name if isinstance(name, bytes) else json.dumps(fixture(name)).encode()
    (event,) = adapter_for("telegram", "telegram").parse(signed(body), ACCOUNT)
    return event


@pytest.mark.parametrize("name", MESSAGES)
def test_each_kind_of_message_is_shown_as_what_it_is(name: str) -> None:
    event = read(name)
    assert isinstance(event, InboundMessage)
    assert (event.body, event.media, event.content) == MESSAGES[name]
    update = fixture(name)
    last = f"{CUSTOMER}:{update['message']['message_id']}" if "message" in update else update["callback_query"]["id"]
    assert (event.handle, event.key) == (PERSON, f"{update['update_id']}:{last}")


def test_a_message_is_named_by_its_chat_and_number_and_so_is_what_it_answers() -> None:
    event = read("reply")
    assert isinstance(event, InboundMessage)
    number = fixture("reply")["message"]["message_id"]
    assert (event.provider_id, event.in_reply_to) == (f"{CUSTOMER}:{number}", f"{CUSTOMER}:7")
    assert event.name_hint == "Maya Ito"


@pytest.mark.parametrize("name", IGNORED)
def test_what_is_not_said_to_us_is_ignored(name: str) -> None:
    assert isinstance(read(name), Ignored)


def test_changed_reacted_blocked() -> None:
    edited, reacted, taken_back, blocked, unblocked = map(read, CHANGES)
    assert isinstance(edited, MessageEdited)
    assert (edited.target, edited.body) == (f"{CUSTOMER}:1001", "Where are my parcels?")
    assert isinstance(reacted, MessageReacted)
    assert isinstance(taken_back, MessageReacted)
    assert (reacted.target, reacted.emoji, taken_back.emoji) == (f"{CUSTOMER}:1001", "👍", None)
    assert isinstance(blocked, ConsentChange)
    assert isinstance(unblocked, ConsentChange)
    assert (blocked.opted_out, unblocked.opted_out) == (True, False)


def test_a_pressed_button_is_answered_and_nothing_else_is() -> None:
    telegram = adapter_for("telegram", "telegram")
    bodies = (json.dumps(fixture("text")).encode(), b"no JSON", json.dumps(fixture("button")).encode())
    said, unreadable, taken = (telegram.answer(signed(body), ACCOUNT).body for body in bodies)
    assert (said, unreadable) == (b"", b"")
    pressed = fixture("button")["callback_query"]["id"]
    assert json.loads(taken) == {"method": "answerCallbackQuery", "callback_query_id": pressed}


def test_of_a_pictures_sizes_the_largest_is_taken_also_where_none_is_told_in_bytes() -> None:
    update = fixture("photo")
    for size in update["message"]["photo"]:
        del size["file_size"]
    event = read(json.dumps(update).encode())
    assert isinstance(event, InboundMessage)
    assert event.media[0].url == "telegram:AgACAgIAAxkBlarge"


def test_a_field_of_nothing_is_none() -> None:
    update = fixture("text")
    update["message"] |= {"venue": None, "voice": None, "contact": None}
    assert read(json.dumps(update).encode()) == read("text")


def test_an_update_whose_number_comes_again_is_another_message() -> None:
    update = fixture("text")
    update["message"]["message_id"] += 1
    assert read(json.dumps(update).encode()) != read("text")
    assert getattr(read(json.dumps(update).encode()), "key", "") != getattr(read("text"), "key", "")


def test_long_words_are_a_file_too() -> None:
    event = read(saying(json.dumps("x" * 17_000)))
    assert isinstance(event, InboundMessage)
    assert (len(event.body), len(event.files[0].data)) == (16_000, 17_000)


def test_every_fixture_is_among_these() -> None:
    known = {*MESSAGES, *IGNORED, *CHANGES}
    assert {path.stem.removeprefix("telegram_") for path in FIXTURES.glob("*.json")} == known
