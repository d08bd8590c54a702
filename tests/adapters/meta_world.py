"""Meta running outside, and a receiver for its webhooks, both on loopback."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
from msgspec.structs import replace

from adapters.base import AccountConfig, Adapter, WebhookRequest
from adapters.registry import adapter_for
from model.inbound import InboundEvent
from tests.adapters.instagram import meta_requests as instagram
from tests.adapters.messenger import meta_requests as messenger
from tests.adapters.whatsapp import cloud_requests as whatsapp

ROOT = Path(__file__).parents[2]
ACCOUNTS = {one.channel: one for one in (whatsapp.ACCOUNT, messenger.ACCOUNT, instagram.ACCOUNT)}
CUSTOMERS = {"whatsapp": whatsapp.CUSTOMER, "messenger": messenger.CUSTOMER, "instagram": instagram.CUSTOMER}


class MetaWorld:
    """Meta as a process of its own; the gateway's edge in its smallest form: verifies, parses, keeps the events."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.events: asyncio.Queue[InboundEvent] = asyncio.Queue()
        self.accounts: dict[str, AccountConfig] = {}
        self.answers: list[int] = []
        """Statuses to answer webhooks with first; 200 after them."""

    async def start(self) -> None:
        """Receive, then run Meta with the accounts that point here."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        hooks = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/hooks"
        served = [
            {
                **{name: getattr(one, name) for name in ("id", "channel", "provider", "address", "settings")},
                **{"secret": one.secrets[0], "public_url": f"{hooks}/{one.id}"},
            }
            for one in ACCOUNTS.values()
        ]
        listed = self._folder / "accounts.json"
        listed.write_text(json.dumps(served), encoding="utf-8")
        await asyncio.to_thread(self._run, listed)
        for channel, one in ACCOUNTS.items():
            settings = {**one.settings, "api_base": self.url}
            self.accounts[channel] = replace(one, public_url=f"{hooks}/{one.id}", settings=settings)
        self._adapters = {channel: adapter_for("meta", channel) for channel in ACCOUNTS}

    def _run(self, accounts: Path) -> None:
        command = [sys.executable, "-m", "gateway.demo.outside", "--port", "0", "--accounts", str(accounts)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert self.process.stdout
        self.url = self.process.stdout.readline().split()[-1]

    def adapter(self, channel: str) -> Adapter:
        """The adapter under test."""
        return self._adapters[channel]

    async def stop(self) -> None:
        """End both."""
        self.process.terminate()
        await asyncio.to_thread(self.process.communicate)
        for adapter in self._adapters.values():
            await adapter.aclose()
        self._server.close()
        await self._server.wait_closed()

    async def control(self, verb: str, **wish: Any) -> Any:
        """Tell Meta what to do."""
        async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
            response = await http.post(f"{self.url}/control/{verb}", json=wish)
        assert response.status_code == 200, response.text
        return response.json()

    async def customer(self, channel: str, **wish: Any) -> Any:
        """The customer of a channel does something."""
        return await self.control("inbound", **{"account": f"{channel}-main", "from": CUSTOMERS[channel], **wish})

    async def sent(self) -> list[dict[str, Any]]:
        """What Meta took, oldest first."""
        async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
            return list((await http.get(f"{self.url}/control/sent")).json()["items"])

    async def next(self) -> InboundEvent:
        """The next event that arrived."""
        async with asyncio.timeout(30):
            return await self.events.get()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        pairs = (line.partition(":") for line in head[1:] if line)
        headers = tuple((name.lower(), value.strip()) for name, _, value in pairs)
        body = await reader.readexactly(int(dict(headers).get("content-length", "0")))
        path, _, query = target.partition("?")
        status = self.answers.pop(0) if self.answers else 200
        answer = self._take(WebhookRequest(method, path, query, headers, body)) if status == 200 else b""
        head_out = f"HTTP/1.1 {status} OK\r\ncontent-length: {len(answer)}\r\nconnection: close\r\n\r\n"
        writer.write(head_out.encode() + answer)
        await writer.drain()
        writer.close()

    def _take(self, request: WebhookRequest) -> bytes:
        channel = request.path.rpartition("/")[2].removesuffix("-main")
        adapter, account = self._adapters[channel], self.accounts[channel]
        if request.method == "POST":
            adapter.verify(request, account)
            for event in adapter.parse(request, account):
                self.events.put_nowait(event)
        return adapter.answer(request, account).body
