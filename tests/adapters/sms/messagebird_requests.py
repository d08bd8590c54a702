"""MessageBird's webhooks, signed as https://developers.messagebird.com/api/#verifying-http-requests says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from adapters.base import AccountConfig, WebhookRequest
from tests.adapters.sms.json_carrier import CarrierHarness
from tests.adapters.sms.tokens import digest, token

ACCOUNT = AccountConfig(
    id="messagebird-main",
    channel="sms",
    provider="messagebird",
    address="+15105550100",
    secrets=("36efdd1aace2e26cd490f0d951138253",),
    region="US",
    public_url="https://desk.example.com/hooks/messagebird-main",
    settings={"access_key": "live_0123456789", "channel_id": "619747f69cf940a98fb443140ce9aed2"},
)


class Harness(CarrierHarness):
    """MessageBird."""

    account = ACCOUNT
    proof = "messagebird-signature-jwt"
    covers_address = True
    words, number, ours = ("message", "content", "text"), ("message", "content", "location"), ("message", "channelId")
    kind, needed = ("message", "type"), ("message", "id")
    unknown_becomes = "entry"

    def signed_at(self, body: bytes, secret: str, at: datetime | None = None) -> WebhookRequest:
        now = int((at or datetime.now(UTC)).timestamp())
        claims: dict[str, object] = {"iss": "MessageBird", "nbf": now, "exp": now + 60, "jti": "59a244dc"}
        claims |= {"url_hash": digest(ACCOUNT.public_url.encode()), "payload_hash": digest(body)}
        headers = (("content-type", "application/json"), ("messagebird-signature-jwt", token(claims, secret)))
        return WebhookRequest("POST", "/hooks/messagebird-main", "", headers, body)

    def stale(self) -> WebhookRequest:
        body = self.changed(self.words, "Hello")
        return self.signed_at(body, ACCOUNT.secrets[0], datetime.now(UTC) - timedelta(minutes=6))
