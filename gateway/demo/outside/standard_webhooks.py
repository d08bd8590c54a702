"""A company's own system, on the generic channel: signed as Standard Webhooks has it; its reference page has the form.

- `POST /generic/{account}/replies` is its call-back: it takes a reply once per `webhook-id`, and tells of it later.
- A customer there does `message` (`body`, `media`, `name`, `phone`, `email`, `proven`, `content`, `in_reply_to`),
  `echo`, `edit`, `unsend` and `reaction` (`target`, `emoji`), `read`, `typing`, `consent` (`opted_out`); `raw` posts
  `payload` as it is. `id` names the event instead of a new one.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.demo.outside.whims import obey
from gateway.demo.outside.world import Account, Retries, Webhook, World

_RETRIES = Retries(5, frozenset(("ct", "rt", "4xx", "5xx")))
_TYPES = {"edit": "edited", "unsend": "unsent", "read": "seen"}
_CUSTOMER = ("name", "phone", "email", "proven")
_SAID = ("content", "in_reply_to", "automatic")


class StandardWebhooks:
    """The system."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._taken: dict[str, dict[str, str]] = {}

    def routes(self) -> list[BaseRoute]:
        """The call-back."""
        return [Route("/generic/{account}/replies", self._reply, methods=["POST"])]

    async def start(self) -> None:
        """Nothing: HTTP is enough."""

    async def aclose(self) -> None:
        """Nothing to end."""

    async def _reply(self, request: Request) -> Response:
        account = self._world.accounts.get(request.path_params["account"])
        if account is None or account.provider != "standard":
            return JSONResponse({"error": "there is no such system any more"}, 410)
        body = await request.body()
        id_, at = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "0")
        given = request.headers.get("webhook-signature", "").split(" ")
        if abs(time.time() - int(at)) > 300 or _sign(account.secret, id_, at, body) not in given:
            return JSONResponse({"error": "the signature is wrong"}, 401)
        reply = json.loads(body)
        whim = self._world.whims(account).next()
        return await obey(
            whim,
            request,
            lambda status, headers: JSONResponse({"error": "not now"}, status, headers),
            lambda: self._take(account, reply, whim.mode),
        )

    def _take(self, account: Account, reply: dict[str, Any], mode: str) -> Response:
        if reply["to"].endswith("-gone"):
            return JSONResponse({"error": "the customer is gone"}, 422)
        if reply["id"] not in self._taken:  # posted again it is the same reply
            answer = self._taken[reply["id"]] = {"id": f"out-{uuid4().hex[:12]}"}
            line = {name: reply[name] for name in ("to", "in_reply_to", "files")}
            self._world.take(account, {**answer, **line, "body": reply["text"], "entry": reply["id"]})
            failed = {"error": "the customer's box is full"}
            told = [("failed", failed)] if mode == "fail_delivery" else [("delivered", {}), ("read", {})]
            webhooks = [
                _webhook(account, _event("receipt", status=status, entry=reply["id"], **more)) for status, more in told
            ]
            self._world.start(self._world.call_back(account, mode, webhooks, _RETRIES))
        return JSONResponse(self._taken[reply["id"]])

    async def inbound(self, account: Account, wish: dict[str, Any]) -> dict[str, Any]:
        """What a customer of the system does."""
        kind = wish.get("kind", "message")
        event = wish["payload"] if kind == "raw" else self._event(kind, wish)
        answer = await self._world.knock(account, _webhook(account, event), wish, _RETRIES)
        return {"id": event["id"], **answer}

    def _event(self, kind: str, wish: dict[str, Any]) -> dict[str, Any]:
        customer = {"id": wish["from"], **{name: wish[name] for name in _CUSTOMER if name in wish}}
        event = _event(_TYPES.get(kind, kind), customer=customer)
        event |= {"id": wish["id"]} if "id" in wish else {}
        if kind in ("message", "echo"):
            files = [self._file(medium) for medium in wish.get("media") or []]
            more = {name: wish[name] for name in _SAID if name in wish}
            return event | {"text": wish.get("body", ""), "files": files} | more
        if kind in ("edit", "unsend", "reaction"):
            event["target"] = wish["target"]
        if kind == "edit":
            event["text"] = wish.get("body", "")
        if kind == "reaction":
            event["emoji"] = wish.get("emoji")
        if kind == "read":
            event["until"] = datetime.now(UTC).isoformat()
        if kind == "consent":
            event |= {"opted_out": wish["opted_out"], "text": wish.get("body", "")}
        return event

    def _file(self, medium: dict[str, Any]) -> dict[str, Any]:
        if "url" in medium:
            return medium
        return {name: medium[name] for name in ("data", "content_type", "name") if name in medium}


def _event(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "id": f"evt-{uuid4().hex}", "at": datetime.now(UTC).isoformat(), **more}


def _webhook(account: Account, event: dict[str, Any]) -> Webhook:
    body, id_, at = json.dumps(event).encode(), f"msg_{uuid4().hex}", str(int(time.time()))
    headers = {"Content-Type": "application/json", "webhook-id": id_, "webhook-timestamp": at}
    return Webhook(account.public_url, body, {**headers, "webhook-signature": _sign(account.secret, id_, at, body)})


def _sign(secret: str, id_: str, at: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{id_}.{at}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(mac.digest()).decode()}"
