"""What goes on with mail once it is committed: it is read apart, recorded, and what could not be read is an entry too.

Several mails at once, in several processes at once: each is claimed by a lease. A mail is read again when we were
killed over it or could not record it; after `MOST_ATTEMPTS` that ended while it was read it is taken as one that cannot
be read. Attempts that ended otherwise do not count: a database that is away says nothing of the mail. A mail of which
all fails is still there: as an entry that says so, with its source.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import msgspec
import structlog
from msgspec import Struct
from prometheus_client import Counter

from adapters.base import AccountConfig, WebhookRequest
from adapters.email.adapter import MailAdapter
from adapters.email.cheap import LOOKED_AT, unread
from adapters.media import MediaClient, MediaFile
from adapters.registry import adapter_for
from gateway.accounts import Accounts
from gateway.mail_child import Answer, Task
from gateway.mail_reader import READERS, Ended, Reader, Slow
from gateway.mail_store import (
    Claim,
    claim_again,
    claim_mail,
    content_type_of,
    forget_sources,
    keep_html,
    pieces_of,
    put_off,
    settle_mail,
    was_read,
)
from gateway.recorder import Poison, Recorder
from model.inbound import DeliveryReceipt, InboundEvent, InboundMessage
from profiles.dead_letters import Unreadable, bury
from profiles.receipt import apply_receipt
from profiles.record import Delivery
from store.feeds import Announce, transaction
from store.pool import Pool

POLL_SECONDS: Final = 1.0
FORGET_SECONDS: Final = 600.0
MOST_ATTEMPTS: Final = 4
FIRST_WAIT_SECONDS: Final = 2.0

log = structlog.get_logger()
MAILS = Counter("screenpop_mails", "Mails by what came of reading them", ["account", "outcome"])


Failure = tuple[str, str | None]
"""Why a mail is a dead letter, and the field at fault."""


class Unconfirmed(Exception):
    """A subscription could not be confirmed."""


class ReadLimits(Struct, frozen=True):
    """What reading one mail may take."""

    cpu_seconds: float
    memory: int


@dataclass(frozen=True)
class MailNeeds:
    """What reading mail takes of a process."""

    accounts: Accounts
    recorder: Recorder
    client: MediaClient


class MailWorker:
    """One reader of what was committed. `wake` after a COMMIT."""

    def __init__(self, pool: Pool, announce: Announce, needs: MailNeeds, limits: ReadLimits) -> None:
        self._pool = pool
        self._announce = announce
        self._accounts = needs.accounts
        self._recorder = needs.recorder
        self._client = needs.client
        self._limits = limits
        self._awake = asyncio.Event()
        self._free: list[Reader] = [Reader() for _ in range(READERS)]
        self._running: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Look for mail now."""
        self._awake.set()

    async def run(self) -> None:
        """Read what waits, until cancelled; the database's absence delays, it does not end it."""
        forgetting = asyncio.create_task(self._forget())
        try:
            while True:
                self._awake.clear()
                try:
                    await self._start()
                except Exception as error:  # the loop outlives every failure of a single round
                    log.warning("mail_round_failed", error=type(error).__name__)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._awake.wait(), POLL_SECONDS)
        finally:
            forgetting.cancel()
            for task in self._running:
                task.cancel()
            await asyncio.gather(forgetting, *self._running, return_exceptions=True)
            await asyncio.gather(*(reader.stop() for reader in self._free))

    async def _start(self) -> None:
        if not self._free:
            return
        async with self._pool.acquire() as connection:
            claims = await claim_mail(connection, len(self._free))
        for claim in claims:
            task = asyncio.create_task(self._take(claim, self._free.pop()))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _take(self, claim: Claim, reader: Reader) -> None:
        try:
            await self._settle(claim, reader)
        except Exception as error:  # ours, or the database's: the mail waits
            log.warning("mail_put_off", mail=str(claim.id), error=type(error).__name__, attempt=claim.attempts)
            await self._put_off(claim, counts=isinstance(error, Slow | Unconfirmed))
        finally:
            self._free.append(reader)
            self.wake()

    async def _put_off(self, claim: Claim, *, counts: bool) -> None:
        with suppress(Exception):  # then its lease runs out
            async with self._pool.acquire() as connection:
                await put_off(connection, claim, FIRST_WAIT_SECONDS * 2.0 ** min(claim.fence, 6), counts=counts)

    async def _settle(self, claim: Claim, reader: Reader) -> None:
        account = await self._accounts.get(claim.account_id)
        if account is None:
            raise LookupError("the account is not configured any more")
        failed = await self._read_and_record(claim, account, reader)
        if failed is not None:
            await self._bury(claim, *failed)

    async def again(self, request: WebhookRequest, account: AccountConfig, key: str) -> Failure | None:
        """Read and record now what was a dead letter; why it still is one. Raises what our own failures raise."""
        claim = await claim_again(self._pool, request, account, key)
        if claim is None:
            return None
        if isinstance(claim, str):
            return claim, None
        reader = Reader()
        try:
            failed = await self._read_and_record(claim, account, reader)
        finally:
            await reader.stop()
        if failed is not None:  # its letter is there
            await self._end(claim, "dead", failed[0])
        return failed

    async def _read_and_record(self, claim: Claim, account: AccountConfig, reader: Reader) -> Failure | None:
        answer, why = await self._read(claim, account, reader)
        if answer.reason is not None:
            return answer.reason, answer.field
        speaks = any(isinstance(event, InboundMessage) for event in answer.events)
        if speaks and why is None and claim.attempts > 1:
            async with self._pool.acquire() as connection:
                await was_read(connection, claim)
        try:
            for event in answer.events:
                await self._record(event, claim, account)
        except Poison as error:
            return str(error), None
        if not speaks:
            await self._follow(claim, account)
        await self._end(claim, "done", why)
        return None

    async def _read(self, claim: Claim, account: AccountConfig, reader: Reader) -> tuple[Answer, str | None]:
        """What the mail says; where reading it was ended, what its beginning says, and why it is no more."""
        why = "it could not be read in several attempts"
        if claim.attempts <= MOST_ATTEMPTS:
            try:
                body = pieces_of(self._pool, claim.id)
                return await reader.read(
                    Task(account, claim.request, self._limits.cpu_seconds, self._limits.memory), claim.size, body
                ), None
            except Ended as ended:
                why = str(ended)
            except Slow:
                if claim.attempts < MOST_ATTEMPTS:
                    raise
        log.warning("mail_not_read", mail=str(claim.id), account=account.id, size=claim.size)
        start = b""
        async for piece in pieces_of(self._pool, claim.id):
            start = piece[:LOOKED_AT]
            break
        return Answer([unread(msgspec.structs.replace(claim.request, body=start), claim.id.hex, why)]), why

    async def _record(self, event: InboundEvent, claim: Claim, account: AccountConfig) -> None:
        if isinstance(event, DeliveryReceipt):
            async with transaction(self._pool, self._announce) as tx:
                await apply_receipt(tx, account.id, event)
        elif isinstance(event, InboundMessage):
            if event.html is not None:
                async with self._pool.acquire() as connection:
                    await keep_html(connection, claim.id, event.html)
            kind = content_type_of(claim.request)
            said = msgspec.structs.replace(event, html=None)
            await self._recorder.submit(Delivery(account.id, "email", said, None, "", kind, b"", entry=claim.id))

    async def _follow(self, claim: Claim, account: AccountConfig) -> None:
        """Confirm a subscription that asks for it."""
        adapter = adapter_for(account.provider, account.channel)
        if not isinstance(adapter, MailAdapter):
            return
        body = b"".join([piece async for piece in pieces_of(self._pool, claim.id)])
        url = adapter.to_confirm(msgspec.structs.replace(claim.request, body=body))
        if url is None:
            return
        outcome = await self._client.get(url)
        log.info("subscription", account=account.id, confirmed=isinstance(outcome, MediaFile))
        if not isinstance(outcome, MediaFile) and claim.attempts < MOST_ATTEMPTS:
            raise Unconfirmed

    async def _bury(self, claim: Claim, reason: str, field: str | None) -> None:
        body = b"".join([piece async for piece in pieces_of(self._pool, claim.id)])
        request = claim.request
        kind = content_type_of(request)
        letter = Unreadable(claim.account_id, None, request.query, kind, body, reason, field)
        async with self._pool.acquire() as connection:
            await bury(connection, letter)
        await self._end(claim, "dead", reason)

    async def _end(self, claim: Claim, state: str, why: str | None) -> None:
        async with self._pool.acquire() as connection:
            await settle_mail(connection, claim, state, why)
        MAILS.labels(claim.account_id, "unread" if why and state == "done" else state).inc()

    async def _forget(self) -> None:
        while True:
            try:
                async with self._pool.acquire() as connection:
                    await forget_sources(connection)
            except Exception as error:  # another time
                log.warning("mail_sources_kept", error=type(error).__name__)
            await asyncio.sleep(FORGET_SECONDS)
