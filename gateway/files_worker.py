"""Bring files into the store: fetch what messages name, move what came with them, and forget what was never used.

Any number of processes may run one. It also brings changes to messages they crossed on the way, which is as rare.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import structlog

from adapters.media import MediaBusy, MediaFile, MediaOutcome, MediaRefused
from gateway.recorder import apply_early
from gateway.sniff import settled_type
from model.timeline import Media
from profiles.attachments import clean_name, clean_type
from profiles.changes import left_early
from profiles.stored import ATTEMPTS, Claimed, Settled, claim_files, delete_unused, note_kept, settle, try_again
from store.feeds import Announce, transaction
from store.files import Files
from store.pool import Pool

POLL_SECONDS: Final = 1.0
SWEEP_SECONDS: Final = 10.0
PER_ACCOUNT: Final = 8
IN_FLIGHT: Final = 16
MOST_WAIT: Final = timedelta(hours=1)

log = structlog.get_logger()

Fetch = Callable[[str, Media], Awaitable[MediaOutcome]]
"""Fetches a file by the account whose message named it."""


class FilesWorker:
    """One worker: `run` until cancelled."""

    def __init__(self, pool: Pool, announce: Announce, files: Files, fetch: Fetch) -> None:
        self._pool = pool
        self._announce = announce
        self._files = files
        self._fetch = fetch
        self._running: dict[asyncio.Task[None], str] = {}

    async def run(self) -> None:
        """Work until cancelled; no failure of a round ends it."""
        sweeps_at = 0.0
        while True:
            try:
                await self.start_due()
                if (now := asyncio.get_running_loop().time()) >= sweeps_at:
                    sweeps_at = now + SWEEP_SECONDS
                    await self.sweep()
            except Exception as error:
                log.warning("files_round_failed", error=type(error).__name__)
            await asyncio.sleep(POLL_SECONDS)

    async def start_due(self) -> int:
        """Claim what is due and begin; how many. Never more of an account than it may have under way."""
        begun = 0
        for _ in range(IN_FLIGHT):
            running = Counter(self._running.values())
            full = [account for account, count in running.items() if count >= PER_ACCOUNT]
            most = max((count for count in running.values() if count < PER_ACCOUNT), default=0)
            # All that is claimed may be of the account that has least left.
            limit = min(IN_FLIGHT - len(self._running), PER_ACCOUNT - most)
            if limit <= 0:
                break
            async with self._pool.acquire() as connection:
                claims = await claim_files(connection, full, limit)
            for claim in claims:
                task = asyncio.create_task(self._bring(claim))
                self._running[task] = claim.account_id or ""
                task.add_done_callback(self._ended)
            begun += len(claims)
            if len(claims) < limit:
                break
        return begun

    async def finish(self) -> None:
        """Wait for what is under way."""
        while self._running:
            await asyncio.wait(self._running)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        if not task.cancelled() and (failure := task.exception()) is not None:
            log.warning("file_left", error=type(failure).__name__)  # its lease ends, and it is tried again

    async def sweep(self) -> None:
        """Forget uploads nobody used, and apply changes that crossed their messages."""
        async with self._pool.acquire() as connection:
            paths = await delete_unused(connection)
            early = await left_early(connection)
        for path in paths:
            await self._files.delete(path)
        await apply_early(self._pool, self._announce, early)

    async def _bring(self, claim: Claimed) -> None:
        if claim.data is not None:
            path = await self._files.put(claim.data)
            async with self._pool.acquire() as connection:
                kept = await note_kept(connection, claim, path)
            if not kept:
                await self._files.delete(path)
            return
        outcome = await self._fetch(claim.account_id or "", claim.media)
        if isinstance(outcome, MediaBusy) and claim.attempts < ATTEMPTS:
            wait = outcome.retry_after_seconds
            async with self._pool.acquire() as connection:
                pause = None if wait is None else min(MOST_WAIT, timedelta(seconds=wait))
                await try_again(connection, claim, outcome.error, pause)
            return
        settled = await self._settled(claim, outcome)
        async with transaction(self._pool, self._announce) as tx:
            done = await settle(tx, claim, settled)
        if not done and settled.path is not None:
            await self._files.delete(settled.path)

    async def _settled(self, claim: Claimed, outcome: MediaOutcome) -> Settled:
        if isinstance(outcome, MediaRefused):
            return Settled("refused", outcome.error)
        if isinstance(outcome, MediaBusy):
            return Settled("failed", outcome.error)
        return await self._stored(claim, outcome)

    async def _stored(self, claim: Claimed, file: MediaFile) -> Settled:
        # What the message said of it, where its server says nothing.
        said = clean_type(file.content_type)
        claimed = claim.media.content_type if said == "application/octet-stream" else said
        path = await self._files.put(file.data)
        name = clean_name(file.name) if file.name else None
        return Settled("stored", None, path, len(file.data), settled_type(claimed, file.data), name)
