"""OAuth 1.0a with HMAC-SHA1: the `Authorization` of a request made for a user (RFC 5849, section 3).

Only the query of the address is signed besides the protocol's own fields: bodies here are JSON or multipart, which
section 3.4.1.3.1 leaves out.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlsplit
from uuid import uuid4

from msgspec import Struct


class Keys(Struct, frozen=True):
    """Who asks, the consumer, and for whom, the token."""

    consumer_key: str
    consumer_secret: str
    token: str
    token_secret: str

    def __repr__(self) -> str:
        return "Keys(<hidden>)"


def authorization(method: str, url: str, keys: Keys, nonce: str | None = None, at: datetime | None = None) -> str:
    """The header's value. `nonce` and `at` are this moment's where none are given."""
    fields = {
        "oauth_consumer_key": keys.consumer_key,
        "oauth_nonce": nonce or uuid4().hex,
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(int((at or datetime.now(UTC)).timestamp())),
        "oauth_token": keys.token,
        "oauth_version": "1.0",
    }
    query = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    signed = {**fields, "oauth_signature": signature(method, url, [*query, *fields.items()], keys)}
    return "OAuth " + ", ".join(f'{name}="{_encoded(value)}"' for name, value in sorted(signed.items()))


def signature(method: str, url: str, fields: Iterable[tuple[str, str]], keys: Keys) -> str:
    """Over method, address without query, and every field, each encoded and in order (section 3.4)."""
    parts = urlsplit(url)
    pairs = sorted((_encoded(name), _encoded(value)) for name, value in fields)
    normal = "&".join(f"{name}={value}" for name, value in pairs)
    base = "&".join(map(_encoded, (method.upper(), f"{parts.scheme}://{parts.netloc.lower()}{parts.path}", normal)))
    key = f"{_encoded(keys.consumer_secret)}&{_encoded(keys.token_secret)}"
    return base64.b64encode(hmac.digest(key.encode(), base.encode(), "sha1")).decode()


def _encoded(text: str) -> str:
    return quote(text, safe="-._~")
