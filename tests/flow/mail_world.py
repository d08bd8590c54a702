"""Mail at a real process: accounts of e-mail, mails over HTTP and SMTP, and what came of them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import asyncpg
import httpx2
from aiosmtpd.smtp import SMTP, Envelope, Session

from gateway.auth import issue_token
from router.needs import set_agent_queues
from store.ids import new_id
from tests.flow.gateway_process import SECONDS, free_port

SECRET = "0123456789abcdef0123456789abcdef"
AUTHSERV = "mx.desk.example"
SUPPORT = "support@desk.example"
FOUND = """
insert into account (id, channel, provider, address, secrets, region, public_url, settings, queue_id)
values ($1, 'email', $2, $3, $4, 'US', $5, $6::jsonb, 'general')
"""
PASS = f"Authentication-Results: {AUTHSERV}; dmarc=pass header.from={{domain}}"


async def found_mail(database_url: str, smtp_port: int, *, raw: str = SUPPORT) -> None:
    """A queue, `email-raw`, and `email-main` of Postmark, both sending by this SMTP server."""
    smtp = {"smtp_host": "127.0.0.1", "smtp_port": str(smtp_port), "smtp_tls": "none", "from_name": "Desk"}
    accounts = [
        ("email-raw", "raw", raw, {"trusted_authserv": AUTHSERV}),
        ("email-main", "postmark", "in@desk.example", {}),
        ("email-mailgun", "mailgun", SUPPORT, {}),
    ]
    connection = await asyncpg.connect(database_url)
    await connection.execute("insert into queue (id, name) values ('general', 'General')")
    for id_, provider, address, settings in accounts:
        url = f"https://desk.example/hooks/{id_}"
        await connection.execute(FOUND, id_, provider, address, [SECRET], url, json.dumps(smtp | settings))
    await connection.close()


def mail(sender: str = "Ana <ana@home.example>", *, proven: bool = True, **fields: str) -> EmailMessage:
    """A mail; proven as our own mail server would say it."""
    message = EmailMessage()
    if proven:
        domain = sender.rpartition("@")[2].rstrip(">")
        message["Authentication-Results"] = PASS.format(domain=domain).partition(": ")[2]
    given = {"From": sender, "To": SUPPORT, "Subject": "Hello", "Message-ID": f"<{new_id()}@home.example>"}
    body = fields.pop("body", "I have a question.")
    for name, value in (given | {name.replace("_", "-"): value for name, value in fields.items()}).items():
        message[name] = value
    message.set_content(body)
    return message


class Inbox:
    """A mail server that takes what we send, or does what it is told instead."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.mails: list[tuple[str, list[str], bytes]] = []
        self.answer: Callable[[SMTP], str] = lambda _server: "250 ok"
        self.to_recipient = "250 ok"

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.to_recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.to_recipient

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        answer = self.answer(server)
        if answer.startswith("250"):
            self.mails.append(
                (str(envelope.mail_from), list(envelope.rcpt_tos), bytes(envelope.original_content or b""))
            )
        return answer

    @classmethod
    @asynccontextmanager
    async def opened(cls, port: int | None = None) -> AsyncIterator[Inbox]:
        """Listening for as long as the block."""
        inbox = cls(port or free_port())
        loop = asyncio.get_running_loop()
        sessions: list[SMTP] = []

        def begin() -> SMTP:
            sessions.append(SMTP(inbox, enable_SMTPUTF8=True, loop=loop))
            return sessions[-1]

        server = await loop.create_server(begin, "127.0.0.1", inbox.port)
        try:
            yield inbox
        finally:
            server.close()
            for session in sessions:
                if session.transport is not None:
                    session.transport.close()
            await asyncio.sleep(0.01)  # closing takes a turn

    async def mail(self, number: int = 0) -> tuple[str, list[str], bytes]:
        """The mail of this number, once it is there."""
        async with asyncio.timeout(SECONDS):
            while len(self.mails) <= number:  # noqa: ASYNC110  # what another process sends
                await asyncio.sleep(0.02)
        return self.mails[number]


class Post:
    """Sends mail to a gateway and looks into its database."""

    def __init__(self, client: httpx2.AsyncClient, pool: asyncpg.Pool, url: str) -> None:
        self.client = client
        self.pool = pool
        self.url = url

    async def raw(
        self, body: bytes | EmailMessage, secret: str = SECRET, account: str = "email-raw"
    ) -> httpx2.Response:
        """A mail as it is."""
        data = body if isinstance(body, bytes) else body.as_bytes()
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "message/rfc822"}
        return await self.client.post(f"{self.url}/hooks/{account}", content=data, headers=headers)

    async def value(self, sql: str, *arguments: object) -> Any:
        """One value of the database."""
        return await self.pool.fetchval(sql, *arguments)

    async def settled(self) -> None:
        """Return when all mail was read."""
        async with asyncio.timeout(SECONDS * 2):
            while await self.value("select count(*) from mail where state = 'waiting'"):  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def entry(self, body: bytes | EmailMessage) -> Any:
        """Post a mail, and its entry with its one content."""
        known = {row["id"] for row in await self.pool.fetch("select id from mail")}
        answer = await self.raw(body)
        assert answer.status_code == 200, answer.text
        await self.settled()
        rows = await self.pool.fetch("select id from mail")
        [id_] = {row["id"] for row in rows} - known
        row = await self.pool.fetchrow("select *, content::text as said from entry where id = $1", id_)
        assert row is not None
        return row

    async def said(self, body: bytes | EmailMessage) -> dict[str, Any]:
        """Post a mail, and its `Mail`."""
        content: list[dict[str, Any]] = json.loads((await self.entry(body))["said"])
        return content[0]

    async def hire(self, role: str = "agent") -> tuple[UUID, str]:
        """An agent of the queue, available, and a token of theirs."""
        agent = new_id()
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute("insert into agent (id, name, role) values ($1, 'Bo', $2)", agent, role)
            await connection.execute("insert into agent_state (agent_id, presence) values ($1, 'available')", agent)
            await set_agent_queues(connection, agent, ["general"])
            return agent, await issue_token(connection, agent)

    async def get(self, token: str, path: str) -> httpx2.Response:
        """Read something by REST."""
        return await self.client.get(f"{self.url}{path}", headers={"Authorization": f"Bearer {token}"})


@asynccontextmanager
async def post_of(database_url: str, url: str) -> AsyncIterator[Post]:
    """Over this process and its database."""
    async with (
        httpx2.AsyncClient(timeout=SECONDS * 2) as client,
        asyncpg.create_pool(database_url, min_size=0, max_size=4) as pool,
    ):
        yield Post(client, pool, url)


class Pulse:
    """Asks `/health` every 20 ms from outside; the longest it waited."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.waited: list[float] = []

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[Pulse]:
        """For as long as the block."""
        task = asyncio.create_task(self._beat())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _beat(self) -> None:
        async with httpx2.AsyncClient() as client:
            while True:
                started = time.perf_counter()
                assert (await client.get(f"{self.url}/health")).status_code == 200
                self.waited.append(time.perf_counter() - started)
                await asyncio.sleep(0.02)
