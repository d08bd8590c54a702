"""JSON Web Tokens by which a webhook is proved: signed with a shared secret, and naming the hash of what they prove.

RFC 7519 in the compact form of RFC 7515, HMAC-SHA256 alone: which algorithm is used is ours to say, not the token's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from msgspec import Struct

from adapters.base import Forged, WebhookRequest

MOST_TOKEN = 8192
LEEWAY_SECONDS = 5
T = TypeVar("T")


class Header(Struct):
    """How a token says it is signed."""

    alg: str = ""


class Claims(Struct):
    """What a token claims, as far as anybody here reads it. Times in seconds since 1970."""

    iss: str = ""
    iat: float | None = None
    nbf: float | None = None
    exp: float | None = None
    payload_hash: str | None = None
    url_hash: str | None = None
    api_key: str | None = None


def claims_of(token: str, secrets: Sequence[str]) -> Claims:
    """The claims of a token signed with one of these secrets. Raises Forged otherwise; no time is judged here."""
    header, _, rest = token.partition(".")
    payload, _, signature = rest.partition(".")
    if len(token) > MOST_TOKEN or not signature or not token.isascii():
        raise Forged("no token")
    signed, given = f"{header}.{payload}".encode(), _plain(signature)
    if _read(header, Header).alg != "HS256":
        raise Forged("the token is not signed with HS256")
    found = False
    for secret in secrets:
        found |= hmac.compare_digest(hmac.digest(secret.encode(), signed, "sha256"), given)
    if not found:
        raise Forged("the token is not signed with a secret of the account")
    return _read(payload, Claims)


def is_good_now(claims: Claims, request: WebhookRequest) -> bool:
    """Whether the token is good already and still; one that does not say when never is."""
    now = (request.received_at or datetime.now(UTC)).timestamp()
    if claims.nbf is None or claims.exp is None:
        return False
    return claims.nbf - LEEWAY_SECONDS <= now < claims.exp + LEEWAY_SECONDS


def is_hash_of(claimed: str | None, data: bytes) -> bool:
    """Whether a claim is the SHA-256 of these bytes, in hexadecimal."""
    return claimed is not None and hmac.compare_digest(
        claimed.lower().encode("utf-8", "replace"), hashlib.sha256(data).hexdigest().encode()
    )


def _read(part: str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(_plain(part), type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Forged("the token cannot be read") from None


def _plain(part: str) -> bytes:
    try:
        plain = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Forged("the token is not in base64") from None
    if base64.urlsafe_b64encode(plain).rstrip(b"=").decode() != part:
        raise Forged("the token is not in base64 as it is written")
    return plain
