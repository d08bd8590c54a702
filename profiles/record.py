"""Record inbound messages durably, many in one transaction (`store/migrations/0002_record.sql` does the work)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from model.event import FeedId
from model.inbound import ConsentChange, HandleRef, InboundMessage
from model.timeline import Channel, Media
from store.feeds import Positions
from store.ids import new_id
from store.pool import Connection

REOPEN_WITHIN = timedelta(hours=72)
"""A message this soon after closing reopens the conversation."""
PREFER_OWNER_FOR = timedelta(seconds=60)
"""A parked contact whose customer writes again waits this long for its owner alone."""


class Delivery(Struct, frozen=True):
    """One verified and parsed message on its way into the database, with the bytes it came from."""

    account: str
    channel: Channel
    message: InboundMessage | ConsentChange
    step: str | None
    query: str
    content_type: str | None
    raw: bytes

    @property
    def identity(self) -> tuple[str, str]:
        """What makes it the same delivery: the account and the provider's event id."""
        return self.account, self.message.key


class Recorded(Struct, frozen=True):
    """What a batch did: feeds that moved and contacts the rules must look at."""

    positions: Positions
    to_route: tuple[UUID, ...]


class _Head(Struct, frozen=True):
    """A new entry as its event shows it, but for `at` and `conversation`, which the database adds."""

    id: UUID
    kind: str
    channel: Channel
    direction: Literal["in"]
    body: str
    handle: str
    account: str
    media: tuple[Media, ...]
    occurred_at: datetime | None
    status: None = None
    author: None = None
    error: None = None


RECORD = """
select what, id, seq from record_messages(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::uuid[], $9::uuid[],
    $10::uuid[], $11::uuid[], $12::uuid[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[],
    $18::text[], $19::timestamptz[], $20::boolean[], $21::text[], $22::text[], $23::text[], $24::bytea[], $25, $26)
"""

RECORD_ONE = """
select what, id, seq from record_message(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
    $25, $26)
"""

_encode = msgspec.json.Encoder().encode


def _row(delivery: Delivery) -> tuple[object, ...]:
    message = delivery.message
    handle: HandleRef = message.handle
    entry = new_id()
    consent = isinstance(message, ConsentChange)
    media = () if isinstance(message, ConsentChange) else message.media
    kind = "consent" if consent else "message"
    occurred_at = None if isinstance(message, ConsentChange) else message.occurred_at
    head = _Head(entry, kind, delivery.channel, "in", message.body, handle.value, delivery.account, media, occurred_at)
    return (
        delivery.account,
        message.key,
        handle.kind,
        handle.scope,
        handle.value,
        None if isinstance(message, ConsentChange) else message.name_hint,
        new_id(),
        new_id(),
        new_id(),
        new_id(),
        entry,
        new_id(),
        kind,
        delivery.channel,
        "messaging",
        message.body,
        '{"kind":"entry","entry":' + _encode(head)[:-1].decode(),
        _encode(media).decode() if media else None,
        occurred_at,
        message.opted_out if isinstance(message, ConsentChange) else None,
        delivery.step,
        delivery.query,
        delivery.content_type,
        delivery.raw,
    )


async def record(connection: Connection, batch: Sequence[Delivery]) -> Recorded:
    """Record a batch; when this returns outside a transaction, it is committed.

    Deliveries already seen change nothing. Their identities must differ within the batch.
    Raises `asyncpg.SerializationError` when a merge moved a customer meanwhile: record again.
    """
    if len(batch) == 1:
        rows = await connection.fetch(RECORD_ONE, *_row(batch[0]), REOPEN_WITHIN, PREFER_OWNER_FOR)
    else:
        columns = zip(*map(_row, batch), strict=True)
        rows = await connection.fetch(RECORD, *columns, REOPEN_WITHIN, PREFER_OWNER_FOR)
    positions = {FeedId(row["what"], row["id"]): row["seq"] for row in rows if row["what"] != "route"}
    return Recorded(positions, tuple(row["id"] for row in rows if row["what"] == "route"))
