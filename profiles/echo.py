"""What was said to a customer for us, but not from here: an entry of ours, as sent.

Providers also echo what we sent ourselves. That is told by the provider's id; while a reply to the same address is
being sent its id is not known yet, so the echo has to come again. One whose fate is unknown is settled by its echo.
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import asyncpg
from msgspec import Struct

from model.event import CustomerEvent, ReceiptChanged
from model.inbound import MessageEchoed
from model.timeline import Channel, Entry
from profiles.attachments import attached
from profiles.folded import own_conversation
from store.feeds import NewEntry, Transaction, append_to_customer, lock_customer
from store.pool import Connection

_UNPLACED = datetime.min.replace(tzinfo=UTC)


class TooEarly(Exception):
    """A reply to the same address is just being sent: whether this is its echo is known in a moment."""


class Echo(Struct, frozen=True):
    """An echo on its way in: by which account, and whom it was said to."""

    account: str
    channel: Channel
    message: MessageEchoed
    handle_id: UUID
    leaf: UUID
    raw: UUID
    """The raw event it came in, whose id the entry gets: by that its source is found."""

    @property
    def name(self) -> str:
        """What its channel calls it."""
        return self.message.provider_id or self.message.key


KNOWN = "select entry_named($1, $2)"
UNNAMED = """
select entry_id, state, body from outbox
 where account_id = $1 and to_address = any ($2) and state in ('sending', 'unknown') and provider_id is null
 order by at, entry_id
"""
SETTLE = """
update outbox set state = 'sent', provider_id = $2, error = null, lease_until = null
 where entry_id = $1 and state = 'unknown' and provider_id is null
"""
SHOWN = """
select id, customer_id from conversation where profile_id = $1 and status <> 'closed' and folded_into is null
"""
ADD_SENT = """
insert into outbox (entry_id, customer_id, conversation_id, account_id, to_address, body, at, state, attempts,
                    provider_id, left_at)
values ($1, $2, $3, $4, $5, $6, $7, 'sent', 1, $8, $7)
"""


async def record_echo(tx: Transaction, echo: Echo) -> None:
    """Write the entry, unless it is one of ours. It opens nothing and nobody is told to answer.

    Raises TooEarly, or `asyncpg.SerializationError` when the handle moved meanwhile: record again.
    """
    root = await lock_customer(tx, echo.leaf)
    if root is None:
        raise asyncpg.SerializationError("the customer was merged meanwhile, record again")
    if await tx.connection.fetchval(KNOWN, echo.account, echo.name):
        return
    if await _settle_unknown(tx, root, echo):
        return
    shown = await tx.connection.fetchrow(SHOWN, root)
    own = await _own(tx.connection, echo.leaf, shown)
    message, id_ = echo.message, echo.raw
    entry = Entry(
        id=id_,
        kind="message",
        channel=echo.channel,
        direction="out",
        body=message.body,
        at=_UNPLACED,
        status="sent",
        conversation=shown["id"] if shown else None,
        handle=message.handle.value,
        account=echo.account,
        media=attached(message),
        occurred_at=message.occurred_at,
        content=message.content,
        leaf=echo.leaf if echo.leaf != root else None,
    )
    new = NewEntry(entry, echo.leaf, echo.handle_id, own, provider_id=echo.name, answers=message.in_reply_to)
    at = await append_to_customer(tx, root, [new])
    address = message.handle.form or message.handle.value
    await tx.connection.execute(*(ADD_SENT, id_, echo.leaf, own, echo.account, address, message.body, at, echo.name))


async def _own(connection: Connection, leaf: UUID, shown: asyncpg.Record | None) -> UUID | None:
    if shown is None:
        return None
    return shown["id"] if shown["customer_id"] == leaf else await own_conversation(connection, leaf, shown["id"])


async def _settle_unknown(tx: Transaction, root: UUID, echo: Echo) -> bool:
    """Whether it is the echo of a reply of which nobody knew if it had left."""
    handle = echo.message.handle
    rows = await tx.connection.fetch(UNNAMED, echo.account, [handle.value, handle.form or handle.value])
    if any(row["state"] == "sending" for row in rows):
        raise TooEarly
    same = next((row["entry_id"] for row in rows if row["body"] == echo.message.body), None)
    if same is None or await tx.connection.execute(SETTLE, same, echo.name) != "UPDATE 1":
        return False
    settled: list[CustomerEvent] = [ReceiptChanged(same, "sent")]
    await append_to_customer(tx, root, settled)
    return True
