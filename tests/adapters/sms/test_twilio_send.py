"""Sending to a running carrier: what each outcome is called, and that nothing is ever sent twice by itself."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import httpx2
import pytest
from msgspec.structs import replace

from adapters.base import AccountConfig, Busy, Outgoing, Refused, SendOutcome, Sent, Unknown
from adapters.sms.twilio import TwilioSms
from model.inbound import ConsentChange, DeliveryReceipt, Ignored, InboundMessage
from tests.adapters.sms.conftest import CarrierProcess, Receiver
from tests.adapters.sms.twilio_requests import ACCOUNT_SID, CUSTOMER, NUMBER, TOKEN, account

ENTRY = UUID("0197b6c2-5c3f-7c1e-8a4b-0123456789ab")
REPLY = Outgoing(id=ENTRY, to=CUSTOMER, body='Über 50 % & "mehr" 😀')
LONG_SECONDS = 60.0


def with_settings(ours: AccountConfig, **settings: str) -> AccountConfig:
    return replace(ours, settings={**ours.settings, **settings})


async def test_a_message_taken_is_sent_once_with_our_id_in_the_callback(
    twilio: TwilioSms, carrier: CarrierProcess, ours: AccountConfig
) -> None:
    outcome = await twilio.send(ours, REPLY, LONG_SECONDS)
    assert isinstance(outcome, Sent)
    assert outcome.status == "sending"
    (line,) = carrier.logged()
    assert line["sid"] == outcome.provider_id
    assert (line["to"], line["from"], line["body"]) == (CUSTOMER, NUMBER, REPLY.body)
    assert line["status_callback"] == f"{ours.public_url}/status?entry={ENTRY}#rc=5&rp=all"


async def test_the_receipts_come_back_signed_and_name_our_entry(
    twilio: TwilioSms, receiver: Receiver, ours: AccountConfig
) -> None:
    outcome = await twilio.send(ours, REPLY, LONG_SECONDS)
    assert isinstance(outcome, Sent)
    queued, sent, delivered = [await receiver.next() for _ in range(3)]
    assert queued == Ignored(key=f"{outcome.provider_id}:queued", reason="intermediate status queued")
    for event, status in ((sent, "sent"), (delivered, "delivered")):
        assert isinstance(event, DeliveryReceipt)
        assert (event.status, event.outbound_id, event.provider_id) == (status, ENTRY, outcome.provider_id)


async def test_receipts_refused_by_us_come_again(twilio: TwilioSms, receiver: Receiver, ours: AccountConfig) -> None:
    receiver.answers = [500, 503]
    assert isinstance(await twilio.send(ours, REPLY, LONG_SECONDS), Sent)
    assert isinstance(await receiver.next(), Ignored)


async def test_without_overrides_a_refused_receipt_is_lost(
    twilio: TwilioSms, receiver: Receiver, ours: AccountConfig
) -> None:
    receiver.answers = [500]
    assert isinstance(await twilio.send(with_settings(ours, callback_overrides=""), REPLY, LONG_SECONDS), Sent)
    event = await receiver.next()
    assert isinstance(event, DeliveryReceipt)
    assert event.status == "sent"


@pytest.mark.parametrize("mode", ["duplicate_callbacks", "reorder_callbacks", "fail_delivery"])
async def test_broken_callbacks_stay_one_event_per_status(
    mode: str, twilio: TwilioSms, carrier: CarrierProcess, receiver: Receiver, ours: AccountConfig
) -> None:
    await carrier.control("misbehave", mode=mode)
    assert isinstance(await twilio.send(ours, REPLY, LONG_SECONDS), Sent)
    events = [await receiver.next() for _ in range(6 if mode == "duplicate_callbacks" else 3)]
    assert len({event.key for event in events if isinstance(event, (DeliveryReceipt, Ignored))}) == 3
    last = events[0] if mode == "reorder_callbacks" else events[-1]
    assert isinstance(last, DeliveryReceipt)
    assert last.status == ("failed" if mode == "fail_delivery" else "delivered")
    assert (last.error or "").startswith("Twilio 30003" if mode == "fail_delivery" else "")


async def test_a_messaging_service_takes_the_place_of_the_sender(
    twilio: TwilioSms, carrier: CarrierProcess, ours: AccountConfig
) -> None:
    service = with_settings(ours, messaging_service_sid="MG00000000000000000000000000000001")
    outcome = await twilio.send(service, REPLY, LONG_SECONDS)
    assert isinstance(outcome, Sent)
    assert carrier.logged()[0]["messaging_service_sid"] == "MG00000000000000000000000000000001"


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"to": "+1"}, 21211), ({"to": ""}, 21604), ({"body": ""}, 21602), ({"body": "x" * 1601}, 21617)],
)
async def test_what_twilio_refuses_is_refused_for_good_with_its_code(
    changes: dict[str, str], code: int, twilio: TwilioSms, carrier: CarrierProcess, ours: AccountConfig
) -> None:
    outcome = await twilio.send(ours, replace(REPLY, **changes), LONG_SECONDS)
    assert isinstance(outcome, Refused)
    assert outcome.error.startswith(f"Twilio {code}: ")
    assert not outcome.retryable
    assert carrier.logged() == []


@pytest.mark.parametrize(
    ("changes", "code"), [({"secrets": ("wrong",)}, 20003), ({"settings": {"account_sid": "ACother"}}, 20003)]
)
async def test_wrong_credentials_are_refused_and_can_be_mended(
    changes: dict[str, object], code: int, twilio: TwilioSms, carrier: CarrierProcess, ours: AccountConfig
) -> None:
    wrong = replace(ours, **changes)
    outcome = await twilio.send(with_settings(wrong, api_base=carrier.url), REPLY, LONG_SECONDS)
    assert isinstance(outcome, Refused)
    assert outcome.retryable
    assert str(code) in outcome.error


async def test_a_customer_who_wrote_stop_is_not_written_to(
    twilio: TwilioSms, carrier: CarrierProcess, receiver: Receiver, ours: AccountConfig
) -> None:
    async def write(body: str) -> None:
        wish = {"url": receiver.account.public_url, "from": CUSTOMER, "to": NUMBER, "body": body}
        assert (await carrier.control("inbound", **wish))["status"] == 200

    await write("Stop")
    consent = await receiver.next()
    assert isinstance(consent, ConsentChange)
    assert consent.opted_out
    outcome = await twilio.send(ours, REPLY, LONG_SECONDS)
    assert isinstance(outcome, Refused)
    assert "21610" in outcome.error
    await write("Start")
    assert isinstance(await twilio.send(ours, REPLY, LONG_SECONDS), Sent)


@pytest.mark.parametrize("word", ["STOP", "Cancel", "END"])
async def test_words_of_text_messages_mean_nothing_on_whatsapp(
    word: str, carrier: CarrierProcess, receiver: Receiver
) -> None:
    wish = {"url": receiver.account.public_url, "from": CUSTOMER, "account": "whatsapp-main", "body": word}
    assert (await carrier.control("inbound", **wish))["status"] == 200
    form = {"To": f"whatsapp:{CUSTOMER}", "From": f"whatsapp:{NUMBER}", "Body": "Still here."}
    url = f"{carrier.url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    async with httpx2.AsyncClient(trust_env=False) as http:
        assert (await http.post(url, data=form, auth=(ACCOUNT_SID, TOKEN))).status_code == 201


@pytest.mark.parametrize("algorithm", [None, "HMAC_SHA1", "HMAC_SHA256"])
async def test_an_inbound_message_arrives_signed_in_either_way(
    algorithm: str | None, carrier: CarrierProcess, receiver: Receiver
) -> None:
    media = [{"url": "https://media.example/1", "content_type": "image/png"}]
    wish = {"url": receiver.account.public_url, "from": CUSTOMER, "to": NUMBER, "body": "a+b & ü", "sid": "SM7"}
    answer = await carrier.control("inbound", **wish, media=media, algorithm=algorithm)
    assert answer == {"sid": "SM7", "status": 200, "body": ""}
    event = await receiver.next()
    assert isinstance(event, InboundMessage)
    assert (event.key, event.body, len(event.media)) == ("SM7", "a+b & ü", 1)


@pytest.mark.parametrize(("mode", "retry_after"), [("429", 7), ("429", None), ("500", None), ("500", 3)])
async def test_a_busy_carrier_took_nothing_and_is_not_asked_again(
    mode: str, retry_after: int | None, twilio: TwilioSms, carrier: CarrierProcess, ours: AccountConfig
) -> None:
    await carrier.control("misbehave", mode=mode, retry_after=retry_after, count=1)
    outcome = await twilio.send(ours, REPLY, LONG_SECONDS)
    assert isinstance(outcome, Busy)
    assert outcome.retry_after_seconds == retry_after
    assert carrier.logged() == []  # a retry of its own would have been taken
    assert isinstance(await twilio.send(ours, REPLY, LONG_SECONDS), Sent)


@pytest.mark.parametrize(
    ("mode", "taken", "timeout"),
    [("hang", 0, 2.0), ("reset_before", 0, LONG_SECONDS), ("reset_after_accept", 1, LONG_SECONDS)],
)
async def test_a_request_without_an_answer_may_or_may_not_have_been_taken(
    mode: str, taken: int, timeout: float, twilio: TwilioSms, carrier: CarrierProcess, ours: AccountConfig
) -> None:
    await carrier.control("misbehave", mode=mode, count=1)
    assert isinstance(await twilio.send(ours, REPLY, timeout), Unknown)
    assert len(carrier.logged()) == taken
    assert isinstance(await twilio.send(ours, REPLY, LONG_SECONDS), Sent)


async def test_a_carrier_that_cannot_be_reached_took_nothing(twilio: TwilioSms, carrier: CarrierProcess) -> None:
    ours = account(settings={"account_sid": ACCOUNT_SID, "api_base": carrier.url})
    assert carrier.stop() == 0
    outcome = await twilio.send(ours, REPLY, LONG_SECONDS)
    assert isinstance(outcome, Busy)
    assert outcome.retry_after_seconds is None


async def test_the_carrier_ends_cleanly_with_a_request_in_hand(
    twilio: TwilioSms, carrier: CarrierProcess, ours: AccountConfig
) -> None:
    await carrier.control("misbehave", mode="hang", count=1)
    assert isinstance(await twilio.send(ours, REPLY, 2.0), Unknown)
    await carrier.control("misbehave", mode="hang")
    sending = asyncio.create_task(twilio.send(ours, REPLY, LONG_SECONDS))
    assert await asyncio.to_thread(carrier.stop) == 0
    assert isinstance(await sending, Unknown | Busy)  # as it had or had not arrived when the carrier ended


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


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (201, '{"sid": "SM1", "status": "queued"}', Sent(provider_id="SM1", status="sending")),
        (201, '{"sid": "SM1", "status": "sent"}', Sent(provider_id="SM1", status="sent")),
        (201, '{"sid": "SM1", "status": "failed", "error_code": 30005}', Refused),
        (201, "<html>", Unknown),
        (201, "{}", Unknown),
        (201, "[]", Unknown),
        (502, "<html>", Unknown),
        (504, "", Unknown),
        (503, '{"code": 20503, "message": "Service unavailable"}', Busy),
        (500, "oops", Busy),
        (408, "", Busy),
        (302, "", Refused),
        (400, '{"code": 99999, "message": "Bad +14155550123"}', Refused(error="Twilio 99999: Bad …")),
        (400, "<html>", Refused(error="Twilio: HTTP 400")),
        (422, '{"type": "t", "title": "No", "status": 422, "code": 21610}', Refused),
    ],
)
async def test_every_other_answer_has_its_meaning(
    status: int, body: str, expected: SendOutcome | type[SendOutcome], twilio: TwilioSms, answering: Answering
) -> None:
    head = f"HTTP/1.1 {status} X\r\nlocation: /\r\ncontent-length: {len(body.encode())}\r\nconnection: close\r\n\r\n"
    base = await answering((head + body).encode())
    ours = account(settings={"account_sid": ACCOUNT_SID, "api_base": base})
    outcome = await twilio.send(ours, REPLY, LONG_SECONDS)
    assert isinstance(outcome, expected) if isinstance(expected, type) else outcome == expected


@pytest.mark.parametrize("changes", [{"secrets": ()}, {"secrets": ("",)}, {"settings": {}}])
async def test_an_account_that_cannot_send_says_what_is_missing(changes: dict[str, object], twilio: TwilioSms) -> None:
    outcome = await twilio.send(account(**changes), REPLY, LONG_SECONDS)
    assert isinstance(outcome, Refused)
    assert re.search(r"account_sid.*secret", outcome.error)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"public_url": "desk.example.com/hooks/a"}, "public_url"),
        ({"public_url": "https://desk.example.com/hooks/a/"}, "public_url"),
        ({"public_url": "https://desk.example.com/hooks/a?b=1"}, "public_url"),
        ({"public_url": "https://desk.example.com/hooks/a#rc=5"}, "public_url"),
        ({"public_url": "https://u:p@desk.example.com/hooks/a"}, "public_url"),
        ({"public_url": "https://desk.example.com:99999/hooks/a"}, "public_url"),
        ({"region": "Germany"}, "region"),
        ({"address": ""}, "address"),
        ({"settings": {}}, "account_sid"),
        ({"settings": {"account_sid": "AC1", "acount": "x"}}, "acount"),
        ({"settings": {"account_sid": "AC1", "api_base": "nowhere"}}, "api_base"),
        ({"secrets": (TOKEN, "")}, "secrets"),
        ({"secrets": (f"{TOKEN}\n",)}, "secrets"),
    ],
)
def test_a_wrong_configuration_is_named_with_its_field_and_never_its_secret(
    changes: dict[str, object], named: str
) -> None:
    problems = TwilioSms().check_account(account(**changes))
    assert [problem for problem in problems if named in problem]
    assert TOKEN not in "".join(problems)
