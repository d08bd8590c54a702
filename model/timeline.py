"""Entries: one thing on a customer's timeline each, and what became of the ones we sent."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from model.content import Content

Channel = Literal[
    "sms",
    "voice",
    "email",
    "chat",
    "whatsapp",
    "messenger",
    "instagram",
    "telegram",
    "line",
    "x",
    "viber",
    "slack",
    "generic",
]
"""`generic`: a system of the company's own, by signed HTTP."""
EntryKind = Literal["message", "note", "status", "call", "voicemail", "task", "consent"]
Direction = Literal["in", "out"]

DeliveryStatus = Literal["queued", "sent", "delivered", "read", "failed", "unknown"]
"""queued → sent → delivered → read; failed and unknown end an attempt.

`unknown`: the provider may or may not have taken it (we stopped between sending and recording).
It is shown and never resent by itself. A later receipt still settles it.
"""


class Media(Struct, frozen=True):
    """A picture or file of a message. `url` is the provider's link, where it gave one; `id` ours, once it is stored.

    `state`: `pending` while it is fetched, `stored`, or `failed` and `refused` with the reason in `error`.
    """

    url: str
    content_type: str
    id: UUID | None = None
    name: str | None = None
    size: int | None = None
    content_id: str | None = None
    """How the HTML of a mail names it: shown inside the text, not beside it."""
    state: Literal["pending", "stored", "failed", "refused"] | None = None
    error: str | None = None


class Reaction(Struct, frozen=True):
    """An emoji on an entry, by the customer (`in`) or by us."""

    emoji: str
    direction: Direction
    at: datetime


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
    content: tuple[Content, ...] = ()
    in_reply_to: UUID | None = None
    reactions: tuple[Reaction, ...] = ()
    edited_at: datetime | None = None
    """The customer changed it then; `body` is what it is now."""
    unsent_at: datetime | None = None
    """The customer took it back then; it stays to be read."""
    leaf: UUID | None = None
    """The merged profile it came in by; null where it is the profile's own."""
