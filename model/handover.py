"""A handover: a held contact that somebody is asked to take over, while it stays its holder's."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from model.timeline import Author, Channel

HandoverOutcome = Literal["accepted", "declined", "timed_out", "cancelled", "withdrawn"]


class HandoverCard(Struct, frozen=True, kw_only=True):
    """What both agents are shown: who is asked decides by it, who asks sees until when. Names are those of an offer."""

    handover: UUID
    contact: UUID
    customer: UUID
    customer_name: str | None
    handle: str
    channel: Channel
    account: str
    queue: str | None
    preview: str
    messages: int
    waiting_since: datetime
    offered_at: datetime
    expires_at: datetime
    by: Author
    """Who holds it."""
    to: Author
    """Who is asked."""
    note: str | None = None
