"""Sending by Meta's Graph API: what each outcome is called on each channel, and that nothing is sent twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import pytest
from msgspec.structs import replace

from adapters.base import Busy, Outgoing, OutgoingFile, Refused, SendOutcome, Sent, Unknown
from adapters.registry import adapter_for
from model.content import Template
from model.inbound import DeliveryReceipt, InboundMessage, MessageEchoed, ReadUpTo, Unreadable
from tests.adapters.meta_signing import ACCESS_TOKEN, SECRET
from tests.adapters.meta_world import ACCOUNTS, CUSTOMERS, MetaWorld

ENTRY = UUID("0197b6c2-5c3f-7c1e-8a4b-0123456789ab")
LONG_SECONDS = 60.0
CHANNELS = ("whatsapp", "messenger", "instagram")
PICTURE = OutgoingFile("mug.png", "image/png", b"\x89PNG mug", "https://files.example/mug.png?signed")


def reply(channel: str, body: str = 'Über 50 % & "mehr" 😀', **more: object) -> Outgoing:
    return Outgoing(id=ENTRY, to=CUSTOMERS[channel], body=body, **more)  # type: ignore[arg-type]


async def send(meta: MetaWorld, outgoing: Outgoing, channel: str, timeout: float = LONG_SECONDS) -> SendOutcome:
    return await meta.adapter(channel).send(meta.accounts[channel], outgoing, timeout)


@pytest.mark.parametrize("channel", CHANNELS)
async def test_a_message_taken_is_sent_once_and_its_receipts_come_back(channel: str, meta: MetaWorld) -> None:
    outcome = await send(meta, reply(channel, in_reply_to="m_1"), channel)
    assert isinstance(outcome, Sent)
    (line,) = await meta.sent()
    assert (line["id"], line["to"], line["body"]) == (
        outcome.provider_id,
        CUSTOMERS[channel].lstrip("+"),
        reply(channel).body,
    )
    assert line["in_reply_to"] == "m_1"
    assert "tag" not in line
    first = await meta.next()
    if channel == "instagram":
        assert isinstance(first, MessageEchoed)
        assert first.provider_id == outcome.provider_id
    else:
        assert isinstance(first, DeliveryReceipt)
        assert (first.status, first.outbound_id, first.provider_id) == ("sent", ENTRY, outcome.provider_id)
    later = [await meta.next() for _ in range({"whatsapp": 2, "messenger": 3, "instagram": 1}[channel])]
    last = later[-1]
    assert isinstance(last, DeliveryReceipt | ReadUpTo)
    assert last.status == "read"


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("mode", ["duplicate_callbacks", "reorder_callbacks"])
async def test_broken_callbacks_stay_one_event_each(mode: str, channel: str, meta: MetaWorld) -> None:
    await meta.control("misbehave", mode=mode)
    meta.answers = [500]
    assert isinstance(await send(meta, reply(channel), channel), Sent)
    events = {"whatsapp": 3, "messenger": 4, "instagram": 2}[channel]
    taken = [await meta.next() for _ in range(events * (2 if mode == "duplicate_callbacks" else 1))]
    assert len({event.key for event in taken if not isinstance(event, Unreadable)}) == events


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(("mode", "retry_after"), [("429", 7), ("429", None), ("500", None)])
async def test_a_busy_provider_took_nothing_and_is_not_asked_again(
    mode: str, retry_after: int | None, channel: str, meta: MetaWorld
) -> None:
    await meta.control("misbehave", mode=mode, retry_after=retry_after, count=1)
    outcome = await send(meta, reply(channel), channel)
    assert isinstance(outcome, Busy)
    assert outcome.retry_after_seconds == retry_after
    assert await meta.sent() == []  # a retry of its own would have been taken
    assert isinstance(await send(meta, reply(channel), channel), Sent)


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(
    ("mode", "taken", "timeout"),
    [("hang", 0, 2.0), ("reset_before", 0, LONG_SECONDS), ("reset_after_accept", 1, LONG_SECONDS)],
)
async def test_a_request_without_an_answer_may_or_may_not_have_been_taken(
    mode: str, taken: int, timeout: float, channel: str, meta: MetaWorld
) -> None:
    await meta.control("misbehave", mode=mode, count=1)
    assert isinstance(await send(meta, reply(channel), channel, timeout), Unknown)
    assert len(await meta.sent()) == taken


@pytest.mark.parametrize("channel", CHANNELS)
async def test_a_provider_that_cannot_be_reached_took_nothing(channel: str) -> None:
    account = ACCOUNTS[channel]
    nowhere = replace(account, settings={**account.settings, "api_base": "http://127.0.0.1:9"})
    outcome = await adapter_for("meta", channel).send(nowhere, reply(channel), LONG_SECONDS)
    await adapter_for("meta", channel).aclose()
    assert isinstance(outcome, Busy)


@pytest.mark.parametrize("channel", CHANNELS)
async def test_a_wrong_token_or_secret_is_refused_and_can_be_mended(channel: str, meta: MetaWorld) -> None:
    account = meta.accounts[channel]
    wrong = replace(account, settings={**account.settings, "access_token": "another"})
    outcome = await meta.adapter(channel).send(wrong, reply(channel), LONG_SECONDS)
    assert isinstance(outcome, Refused)
    assert outcome.retryable
    assert "settings.access_token" in outcome.error
    other = await meta.adapter(channel).send(replace(account, secrets=("another",)), reply(channel), LONG_SECONDS)
    assert isinstance(other, Refused)  # the proof of the app's secret goes with every call
    assert await meta.sent() == []


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("changes", [{"secrets": ()}, {"settings": {}}])
async def test_an_account_that_cannot_send_says_what_is_missing(channel: str, changes: dict[str, object]) -> None:
    outcome = await adapter_for("meta", channel).send(
        replace(ACCOUNTS[channel], **changes), reply(channel), LONG_SECONDS
    )
    assert isinstance(outcome, Refused)
    assert outcome.retryable
    assert "access_token" in outcome.error


@pytest.mark.parametrize("channel", CHANNELS)
async def test_too_many_words_are_refused_for_good(channel: str, meta: MetaWorld) -> None:
    limits = meta.adapter(channel).limits(meta.accounts[channel])
    assert isinstance(await send(meta, reply(channel, "x" * limits.most_characters), channel), Sent)
    outcome = await send(meta, reply(channel, "x" * (limits.most_characters + 1)), channel)
    assert isinstance(outcome, Refused)
    assert not outcome.retryable


async def test_instagram_counts_bytes(meta: MetaWorld) -> None:
    outcome = await send(meta, reply("instagram", "é" * 501), "instagram")
    assert isinstance(outcome, Refused)
    assert "bytes" in outcome.error


async def test_instagram_takes_a_file_without_words(meta: MetaWorld) -> None:
    both = await send(meta, reply("instagram", "Look", files=(PICTURE,)), "instagram")
    assert isinstance(both, Refused)
    assert "send them apart" in both.error
    outcome = await send(meta, reply("instagram", "", files=(PICTURE,)), "instagram")
    assert isinstance(outcome, Sent)
    (line,) = await meta.sent()
    assert (line["id"], line["media_url"]) == (outcome.provider_id, PICTURE.url)


@pytest.mark.parametrize("channel", ["whatsapp", "messenger"])
async def test_a_file_goes_with_its_words(channel: str, meta: MetaWorld) -> None:
    outcome = await send(meta, reply(channel, "Look", files=(PICTURE,)), channel)
    assert isinstance(outcome, Sent)
    lines = await meta.sent()
    if channel == "whatsapp":
        assert [(line["type"], line["body"]) for line in lines] == [("image", "Look")]
    else:
        assert [(line["type"], line["body"]) for line in lines] == [("image", ""), ("text", "Look")]
        assert lines[0]["bytes"] == len(PICTURE.data)
        of_file, of_words = await meta.next(), await meta.next()
        while not isinstance(of_words, DeliveryReceipt) or of_words.outbound_id is None:
            of_words = await meta.next()
        assert not isinstance(of_file, MessageEchoed)
        assert (of_words.outbound_id, of_words.provider_id) == (ENTRY, outcome.provider_id)
    assert lines[-1]["id"] == outcome.provider_id


@pytest.mark.parametrize("channel", CHANNELS)
async def test_files_that_the_channel_does_not_take_are_refused_before_anything_is_sent(
    channel: str, meta: MetaWorld
) -> None:
    two = await send(meta, reply(channel, files=(PICTURE, PICTURE)), channel)
    assert isinstance(two, Refused)
    if channel != "messenger":
        program = OutgoingFile("a.exe", "application/x-msdownload", b"MZ", "https://files.example/a")
        large = replace(PICTURE, data=bytes(8 * 1000 * 1000 + 1))
        for file in (program, large):
            assert isinstance(await send(meta, reply(channel, files=(file,)), channel), Refused)
    assert await meta.sent() == []


@pytest.mark.parametrize("channel", ["messenger"])
async def test_words_that_fail_after_their_file_are_unknown_and_say_so(channel: str, meta: MetaWorld) -> None:
    await meta.control("misbehave", mode="500", share=0.5)
    outcome = await send(meta, reply(channel, "Look", files=(PICTURE,)), channel)
    assert isinstance(outcome, Unknown)
    assert "the file was sent, but not the words" in outcome.error
    assert len(await meta.sent()) == 1


async def test_whatsapp_sends_long_words_and_those_of_a_sound_apart(meta: MetaWorld) -> None:
    sound = replace(PICTURE, name="a.ogg", content_type="audio/ogg; codecs=opus")
    assert isinstance(await send(meta, reply("whatsapp", "x" * 1025, files=(PICTURE,)), "whatsapp"), Sent)
    assert isinstance(await send(meta, reply("whatsapp", "Listen", files=(sound,)), "whatsapp"), Sent)
    assert [line["type"] for line in await meta.sent()] == ["image", "text", "audio", "text"]


async def test_a_file_that_whatsapp_could_not_deliver_fails_the_reply(meta: MetaWorld) -> None:
    await meta.control("misbehave", mode="fail_delivery", share=0.5)
    assert isinstance(await send(meta, reply("whatsapp", "x" * 1025, files=(PICTURE,)), "whatsapp"), Sent)
    receipts = [event for event in [await meta.next() for _ in range(4)] if isinstance(event, DeliveryReceipt)]
    failed = [receipt for receipt in receipts if receipt.status == "failed"]
    assert {receipt.outbound_id for receipt in receipts} == {ENTRY}
    assert len(failed) == 1


async def test_whatsapp_after_24_hours_takes_a_template_only(meta: MetaWorld) -> None:
    await meta.customer("whatsapp", kind="silence")
    assert isinstance(await send(meta, reply("whatsapp"), "whatsapp"), Sent)
    failed = await meta.next()
    assert isinstance(failed, DeliveryReceipt)
    assert (failed.status, failed.outbound_id) == ("failed", ENTRY)
    assert "131047" in (failed.error or "")
    template = Template("parcel", "de", ("Maya", "17"))
    outcome = await send(meta, reply("whatsapp", "", content=(template,)), "whatsapp")
    assert isinstance(outcome, Sent)
    sent = (await meta.sent())[-1]["template"]
    assert (sent["name"], sent["language"]) == ("parcel", {"code": "de"})
    assert [each["text"] for each in sent["components"][0]["parameters"]] == ["Maya", "17"]


async def test_whatsapp_writes_to_a_user_without_number(meta: MetaWorld) -> None:
    outcome = await send(meta, replace(reply("whatsapp"), to="US.13579246801357924680"), "whatsapp")
    assert isinstance(outcome, Sent)
    assert (await meta.sent())[0]["to"] == "US.13579246801357924680"


@pytest.mark.parametrize("channel", ["messenger", "instagram"])
async def test_after_24_hours_only_an_approved_human_agent_may_answer(channel: str, meta: MetaWorld) -> None:
    await meta.customer(channel, kind="silence")
    outcome = await send(meta, reply(channel), channel)
    assert isinstance(outcome, Refused)
    assert "24 hours" in outcome.error
    account = meta.accounts[channel]
    approved = replace(account, settings={**account.settings, "human_agent": "approved"})
    assert meta.adapter(channel).limits(account).window_seconds == 86_400
    assert meta.adapter(channel).limits(approved).window_seconds == 7 * 86_400
    assert isinstance(await meta.adapter(channel).send(approved, reply(channel), LONG_SECONDS), Sent)
    assert (await meta.sent())[0]["tag"] == "HUMAN_AGENT"


@pytest.mark.parametrize("channel", CHANNELS)
async def test_customers_write_react_and_are_verified(channel: str, meta: MetaWorld) -> None:
    assert (await meta.customer(channel, kind="verify"))["body"] == "1158201444"
    await meta.customer(channel, body="Hello ü", id="m_17")
    message = await meta.next()
    assert isinstance(message, InboundMessage)
    assert (message.key, message.body, message.handle.value) == ("m_17", "Hello ü", CUSTOMERS[channel])
    for kind in ("reaction", "unsend", "edit", "button", "unsupported", "echo"):
        answer = await meta.customer(channel, kind=kind, target="m_17", emoji="🎉", body="x")
        assert answer["status"] == 200, kind
        await meta.next()


Answering = Callable[[bytes], Awaitable[str]]


@pytest.fixture
async def answering() -> AsyncIterator[Answering]:
    """A server that gives one fixed answer to everything."""
    servers = []

    async def start(answer: bytes) -> str:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    yield start
    for server in servers:
        server.close()
        await server.wait_closed()


def error(code: int, **more: object) -> str:
    fields = "".join(f', "{name}": {str(value).lower()}' for name, value in more.items())
    return f'{{"error": {{"message": "Bad +14155550123", "code": {code}{fields}}}}}'


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, '{"messages": [{"id": "wamid.1"}]}', Sent("wamid.1", "sending")),
        (200, "<html>", Unknown),
        (200, "{}", Unknown),
        (200, "[" * 2000, Unknown),
        (502, "<html>", Unknown),
        (504, "", Unknown),
        (503, "", Busy),
        (500, error(131000), Busy),
        (408, "", Busy),
        (429, "", Busy),
        (400, error(80007), Busy),
        (400, error(131056), Busy),
        (400, error(131016), Busy),
        (400, error(99999, is_transient=True), Busy),
        (302, "", Refused),
        (400, error(99999), Refused("Meta 99999: Bad …")),
        (400, error(131047), Refused),
        (400, error(131026), Refused),
        (400, error(190), Refused(error="", retryable=True)),
        (403, "<html>", Refused(error="Meta: HTTP 403", retryable=True)),
        (400, "<html>", Refused("Meta: HTTP 400")),
    ],
)
async def test_every_other_answer_has_its_meaning(
    status: int, body: str, expected: SendOutcome | type[SendOutcome], answering: Answering
) -> None:
    head = f"HTTP/1.1 {status} X\r\nlocation: /\r\ncontent-length: {len(body.encode())}\r\nconnection: close\r\n\r\n"
    account, adapter = ACCOUNTS["whatsapp"], adapter_for("meta", "whatsapp")
    ours = replace(account, settings={**account.settings, "api_base": await answering((head + body).encode())})
    outcome = await adapter.send(ours, reply("whatsapp"), LONG_SECONDS)
    await adapter.aclose()
    if isinstance(expected, Refused) and not expected.error:
        assert isinstance(outcome, Refused)
        assert outcome.retryable
    else:
        assert isinstance(outcome, expected) if isinstance(expected, type) else outcome == expected
    assert ACCESS_TOKEN not in str(outcome)
    assert SECRET not in str(outcome)
