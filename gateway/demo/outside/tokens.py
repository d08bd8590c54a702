"""JSON Web Tokens by HS256 (RFC 7515, RFC 7519), by which some carriers prove their webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any


def token(claims: dict[str, Any], secret: str) -> str:
    """A signed token."""
    parts = (json.dumps(part, separators=(",", ":")) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    said = ".".join(_base64(part.encode()) for part in parts)
    return f"{said}.{_base64(hmac.new(secret.encode(), said.encode(), hashlib.sha256).digest())}"


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
