"""The chats' providers running outside, and the gateway's edge in its smallest form to receive their webhooks."""

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
from typing import Any
from uuid import UUID, uuid4

import httpx2
from msgspec.structs import replace

from adapters.base import AccountConfig, Outgoing, OutgoingFile, SendOutcome, WebhookRequest
from adapters.registry import adapter_for
from model.inbound import InboundEvent
from tests.adapters.line import line_requests as line
from tests.adapters.slack import slack_requests as slack
from tests.adapters.telegram import telegram_requests as telegram
from tests.adapters.viber import viber_requests as viber
from tests.adapters.x import x_requests as x

ROOT = Path(__file__).parents[2]
ACCOUNTS = {one.channel: one for one in (x.ACCOUNT, viber.ACCOUNT, slack.ACCOUNT, line.ACCOUNT, telegram.ACCOUNT)}
SECONDS = 20.0


class World:
    """The providers as one process, told what to do; `send` hands it a reply as the outbox does."""

    def __init__(self, url: str, hooks: str) -> None:
        self.url = url
        self.events: SimpleQueue[InboundEvent] = SimpleQueue()
        self.answers: list[tuple[int, bytes]] = []
        self.accounts = {
            channel: replace(one, public_url=f"{hooks}/{one.id}", settings={**one.settings, "api_base": url})
            for channel, one in ACCOUNTS.items()
        }

    async def send(
        self,
        channel: str,
        to: str,
        body: str = 'Über 50 % & "mehr" <3 😀',
        files: tuple[OutgoingFile, ...] = (),
        in_reply_to: str | None = None,
        account: AccountConfig | None = None,
        timeout: float = SECONDS,
        id: UUID | None = None,
    ) -> SendOutcome:
        """Once; connections are not kept, for each test has a loop of its own."""
        adapter = adapter_for(channel, channel)
        outgoing = Outgoing(id or uuid4(), to, body, in_reply_to, files=files)
        try:
            return await adapter.send(account or self.accounts[channel], outgoing, timeout)
        finally:
            await adapter.aclose()

    async def control(self, verb: str, channel: str, **wish: Any) -> Any:
        """Tell a provider what to do."""
        async with httpx2.AsyncClient(trust_env=False, timeout=SECONDS) as http:
            answer = await http.post(f"{self.url}/control/{verb}", json={"account": f"{channel}-main", **wish})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def sent(self, to: str) -> list[dict[str, Any]]:
        """What was taken for somebody, oldest first."""
        async with httpx2.AsyncClient(trust_env=False, timeout=SECONDS) as http:
            items = (await http.get(f"{self.url}/control/sent")).json()["items"]
        return [item for item in items if item["to"] == to]

    async def next(self) -> InboundEvent:
        """The next event that arrived."""
        return await asyncio.to_thread(self.events.get, timeout=SECONDS)

    def take(self, request: WebhookRequest) -> bytes:
        """Verify, read, keep the events, answer."""
        channel = request.path.rpartition("/")[2].removesuffix("-main")
        adapter, account = adapter_for(channel, channel), self.accounts[channel]
        if request.method == "POST":
            adapter.verify(request, account)
            for event in adapter.parse(request, account):
                self.events.put(event)
        return adapter.answer(request, account).body


@contextmanager
def running(folder: Path) -> Iterator[World]:
    """The receiver, then the providers with accounts that point to it."""
    worlds: list[World] = []

    class Edge(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            path, _, query = self.path.partition("?")
            headers = tuple((name.lower(), value) for name, value in self.headers.items())
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            answer = worlds[0].take(WebhookRequest(self.command, path, query, headers, body))
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            """Nothing: the tests' output is theirs."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Edge)
    Thread(target=server.serve_forever, daemon=True).start()
    hooks = f"http://127.0.0.1:{server.server_port}/hooks"
    listed = folder / "accounts.json"
    named = ("id", "channel", "provider", "address", "settings")
    served = [
        {**{name: getattr(one, name) for name in named}, "secret": one.secrets[0], "public_url": f"{hooks}/{one.id}"}
        for one in ACCOUNTS.values()
    ]
    listed.write_text(json.dumps(served), encoding="utf-8")
    command = [sys.executable, "-m", "gateway.demo.outside", "--port", "0", "--accounts", str(listed)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout
        worlds.append(World(process.stdout.readline().split()[-1], hooks))
        yield worlds[0]
    finally:
        process.terminate()
        process.communicate()
        server.shutdown()
        server.server_close()
