"""Bandwidth's callbacks, with user and password as https://dev.bandwidth.com/docs/messaging/webhooks says."""

from __future__ import annotations

import base64
from datetime import datetime

from adapters.base import AccountConfig, WebhookRequest
from tests.adapters.sms.json_carrier import CarrierHarness

ACCOUNT = AccountConfig(
    id="bandwidth-main",
    channel="sms",
    provider="bandwidth",
    address="+15105550100",
    secrets=("0123456789abcdef0123456789abcdef",),
    region="US",
    public_url="https://desk.example.com/hooks/bandwidth-main",
    settings={
        "callback_user": "desk",
        "account_id": "9900000",
        "application_id": "93de2206-9669-4e07-948d-329f4b722ee2",
        "api_token": "token",
        "api_secret": "secret",
    },
)


class Harness(CarrierHarness):
    """Bandwidth."""

    account = ACCOUNT
    proof = "authorization"
    covers_body = False
    words, number, ours, kind = (0, "message", "text"), (0, "to"), (0, "to"), (0, "type")
    needed = (0, "message", "id")
    unknown_becomes = "nothing"

    def signed_at(self, body: bytes, secret: str, at: datetime | None = None) -> WebhookRequest:
        proof = base64.b64encode(f"desk:{secret}".encode("utf-8", "replace")).decode()
        headers = (("content-type", "application/json"), ("authorization", f"Basic {proof}"))
        return WebhookRequest("POST", "/hooks/bandwidth-main", "", headers, body)
