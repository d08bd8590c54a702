"""What every bus can do. The same tests hold all of them (`tests/contract/test_bus.py`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from model.typing_mark import TypingMark
from store.feeds import Announce, Positions

Told = Callable[[TypingMark], None]
"""Takes a mark that was told; must neither wait nor raise."""


def pass_over(_mark: TypingMark) -> None:
    """Nobody wants to know who is writing."""


class Bus(Protocol):
    """Carries committed positions to the hub of this process and, when `shared`, to those of all others.

    Delivery is at most once and in no order; `deliver` is called on the event loop and must not raise.
    """

    @property
    def healthy(self) -> bool:
        """False while announcements of other processes cannot be heard. Never raises."""

    @property
    def shared(self) -> bool:
        """True when it reaches other processes."""

    async def start(self, deliver: Announce, told: Told = pass_over) -> None:
        """Begin to deliver. Returns at once, healthy or not; it connects, and heals, by itself."""

    def publish(self, positions: Positions) -> None:
        """Announce positions. Never waits and never raises; the own hub hears at once."""

    def tell(self, mark: TypingMark) -> None:
        """Tell all hubs that somebody is writing. Never waits and never raises; late it is worth nothing, and lost."""

    async def stop(self) -> None:
        """Stop delivering and close connections. What is still queued may be lost."""
