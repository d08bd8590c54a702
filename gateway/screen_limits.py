"""How many screens there may be, and who gives way. Pure: `now` is in seconds of any steady clock."""

from __future__ import annotations

from msgspec import Struct

from pushers.session import DEFAULT_RATE, HELLO_SECONDS, Rate


class Limits(Struct, frozen=True):
    """Limits of one process."""

    screens_per_agent: int = 5
    """The oldest gives way: who opens a sixth tab means to use that one."""
    screens: int = 5_000
    new_per_second: float = 100.0
    followed: int = 50
    """Customers a screen follows; the one longest unused gives way."""
    rate: Rate = DEFAULT_RATE
    hello_seconds: float = HELLO_SECONDS
    send_seconds: float = 10.0
    """A single frame a peer has not taken by then: it is too slow."""
    close_seconds: float = 10.0
    """A peer has this long to read what waits and to answer the close frame; then the connection is cut."""
    sweep_seconds: float = 1.0
    """How often hellos that are overdue and screens to be signed off are looked for."""
    recheck_seconds: float = 60.0
    """How often the right to a screen is looked at again."""
    board_heartbeat_seconds: float = 5.0
    """A board on which nothing changes says so this often."""


class Arrivals:
    """A token bucket over new connections: a second's worth may come at once."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._tokens = per_second
        self._at: float | None = None

    def admit(self, now: float) -> bool:
        """Whether one more may come in now."""
        passed = 0.0 if self._at is None else max(0.0, now - self._at)
        self._at = now
        self._tokens = min(self._per_second, self._tokens + passed * self._per_second)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
