"""A gateway with a chat, and visitors as a browser is one: sessions, events, streams, over HTTP."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx2

from gateway.auth import issue_token
from model.agent import Actor
from model.wire import Note, Reply
from profiles.reply import note, reply
from store.feeds import transaction
from store.ids import new_id
from store.pool import open_pool
from tests.adapters.chat import screenpop_requests
from tests.adapters.chat.screenpop_requests import SECRET, proved
from tests.flow.gateway_process import Gateway

SITE = "https://shop.example.com"
ADD_ACCOUNT = """
insert into account (id, channel, provider, address, secrets, region, public_url, settings, queue_id)
values ($1, 'chat', 'screenpop', $1, array[$2], 'US', $3, $4::jsonb, 'general')
"""
TALK = """
select v.id from conversation v join customer c on c.root_id = v.profile_id
  join handle h on h.customer_id = c.id
 where h.value = $1 and v.status <> 'closed' and v.folded_into is null
"""
SECONDS = 20.0

identity = partial(screenpop_requests.identity, account="chat-main")


class Browser:
    """A visitor's browser at one account."""

    def __init__(self, http: httpx2.AsyncClient, url: str, account: str = "chat-main") -> None:
        self.http, self.url, self.account = http, url, account
        self.session: dict[str, Any] = {}

    async def begin(self, **asked: str) -> None:
        """A session."""
        answer = await self.http.post(f"{self.url}/chat/{self.account}/session", json=asked)
        assert answer.status_code == 200, answer.text
        self.session = answer.json()

    @property
    def visitor(self) -> str:
        """The id within the token."""
        payload = self.session["token"].partition(".")[0]
        found: str = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["id"]
        return found

    def headers(self, step: str | None, query: str, body: bytes, kind: str = "application/json") -> dict[str, str]:
        """What proves a request."""
        url = self.session["address"] + (f"/{step}" if step else "") + (f"?{query}" if query else "")
        typed = f"{kind}; visitor={self.session['token']}"
        return {
            "Content-Type": typed,
            "X-Screenpop-Signature": proved(self.session["key"], int(time.time()), url, body),
        }

    async def tell(self, kind: str = "message", **said: Any) -> httpx2.Response:
        """An event."""
        event = {"type": kind, "account": self.account, "id": str(uuid4()), **said}
        body = json.dumps(event).encode()
        url = f"{self.url}/hooks/{self.account}"
        return await self.http.post(url, content=body, headers=self.headers(None, "", body))

    async def upload(self, data: bytes, query: str) -> httpx2.Response:
        """A file."""
        headers = self.headers("file", query, data, "application/octet-stream")
        return await self.http.post(f"{self.url}/hooks/{self.account}/file?{query}", content=data, headers=headers)

    @asynccontextmanager
    async def listening(self, after: str | None = None) -> AsyncIterator[Listener]:
        """Its stream."""
        body = json.dumps({"after": after} if after else {}).encode()
        url = f"{self.url}/chat/{self.account}/stream"
        async with self.http.stream("POST", url, content=body, headers=self.headers("stream", "", body)) as answer:
            assert answer.status_code == 200
            listener = Listener(answer)
            reading = asyncio.create_task(listener.read())
            try:
                yield listener
            finally:
                reading.cancel()


class Listener:
    """What came by a stream."""

    def __init__(self, answer: httpx2.Response) -> None:
        self._answer = answer
        self.raw = ""
        self.lines: list[dict[str, Any]] = []
        self.ready = False
        self.marks = 0
        """How often it was told that an agent is writing."""
        self._news = asyncio.Event()

    async def read(self) -> None:
        """Read until cancelled."""
        event = ""
        async for row in self._answer.aiter_lines():
            self.raw += row + "\n"
            if row.startswith("event: "):
                event = row.removeprefix("event: ")
            elif row.startswith("data: ") and event == "line":
                self.lines.append(json.loads(row.removeprefix("data: ")))
            elif row.startswith("data: "):
                self.ready = self.ready or event == "ready"
                self.marks += event == "typing"
            self._news.set()

    async def until(self, so: Callable[[Listener], bool]) -> list[dict[str, Any]]:
        """The lines once it is so."""
        async with asyncio.timeout(SECONDS):
            while not so(self):
                self._news.clear()
                await self._news.wait()
        return self.lines


class Shop:
    """The gateway with its database, and an admin who answers."""

    def __init__(self, gateway: Gateway, database_url: str, admin: UUID, token: str) -> None:
        self.gateway, self.database_url, self.admin = gateway, database_url, admin
        self.http = httpx2.AsyncClient(trust_env=False, timeout=30)
        self.rest = httpx2.AsyncClient(
            trust_env=False, timeout=30, base_url=gateway.url, headers={"Authorization": f"Bearer {token}"}
        )

    def browser(self, account: str = "chat-main") -> Browser:
        """A visitor."""
        return Browser(self.http, self.gateway.url, account)

    async def write(self, visitor: str, body: str, *, as_note: bool = False) -> UUID:
        """Answer this handle, by the floors below: a screen is not what this is about."""
        pool = await open_pool(self.database_url)
        try:
            async with pool.acquire() as connection:
                talk = await connection.fetchval(TALK, visitor)
            async with transaction(pool, lambda _moved: None) as tx:
                actor = Actor(self.admin, "Ada", "admin")
                if as_note:
                    done = await note(tx, actor, Note(talk, body, new_id()))
                else:
                    frame = Reply(talk, body, new_id(), channel="chat", account="chat-main", to=visitor)
                    done = await reply(tx, actor, frame)
                assert isinstance(done, UUID), done
                return done
        finally:
            await pool.close()

    async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """What the database says."""
        connection = await asyncpg.connect(self.database_url)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(query, *arguments)
            return rows
        finally:
            await connection.close()


async def found_shop(database_url: str, gateway: Gateway) -> Shop:
    """Two chat accounts and an admin."""
    connection = await asyncpg.connect(database_url)
    for name in ("chat-main", "chat-other"):
        settings = json.dumps({"origins": SITE, "title": "Ask us", "demo_page": "on"})
        await connection.execute(ADD_ACCOUNT, name, SECRET, f"{gateway.url}/hooks/{name}", settings)
    admin = new_id()
    await connection.execute("insert into agent (id, name, role) values ($1, 'Ada', 'admin')", admin)
    await connection.execute("insert into agent_state (agent_id) values ($1)", admin)
    token = await issue_token(connection, admin, "test", None)
    await connection.close()
    return Shop(gateway, database_url, admin, token)


__all__ = ["SITE", "Browser", "Listener", "Shop", "found_shop", "identity"]
