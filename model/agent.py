"""Agents, their presence, and the actor behind a request."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

Role = Literal["agent", "supervisor", "admin", "service"]
PresenceStatus = Literal["available", "away", "offline"]
WorkClass = Literal["voice", "messaging", "mail", "voicemail"]
WrapUpMode = Literal["none", "optional", "timed", "required"]
"""How a queue's contacts are wrapped up; `required`: until the agent has said how they ended."""


class Actor(Struct, frozen=True):
    """Who asks: the agent a token or ticket belongs to."""

    id: UUID
    name: str
    role: Role


class Presence(Struct, frozen=True):
    """What the agent chose, and whether a screen of theirs is connected: two facts, never mixed."""

    status: PresenceStatus
    reason: str | None
    connected: bool
    since: datetime


class Capacity(Struct, frozen=True):
    """Slots of one class of work."""

    used: int
    slots: int
