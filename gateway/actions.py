"""What screens ask, each carried out in one transaction: where profiles, router and the feeds meet."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

import asyncpg

from gateway.accounts import fetch_limits
from gateway.desk import Accepted, Page
from gateway.supervise import Act, supervise
from gateway.voice_calls import Calls
from gateway.voice_desk import call_action, dial, end_handover, transfer
from model.agent import Actor, PresenceStatus
from model.customer import CustomerSummary
from model.refusal import Refused
from model.wire import AddDetail, AddTask, Edit, EndTask, Finish, Identify, Note, Reply, SetTopics, Timeline, WrapUp
from model.wire_calls import CallAction, CancelHandover, DeclineHandover, Dial, Transfer
from profiles.details import add_detail
from profiles.edit import Change, edit
from profiles.identify import identify
from profiles.profile import Snapshot, fetch_snapshot
from profiles.reply import note, reply, retry
from profiles.seen import pack, save_seen
from profiles.tasks import NewTask, add_task, end_task
from profiles.timeline import fetch_page
from profiles.topics import set_topics
from profiles.viewed import fetch_recent, mark_viewed
from router.accept import accept_offer
from router.assign import Given, assign
from router.closing import close_conversation
from router.desk import DeskState, fetch_desk
from router.due import left_contacts, overdue_offers
from router.endings import decline, rescind_left
from router.finishing import Ending, finish, wrap_up
from router.handover import accept_handover
from router.holding import leave_agent, seen, shown
from router.presence import connect_screen, disconnect_screen, mark_active, set_presence
from router.pulling import NOTHING, find_next
from store.feeds import Announce, Transaction, transaction
from store.pool import Connection, Pool

log = logging.getLogger(__name__)

Outcome = TypeVar("Outcome")
ATTEMPTS = 3
LOST = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


class Actions:
    """The desk of every agent whose screen this process holds. `wake` lets work flow, `wake_sender` lets replies go."""

    def __init__(
        self, pool: Pool, announce: Announce, process: UUID, wake: Callable[[], None], wake_sender: Callable[[], None]
    ) -> None:
        self.calls = Calls(pool, announce, wake, lambda: None)
        """Those of the process, which let its lines be rung at once, are put here; the sweep finds what these want."""
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

    async def active(self, screen_id: UUID) -> None:
        """Somebody does something on this screen."""
        await self._noting("that a screen is used", lambda connection: mark_active(connection, screen_id))

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

    async def supervise(self, actor: Actor, act: Act) -> Refused | None:
        """Do something with the work of others."""
        return await self._freeing(lambda tx: supervise(tx, actor, act))

    async def accept(self, actor: Actor, offer: UUID) -> Accepted | Refused:
        """Take an offer, in one statement on an idle connection."""
        async with self._pool.acquire() as connection:
            try:
                accepted = await accept_offer(connection, offer, actor)
            except LOST:
                accepted = await accept_offer(connection, offer, actor)
        if isinstance(accepted, Accepted) and accepted.positions:
            self._announce(accepted.positions)
            if len(accepted.positions) > 2:  # others were asked too, and are free again
                self._wake()
        return accepted

    async def profile_pushed(self, contact: UUID) -> None:
        """The profile is on the screen of who took a call: their line may ring."""
        await self.calls.connect(contact)

    async def decline(self, actor: Actor, offer: UUID, reason: str | None) -> Refused | None:
        """Refuse an offer."""
        refused = await self._do(lambda tx: decline(tx, offer, reason, actor.id))
        self._wake()
        return refused

    async def take_next(self, actor: Actor, queue: str | None) -> Given | Refused:
        """Take the contact that waits longest; those that somebody else takes meanwhile are passed over."""
        async with self._pool.acquire() as connection:
            found = await find_next(connection, actor.id, queue)
        if isinstance(found, Refused):
            return found
        for pair in found:
            given = await self._do(lambda tx, p=pair: assign(tx, p, pulled=True))  # type: ignore[misc]
            if given is not None:
                return given
        return NOTHING

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
        entry = await self._do(lambda tx: reply(tx, actor, frame, fetch_limits))
        self._wake_sender()
        return entry

    async def note(self, actor: Actor, frame: Note) -> UUID | Refused:
        """Write for colleagues."""
        return await self._do(lambda tx: note(tx, actor, frame))

    async def retry(self, actor: Actor, entry: UUID) -> Refused | None:
        """Send a failed reply again."""
        outcome = await self._do(lambda tx: retry(tx, actor, entry, fetch_limits))
        self._wake_sender()
        return outcome if isinstance(outcome, Refused) else None

    async def finish(self, actor: Actor, frame: Finish) -> Refused | None:
        """End the work on a contact."""
        ending = Ending(frame.disposition, frame.note, frame.wrap_up)
        return await self._freeing(lambda tx: finish(tx, frame.contact, actor, ending))

    async def wrap_up(self, actor: Actor, frame: WrapUp) -> Refused | None:
        """End wrap-up, or begin it where that is for the agent to say."""
        ending = Ending(frame.disposition, frame.note)
        return await self._freeing(lambda tx: wrap_up(tx, frame.contact, actor, ending))

    async def close(self, actor: Actor, conversation: UUID) -> Refused | None:
        """Close a conversation."""
        return await self._freeing(lambda tx: close_conversation(tx, conversation, actor))

    async def call(self, actor: Actor, contact: UUID, action: CallAction) -> Refused | None:
        """Do something with a call."""
        return await call_action(self.calls, actor, contact, action)

    async def dial(self, actor: Actor, frame: Dial) -> Refused | None:
        """Call a customer."""
        return await dial(self.calls, actor, frame)

    async def transfer(self, actor: Actor, frame: Transfer) -> Refused | None:
        """Hand a contact on."""
        return await transfer(self.calls, actor, frame)

    async def accept_handover(self, actor: Actor, handover: UUID) -> Given | Refused:
        """Take over what a colleague asks; they are free again."""
        given = await self._do(lambda tx: accept_handover(tx, handover, actor))
        self._wake()
        return given

    async def end_handover(self, actor: Actor, frame: DeclineHandover | CancelHandover) -> Refused | None:
        """Refuse to take over, or ask no longer."""
        return await self._do(lambda tx: end_handover(tx, actor, frame))

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

    async def edit(self, actor: Actor, frame: Edit) -> Refused | None:
        """Change one value of a profile."""
        change = Change(frame.field, frame.value, frame.revision)
        return await self._changing(lambda tx: edit(tx, actor, frame.customer, [change]))

    async def add_detail(self, actor: Actor, frame: AddDetail) -> Refused | None:
        """Add a note on the person."""
        return await self._changing(lambda tx: add_detail(tx, actor, frame.customer, frame.id, frame.body))

    async def set_topics(self, actor: Actor, frame: SetTopics) -> Refused | None:
        """Say what a conversation is about."""
        return await self._changing(lambda tx: set_topics(tx, actor, frame.conversation, frame.topics))

    async def identify(self, actor: Actor, frame: Identify) -> Refused | None:
        """Say who writes on a shared handle."""
        refused = await self._changing(lambda tx: identify(tx, actor, frame.conversation, frame.customer, frame.name))
        self._wake()
        return refused

    async def add_task(self, actor: Actor, frame: AddTask) -> Refused | None:
        """Add a follow-up."""
        new = NewTask(
            id=frame.id,
            customer=frame.customer,
            body=frame.body,
            due_at=frame.due_at,
            agent=frame.agent,
            queue=frame.queue,
            conversation=frame.conversation,
        )
        return await self._changing(lambda tx: add_task(tx, actor, new))

    async def end_task(self, actor: Actor, frame: EndTask) -> Refused | None:
        """End a follow-up."""
        return await self._changing(lambda tx: end_task(tx, actor, frame.task, frame.state))

    async def _changing(self, work: Callable[[Transaction], Awaitable[object]]) -> Refused | None:
        """Change a profile; what it is now goes to all screens that show it by their feeds, not by the answer."""
        outcome = await self._do(work)
        return outcome if isinstance(outcome, Refused) else None

    async def viewed(self, actor: Actor, customer: UUID) -> None:
        """The agent looks at this customer."""
        await self._noting("whom an agent looks at", lambda connection: mark_viewed(connection, actor.id, customer))

    async def _noting(self, what: str, work: Callable[[Connection], Awaitable[object]]) -> None:
        """When it cannot be kept, it is as if it had not been."""
        try:
            async with self._pool.acquire() as connection:
                await work(connection)
        except Exception as error:
            log.warning("not kept %s: %s", what, type(error).__name__)

    async def keep_seen(self, actor: Actor, offer: UUID, frame: bytes) -> None:
        """Keep the profile as the agent was shown it at this accept; what fails is tried once more."""
        packed = await asyncio.to_thread(pack, frame)
        for _ in range(2):
            try:
                async with self._pool.acquire() as connection:
                    return await save_seen(connection, offer, actor.id, packed)
            except Exception as error:
                log.warning("not kept what an agent was shown at accept: %s", type(error).__name__)
        return None

    async def recent(self, actor: Actor) -> tuple[CustomerSummary, ...]:
        """Whom the agent looked at last."""
        async with self._pool.acquire() as connection:
            return await fetch_recent(connection, actor.id)
