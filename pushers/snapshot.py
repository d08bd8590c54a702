"""The encoded profile: everything but its opening and its sequence is encoded once, when the snapshot is read."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

import msgspec
from msgspec import Struct

from model.contact import ProfileContact
from model.customer import Conversation, Customer
from model.event import FeedId
from model.timeline import Entry
from model.wire import ProfileReason


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


class Opening(Struct, frozen=True, tag_field="type", tag="profile"):
    """The fields of `wire.Profile` that differ from screen to screen: they stand first in it, in this order."""

    reason: ProfileReason
    ref: str | None = None
    offer: UUID | None = None
    contact: ProfileContact | None = None


class _Constant(Struct, frozen=True):
    """The fields of `wire.Profile` between its opening and its sequence, in its order."""

    customer: Customer
    conversations: tuple[Conversation, ...]
    timeline: tuple[Entry, ...]
    more: bool
    feed: str


class Encoded(Struct, frozen=True):
    """A snapshot ready to send: `,"customer":…,"feed":"…","seq":…}`."""

    feed: FeedId
    seq: int
    rest: bytes


_encode = msgspec.json.Encoder().encode


def encode_snapshot(snapshot: Snapshot) -> Encoded:
    """Encode what every screen is sent alike."""
    feed = FeedId("customer", snapshot.customer_id)
    constant = _Constant(snapshot.customer, snapshot.conversations, snapshot.timeline, snapshot.more, str(feed))
    rest = b'%b,"seq":%d}' % (_encode(constant)[1:-1], snapshot.seq)
    return Encoded(feed, snapshot.seq, b"," + rest)


def profile_frame(encoded: Encoded, opening: Opening) -> bytes:
    """The frame `profile`, byte for byte what encoding `wire.Profile` gives."""
    return _encode(opening)[:-1] + encoded.rest
