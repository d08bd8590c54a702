"""Postmark's inbound webhook."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from adapters.base import AccountConfig, WebhookRequest
from tests.adapters.email import mails
from tests.contract.channels.harness import Body, HarnessBase


def inbound(**changes: Any) -> bytes:
    """The documented example, with changes."""
    return json.dumps(json.loads(mails.fixture("postmark_inbound.json")) | changes).encode()


class Harness(HarnessBase):
    """Postmark, by the password in its address."""

    order_decides_customers = True
    account: ClassVar[AccountConfig] = mails.account("postmark")
    proof = "authorization"
    covers_body = False

    def signed(self, secret: str | None = None) -> WebhookRequest:
        return self._request(inbound(), secret or mails.SECRET)

    def resigned(self, body: bytes) -> WebhookRequest:
        return self._request(body, mails.SECRET)

    def _request(self, body: bytes, secret: str) -> WebhookRequest:
        return mails.request("postmark", body, ("content-type", "application/json"), mails.basic(secret))

    def kinds(self) -> dict[str, bytes | WebhookRequest]:
        return {name: mails.fixture(name) for name in ("postmark_inbound.json", "postmark_raw.json")}

    def unreadable(self) -> dict[str, bytes]:
        return {
            "empty": b"",
            "cut": inbound()[:200],
            "a list": b"[]",
            "no id": json.dumps({"From": "a@b.example"}).encode(),
            "empty id": inbound(MessageID=""),
            "another type": inbound(TextBody=1),
            "not UTF-8": b'{"MessageID": "\xff"}',
        }

    def deep(self) -> Body:
        return Body(b'{"MessageID": ' + b"[" * 1000 + b"]" * 1000 + b"}")

    def long_number(self) -> Body:
        return Body(b'{"MessageID": ' + b"9" * 5000 + b"}")

    def lone_surrogate(self) -> Body:
        # JSON readers differ here; ours takes no half of a pair.
        return Body(inbound(TextBody="@@").replace(b"@@", b"\\ud800"))

    def nul(self) -> Body:
        return Body(inbound(TextBody="a\0b", MessageID="nul-1"), "entry")

    def unknown_kind(self) -> Body:
        return Body(json.dumps({"RecordType": "Future", "Email": "a@b.example"}).encode())

    def foreign(self) -> Body:
        return Body(inbound(OriginalRecipient="sales@desk.example", MessageID="foreign-1"))
