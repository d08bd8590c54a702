"""JSON Web Tokens by HS256, made as RFC 7515 and 7519 say, for carriers that prove their webhooks by one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json


def token(claims: dict[str, object], secret: str, algorithm: str = "HS256") -> str:
    """A signed token."""
    parts = [json.dumps({"typ": "JWT", "alg": algorithm}), json.dumps(claims)]
    said = ".".join(_base64(part.encode()) for part in parts)
    return f"{said}.{_base64(hmac.new(secret.encode(), said.encode(), hashlib.sha256).digest())}"


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
