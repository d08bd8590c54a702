"""Visitors' streams without a database: how often they look, and who makes room for whom (T16)."""

from __future__ import annotations

import asyncio
import time
from typing import cast
from uuid import uuid4

import pytest

from adapters.chat.visitor import Visitor
from gateway import chat_streams
from gateway.chat_streams import LEAST_SECONDS, ChatStreams, Stream
from model.event import FeedId
from store.pool import Pool
from tests.adapters.chat.screenpop_requests import account

ROOT = uuid4()


class Watched(Stream):
    """A stream whose looks are counted; it finds nothing new."""

    def __init__(self, visitor: str, handles: int = 1) -> None:
        super().__init__(account(), Visitor(visitor, 4_000_000_000), None)
        self.looks: list[float] = []
        self._found = frozenset(uuid4() for _ in range(handles))

    async def has_written(self, _pool: Pool) -> bool:
        return bool(self._found)

    async def look(self, _pool: Pool) -> list[bytes]:
        self.looks.append(time.monotonic())
        self.handles, self.roots = self._found, frozenset([ROOT]) if self._found else frozenset()
        return []


async def reading(streams: ChatStreams, stream: Stream) -> asyncio.Task[None]:
    async def read() -> None:
        frames = await streams.opened(stream)
        assert frames is not None
        async for _ in frames:
            continue

    task = asyncio.create_task(read())
    while not cast("Watched", stream).looks and not task.done():  # noqa: ASYNC110  # it tells nobody
        await asyncio.sleep(0)
    return task


async def test_however_much_happens_a_stream_looks_four_times_a_second_and_once_afterwards() -> None:
    streams, stream = ChatStreams(cast("Pool", None)), Watched("anon:1")
    task = await reading(streams, stream)
    for _ in range(60):
        streams.moved({FeedId("customer", ROOT): 1})
        await asyncio.sleep(0.01)
    told = time.monotonic()
    await asyncio.sleep(2 * LEAST_SECONDS)
    assert 3 <= len(stream.looks) <= 5
    apart = [later - one for one, later in zip(stream.looks, stream.looks[1:], strict=False)]
    assert min(apart) >= LEAST_SECONDS - 0.01
    assert told - 0.02 < stream.looks[-1] < told + 2 * LEAST_SECONDS
    task.cancel()


async def test_who_only_listens_keeps_nobody_out_who_has_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_streams, "MOST_STREAMS", 4)
    streams = ChatStreams(cast("Pool", None))
    writer = Watched("anon:writes")
    silent = [Watched(f"anon:{n}", handles=0) for n in range(3)]
    tasks = [await reading(streams, each) for each in (writer, *silent)]
    assert await streams.opened(Watched("anon:new", handles=0)) is None
    assert not any(each.over for each in (writer, *silent))
    for n in range(3):
        tasks.append(await reading(streams, Watched(f"anon:also writes {n}")))
        assert [each.over for each in silent] == [True] * (n + 1) + [False] * (2 - n)
    assert await streams.opened(Watched("anon:too many")) is None
    assert not writer.over
    for task in tasks:
        task.cancel()


async def test_where_all_is_full_a_visitors_oldest_gives_way_to_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_streams, "MOST_STREAMS", 5)
    streams, mine = ChatStreams(cast("Pool", None)), [Watched("anon:1") for _ in range(6)]
    tasks = [await reading(streams, each) for each in mine]
    assert [each.over for each in mine] == [True] + [False] * 5
    for task in tasks:
        task.cancel()
