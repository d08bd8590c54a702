"""What the server does by itself for one screen, beside what the screen asks for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from uuid import UUID

from gateway.desk import Desk

log = logging.getLogger(__name__)


async def push_then_ring(flushed: Callable[[], Awaitable[None]], desk: Desk, contact: UUID) -> None:
    """An agent's line rings only once the profile has left for the screen. What fails here the sweep makes good."""
    await flushed()
    try:
        await desk.profile_pushed(contact)
    except Exception as error:
        log.warning("a line is rung late: %s", type(error).__name__)


class Tasks:
    """Runs them; a failure ends the screen, which comes back whole."""

    def __init__(self, failed: Callable[[], None]) -> None:
        self._failed = failed
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[None, None, object]) -> None:
        """Begin now, in the background."""
        self._keep(self._guarded(work))

    def try_out(self, work: Coroutine[None, None, None]) -> None:
        """The same for what may fail unnoticed."""
        self._keep(work)

    async def stop(self) -> None:
        """End all of it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _guarded(self, work: Coroutine[None, None, object]) -> None:
        try:
            await work
        except Exception as error:
            log.warning("screen ended, its state could not be read: %s", type(error).__name__)
            self._failed()

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
