"""Telegram's Bot API, with the secret as its document has it: https://core.telegram.org/bots/api.

`sendMessage` and its kin with files; nothing is told of a message after that. `getFile` and `/file` hand out what
customers sent.

Kinds of a customer's act: `message` (`media`), `sticker`, `location`, `contact`, `edit` and `reaction` (`target`,
`emoji`), `button` (`body`), `block` (takes no more of ours until they write) and `unblock`.
"""

from __future__ import annotations

import itertools
import json
import time
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.demo.outside.whims import obey
from gateway.demo.outside.world import Account, Retries, Webhook, World

_RETRIES = Retries(5, frozenset(("ct", "rt", "4xx", "5xx")))
_MOST_WORDS = 4096
_FILES = {"image": "photo", "video": "video", "audio": "voice"}
_numbers = itertools.count(time.time_ns() // 10**6)


class Telegram:
    """Telegram, as far as bots go."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._blocked: set[tuple[str, str]] = set()

    def routes(self) -> list[BaseRoute]:
        """Messages, and where customers' files are."""
        return [
            Route("/bot{token}/getFile", self._where),
            Route("/file/bot{token}/{medium}", self._hand_out),
            Route("/bot{token}/{method}", self._send, methods=["POST"]),
        ]

    async def start(self) -> None:
        """Nothing: HTTP is enough."""

    async def aclose(self) -> None:
        """Nothing to end."""

    def _account(self, request: Request) -> Account | None:
        token = request.path_params["token"]
        return next((one for one in self._world.served("telegram") if one.settings["bot_token"] == token), None)

    async def _send(self, request: Request) -> Response:
        account, method = self._account(request), request.path_params["method"]
        if account is None:
            return _fault(401, "Unauthorized")
        said, files = _read(request.headers.get("content-type", ""), await request.body())
        to, words = str(said.get("chat_id", "")), said.get("text") or said.get("caption") or ""
        whim = self._world.whims(account).next()

        def take() -> Response:
            if not to or not (words or files) or len(words) > _MOST_WORDS:
                return _fault(400, "Bad Request: message text is empty")
            if (account.id, to) in self._blocked:
                return _fault(403, "Forbidden: bot was blocked by the user")
            number = next(_numbers)
            answers = said.get("reply_parameters")
            line = {"id": f"{to}:{number}", "to": to, "body": words, "type": method, "files": files}
            self._world.take(account, line | ({"answers": answers} if answers else {}))
            return JSONResponse({"ok": True, "result": {"message_id": number, "chat": {"id": int(to)}}})

        def refuse(status: int, headers: dict[str, str]) -> Response:
            after = headers.pop("Retry-After", None)
            more = {"parameters": {"retry_after": int(after)}} if after else {}
            return _fault(status, "Too Many Requests" if status == 429 else "Internal Server Error", more)

        return await obey(whim, request, refuse, take)

    async def _where(self, request: Request) -> Response:
        file = request.query_params.get("file_id", "")
        if self._account(request) is None or file not in self._world.media:
            return _fault(400, "Bad Request: invalid file_id")
        return JSONResponse({"ok": True, "result": {"file_id": file, "file_path": file}})

    async def _hand_out(self, request: Request) -> Response:
        medium = self._world.media.get(request.path_params["medium"])
        if self._account(request) is None or medium is None:
            return _fault(404, "Not Found")
        return Response(medium.data, media_type=medium.content_type)

    async def inbound(self, account: Account, wish: dict[str, Any]) -> dict[str, Any]:
        """What a customer does, as Telegram delivers it."""
        kind, number = wish.get("kind", "message"), next(_numbers)
        person = {"id": int(wish["from"]), "first_name": wish.get("name", f"Person {wish['from'][-4:]}")}
        chat = {**person, "type": "private"}
        said: dict[str, Any] = {"message_id": number, "from": {**person, "is_bot": False}, "chat": chat}
        said["date"] = int(time.time())
        update: dict[str, Any] = {"update_id": int(wish["id"]) if wish.get("id") else number}
        if kind in ("block", "unblock"):
            (self._blocked.add if kind == "block" else self._blocked.discard)((account.id, wish["from"]))
            member = {"status": "kicked" if kind == "block" else "member"}
            update["my_chat_member"] = {"chat": chat, "from": person, "new_chat_member": member}
        elif kind == "reaction":
            given = [{"type": "emoji", "emoji": wish["emoji"]}] if wish.get("emoji") else []
            update["message_reaction"] = {"chat": chat, "message_id": int(wish["target"]), "new_reaction": given}
        elif kind == "button":
            update["callback_query"] = {"id": str(number), "message": said, "data": wish.get("body", "")}
        elif kind == "edit":
            now = {"message_id": int(wish["target"]), "text": wish.get("body", ""), "edit_date": said["date"]}
            update["edited_message"] = said | now
        else:
            update["message"] = said | self._held(kind, wish)
        answer = await self._world.knock(account, _webhook(account, update), wish, _RETRIES)
        return {"id": str(update["update_id"]), "message": str(number), **answer}

    def _held(self, kind: str, wish: dict[str, Any]) -> dict[str, Any]:
        body = wish.get("body", "")
        if kind == "sticker":
            return {"sticker": {"file_id": self._host({"content_type": "image/webp", "data": ""})}}
        if kind == "location":
            return {"location": {"latitude": 52.3791, "longitude": 4.9003}}
        if kind == "contact":
            return {"contact": {"phone_number": "+491701234567", "first_name": "Alex"}}
        if kind != "message":
            kinds = "message, sticker, location, contact, edit, reaction, button, block, unblock"
            raise ValueError(f"kind is one of {kinds}")
        for medium in wish.get("media") or []:
            file: dict[str, Any] = {"file_id": self._host(medium), "mime_type": medium["content_type"]}
            way = _FILES.get(medium["content_type"].partition("/")[0], "document")
            return {way: [file] if way == "photo" else file, "caption": body}
        return {"text": body}

    def _host(self, medium: dict[str, Any]) -> str:
        return self._world.host(medium)[0]


def _webhook(account: Account, update: dict[str, Any]) -> Webhook:
    headers = {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": account.secret}
    return Webhook(account.public_url, json.dumps(update).encode(), headers)


def _read(kind: str, body: bytes) -> tuple[dict[str, Any], list[str]]:
    """The fields of a request, and the names of its files."""
    if not kind.startswith("multipart/form-data"):
        return json.loads(body or b"{}"), []
    parsed = BytesParser(policy=HTTP).parsebytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + body)
    fields: dict[str, Any] = {}
    files = []
    for part in parsed.iter_parts():
        name, data = str(part.get_param("name", header="content-disposition")), part.get_payload(decode=True)
        if part.get_filename() is not None:
            files.append(name)
        elif isinstance(data, bytes):
            fields[name] = json.loads(data) if name == "reply_parameters" else data.decode()
    return fields, files


def _fault(status: int, description: str, more: dict[str, Any] | None = None) -> JSONResponse:
    return JSONResponse({"ok": False, "error_code": status, "description": description, **(more or {})}, status)
