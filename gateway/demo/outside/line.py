"""LINE's Messaging API, signed by the scheme as its document has it.

https://developers.line.biz/en/reference/messaging-api/. `POST /v2/bot/message/push` takes a message once per
`X-Line-Retry-Key`; nothing is told of it after that.

Kinds of a customer's act: `message` (`media`), `sticker`, `location`, `unsend` (`target`), `follow`, `unfollow`,
`postback` (`body`), and `verify`, the console's question.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.demo.outside.whims import obey
from gateway.demo.outside.world import Account, Retries, Webhook, World

_RETRIES = Retries(3, frozenset(("ct", "rt", "4xx", "5xx")))
_MOST_WORDS, _MOST_MESSAGES = 5000, 5


class Line:
    """LINE, as far as official accounts go."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._taken: dict[str, list[dict[str, str]]] = {}
        self._files: dict[str, str] = {}
        """What is hosted, by the id of its message."""

    def routes(self) -> list[BaseRoute]:
        """Pushes, and where customers' files are."""
        return [
            Route("/v2/bot/message/push", self._push, methods=["POST"]),
            Route("/v2/bot/message/{message}/content", self._hand_out),
        ]

    async def start(self) -> None:
        """Nothing: HTTP is enough."""

    async def aclose(self) -> None:
        """Nothing to end."""

    def _account(self, request: Request) -> Account | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        return next((one for one in self._world.served("line") if one.settings["access_token"] == token), None)

    async def _push(self, request: Request) -> Response:
        account = self._account(request)
        if account is None:
            return _fault(401, "Authentication failed. Confirm that the access token is valid.")
        said, key = json.loads(await request.body() or b"{}"), request.headers.get("x-line-retry-key", "")
        whim = self._world.whims(account).next()
        return await obey(
            whim,
            request,
            lambda status, headers: _fault(status, "The API rate limit has been exceeded. Try again later.", headers),
            lambda: self._take(account, said, key),
        )

    def _take(self, account: Account, said: dict[str, Any], key: str) -> Response:
        messages = said.get("messages") or []
        words = [one["text"] for one in messages if one["type"] == "text"]
        if not said.get("to") or not 0 < len(messages) <= _MOST_MESSAGES or any(len(w) > _MOST_WORDS for w in words):
            return _fault(400, "The request body has 1 error(s)")
        if key in self._taken:
            accepted = {"X-Line-Accepted-Request-Id": key}
            body = {"message": "The retry key is already accepted", "sentMessages": self._taken[key]}
            return JSONResponse(body, 409, accepted)
        sent = self._taken[key or uuid4().hex] = [{"id": str(time.time_ns())} for _ in messages]
        media = [one["originalContentUrl"] for one in messages if one["type"] != "text"]
        self._world.take(account, {"id": sent[-1]["id"], "to": said["to"], "body": "\n".join(words), "media": media})
        return JSONResponse({"sentMessages": sent}, headers={"X-Line-Request-Id": uuid4().hex})

    async def _hand_out(self, request: Request) -> Response:
        medium = self._world.media.get(self._files.get(request.path_params["message"], ""))
        if self._account(request) is None or medium is None:
            return _fault(404, "Not found")
        return Response(medium.data, media_type=medium.content_type)

    async def inbound(self, account: Account, wish: dict[str, Any]) -> dict[str, Any]:
        """What a customer does, as LINE delivers it."""
        kind, id_ = wish.get("kind", "message"), wish.get("id") or str(time.time_ns())
        event = {"type": kind, "mode": "active", "timestamp": int(time.time() * 1000), "webhookEventId": id_}
        event |= {"source": {"type": "user", "userId": wish["from"]}, "deliveryContext": {"isRedelivery": False}}
        if kind == "unsend":
            event["unsend"] = {"messageId": wish["target"]}
        elif kind == "postback":
            event["postback"] = {"data": wish.get("body", "")}
        elif kind in ("message", "sticker", "location"):
            event |= {"type": "message", "message": self._message(kind, id_, wish)}
        elif kind not in ("follow", "unfollow", "verify"):
            raise ValueError("kind is one of message, sticker, location, unsend, follow, unfollow, postback, verify")
        events = [] if kind == "verify" else [event]
        answer = await self._world.knock(account, _signed(account, events), wish, _RETRIES)
        return {"id": id_, **answer}

    def _message(self, kind: str, id_: str, wish: dict[str, Any]) -> dict[str, Any]:
        if kind == "sticker":
            return {"id": id_, "type": "sticker", "packageId": "1", "stickerId": "2"}
        if kind == "location":
            return {"id": id_, "type": "location", "title": "Here", "latitude": 35.6591, "longitude": 139.7037}
        for medium in wish.get("media") or []:
            family = medium["content_type"].partition("/")[0]
            said = {"id": id_, "type": family if family in ("image", "video", "audio") else "file"}
            if "url" in medium:
                return {**said, "contentProvider": {"type": "external", "originalContentUrl": medium["url"]}}
            self._files[id_] = self._world.host(medium)[0]
            return {**said, "contentProvider": {"type": "line"}}
        return {"id": id_, "type": "text", "text": wish.get("body", "")}


def _signed(account: Account, events: list[dict[str, Any]]) -> Webhook:
    body = json.dumps({"destination": account.address, "events": events}).encode()
    digest = hmac.new(account.secret.encode(), body, hashlib.sha256).digest()
    headers = {"Content-Type": "application/json", "X-Line-Signature": base64.b64encode(digest).decode()}
    return Webhook(account.public_url, body, headers)


def _fault(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"message": message}, status, headers)
