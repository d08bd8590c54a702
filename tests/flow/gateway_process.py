"""Real gateway processes over a database of their own, and Twilio as it speaks to them: signed forms over HTTP."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import asyncpg
import httpx2
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from gateway.auth import issue_token
from router.needs import set_agent_queues
from store.ids import new_id
from tests.flow.screen_world import SUBPROTOCOL, Screen

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 30.0
SECRET = "0123456789abcdef0123456789abcdef"
ACCOUNT_SID = "AC00000000000000000000000000000001"
PUBLIC_URL = "https://sms.example.com/hooks/sms-main"
NUMBER = "+15005550006"
FORM = "application/x-www-form-urlencoded"
WAITING = """
select count(*) from pg_stat_activity
 where datname = current_database() and wait_event_type = 'Lock' and backend_type = 'client backend'
"""
# Nothing leaves this machine: where replies would go, nobody listens.
FOUND = """
insert into queue (id, name) values ('general', 'General');
insert into account (id, channel, provider, address, secrets, region, public_url, settings, queue_id)
values ('sms-main', 'sms', 'twilio', '{number}', '{{{secret}}}', 'US', '{url}',
        '{{"account_sid": "{sid}", "api_base": "http://127.0.0.1:1"}}', 'general')
"""
sids = itertools.count(1)


class Gateway:
    """One process, started as an operator would, and ended by its id."""

    def __init__(self, database_url: str, log: Path, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        given = {name: value for name, value in os.environ.items() if not name.startswith("SCREENPOP_")}
        given.pop("REDIS_URL", None)
        self._environment = {**given, "PYTHONPATH": str(ROOT), "DATABASE_URL": database_url, **environment}
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "gateway.cli", "serve", "--port", str(self.port)],
                cwd=ROOT,
                env=self._environment,
                stdout=output,
                stderr=output,
            )

    async def killed_and_started_again(self) -> None:
        """SIGKILL in the middle of whatever it does, and a new process at the same address, up."""
        self.process.kill()
        await asyncio.to_thread(self.process.wait)
        self.process = self._start()
        await self.up()

    async def up(self) -> None:
        """Return when it answers; fail with its log when it does not."""
        async with httpx2.AsyncClient() as client, asyncio.timeout(SECONDS):
            while True:
                try:
                    if (await client.get(f"{self.url}/ready")).status_code == 200:
                        return
                except httpx2.TransportError:
                    assert self.process.poll() is None, self.log.read_text()
                await asyncio.sleep(0.05)

    def end(self) -> None:
        """SIGTERM, and SIGKILL when that is not enough."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def running(database_url: str, log: Path, **environment: str) -> Iterator[Gateway]:
    """A process for as long as the block; call `up` before using it."""
    gateway = Gateway(database_url, log, **environment)
    try:
        yield gateway
    finally:
        gateway.end()


def free_port() -> int:
    """A port nobody listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


async def found_company(database_url: str) -> None:
    """A queue and the account `sms-main`. Before the first process starts, which keeps accounts for some seconds."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(FOUND.format(number=NUMBER, secret=SECRET, url=PUBLIC_URL, sid=ACCOUNT_SID))
    await connection.close()


class Twilio:
    """Sends webhooks to gateways, and looks into their database."""

    def __init__(self, client: httpx2.AsyncClient, pool: asyncpg.Pool, urls: list[str]) -> None:
        self.client = client
        self.pool = pool
        self.urls = urls

    def form(self, phone: str, body: str, **changes: str) -> dict[str, str]:
        """The fields of an incoming message."""
        sid = f"SM{next(sids):032d}"
        fields = {"MessageSid": sid, "AccountSid": ACCOUNT_SID, "From": phone, "To": NUMBER, "Body": body}
        return {**fields, "NumMedia": "0", **changes}

    async def post(
        self, fields: dict[str, str], path: str = "", *, process: int = 0, signature: str | None = None
    ) -> httpx2.Response:
        """A form, signed by Twilio's library unless a signature is given (empty: none)."""
        signed = sign(PUBLIC_URL + path, fields) if signature is None else signature
        headers = {"Content-Type": FORM} | ({"X-Twilio-Signature": signed} if signed else {})
        url = f"{self.urls[process]}/hooks/sms-main{path}"
        return await self.client.post(url, content=urlencode(fields).encode(), headers=headers)

    async def raw(self, body: bytes, path: str = "", kind: str = FORM, signature: str | None = None) -> httpx2.Response:
        """Any body, with a signature over the URL alone unless another is given."""
        signed = sign(PUBLIC_URL + path, {}) if signature is None else signature
        headers = {"Content-Type": kind, "X-Twilio-Signature": signed}
        return await self.client.post(f"{self.urls[0]}/hooks/sms-main{path}", content=body, headers=headers)

    async def value(self, sql: str, *arguments: object) -> Any:
        """One value of the database."""
        return await self.pool.fetchval(sql, *arguments)

    async def rows(self) -> dict[str, int]:
        """How many rows each table has that a webhook may write to: all but those the loops of a process write to."""
        tables = await self.pool.fetch(TABLES, list(OWN))
        return {row["name"]: await self.value(f"select count(*) from {row['name']}") for row in tables}

    async def changed(self, before: dict[str, int]) -> set[str]:
        """The tables that have more or fewer rows than before."""
        return {table for table, count in (await self.rows()).items() if count != before[table]}

    async def forget(self) -> None:
        """Empty the tables of what customers did. A loop of a process may be in the middle of them."""
        while True:
            with contextlib.suppress(asyncpg.DeadlockDetectedError):
                await self.pool.execute(FORGET)
                return

    async def hire(self, role: str = "agent") -> tuple[UUID, str]:
        """An agent of the queue, available, and a token of theirs."""
        agent = new_id()
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute("insert into agent (id, name, role) values ($1, 'Bo', $2)", agent, role)
            await connection.execute("insert into agent_state (agent_id, presence) values ($1, 'available')", agent)
            await set_agent_queues(connection, agent, ["general"])
            return agent, await issue_token(connection, agent)

    @asynccontextmanager
    async def screen(self, token: str, process: int = 0) -> AsyncIterator[Screen]:
        """A screen of this process that has said hello."""
        async with self.socket(token, process) as connection:
            screen = Screen(connection)
            await screen.hello()
            yield screen

    def socket(self, token: str, process: int = 0) -> connect:
        """A websocket handshake with a token."""
        return connect(
            self.urls[process].replace("http", "ws") + "/v1/screen",
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            additional_headers={"Authorization": f"Bearer {token}"},
            compression=None,
        )

    async def blocked(self) -> None:
        """Return when a connection of a gateway waits for a lock."""
        async with asyncio.timeout(SECONDS):
            while not await self.value(WAITING):  # noqa: ASYNC110  # the state of a server
                await asyncio.sleep(0.005)


TABLES = """
select c.oid::regclass::text as name from pg_class c
 where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
   and c.relname <> all ($1)
"""
OWN = (
    *("gateway_process", "screen", "decision", "need", "entry_words", "filing", "entry_gap"),
    *("likeness_due", "likeness_lease", "portrait", "suggestion"),
)
FORGET = """
truncate customer, conversation, contact, offer, entry, event, handle, consent, link, seen, raw_event, dead_letter,
         stream, outbox, decision cascade
"""


@asynccontextmanager
async def twilio_of(database_url: str, *urls: str) -> AsyncIterator[Twilio]:
    """Twilio over these processes and their database."""
    limits = httpx2.Limits(max_connections=64)
    async with (
        httpx2.AsyncClient(timeout=SECONDS, limits=limits) as client,
        asyncpg.create_pool(database_url, min_size=0, max_size=6) as pool,
    ):
        yield Twilio(client, pool, list(urls))


def sign(url: str, fields: dict[str, str], secret: str = SECRET) -> str:
    """By Twilio's own library."""
    signature: str = RequestValidator(secret).compute_signature(url, fields)
    return signature


def made_up_signature() -> str:
    """What looks like one."""
    return base64.b64encode(os.urandom(20)).decode()


class Cable:
    """A TCP way to the database that can be cut and mended: everything else of the server stays as it is."""

    def __init__(self, database_url: str) -> None:
        self._target = urlsplit(database_url)
        self.port = free_port()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """The database by this way."""
        credentials = self._target.netloc.rpartition("@")[0]
        return self._target._replace(netloc=f"{credentials}@127.0.0.1:{self.port}").geturl()

    async def mend(self) -> None:
        """Let connections through."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)

    async def cut(self) -> None:
        """Refuse new connections and drop those there are."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        self._server = None

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, out = await asyncio.open_connection(self._target.hostname, self._target.port)
        self._open |= {writer, out}
        try:
            await asyncio.gather(_pump(reader, out), _pump(there, writer))
        finally:
            self._open -= {writer, out}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        return
    finally:
        writer.close()
