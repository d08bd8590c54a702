"""What every proof of a webhook needs: the account's secrets, a comparison that tells nothing, a fresh time.

And the two kinds of proof that most providers have, to be stated by an adapter as its `proof`: a signature by a secret
(`Signed`), or the secret itself (`Given`). Whoever proves otherwise writes `verify`.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from typing import Final, Literal, Protocol

from msgspec import Struct

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


def timed(request: WebhookRequest, header: str, form: bytes) -> bytes:
    """What is signed where a fresh time is signed with the body. `form` puts the two together: `b"%b.%b"`."""
    return form % (fresh(request, required(request, header)).encode(), request.body)


def basic(user: str, password: str) -> str:
    """The value of `Authorization` by RFC 7617."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def plain_of(written: str) -> bytes | None:
    """What is written in base64, None where it is not."""
    try:
        return b64decode(written.encode("ascii"), validate=True)
    except ValueError:
        return None


def mac(key: bytes, said: bytes, encoding: Literal["hex", "base64"] = "hex") -> str:
    """HMAC-SHA256 as text."""
    plain = hmac.digest(key, said, "sha256")
    return plain.hex() if encoding == "hex" else b64encode(plain).decode()


class Proof(Protocol):
    """How a provider's webhooks are proved."""

    def check(self, request: WebhookRequest, account: AccountConfig) -> None:
        """Return when the request is proved to be the provider's; raise Forged otherwise, and nothing else."""


class Signed(Struct, frozen=True):
    """HMAC-SHA256 of the body with a secret of the account, as text in a header."""

    header: str
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    """What stands before the signature."""
    time: str | None = None
    """The header of the time in seconds that is signed with the body; None: there is none, and it proves for ever."""
    form: bytes = b"%b.%b"
    """How time and body are put together."""

    def check(self, request: WebhookRequest, account: AccountConfig) -> None:
        """Raise Forged unless whoever knows a secret of the account signed this body, with a time: a moment ago."""
        secrets, given = secrets_of(account), required(request, self.header)
        said = request.body if self.time is None else timed(request, self.time, self.form)
        if not same(given, *(self.sign(secret, said) for secret in secrets)):
            raise Forged("the signature does not match any secret of the account")

    def sign(self, secret: str, said: bytes) -> str:
        """The signature of these bytes as the header has it."""
        return self.prefix + mac(secret.encode(), said, self.encoding)


class Given(Struct, frozen=True):
    """A secret of the account itself, in a header. It does not cover the body, so only https keeps that whole."""

    header: str
    user: str | None = None
    """The setting with the user whose password the secret is, by basic authentication."""

    def check(self, request: WebhookRequest, account: AccountConfig) -> None:
        """Raise Forged unless the request gives a secret of the account, and the user where one is asked for."""
        secrets, given = secrets_of(account), required(request, self.header)
        if self.user is not None:
            user = account.settings.get(self.user, "")
            secrets = [basic(user, secret) for secret in secrets if user]
        if not same(given, *secrets):
            raise Forged("not what the account's webhook is configured with")
