"""A small company for the tests of profiles and sender, and what happens in it, by the product's own functions."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from uuid import UUID

import msgspec
from msgspec import Struct

from model.agent import Actor, Role
from model.event import FEED_KINDS, CustomerEvent, EntryAdded
from model.inbound import ConsentChange, HandleRef, InboundMessage
from model.timeline import Media
from model.wire import Reply
from profiles.record import Delivery, Recorded, record
from profiles.reply import reply
from store.feeds import Positions, transaction
from store.ids import new_id
from store.pool import Connection, Pool

ADA = "+12065550134"
BOB = "+493012345678"
keys = itertools.count(1)


def say_nothing(positions: Positions) -> None:
    """An Announce for whom nobody listens."""


async def add_agent(pool: Pool, name: str, role: Role = "agent") -> Actor:
    """An agent with a desk."""
    id_ = new_id()
    await pool.execute("insert into agent (id, name, role) values ($1, $2, $3)", id_, name, role)
    await pool.execute("insert into agent_state (agent_id) values ($1)", id_)
    return Actor(id_, name, role)


async def add_account(pool: Pool, id_: str, channel: str = "sms") -> str:
    """An account whose default queue is `support`."""
    await pool.execute(
        "insert into queue (id, name, park_after_seconds) values ('support', 'Support', 600) on conflict do nothing"
    )
    await pool.execute(
        "insert into account (id, channel, provider, address, secrets, region, public_url, queue_id)"
        " values ($1, $2, 'twilio', '+12065550100', '{s3cret}', 'US', 'https://example.com/hooks/x', 'support')",
        id_,
        channel,
    )
    return id_


async def say(
    pool: Pool, body: str, *, phone: str = ADA, account: str = "sms-main", media: Sequence[Media] = ()
) -> Recorded:
    """A message of a customer, recorded."""
    message = InboundMessage(f"SM{next(keys)}", HandleRef("phone", phone), body, tuple(media))
    return await take(pool, message, account)


async def opt(pool: Pool, body: str, opted_out: bool, *, phone: str = ADA, account: str = "sms-main") -> Recorded:
    """The customer opts out, or in again."""
    return await take(pool, ConsentChange(f"SM{next(keys)}", HandleRef("phone", phone), body, opted_out), account)


async def take(pool: Pool, message: InboundMessage | ConsentChange, account: str) -> Recorded:
    """Record one delivery."""
    async with pool.acquire() as connection:
        return await record(connection, [Delivery(account, "sms", message, None, "", None, b"")])


async def customer_of(pool: Pool, phone: str = ADA) -> UUID:
    """The customer with this phone."""
    found: UUID = await pool.fetchval("select customer_id from handle where value = $1", phone)
    return found


async def conversation_of(pool: Pool, phone: str = ADA) -> UUID:
    """The customer's newest conversation."""
    customer = await customer_of(pool, phone)
    found: UUID = await pool.fetchval(
        "select id from conversation where customer_id = $1 order by opened_at desc limit 1", customer
    )
    return found


async def hold(pool: Pool, actor: Actor, phone: str = ADA) -> UUID:
    """The agent holds the customer's live contact, as after an accept."""
    contact: UUID = await pool.fetchval(
        "update contact set state = 'assigned', agent_id = $1, queue_id = 'support', unrouted = false, unread = 1"
        " where customer_id = $2 and state = 'new' returning id",
        actor.id,
        await customer_of(pool, phone),
    )
    await pool.execute("update conversation set status = 'open' where id = $1", await conversation_of(pool, phone))
    return contact


async def answer(pool: Pool, actor: Actor, body: str, phone: str = ADA) -> UUID:
    """A reply that is taken; its id."""
    frame = Reply(await conversation_of(pool, phone), body, new_id())
    async with transaction(pool, say_nothing) as tx:
        done = await reply(tx, actor, frame)
    assert done == frame.id
    return frame.id


class Logged(Struct, frozen=True):
    """One event of a customer's feed."""

    seq: int
    event: CustomerEvent


async def events_after(connection: Connection | Pool, root: UUID, seq: int = 0) -> list[Logged]:
    """What the log holds of a customer."""
    rows = await connection.fetch(
        "select seq, body from event where kind = $1 and id = $2 and seq > $3 order by seq",
        FEED_KINDS["customer"],
        root,
        seq,
    )
    return [Logged(row["seq"], msgspec.json.decode(row["body"], type=CustomerEvent)) for row in rows]


async def added_entries(connection: Connection | Pool, root: UUID) -> list[EntryAdded]:
    """The entries among them."""
    return [each.event for each in await events_after(connection, root) if isinstance(each.event, EntryAdded)]


async def outbox_state(pool: Pool, entry: UUID) -> str:
    """The state of a reply."""
    return str(await pool.fetchval("select state from outbox where entry_id = $1", entry))
