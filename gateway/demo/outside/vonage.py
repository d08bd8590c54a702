"""Vonage's Messages API for SMS and MMS, signed by the scheme as its document has it.

https://developer.vonage.com/en/api/messages-olympus
"""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

from starlette.responses import Response

from gateway.demo.outside.json_carrier import JsonCarrier, answer, basic, now
from gateway.demo.outside.tokens import digest, token
from gateway.demo.outside.world import Account


class Vonage(JsonCarrier):
    """Vonage."""

    provider, path, most_words = "vonage", "/v1/messages", 1000
    states, lost = ("submitted", "delivered"), "undeliverable"

    def authorization(self, account: Account) -> str:
        """Key and secret."""
        return basic(account.settings["api_key"], account.settings["api_secret"])

    def said_in(self, message: dict[str, Any]) -> tuple[str, str, list[str]]:
        """A text, or a picture with its words."""
        if message["message_type"] == "image":
            return message["to"], message["image"].get("caption", ""), [message["image"]["url"]]
        return message["to"], message["text"], []

    def taken(self, id_: str) -> Response:
        """Its id."""
        return answer(202, {"message_uuid": id_})

    def refused(self, status: int, words: str, headers: dict[str, str] | None = None) -> Response:
        """A problem by RFC 9457."""
        kind = "https://developer.vonage.com/api-errors"
        return answer(status, {"type": kind, "title": "Refused", "detail": words, "instance": uuid4().hex}, headers)

    def told(self, account: Account, id_: str, state: str, message: dict[str, Any]) -> Any:
        """A status."""
        status = {"message_uuid": id_, "to": message["to"], "from": message["from"], "timestamp": now()}
        status |= {"status": state, "client_ref": message["client_ref"], "channel": message["channel"]}
        fault = {"title": "1010", "detail": f"{message['to']} cannot be reached"}
        return status | ({"error": fault} if state == self.lost else {})

    def written(self, account: Account, id_: str, wish: dict[str, Any], media: list[str]) -> Any:
        """A message."""
        body = wish.get("body", "")
        said: dict[str, Any] = {"channel": "sms", "message_type": "text", "text": body}
        if media:
            said = {"channel": "mms", "message_type": "image", "image": {"url": media[0], "caption": body}}
        who = {"to": account.address.lstrip("+"), "from": wish["from"].lstrip("+")}
        return {**who, "message_uuid": id_, "timestamp": now(), **said}

    def proof(self, account: Account, body: bytes) -> dict[str, str]:
        """A token for this body."""
        claims = {"iat": int(time.time()), "jti": uuid4().hex, "iss": "Vonage", "payload_hash": digest(body)}
        claims |= {"api_key": account.settings["api_key"]}
        return {"Authorization": f"Bearer {token(claims, account.secret)}"}
