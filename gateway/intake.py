"""The inbound story: capped body, the provider's own verification, parse, record; 2xx only after COMMIT.

404 unknown account   413 over the cap   403 not proved to be the provider's
2xx recorded, a replay, or verified but unreadable (a dead letter)
503 + Retry-After overload, or the database is away: the provider comes again
"""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any

import structlog
from prometheus_client import Counter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from adapters.base import AccountConfig, Adapter, Forged, ParseError, WebhookRequest
from adapters.registry import UnknownProvider, adapter_for
from gateway.accounts import Accounts
from gateway.problems import problem
from gateway.recorder import Overloaded, Poison, Recorder
from model.inbound import ConsentChange, DeliveryReceipt, InboundEvent, InboundMessage
from profiles.dead_letters import Unreadable, bury
from profiles.receipt import apply_receipt
from profiles.record import Delivery
from store.feeds import Announce, transaction
from store.pool import Pool

BODY_SECONDS = 20.0
ANSWER_SECONDS = 10.0
RETRY_AFTER = {"Retry-After": "5"}

log = structlog.get_logger()
WEBHOOKS = Counter("screenpop_webhooks", "Webhooks by account and outcome", ["account", "outcome"])


@cache
def _count(account: str, outcome: str) -> Counter:
    """The counter of an outcome; kept, for finding one costs more than counting. No account: it may not exist."""
    return WEBHOOKS.labels(account, outcome)


class TooLarge(Exception):
    """The body is over the adapter's cap."""


class Intake:
    """`POST /hooks/{account}` and `/hooks/{account}/{step}`."""

    def __init__(self, pool: Pool, accounts: Accounts, recorder: Recorder, announce: Announce) -> None:
        self._pool = pool
        self._accounts = accounts
        self._recorder = recorder
        self._announce = announce

    async def __call__(self, request: Request) -> Response:
        """Answer one webhook."""
        try:
            account = await self._accounts.get(request.path_params["account"])
            if account is None:
                return problem(404, "Unknown account", "No account of this name is configured here.")
            return await self._receive(request, account, adapter_for(account.provider, account.channel))
        except UnknownProvider:
            return problem(404, "Unknown account", "The account's provider is not installed here.")
        except ClientDisconnect:
            return Response(status_code=499)
        except (Overloaded, TimeoutError):
            return _unavailable("overload")
        except Exception as error:  # ours: 5xx, so that the provider comes again; never 4xx
            log.warning("webhook_failed", account=request.path_params["account"], error=type(error).__name__)
            return _unavailable("failure")

    async def _receive(self, request: Request, account: AccountConfig, adapter: Adapter) -> Response:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _read(request, adapter.max_body)
        except TooLarge:
            _count(account.id, "too_large").inc()
            return problem(413, "Too large", f"At most {adapter.max_body} bytes are taken here.")
        webhook = _webhook(request, body)
        try:
            adapter.verify(webhook, account)
        except Forged as error:
            _count(account.id, "forged").inc()
            log.warning("webhook_forged", account=account.id, why=str(error))
            return problem(403, "Not verified", "The request is not proved to come from the provider.")
        async with asyncio.timeout(ANSWER_SECONDS):
            outcome = await self._take(webhook, account, adapter)
        _count(account.id, outcome).inc()
        content_type, answer = adapter.answer(webhook, account)
        return Response(answer, media_type=content_type)

    async def _take(self, webhook: WebhookRequest, account: AccountConfig, adapter: Adapter) -> str:
        """Record what the webhook says; unreadable or refused by the database, it is kept whole as a dead letter."""
        try:
            for event in adapter.parse(webhook, account):
                await self._record(event, webhook, account)
        except ParseError as error:
            return await self._bury(webhook, account, error.reason, error.field)
        except Poison as error:
            return await self._bury(webhook, account, str(error), None)
        return "recorded"

    async def _record(self, event: InboundEvent, webhook: WebhookRequest, account: AccountConfig) -> None:
        if isinstance(event, InboundMessage | ConsentChange):
            await self._recorder.submit(_delivery(event, webhook, account))
        elif isinstance(event, DeliveryReceipt):
            async with transaction(self._pool, self._announce) as tx:
                await apply_receipt(tx, account.id, event)

    async def _bury(self, webhook: WebhookRequest, account: AccountConfig, reason: str, field: str | None) -> str:
        letter = Unreadable(
            account=account.id,
            step=webhook.step,
            query=webhook.query,
            content_type=webhook.header("content-type"),
            body=webhook.body,
            reason=reason,
            field=field,
        )
        async with self._pool.acquire() as connection:
            await bury(connection, letter)
        return "dead_letter"


def _delivery(event: InboundMessage | ConsentChange, webhook: WebhookRequest, account: AccountConfig) -> Delivery:
    channel: Any = account.channel
    return Delivery(
        account=account.id,
        channel=channel,
        message=event,
        step=webhook.step,
        query=webhook.query,
        content_type=webhook.header("content-type"),
        raw=webhook.body,
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
    )


async def _read(request: Request, limit: int) -> bytes:
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
        pieces.append(piece)
    return b"".join(pieces)


def _unavailable(outcome: str) -> Response:
    _count("", outcome).inc()
    return problem(503, "Try again", "The message was not recorded. Send it again in a moment.", headers=RETRY_AFTER)
