"""One call to the Graph API, and what its outcome means for a message.

What is known without an answer, and what statuses mean, is as in `http_call`. Meta takes no idempotency key. Its codes
say more than the status: those for rates and throughput are Busy, such a call is not carried out; those it calls
temporary are Busy; of the others some are an admin's to mend.

Every call carries `appsecret_proof`, so that a stolen token is worth nothing without the app's secret
(https://developers.facebook.com/docs/graph-api/guides/secure-requests#appsecret_proof). Nothing is retried or logged.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

import httpx2
import msgspec
from msgspec import Struct

from adapters import http_call
from adapters.base import AccountConfig, Busy, Refused, SendOutcome, Sent
from adapters.json_body import readable
from adapters.meta_account import graph_base
from adapters.meta_errors import LATER, OURS_TO_FIX, TOO_MANY, describe


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


async def call(session: httpx2.AsyncClient, account: AccountConfig, made: Call, timeout: float) -> SendOutcome:
    """Call once and say what is known; `Sent` names what was made. Raises only on cancellation."""
    request = http_call.Call(
        f"{graph_base(account)}/{made.path}",
        params={"appsecret_proof": proof(account)},
        headers={"Authorization": f"Bearer {account.settings['access_token']}"},
        json=made.json,
        form=made.form,
        files=None if made.file is None else {made.field: made.file},
    )
    response = await http_call.call_once(session, request, timeout, "Meta")
    return _meaning(response) if isinstance(response, httpx2.Response) else response


def proof(account: AccountConfig) -> str:
    """That whoever holds the token also knows the app's secret, the first of the account."""
    token = account.settings["access_token"].encode()
    return hmac.digest(account.secrets[0].encode(), token, "sha256").hex()


def _meaning(response: httpx2.Response) -> SendOutcome:
    if response.is_success:
        answered = readable(_ANSWERED, response.content) or Answered()
        name = answered.message_id or answered.id or (answered.messages[0].id if answered.messages else "")
        if not name:
            return http_call.nameless("Meta")
        return Sent(provider_id=name, status="sending")
    return _refusal(response)


def _refusal(response: httpx2.Response) -> SendOutcome:
    """What an answer that is no 2xx means."""
    error = (readable(_FAILED, response.content) or Failed()).error
    status, code = response.status_code, error.code
    words = (error.error_data.details if error.error_data else "") or error.message or f"HTTP {status}"
    reason = describe(code, words, error.error_subcode)
    temporary = code in LATER or error.is_transient
    if code in TOO_MANY or (temporary and status not in http_call.LOST_ANSWER):
        return Busy(http_call.retry_after_seconds(response.headers.get("retry-after")), reason)
    if code is None or status in (408, 429) or status >= 500:  # a gateway's, or a code that says less than the status
        return http_call.refusal(response, reason)
    return Refused(reason, retryable=code in OURS_TO_FIX)
