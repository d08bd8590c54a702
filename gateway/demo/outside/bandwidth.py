"""Bandwidth's Messaging API, version 2, which gives a password: https://dev.bandwidth.com/docs/messaging."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from gateway.demo.outside.json_carrier import JsonCarrier, answer, basic, now
from gateway.demo.outside.world import Account


class Bandwidth(JsonCarrier):
    """Bandwidth."""

    provider, path, most_words = "bandwidth", "/api/v2/users/{user}/messages", 2048
    states, lost = ("message-sending", "message-delivered"), "message-failed"

    def authorization(self, account: Account) -> str:
        """The API credential."""
        return basic(account.settings["api_token"], account.settings["api_secret"])

    def said_in(self, message: dict[str, Any]) -> tuple[str, str, list[str]]:
        """The first recipient."""
        return message["to"][0], message.get("text", ""), message.get("media", [])

    def taken(self, id_: str) -> Response:
        """Its id."""
        return answer(202, {"id": id_, "time": now()})

    def refused(self, status: int, words: str, headers: dict[str, str] | None = None) -> Response:
        """Type and description."""
        return answer(status, {"type": "request-refused", "description": words}, headers)

    def told(self, account: Account, id_: str, state: str, message: dict[str, Any]) -> Any:
        """A status."""
        to, ours = message["to"][0], account.address
        said: dict[str, Any] = {
            "id": id_,
            "time": now(),
            "to": [to],
            "from": ours,
            "owner": ours,
            "text": "",
            "direction": "out",
        }
        said |= {"applicationId": message["applicationId"], "tag": message.get("tag"), "segmentCount": 1}
        event: dict[str, Any] = {"time": now(), "type": state, "to": to, "description": "ok", "message": said}
        fault: dict[str, Any] = {"errorCode": 4720, "description": f"{to} cannot be reached"}
        return [event | (fault if state == self.lost else {})]

    def written(self, account: Account, id_: str, wish: dict[str, Any], media: list[str]) -> Any:
        """A message."""
        ours = account.address
        said: dict[str, Any] = {
            "id": id_,
            "time": now(),
            "to": [ours],
            "from": wish["from"],
            "owner": ours,
            "direction": "in",
        }
        said |= {"text": wish.get("body", ""), "media": media, "segmentCount": 1}
        description = "Incoming message received"
        return [{"time": now(), "type": "message-received", "to": ours, "description": description, "message": said}]

    def proof(self, account: Account, body: bytes) -> dict[str, str]:
        """User and password."""
        return {"Authorization": basic(account.settings["callback_user"], account.secret)}
