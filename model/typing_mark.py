"""Somebody is writing: told once to who looks at the customer, never kept, lost without harm."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from model.timeline import Channel


class TypingMark(Struct, frozen=True):
    """It holds ids alone, for it goes over the bus. Whoever shows it takes it away by themselves after six seconds.

    `customer`: the root. `conversation`: null while none is open. `agent`: who writes; null: the customer does.
    `note`: for colleagues. `handle`: where an agent's line goes to, if that is a chat, whose visitor may know of it.
    """

    customer: UUID
    conversation: UUID | None = None
    channel: Channel | None = None
    agent: UUID | None = None
    note: bool = False
    handle: UUID | None = None
