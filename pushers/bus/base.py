"""What every bus can do. The same tests hold all of them (`tests/contract/test_bus.py`)."""

from __future__ import annotations

from typing import Protocol

from store.feeds import Announce, Positions


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

    async def start(self, deliver: Announce) -> None:
        """Begin to deliver. Returns at once, healthy or not; it connects, and heals, by itself."""

    def publish(self, positions: Positions) -> None:
        """Announce positions. Never waits and never raises; the own hub hears at once."""

    async def stop(self) -> None:
        """Stop delivering and close connections. What is still queued may be lost."""
