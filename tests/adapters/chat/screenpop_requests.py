"""The widget's requests, signed anew from docs/reference/chat.md."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

from adapters.base import AccountConfig, WebhookRequest
from tests.contract.channels.harness import Body, HarnessBase

SECRET = "3d1f0c9ab2e84756a0c4d9e17f6b5a28"
ACCOUNT = "suite-chat-screenpop"  # every signature covers it: it is the one the suite over HTTP gives
PUBLIC_URL = f"https://desk.example.com/hooks/{ACCOUNT}"
FIXTURES = Path(__file__).parent / "fixtures"
ANONYMOUS = "anon:0123456789abcdef0123456789abcdef"
LATER = 4_000_000_000
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def account(**changes: Any) -> AccountConfig:
    """The account of the tests, with changes."""
    values: dict[str, Any] = {"id": ACCOUNT, "channel": "chat", "provider": "screenpop", "address": ACCOUNT}
    values |= {"secrets": (SECRET,), "region": "US", "public_url": PUBLIC_URL, "settings": {}}
    return AccountConfig(**{**values, **changes})


def mac(key: str, *lines: str | bytes) -> str:
    """HMAC-SHA256 in hexadecimal, over these lines."""
    what = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
    return hmac.new(key.encode(), what, hashlib.sha256).hexdigest()


def encoded(value: object) -> str:
    """JSON in base64url without padding."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def identity(secret: str = SECRET, account: str = ACCOUNT, seconds: int = 3600, **said: Any) -> str:
    """What a site signs."""
    payload = encoded({"id": "u-17", "exp": int(datetime.now(UTC).timestamp()) + seconds, **said})
    return f"{payload}.{mac(secret, 'screenpop-identity', account, payload)}"


def token_of(visitor: dict[str, Any], secret: str = SECRET, account: str = ACCOUNT) -> tuple[str, str]:
    """A token and its key."""
    payload = encoded(visitor)
    token = f"{payload}.{mac(secret, 'screenpop-visitor', account, payload)}"
    return token, mac(secret, "screenpop-key", token)


def proved(key: str, at: int, url: str, body: bytes) -> str:
    """The proof of a request."""
    return f"t={at},v1={mac(key, str(at), url, body)}"


def request(
    body: bytes,
    *,
    step: str | None = None,
    query: str = "",
    secret: str = SECRET,
    seconds_ago: int = 0,
    visitor: dict[str, Any] | None = None,
) -> WebhookRequest:
    """A genuine request of a visitor."""
    now = datetime.now(UTC)
    token, key = token_of(visitor or {"id": ANONYMOUS, "until": LATER}, secret)
    url = PUBLIC_URL + (f"/{step}" if step else "") + (f"?{query}" if query else "")
    proof = proved(key, int((now - timedelta(seconds=seconds_ago)).timestamp()), url, body)
    kind = "application/json" if step is None else "application/octet-stream"
    headers = (("content-type", f"{kind}; visitor={token}"), ("x-screenpop-signature", proof))
    path = f"/hooks/{ACCOUNT}" + (f"/{step}" if step else "")
    return WebhookRequest("POST", path, query, headers, body, step, now)


def said(**changes: Any) -> bytes:
    """A message, with changes."""
    message = {"type": "message", "account": ACCOUNT, "id": str(uuid4()), "text": "Is it in stock?"}
    return json.dumps({**message, **changes}).encode()


class Harness(HarnessBase):
    """The widget."""

    account: ClassVar[AccountConfig] = account()
    proof = "x-screenpop-signature"
    covers_address = True
    content_type_decides = True

    def signed(self, secret: str | None = None) -> WebhookRequest:
        return request(said(id="5a2f43a8-7b0f-4f0e-9a39-0a1f1f8e7d11"), secret=secret or SECRET)

    def resigned(self, body: bytes) -> WebhookRequest:
        return request(body)

    def stale(self) -> WebhookRequest:
        return request(said(), seconds_ago=301)

    def kinds(self) -> dict[str, bytes | WebhookRequest]:
        made: dict[str, bytes | WebhookRequest] = {}
        for path in sorted(FIXTURES.glob("*.json")):
            body, visitor = path.read_bytes(), None
            if path.stem.endswith("signed"):
                visitor = {"id": "id:u-17", "until": LATER, "name": "Ana", "email": "ana.of.the.shop@home.example"}
            made[path.stem] = request(body, visitor=visitor)
        query = "id=0b1c2d3e-4f50-4a61-8b72-93a4b5c6d7e8&name=chair.png&type=image%2Fpng"
        made["screenpop_file"] = request(PNG, step="file", query=query)
        return made

    def unreadable(self) -> dict[str, bytes]:
        return {
            "empty": b"",
            "no JSON": b"{",
            "no text": said(text=" \n"),
            "no id": said(id="1"),
            "not UTF-8": said(text="x").replace(b'"x"', b'"\xff"'),
            "a time without zone": said(type="read", until="2026-11-26T10:00:00"),
            "too large": said(text="x" * 300_000),
        }

    def deep(self) -> Body:
        return Body(said(page=1).replace(b'"page": 1', b'"page": ' + b"[" * 1000 + b"]" * 1000))

    def long_number(self) -> Body:
        return Body(said(text=1).replace(b'"text": 1', b'"text": ' + b"9" * 5000))

    def lone_surrogate(self) -> Body:
        return Body(said(text="\ud800"))

    def nul(self) -> Body:
        return Body(said(text="a\0b"))

    def unknown_kind(self) -> Body:
        return Body(said(type="exploded"))

    def foreign(self) -> Body:
        return Body(said(account="chat-other"))
