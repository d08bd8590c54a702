"""Replies over Vonage, Bandwidth, Telnyx and MessageBird, which run outside, and what they tell of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from msgspec.structs import replace

from adapters.base import AccountConfig, Busy, Outgoing, OutgoingFile, Refused, SendOutcome, Sent, Unknown
from adapters.base import WebhookRequest as Request
from adapters.registry import adapter_for
from gateway.demo.outside.telnyx import private_key
from model.inbound import DeliveryReceipt, InboundEvent, InboundMessage
from tests.adapters.sms import bandwidth_requests, messagebird_requests, telnyx_requests, vonage_requests

ROOT = Path(__file__).parents[3]
SECONDS = 20.0
CUSTOMER = "+14155550123"
KEY = private_key(telnyx_requests.ACCOUNT.settings["api_key"])
ACCOUNTS = {
    "vonage": vonage_requests.ACCOUNT,
    "bandwidth": bandwidth_requests.ACCOUNT,
    "telnyx": replace(telnyx_requests.ACCOUNT, secrets=(telnyx_requests.public(KEY),)),
    "messagebird": messagebird_requests.ACCOUNT,
}
MUG = OutgoingFile("mug.png", "image/png", b"\x89PNG mug", "https://files.example/mug.png?signed")


class Carriers:
    """All four, and the gateway's edge in its smallest form: verifies, parses, keeps the events."""

    def __init__(self, folder: Path) -> None:
        self.events: SimpleQueue[InboundEvent] = SimpleQueue()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._edge())
        Thread(target=self._server.serve_forever, daemon=True).start()
        hooks = f"http://127.0.0.1:{self._server.server_port}/hooks"
        self.accounts = {name: replace(one, public_url=f"{hooks}/{one.id}") for name, one in ACCOUNTS.items()}
        listed = folder / "accounts.json"
        listed.write_text(json.dumps([_listed(one) for one in self.accounts.values()]), encoding="utf-8")
        command = [sys.executable, "-m", "gateway.demo.outside", "--port", "0", "--accounts", str(listed)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert self._process.stdout
        self.url = self._process.stdout.readline().split()[-1]
        for name, one in self.accounts.items():
            self.accounts[name] = replace(one, settings=one.settings | {"api_base": self.url})

    def _edge(self) -> type[BaseHTTPRequestHandler]:
        carriers = self

        class Edge(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                headers = tuple((name.lower(), value) for name, value in self.headers.items())
                body = self.rfile.read(int(self.headers["content-length"]))
                name = self.path.rpartition("/")[2].removesuffix("-main")
                request, account = Request("POST", self.path, "", headers, body), carriers.accounts[name]
                adapter = adapter_for(name, "sms")
                adapter.verify(request, account)
                for event in adapter.parse(request, account):
                    carriers.events.put(event)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        return Edge

    def stop(self) -> None:
        self._process.terminate()
        self._process.communicate()
        self._server.shutdown()
        self._server.server_close()

    async def send(
        self, name: str, outgoing: Outgoing, account: AccountConfig | None = None, timeout: float = SECONDS
    ) -> SendOutcome:
        adapter = adapter_for(name, "sms")
        try:
            return await adapter.send(account or self.accounts[name], outgoing, timeout)
        finally:
            await adapter.aclose()

    async def control(self, verb: str, **wish: Any) -> None:
        async with httpx2.AsyncClient(trust_env=False) as http:
            answer = await http.post(f"{self.url}/control/{verb}", json=wish)
        assert answer.status_code == 200, answer.text

    async def taken(self, body: str) -> list[dict[str, Any]]:
        async with httpx2.AsyncClient(trust_env=False) as http:
            items = (await http.get(f"{self.url}/control/sent")).json()["items"]
        return [item for item in items if item["body"] == body]

    def receipts(self, entry: UUID, last: str) -> list[str]:
        """What was told of a message until it is so."""
        told: list[str] = []
        while last not in told:
            event = self.events.get(timeout=SECONDS)
            if isinstance(event, DeliveryReceipt) and event.outbound_id == entry:
                told.append(event.status)
        return told


def _listed(one: AccountConfig) -> dict[str, Any]:
    told = {name: getattr(one, name) for name in ("id", "channel", "provider", "address", "settings", "public_url")}
    return {**told, "secret": one.secrets[0]}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Carriers]:
    carriers = Carriers(tmp_path_factory.mktemp("carriers"))
    yield carriers
    carriers.stop()


@pytest.fixture
async def carriers(running: Carriers) -> AsyncIterator[Carriers]:
    yield running
    await running.control("misbehave", mode="none")


def reply(**more: object) -> Outgoing:
    return Outgoing(id=uuid4(), to=CUSTOMER, body=f'Über 50 % & "mehr" 😀 {uuid4().hex}', **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ACCOUNTS)
async def test_a_reply_is_taken_once_and_its_receipts_name_our_entry(name: str, carriers: Carriers) -> None:
    outgoing = reply(files=() if name == "messagebird" else (MUG,))
    outcome = await carriers.send(name, outgoing)
    assert isinstance(outcome, Sent)
    (line,) = await carriers.taken(outgoing.body)
    assert (line["id"], line["to"]) == (outcome.provider_id, CUSTOMER)
    assert line["media"] == [file.url for file in outgoing.files]
    assert carriers.receipts(outgoing.id, "delivered")[-1] == "delivered"


@pytest.mark.parametrize("name", ACCOUNTS)
async def test_a_reply_that_fails_says_why_without_a_number(name: str, carriers: Carriers) -> None:
    await carriers.control("misbehave", mode="fail_delivery", count=1)
    outgoing = reply()
    assert isinstance(await carriers.send(name, outgoing), Sent)
    assert carriers.receipts(outgoing.id, "failed") == ["failed"]


@pytest.mark.parametrize("name", ACCOUNTS)
@pytest.mark.parametrize(
    ("mode", "outcome", "taken"),
    [("429", Busy, 0), ("500", Busy, 0), ("reset_before", Unknown, 0), ("reset_after_accept", Unknown, 1)],
)
async def test_what_is_known_of_a_reply_that_went_wrong(
    mode: str, outcome: type[SendOutcome], taken: int, name: str, carriers: Carriers
) -> None:
    await carriers.control("misbehave", mode=mode, count=1, retry_after=7)
    outgoing = reply()
    told = await carriers.send(name, outgoing)
    assert isinstance(told, outcome)
    assert not isinstance(told, Busy) or told.retry_after_seconds == 7
    assert len(await carriers.taken(outgoing.body)) == taken


@pytest.mark.parametrize("name", ACCOUNTS)
async def test_a_carrier_that_hangs_may_have_taken_it(name: str, carriers: Carriers) -> None:
    await carriers.control("misbehave", mode="hang", count=1)
    assert isinstance(await carriers.send(name, reply(), timeout=0.3), Unknown)


@pytest.mark.parametrize("name", ACCOUNTS)
async def test_a_refusal_says_why_without_a_number(name: str, carriers: Carriers) -> None:
    outcome = await carriers.send(name, replace(reply(), body=""))
    assert isinstance(outcome, Refused)
    assert "empty or too long" in outcome.error
    assert CUSTOMER[1:] not in outcome.error
    wrong = dict.fromkeys(("api_secret", "api_key", "access_key"), "wrong")
    account = carriers.accounts[name]
    known = {key: value for key, value in wrong.items() if key in account.settings}
    denied = await carriers.send(name, reply(), replace(account, settings=account.settings | known))
    assert isinstance(denied, Refused)
    assert denied.retryable


@pytest.mark.parametrize("name", ACCOUNTS)
async def test_a_customer_writes(name: str, carriers: Carriers) -> None:
    body = f"Hello {uuid4().hex}"
    await carriers.control("inbound", account=f"{name}-main", body=body, **{"from": CUSTOMER})
    while not isinstance(event := carriers.events.get(timeout=SECONDS), InboundMessage):
        pass
    assert (event.body, event.handle.value) == (body, CUSTOMER)
