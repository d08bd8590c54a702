"""Pigeon Post's webhooks as the tests make them."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.base import AccountConfig, WebhookRequest
from adapters.testing import Body, HarnessBase

FIXTURES = Path(__file__).parent / "fixtures"
SECRET = "0123456789abcdef0123456789abcdef"
ACCOUNT = AccountConfig(
    id="sms-pigeon",
    channel="sms",
    provider="pigeon",
    address="+15105550100",
    secrets=(SECRET,),
    region="US",
    public_url="https://desk.example.com/hooks/sms-pigeon",
    settings={"api_base": "https://api.pigeon.example"},
)


def event(**changes: object) -> bytes:
    """A customer's message, with changes."""
    said = {"id": "ev-0", "type": "message", "to": "+15105550100", "from": "+14155550123", "text": "Hello"}
    return json.dumps(said | changes).encode()


def signed(body: bytes, secret: str = SECRET, at: datetime | None = None) -> WebhookRequest:
    """A webhook with this body, signed as https://pigeon.example/docs/signatures says."""
    time = str(int((at or datetime.now(UTC)).timestamp()))
    signature = hmac.new(secret.encode(), time.encode() + b"." + body, hashlib.sha256).hexdigest()
    headers = (("content-type", "application/json"), ("x-pigeon-time", time), ("x-pigeon-signature", signature))
    return WebhookRequest("POST", "/hooks/sms-pigeon", "", headers, body)


class Harness(HarnessBase):
    """Pigeon Post."""

    account = ACCOUNT
    proof = "x-pigeon-signature"

    def signed(self, secret: str | None = None) -> WebhookRequest:
        return signed(event(), secret or SECRET)

    def resigned(self, body: bytes) -> WebhookRequest:
        return signed(body)

    def kinds(self) -> dict[str, bytes | WebhookRequest]:
        return {path.stem: path.read_bytes() for path in sorted(FIXTURES.glob("pigeon_*.json"))}

    def stale(self) -> WebhookRequest:
        return signed(event(), at=datetime.now(UTC) - timedelta(minutes=6))

    def unreadable(self) -> dict[str, bytes]:
        return {
            "empty": b"",
            "no JSON": b"{",
            "not UTF-8": event().replace(b"Hello", b"\xff"),
            "no id": event(id=""),
            "a number for a text": event(text=7),
            "too long": event(text="x" * 16_001),
            "unknown receipt": event(type="receipt", message="pg-9", state="eaten"),
        }

    def deep(self) -> Body:
        return Body(event().replace(b'"Hello"', b"[" * 1000 + b"]" * 1000))

    def long_number(self) -> Body:
        return Body(event().replace(b'"Hello"', b"9" * 5000))

    def lone_surrogate(self) -> Body:
        return Body(event(text="\ud800"))

    def nul(self) -> Body:
        return Body(event(text="a\0b"))

    def unknown_kind(self) -> Body:
        return Body(event(type="dance"), "entry")

    def foreign(self) -> Body:
        return Body(event(to="+15105550199"))
