"""Entries: one thing on a customer's timeline each, and what became of the ones we sent."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

Channel = Literal["sms", "voice", "email", "chat", "whatsapp", "messenger", "instagram"]
EntryKind = Literal["message", "note", "status", "call", "voicemail", "task", "consent"]
Direction = Literal["in", "out"]

DeliveryStatus = Literal["queued", "sent", "delivered", "read", "failed", "unknown"]
"""queued → sent → delivered → read; failed and unknown end an attempt.

`unknown`: the provider may or may not have taken it (we stopped between sending and recording).
It is shown and never resent by itself. A later receipt still settles it.
"""


class Media(Struct, frozen=True):
    """A picture or file of a message, as the provider's link."""

    url: str
    content_type: str


class Author(Struct, frozen=True):
    """The agent who wrote an entry."""

    id: UUID
    name: str


class Entry(Struct, frozen=True, omit_defaults=False):
    """One entry as screens and REST show it. `at` is our commit order; `occurred_at` the provider's time."""

    id: UUID
    kind: EntryKind
    channel: Channel | None
    direction: Direction | None
    body: str
    at: datetime
    status: DeliveryStatus | None
    conversation: UUID | None
    author: Author | None = None
    handle: str | None = None
    account: str | None = None
    media: tuple[Media, ...] = ()
    occurred_at: datetime | None = None
    error: str | None = None
