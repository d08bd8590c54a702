"""The inbound story: capped body, the provider's own verification, parse, record; 2xx only after COMMIT.

One webhook may bring many events: all are committed before the answer, and one that cannot be recorded is a dead
letter that does not take the others with it. A GET is a provider's challenge: its adapter answers, and nothing is kept.

404 unknown account   413 over the cap   403 not proved to be the provider's
2xx recorded, a replay, or verified but unreadable (a dead letter)
503 + Retry-After overload, or the database is away: the provider comes again
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

import structlog
from prometheus_client import Counter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from adapters.base import AccountConfig, Adapter, Forged, ParseError, WebhookRequest
from adapters.chat.visitor import without_mac
from adapters.registry import UnknownProvider, adapter_for
from gateway.accounts import Accounts
from gateway.problems import problem
from gateway.recorder import BUSY, POISON, Overloaded, Poison, Recorder, poison_of
from model import inbound
from model.inbound import DeliveryReceipt, HandleRef, Ignored, InboundEvent
from profiles.dead_letters import Unreadable, bury
from profiles.echo import TooEarly
from profiles.receipt import apply_receipt
from profiles.record import Delivery
from store.feeds import Announce, transaction
from store.pool import Pool

BODY_SECONDS = 20.0
ANSWER_SECONDS = 10.0
RECEIPT_ATTEMPTS = 3
LARGE = 256 * 1024
"""A body beyond this is put together and verified beside the loop: for 25 MiB that takes 40 ms."""
RETRY_AFTER = {"Retry-After": "5"}

log = structlog.get_logger()
WEBHOOKS = Counter("screenpop_webhooks", "Webhooks by account and outcome", ["account", "outcome"])


@cache
def _count(account: str, outcome: str) -> Counter:
    """The counter of an outcome; kept, for finding one costs more than counting. No account: it may not exist."""
    return WEBHOOKS.labels(account, outcome)


class TooLarge(Exception):
    """The body is over the adapter's cap."""


async def _pass_over(_account: AccountConfig, _handle: HandleRef) -> None:
    """Nobody is told who is writing."""


class Taking:
    """One webhook on its way. A channel that takes large bodies says here what it holds of them."""

    most: int | None = None
    """Bytes of the body, where they are fewer than the adapter's cap."""
    said = False
    """Whether words or files were recorded."""

    def hold(self, size: int) -> None:
        """So many bytes more have come. Raises Overloaded where they are too many."""


class Intake:
    """`POST /hooks/{account}` and `/hooks/{account}/{step}`. `tell_typing`: what tells who looks; raises nothing."""

    def __init__(
        self,
        pool: Pool,
        accounts: Accounts,
        recorder: Recorder,
        announce: Announce,
        tell_typing: Callable[[AccountConfig, HandleRef], Awaitable[None]] = _pass_over,
    ) -> None:
        self._tell_typing = tell_typing
        self._pool = pool
        self._accounts = accounts
        self._recorder = recorder
        self._announce = announce

    async def __call__(self, request: Request, taking: Taking | None = None) -> Response:
        """Answer one webhook."""
        try:
            account = await self._accounts.get(request.path_params["account"])
            if account is None:
                return problem(404, "Unknown account", "No account of this name is configured here.")
            adapter = adapter_for(account.provider, account.channel)
            return await self._receive(request, account, adapter, taking or Taking())
        except UnknownProvider as error:  # ours to mend; until then the provider keeps the message
            log.error("webhook_without_provider", account=request.path_params["account"], problem=str(error))
            return _unavailable("no_provider")
        except ClientDisconnect:
            return Response(status_code=499)
        except (Overloaded, TimeoutError, TooEarly):
            return _unavailable("overload")
        except Exception as error:  # ours: 5xx, so that the provider comes again; never 4xx
            log.warning("webhook_failed", account=request.path_params["account"], error=type(error).__name__)
            return _unavailable("failure")

    async def _receive(self, request: Request, account: AccountConfig, adapter: Adapter, taking: Taking) -> Response:
        if request.method == "GET":
            return _challenged(_webhook(request, b""), account, adapter)
        most = taking.most or adapter.max_body
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _read(request, most, taking.hold)
        except TooLarge:
            _count(account.id, "too_large").inc()
            return problem(413, "Too large", f"At most {most} bytes are taken here.")
        webhook = _webhook(request, body)
        try:
            await _beside(webhook, partial(adapter.verify, webhook, account))
        except Forged as error:
            _count(account.id, "forged").inc()
            log.warning("webhook_forged", account=account.id, why=str(error))
            return problem(403, "Not verified", "The request is not proved to come from the provider.")
        async with asyncio.timeout(ANSWER_SECONDS):
            outcome = await self._take(webhook, account, adapter, taking)
        _count(account.id, outcome).inc()
        answer = adapter.answer(webhook, account)
        return Response(answer.body, status_code=answer.status, media_type=answer.content_type)

    async def _take(self, webhook: WebhookRequest, account: AccountConfig, adapter: Adapter, taking: Taking) -> str:
        """Record what the webhook says; what of it is unreadable or refused by the database makes it a dead letter."""
        try:
            events = adapter.parse(webhook, account)
        except ParseError as error:
            return await self._bury(webhook, account, error.reason, error.field)
        unread = await self.record(events, webhook, account, adapter)
        if unread:
            reason = "; ".join(dict.fromkeys(each.reason for each in unread))
            return await self._bury(webhook, account, reason, unread[0].field)
        taking.said = any(isinstance(event, inbound.InboundMessage) for event in events)
        return "recorded"

    async def record(
        self, events: list[InboundEvent], webhook: WebhookRequest, account: AccountConfig, adapter: Adapter
    ) -> list[inbound.Unreadable]:
        """Record every event, in their order, and commit; returns those that cannot be, with the reasons."""
        unread = [event for event in events if isinstance(event, inbound.Unreadable)]
        window = adapter.limits(account).window_seconds
        waiting: list[Delivery] = []
        for event in events:
            if isinstance(event, inbound.Typing):
                await self._tell_typing(account, event.handle)
            if isinstance(event, Ignored | inbound.Unreadable | inbound.Typing):
                continue
            delivery = None if isinstance(event, DeliveryReceipt) else _delivery(event, webhook, account, window)
            if delivery is not None and not delivery.stands_apart:
                waiting.append(delivery)  # neighbours share a batch
                continue
            unread += await self._submit(waiting)
            waiting = []
            if delivery is not None:
                unread += await self._submit([delivery])
            elif isinstance(event, DeliveryReceipt):
                unread += await self._receipt(event, account)
        return unread + await self._submit(waiting)

    async def _submit(self, deliveries: list[Delivery]) -> list[inbound.Unreadable]:
        """Those of them that are poison. Anything else that goes wrong is ours: raised once all have come to an end."""
        if len(deliveries) == 1:  # what a quiet moment brings, without the cost of a task
            try:
                await self._recorder.submit(deliveries[0])
            except Poison as error:
                return [inbound.Unreadable(str(error))]
            return []
        ended = await asyncio.gather(*map(self._recorder.submit, deliveries), return_exceptions=True)
        failed = [each for each in ended if each is not None]
        for each in failed:
            if not isinstance(each, Poison):
                raise each
        return [inbound.Unreadable(str(each)) for each in failed]

    async def _receipt(self, receipt: DeliveryReceipt, account: AccountConfig) -> list[inbound.Unreadable]:
        for attempt in range(RECEIPT_ATTEMPTS):
            try:
                async with transaction(self._pool, self._announce) as tx:
                    await apply_receipt(tx, account.id, receipt)
                return []
            except POISON as error:
                return [inbound.Unreadable(str(poison_of(error)))]
            except BUSY:
                if attempt == RECEIPT_ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    async def _bury(self, webhook: WebhookRequest, account: AccountConfig, reason: str, field: str | None) -> str:
        letter = Unreadable(
            account=account.id,
            step=webhook.step,
            query=webhook.query,
            content_type=without_mac(webhook.header("content-type")),
            body=webhook.body,
            reason=reason,
            field=field,
        )
        async with self._pool.acquire() as connection:
            await bury(connection, letter)
        return "dead_letter"


def _challenged(webhook: WebhookRequest, account: AccountConfig, adapter: Adapter) -> Response:
    try:
        answer = adapter.answer(webhook, account)
    except Forged as error:
        _count(account.id, "forged").inc()
        log.warning("challenge_forged", account=account.id, why=str(error))
        return problem(403, "Not verified", "The request is not proved to come from the provider.")
    _count(account.id, "challenge").inc()
    return Response(answer.body, status_code=answer.status, media_type=answer.content_type)


def _delivery(event: Any, webhook: WebhookRequest, account: AccountConfig, window: int | None) -> Delivery:
    channel: Any = account.channel
    return Delivery(
        account=account.id,
        channel=channel,
        message=event,
        step=webhook.step,
        query=webhook.query,
        content_type=without_mac(webhook.header("content-type")),
        raw=webhook.body,
        window_seconds=window if isinstance(event, inbound.InboundMessage) and not event.automatic else None,
    )


def _webhook(request: Request, body: bytes) -> WebhookRequest:
    raw_path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    path = raw_path.decode("latin-1")
    parts = path.split("/", 3)  # "", "hooks", account, step
    return WebhookRequest(
        method=request.method,
        path=path,
        query=request.scope["query_string"].decode("latin-1"),
        headers=tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in request.scope["headers"]),
        body=body,
        step=parts[3] if len(parts) > 3 else None,
        received_at=datetime.now(UTC),
    )


async def _beside(webhook: WebhookRequest, work: Callable[[], None]) -> None:
    """Done here and now, or for a large body in a thread."""
    if len(webhook.body) <= LARGE:
        work()
    else:
        await asyncio.to_thread(work)


def _pass(_size: int) -> None:
    """Small bodies are not counted."""


async def _read(request: Request, limit: int, hold: Callable[[int], None] = _pass) -> bytes:
    """The body, refused as soon as it is known to be too long. A compressed one stays so: it is verified as sent."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        raise TooLarge
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > limit:
            raise TooLarge
        hold(len(piece))
        pieces.append(piece)
    return b"".join(pieces) if size <= LARGE else await asyncio.to_thread(b"".join, pieces)


def _unavailable(outcome: str) -> Response:
    _count("", outcome).inc()
    return problem(503, "Try again", "The message was not recorded. Send it again in a moment.", headers=RETRY_AFTER)
