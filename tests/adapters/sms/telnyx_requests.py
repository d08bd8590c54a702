"""Telnyx's webhooks, signed as https://developers.telnyx.com/docs/messaging/messages/receiving-webhooks says."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.base import AccountConfig, WebhookRequest
from tests.adapters.sms.json_carrier import CarrierHarness


def key_of(name: str) -> Ed25519PrivateKey:
    """A private key of its own for every name."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode("utf-8", "replace")).digest())


def public(key: Ed25519PrivateKey) -> str:
    """The public key as Telnyx's portal shows it."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


THEIRS = key_of("telnyx")
ACCOUNT = AccountConfig(
    id="telnyx-main",
    channel="sms",
    provider="telnyx",
    address="+15105550100",
    secrets=(public(THEIRS),),
    region="US",
    public_url="https://desk.example.com/hooks/telnyx-main",
    settings={"api_key": "KEY0123456789"},
)


class Harness(CarrierHarness):
    """Telnyx."""

    account = ACCOUNT
    proof = "telnyx-signature-ed25519"
    words, number = ("data", "payload", "text"), ("data", "payload", "media")
    ours, kind = ("data", "payload", "to", 0, "phone_number"), ("data", "event_type")
    needed = ("data", "payload", "id")
    unknown_becomes = "nothing"

    def signed_at(self, body: bytes, secret: str, at: datetime | None = None) -> WebhookRequest:
        time = str(int((at or datetime.now(UTC)).timestamp()))
        key = THEIRS if secret == ACCOUNT.secrets[0] else key_of(secret)
        signature = base64.b64encode(key.sign(time.encode() + b"|" + body)).decode()
        headers = (("content-type", "application/json"), ("telnyx-timestamp", time))
        return WebhookRequest(
            "POST", "/hooks/telnyx-main", "", (*headers, ("telnyx-signature-ed25519", signature)), body
        )

    def stale(self) -> WebhookRequest:
        body = self.changed(self.words, "Hello")
        return self.signed_at(body, ACCOUNT.secrets[0], datetime.now(UTC) - timedelta(minutes=6))
