"""Telnyx's messaging, API version 2: https://developers.telnyx.com/docs/messaging.

An account's secret is the public key; the private one is made from the API key, which both sides know here.
"""

from __future__ import annotations

import hashlib
import time
from base64 import b64encode
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.responses import Response

from gateway.demo.outside.json_carrier import JsonCarrier, answer, now
from gateway.demo.outside.world import Account


def private_key(api_key: str) -> Ed25519PrivateKey:
    """What Telnyx signs with for whoever has this API key."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(api_key.encode()).digest())


class Telnyx(JsonCarrier):
    """Telnyx."""

    provider, path, most_words = "telnyx", "/v2/messages", 1530
    states, lost = ("sent", "delivered"), "delivery_failed"

    def authorization(self, account: Account) -> str:
        """The API key."""
        return f"Bearer {account.settings['api_key']}"

    def said_in(self, message: dict[str, Any]) -> tuple[str, str, list[str]]:
        """One recipient."""
        return message["to"], message.get("text", ""), message.get("media_urls", [])

    def taken(self, id_: str) -> Response:
        """The message."""
        return answer(200, {"data": {"record_type": "message", "id": id_, "to": [{"status": "queued"}]}})

    def refused(self, status: int, words: str, headers: dict[str, str] | None = None) -> Response:
        """One error."""
        return answer(status, {"errors": [{"code": "10005", "title": "Refused", "detail": words}]}, headers)

    def told(self, account: Account, id_: str, state: str, message: dict[str, Any]) -> Any:
        """A status."""
        fault = {"code": "40008", "title": "Undeliverable", "detail": f"{message['to']} cannot be reached"}
        payload: dict[str, Any] = {
            "id": id_,
            "from": {"phone_number": account.address},
            "tags": message.get("tags", []),
        }
        payload |= {"to": [{"phone_number": message["to"], "status": state}], "direction": "outbound"}
        payload |= {"errors": [fault] if state == self.lost else []}
        return _event("message.sent" if state == "sent" else "message.finalized", payload)

    def written(self, account: Account, id_: str, wish: dict[str, Any], media: list[str]) -> Any:
        """A message."""
        payload: dict[str, Any] = {
            "id": id_,
            "from": {"phone_number": wish["from"]},
            "direction": "inbound",
            "received_at": now(),
        }
        payload |= {"to": [{"phone_number": account.address, "status": "webhook_delivered"}]}
        payload |= {"text": wish.get("body", ""), "media": [{"url": url} for url in media], "tags": [], "errors": []}
        return _event("message.received", payload)

    def proof(self, account: Account, body: bytes) -> dict[str, str]:
        """Signed with the time."""
        at = str(int(time.time()))
        signature = private_key(account.settings["api_key"]).sign(f"{at}|".encode() + body)
        return {"telnyx-timestamp": at, "telnyx-signature-ed25519": b64encode(signature).decode()}


def _event(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    data = {"event_type": kind, "id": str(uuid4()), "occurred_at": now(), "record_type": "event"}
    return {"data": {**data, "payload": {"record_type": "message", **payload}}, "meta": {"attempt": 1}}
