"""MessageBird's Conversations API for SMS: https://developers.messagebird.com/api/conversations/."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

from starlette.responses import Response

from gateway.demo.outside.json_carrier import JsonCarrier, answer, now
from gateway.demo.outside.tokens import digest, token
from gateway.demo.outside.world import Account


class MessageBird(JsonCarrier):
    """MessageBird."""

    provider, path, most_words = "messagebird", "/v1/send", 1377
    states, lost = ("pending", "sent", "delivered"), "failed"

    def authorization(self, account: Account) -> str:
        """The access key."""
        return f"AccessKey {account.settings['access_key']}"

    def said_in(self, message: dict[str, Any]) -> tuple[str, str, list[str]]:
        """A text."""
        return message["to"], message["content"]["text"], []

    def taken(self, id_: str) -> Response:
        """Its id."""
        return answer(202, {"id": id_, "status": "accepted"})

    def refused(self, status: int, words: str, headers: dict[str, str] | None = None) -> Response:
        """One error."""
        return answer(status, {"errors": [{"code": 21, "description": words}]}, headers)

    def told(self, account: Account, id_: str, state: str, message: dict[str, Any]) -> Any:
        """A status; the message itself at first."""
        said = {"direction": "sent", "status": state, "type": "text", "content": message["content"]}
        said |= {"from": account.address, "to": message["to"], "source": message.get("source")}
        fault = {"code": 302, "description": f"{message['to']} cannot be reached"}
        said |= {"error": fault} if state == self.lost else {}
        return _event(account, "message.created" if state == "pending" else "message.updated", id_, said)

    def written(self, account: Account, id_: str, wish: dict[str, Any], media: list[str]) -> Any:
        """A message."""
        body = wish.get("body", "")
        said: dict[str, Any] = {"direction": "received", "status": "received", "from": wish["from"]}
        said |= {"to": account.address, "type": "text", "content": {"text": body}}
        if media:
            said |= {"type": "image", "content": {"image": {"url": media[0], "caption": body}}}
        return _event(account, "message.created", id_, said)

    def proof(self, account: Account, body: bytes) -> dict[str, str]:
        """A token for this address and body."""
        at = int(time.time())
        claims = {"iss": "MessageBird", "nbf": at, "exp": at + 60, "jti": uuid4().hex}
        claims |= {"url_hash": digest(account.public_url.encode()), "payload_hash": digest(body)}
        return {"MessageBird-Signature-JWT": token(claims, account.secret)}


def _event(account: Account, kind: str, id_: str, said: dict[str, Any]) -> dict[str, Any]:
    message = {"id": id_, "platform": "sms", "channelId": account.settings["channel_id"], "createdDatetime": now()}
    message |= {name: value for name, value in said.items() if value is not None}
    return {"type": kind, "contact": {"id": uuid4().hex}, "conversation": {"id": uuid4().hex}, "message": message}
