"""A small company in a database of its own, worked by the product's own parts without HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from gateway.worker import Worker
from model.agent import Actor
from model.inbound import HandleRef, InboundMessage
from profiles.record import Delivery, record
from router.accept import Accepted, accept_offer
from router.needs import set_agent_queues
from router.presence import connect_screen, register_process, set_presence
from store.feeds import Positions, transaction
from store.ids import new_id
from store.pool import Pool, open_pool


@dataclass
class Company:
    """Queues `general` and `auto` (auto-accept), accounts `sms-main` and `sms-auto`, agents as they are hired."""

    pool: Pool
    worker: Worker
    process: UUID
    announced: Positions = field(default_factory=dict)
    sent: int = 0

    def announce(self, positions: Positions) -> None:
        """Keep what was announced, as a hub would hear it."""
        self.announced.update(positions)

    async def hire(self, name: str = "Ines", *, messaging: int = 4, role: Any = "agent") -> Actor:
        """An agent of both queues, offline."""
        actor = Actor(new_id(), name, role)
        async with transaction(self.pool, self.announce) as tx:
            await tx.connection.execute("insert into agent (id, name, role) values ($1, $2, $3)", actor.id, name, role)
            await tx.connection.execute(
                "insert into agent_state (agent_id, cap_messaging) values ($1, $2)", actor.id, messaging
            )
            await set_agent_queues(tx.connection, actor.id, ["general", "auto"])
        return actor

    async def seat(self, actor: Actor) -> UUID:
        """Connect a screen of this agent and make them available; returns the screen."""
        screen = new_id()
        async with transaction(self.pool, self.announce) as tx:
            await connect_screen(tx, actor.id, screen, self.process)
        async with transaction(self.pool, self.announce) as tx:
            await set_presence(tx, actor.id, "available", None)
        return screen

    async def text(self, phone: str, body: str = "hello", *, account: str = "sms-main", key: str | None = None) -> None:
        """A customer writes; recorded, not yet routed."""
        self.sent += 1
        message = InboundMessage(key or f"SM{self.sent}", HandleRef("phone", phone), body)
        async with self.pool.acquire() as connection:
            done = await record(connection, [Delivery(account, "sms", message, None, "", None, b"")])
        self.announce(done.positions)

    async def drain(self) -> None:
        """Route, dispatch and carry out what rules add, as the worker would within a moment."""
        await self.worker.drain()
        await self.worker.carry_out()

    async def ring(self, actor: Actor, phone: str) -> None:
        """The agent takes their seat, a customer writes, and it rings."""
        await self.seat(actor)
        await self.text(phone)
        await self.drain()

    async def settle(self) -> None:
        """Settle what is due, then let work flow."""
        await self.worker.settle()
        await self.worker.drain()

    async def offer_of(self, actor: Actor) -> UUID | None:
        """The oldest offer that rings for this agent."""
        offer: UUID | None = await self.value(
            "select id from offer where agent_id = $1 and state = 'pending' order by created_at limit 1", actor.id
        )
        return offer

    async def take(self, actor: Actor) -> Accepted:
        """Accept what rings."""
        offer = await self.offer_of(actor)
        assert offer is not None, "nothing rings for this agent"
        async with self.pool.acquire() as connection:
            accepted = await accept_offer(connection, offer, actor)
        assert isinstance(accepted, Accepted), accepted
        return accepted

    async def value(self, sql: str, *arguments: object) -> Any:
        """One value from the database."""
        async with self.pool.acquire() as connection:
            return await connection.fetchval(sql, *arguments)

    async def rows(self, sql: str, *arguments: object) -> list[Any]:
        """Rows from the database."""
        async with self.pool.acquire() as connection:
            return await connection.fetch(sql, *arguments)

    async def states(self) -> list[str]:
        """The states of all contacts, oldest first."""
        return [row["state"] for row in await self.rows("select state from contact order by arrived_at, id")]

    async def check(self) -> None:
        """INV9, INV10: what is used is the sum of live weights, within capacity; nobody holds what they do not own."""
        wrong = await self.rows(USED_IS_NOT_LIVE)
        assert not wrong, f"used capacity differs from the live offers: {wrong}"
        over = await self.rows("select agent_id from agent_state where used_messaging > cap_messaging")
        assert not over, f"over capacity: {over}"
        wrong = await self.rows(HOLDER_WITHOUT_HOLD)
        assert not wrong, f"held without a live accepted offer: {wrong}"


USED_IS_NOT_LIVE = """
select s.agent_id, s.used_messaging, coalesce(sum(o.weight), 0) as live
  from agent_state s left join offer o
    on o.agent_id = s.agent_id and (o.state = 'pending' or (o.state = 'accepted' and o.released_at is null))
 group by s.agent_id having s.used_messaging <> coalesce(sum(o.weight), 0)
"""
HOLDER_WITHOUT_HOLD = """
select c.id, c.state from contact c
 where (c.state in ('assigned', 'wrapping')) <> exists (
       select from offer o where o.contact_id = c.id and o.agent_id = c.agent_id and o.state = 'accepted'
                                 and o.released_at is null)
    or (c.state = 'offered') <> exists (select from offer o where o.contact_id = c.id and o.state = 'pending')
"""

FOUND = """
insert into queue (id, name, auto_accept) values ('general', 'General', false), ('auto', 'Auto', true);
insert into account (id, channel, provider, address, secrets, region, public_url, queue_id)
values ('sms-main', 'sms', 'twilio', '+15005550006', '{secret}', 'US', 'http://localhost/hooks/sms-main', 'general'),
       ('sms-auto', 'sms', 'twilio', '+15005550007', '{secret}', 'US', 'http://localhost/hooks/sms-auto', 'auto')
"""


async def _nothing() -> None:
    return


@asynccontextmanager
async def open_company(database_url: str) -> AsyncIterator[Company]:
    """A company in this empty database."""
    pool = await open_pool(database_url)
    process = new_id()
    positions: Positions = {}
    company = Company(pool, Worker(pool, lambda moved: positions.update(moved), process, _nothing), process, positions)
    async with pool.acquire() as connection:
        await connection.execute(FOUND)
        await register_process(connection, process)
    yield company
    await pool.close()
