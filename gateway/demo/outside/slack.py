"""Slack: an app's messages over the Web API and the Events API, signed by the scheme as its document has it.

- `POST /chat.postMessage` (https://docs.slack.dev/reference/methods/chat.postMessage). Posted to a person it lands in
  the direct chat; the app is told of its own message.
- `GET /files-pri/{id}`: a customer's file, for the bot's token; a page to sign in otherwise, as Slack has it.
- Webhooks: https://docs.slack.dev/authentication/verifying-requests-from-slack. The kind `verify` sends the challenge.

Kinds of a customer's act: `message` (`media`, `thread`), `mention` (in the channel `channel`), `edit`, `unsend` and
`reaction` of a `target`, `choice` (a button was pressed), `archive` (nothing can be posted there any more).
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import time
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.demo.outside.whims import obey
from gateway.demo.outside.world import Account, Retries, Webhook, World

_RETRIES = Retries(4, frozenset(("ct", "rt", "4xx", "5xx")))
_MOST_WORDS = 40_000
_number = itertools.count()


class Slack:
    """Slack, as far as an app is concerned."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._archived: set[str] = set()

    def routes(self) -> list[BaseRoute]:
        """Messages and files."""
        return [
            Route("/chat.postMessage", self._post, methods=["POST"]),
            Route("/files-pri/{medium}", self._hand_out),
        ]

    async def start(self) -> None:
        """Nothing: HTTP is enough."""

    async def aclose(self) -> None:
        """Nothing to end."""

    def _of(self, request: Request) -> Account | None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ").encode()
        served = self._world.served("slack")
        return next((one for one in served if hmac.compare_digest(one.settings["bot_token"].encode(), given)), None)

    async def _post(self, request: Request) -> Response:
        account = self._of(request)
        if account is None:
            return _fault("invalid_auth")
        said = json.loads(await request.body() or b"{}")
        whim = self._world.whims(account).next()
        return await obey(
            whim,
            request,
            lambda status, headers: _fault(
                "ratelimited" if status == 429 else "service_unavailable", status=status, headers=headers
            ),
            lambda: self._fault_of(said) or self._take(account, said, whim.mode),
        )

    def _fault_of(self, said: dict[str, Any]) -> Response | None:
        if not said.get("channel"):
            return _fault("channel_not_found")
        if _channel(said["channel"]) in self._archived:
            return _fault("is_archived")
        if not said.get("text"):
            return _fault("no_text")
        return _fault("msg_too_long") if len(said["text"]) > _MOST_WORDS else None

    def _take(self, account: Account, said: dict[str, Any], mode: str) -> Response:
        channel, ts = _channel(said["channel"]), _ts()
        text = said["text"].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        line = {"id": f"{channel}:{ts}", "to": channel.removeprefix("D"), "body": text, "type": "text"}
        self._world.take(account, line | ({"thread": said["thread_ts"]} if "thread_ts" in said else {}))
        message = {
            "type": "message",
            "user": "U0BOT",
            "bot_id": "B0BOT",
            "app_id": account.address,
            "text": said["text"],
        }
        told = {**message, "ts": ts, "event_ts": ts, "channel": channel, "channel_type": "im"}
        self._world.start(self._world.call_back(account, mode, [_signed(account, _wrapped(account, told))], _RETRIES))
        return JSONResponse({"ok": True, "channel": channel, "ts": ts, "message": {**message, "ts": ts}})

    async def _hand_out(self, request: Request) -> Response:
        medium = self._world.media.get(request.path_params["medium"])
        if self._of(request) is None:
            return Response(b"<!doctype html><title>Sign in</title>", media_type="text/html")
        return Response(medium.data, media_type=medium.content_type) if medium else Response(status_code=404)

    async def inbound(self, account: Account, wish: dict[str, Any]) -> dict[str, Any]:
        """What a customer does, as Slack delivers it."""
        kind, ts = wish.get("kind", "message"), wish.get("id") or _ts()
        if kind == "archive":
            self._archived.add(_channel(wish["from"]))
            return {"archived": True}
        if kind == "verify":
            payload = {"token": "x", "challenge": wish.get("token", uuid4().hex), "type": "url_verification"}
            return await self._world.knock(account, _signed(account, payload), wish, Retries())
        body = _pressed(account, wish, ts) if kind == "choice" else _wrapped(account, self._event(kind, ts, wish))
        answer = await self._world.knock(account, _signed(account, body), wish, _RETRIES)
        return {"id": f"{_place(wish)}:{ts}", **answer}

    def _event(self, kind: str, ts: str, wish: dict[str, Any]) -> dict[str, Any]:
        channel, who = _place(wish), wish["from"]
        event: dict[str, Any] = {"channel": channel, "ts": ts, "event_ts": ts, "channel_type": "im"}
        said = {"type": "message", "user": who, "text": _marked(wish.get("body", "")), "ts": ts}
        target = wish.get("target", "").rpartition(":")[2]
        if kind == "message":
            files = [self._file(medium) for medium in wish.get("media") or []]
            more = {"subtype": "file_share", "files": files} if files else {}
            profile = {"user_profile": {"display_name": wish["name"]}} if "name" in wish else {}
            return event | said | more | profile | ({"thread_ts": wish["thread"]} if "thread" in wish else {})
        if kind == "mention":
            return event | said | {"type": "app_mention", "text": f"<@U0BOT> {said['text']}"}
        if kind == "reaction":
            item = {"type": "message", "channel": channel, "ts": target}
            name = "reaction_removed" if wish.get("removed") else "reaction_added"
            return {"type": name, "user": who, "reaction": wish.get("emoji", "+1"), "item": item, "event_ts": ts}
        was = {**said, "text": "", "ts": target}
        if kind == "edit":
            now = {**said, "ts": target, "edited": {"user": who, "ts": ts}}
            return {"type": "message", "subtype": "message_changed", **event, "message": now, "previous_message": was}
        if kind == "unsend":
            gone = {"deleted_ts": target, "previous_message": was}
            return {"type": "message", "subtype": "message_deleted", **event, **gone}
        raise ValueError("kind is one of message, mention, edit, unsend, reaction, choice, archive, verify")

    def _file(self, medium: dict[str, Any]) -> dict[str, Any]:
        url = medium.get("url") or f"{self._world.url}/files-pri/{self._world.host(medium)[0]}"
        named = {"name": medium.get("name", "file"), "mimetype": medium["content_type"], "mode": "hosted"}
        return {"id": f"F{uuid4().hex[:9].upper()}", **named, "url_private": url, "url_private_download": url}


def _ts() -> str:
    """The time, by which a message is known in its channel."""
    now = time.time_ns() // 1_000_000
    return f"{now // 1000}.{now % 1000:03d}{next(_number) % 1000:03d}"


def _channel(to: str) -> str:
    """The direct chat with a person, where it is no channel already."""
    return to if to[:1] in ("C", "D", "G") else f"D{to}"


def _place(wish: dict[str, Any]) -> str:
    return str(wish.get("channel", "C0GENERAL" if wish.get("kind") == "mention" else _channel(wish["from"])))


def _marked(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _wrapped(account: Account, event: dict[str, Any]) -> dict[str, Any]:
    ours = [{"team_id": "T0COMPANY", "user_id": "U0BOT", "is_bot": True}]
    envelope = {"type": "event_callback", "team_id": "T0COMPANY", "api_app_id": account.address, "authorizations": ours}
    return {**envelope, "event_id": f"Ev{uuid4().hex[:10].upper()}", "event_time": int(time.time()), "event": event}


def _pressed(account: Account, wish: dict[str, Any], ts: str) -> dict[str, Any]:
    text = {"type": "plain_text", "text": wish.get("body", "Yes"), "emoji": True}
    button = {"type": "button", "action_id": "answer", "text": text, "value": wish.get("value", "yes"), "action_ts": ts}
    place = {"id": _channel(wish["from"]), "name": "directmessage"}
    who = {"id": wish["from"], "username": "somebody", "team_id": "T0COMPANY"}
    told = {"type": "block_actions", "api_app_id": account.address, "user": who, "channel": place, "actions": [button]}
    return {"payload": told}


def _signed(account: Account, payload: dict[str, Any]) -> Webhook:
    """JSON; what was pressed comes as a form."""
    body, kind = json.dumps(payload, separators=(",", ":")).encode(), "application/json"
    if "payload" in payload:
        body, kind = (
            urlencode({"payload": json.dumps(payload["payload"])}).encode(),
            "application/x-www-form-urlencoded",
        )
    now = str(int(time.time()))
    digest = hmac.new(account.secret.encode(), f"v0:{now}:".encode() + body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": kind, "X-Slack-Request-Timestamp": now, "X-Slack-Signature": f"v0={digest}"}
    return Webhook(account.public_url, body, headers)


def _fault(error: str, status: int = 200, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"ok": False, "error": error}, status, headers)
