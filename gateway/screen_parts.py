"""What the parts of a screen know of each other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from gateway.board_watch import BoardWatch
from gateway.desk import Desk
from gateway.typing_marks import TypingMarks
from pushers.hub import Hub
from pushers.prefetch import Prefetch


@dataclass(frozen=True)
class Parts:
    """What all screens of a process share."""

    desk: Desk
    hub: Hub
    prefetch: Prefetch
    offered: Callable[[UUID], Awaitable[Mapping[UUID, UUID]]]
    """By agent: offer to root customer, for what rings now."""
    most_followed: int
    marks: TypingMarks
    board: BoardWatch


class Writer(Protocol):
    """What sends the frames of a session."""

    def wake(self) -> None:
        """Something was queued."""

    async def room(self) -> None:
        """Wait until there is room for more."""

    async def flushed(self) -> None:
        """Wait until everything queued so far has been written, or the screen ends."""
