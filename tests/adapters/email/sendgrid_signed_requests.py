"""SendGrid's Inbound Parse with a security policy that signs: over the time and the body, with ECDSA."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from typing import ClassVar

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec.structs import replace

from adapters.base import AccountConfig, WebhookRequest
from tests.adapters.email import mails, sendgrid_requests

KEY = generate_private_key(SECP256R1())
PUBLIC = b64encode(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
ALLOWED = 300


class Harness(sendgrid_requests.Harness):
    """Both: the password, and the signature."""

    account: ClassVar[AccountConfig] = mails.account("sendgrid", public_key=PUBLIC)
    covers_body = True

    def _request(self, body: bytes, secret: str, seconds_ago: int = 0) -> WebhookRequest:
        now = datetime.now(UTC)
        timestamp = str(int(now.timestamp()) - seconds_ago)
        signature = b64encode(KEY.sign(timestamp.encode() + body, ECDSA(SHA256()))).decode()
        plain = super()._request(body, secret)
        signed = ((TIMESTAMP, timestamp), (SIGNATURE, signature))
        return replace(plain, headers=(*plain.headers, *signed), received_at=now)

    def stale(self) -> WebhookRequest:
        return self._request(sendgrid_requests.parsed(), mails.SECRET, ALLOWED + 5)
