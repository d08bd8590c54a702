"""X: direct messages over the API v2 and the Account Activity API, signed by the schemes as their documents have them.

- `POST /2/dm_conversations/with/{participant}/messages`, signed by OAuth 1.0a for our account's user
  (https://docs.x.com/x-api/direct-messages/manage/introduction); what was taken comes back as an event, then as read.
- `GET /1.1/ton/data/dm/{id}`: a customer's file, for a signed request only.
- Webhooks: https://docs.x.com/x-api/webhooks/quickstart. The kind `verify` asks the challenge.

Kinds of a customer's act: `message` (`media`, `choice`, `post`), `location`, `typing`, `read`, `echo` (said in the app
for us), `block` (takes no more of ours).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import re
import time
from typing import Any
from urllib.parse import parse_qsl, quote, unquote
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.demo.outside.whims import obey
from gateway.demo.outside.world import Account, Retries, Webhook, World

_RETRIES = Retries(6, frozenset(("ct", "rt", "5xx")))
_FIELD = re.compile(r'(\w+)="([^"]*)"')
_MOST_WORDS = 10_000
_EPOCH_MS = 1288834974657
_number = itertools.count()


class X:
    """X, as far as direct messages go."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._closed: set[tuple[str, str]] = set()

    def routes(self) -> list[BaseRoute]:
        """Messages and media."""
        return [
            Route("/2/dm_conversations/with/{participant}/messages", self._messages, methods=["POST"]),
            Route("/1.1/ton/data/dm/{medium}", self._hand_out),
        ]

    async def start(self) -> None:
        """Nothing: HTTP is enough."""

    async def aclose(self) -> None:
        """Nothing to end."""

    async def _messages(self, request: Request) -> Response:
        account = self._of(request)
        if account is None:
            return _problem(401, "Unauthorized", "Unauthorized")
        said = json.loads(await request.body() or b"{}")
        to, whim = request.path_params["participant"], self._world.whims(account).next()
        fault: Response | None = None
        if (account.id, to) in self._closed:
            fault = _problem(403, "Forbidden", "You do not have permission to DM one or more participants.")
        elif not to.isdecimal() or not 0 < len(said.get("text", "")) <= _MOST_WORDS:
            fault = _problem(400, "Invalid Request", "One or more parameters to your request was invalid.")
        return await obey(
            whim,
            request,
            lambda status, headers: _problem(
                status, *(2 * ("Too Many Requests" if status == 429 else "Internal Server Error",)), headers
            ),
            lambda: fault or self._take(account, to, said["text"], whim.mode),
        )

    def _of(self, request: Request) -> Account | None:
        """The account whose app and user signed this request."""
        fields = {name: unquote(value) for name, value in _FIELD.findall(request.headers.get("authorization", ""))}
        given = fields.pop("oauth_signature", "")
        for account in self._world.served("x"):
            settings = account.settings
            named = (fields.get("oauth_consumer_key"), fields.get("oauth_token"))
            if named == (settings["consumer_key"], settings["access_token"]):
                query = parse_qsl(request.url.query, keep_blank_values=True)
                pairs = sorted((_encoded(name), _encoded(value)) for name, value in [*query, *fields.items()])
                normal = "&".join("=".join(pair) for pair in pairs)
                url = f"{self._world.url}{request.url.path}"
                base = "&".join(map(_encoded, (request.method, url, normal)))
                key = f"{_encoded(account.secret)}&{_encoded(settings['access_token_secret'])}"
                right = base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()).decode()
                return account if hmac.compare_digest(right, given) else None
        return None

    def _take(self, account: Account, to: str, text: str, mode: str) -> Response:
        identity = _identity()
        self._world.take(account, {"id": identity, "to": to, "body": text, "type": "text"})
        acts = [{"direct_message_events": [_message(account, to, identity, {"text": text}, ours=True)]}]
        acts += [] if mode == "fail_delivery" else [_read(account, to, identity)]
        webhooks = [_signed(account, _delivery(account, to, act)) for act in acts]
        self._world.start(self._world.call_back(account, mode, webhooks, _RETRIES))
        pair = "-".join(sorted((account.address, to)))
        return JSONResponse({"data": {"dm_conversation_id": pair, "dm_event_id": identity}}, 201)

    async def _hand_out(self, request: Request) -> Response:
        medium = self._world.media.get(request.path_params["medium"])
        if self._of(request) is None:
            return Response(status_code=401)
        return Response(medium.data, media_type=medium.content_type) if medium else Response(status_code=404)

    async def inbound(self, account: Account, wish: dict[str, Any]) -> dict[str, Any]:
        """What a customer does, as X delivers it."""
        kind, who, identity = wish.get("kind", "message"), wish["from"], wish.get("id") or _identity()
        if kind == "verify":
            challenge = Webhook(f"{account.public_url}?crc_token={wish.get('token', uuid4())}&nonce=1", b"", {}, "GET")
            return await self._world.knock(account, challenge, wish, Retries())
        if kind == "block":
            self._closed.add((account.id, who))
            return {"blocked": True}
        if kind == "typing":
            act = {"direct_message_indicate_typing_events": [_signal(account, who)]}
        elif kind == "read":
            last = next((line["id"] for line in reversed(self._world.sent) if line["to"] == who), _identity())
            act = _read(account, who, wish.get("target", last))
        elif kind in ("message", "location", "echo"):
            data = self._data(wish)
            act = {"direct_message_events": [_message(account, who, identity, data, ours=kind == "echo")]}
        else:
            raise ValueError("kind is one of message, location, echo, typing, read, block, verify")
        webhook = _signed(account, _delivery(account, who, act, wish.get("name")))
        return {"id": identity, **await self._world.knock(account, webhook, wish, _RETRIES)}

    def _data(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Words, and the one attachment a message can have."""
        data: dict[str, Any] = {"text": wish.get("body", "")}
        if "choice" in wish:
            data["quick_reply_response"] = {"type": "options", "metadata": wish["choice"]}
        if "post" in wish:
            data["text"] += " https://t.co/post"
            data["entities"] = {"urls": [{"url": "https://t.co/post", "expanded_url": wish["post"]}]}
        if wish.get("kind") == "location":
            point = {"type": "Point", "coordinates": [wish.get("longitude", 11.5754), wish.get("latitude", 48.1371)]}
            place = {"type": "shared_coordinate", "shared_coordinate": {"coordinates": point}}
            data["attachment"] = {"type": "location", "location": place}
        for medium in wish.get("media") or []:
            url = medium.get("url") or f"{self._world.url}/1.1/ton/data/dm/{self._world.host(medium)[0]}"
            data["text"] += " https://t.co/file"
            film = {"content_type": "video/mp4", "bitrate": 832000, "url": url}
            is_film = medium["content_type"].startswith("video/")
            file = {"media_url_https": url, "url": "https://t.co/file", "type": "video" if is_film else "photo"}
            file |= {"video_info": {"variants": [film]}} if is_film else {}
            data["attachment"] = {"type": "media", "media": file}
        return data


def _identity() -> str:
    """As X numbers events: by the time."""
    return str((int(time.time() * 1000) - _EPOCH_MS) << 22 | next(_number) % (1 << 22))


def _now() -> str:
    return str(int(time.time() * 1000))


def _signal(account: Account, who: str) -> dict[str, Any]:
    return {"created_timestamp": _now(), "sender_id": who, "target": {"recipient_id": account.address}}


def _read(account: Account, who: str, last: str) -> dict[str, Any]:
    return {"direct_message_mark_read_events": [{**_signal(account, who), "last_read_event_id": last}]}


def _message(account: Account, who: str, identity: str, data: dict[str, Any], *, ours: bool) -> dict[str, Any]:
    sender, recipient = (account.address, who) if ours else (who, account.address)
    none: dict[str, Any] = {"hashtags": [], "symbols": [], "user_mentions": [], "urls": []}
    text = data["text"].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    said = {**data, "text": text, "entities": none | data.get("entities", {})}
    message = {"target": {"recipient_id": recipient}, "sender_id": sender, "message_data": said}
    return {"type": "message_create", "id": identity, "created_timestamp": _now(), "message_create": message}


def _delivery(account: Account, who: str, act: dict[str, Any], name: str | None = None) -> dict[str, Any]:
    users = {who: {"id": who, "name": name or f"Person {who[-4:]}", "screen_name": f"person{who[-4:]}"}}
    users[account.address] = {"id": account.address, "name": "The company", "screen_name": "company"}
    return {"for_user_id": account.address, **act, "users": users}


def _signed(account: Account, payload: dict[str, Any]) -> Webhook:
    body = json.dumps(payload, separators=(",", ":")).encode()
    digest = base64.b64encode(hmac.new(account.secret.encode(), body, hashlib.sha256).digest()).decode()
    headers = {"Content-Type": "application/json", "x-twitter-webhooks-signature": f"sha256={digest}"}
    return Webhook(account.public_url, body, headers)


def _encoded(text: str) -> str:
    return quote(text, safe="-._~")


def _problem(status: int, title: str, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"title": title, "detail": detail, "type": "about:blank", "status": status}, status, headers)
