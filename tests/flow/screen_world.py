"""A real gateway on loopback for the tests of screens: PostgreSQL, uvicorn, websocket clients; nothing is faked."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Self
from uuid import UUID

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from gateway.actions import Actions
from gateway.auth import issue_token
from gateway.screen import ScreenEndpoint
from gateway.screen_limits import Limits
from gateway.worker import Worker
from model.agent import Actor
from model.event import FeedId
from model.inbound import HandleRef, InboundMessage
from profiles.profile import Snapshot
from profiles.record import Delivery, record
from pushers.bus.base import Bus
from pushers.bus.memory import MemoryBus
from pushers.hub import Hub, Pace
from router.desk import DeskState
from router.needs import set_agent_queues
from router.presence import register_process
from store.ids import new_id
from store.pool import Pool, open_pool

SECONDS = 20.0
SUBPROTOCOL = "screen.v1+json"
PINGS: dict[str, float] = {}
"""How the server pings, where a test says so."""
Frame = dict[str, Any]


async def until(true: Callable[[], bool]) -> None:
    """Wait for something outside this program to become true."""
    async with asyncio.timeout(SECONDS):
        while not true():  # noqa: ASYNC110  # what is awaited is the state of servers and sockets
            await asyncio.sleep(0.005)


class CountingDesk(Actions):
    """The product's own desk, which counts how often a profile is read, and can be made to fail or to be overtaken."""

    snapshots = 0
    broken = False
    meanwhile: Callable[[], Any] | None = None
    before_state: Callable[[], Any] | None = None

    async def disconnect(self, actor: Actor, screen_id: UUID) -> None:
        """As ever, unless it is broken."""
        if self.broken:
            raise ConnectionError
        await super().disconnect(actor, screen_id)

    async def state(self, actor: Actor) -> DeskState:
        """As ever, but after `before_state` has happened."""
        if self.before_state is not None:
            first, self.before_state = self.before_state, None
            await first()
        return await super().state(actor)

    async def snapshot(self, customer: UUID) -> Snapshot | None:
        """As ever; then let `meanwhile` happen before the caller has it."""
        if self.broken:
            raise ConnectionError("the secret of customer Ana")
        found = await super().snapshot(customer)
        self.snapshots += 1
        if self.meanwhile is not None:
            then, self.meanwhile = self.meanwhile, None
            await then()
        return found


class Gateway:
    """One process: hub, screens and their server."""

    def __init__(self, pool: Pool, bus: Bus, limits: Limits | None, pace: Pace | None) -> None:
        self.pool = pool
        self.process = new_id()
        self.hub = Hub(pool, bus, self.process, pace)
        self.worker = Worker(pool, self.hub.announce, self.process, self._never)
        self.desk = CountingDesk(pool, self.hub.announce, self.process, lambda: None, lambda: None)
        self.screens = ScreenEndpoint(pool, self.hub, self.desk, ["https://desk.example.com"], limits)
        self.port = 0
        self.connections: set[Any] = set()
        """Sockets the server holds."""

    async def _never(self) -> None:
        raise AssertionError("the lease is not renewed here")

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Self]:
        async def screen(websocket: WebSocket) -> None:
            await self.screens(websocket)

        async with self.pool.acquire() as connection:
            await register_process(connection, self.process)
        await self.hub.start()
        config = uvicorn.Config(
            Starlette(routes=[WebSocketRoute("/v1/screen", screen)]),
            ws="websockets-sansio",
            ws_max_size=64 * 1024,
            ws_per_message_deflate=False,
            log_level="error",
            lifespan="off",
            ws_ping_interval=PINGS.get("ws_ping_interval", 20.0),
            ws_ping_timeout=PINGS.get("ws_ping_timeout", 20.0),
        )
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve([listening]))
        try:
            await until(lambda: server.started)
            self.connections = server.server_state.connections
            yield self
        finally:
            await self.screens.close_all()
            server.should_exit = True
            await task
            await self.hub.stop()

    def connect(self, token: str | None, *offered: str, **options: Any) -> connect:
        """A handshake; `token` None: none is shown."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return connect(
            f"ws://127.0.0.1:{self.port}/v1/screen",
            subprotocols=[Subprotocol(name) for name in offered or (SUBPROTOCOL,)],
            additional_headers=headers | options.pop("headers", {}),
            compression=None,
            **options,
        )


class Screen:
    """A client: keeps every frame, in order."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.frames: list[Frame] = []
        self._rang: list[Frame] = []

    async def send(self, **frame: Any) -> None:
        await self.connection.send(msgspec.json.encode(frame).decode())

    async def next(self, kind: str | None = None) -> Frame:
        """The next frame (of this type), passing over others."""
        async with asyncio.timeout(SECONDS):
            while True:
                self.frames.append(msgspec.json.decode(await self.connection.recv()))
                if kind in (None, self.frames[-1]["type"]):
                    return self.frames[-1]

    async def hello(self, epoch: str | None = None, resume: dict[str, int] | None = None) -> Frame:
        """Say hello; answers the welcome."""
        await self.send(type="hello", **({"epoch": epoch, "resume": resume} if epoch else {}))
        welcome = await self.next("welcome")
        self._rang = list(welcome["offers"])
        self.welcome = welcome
        return welcome

    async def offer(self) -> Frame:
        """What rings next: also what began to ring while the screen said hello, which only its welcome tells."""
        return self._rang.pop(0) if self._rang else await self.next("offer")

    async def events(self, feed: object, count: int) -> list[int]:
        """The next sequences of a feed."""
        found: list[int] = []
        while len(found) < count:
            frame = await self.next("event")
            if frame["feed"] == str(feed):
                found.append(frame["seq"])
        return found

    async def quiet(self) -> list[Frame]:
        """Everything that still comes before the answer to a frame sent now."""
        begin = len(self.frames)
        await self.send(type="leave", customer=str(new_id()), ref="quiet")
        while True:
            if (await self.next("result"))["ref"] == "quiet":
                return self.frames[begin:-1]

    async def closed(self) -> tuple[int, str]:
        """Read to the end: close code and reason."""
        async with asyncio.timeout(SECONDS):
            try:
                while True:
                    self.frames.append(msgspec.json.decode(await self.connection.recv()))
            except ConnectionClosed as end:
                return (end.rcvd.code, end.rcvd.reason) if end.rcvd else (1006, "")


class Agent:
    """An agent and a token of theirs."""

    def __init__(self, id: UUID, token: str) -> None:
        self.id = id
        self.token = token
        self.feed = FeedId("agent", id)


class World:
    """A database with a queue and an account, and gateways over it."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._keys = 0

    @classmethod
    @asynccontextmanager
    async def opened(cls, url: str) -> AsyncIterator[Self]:
        pool = await open_pool(url)
        await pool.execute("insert into queue (id, name) values ('support', 'Support')")
        await pool.execute(
            "insert into account (id, channel, provider, address, secrets, region, public_url, queue_id) "
            "values ('main', 'sms', 'twilio', '+4930123', '{x}', 'DE', 'https://example.com', 'support')"
        )
        yield cls(pool)
        await pool.close()

    @asynccontextmanager
    async def gateway(
        self, bus: Bus | None = None, limits: Limits | None = None, pace: Pace | None = None
    ) -> AsyncIterator[Gateway]:
        async with Gateway(self.pool, bus or MemoryBus(), limits, pace).serving() as gateway:
            yield gateway

    async def agent(self, role: str = "agent") -> Agent:
        id = new_id()
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute("insert into agent (id, name, role) values ($1, 'Bo', $2)", id, role)
            await connection.execute("insert into agent_state (agent_id, presence) values ($1, 'available')", id)
            await set_agent_queues(connection, id, ["support"])
            return Agent(id, await issue_token(connection, id))

    async def write(self, hub: Hub | None, who: int = 1, bodies: int = 1) -> FeedId:
        """A customer writes, each message a transaction of its own; `hub` None: nobody is told."""
        feed = FeedId("customer", UUID(int=0))
        for _ in range(bodies):
            self._keys += 1
            handle = HandleRef("phone", f"+4930555{who:04}")
            message = InboundMessage(f"k{self._keys}", handle, f"message {self._keys}")
            async with self.pool.acquire() as connection:
                recorded = await record(connection, [Delivery("main", "sms", message, None, "", None, b"")])
            feed = next(each for each in recorded.positions if each.kind == "customer")
            if hub is not None:
                hub.announce(recorded.positions)
        return feed

    async def head(self, feed: FeedId) -> int:
        table = "stream where id" if feed.kind == "customer" else "agent_state where agent_id"
        return int(await self.pool.fetchval(f"select seq from {table} = $1", feed.id))
