"""What goes on by itself in every process: route, dispatch, settle what is due, keep the lease. Any number may run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import ParamSpec
from uuid import UUID

import asyncpg
import structlog

from gateway.filing_worker import FILING_SECONDS, FilingWorker
from gateway.routing_worker import ROUNDS, RoutingWorker
from gateway.rule_effects import carry_out_effects
from router.assign import assign
from router.dispatch import CapacityMoved, dispatch
from router.due import due_contacts, left_contacts, overdue_offers, stranded_contacts, turn_ring
from router.endings import end_offer, rescind_left
from router.handover import due_handovers, settle_handover
from router.holding import leave_agent, settle_due
from router.lone import LoneOffers
from router.presence import HEARTBEAT_SECONDS, bury_dead_processes, find_idle, renew_lease, send_away_idle
from router.relaxing import take_due_steps
from router.retiring import move_stranded
from store.feeds import Announce, Transaction, transaction
from store.pool import Pool

SWEEP_SECONDS = 1.0
DUE_SECONDS = 0.25
FOLLOW_UP_SECONDS = 0.1
RING_SECONDS = 300.0
AGAIN_SECONDS = 0.5
STEADY_BEATS = 2

log = structlog.get_logger()
P = ParamSpec("P")
RETRY = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, CapacityMoved)


class Worker:
    """The loops of one process. `wake()` after anything that may let work flow: a contact, a free slot, an agent."""

    def __init__(
        self,
        pool: Pool,
        announce: Announce,
        process: UUID,
        on_lease_lost: Callable[[], Awaitable[None]],
        idle_after: timedelta | None = None,
    ) -> None:
        self._pool = pool
        self._announce = announce
        self._process = process
        self._on_lease_lost = on_lease_lost
        self._idle_after = idle_after
        self._woken = asyncio.Event()
        self._decided = asyncio.Event()
        self._beats = 0
        self._routing = RoutingWorker(pool, announce)

    def wake(self) -> None:
        """Route and dispatch now rather than at the next sweep."""
        self._woken.set()

    async def run(self) -> None:
        """Run every loop until cancelled. A database that goes away is waited for; nothing needs a restart."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._flow())
            group.create_task(self._follow())
            group.create_task(self._every(DUE_SECONDS, self.settle))
            group.create_task(self._every(HEARTBEAT_SECONDS, self._beat))
            group.create_task(self._every(SWEEP_SECONDS, self._bury))
            group.create_task(self._every(SWEEP_SECONDS, self.send_idle_away))
            group.create_task(self._every(RING_SECONDS, self._turn))
            group.create_task(self._every(FILING_SECONDS, FilingWorker(self._pool).step))

    async def _every(self, seconds: float, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            done = await self._guard(step)
            await asyncio.sleep(seconds if done else min(seconds, AGAIN_SECONDS))

    async def _guard(self, step: Callable[P, Awaitable[None]], *arguments: P.args, **named: P.kwargs) -> bool:
        """One step of a loop, and whether it was done: what fails is logged and tried again soon."""
        try:
            await step(*arguments, **named)
        except RETRY:
            self._woken.set()
        except Exception as error:  # the loops outlive every failure of a single step
            log.warning("worker_step_failed", step=step.__name__, error=type(error).__name__)
            return False
        return True

    async def _flow(self) -> None:
        async with LoneOffers(self._pool) as lone:
            while True:
                woken = self._woken.is_set()
                self._woken.clear()
                await self._guard(self._drain, lone)
                if woken:
                    # What another process had locked a moment ago was skipped: look once more.
                    await asyncio.sleep(FOLLOW_UP_SECONDS)
                    await self._guard(self._drain, lone)
                with suppress(TimeoutError):
                    async with asyncio.timeout(SWEEP_SECONDS):
                        await self._woken.wait()

    async def _follow(self) -> None:
        while True:
            self._decided.clear()
            await self._guard(self.carry_out)
            with suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_SECONDS):
                    await self._decided.wait()

    async def drain(self) -> None:
        """Route everything unrouted, then dispatch until a round finds nothing to do: also when routing fails."""
        async with LoneOffers(self._pool) as lone:
            await self._drain(lone)

    async def _drain(self, lone: LoneOffers) -> None:
        await self._guard(self._routing.route_waiting)
        self._decided.set()
        await self._guard(self._offer_lone, lone)
        heed_steps = True
        for _ in range(ROUNDS):
            async with transaction(self._pool, self._announce) as tx:
                done = await dispatch(tx, heed_steps=heed_steps)
            if done.steps_due:
                # When none can be taken, another process is at it, or something is wrong: work flows on all the same.
                heed_steps = await self._take_steps()
                continue
            assigned = 0
            for pair in done.outright:
                async with transaction(self._pool, self._announce) as tx:
                    assigned += await assign(tx, pair) is not None
            if not done.offered and not assigned and not done.goes_back:
                break

    async def _offer_lone(self, lone: LoneOffers) -> None:
        contact = self._routing.take_lone()
        offered = await lone.offer(contact) if contact else None
        if offered is not None:
            self._announce(offered)

    async def _take_steps(self) -> bool:
        """What waited long enough asks for less, or elsewhere; whether any did."""
        try:
            async with transaction(self._pool, self._announce) as tx:
                relaxed = await take_due_steps(tx.connection)
        except RETRY:
            return False
        except Exception as error:  # plans never keep work from those who can take it
            log.warning("steps_failed", error=type(error).__name__)
            return False
        for alert in relaxed.alerts:
            log.error("rules_alert", problem=alert)
        return relaxed.count > 0

    async def carry_out(self) -> None:
        """Add what rules add besides choosing a queue. Beside routing and dispatch, which never wait for it."""
        await carry_out_effects(self._pool, self._announce, ROUNDS)

    async def settle(self) -> None:
        """End offers and settle contacts whose time is over, each in a transaction of its own."""
        async with self._pool.acquire() as connection:
            offers = await overdue_offers(connection)
            contacts = await due_contacts(connection)
            left = await left_contacts(connection)
            stranded = await stranded_contacts(connection)
        for offer in offers:
            if offer.timed_out:
                await self._one(lambda tx, o=offer: end_offer(tx, o.offer, "timed_out"))  # type: ignore[misc]
            else:
                await self._one(lambda tx, o=offer: rescind_left(tx, o.offer, o.reason))  # type: ignore[misc]
        for contact in contacts:
            await self._one(lambda tx, c=contact: settle_due(tx, c))  # type: ignore[misc]
        for gone in left:
            await self._one(lambda tx, g=gone: leave_agent(tx, g.contact, g.agent, g.why))  # type: ignore[misc]
        for waits in stranded:
            await self._one(lambda tx, c=waits: move_stranded(tx, c))  # type: ignore[misc]
        await self._settle_handovers()
        if stranded:
            log.warning("queue_retired_with_work", contacts=len(stranded))
        if offers or contacts or left or stranded:
            self.wake()

    async def _settle_handovers(self) -> None:
        """Last, so that who was asked for what has just moved is told at once."""
        async with self._pool.acquire() as connection:
            handovers = await due_handovers(connection)
        for asked in handovers:
            await self._one(lambda tx, h=asked: settle_handover(tx, h))  # type: ignore[misc]

    async def _one(self, settle: Callable[[Transaction], Awaitable[object]]) -> None:
        try:
            async with transaction(self._pool, self._announce) as tx:
                await settle(tx)
        except Exception as error:  # one item that fails never keeps the others from being settled
            log.warning("settle_failed", error=type(error).__name__)

    async def _beat(self) -> None:
        beats, self._beats = self._beats, 0
        async with self._pool.acquire() as connection:
            alive = await renew_lease(connection, self._process)
        self._beats = beats + 1
        if not alive:
            log.warning("lease_lost")
            await self._on_lease_lost()

    async def _bury(self) -> None:
        if self._beats < STEADY_BEATS:
            return  # the database was away: others could not renew their leases either, and get time to
        async with transaction(self._pool, self._announce) as tx:
            await bury_dead_processes(tx)

    async def send_idle_away(self) -> None:
        """Agents at whose screens nobody is are away, where the installation says after how long."""
        if self._idle_after is None:
            return
        after = self._idle_after
        async with self._pool.acquire() as connection:
            idle = await find_idle(connection, after)
        for agent in idle:
            await self._one(lambda tx, a=agent: send_away_idle(tx, a, after))  # type: ignore[misc]

    async def _turn(self) -> None:
        for name, period, slots in (("event", 43_200, 4), ("raw_event", 864_000, 5)):
            async with transaction(self._pool, self._announce) as tx:
                if await turn_ring(tx.connection, name, period, slots):
                    log.info("ring_turned", ring=name)
