"""Frames from a supervisor's screen: the board, and what is done there for somebody else."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from model.agent import PresenceStatus
from model.wire_frame import FromScreen, Reason, Ref


class Watch(FromScreen, frozen=True, tag="watch"):
    """Show the board, or no longer. `time_zone`: in which a day begins; `within_seconds`: what counts as in time."""

    board: bool
    time_zone: Annotated[str, Meta(min_length=1, max_length=64)] = "UTC"
    within_seconds: Annotated[int, Meta(ge=1, le=3600)] = 20
    ref: Ref | None = None


class TakeBack(FromScreen, frozen=True, tag="take_back"):
    """Take a contact from who has it, or for whom it rings: it goes back to its queue."""

    contact: UUID
    ref: Ref | None = None


class Reassign(FromScreen, frozen=True, tag="reassign"):
    """Give a contact to an agent, whoever has it or whether it waits."""

    contact: UUID
    agent: UUID
    ref: Ref | None = None


class SetPresenceOf(FromScreen, frozen=True, tag="presence_of"):
    """Choose the presence of somebody else."""

    agent: UUID
    status: PresenceStatus
    reason: Reason | None = None
    ref: Ref | None = None
