"""What screens ask, each carried out in one transaction: where profiles, router and the feeds meet."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

import asyncpg

from gateway.desk import Accepted, Page
from model.agent import Actor, PresenceStatus
from model.refusal import Refused
from model.wire import Note, Reply, Timeline
from profiles.profile import Snapshot, fetch_snapshot
from profiles.reply import note, reply, retry
from profiles.timeline import fetch_page
from router.accept import accept_offer
from router.closing import close_conversation
from router.desk import DeskState, fetch_desk
from router.due import left_contacts, overdue_offers
from router.endings import end_offer, rescind_left
from router.holding import finish, leave_agent, seen, shown, wrap_up
from router.presence import connect_screen, disconnect_screen, set_presence
from store.feeds import Announce, Transaction, transaction
from store.pool import Pool

Outcome = TypeVar("Outcome")
ATTEMPTS = 3
LOST = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


class Actions:
    """The desk of every agent whose screen this process holds. `wake` lets work flow, `wake_sender` lets replies go."""

    def __init__(
        self, pool: Pool, announce: Announce, process: UUID, wake: Callable[[], None], wake_sender: Callable[[], None]
    ) -> None:
        self._pool = pool
        self._announce = announce
        self._process = process
        self._wake = wake
        self._wake_sender = wake_sender

    async def _do(self, work: Callable[[Transaction], Awaitable[Outcome]]) -> Outcome:
        """Run in a transaction; one that lost to a deadlock or a merge runs again."""
        for attempt in range(ATTEMPTS):
            try:
                async with transaction(self._pool, self._announce) as tx:
                    return await work(tx)
            except LOST:
                if attempt == ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    async def connect(self, actor: Actor, screen_id: UUID) -> None:
        """A screen of this agent is here."""
        await self._do(lambda tx: connect_screen(tx, actor.id, screen_id, self._process))
        self._wake()

    async def disconnect(self, actor: Actor, screen_id: UUID) -> None:
        """It is gone."""
        await self._do(lambda tx: disconnect_screen(tx, actor.id, screen_id))

    async def state(self, actor: Actor) -> DeskState:
        """What `welcome` shows."""
        async with self._pool.acquire() as connection:
            state = await fetch_desk(connection, actor.id)
        if state is None:
            raise LookupError("the agent has no state")
        return state

    async def set_presence(self, actor: Actor, status: PresenceStatus, reason: str | None) -> Refused | None:
        """Choose a presence; what the agent can no longer take rings elsewhere at once."""
        refused = await self._do(lambda tx: set_presence(tx, actor.id, status, reason))
        if refused is None and status != "available":
            await self._let_go(actor)
        self._wake()
        return refused

    async def _let_go(self, actor: Actor) -> None:
        """As the sweep would within a moment: rescind what rings, and on log-off hand back what is held."""
        async with self._pool.acquire() as connection:
            offers = await overdue_offers(connection)
            left = await left_contacts(connection)
        for offer in offers:
            if offer.agent == actor.id and not offer.timed_out:
                await self._do(lambda tx, o=offer: rescind_left(tx, o.offer, o.reason))  # type: ignore[misc]
        for gone in left:
            if gone.agent == actor.id:
                await self._do(lambda tx, g=gone: leave_agent(tx, g.contact, g.agent, g.why))  # type: ignore[misc]

    async def accept(self, actor: Actor, offer: UUID) -> Accepted | Refused:
        """Take an offer, in one statement on an idle connection."""
        async with self._pool.acquire() as connection:
            try:
                accepted = await accept_offer(connection, offer, actor)
            except LOST:
                accepted = await accept_offer(connection, offer, actor)
        if isinstance(accepted, Accepted) and accepted.positions:
            self._announce(accepted.positions)
        return accepted

    async def decline(self, actor: Actor, offer: UUID, reason: str | None) -> Refused | None:
        """Refuse an offer."""
        refused = await self._do(lambda tx: end_offer(tx, offer, "declined", reason=reason, agent=actor.id))
        self._wake()
        return refused

    async def snapshot(self, customer: UUID) -> Snapshot | None:
        """The profile of a customer's root."""
        async with self._pool.acquire() as connection:
            return await fetch_snapshot(connection, customer)

    async def timeline(self, actor: Actor, frame: Timeline) -> Page | Refused:
        """A further page."""
        async with self._pool.acquire() as connection:
            page = await fetch_page(connection, frame)
        return page if isinstance(page, Refused) else (tuple(page.entries), page.more)

    async def reply(self, actor: Actor, frame: Reply) -> UUID | Refused:
        """Answer the customer."""
        entry = await self._do(lambda tx: reply(tx, actor, frame))
        self._wake_sender()
        return entry

    async def note(self, actor: Actor, frame: Note) -> UUID | Refused:
        """Write for colleagues."""
        return await self._do(lambda tx: note(tx, actor, frame))

    async def retry(self, actor: Actor, entry: UUID) -> Refused | None:
        """Send a failed reply again."""
        outcome = await self._do(lambda tx: retry(tx, actor, entry))
        self._wake_sender()
        return outcome if isinstance(outcome, Refused) else None

    async def finish(self, actor: Actor, contact: UUID) -> Refused | None:
        """End the work on a contact."""
        return await self._freeing(lambda tx: finish(tx, contact, actor))

    async def wrap_up(self, actor: Actor, contact: UUID) -> Refused | None:
        """End wrap-up early."""
        return await self._freeing(lambda tx: wrap_up(tx, contact, actor))

    async def close(self, actor: Actor, conversation: UUID) -> Refused | None:
        """Close a conversation."""
        return await self._freeing(lambda tx: close_conversation(tx, conversation, actor))

    async def _freeing(self, work: Callable[[Transaction], Awaitable[Refused | None]]) -> Refused | None:
        refused = await self._do(work)
        if refused is None:
            self._wake()
        return refused

    async def seen(self, actor: Actor, contact: UUID) -> Refused | None:
        """The agent has looked."""
        return await self._do(lambda tx: seen(tx, contact, actor))

    async def shown(self, actor: Actor, contact: UUID) -> Refused | None:
        """The profile of an auto-accepted contact is on a screen."""
        return await self._do(lambda tx: shown(tx, contact, actor))
