"""Visitors' streams: server-sent events, one request each, that bring their lines as they are committed.

Whoever resumes names the last line they have and gets what came since, with an overlap: a line has an id, and the same
one again changes nothing. What woke a stream only says that there may be news: what is sent is read from the database,
so an announcement that is lost costs seconds and no line.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec
import structlog

from adapters.base import AccountConfig
from adapters.chat.visitor import Visitor
from gateway.chat_lines import MOST_LINES, OVERLAP, fetch_lines, fetch_own, fetch_place, line_of
from model.typing_mark import TypingMark
from pushers.hub import OUTAGE
from store.feeds import Positions
from store.pool import Pool

LOOK_SECONDS: Final = 10.0
LEAST_SECONDS: Final = 0.25
"""Between two looks, whatever happens meanwhile."""
LOOK_UNKNOWN_SECONDS: Final = 3.0
"""Before they have written there is no feed that could tell."""
BEAT_SECONDS: Final = 15.0
LONGEST_SECONDS: Final = 45 * 60.0
"""Then the widget comes again: its token is judged again, and the links to files are new."""
MOST_STREAMS: Final = 2000
MOST_PER_VISITOR: Final = 5

log = structlog.get_logger()


class Stream:
    """One browser that listens."""

    def __init__(self, account: AccountConfig, visitor: Visitor, after: UUID | None) -> None:
        self.account, self.visitor, self.after = account, visitor, after
        self.news = asyncio.Event()
        self.roots: frozenset[UUID] = frozenset()
        self.handles: frozenset[UUID] = frozenset()
        self.over = False
        self.ready = False
        self.is_typed = False
        """An agent is writing, which its browser has not been told."""
        self._look_at = self._looked_at = 0.0
        self._since: datetime | None = None
        self._told: dict[UUID, tuple[datetime, int]] = {}

    @property
    def who(self) -> tuple[str, str]:
        """Whose it is."""
        return self.account.id, self.visitor.id

    @property
    def seconds(self) -> float:
        """Until the next look."""
        return max(0.0, self._look_at - time.monotonic())

    def wake(self) -> None:
        """Something may be new: it looks, but not at once again."""
        self._look_at = min(self._look_at, self._looked_at + LEAST_SECONDS)
        self.news.set()

    def tell_typing(self) -> None:
        """An agent is writing: nothing to look for."""
        self.is_typed = True
        self.news.set()

    async def next(self, pool: Pool) -> list[bytes]:
        """The frames there are now; who is writing before what they wrote."""
        frames = [frame("typing", {})] if self.is_typed and self.ready else []
        self.is_typed = False
        if self.seconds:
            return frames
        self._looked_at = time.monotonic()
        self._look_at = self._looked_at + (LOOK_SECONDS if self.roots else LOOK_UNKNOWN_SECONDS)
        try:
            frames += await self.look(pool)
        except OUTAGE as error:
            log.warning("chat_stream_waits", error=type(error).__name__)
            return frames
        frames += [] if self.ready else [frame("ready", {})]
        self.ready = True
        return frames

    async def has_written(self, pool: Pool) -> bool:
        """Whether its visitor ever wrote here."""
        async with pool.acquire() as connection:
            return bool((await fetch_own(connection, self.account, self.visitor)).handles)

    async def look(self, pool: Pool) -> list[bytes]:
        """The frames of what is new."""
        frames: list[bytes] = []
        async with pool.acquire() as connection:
            own = await fetch_own(connection, self.account, self.visitor)
            self.roots, self.handles = own.roots, frozenset(own.handles)
            if not own.handles:
                return frames
            if self.after is not None:
                place = await fetch_place(connection, self.account, own, self.after)
                self._since, self.after = place - OVERLAP if place else None, None
            while True:
                rows = await fetch_lines(connection, self.account, own, self._since)
                frames += self._new(rows)
                if self._since is None or len(rows) < MOST_LINES:
                    break
                self._since = rows[-1]["place"]
        self._forget()
        return frames

    def _new(self, rows: list[asyncpg.Record]) -> list[bytes]:
        frames = []
        for row in rows:
            line = line_of(row, self.account, time.time())
            seen = line.place, len(line.files)
            if self._told.get(line.id) != seen:
                self._told[line.id] = seen
                frames.append(frame("line", line))
        return frames

    def _forget(self) -> None:
        """Lines before the overlap are not read again."""
        if self._told:
            self._since = max(place for place, _ in self._told.values()) - OVERLAP
            self._told = {id_: told for id_, told in self._told.items() if told[0] > self._since}


def frame(event: str, data: object) -> bytes:
    """A server-sent event. JSON has no line break in it."""
    return b"event: " + event.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"


class ChatStreams:
    """The streams of this process."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._open: dict[Stream, None] = {}

    def moved(self, positions: Positions) -> None:
        """Customers' feeds moved, here or elsewhere."""
        roots = {feed.id for feed in positions if feed.kind == "customer"}
        for stream in self._open:
            if not roots.isdisjoint(stream.roots):
                stream.wake()

    def typing(self, mark: TypingMark) -> None:
        """An agent is writing, here or elsewhere."""
        for stream in self._open if mark.handle is not None else ():
            if mark.handle in stream.handles:
                stream.tell_typing()

    def wake(self, account: str, visitor: str) -> None:
        """This visitor has written."""
        for stream in self._open:
            if stream.who == (account, visitor):
                stream.wake()

    async def opened(self, stream: Stream) -> AsyncIterator[bytes] | None:
        """What the stream sends; None where this process has too many. A visitor's oldest gives way."""
        same = [each for each in self._open if each.who == stream.who]
        for each in same[: max(0, len(same) + 1 - MOST_PER_VISITOR)]:
            self._end(each)
        if len(self._open) >= MOST_STREAMS and not await self._made_room(stream):
            return None
        self._open[stream] = None
        return self._run(stream)

    async def _made_room(self, stream: Stream) -> bool:
        """Whoever has written takes the place of one who never did: by listening alone nobody keeps others out."""
        try:
            if not await stream.has_written(self._pool):
                return False
        except OUTAGE as error:
            log.warning("chat_stream_waits", error=type(error).__name__)
            return False
        silent = next((each for each in self._open if each.ready and not each.handles), None)
        if silent is not None and len(self._open) >= MOST_STREAMS:
            self._end(silent)
        return len(self._open) < MOST_STREAMS

    def close(self) -> None:
        """End all; the widgets come again."""
        for stream in list(self._open):
            self._end(stream)

    def _end(self, stream: Stream) -> None:
        self._open.pop(stream, None)
        stream.over = True
        stream.news.set()

    async def _run(self, stream: Stream) -> AsyncIterator[bytes]:
        ends_at, beat_at = time.monotonic() + LONGEST_SECONDS, time.monotonic() + BEAT_SECONDS
        try:
            while not stream.over and time.monotonic() < ends_at:
                stream.news.clear()
                frames = await stream.next(self._pool)
                if not frames and time.monotonic() >= beat_at:
                    frames = [b": \n\n"]
                if frames:
                    beat_at = time.monotonic() + BEAT_SECONDS
                    yield b"".join(frames)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stream.news.wait(), stream.seconds)
            yield frame("again", {})
        finally:
            self._open.pop(stream, None)
