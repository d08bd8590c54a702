"""A running carrier, and a receiver for its webhooks, both on loopback."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from adapters.base import AccountConfig, WebhookRequest
from adapters.sms.twilio import TwilioSms
from model.inbound import InboundEvent
from tests.adapters.sms.twilio_requests import ACCOUNT_SID, NUMBER, TOKEN, account

ROOT = Path(__file__).parents[3]


class CarrierProcess:
    """The world outside as a process of its own, and its control."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "sent.jsonl"
        served = {"id": "sms-main", "channel": "sms", "provider": "twilio", "address": NUMBER, "secret": TOKEN}
        extra = {"public_url": "", "settings": {"account_sid": ACCOUNT_SID}}
        accounts = folder / "accounts.json"
        whatsapp = {**served, **extra, "id": "whatsapp-main", "channel": "whatsapp"}
        accounts.write_text(json.dumps([{**served, **extra}, whatsapp]), encoding="utf-8")
        command = [sys.executable, "-m", "gateway.demo.outside", "--port", "0", "--accounts", str(accounts)]
        command += ["--log", str(self.log)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert self.process.stdout
        self.url = self.process.stdout.readline().split()[-1]

    def logged(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]

    async def control(self, verb: str, **wish: Any) -> Any:
        async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
            response = await http.post(f"{self.url}/control/{verb}", json=wish)
        assert response.status_code == 200, response.text
        return response.json()

    def stop(self) -> int:
        if self.process.returncode is None:
            self.process.terminate()
            self.process.communicate()
        return self.process.returncode


@pytest.fixture
def carrier(tmp_path: Path) -> Iterator[CarrierProcess]:
    running = CarrierProcess(tmp_path)
    yield running
    running.stop()


class Receiver:
    """The gateway's edge in its smallest form: verifies, parses, keeps the events, answers."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[InboundEvent] = asyncio.Queue()
        self.account = account()
        self.answers: list[int] = []
        """Statuses to answer with first; 200 after them."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        pairs = (line.partition(":") for line in head[1:] if line)
        headers = tuple((name.lower(), value.strip()) for name, _, value in pairs)
        body = await reader.readexactly(int(dict(headers).get("content-length", "0")))
        path, _, query = target.partition("?")
        step = path.removeprefix("/hooks/sms-main").removeprefix("/") or None
        status = self.answers.pop(0) if self.answers else 200
        if status == 200:
            self.take(WebhookRequest(method, path, query, headers, body, step))
        writer.write(f"HTTP/1.1 {status} OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    def take(self, request: WebhookRequest) -> None:
        adapter = TwilioSms()
        adapter.verify(request, self.account)
        for event in adapter.parse(request, self.account):
            self.events.put_nowait(event)

    async def next(self) -> InboundEvent:
        async with asyncio.timeout(30):
            return await self.events.get()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    running = Receiver()
    server = await asyncio.start_server(running.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    running.account = account(public_url=f"http://127.0.0.1:{port}/hooks/sms-main")
    yield running
    server.close()
    await server.wait_closed()


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioSms]:
    adapter = TwilioSms()
    yield adapter
    await adapter.aclose()


@pytest.fixture
def ours(carrier: CarrierProcess, receiver: Receiver) -> AccountConfig:
    """The account, configured to talk to the carrier and to be called back at the receiver."""
    settings = {"account_sid": ACCOUNT_SID, "api_base": carrier.url}
    return account(public_url=receiver.account.public_url, settings=settings)
