"""Webhooks of a company's own system as the tests make them, signed as Standard Webhooks has it.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.base import AccountConfig, WebhookRequest
from adapters.testing import Body, HarnessBase

FIXTURES = Path(__file__).parent / "fixtures"
SECRET = "whsec_" + base64.b64encode(b"a key of twenty-four byt").decode()
ACCOUNT = AccountConfig(
    id="generic-main",
    channel="generic",
    provider="standard",
    address="shop",
    secrets=(SECRET,),
    region="US",
    public_url="https://desk.example.com/hooks/generic-main",
    settings={"callback_url": "https://crm.example.com/replies"},
)


def event(**changes: object) -> bytes:
    """A customer's message, with changes; None takes a field out."""
    said = {"type": "message", "id": "evt-0", "customer": {"id": "crm-1", "name": "Maya"}, "text": "Hello", **changes}
    return json.dumps({name: value for name, value in said.items() if value is not None}).encode()


def signature(secret: str, id_: str, time: str, body: bytes) -> str:
    """The value of webhook-signature."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = secret.encode()
    mac = hmac.new(key, f"{id_}.{time}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(mac.digest()).decode()}"


def signed(body: bytes, secret: str = SECRET, at: datetime | None = None, id_: str = "msg_2KWPBg") -> WebhookRequest:
    """A webhook with this body."""
    time = str(int((at or datetime.now(UTC)).timestamp()))
    headers = (
        ("content-type", "application/json"),
        ("webhook-id", id_),
        ("webhook-timestamp", time),
        ("webhook-signature", signature(secret, id_, time, body)),
    )
    return WebhookRequest("POST", "/hooks/generic-main", "", headers, body)


class Harness(HarnessBase):
    """A company's own system."""

    account = ACCOUNT
    proof = "webhook-signature"

    def signed(self, secret: str | None = None) -> WebhookRequest:
        return signed(event(), secret or SECRET)

    def resigned(self, body: bytes) -> WebhookRequest:
        return signed(body)

    def kinds(self) -> dict[str, bytes | WebhookRequest]:
        return {path.stem: path.read_bytes() for path in sorted(FIXTURES.glob("standard_*.json"))}

    def stale(self) -> WebhookRequest:
        return signed(event(), at=datetime.now(UTC) - timedelta(minutes=6))

    def unreadable(self) -> dict[str, bytes]:
        return {
            "empty": b"",
            "no JSON": b"{",
            "a list": b"[" + event() + b"]",
            "not UTF-8": event().replace(b"Hello", b"\xff"),
            "no id": event(id=""),
            "a number for a text": event(text=7),
            "no customer": event(customer=None),
            "a customer without id": event(customer={"name": "Maya"}),
            "nothing said": event(text=" \n"),
            "eleven files": event(files=[{"url": "https://shop.example/a"}] * 11),
            "no base64": event(files=[{"data": "?"}]),
            "a day for a time": event(type="seen", until="2026-11-03"),
            "a time without zone": event(type="seen", until="2026-11-03T09:00:00"),
            "a receipt of nothing": event(type="receipt", status="read"),
            "an unknown receipt": event(type="receipt", message="x", status="eaten"),
            "an id that is none": event(type="receipt", entry="x", status="read"),
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
        return Body(event(type="dance"))

    def foreign(self) -> Body:
        return Body(event(to="another shop"))
