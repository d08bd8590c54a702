"""A gateway process, Twilio as the world outside plays it, and agents with screens: calls from ringing to hang-up."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx2
import msgspec
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from gateway.auth import issue_token
from router.needs import set_agent_queues
from store.ids import new_id
from tests.flow.gateway_process import ACCOUNT_SID, ROOT, SECONDS, SECRET, Gateway, free_port, running, sign
from tests.flow.screen_world import SUBPROTOCOL, Screen

NUMBER = "+15005550007"
FOUND = """
insert into queue (id, name) values ('general', 'General'), ('billing', 'Billing');
"""
SMS_NUMBER = "+15005550006"
ADD_SMS = """
insert into account (id, channel, provider, address, secrets, region, public_url, settings, queue_id)
values ('sms-main', 'sms', 'twilio', $1, array[$2], 'US', $3, $4::jsonb, 'general')
"""
ADD_ACCOUNT = """
insert into account (id, channel, provider, address, secrets, region, public_url, settings, queue_id)
values ('voice-main', 'voice', 'twilio', $1, array[$2], 'US', $3, $4::jsonb, 'general')
"""
ADD_LINE = """
insert into voice_line (account_id, settings) values ('voice-main', $1::jsonb)
on conflict (account_id) do update set settings = excluded.settings
"""
CALLS = """
select k.*, c.state as contact_state, c.class, c.agent_id from call k join contact c on c.id = k.contact_id
 order by k.started_at
"""


OPEN = ("queued", "ringing", "in-progress")


class Agent:
    """An agent and their screen."""

    def __init__(self, id: UUID, screen: Screen) -> None:
        self.id = id
        self.screen = screen
        self.client = "client:" + id.hex


class VoiceWorld:
    """Everything a test of calls asks."""

    def __init__(self, gateway: Gateway, pool: asyncpg.Pool, client: httpx2.AsyncClient, outside: str) -> None:
        self.gateway, self.pool, self.client, self.outside = gateway, pool, client, outside
        self._stack = AsyncExitStack()

    async def wish(self, kind: str, **wish: Any) -> Any:
        """Tell the world outside to do something."""
        body = {"account": "voice-main", "kind": kind, **wish}
        answer = await self.client.post(f"{self.outside}/control/inbound", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def call(self, phone: str = "+15551230001", **person: Any) -> str:
        """Somebody calls; the sid of their line."""
        sid: str = (await self.wish("call", **{"from": phone}, person=person))["sid"]
        return sid

    async def line(self, sid: str) -> Any:
        """What became of a line."""
        return next(line for line in (await self.wish("calls"))["lines"] if line["sid"] == sid)

    async def text(self, phone: str, body: str) -> None:
        """Somebody writes."""
        fields = {"MessageSid": f"SM{new_id().hex}", "AccountSid": ACCOUNT_SID, "From": phone, "To": SMS_NUMBER}
        await self.post("sms-main", {**fields, "Body": body, "NumMedia": "0"})

    async def post(self, path: str, fields: dict[str, str], signature: str | None = None) -> httpx2.Response:
        """A webhook by hand, signed unless a signature is given."""
        url = f"{self.gateway.url}/hooks/{path}"
        headers = {"X-Twilio-Signature": sign(url, fields) if signature is None else signature}
        return await self.client.post(url, data=fields, headers=headers)

    async def until_over(self, sid: str) -> None:
        """Return when a line is hung up."""
        async with asyncio.timeout(SECONDS):
            while (await self.line(sid))["status"] in OPEN:  # noqa: ASYNC110  # the state of a server
                await asyncio.sleep(0.02)

    async def hire(self, *queues: str, name: str = "Bo", **line: Any) -> Agent:
        """An available agent with a screen; `kind` and `address`: where they are rung."""
        agent = new_id()
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute("insert into agent (id, name, role) values ($1, $2, 'agent')", agent, name)
            await connection.execute("insert into agent_state (agent_id, presence) values ($1, 'available')", agent)
            await set_agent_queues(connection, agent, list(queues or ("general",)))
            if line:
                await connection.execute(
                    *("insert into agent_line values ($1, $2, $3)", agent, line["kind"], line["address"])
                )
            token = await issue_token(connection, agent)
        return Agent(agent, await self.screen(token))

    async def boss(self) -> Agent:
        """A supervisor."""
        agent = await self.hire("billing", name="Sue")
        await self.pool.execute("update agent set role = 'supervisor' where id = $1", agent.id)
        async with self.pool.acquire() as connection:
            return Agent(agent.id, await self.screen(await issue_token(connection, agent.id)))

    async def screen(self, token: str) -> Screen:
        """A screen that has said hello."""
        connection = connect(
            self.gateway.url.replace("http", "ws") + "/v1/screen",
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            additional_headers={"Authorization": f"Bearer {token}"},
            compression=None,
        )
        screen = Screen(await self._stack.enter_async_context(connection))
        await screen.hello()
        return screen

    async def set_line(self, **settings: Any) -> None:
        """What callers hear."""
        await self.pool.execute(ADD_LINE, msgspec.json.encode(settings).decode())

    async def calls(self) -> list[Any]:
        """Every call with its contact."""
        return list(await self.pool.fetch(CALLS))

    async def until_call(self, true: Callable[[Any], bool], which: int = -1) -> Any:
        """The call, once it is so."""
        row = None
        try:
            async with asyncio.timeout(SECONDS):
                while True:
                    rows = await self.calls()
                    if rows and true(row := rows[which]):
                        return row
                    await asyncio.sleep(0.02)
        except TimeoutError:
            told = await self.wish("calls")
            raise AssertionError(
                f"{dict(row) if row else None}\n{told}\n{await self.commands()}\n{self.gateway.log.read_text()[-3000:]}"
            ) from None

    async def commands(self) -> list[Any]:
        """What the provider was asked."""
        rows = await self.pool.fetch("select body::text, state, error from call_command order by id")
        return [tuple(row) for row in rows]

    async def free(self, agent: Agent) -> None:
        """Return when the agent's line is free again."""
        await self.until("select used_voice = 0 from agent_state where agent_id = $1", agent.id)

    async def until(self, sql: str, *arguments: object) -> None:
        """Return when the database says yes."""
        async with asyncio.timeout(SECONDS):
            while not await self.pool.fetchval(sql, *arguments):  # noqa: ASYNC110  # the state of a server
                await asyncio.sleep(0.02)

    async def close(self) -> None:
        """Hang up the screens."""
        await self._stack.aclose()


async def take(agent: Agent) -> Any:
    """Accept the next offer; the profile."""
    offer = await agent.screen.offer()
    await agent.screen.send(type="accept", offer=offer["offer"], ref="take")
    return await agent.screen.next("profile")


@asynccontextmanager
async def voice_world(
    database_url: str, folder: Path, *, pace: float = 0.05, through: str | None = None
) -> AsyncIterator[VoiceWorld]:
    """A gateway and Twilio around a database that is migrated and empty. `through`: how the gateway reaches it."""
    port = free_port()
    outside = f"http://127.0.0.1:{port}"
    settings = {"account_sid": ACCOUNT_SID, "api_base": outside}
    async with asyncpg.create_pool(database_url, min_size=0, max_size=4) as pool, httpx2.AsyncClient() as client:
        await pool.execute(FOUND)
        environment = {"SCREENPOP_DATA_DIR": str(folder / "data"), "SCREENPOP_PRIVATE_MEDIA_HOSTS": f"127.0.0.1:{port}"}
        with running(through or database_url, folder / "gateway.log", **environment) as gateway:
            public = f"{gateway.url}/hooks/voice-main"
            await pool.execute(ADD_ACCOUNT, NUMBER, SECRET, public, msgspec.json.encode(settings).decode())
            sms = msgspec.json.encode(settings).decode()
            await pool.execute(ADD_SMS, SMS_NUMBER, SECRET, f"{gateway.url}/hooks/sms-main", sms)
            account: dict[str, Any] = {"id": "voice-main", "channel": "voice", "provider": "twilio", "address": NUMBER}
            account |= {"secret": SECRET, "public_url": public, "settings": settings}
            (folder / "accounts.json").write_bytes(msgspec.json.encode([account]))
            with outside_process(port, folder):
                world = VoiceWorld(gateway, pool, client, outside)
                await gateway.up()
                await _up(client, outside)
                await world.wish("pace", pace=pace)
                try:
                    yield world
                    assert (await world.wish("calls"))["faults"] == []
                finally:
                    await world.close()


def outside_process(port: int, folder: Path) -> Any:
    """The world outside as a process of its own."""
    from contextlib import contextmanager

    @contextmanager
    def process() -> Any:
        with (folder / "outside.log").open("ab") as output:
            arguments = ["--port", str(port), "--accounts", str(folder / "accounts.json")]
            started = subprocess.Popen(
                [sys.executable, "-m", "gateway.demo.outside", *arguments],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=output,
                stderr=output,
            )
        try:
            yield started
        finally:
            started.terminate()
            started.wait(10)

    return process()


async def _up(client: httpx2.AsyncClient, url: str) -> None:
    async with asyncio.timeout(SECONDS):
        while True:
            try:
                if (await client.get(f"{url}/control/accounts")).status_code == 200:
                    return
            except httpx2.TransportError:
                await asyncio.sleep(0.05)
