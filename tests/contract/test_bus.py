"""Every bus alike: announcements arrive, publishing never hurts, and a server that went away is found again (INV19)."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from redis.asyncio import Redis

from model.event import FeedId
from model.typing_mark import TypingMark
from pushers.bus.base import Bus
from pushers.bus.memory import MemoryBus
from pushers.bus.redis import MAX_QUEUED, RedisBus
from store.binaries import find_valkey
from store.feeds import Positions
from store.supervise import free_port

SECONDS = 15.0
MakeBus = Callable[[], Bus]


def feed(number: int) -> FeedId:
    return FeedId("customer" if number % 2 else "agent", UUID(int=number))


class Ear:
    """What one hub has heard."""

    def __init__(self) -> None:
        self.heard: list[Positions] = []

    def __call__(self, positions: Positions) -> None:
        self.heard.append(positions)

    def reached(self) -> Positions:
        together: Positions = {}
        for positions in self.heard:
            for each, seq in positions.items():
                together[each] = max(seq, together.get(each, 0))
        return together


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not true():  # noqa: ASYNC110  # what is awaited is the state of servers and sockets
            await asyncio.sleep(0.01)


@asynccontextmanager
async def started(bus: Bus, ear: Ear) -> AsyncIterator[Bus]:
    await bus.start(ear)
    try:
        yield bus
    finally:
        await bus.stop()


@pytest.fixture(params=["memory", "redis", "redis that is away"])
def make_bus(request: pytest.FixtureRequest) -> MakeBus:
    """Buses that reach each other where their kind does."""
    if request.param == "memory":
        return MemoryBus
    if request.param == "redis that is away":
        url = f"redis://127.0.0.1:{free_port()}/0"
        return lambda: RedisBus(url)
    url, channel = request.getfixturevalue("redis_url"), f"test:{os.urandom(6).hex()}"
    return lambda: RedisBus(url, channel)


async def test_the_own_hub_hears_at_once_and_once(make_bus: MakeBus) -> None:
    ear = Ear()
    async with started(make_bus(), ear) as bus:
        bus.publish({feed(1): 4, feed(2): 9})
        assert ear.heard == [{feed(1): 4, feed(2): 9}]
    assert ear.heard == [{feed(1): 4, feed(2): 9}]


async def test_publishing_before_the_start_and_after_the_stop_is_harmless(make_bus: MakeBus) -> None:
    bus, ear = make_bus(), Ear()
    bus.publish({feed(1): 1})
    async with started(bus, ear):
        pass
    bus.publish({feed(1): 2})
    assert ear.heard == []


async def test_what_cannot_be_sent_is_bounded_and_the_own_hub_still_hears_all(make_bus: MakeBus) -> None:
    ear = Ear()
    async with started(make_bus(), ear) as bus:
        for number in range(MAX_QUEUED + 500):
            bus.publish({feed(number): 1})
        assert len(ear.heard) == MAX_QUEUED + 500
        queued: Positions = getattr(bus, "_queued", {})
        assert len(queued) <= MAX_QUEUED


@pytest.fixture
def make_shared(redis_url: str) -> MakeBus:
    channel = f"test:{os.urandom(6).hex()}"
    return lambda: RedisBus(redis_url, channel)


async def test_a_shared_bus_reaches_the_others_and_does_not_come_back(make_shared: MakeBus) -> None:
    mine, theirs = Ear(), Ear()
    async with started(make_shared(), mine) as here, started(make_shared(), theirs) as there:
        assert here.shared
        await until(lambda: here.healthy and there.healthy)
        here.publish({feed(1): 7})
        await until(lambda: theirs.reached() == {feed(1): 7})
        there.publish({feed(2): 8})
        await until(lambda: feed(2) in mine.reached())
    # The answer to their announcement proves that ours had come round before it.
    assert mine.heard == [{feed(1): 7}, {feed(2): 8}]


async def test_a_burst_goes_out_together_and_the_newest_position_wins(make_shared: MakeBus) -> None:
    mine, theirs = Ear(), Ear()
    async with started(make_shared(), mine) as here, started(make_shared(), theirs) as there:
        await until(lambda: here.healthy and there.healthy)
        for seq in range(1, 2_001):
            here.publish({feed(seq % 50): seq})
        await until(lambda: len(theirs.reached()) == 50 and max(theirs.reached().values()) == 2_000)
        assert theirs.reached() == mine.reached()
        assert len(theirs.heard) < 50


async def test_only_names_and_numbers_are_carried(make_shared: MakeBus, redis_url: str) -> None:
    bus = make_shared()
    assert isinstance(bus, RedisBus)
    async with started(bus, Ear()), Redis.from_url(redis_url, socket_timeout=None) as client:
        async with client.pubsub() as channel:
            await channel.subscribe(bus.channel)
            await until(lambda: bus.healthy)
            bus.publish({feed(1): 7})
            bus.tell(mark(1))
            carried: list[bytes] = []
            async with asyncio.timeout(SECONDS):
                async for message in channel.listen():
                    carried += [message["data"]] if message["type"] == "message" else []
                    if len(carried) == 2:
                        break
        assert carried[0] == b'["%b",{"%b":7}]' % (bus.process.encode(), str(feed(1)).encode())
        ids = {"customer": 1, "conversation": 7, "agent": 8, "handle": 9}
        told = {name: str(UUID(int=number)) for name, number in ids.items()} | {"channel": "chat", "note": False}
        assert msgspec.json.decode(carried[1]) == [bus.process, {}, [told]]


def mark(number: int) -> TypingMark:
    return TypingMark(UUID(int=number), UUID(int=7), "chat", UUID(int=8), handle=UUID(int=9))


async def test_the_own_hub_is_told_at_once_who_types(make_bus: MakeBus) -> None:
    bus, told = make_bus(), list[TypingMark]()
    bus.tell(mark(0))
    await bus.start(Ear(), told.append)
    bus.tell(mark(1))
    assert told == [mark(1)]
    await bus.stop()
    bus.tell(mark(2))
    assert told == [mark(1)]


async def test_a_shared_bus_tells_the_others_who_types_beside_positions(make_shared: MakeBus) -> None:
    here, there, told, theirs = make_shared(), make_shared(), list[TypingMark](), Ear()
    async with started(here, Ear()):
        await there.start(theirs, told.append)
        try:
            await until(lambda: here.healthy and there.healthy)
            here.publish({feed(1): 7})
            here.tell(mark(1))
            await until(lambda: told == [mark(1)] and theirs.reached() == {feed(1): 7})
        finally:
            await there.stop()


@pytest.mark.parametrize("noise", [b"", b"\xff", b"[]", b'["x",{"customer:1":"a"}]', b'["x",{"desk:1":3}]', b"{}"])
async def test_noise_on_the_channel_is_passed_over(make_shared: MakeBus, redis_url: str, noise: bytes) -> None:
    ear = Ear()
    bus = make_shared()
    assert isinstance(bus, RedisBus)
    async with started(bus, ear), started(make_shared(), Ear()) as other, Redis.from_url(redis_url) as client:
        await until(lambda: bus.healthy and other.healthy)
        await client.publish(bus.channel, noise)
        other.publish({feed(1): 7})
        await until(lambda: ear.reached() == {feed(1): 7})


class Valkey:
    """A server that can be killed, stopped and started again on its port."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            str(find_valkey()), "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--dir",
            str(self._folder), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[Valkey]:
    server = Valkey(tmp_path)
    yield server
    await server.kill()


async def test_a_server_that_is_killed_and_comes_back_is_found_again_unaided(valkey: Valkey) -> None:
    mine, theirs = Ear(), Ear()
    # Started while the server is not there at all.
    async with started(RedisBus(valkey.url), mine) as here, started(RedisBus(valkey.url), theirs) as there:
        assert not here.healthy
        for seq in range(1, 4):
            await valkey.start()
            await until(lambda: here.healthy and there.healthy)
            await heard_by(theirs, here, feed(1), seq)
            await valkey.kill()
            await until(lambda: not here.healthy and not there.healthy)
            here.publish({feed(2): seq})
    assert mine.reached()[feed(2)] == 3


async def test_a_server_that_hangs_counts_as_away_until_it_goes_on(valkey: Valkey) -> None:
    await valkey.start()
    theirs = Ear()
    async with started(RedisBus(valkey.url), Ear()) as here, started(RedisBus(valkey.url), theirs) as there:
        await until(lambda: here.healthy and there.healthy)
        valkey.signal(signal.SIGSTOP)
        await until(lambda: not here.healthy)
        valkey.signal(signal.SIGCONT)
        await until(lambda: here.healthy and there.healthy)
        await heard_by(theirs, here, feed(1), 5)


async def test_who_typed_while_nobody_could_be_reached_is_not_told_later(valkey: Valkey) -> None:
    told: list[TypingMark] = []
    here, there = RedisBus(valkey.url), RedisBus(valkey.url)
    async with started(here, Ear()):
        await there.start(Ear(), told.append)
        try:
            here.tell(mark(1))
            await valkey.start()
            await until(lambda: here.healthy and there.healthy)
            async with asyncio.timeout(SECONDS):
                while not told:
                    here.tell(mark(2))
                    await asyncio.sleep(0.05)
            assert set(told) == {mark(2)}
        finally:
            await there.stop()


async def heard_by(ear: Ear, bus: Bus, which: FeedId, seq: int) -> None:
    """Publish until it is heard: the sending connection may still be on its way back, and a bus may lose anything."""
    async with asyncio.timeout(SECONDS):
        while ear.reached().get(which) != seq:
            bus.publish({which: seq})
            await asyncio.sleep(0.05)
