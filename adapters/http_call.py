"""One call to a provider's sending API, and what its outcome means for a message.

- Nothing of the request was written (refused, no such host, no free connection, too slow to connect): Busy.
- It was written and no answer came (timeout, reset): Unknown. Without an idempotency key another attempt could be a
  second message.
- 429: Busy; such a call is not carried out.
- 502 and 504: Unknown; a gateway lost the answer of a server that may have done the work.
- Other 5xx and 408: Busy; the server itself says that it did not do it. Hardly a provider guarantees that in writing:
  a second message is possible in that class, and preferred to an unanswered customer.
- Other answers that are no 2xx: Refused; retryable where an admin can mend the cause.

Where a request carries a key that makes a repeat harmless (`repeatable`), what would be Unknown is Busy: another
attempt cannot be a second message. Nothing is retried or logged here.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Mapping
from typing import Any

import httpx2
import msgspec
from msgspec import Struct

from adapters.base import Busy, Refused, SendOutcome, Unknown

CONNECT_SECONDS = 3.0
MOST_RETRY_AFTER_SECONDS = 3600.0
LOST_ANSWER = frozenset((502, 504))
OURS_TO_FIX = frozenset((401, 403, 404, 405))
"""Credentials, rights, addresses: what an admin can mend."""


class Call(Struct, frozen=True):
    """A request: JSON, bytes, or a form with files. `repeatable`: it carries a key that makes a repeat harmless."""

    url: str
    headers: Mapping[str, str] = {}
    json: Any = None
    content: bytes | None = None
    form: Mapping[str, str] | None = None
    files: Mapping[str, tuple[str, bytes, str]] | None = None
    """By field: name, bytes and content type."""
    params: Mapping[str, str] | None = None
    auth: tuple[str, str] | None = None
    """User and password of basic authentication."""
    method: str = "POST"
    repeatable: bool = False

    def __repr__(self) -> str:
        return f"Call({self.method})"


def new_session() -> httpx2.AsyncClient:
    """The connections shared by all sends. Proxies named in the environment are not followed."""
    return httpx2.AsyncClient(trust_env=False, follow_redirects=False)


async def call_once(
    session: httpx2.AsyncClient, made: Call, timeout: float, provider: str
) -> httpx2.Response | Busy | Unknown:
    """Call once: the answer, whatever it is, or what is known without one. Raises only on cancellation."""
    left_us = False

    async def trace(event: str, _info: object) -> None:
        nonlocal left_us
        left_us = left_us or ".send_request_" in event

    try:
        async with asyncio.timeout(timeout):
            return await session.request(
                made.method,
                made.url,
                params=made.params,
                headers=made.headers,
                auth=made.auth,
                timeout=httpx2.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS)),
                extensions={"trace": trace},
                **_content(made),
            )
    except Exception as error:  # whatever broke, what is known of the message is the same
        reason = type(error).__name__
        if left_us and not made.repeatable:
            return Unknown(f"no answer from {provider} ({reason}): it may or may not have taken the message")
        return Busy(None, f"{provider} could not be reached ({reason})")


def refusal(response: httpx2.Response, reason: str, *, repeatable: bool = False) -> SendOutcome:
    """What an answer that is no 2xx means, by its status alone. `reason`: the provider's words, for the agent."""
    status = response.status_code
    if status in LOST_ANSWER and not repeatable:
        return Unknown(f"{reason}: it may or may not have taken the message")
    if status in (408, 429) or status >= 500:
        return Busy(retry_after_seconds(response.headers.get("retry-after")), reason)
    return Refused(reason, retryable=status in OURS_TO_FIX)


class Codes(Struct, frozen=True):
    """A provider's codes by what they say of a message. Whatever is not among them: it is refused."""

    busy: frozenset[int | str] = frozenset()
    """It was not taken, and may be later."""
    lost: frozenset[int | str] = frozenset()
    """It may or may not have been taken."""
    ours_to_fix: frozenset[int | str] | re.Pattern[str] = frozenset()
    """It was refused for something that an admin can mend. A pattern of whole codes where there are many."""

    def outcome(self, code: int | str, reason: str) -> SendOutcome:
        """What the code means. `reason`: the provider's words, for the agent."""
        if code in self.lost:
            return Unknown(f"{reason}: it may or may not have taken the message")
        if code in self.busy:
            return Busy(None, reason)
        ours = self.ours_to_fix
        return Refused(reason, ours.fullmatch(str(code)) is not None if isinstance(ours, re.Pattern) else code in ours)


def as_form(fields: Mapping[str, object]) -> dict[str, str]:
    """Fields as a form has them: text as it is, anything else as JSON."""
    return {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode() for name, value in fields.items()
    }


def nameless(provider: str) -> Unknown:
    """What a 2xx means that does not name the message."""
    return Unknown(f"{provider} answered without naming the message: it may or may not have taken it")


def retry_after_seconds(value: str | None) -> float | None:
    """Seconds to wait. The other form, a date, would need a clock: the caller backs off."""
    try:
        seconds = float(value or "")
    except ValueError:
        return None
    return min(max(seconds, 0.0), MOST_RETRY_AFTER_SECONDS) if math.isfinite(seconds) else None


def _content(made: Call) -> dict[str, Any]:
    if made.files is not None:
        return {"data": made.form, "files": made.files}
    if made.form is not None:
        return {"data": made.form}
    return {"json": made.json} if made.content is None else {"content": made.content}
