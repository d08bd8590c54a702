"""The encoded profile: everything but its opening and its sequence is encoded once, when the snapshot is read."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

import msgspec
from msgspec import Struct

from model.contact import ProfileContact
from model.customer import (
    Candidate,
    Card,
    Conversation,
    Customer,
    Detail,
    MergeView,
    Pin,
    Relationship,
    Suggestion,
    Task,
)
from model.event import FeedId
from model.timeline import Entry
from model.to_screen import ProfileReason


class Snapshot(Protocol):
    """A customer as of `seq` of their feed, read in one database snapshot. `customer_id` is the root; newest last."""

    @property
    def customer_id(self) -> UUID: ...
    @property
    def seq(self) -> int: ...
    @property
    def customer(self) -> Customer: ...
    @property
    def conversations(self) -> tuple[Conversation, ...]: ...
    @property
    def timeline(self) -> tuple[Entry, ...]: ...
    @property
    def more(self) -> bool: ...
    @property
    def candidates(self) -> tuple[Candidate, ...]: ...
    @property
    def details(self) -> tuple[Detail, ...]: ...
    @property
    def relationships(self) -> tuple[Relationship, ...]: ...
    @property
    def pins(self) -> tuple[Pin, ...]: ...
    @property
    def tasks(self) -> tuple[Task, ...]: ...
    @property
    def suggestions(self) -> tuple[Suggestion, ...]: ...
    @property
    def merges(self) -> tuple[MergeView, ...]: ...
    @property
    def cards(self) -> tuple[Card, ...]: ...


class Opening(Struct, frozen=True, tag_field="type", tag="profile"):
    """The fields of `wire.Profile` that differ from screen to screen: they stand first in it, in this order."""

    reason: ProfileReason
    ref: str | None = None
    offer: UUID | None = None
    contact: ProfileContact | None = None


class _Constant(Struct, frozen=True):
    """The fields of `wire.Profile` between its opening and its sequence, in its order."""

    customer: Customer | None
    candidates: tuple[Candidate, ...]
    conversations: tuple[Conversation, ...]
    timeline: tuple[Entry, ...]
    more: bool
    details: tuple[Detail, ...]
    relationships: tuple[Relationship, ...]
    pins: tuple[Pin, ...]
    tasks: tuple[Task, ...]
    suggestions: tuple[Suggestion, ...]
    merges: tuple[MergeView, ...]
    cards: tuple[Card, ...]
    feed: str


class Encoded(Struct, frozen=True):
    """A snapshot ready to send: `,"customer":…,"feed":"…","seq":…}`."""

    feed: FeedId
    seq: int
    rest: bytes


_encode = msgspec.json.Encoder().encode


def encode_snapshot(snapshot: Snapshot) -> Encoded:
    """Encode what every screen is sent alike. While nobody knows who writes, the customer is null."""
    feed = FeedId("customer", snapshot.customer_id)
    constant = _Constant(
        customer=None if snapshot.customer.placeholder else snapshot.customer,
        candidates=snapshot.candidates,
        conversations=snapshot.conversations,
        timeline=snapshot.timeline,
        more=snapshot.more,
        details=snapshot.details,
        relationships=snapshot.relationships,
        pins=snapshot.pins,
        tasks=snapshot.tasks,
        suggestions=snapshot.suggestions,
        merges=snapshot.merges,
        cards=snapshot.cards,
        feed=str(feed),
    )
    rest = b'%b,"seq":%d}' % (_encode(constant)[1:-1], snapshot.seq)
    return Encoded(feed, snapshot.seq, b"," + rest)


def profile_frame(encoded: Encoded, opening: Opening) -> bytes:
    """The frame `profile`, byte for byte what encoding `wire.Profile` gives."""
    return _encode(opening)[:-1] + encoded.rest


def contact_in(snapshot: Snapshot, contact: UUID) -> ProfileContact | None:
    """A contact as the snapshot shows it."""
    contacts = (each for conversation in snapshot.conversations for each in conversation.contacts)
    return next((each for each in contacts if each.id == contact), None)
