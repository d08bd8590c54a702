"""Handles, customers and conversations as profiles show them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from model.contact import ProfileContact
from model.inbound import HandleKind

ConversationStatus = Literal["new", "open", "waiting", "closed"]
"""new: no agent yet; open: the customer awaits an answer; waiting: we await theirs; closed."""


class HandleView(Struct, frozen=True):
    """A handle on a profile. `display` is for reading, `value` the normal form; `source` says how it came here."""

    kind: HandleKind
    value: str
    display: str
    label: str | None
    main: bool
    shared: bool
    opted_out: tuple[str, ...]
    """Accounts this handle opted out of."""
    source: str
    added_at: datetime


class Customer(Struct, frozen=True):
    """Who the customer is. Unknown values are null, never guessed."""

    id: UUID
    name: str | None
    handles: tuple[HandleView, ...]
    company: str | None
    location: str | None
    language: str | None
    time_zone: str | None
    plan: str | None
    tags: tuple[str, ...]
    created_at: datetime
    contacts_30_days: int
    first_contact_at: datetime | None
    last_contact_at: datetime | None


class CustomerSummary(Struct, frozen=True):
    """A line of a search result."""

    id: UUID
    name: str | None
    company: str | None
    plan: str | None
    tags: tuple[str, ...]
    handles: tuple[str, ...]


class Conversation(Struct, frozen=True):
    """An exchange with one customer over all channels; at most one is open per customer."""

    id: UUID
    status: ConversationStatus
    opened_at: datetime
    closed_at: datetime | None
    needs_attention: bool
    contacts: tuple[ProfileContact, ...]
