"""Mail by webhook: proved, committed as it is, answered 2xx; it is read afterwards, elsewhere.

What can be refused by its headers is, before its body is read. Bodies are large: all that are under way at once have
one limit, those that anybody could be sending a smaller one within it; and what takes longer than a moment (a signature
over 30 MB) is done beside the loop, so that nothing else waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final, TypeVar

import msgspec
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from adapters.base import AccountConfig, Forged, WebhookRequest
from adapters.email.adapter import MailAdapter
from adapters.email.limits import MOST_BYTES
from adapters.media import MediaClient, MediaFile
from adapters.registry import UnknownProvider, adapter_for
from gateway.accounts import Accounts
from gateway.intake import ANSWER_SECONDS, RETRY_AFTER, WEBHOOKS
from gateway.mail_store import commit_mail
from gateway.problems import problem
from store.pool import Pool

BODY_SECONDS: Final = 60.0
MOST_UNDER_WAY: Final = 8 * MOST_BYTES
"""Bytes of bodies held at once; beyond, the answer is 503, and the provider comes again."""
MOST_UNPROVEN: Final = 2 * MOST_BYTES
"""Of them, bytes of bodies whose headers prove nothing, until they are verified: strangers who send slowly hold up no
other account."""
LARGE: Final = 256 * 1024
MOST_CERTIFICATE: Final = 64 * 1024

log = structlog.get_logger()
Given = TypeVar("Given")


class TooLarge(Exception):
    """The mail is over 32 MiB."""


class Full(Exception):
    """More is under way than is held at once."""


class MailIntake:
    """The webhooks of accounts of e-mail. `wake`: there is mail to read."""

    def __init__(self, pool: Pool, accounts: Accounts, client: MediaClient, wake: Callable[[], None]) -> None:
        self._pool = pool
        self._accounts = accounts
        self._client = client
        self._wake = wake
        self._under_way = 0
        self._unproven = 0

    async def answer(self, request: Request) -> Response | None:
        """The answer to a webhook of an account of e-mail; None where it is another's."""
        try:
            account = await self._accounts.get(request.path_params["account"])
            if account is None or account.channel != "email":
                return None
            adapter = adapter_for(account.provider, "email")
        except (UnknownProvider, OSError, TimeoutError):
            return None  # the general intake says what is wrong
        if not isinstance(adapter, MailAdapter):
            return None
        return await self._answer(request, account, adapter)

    async def _answer(self, request: Request, account: AccountConfig, adapter: MailAdapter) -> Response:
        try:
            return await self._receive(request, account, adapter)
        except Forged as error:
            WEBHOOKS.labels(account.id, "forged").inc()
            log.warning("webhook_forged", account=account.id, why=str(error))
            return problem(403, "Not verified", "The request is not proved to come from the provider.")
        except TooLarge:
            WEBHOOKS.labels(account.id, "too_large").inc()
            log.error("mail_too_large", account=account.id, most=adapter.max_body)
            return problem(413, "Too large", f"At most {adapter.max_body} bytes are taken here.")
        except ClientDisconnect:
            return Response(status_code=499)
        except (Full, TimeoutError):
            return _unavailable("overload")
        except Exception as error:  # ours: 5xx, so that the provider comes again; never 4xx
            log.warning("webhook_failed", account=account.id, error=type(error).__name__)
            return _unavailable("failure")

    async def _receive(self, request: Request, account: AccountConfig, adapter: MailAdapter) -> Response:
        bare = described(request)
        if request.method == "GET":
            return _answered(adapter, bare, account)
        adapter.verify_headers(bare, account)
        taken = _Taken(self, is_proven=adapter.headers_prove)
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await taken.read(request, adapter.max_body)
            webhook = msgspec.structs.replace(bare, body=body)
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._verify(webhook, account, adapter)
                taken.prove()
                added = await self._take(webhook, account, adapter)
        finally:
            taken.give_back()
        WEBHOOKS.labels(account.id, "recorded" if added else "replayed").inc()
        return _answered(adapter, bare, account)

    async def _verify(self, webhook: WebhookRequest, account: AccountConfig, adapter: MailAdapter) -> None:
        await adapter.prepare(webhook, account, self._fetch)
        await beside(webhook, partial(adapter.verify, webhook, account))

    async def _take(self, webhook: WebhookRequest, account: AccountConfig, adapter: MailAdapter) -> bool:
        key = await beside(webhook, partial(adapter.commit_key, webhook))
        added = await commit_mail(self._pool, account, key, webhook)
        self._wake()
        return added

    async def take(self, webhook: WebhookRequest, account: AccountConfig, key: str) -> bool:
        """Commit a mail that is known to be the account's, however it came; False when it was committed before."""
        added = await commit_mail(self._pool, account, key, webhook)
        self._wake()
        return added

    async def _fetch(self, url: str) -> bytes:
        outcome = await self._client.get(url, most_bytes=MOST_CERTIFICATE)
        if not isinstance(outcome, MediaFile):
            raise ConnectionError("SNS's certificate could not be fetched")
        return outcome.data

    def hold(self, size: int, *, is_proven: bool = True) -> None:
        """Count bytes that are held. Raises Full."""
        if self._under_way + size > MOST_UNDER_WAY or (not is_proven and self._unproven + size > MOST_UNPROVEN):
            raise Full
        self._under_way += size
        if not is_proven:
            self._unproven += size

    def prove(self, size: int) -> None:
        """Count as proven what was held as not proven."""
        self._unproven -= size

    def let_go(self, size: int, *, is_proven: bool = True) -> None:
        """Count them back."""
        self._under_way -= size
        if not is_proven:
            self._unproven -= size


class _Taken:
    """The bytes of one body as they count among those under way."""

    def __init__(self, intake: MailIntake, *, is_proven: bool) -> None:
        self._intake = intake
        self._is_proven = is_proven
        self._size = 0

    async def read(self, request: Request, limit: int) -> bytes:
        """The body, refused as soon as it is known to be too long."""
        declared = request.headers.get("content-length", "0")
        if declared.isdigit() and int(declared) > limit:
            raise TooLarge
        pieces: list[bytes] = []
        async for piece in request.stream():
            if self._size + len(piece) > limit:
                raise TooLarge
            self._intake.hold(len(piece), is_proven=self._is_proven)
            self._size += len(piece)
            pieces.append(piece)
        # Joining 32 MiB takes 50 ms on a busy machine, and lets other threads run meanwhile.
        return b"".join(pieces) if self._size <= LARGE else await asyncio.to_thread(b"".join, pieces)

    def prove(self) -> None:
        """It was verified."""
        if not self._is_proven:
            self._is_proven = True
            self._intake.prove(self._size)

    def give_back(self) -> None:
        """It is held no more."""
        self._intake.let_go(self._size, is_proven=self._is_proven)


async def beside(webhook: WebhookRequest, work: Callable[[], Given]) -> Given:
    """Done here and now, or for a large body in a thread."""
    return work() if len(webhook.body) <= LARGE else await asyncio.to_thread(work)


def described(request: Request) -> WebhookRequest:
    """The request without its body."""
    raw_path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    path = raw_path.decode("latin-1")
    parts = path.split("/", 3)  # "", "hooks", account, step
    return WebhookRequest(
        method=request.method,
        path=path,
        query=request.scope["query_string"].decode("latin-1"),
        headers=tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in request.scope["headers"]),
        body=b"",
        step=parts[3] if len(parts) > 3 else None,
        received_at=datetime.now(UTC),
    )


def _answered(adapter: MailAdapter, webhook: WebhookRequest, account: AccountConfig) -> Response:
    answer = adapter.answer(webhook, account)
    return Response(answer.body, status_code=answer.status, media_type=answer.content_type)


def _unavailable(outcome: str) -> Response:
    WEBHOOKS.labels("", outcome).inc()
    return problem(503, "Try again", "The mail was not taken. Send it again in a moment.", headers=RETRY_AFTER)
