"""The outbox worker: takes replies that are due, hands each to its provider once, and records what became of it.

A reply is claimed and committed as `sending` before the provider hears of it, so a crash in between leaves it there and
the sweep calls it `unknown`: shown, never resent by itself. Any number of workers may run, in any number of processes.
What is read and written stands in `outbox`.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final
from uuid import UUID

import asyncpg

from adapters.base import Busy, Outgoing, OutgoingFile, Refused, SendOutcome, Unknown
from gateway.outbox import (
    OVERDUE,
    PER_ACCOUNT,
    Claim,
    Verdict,
    claim_replies,
    end_overdue,
    judge,
    record_outcome,
)
from profiles.receipt import apply_early, early_receipts
from store.feeds import Announce, transaction
from store.pool import Pool

log = logging.getLogger(__name__)

Send = Callable[[str, Outgoing], Awaitable[SendOutcome]]
"""Hands a message of this account to its provider, once."""

FilesOf = Callable[[str, tuple[UUID, ...]], Awaitable[tuple[OutgoingFile, ...]]]
"""The files of a reply by this account, read from where they lie. Raises LookupError when one is gone."""

SEND_SECONDS: Final = 20.0
"""Within the lease, so that the outcome of a provider that hangs is recorded by the one who asked."""
POLL_SECONDS: Final = 1.0
IN_FLIGHT: Final = 32
RECORD_ATTEMPTS: Final = 60
"""About once a second. Later the sweep has called the reply unknown, and a receipt may still settle it."""
RECORD_ATTEMPTS_WHILE_STOPPING: Final = 3

OUTAGE = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What the database's absence, restart or overload raises."""


class Sender:
    """One outbox worker. `run` until `stop`; `wake` after a COMMIT that added or released a reply."""

    def __init__(self, pool: Pool, announce: Announce, send: Send, files_of: FilesOf | None = None) -> None:
        self._pool = pool
        self._announce = announce
        self._send = send
        self._files_of = files_of or _no_files
        self._awake = asyncio.Event()
        self._stopping = False
        self._loop = asyncio.Lock()
        self._running: dict[asyncio.Task[None], str] = {}
        self._chance = random.SystemRandom().random

    def wake(self) -> None:
        """Look into the outbox now."""
        self._awake.set()

    async def run(self) -> None:
        """Send what is due until `stop`; the database's absence delays, it does not end it."""
        async with self._loop:
            while not self._stopping:
                self._awake.clear()
                try:
                    await self.sweep()
                    await self.start_due()
                except Exception as failure:  # the loop outlives every failure of a single round
                    log.warning("outbox: a round failed (%s); trying again", type(failure).__name__)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._awake.wait(), POLL_SECONDS)

    async def stop(self) -> None:
        """Take nothing new, and return when what is being sent is sent and recorded."""
        self._stopping = True
        self.wake()
        async with self._loop:  # a claim of the loop's last round is still to be sent
            await self.finish()

    async def finish(self) -> None:
        """Wait for the sends in flight."""
        while self._running:
            await asyncio.wait(self._running)

    async def start_due(self) -> int:
        """Claim what is due and start sending it; how many."""
        places = IN_FLIGHT - len(self._running)
        if places <= 0 or self._stopping:
            return 0
        full = [account for account, sends in Counter(self._running.values()).items() if sends >= PER_ACCOUNT]
        async with self._pool.acquire() as connection:
            claims = await claim_replies(connection, full, places)
        for claim in claims:
            task = asyncio.create_task(self._deliver(claim), name=f"send {claim.entry_id}")
            self._running[task] = claim.account_id
            task.add_done_callback(self._ended)
        return len(claims)

    async def sweep(self) -> int:
        """Make visible what nobody works on any more: leases that ran out, deadlines that passed; how many.

        Also reports that came before the names of what they are about.
        """
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(OVERDUE)
            reports = await early_receipts(connection)
        for report in reports:
            async with transaction(self._pool, self._announce) as tx:
                await apply_early(tx, report)
        for row in rows:
            async with transaction(self._pool, self._announce) as tx:
                await end_overdue(tx, row)
        return len(rows)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        if not task.cancelled() and (failure := task.exception()) is not None:
            log.error("outbox: an outcome was not recorded (%s)", type(failure).__name__)
        self.wake()  # the next of its conversation is the head now

    async def _deliver(self, claim: Claim) -> None:
        verdict = judge(await self._ask(claim), claim.attempts, self._chance())
        for attempt in range(RECORD_ATTEMPTS):
            try:
                async with transaction(self._pool, self._announce) as tx:
                    await record_outcome(tx, claim, verdict)
                return
            except asyncpg.UniqueViolationError:
                # The provider gave one id to two messages; ours tells them apart.
                verdict = Verdict(verdict.state, verdict.error)
            except OUTAGE as failure:
                log.warning("outbox: cannot record an outcome (%s); trying again", type(failure).__name__)
                if self._stopping and attempt >= RECORD_ATTEMPTS_WHILE_STOPPING:
                    break  # the lease makes it unknown, which is what is known of it
                await asyncio.sleep(POLL_SECONDS)
        log.error("outbox: gave up recording the outcome of %s", claim.entry_id)

    async def _outgoing(self, claim: Claim) -> Outgoing:
        files = await self._files_of(claim.account_id, claim.files) if claim.files else ()
        return Outgoing(claim.entry_id, claim.to_address, claim.body, claim.in_reply_to, claim.content, files)

    async def _ask(self, claim: Claim) -> SendOutcome:
        try:
            outgoing = await self._outgoing(claim)
        except LookupError:
            return Refused("A file of this reply is gone; upload it again.")
        except Exception as failure:  # nothing has left yet
            log.warning("outbox: the files of a reply cannot be read (%s)", type(failure).__name__)
            return Busy(None, "The files of this reply cannot be read at the moment.")
        try:
            async with asyncio.timeout(SEND_SECONDS):
                return await self._send(claim.account_id, outgoing)
        except TimeoutError:
            return Unknown(f"The provider gave no answer in {SEND_SECONDS:g} seconds.")
        except Exception as failure:
            # Only the kind: the text may hold what was being sent.
            log.error("outbox: sending raised %s", type(failure).__name__)
            return Unknown("Sending broke off: the provider may or may not have taken it.")


async def _no_files(_account: str, _files: tuple[UUID, ...]) -> tuple[OutgoingFile, ...]:
    raise LookupError("nothing is kept here")
