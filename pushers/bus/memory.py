"""The bus of a deployment with one process: announcements are handed over at once."""

from __future__ import annotations

from model.typing_mark import TypingMark
from pushers.bus.base import Told, pass_over
from store.feeds import Announce, Positions


class MemoryBus:
    """Reaches the hub of this process and no other."""

    healthy = True
    shared = False

    def __init__(self) -> None:
        self._deliver: Announce | None = None
        self._told: Told = pass_over

    async def start(self, deliver: Announce, told: Told = pass_over) -> None:
        """Begin to deliver."""
        self._deliver, self._told = deliver, told

    def publish(self, positions: Positions) -> None:
        """Hand the positions to the hub."""
        if self._deliver is not None and positions:
            self._deliver(positions)

    def tell(self, mark: TypingMark) -> None:
        """Hand it to the hub."""
        self._told(mark)

    async def stop(self) -> None:
        """Deliver no more."""
        self._deliver, self._told = None, pass_over
