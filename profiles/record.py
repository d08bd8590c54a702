"""Record inbound messages durably, many in one transaction (`store/migrations/0005_record.sql` does the work)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from model.agent import WorkClass
from model.content import Content
from model.event import FeedId
from model.inbound import (
    ConsentChange,
    HandleChanged,
    HandleRef,
    InboundMessage,
    MessageChange,
    MessageEchoed,
    ReadUpTo,
)
from model.timeline import Channel, Media
from profiles.attachments import attached
from profiles.handles import canonical, classify
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
    message: InboundMessage | ConsentChange | HandleChanged | MessageEchoed | MessageChange | ReadUpTo
    step: str | None
    query: str
    content_type: str | None
    raw: bytes
    window_seconds: int | None = None
    """How long the customer may be answered freely after this, where the channel sets an end."""
    entry: UUID | None = None
    """The id its entry gets, where what it came from is kept under that already."""

    @property
    def stands_apart(self) -> bool:
        """Whether it is more, or less, than words of one known handle: `profiles.apart` records it."""
        message = self.message
        if not isinstance(message, InboundMessage | ConsentChange):
            return True
        if isinstance(message, InboundMessage) and (message.also or message.claims or message.files):
            return True
        if self.work_class == "mail":  # its thread has to be found
            return True
        kind, value = message.handle.kind, message.handle.value
        return classify(kind, canonical(kind, value)) == "placeholder"

    @property
    def work_class(self) -> WorkClass:
        """Which kind of work it is for an agent."""
        return "mail" if self.channel == "email" else "messaging"

    @property
    def name(self) -> tuple[str, str] | None:
        """How changes and answers will call it: the account and the provider's id. Nothing refers to a text message."""
        message = self.message
        if not isinstance(message, InboundMessage | MessageEchoed):
            return None
        if self.channel == "sms" and message.provider_id is None:
            return None
        return self.account, message.provider_id or message.key

    @property
    def target(self) -> tuple[str, str] | None:
        """The name of the message that this is a change of."""
        message = self.message
        return (self.account, message.target) if isinstance(message, MessageChange) else None

    @property
    def identity(self) -> tuple[str, str]:
        """What makes it the same delivery: the account and the provider's event id."""
        return self.account, self.message.key


class Recorded(Struct, frozen=True):
    """What a batch did: feeds that moved and contacts the rules must look at."""

    positions: Positions
    to_route: tuple[UUID, ...]


class _Head(Struct, frozen=True):
    """A new entry as its event shows it, but for what the database adds: time, conversation, leaf, what it answers."""

    id: UUID
    kind: str
    channel: Channel
    direction: Literal["in"]
    body: str
    handle: str
    account: str
    media: tuple[Media, ...]
    occurred_at: datetime | None
    content: tuple[Content, ...]
    status: None = None
    author: None = None
    error: None = None
    reactions: tuple[()] = ()
    edited_at: None = None
    unsent_at: None = None


class _Extra(Struct, frozen=True, omit_defaults=True):
    """What a message holds besides words, as `0010_record.sql` takes it."""

    content: tuple[Content, ...] = ()
    provider_id: str | None = None
    in_reply_to: str | None = None
    window: int | None = None
    thread: UUID | None = None


RECORD = """
select what, id, seq from record_messages(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::uuid[],
    $10::uuid[], $11::uuid[], $12::uuid[], $13::uuid[], $14::text[], $15::text[], $16::text[], $17::text[],
    $18::text[], $19::text[], $20::timestamptz[], $21::boolean[], $22::jsonb[], $23::text[], $24::text[], $25::text[],
    $26::bytea[], $27, $28, $29)
"""

RECORD_ONE = """
select what, id, seq from record_message(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
    $25, $26, $27, $28)
"""

_encode = msgspec.json.Encoder().encode


def canonical_ref(handle: HandleRef) -> HandleRef:
    """By the one form the handle is known by; `form` is how the channel wrote it, where that differs."""
    value = canonical(handle.kind, handle.value)
    form = handle.form or handle.value
    return msgspec.structs.replace(handle, value=value, form=None if form == value else form)


def _row(delivery: Delivery, thread: UUID | None = None) -> tuple[object, ...]:
    message = delivery.message
    if isinstance(message, ConsentChange):
        return _columns(delivery, InboundMessage(message.key, message.handle, message.body), "consent", None)
    if isinstance(message, InboundMessage):
        return _columns(delivery, message, "automatic" if message.automatic else "message", _extra(delivery, thread))
    raise TypeError(f"{type(message).__name__} is no message: profiles.apart takes it")


def _extra(delivery: Delivery, thread: UUID | None) -> str | None:
    message = delivery.message
    if not isinstance(message, InboundMessage):
        return None
    if delivery.name is None and not (message.content or message.in_reply_to or delivery.window_seconds):
        return None
    provider_id = delivery.name[1] if delivery.name else None
    extra = _Extra(message.content, provider_id, message.in_reply_to, delivery.window_seconds, thread)
    return _encode(extra).decode()


def _columns(delivery: Delivery, message: InboundMessage, kind: str, extra: str | None) -> tuple[object, ...]:
    handle = canonical_ref(message.handle)
    entry = delivery.entry or new_id()
    media = attached(message)
    head = _Head(
        entry,
        "consent" if kind == "consent" else "message",
        delivery.channel,
        "in",
        message.body,
        handle.value,
        delivery.account,
        media,
        message.occurred_at,
        message.content,
    )
    return (
        delivery.account,
        message.key,
        handle.kind,
        handle.scope,
        handle.value,
        handle.form,
        message.name_hint,
        *(new_id(), new_id(), new_id(), new_id(), entry, new_id()),
        kind,
        delivery.channel,
        delivery.work_class,
        message.body,
        '{"kind":"entry","entry":' + _encode(head)[:-1].decode(),
        _encode(media).decode() if media else None,
        message.occurred_at,
        delivery.message.opted_out if isinstance(delivery.message, ConsentChange) else None,
        extra,
        delivery.step,
        delivery.query,
        delivery.content_type,
        delivery.raw,
    )


async def record(
    connection: Connection, batch: Sequence[Delivery], *, taken: bool = False, thread: UUID | None = None
) -> Recorded:
    """Record a batch of one class of work; when this returns outside a transaction, it is committed.

    Deliveries already seen change nothing; `taken`: the caller has entered them in `seen`. Their identities must differ
    within the batch. `thread`: the conversation they belong to by what they answer. Raises `asyncpg.SerializationError`
    when a merge moved a customer meanwhile: record again.
    """
    if len(batch) == 1 and not taken:
        rows = await connection.fetch(RECORD_ONE, *_row(batch[0]), REOPEN_WITHIN, PREFER_OWNER_FOR)
    else:
        columns = zip(*(_row(delivery, thread) for delivery in batch), strict=True)
        rows = await connection.fetch(RECORD, *columns, REOPEN_WITHIN, PREFER_OWNER_FOR, taken)
    positions = {FeedId(row["what"], row["id"]): row["seq"] for row in rows if row["what"] != "route"}
    return Recorded(positions, tuple(row["id"] for row in rows if row["what"] == "route"))
