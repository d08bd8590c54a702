"""The bus over a Redis protocol server: one channel for the whole deployment, by publish and subscribe.

A message is a JSON array `[process, {"customer:<id>": seq, …}]`, or `[process, {}, [mark, …]]` for who is writing.
It holds ids: no person is named, and no content is in it.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine
from random import SystemRandom

import msgspec
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from model.typing_mark import TypingMark
from pushers.bus.base import Told, pass_over
from pushers.feeds import parse_feed
from store.feeds import Announce, Positions

CHANNEL = "screenpop:feeds"
MAX_QUEUED = 10_000
"""Feeds that wait to be announced; beyond it the oldest are dropped, for position checks to find."""
MAX_PER_MESSAGE = 1_000
"""Feeds, and marks, of one message."""
COMMAND_SECONDS = 2.0
PING_SECONDS = 1.0
"""A connection silent for this long is pinged; silent for two more, it counts as dead."""
MAX_BACKOFF_SECONDS = 2.0

log = logging.getLogger(__name__)
random = SystemRandom()


class _Message(msgspec.Struct, array_like=True, frozen=True):
    process: str
    positions: dict[str, int]


class _Told(_Message, array_like=True, frozen=True):
    """An older process reads of it what it knows: that no feed has moved."""

    marks: tuple[TypingMark, ...] = ()


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Told).decode


class RedisBus:
    """Reaches every process that uses the same server."""

    shared = True

    def __init__(self, url: str, channel: str = CHANNEL) -> None:
        self._url = url
        self.channel = channel
        self.process = os.urandom(8).hex()
        self._queued: Positions = {}
        self._marks: list[TypingMark] = []
        self._work = asyncio.Event()
        self._deliver: Announce | None = None
        self._told: Told = pass_over
        self._tasks: list[asyncio.Task[None]] = []
        self._subscribed = False

    @property
    def healthy(self) -> bool:
        """True while subscribed to a server that answers."""
        return self._subscribed

    async def start(self, deliver: Announce, told: Told = pass_over) -> None:
        """Begin to connect, for as long as it takes."""
        self._deliver, self._told = deliver, told
        self._tasks = [asyncio.create_task(self._keep(self._listen)), asyncio.create_task(self._keep(self._send))]

    def publish(self, positions: Positions) -> None:
        """Hand the positions to the own hub and queue them for the others."""
        if self._deliver is None:
            return
        self._deliver(positions)
        for feed, seq in positions.items():
            # Taken out first: what moved last stands last, so that the oldest are dropped.
            self._queued[feed] = max(seq, self._queued.pop(feed, 0))
        while len(self._queued) > MAX_QUEUED:
            del self._queued[next(iter(self._queued))]
        self._work.set()

    def tell(self, mark: TypingMark) -> None:
        """Hand the mark to the own hub, and to the others unless they cannot be reached, or too many wait, just now."""
        self._told(mark)
        if self._subscribed and len(self._marks) < MAX_PER_MESSAGE:
            self._marks.append(mark)
            self._work.set()

    async def stop(self) -> None:
        """Close both connections."""
        self._deliver, self._told = None, pass_over
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def _keep(self, run: Callable[[], Coroutine[None, None, None]]) -> None:
        """Run for ever; after an error come back with growing, jittered pauses, for a server that restarts
        must not be met by all processes at once.
        """
        pause = 0.05
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await run()
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("bus connection lost: %s", type(error).__name__)
            except Exception:  # a loop that died would leave this process deaf for good; the log says where it failed
                log.exception("bus connection lost")
            if asyncio.get_running_loop().time() - began > MAX_BACKOFF_SECONDS * 5:
                pause = 0.05
            await asyncio.sleep(random.uniform(pause / 2, pause))
            pause = min(pause * 2, MAX_BACKOFF_SECONDS)

    async def _send(self) -> None:
        """Publish what is queued; what queued meanwhile goes in the next message."""
        async with self._client(COMMAND_SECONDS) as client:
            while True:
                await self._work.wait()
                self._work.clear()
                taken, self._queued = self._queued, {}
                marks, self._marks = self._marks, []
                await self._publish(client, taken, marks)

    async def _publish(self, client: Redis, positions: Positions, marks: list[TypingMark]) -> None:
        names = [(str(feed), seq) for feed, seq in positions.items()]
        async with client.pipeline(transaction=False) as pipeline:
            for begin in range(0, len(names), MAX_PER_MESSAGE):
                message = _Message(self.process, dict(names[begin : begin + MAX_PER_MESSAGE]))
                pipeline.publish(self.channel, _encode(message))
            if marks:
                pipeline.publish(self.channel, _encode(_Told(self.process, {}, tuple(marks))))
            await pipeline.execute()

    async def _listen(self) -> None:
        # No timeout on this socket: redis-py would take a quiet channel for a failure and send its command again.
        async with self._client(None) as client, client.pubsub() as channel:
            try:
                async with asyncio.timeout(COMMAND_SECONDS):
                    await channel.subscribe(self.channel)
                await self._receive(channel)
            finally:
                self._subscribed = False

    async def _receive(self, channel: PubSub) -> None:
        silent_seconds = 0.0
        while silent_seconds < 3 * PING_SECONDS:
            message = await channel.get_message(timeout=PING_SECONDS)
            if message is None:
                silent_seconds += PING_SECONDS
                async with asyncio.timeout(COMMAND_SECONDS):
                    await channel.ping()
                continue
            silent_seconds = 0.0
            if message["type"] == "subscribe":
                self._subscribed = True
            elif message["type"] == "message":
                self._hear(message["data"])
        raise TimeoutError

    def _hear(self, data: bytes) -> None:
        try:
            message = _decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            log.warning("bus message not understood")
            return
        if message.process == self.process or self._deliver is None:
            return
        named = ((parse_feed(name), seq) for name, seq in message.positions.items())
        if positions := {feed: seq for feed, seq in named if feed is not None}:
            self._deliver(positions)
        for mark in message.marks:
            self._told(mark)

    def _client(self, socket_seconds: float | None) -> Redis:
        return Redis.from_url(
            self._url,
            socket_timeout=socket_seconds,
            socket_connect_timeout=COMMAND_SECONDS,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=0,
        )
