"""Replies by the chats: what each outcome is called, that nothing is sent twice, and what is told of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from uuid import uuid4

import httpx2
import pytest
from msgspec.structs import replace

from adapters.base import Busy, OutgoingFile, Refused, SendOutcome, Sent, Unknown
from adapters.http_adapter import HttpAdapter
from adapters.media import FetchesMedia, MediaClient, MediaFile, MediaRefused
from adapters.registry import adapter_for
from model.inbound import DeliveryReceipt, Ignored, InboundMessage, MessageEchoed, ReadUpTo, Typing
from tests.adapters.social_world import ACCOUNTS, World, running

CHANNELS = tuple(ACCOUNTS)
PICTURE = OutgoingFile("mug.jpg", "image/jpeg", b"\xff\xd8 mug", "https://desk.example.com/files/1?signed")
LETTER = OutgoingFile("a.pdf", "application/pdf", b"%PDF", "https://desk.example.com/files/2?signed")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("social")) as started:
        yield started


@pytest.fixture
def who(world: World) -> str:
    """A customer nobody has talked with, and no event of another's."""
    while not world.events.empty():
        world.events.get()
    return str(uuid4().int)[:16]


async def test_a_reply_on_x_is_echoed_and_read(world: World, who: str) -> None:
    outcome = await world.send("x", who)
    assert isinstance(outcome, Sent)
    (line,) = await world.sent(who)
    assert (line["id"], line["body"]) == (outcome.provider_id, 'Über 50 % & "mehr" <3 😀')
    echo, read, up_to = [await world.next() for _ in range(3)]
    assert isinstance(echo, MessageEchoed)
    assert (echo.provider_id, echo.body, echo.handle.value) == (outcome.provider_id, line["body"], who)
    assert isinstance(read, DeliveryReceipt)
    assert (read.provider_id, read.status) == (outcome.provider_id, "read")
    assert isinstance(up_to, ReadUpTo)


@pytest.mark.parametrize(("mode", "states"), [("none", ["delivered", "read"]), ("fail_delivery", ["failed"])])
async def test_a_reply_on_viber_is_told_of_by_its_token(world: World, who: str, mode: str, states: list[str]) -> None:
    await world.control("misbehave", "viber", mode=mode, count=1)
    outcome = await world.send("viber", who)
    assert isinstance(outcome, Sent)
    receipts = [await world.next() for _ in states]
    assert [each.status for each in receipts if isinstance(each, DeliveryReceipt)] == states
    assert {each.provider_id for each in receipts if isinstance(each, DeliveryReceipt)} == {outcome.provider_id}
    assert len(await world.sent(who)) == 1


async def test_a_reply_on_slack_lands_in_the_direct_chat_and_is_no_message_of_a_customer(
    world: World, who: str
) -> None:
    outcome = await world.send("slack", who)
    assert isinstance(outcome, Sent)
    assert outcome.provider_id.startswith(f"D{who}:")
    (line,) = await world.sent(who)
    assert (line["id"], line["body"]) == (outcome.provider_id, 'Über 50 % & "mehr" <3 😀')
    assert isinstance(await world.next(), Ignored)
    answer = await world.send("slack", who, in_reply_to=f"D{who}:17.5")
    elsewhere = await world.send("slack", "C0GENERAL", in_reply_to=f"D{who}:17.5")
    assert isinstance(answer, Sent)
    assert isinstance(elsewhere, Sent)
    assert (await world.sent(who))[-1]["thread"] == "17.5"
    assert "thread" not in (await world.sent("C0GENERAL"))[-1]


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(("mode", "retry_after"), [("429", 7), ("500", None)])
async def test_a_busy_provider_took_nothing_and_is_not_asked_again(
    world: World, who: str, channel: str, mode: str, retry_after: int | None
) -> None:
    await world.control("misbehave", channel, mode=mode, retry_after=retry_after, count=1)
    outcome = await world.send(channel, who)
    assert isinstance(outcome, Busy)
    assert outcome.retry_after_seconds == (None if channel == "viber" else retry_after)  # Viber says it in a 200
    assert await world.sent(who) == []
    assert isinstance(await world.send(channel, who), Sent)


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(
    ("mode", "taken", "timeout"), [("hang", 0, 1.0), ("reset_before", 0, 20.0), ("reset_after_accept", 1, 20.0)]
)
async def test_a_request_without_an_answer_may_or_may_not_have_been_taken(
    world: World, who: str, channel: str, mode: str, taken: int, timeout: float
) -> None:
    await world.control("misbehave", channel, mode=mode, count=1)
    # LINE takes a key by which another attempt is the same message.
    assert isinstance(await world.send(channel, who, timeout=timeout), Busy if channel == "line" else Unknown)
    assert len(await world.sent(who)) == taken


@pytest.mark.parametrize("channel", CHANNELS)
async def test_wrong_credentials_are_refused_until_somebody_mends_them(world: World, who: str, channel: str) -> None:
    account = world.accounts[channel]
    wrong = {name: "wrong" for name in account.settings if name not in ("api_base", "sender_name")}
    outcome = await world.send(
        channel, who, account=replace(account, secrets=("wrong",), settings=account.settings | wrong)
    )
    assert isinstance(outcome, Refused)
    assert outcome.retryable
    missing = await world.send(channel, who, account=replace(account, settings={"api_base": world.url}))
    assert isinstance(missing, Refused)
    assert "settings." in missing.error


@pytest.mark.parametrize(("channel", "kind"), [("x", "block"), ("viber", "unsubscribed"), ("slack", "archive")])
async def test_whoever_takes_no_messages_is_named_in_the_providers_words(
    world: World, who: str, channel: str, kind: str
) -> None:
    await world.control("inbound", channel, kind=kind, **{"from": who})
    outcome = await world.send(channel, who)
    assert isinstance(outcome, Refused)
    words = {"x": "participants", "viber": "receiverNotSubscribed", "slack": "is_archived"}
    assert words[channel] in outcome.error
    assert await world.sent(who) == []


@pytest.mark.parametrize("channel", ["x", "slack"])
async def test_files_are_refused_where_none_are_taken(world: World, who: str, channel: str) -> None:
    assert isinstance(await world.send(channel, who, files=(PICTURE,)), Refused)
    assert await world.sent(who) == []


async def test_viber_shows_a_picture_with_its_words_and_other_files_before_them(world: World, who: str) -> None:
    assert isinstance(await world.send("viber", who, "Look", (PICTURE,)), Sent)
    assert isinstance(await world.send("viber", who, "x" * 121, (PICTURE,)), Sent)
    outcome = await world.send("viber", who, "Read", (LETTER,))
    assert isinstance(outcome, Sent)
    assert isinstance(await world.send("viber", who, "", (LETTER, LETTER)), Refused)
    lines = await world.sent(who)
    assert [line["type"] for line in lines] == ["picture", "picture", "text", "file", "text"]
    assert (lines[0]["body"], lines[0]["media_url"]) == ("Look", PICTURE.url)
    assert outcome.provider_id == lines[-1]["id"]


@pytest.mark.parametrize("channel", CHANNELS)
async def test_customers_write_and_the_address_is_proved(world: World, who: str, channel: str) -> None:
    identity = {"slack": "1781000000.000100"}.get(channel, "963085315333238788")
    assert (await world.control("inbound", channel, id=identity, body="Hallo <ü> & Co", **{"from": who}))[
        "status"
    ] == 200
    message = await world.next()
    assert isinstance(message, InboundMessage)
    assert (message.body, message.handle.value) == ("Hallo <ü> & Co", who)
    assert identity in message.key.split(":")
    if channel != "telegram":  # which asks nothing
        proved = await world.control("inbound", channel, kind="verify", token="token-17", **{"from": who})
        assert proved["status"] == 200
        assert proved["body"].startswith({"x": '{"response_token":"sha256=', "slack": "token-17"}.get(channel, ""))
    if channel == "x":
        await world.control("inbound", channel, kind="typing", **{"from": who})
        assert isinstance(await world.next(), Typing)


@pytest.mark.parametrize("channel", ["x", "slack"])
async def test_a_file_is_handed_out_to_whom_it_was_sent_and_to_nobody_else(
    world: World, who: str, channel: str
) -> None:
    medium = {"content_type": "image/png", "data": "aGVsbG8="}
    await world.control("inbound", channel, media=[medium], body="Look", **{"from": who})
    message = await world.next()
    assert isinstance(message, InboundMessage)
    adapter, account = adapter_for(channel, channel), world.accounts[channel]
    assert isinstance(adapter, FetchesMedia)
    client = MediaClient(private_hosts=[world.url.removeprefix("http://")])
    got = await adapter.fetch_media(account, message.media[0], client)
    nobody = replace(account, secrets=("wrong",), settings=account.settings | {"bot_token": "wrong"})
    refused = await adapter.fetch_media(nobody, message.media[0], client)
    await client.aclose()
    assert isinstance(got, MediaFile)
    assert (got.data, got.content_type) == (b"hello", "image/png")
    assert isinstance(refused, MediaRefused)


OK = {"ok": True}
MEANINGS: list[tuple[str, object, SendOutcome | type[SendOutcome] | None]] = [
    ("x", {"data": {"dm_event_id": "17"}}, Sent("17", "sent")),
    ("x", {"data": {}}, None),
    ("viber", {"status": 0, "message_token": 4912661846655238145}, Sent("4912661846655238145", "sent")),
    ("viber", {"status": 0}, None),
    ("viber", {"status": 12, "status_message": "tooManyRequests"}, Busy(None, "Viber 12: tooManyRequests")),
    ("viber", {"status": 10, "status_message": "webhookNotSet"}, Refused("Viber 10: webhookNotSet", retryable=True)),
    ("viber", {"status": 99}, Refused("Viber 99: ")),
    ("slack", OK | {"channel": "D1", "ts": "17.5"}, Sent("D1:17.5", "sent")),
    ("slack", OK, None),
    ("slack", {"ok": False, "error": "ratelimited"}, Busy(None, "Slack: ratelimited")),
    ("slack", {"ok": False, "error": "fatal_error"}, Unknown),
    ("slack", {"ok": False, "error": "channel_not_found"}, Refused("Slack: channel_not_found")),
    ("slack", {"ok": False, "error": "token_revoked"}, Refused("Slack: token_revoked", retryable=True)),
    ("slack", "<html>", None),
]


@pytest.mark.parametrize(("channel", "body", "meaning"), MEANINGS)
def test_every_2xx_has_its_meaning(channel: str, body: object, meaning: SendOutcome | type[SendOutcome] | None) -> None:
    adapter = adapter_for(channel, channel)
    assert isinstance(adapter, HttpAdapter)
    outcome = adapter.accepted(httpx2.Response(200, content=json.dumps(body).encode()))
    assert isinstance(outcome, meaning) if isinstance(meaning, type) else outcome == meaning


async def test_line_takes_a_reply_once_however_often_it_is_pushed(world: World, who: str) -> None:
    entry = uuid4()
    outcomes = [await world.send("line", who, "Once", (PICTURE,), id=entry) for _ in range(2)]
    assert isinstance(outcomes[0], Sent)
    assert outcomes[0] == outcomes[1]
    (line,) = await world.sent(who)
    assert (line["id"], line["body"], line["media"]) == (outcomes[0].provider_id, "Once", [PICTURE.url])


async def test_line_counts_an_emoji_as_two(world: World, who: str) -> None:
    assert isinstance(await world.send("line", who, "😀" * 2500), Sent)
    outcome = await world.send("line", who, "😀" * 2501)
    assert isinstance(outcome, Refused)
    assert "as LINE counts" in outcome.error
    assert len(await world.sent(who)) == 1


async def test_telegram_sends_a_file_with_its_words_and_answers_a_message(world: World, who: str) -> None:
    outcome = await world.send("telegram", who, "Look", (PICTURE,), f"{who}:7")
    assert isinstance(outcome, Sent)
    assert isinstance(await world.send("telegram", who, "x" * 1025, (LETTER,)), Sent)
    assert isinstance(await world.send("telegram", who, "Plain", in_reply_to=f"{who}:8"), Sent)
    shown = [(line["type"], line["body"][:5], line["files"]) for line in await world.sent(who)]
    assert shown == [
        *(("sendPhoto", "Look", ["photo"]), ("sendDocument", "", ["document"])),
        *(("sendMessage", "xxxxx", []), ("sendMessage", "Plain", [])),
    ]
    assert (await world.sent(who))[0]["id"] == outcome.provider_id
    assert (await world.sent(who))[-1]["answers"]["message_id"] == 8
    two = await world.send("telegram", who, "Both", (PICTURE, LETTER))
    assert isinstance(two, Refused)


@pytest.mark.parametrize("channel", ["line", "telegram"])
async def test_a_file_of_a_customer_is_fetched_with_our_token_and_with_no_other(
    world: World, who: str, channel: str
) -> None:
    medium = {"content_type": "image/jpeg", "data": "/9j/"}
    await world.control("inbound", channel, media=[medium], body="Look", **{"from": who})
    event = await world.next()
    assert isinstance(event, InboundMessage)
    adapter = adapter_for(channel, channel)
    assert isinstance(adapter, FetchesMedia)
    account = replace(
        world.accounts[channel],
        settings=world.accounts[channel].settings | ({"data_base": world.url} if channel == "line" else {}),
    )
    client = MediaClient([world.url.removeprefix("http://")])
    fetched = await adapter.fetch_media(account, event.media[0], client)
    assert isinstance(fetched, MediaFile)
    assert fetched.data == b"\xff\xd8\xff"
    name = "access_token" if channel == "line" else "bot_token"
    denied = await adapter.fetch_media(
        replace(account, settings=account.settings | {name: "wrong"}), event.media[0], client
    )
    assert isinstance(denied, MediaRefused)


async def test_whoever_blocked_the_bot_on_telegram_is_named(world: World, who: str) -> None:
    await world.control("inbound", "telegram", kind="block", **{"from": who})
    outcome = await world.send("telegram", who)
    assert isinstance(outcome, Refused)
    assert not outcome.retryable
    assert "blocked by the user" in outcome.error


@pytest.mark.parametrize(
    ("status", "words", "outcome"),
    [
        (
            429,
            "You have reached your monthly limit.",
            Refused("LINE: You have reached your monthly limit.", retryable=True),
        ),
        (429, "Too many requests", Busy(None, "LINE: Too many requests")),
        (400, "The property, 'to', is invalid", Refused("LINE: The property, 'to', is invalid")),
    ],
)
async def test_a_months_messages_used_up_on_line_is_nothing_to_wait_for(
    status: int, words: str, outcome: SendOutcome
) -> None:
    line = adapter_for("line", "line")
    assert isinstance(line, HttpAdapter)
    assert line.failed(httpx2.Response(status, json={"message": words}), repeatable=True) == outcome
