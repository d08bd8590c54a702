"""An offer: a contact held out to one agent."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from model.timeline import Channel

OfferState = Literal["pending", "accepted", "declined", "timed_out", "rescinded"]


class OfferCard(Struct, frozen=True, kw_only=True):
    """What the agent sees before accepting: enough to decide, nothing of the profile."""

    offer: UUID
    contact: UUID
    customer_name: str | None
    handle: str
    channel: Channel
    account: str
    queue: str
    preview: str
    messages: int
    waiting_since: datetime
    offered_at: datetime
    expires_at: datetime
    handed_by: str | None = None
    """Who hands it on to this agent or queue, and what they wrote with it."""
    note: str | None = None


class Offer(Struct, frozen=True):
    """An offer as REST lists it."""

    id: UUID
    contact: UUID
    agent: UUID
    state: OfferState
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    reason: str | None
