"""Handles, customers and conversations as profiles show them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from model.contact import ProfileContact
from model.inbound import HandleKind
from model.sla import SlaClock
from model.timeline import Author, Channel, Entry

ConversationStatus = Literal["new", "open", "waiting", "closed"]
"""new: no agent yet; open: the customer awaits an answer; waiting: we await theirs; closed."""
Source = Literal["channel", "agent", "service", "import", "rule"]
"""Where a value comes from: the customer's own contact, a colleague, another system, an import, a routing rule."""
FieldType = Literal["text", "number", "money", "date", "choice", "yes_no", "link"]
FieldValue = str | float | bool
"""A custom value: money as a decimal text ("18420.00"), a date as RFC 3339 ("2026-11-26"), a link as its address."""


class Provenance(Struct, frozen=True):
    """Where a value comes from. `revision` counts its changes: an edit names the one it has seen."""

    source: Source
    at: datetime
    by: Author | None = None
    account: str | None = None
    verified: bool = False
    """Proven by a channel or another system, not only told."""
    revision: int = 0
    beside: tuple[str, ...] = ()
    """What the other merged profiles say instead."""


class ReplyWindow(Struct, frozen=True):
    """Until when a handle may be answered freely from an account whose channel sets an end."""

    account: str
    closes_at: datetime


class HandleView(Struct, frozen=True):
    """A handle on a profile. `display` is for reading, `value` the normal form; `source` says how it came here."""

    id: UUID
    kind: HandleKind
    scope: str
    value: str
    display: str
    label: str | None
    main: bool
    """The first to use of its kind."""
    shared: bool
    verified: bool
    """Proven by its channel; otherwise only told (claimed)."""
    textable: bool
    opted_out: tuple[str, ...]
    """Accounts this handle opted out of."""
    source: str
    added_at: datetime
    windows: tuple[ReplyWindow, ...] = ()
    leaf: UUID | None = None
    """The merged profile it belongs to; null for the profile's own."""


class Address(Struct, frozen=True):
    """A postal address."""

    id: UUID
    label: str | None
    street: str | None
    city: str | None
    postal_code: str | None
    region: str | None
    country: str | None
    """ISO 3166-1, two letters."""
    main: bool
    revision: int
    at: datetime
    by: Author | None


class CustomField(Struct, frozen=True):
    """A custom value with its definition; `value` is null while it is not known."""

    key: str
    label: str
    type: FieldType
    choices: tuple[str, ...]
    currency: str | None
    value: FieldValue | None


class TopicCount(Struct, frozen=True):
    """How often a customer has come about a topic, with those below it, in the last 50 conversations."""

    topic: UUID
    path: tuple[str, ...]
    """Names from the root of the tree down: ("Delivery", "Late parcel")."""
    contacts: int


class Customer(Struct, frozen=True):
    """Who the customer is. Unknown values are null, never guessed.

    `provenance` is by field name, custom ones as `fields.<key>`; what is missing there is not known either.
    """

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
    birth_date: date | None = None
    external_id: str | None = None
    preferred_channels: tuple[Channel, ...] = ()
    refused_channels: tuple[Channel, ...] = ()
    segments: tuple[str, ...] = ()
    """Names of the segments whose condition this profile meets."""
    addresses: tuple[Address, ...] = ()
    fields: tuple[CustomField, ...] = ()
    open_tasks: int = 0
    topics: tuple[TopicCount, ...] = ()
    placeholder: bool = False
    """Nobody yet: who wrote on a shared handle and was not identified."""
    provenance: dict[str, Provenance] = {}


class CustomerSummary(Struct, frozen=True):
    """A line of a search result."""

    id: UUID
    name: str | None
    company: str | None
    plan: str | None
    tags: tuple[str, ...]
    handles: tuple[str, ...]
    matched: Literal["name", "handle", "company", "tag", "field", "message"] | None = None
    """What of it matched; null in a list that asked for nothing."""
    excerpt: str | None = None
    """The words around a match in a message or field."""


class Topic(Struct, frozen=True):
    """A topic of the tree."""

    id: UUID
    parent: UUID | None
    name: str
    path: tuple[str, ...]
    archived: bool = False


class ConversationTopic(Struct, frozen=True):
    """A topic of a conversation."""

    id: UUID
    path: tuple[str, ...]


class Conversation(Struct, frozen=True):
    """An exchange with one customer over all channels; at most one is open per customer."""

    id: UUID
    status: ConversationStatus
    opened_at: datetime
    closed_at: datetime | None
    needs_attention: bool
    contacts: tuple[ProfileContact, ...]
    topics: tuple[ConversationTopic, ...] = ()
    sla: tuple[SlaClock, ...] = ()
    """How soon an answer and an end were promised; empty where nothing was."""


class Detail(Struct, frozen=True):
    """A free note on the person, not on an exchange."""

    id: UUID
    body: str
    at: datetime
    by: Author | None
    revision: int


class Relationship(Struct, frozen=True):
    """How another customer relates to this one: `label` is what the other is to this one."""

    id: UUID
    type: str
    label: str
    customer: UUID
    name: str | None
    at: datetime
    by: Author | None


class Pin(Struct, frozen=True):
    """An entry of another customer's timeline, kept in view here."""

    id: UUID
    entry: Entry
    customer: UUID
    name: str | None
    at: datetime
    by: Author | None


TaskState = Literal["open", "done", "cancelled"]


class Task(Struct, frozen=True):
    """A follow-up, for an agent or a queue."""

    id: UUID
    customer: UUID
    customer_name: str | None
    conversation: UUID | None
    body: str
    due_at: datetime | None
    agent: Author | None
    queue: str | None
    state: TaskState
    revision: int
    at: datetime
    by: Author | None
    ended_at: datetime | None = None
    ended_by: Author | None = None


class MatchedField(Struct, frozen=True):
    """What speaks for two profiles being one person, side by side. `weight`: its part of the score, or less."""

    field: str
    ours: str
    theirs: str
    how: str
    """In words: same, sounds alike, one digit apart, …"""
    weight: float


class Suggestion(Struct, frozen=True):
    """Another customer who may be this person."""

    id: UUID
    customer: UUID
    name: str | None
    score: float
    matched: tuple[MatchedField, ...]
    at: datetime


class MergeView(Struct, frozen=True):
    """A merge this profile is made of, newest last. `leaf` came in and can leave again."""

    id: UUID
    survivor: UUID
    leaf: UUID
    leaf_name: str | None
    rule: str
    at: datetime
    by: Author | None


CardState = Literal["waiting", "fresh", "stale", "failed"]


class CardLine(Struct, frozen=True):
    """A line of a card: a label and a value, a status in words, an amount, a link."""

    title: str
    text: str | None = None
    status: str | None = None
    tone: Literal["good", "warn", "bad"] | None = None
    amount: str | None = None
    link: str | None = None
    at: datetime | None = None


class Card(Struct, frozen=True):
    """What another system says about a customer: orders, shipping, a subscription."""

    source: str
    title: str
    state: CardState
    lines: tuple[CardLine, ...] = ()
    more: int = 0
    """Lines that are not shown."""
    fetched_at: datetime | None = None
    problem: str | None = None
    """Why it could not be had, in a sentence."""


class Candidate(Struct, frozen=True):
    """Who may be writing on a shared handle."""

    customer: UUID
    name: str | None
    company: str | None
    why: str
    last_at: datetime | None
