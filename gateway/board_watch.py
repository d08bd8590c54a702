"""Shows the board to the screens that watch it: read while anybody does, sent where it changed.

One loop in a process, however many watch: it reads four times a second, or less often where reading takes long, so
that it never takes more than about a tenth of a connection's time. A screen that reads slowly misses steps, never the
newest state.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from model import to_screen
from model.board import Board, changes
from model.refusal import Refused
from model.wire_board import Watch
from pushers.session import Session
from router.board import Today, Wish, fetch_live, fetch_today, with_today
from router.rules.checking import zone_of
from store.pool import Pool

PACE_SECONDS: Final = 0.25
SHARE: Final = 10
"""After a read that took so long, so many times as long is waited."""
TODAY_SECONDS: Final = 5.0
"""What was today needs a look at today's offers: read less often."""

log = logging.getLogger(__name__)


@dataclass
class _Watching:
    """A screen that watches, and what it was sent last."""

    session: Session
    wake: Callable[[], None]
    wish: Wish
    seq: int = 0
    sent: Board | None = None
    told_at: float = 0.0


class BoardWatch:
    """The boards of the screens of one process."""

    def __init__(self, pool: Pool, heartbeat_seconds: float) -> None:
        self._pool = pool
        self._heartbeat_seconds = heartbeat_seconds
        self._watching: dict[Session, _Watching] = {}
        self._today: dict[Wish, tuple[float, Today]] = {}
        self._task: asyncio.Task[None] | None = None
        self._begun = asyncio.Event()

    def carry_out(self, frame: Watch, session: Session, wake: Callable[[], None]) -> Refused | None:
        """Begin or end, as the frame of a screen asks."""
        if not frame.board:
            self.leave(session)
        elif zone_of(frame.time_zone) is None:
            return Refused("invalid", "Name a time zone as Europe/Berlin.", "time_zone")
        else:
            self.watch(session, wake, Wish(frame.time_zone, frame.within_seconds))
        return None

    def watch(self, session: Session, wake: Callable[[], None], wish: Wish) -> None:
        """Show this session the board, whole at first; again: anew."""
        self._watching[session] = _Watching(session, wake, wish)
        self._begun.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    def leave(self, session: Session) -> None:
        """Show it no longer; harmless when it is not shown."""
        self._watching.pop(session, None)

    async def stop(self) -> None:
        """Show it to nobody any more."""
        self._watching.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._watching:
            began = loop.time()
            self._begun.clear()
            try:
                await self._look(began)
            except Exception as error:  # they see by the missing heartbeat that it is old
                log.warning("board not read: %s", type(error).__name__)
            pause = max(PACE_SECONDS, SHARE * (loop.time() - began))
            try:
                async with asyncio.timeout(pause):
                    await self._begun.wait()  # somebody new waits for the whole of it
            except TimeoutError:
                continue

    async def _look(self, now: float) -> None:
        wishes = {each.wish for each in self._watching.values()}
        async with self._pool.acquire() as connection:
            live = await fetch_live(connection)
            for wish in wishes:
                if wish not in self._today or self._today[wish][0] <= now - TODAY_SECONDS:
                    self._today[wish] = (now, await fetch_today(connection, wish))
        self._today = {wish: kept for wish, kept in self._today.items() if wish in wishes}
        boards = {wish: with_today(live, self._today[wish][1]) for wish in wishes}
        for each in list(self._watching.values()):
            if each.wish in boards and not each.session.crowded:
                self._show(each, boards[each.wish], now)

    def _show(self, screen: _Watching, board: Board, now: float) -> None:
        if screen.sent is None:
            frame = to_screen.BoardFrame(1, board.at, True, board.queues, board.agents)
        else:
            change = changes(screen.sent, board)
            if not change and now < screen.told_at + self._heartbeat_seconds:
                return
            lines = (change.queues, change.agents, change.gone_queues, change.gone_agents)
            frame = to_screen.BoardFrame(screen.seq + 1, board.at, False, *lines)
        screen.seq, screen.sent, screen.told_at = frame.seq, board, now
        screen.session.send(frame)
        screen.wake()
