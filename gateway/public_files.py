"""`GET /a/{token}`: a file of a reply for the provider that fetches it, by a link that is signed and soon over.

The token is the attachment's id, the second it ends, and their HMAC under the first secret of the account that sends
it; a rotation ends no link. It says nothing else, and nobody lists what there is.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from adapters.base import AccountConfig, OutgoingFile
from gateway.accounts import Accounts
from gateway.downloads import Download, serve_download
from gateway.problems import problem
from profiles.stored import Stored, describe_attachment, fetch_attachment
from store.files import Files, Gone
from store.pool import Pool

LINK_SECONDS: Final = 3600
"""Providers fetch within seconds; what they queue they may fetch again."""
MOST_UNSTORED: Final = 100 * 1024 * 1024
"""Bytes served at once that are not in the store yet, which takes seconds; beyond, the answer is 503."""
UNSTORED_SECONDS: Final = 60.0
_MAC_BYTES: Final = 32
_PURPOSE: Final = b"screenpop: link to an attachment"

log = structlog.get_logger()


def token_of(attachment: UUID, secret: str, ends_at: int) -> str:
    """The token of a link that is good until this second."""
    what = attachment.bytes + ends_at.to_bytes(8)
    return base64.urlsafe_b64encode(what + _mac(secret, what)).rstrip(b"=").decode()


def _mac(secret: str, what: bytes) -> bytes:
    key = hmac.digest(secret.encode(), _PURPOSE, hashlib.sha256)
    return hmac.digest(key, what, hashlib.sha256)


def read_token(token: str) -> tuple[UUID, int, bytes, bytes] | None:
    """What a token names, until when, and the signature over which bytes; None where it is no token."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    if len(raw) != 24 + _MAC_BYTES:
        return None
    return UUID(bytes=raw[:16]), int.from_bytes(raw[16:24]), raw[:24], raw[24:]


def link_of(account: AccountConfig, attachment: UUID, now: float) -> str:
    """The public address of an attachment, for an hour. Webhooks and files are at the same place."""
    base, found, _ = account.public_url.partition("/hooks/")
    if not found:
        parts = urlsplit(account.public_url)
        base = f"{parts.scheme}://{parts.netloc}"
    return f"{base}/a/{token_of(attachment, account.secrets[0], int(now) + LINK_SECONDS)}"


class _Counted(Response):
    """An answer that says when it is over; it takes no longer than a minute."""

    def __init__(self, answer: Response, over: Callable[[], None]) -> None:
        super().__init__(status_code=answer.status_code)
        self.raw_headers = answer.raw_headers
        self._answer, self._over = answer, over

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(UNSTORED_SECONDS):
                await self._answer(scope, receive, send)
        except TimeoutError:
            log.warning("file_fetched_too_slowly")
        finally:
            self._over()


class PublicFiles:
    """Serves the links, and makes the files of a reply ready to go."""

    def __init__(self, pool: Pool, accounts: Accounts, files: Files) -> None:
        self._pool = pool
        self._accounts = accounts
        self._files = files
        self._unstored = 0

    async def serve(self, token: str) -> Response:
        """The file a link names; 404 for whatever is not a good link, so that nothing is learned from trying."""
        found = await self._found(token)
        if found is None:
            return problem(404, "Not Found", "There is no such file, or the link is over.")
        if found.path is None:
            return await self._serve_unstored(found)
        return await serve_download(Download(found.name, found.content_type, None, found.path), self._files)

    async def _serve_unstored(self, found: Stored) -> Response:
        """What is not in the store yet cannot go out in pieces: no more of it than is held at once."""
        size = found.size or 0
        if self._unstored + size > MOST_UNSTORED:
            text = "Too many fetch files that are new. Ask again in a moment."
            return problem(503, "Try again", text, headers={"Retry-After": "2"})
        self._unstored += size
        try:
            async with self._pool.acquire() as connection:
                stored = await fetch_attachment(connection, found.id) or found
            download = Download(stored.name, stored.content_type, stored.data, stored.path)
            answer = _Counted(await serve_download(download, self._files), lambda: self._let_go(size))
        except BaseException:  # cancelled or failed: what was counted is given back
            self._let_go(size)
            raise
        return answer

    def _let_go(self, size: int) -> None:
        self._unstored -= size

    async def _found(self, token: str) -> Stored | None:
        read = read_token(token) if len(token) <= 100 else None
        if read is None:
            return None
        id_, ends_at, what, mac = read
        if not time.time() <= ends_at <= time.time() + LINK_SECONDS + 60:
            return None
        async with self._pool.acquire() as connection:
            stored = await describe_attachment(connection, id_)
        account = await self._accounts.get(stored.account_id) if stored and stored.account_id else None
        if stored is None or account is None or stored.state != "stored":
            return None
        good = [hmac.compare_digest(_mac(secret, what), mac) for secret in account.secrets if secret.strip()]
        return stored if any(good) else None

    async def outgoing(self, account_id: str, ids: tuple[UUID, ...]) -> tuple[OutgoingFile, ...]:
        """The files of a reply as its adapter takes them. Raises LookupError when one is gone."""
        account = await self._accounts.get(account_id)
        if account is None:
            raise LookupError(account_id)
        return tuple([await self._one(account, id_) for id_ in ids])

    async def _one(self, account: AccountConfig, id_: UUID) -> OutgoingFile:
        async with self._pool.acquire() as connection:
            stored = await fetch_attachment(connection, id_)
        if stored is None or stored.state != "stored":
            raise Gone(str(id_))
        data = stored.data if stored.data is not None else await self._files.get(stored.path or "")
        return OutgoingFile(stored.name or "file", stored.content_type, data, link_of(account, id_, time.time()))
