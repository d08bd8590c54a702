"""What each documented kind of Slack's events becomes."""

from __future__ import annotations

import pytest

from adapters.registry import adapter_for
from adapters.slack.slack import plain
from model.content import Choice, Content, Shared, Unsupported, VoiceNote
from model.inbound import (
    HandleRef,
    Ignored,
    InboundEvent,
    InboundMessage,
    MessageEdited,
    MessageReacted,
    MessageUnsent,
)
from model.timeline import Media
from tests.adapters.slack.slack_requests import (
    ACCOUNT,
    APP,
    CUSTOMER,
    DIRECT,
    FIXTURES,
    Harness,
    changed,
    fixture,
    signed,
)

SCOPE = f"slack:{APP}"
PERSON = HandleRef("social", CUSTOMER, SCOPE)
FILES = "https://files.slack.com/"
MESSAGES: dict[str, tuple[str, tuple[Media, ...], tuple[Content, ...]]] = {
    "text": (
        "Does R&D open on Sunday? See our page (https://mugs.example/a?b=1&c=2), @U2147483698 or a@b.example",
        (),
        (),
    ),
    "file_share": (
        "The handle came off",
        (Media(FILES + "files-pri/T1-F1/download/mug.png", "image/png", None, "mug.png", 2048),),
        (Shared("file", "https://docs.google.com/document/d/1", "Plan"),),
    ),
    "voice": (
        "",
        (Media(FILES + "files-tmb/T1-F2/audio.mp4", "audio/mp4", None, "audio_message.m4a", 2048),),
        (VoiceNote(),),
    ),
    "file_unchecked": ("", (), (Unsupported("file", "Slack gives no address"),)),
    "me_message": ("is waiting", (), ()),
    "thread": ("In a thread", (), ()),
    "thread_broadcast": ("To all", (), ()),
    "shared_message": (
        "Look at this",
        (),
        (Shared("message", "https://x.slack.com/archives/C1/p1", "The mugs are broken"),),
    ),
    "subtype_new": ("…", (), (Unsupported("telepathy", "not known here"),)),
    "block_actions_button": ("Yes, please", (), (Choice("button", "Yes, please", "deliver-yes"),)),
    "block_actions_list": ("Blue mug", (), (Choice("list", "Blue mug", "sku-7"),)),
}
ELSEWHERE = {
    "app_mention": ("is anybody there?", "C024BE91L", "U2147483700"),
    "shared_channel": ("From another company", "C0SHARED1", "U9OTHER001"),
    "mpim": ("Three of us", "G024BE91L", "U2147483701"),
}
CHANGES = ("message_changed", "message_deleted", "message_tombstone")
REACTIONS = {"reaction_added": "👍", "reaction_custom": ":party-parrot:", "reaction_removed": None}
IGNORED = (
    *("message_unfurled", "message_changed_bot", "bot_message", "ours", "channel_join", "shared_channel_ours"),
    *("reaction_file", "app_home_opened", "team_join", "tokens_revoked", "url_verification", "app_rate_limited"),
    "view_submission",
)


def parse(name: str | bytes) -> InboundEvent:
    body = name if isinstance(name, bytes) else next(FIXTURES.glob(f"slack_{name}.*")).read_bytes()
    (event,) = adapter_for("slack", "slack").parse(signed(body), ACCOUNT)
    return event


@pytest.mark.parametrize("name", MESSAGES)
def test_each_kind_of_message_in_a_direct_chat_is_shown_as_what_it_is(name: str) -> None:
    event = parse(name)
    assert isinstance(event, InboundMessage)
    assert (event.body, event.media, event.content) == MESSAGES[name]
    assert (event.handle, event.also) == (PERSON, ())
    assert event.key.startswith(f"{DIRECT}:")
    assert event.in_reply_to == (f"{DIRECT}:1781000000.000001" if name.startswith("thread") else None)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_message_elsewhere_is_answered_there_and_is_the_same_persons(name: str) -> None:
    event, (body, channel, user) = parse(name), ELSEWHERE[name]
    assert isinstance(event, InboundMessage)
    assert (event.body, event.key) == (body, f"{channel}:{fixture(name)['event']['ts']}")
    assert event.handle == HandleRef("social", user, f"{SCOPE}:{channel}", channel)
    assert event.also == (HandleRef("social", user, SCOPE),)
    assert event.name_hint == ("ana" if name == "shared_channel" else None)


def test_a_mention_and_the_message_it_stands_in_are_one() -> None:
    mention, message = parse("app_mention"), parse(changed("app_mention", type="message", channel_type="channel"))
    assert mention == message


def test_edits_and_what_was_taken_back_name_the_message() -> None:
    edited, *gone = (parse(name) for name in CHANGES)
    ts = fixture("message_changed")["event"]["message"]["ts"]
    assert isinstance(edited, MessageEdited)
    assert (edited.handle, edited.target, edited.body) == (PERSON, f"{DIRECT}:{ts}", "Hello")
    assert edited.key != edited.target
    assert all(isinstance(each, MessageUnsent) and each.handle == PERSON for each in gone)
    assert [each.target for each in gone if isinstance(each, MessageUnsent)] == [
        f"{DIRECT}:{ts}",
        f"{DIRECT}:1781000007.000077",
    ]


def test_reactions_are_put_on_and_taken_back() -> None:
    for name, emoji in REACTIONS.items():
        event = parse(name)
        assert isinstance(event, MessageReacted)
        assert (event.handle, event.target, event.emoji) == (PERSON, f"{DIRECT}:1781000060.000100", emoji)


@pytest.mark.parametrize("name", IGNORED)
def test_what_no_customer_said_is_ignored(name: str) -> None:
    event = parse(name)
    assert isinstance(event, Ignored)
    assert event.reason


def test_every_fixture_is_among_these() -> None:
    known = {*MESSAGES, *ELSEWHERE, *CHANGES, *REACTIONS, *IGNORED}
    assert {name.removeprefix("slack_") for name in Harness().kinds()} == known


def test_the_address_is_configured_by_saying_the_challenge() -> None:
    slack, request = adapter_for("slack", "slack"), signed(Harness().requests()["slack_url_verification"].body)
    assert slack.answer(request, ACCOUNT).body == b"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"
    said = changed(text='"url_verification" "challenge": "mine"')
    assert slack.answer(signed(said), ACCOUNT).body == b""


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("<@U1|ana> in <#C1|general>, <!here>, <!subteam^S1|@team>", "@ana in #general, @here, @team"),
        ("<https://a.example>", "https://a.example"),
        ("<tel:+15105550100|+15105550100> &amp;lt;", "+15105550100 &lt;"),
        ("a < b <", "a < b <"),
        ("<" * 20_000, "<" * 20_000),
    ],
)
def test_marks_are_made_plain(marked: str, expected: str) -> None:
    assert plain(marked) == expected
