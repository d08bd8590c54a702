"""Replies to a company's own system, which runs outside, and what it tells of them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx2
import pytest
from msgspec.structs import replace

from adapters.base import AccountConfig, Busy, Outgoing, OutgoingFile, Refused, SendOutcome, Sent, WebhookRequest
from adapters.generic.standard import StandardWebhooks
from model.inbound import ConsentChange, DeliveryReceipt, InboundEvent, InboundMessage, MessageReacted, ReadUpTo
from tests.adapters.generic.standard_requests import ACCOUNT, SECRET

ROOT = Path(__file__).parents[3]
SECONDS = 20.0
T = TypeVar("T")
OTHER = "whsec_" + "b3RoZXIgb3RoZXIgb3RoZXIgb3RoZXIg"
LETTER = OutgoingFile("a.pdf", "application/pdf", b"%PDF", "https://desk.example.com/files/1?signed")


class System:
    """The company's system, which runs outside, and what of its webhooks was verified and read."""

    def __init__(self, url: str, account: AccountConfig, events: SimpleQueue[InboundEvent]) -> None:
        self.url, self.account, self._events = url, account, events
        self._adapter = StandardWebhooks()

    async def send(
        self, outgoing: Outgoing, account: AccountConfig | None = None, timeout: float = SECONDS
    ) -> SendOutcome:
        try:
            return await self._adapter.send(account or self.account, outgoing, timeout)
        finally:
            await self._adapter.aclose()

    async def control(self, verb: str, **wish: Any) -> Any:
        async with httpx2.AsyncClient(trust_env=False) as http:
            answer = await http.post(f"{self.url}/control/{verb}", json={"account": "generic-main", **wish})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def taken(self, id_: UUID) -> list[dict[str, Any]]:
        async with httpx2.AsyncClient(trust_env=False) as http:
            items = (await http.get(f"{self.url}/control/sent")).json()["items"]
        return [item for item in items if item["entry"] == str(id_)]

    async def next(self, kind: type[T]) -> T:
        """The next event of a kind: replies of other tests may be told of late."""
        while not isinstance(event := await asyncio.to_thread(self._events.get, timeout=SECONDS), kind):
            pass
        return event


@contextmanager
def receiving(events: SimpleQueue[InboundEvent]) -> Iterator[AccountConfig]:
    """The gateway's edge in its smallest form, in a thread; gives the account whose webhooks come here."""

    class Edge(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers = tuple((name.lower(), value) for name, value in self.headers.items())
            body = self.rfile.read(int(self.headers["content-length"]))
            request = WebhookRequest("POST", self.path, "", headers, body)
            StandardWebhooks().verify(request, ACCOUNT)
            for event in StandardWebhooks().parse(request, ACCOUNT):
                events.put(event)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Edge) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield replace(ACCOUNT, public_url=f"http://127.0.0.1:{server.server_port}/hooks/generic-main")
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The world outside, with one account, whose webhooks come here."""
    events: SimpleQueue[InboundEvent] = SimpleQueue()
    listed = tmp_path_factory.mktemp("generic") / "accounts.json"
    with receiving(events) as account:
        told = {name: getattr(account, name) for name in ("id", "channel", "provider", "address", "settings")}
        told |= {"secret": SECRET, "public_url": account.public_url}
        listed.write_text(json.dumps([told]), encoding="utf-8")
        command = [sys.executable, "-m", "gateway.demo.outside", "--port", "0", "--accounts", str(listed)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert process.stdout
        url = process.stdout.readline().split()[-1]
        settings = {"callback_url": f"{url}/generic/generic-main/replies"}
        yield System(url, replace(account, settings=settings), events)
        process.terminate()
        process.communicate()


@pytest.fixture
async def system(running: System) -> System:
    await running.control("misbehave", mode="none")
    return running


def reply(**more: object) -> Outgoing:
    return Outgoing(id=uuid4(), to="crm-1", body='Über 50 % & "mehr" 😀', **more)  # type: ignore[arg-type]


async def test_a_reply_is_taken_once_and_its_receipts_name_our_entry(system: System) -> None:
    outgoing = reply(in_reply_to="evt-1", files=(LETTER,))
    outcome = await system.send(outgoing)
    assert isinstance(outcome, Sent)
    (line,) = await system.taken(outgoing.id)
    assert (line["id"], line["to"], line["body"]) == (outcome.provider_id, "crm-1", outgoing.body)
    assert (line["in_reply_to"], [file["url"] for file in line["files"]]) == ("evt-1", [LETTER.url])
    receipts: list[str] = []
    while len(receipts) < 2:
        if (receipt := await system.next(DeliveryReceipt)).outbound_id == outgoing.id:
            receipts.append(receipt.status)
    assert receipts == ["delivered", "read"]


@pytest.mark.parametrize(
    ("mode", "retry_after"), [("429", 7), ("500", None), ("reset_before", None), ("reset_after_accept", None)]
)
async def test_a_reply_that_may_be_lost_is_told_again_and_stays_one(
    mode: str, retry_after: int | None, system: System
) -> None:
    await system.control("misbehave", mode=mode, count=1, retry_after=retry_after)
    outgoing = reply()
    outcome = await system.send(outgoing)
    assert isinstance(outcome, Busy)
    assert outcome.retry_after_seconds == retry_after
    assert isinstance(await system.send(outgoing), Sent)
    assert len(await system.taken(outgoing.id)) == 1


async def test_a_system_that_hangs_is_busy(system: System) -> None:
    await system.control("misbehave", mode="hang", count=1)
    assert isinstance(await system.send(reply(), timeout=0.3), Busy)


async def test_what_it_refuses_tells_its_reason(system: System) -> None:
    outcome = await system.send(replace(reply(), to="crm-gone"))
    assert outcome == Refused("The system answered HTTP 422: the customer is gone")
    gone = replace(system.account, settings={"callback_url": f"{system.url}/generic/nobody/replies"})
    assert await system.send(reply(), gone) == Refused("The system answered HTTP 410: there is no such system any more")


async def test_every_secret_signs_so_that_either_side_may_change_first(system: System) -> None:
    both = replace(system.account, secrets=(OTHER, SECRET))
    assert isinstance(await system.send(reply(), both), Sent)
    wrong = await system.send(reply(), replace(system.account, secrets=(OTHER,)))
    assert isinstance(wrong, Refused)
    assert wrong.retryable


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"settings": {}}, "settings.callback_url"),
        ({"settings": {"callback_url": "http://crm.example.com/replies"}}, "settings.callback_url is no https address"),
        ({"settings": {"callback_url": "crm"}}, "settings.callback_url"),
        ({"settings": {"callback": "x"}}, "settings.callback is not known"),
        ({"secrets": ("whsec_c2hvcnQ=",)}, "whsec_"),
        ({"secrets": ("not base64",)}, "whsec_"),
        ({"secrets": ()}, "secrets is empty"),
    ],
)
async def test_an_account_that_cannot_send_says_what_to_do(changes: dict[str, Any], remedy: str) -> None:
    account = replace(ACCOUNT, **changes)
    outcome = await StandardWebhooks().send(account, reply(), SECONDS)
    assert isinstance(outcome, Refused)
    assert outcome.retryable
    assert remedy in outcome.error
    named = [problem for problem in StandardWebhooks().check_account(account) if remedy in problem]
    assert bool(named) == (changes != {"settings": {}})  # whoever only posts needs no call-back


async def test_customers_of_the_system_write_and_do_what_the_form_has(system: System) -> None:
    customer = {"from": "crm-1", "name": "Maya", "phone": "+14155550123", "proven": True}
    await system.control(
        "inbound", body="Hello", id="evt-1", media=[{"content_type": "text/plain", "data": "SGk="}], **customer
    )
    message = await system.next(InboundMessage)
    assert (message.key, message.body, message.also[0].value, message.files[0].data) == (
        *("evt-1", "Hello", "+14155550123", b"Hi"),
    )
    done: dict[str, type[InboundEvent]] = {"reaction": MessageReacted, "read": ReadUpTo, "consent": ConsentChange}
    for kind, expected in done.items():
        await system.control("inbound", kind=kind, target="evt-1", emoji="🎉", opted_out=True, **customer)
        await system.next(expected)
