"""One call to the Graph API, and what its outcome means for a message.

- Nothing of the request was written (refused, no such host, no free connection, too slow to connect): Busy.
- It was written and no answer came (timeout, reset, an unreadable 2xx): Unknown. Meta takes no idempotency key, so
  another attempt could be a second message.
- 429, and the codes for rates and throughput: Busy; such a call is not carried out.
- 502 and 504: Unknown; a gateway lost the answer of a server that may have done the work.
- Other 5xx, 408, and the codes Meta calls temporary: Busy; the server itself says that it did not do it. Meta gives no
  written guarantee, so a second message is possible in that class, and preferred to an unanswered customer.
- Other errors: Refused; retryable where an admin can mend the cause.

Every call carries `appsecret_proof`, so that a stolen token is worth nothing without the app's secret
(https://developers.facebook.com/docs/graph-api/guides/secure-requests#appsecret_proof). Nothing is retried or logged.
"""

from __future__ import annotations

import asyncio
import hmac
import math
from collections.abc import Mapping
from typing import Any

import httpx2
import msgspec
from msgspec import Struct

from adapters.base import AccountConfig, Busy, Refused, SendOutcome, Sent, Unknown
from adapters.meta_account import graph_base
from adapters.meta_errors import LATER, OURS_TO_FIX, TOO_MANY, describe

_CONNECT_SECONDS = 3.0
_MOST_RETRY_AFTER_SECONDS = 3600.0
_LOST_ANSWER = frozenset((502, 504))
_OURS_TO_FIX_STATUSES = frozenset((401, 403, 404, 405))


class Named(Struct):
    """A thing the API made."""

    id: str = ""


class Answered(Struct):
    """What the messages endpoints and the media endpoint answer."""

    id: str = ""
    message_id: str = ""
    messages: list[Named] = []


class ErrorDetails(Struct):
    """More on an error."""

    details: str = ""


class GraphError(Struct):
    """An error of the Graph API."""

    message: str = ""
    code: int | None = None
    error_subcode: int | None = None
    is_transient: bool = False
    error_data: ErrorDetails | None = None


class Failed(Struct):
    """An answer that is an error."""

    error: GraphError = msgspec.field(default_factory=GraphError)


_ANSWERED = msgspec.json.Decoder(Answered)
_FAILED = msgspec.json.Decoder(Failed)


class Call(Struct, frozen=True):
    """A POST: JSON, or a form with a file."""

    path: str
    json: Mapping[str, Any] | None = None
    form: Mapping[str, str] | None = None
    file: tuple[str, bytes, str] | None = None
    """Name, bytes and content type."""
    field: str = "file"
    """What the form calls the file."""


def new_session() -> httpx2.AsyncClient:
    """The connections shared by all sends. Proxies named in the environment are not followed."""
    return httpx2.AsyncClient(trust_env=False, follow_redirects=False)


async def call(session: httpx2.AsyncClient, account: AccountConfig, made: Call, timeout: float) -> SendOutcome:
    """Call once and say what is known; `Sent` names what was made. Raises only on cancellation."""
    left_us = False

    async def trace(event: str, _info: object) -> None:
        nonlocal left_us
        left_us = left_us or ".send_request_" in event

    try:
        async with asyncio.timeout(timeout):
            response = await session.post(
                f"{graph_base(account)}/{made.path}",
                params={"appsecret_proof": proof(account)},
                headers={"Authorization": f"Bearer {account.settings['access_token']}"},
                timeout=httpx2.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS)),
                extensions={"trace": trace},
                **_content(made),
            )
    except Exception as error:  # whatever broke, what is known of the message is the same
        reason = type(error).__name__
        if left_us:
            return Unknown(f"no answer from Meta ({reason}): it may or may not have taken the message")
        return Busy(None, f"Meta could not be reached ({reason})")
    return _meaning(response)


def proof(account: AccountConfig) -> str:
    """That whoever holds the token also knows the app's secret, the first of the account."""
    token = account.settings["access_token"].encode()
    return hmac.digest(account.secrets[0].encode(), token, "sha256").hex()


def _content(made: Call) -> dict[str, Any]:
    if made.file is None:
        return {"json": made.json}
    return {"data": made.form, "files": {made.field: made.file}}


def _meaning(response: httpx2.Response) -> SendOutcome:
    if response.is_success:
        try:
            answered = _ANSWERED.decode(response.content)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            answered = Answered()
        name = answered.message_id or answered.id or (answered.messages[0].id if answered.messages else "")
        if not name:
            return Unknown("Meta answered without naming the message: it may or may not have taken it")
        return Sent(provider_id=name, status="sending")
    return _refusal(response)


def _refusal(response: httpx2.Response) -> SendOutcome:
    """What an answer that is no 2xx means."""
    try:
        error = _FAILED.decode(response.content).error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        error = GraphError()
    status, code = response.status_code, error.code
    words = (error.error_data.details if error.error_data else "") or error.message or f"HTTP {status}"
    reason = describe(code, words, error.error_subcode)
    retry_after = _retry_after(response.headers.get("retry-after"))
    if status == 429 or code in TOO_MANY:
        return Busy(retry_after, reason)
    if status in _LOST_ANSWER:
        return Unknown(f"{reason}: it may or may not have taken the message")
    if status >= 500 or status == 408 or code in LATER or error.is_transient:
        return Busy(retry_after, reason)
    return Refused(reason, retryable=code in OURS_TO_FIX if code is not None else status in _OURS_TO_FIX_STATUSES)


def _retry_after(value: str | None) -> float | None:
    """Seconds to wait. The other form, a date, would need a clock: the caller backs off."""
    try:
        seconds = float(value or "")
    except ValueError:
        return None
    return min(max(seconds, 0.0), _MOST_RETRY_AFTER_SECONDS) if math.isfinite(seconds) else None
