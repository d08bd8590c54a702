"""Vonage's webhooks, signed as https://developer.vonage.com/en/getting-started/concepts/webhooks says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from adapters.base import AccountConfig, WebhookRequest
from tests.adapters.sms.json_carrier import CarrierHarness
from tests.adapters.sms.tokens import digest, token

ACCOUNT = AccountConfig(
    id="vonage-main",
    channel="sms",
    provider="vonage",
    address="+15105550100",
    secrets=("qwertyuiopasdfghjklzxcvbnm123456",),
    region="US",
    public_url="https://desk.example.com/hooks/vonage-main",
    settings={"api_key": "a1b2c3d4", "api_secret": "Secret1234567890"},
)


class Harness(CarrierHarness):
    """Vonage."""

    account = ACCOUNT
    proof = "authorization"
    words, number, ours, kind, needed = ("text",), ("to",), ("to",), ("message_type",), ("message_uuid",)
    unknown_becomes = "entry"

    def signed_at(self, body: bytes, secret: str, at: datetime | None = None) -> WebhookRequest:
        iat = int((at or datetime.now(UTC)).timestamp())
        claims: dict[str, object] = {"iat": iat, "jti": "c5ba8f24", "iss": "Vonage", "api_key": "a1b2c3d4"}
        claims |= {"payload_hash": digest(body), "application_id": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab"}
        headers = (("content-type", "application/json"), ("authorization", f"Bearer {token(claims, secret)}"))
        return WebhookRequest("POST", "/hooks/vonage-main", "", headers, body)

    def stale(self) -> WebhookRequest:
        body = self.changed(self.words, "Hello")
        return self.signed_at(body, ACCOUNT.secrets[0], datetime.now(UTC) - timedelta(minutes=6))
