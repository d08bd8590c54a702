"""Viber's REST bot API, signed by the scheme as its document has it.

https://developers.viber.com/docs/api/rest-bot-api/. `POST /pa/send_message`; what was taken comes back as `delivered`
and `seen`, or as `failed`. Faults are a status in a 200.

Kinds of a customer's act: `message` (`media`), `sticker`, `location`, `contact`, `url`, `subscribed`, `unsubscribed`
(takes no more of ours until they write), `started` (with a `context`), `read` (the last message), and `verify`, Viber's
own callback when the webhook is set.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.demo.outside.whims import obey
from gateway.demo.outside.world import Account, Retries, Webhook, World

_RETRIES = Retries(5, frozenset(("ct", "rt", "4xx", "5xx")))
_MOST_WORDS = 7000
_number = itertools.count()


class Viber:
    """Viber, as far as bots go."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._left: set[tuple[str, str]] = set()

    def routes(self) -> list[BaseRoute]:
        """Messages, and where customers' files are."""
        return [
            Route("/pa/send_message", self._send, methods=["POST"]),
            Route("/dl-media/{medium}", self._hand_out),
        ]

    async def start(self) -> None:
        """Nothing: HTTP is enough."""

    async def aclose(self) -> None:
        """Nothing to end."""

    async def _send(self, request: Request) -> Response:
        token = request.headers.get("x-viber-auth-token", "").encode()
        served = self._world.served("viber")
        account = next((one for one in served if hmac.compare_digest(one.secret.encode(), token)), None)
        if account is None:
            return _fault(2, "invalidAuthToken")
        said = json.loads(await request.body() or b"{}")
        whim = self._world.whims(account).next()
        return await obey(
            whim,
            request,
            lambda status, headers: (
                _fault(12, "tooManyRequests", headers) if status == 429 else Response(status_code=status)
            ),
            lambda: self._fault_of(account, said) or self._take(account, said, whim.mode),
        )

    def _fault_of(self, account: Account, said: dict[str, Any]) -> Response | None:
        kind, is_file = said.get("type"), said.get("type") in ("picture", "video", "file")
        if not said.get("receiver") or not kind or not (said.get("sender") or {}).get("name"):
            return _fault(4, "missingData")
        if kind == "text" and not 0 < len(said.get("text", "")) <= _MOST_WORDS:
            return _fault(3, "badData")
        if is_file and not said.get("media"):
            return _fault(1, "invalidUrl")
        if (kind != "picture" and is_file and not said.get("size")) or (kind == "file" and not said.get("file_name")):
            return _fault(4, "missingData")
        return _fault(6, "receiverNotSubscribed") if (account.id, said["receiver"]) in self._left else None

    def _take(self, account: Account, said: dict[str, Any], mode: str) -> Response:
        token, to = _token(), said["receiver"]
        line = {"id": str(token), "to": to, "body": said.get("text", ""), "type": said["type"]}
        self._world.take(account, line | ({"media_url": said["media"]} if "media" in said else {}))
        states = ("failed",) if mode == "fail_delivery" else ("delivered", "seen")
        acts = [_event(state, user_id=to, message_token=token) for state in states]
        acts[0] |= {"desc": "the receiver has no suitable device"} if mode == "fail_delivery" else {}
        webhooks = [_signed(account, act) for act in acts]
        self._world.start(self._world.call_back(account, mode, webhooks, _RETRIES))
        return JSONResponse({"status": 0, "status_message": "ok", "message_token": token, "billing_status": 1})

    async def _hand_out(self, request: Request) -> Response:
        medium = self._world.media.get(request.path_params["medium"])
        return Response(medium.data, media_type=medium.content_type) if medium else Response(status_code=404)

    async def inbound(self, account: Account, wish: dict[str, Any]) -> dict[str, Any]:
        """What a customer does, as Viber delivers it."""
        kind, who = wish.get("kind", "message"), wish["from"]
        user = {"id": who, "name": wish.get("name", f"Person {who[-4:]}"), "language": "en", "api_version": 10}
        if kind == "read":
            last = next((int(line["id"]) for line in reversed(self._world.sent) if line["to"] == who), _token())
            act = _event("seen", user_id=who, message_token=wish.get("target", last))
        elif kind == "unsubscribed":
            self._left.add((account.id, who))
            act = _event("unsubscribed", user_id=who)
        elif kind in ("subscribed", "started"):
            self._left.discard((account.id, who))
            name = "conversation_started" if kind == "started" else kind
            act = _event(name, user=user, **({"context": wish["context"]} if "context" in wish else {}))
        elif kind == "verify":
            act = _event("webhook")
        else:
            self._left.discard((account.id, who))
            act = _event("message", sender=user, message=self._message(kind, wish), silent=False)
        act |= {"message_token": wish["id"]} if wish.get("id") else {}
        answer = await self._world.knock(account, _signed(account, act), wish, _RETRIES)
        return {"id": str(act["message_token"]), **answer}

    def _message(self, kind: str, wish: dict[str, Any]) -> dict[str, Any]:
        body = wish.get("body", "")
        for medium in wish.get("media") or []:
            url = medium.get("url") or f"{self._world.url}/dl-media/{self._world.host(medium)[0]}"
            family = medium["content_type"].partition("/")[0]
            type_ = {"image": "picture", "video": "video"}.get(family, "file")
            return {"type": type_, "media": url, "text": body, "file_name": medium.get("name", "file")}
        place = {"lat": wish.get("latitude", 48.1371), "lon": wish.get("longitude", 11.5754)}
        made: dict[str, dict[str, Any]] = {
            "message": {"type": "text", "text": body},
            "sticker": {"type": "sticker", "sticker_id": 46105},
            "location": {"type": "location", "location": place},
            "contact": {"type": "contact", "contact": {"name": "Alex", "phone_number": "+972511123123"}},
            "url": {"type": "url", "media": wish.get("url", "https://mugs.example/blue")},
        }
        if kind not in made:
            raise ValueError(f"kind is one of {', '.join(made)}, read, subscribed, unsubscribed, started, verify")
        return made[kind]


def _token() -> int:
    return time.time_ns() // 1000 * 1000 + next(_number) % 1000


def _event(event: str, **more: Any) -> dict[str, Any]:
    return {"event": event, "timestamp": int(time.time() * 1000), "message_token": _token(), **more}


def _signed(account: Account, payload: dict[str, Any]) -> Webhook:
    body = json.dumps(payload, separators=(",", ":")).encode()
    digest = hmac.new(account.secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Viber-Content-Signature": digest}
    return Webhook(account.public_url, body, headers)


def _fault(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"status": status, "status_message": message}, 200, headers)
