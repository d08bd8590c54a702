"""What every proof of a webhook needs: the account's secrets, a comparison that tells nothing, a fresh time."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from typing import Final

from adapters.base import AccountConfig, Forged, WebhookRequest

TOLERANCE_SECONDS: Final = 300


def secrets_of(account: AccountConfig) -> list[str]:
    """Every secret a webhook may be proved by. Raises Forged where there is none: nothing can be verified then."""
    secrets = [secret for secret in account.secrets if secret.strip()]
    if not secrets:
        raise Forged("the account has no secret: nothing can be verified")
    return secrets


def required(request: WebhookRequest, name: str) -> str:
    """The header, or Forged where it is missing, empty, or given twice."""
    value = request.header(name)
    if not value:
        raise Forged(f"{name} is missing")
    return value


def address_of(request: WebhookRequest, account: AccountConfig) -> str:
    """The address the provider called, as it knows it: what is configured, with step and query as they came."""
    step = f"/{request.step}" if request.step is not None else ""
    return account.public_url + step + (f"?{request.query}" if request.query else "")


def same(given: str, *allowed: str) -> bool:
    """Whether what was given is one of these, in a time that does not depend on where they differ."""
    said, found = given.encode("utf-8", "replace"), False
    for one in allowed:
        found |= hmac.compare_digest(one.encode(), said)
    return found


def is_fresh(request: WebhookRequest, seconds: float) -> bool:
    """Whether a time in seconds since 1970 is within five minutes of the request's arrival."""
    now = request.received_at or datetime.now(UTC)
    return abs(now.timestamp() - seconds) <= TOLERANCE_SECONDS


def fresh(request: WebhookRequest, written: str) -> str:
    """The signed time as it was written, in seconds since 1970. Raises Forged where it is none, or an old one."""
    if not (written.isascii() and written.isdecimal() and len(written) <= 12):
        raise Forged("the signed time is no time in seconds")
    if not is_fresh(request, int(written)):
        raise Forged("signed too long ago, or in the future")
    return written
