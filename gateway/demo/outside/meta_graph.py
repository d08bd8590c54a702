"""Meta's Graph API: WhatsApp (Cloud API), Messenger and Instagram, signed by the scheme as its document has it.

- `POST /v…/{phone number id}/messages` and `/media`, `GET /v…/{media id}`, and the address it tells, behind the token
  (https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media).
- `POST /v…/me/messages` for pages and Instagram accounts, whose token says which
  (https://developers.facebook.com/docs/messenger-platform/reference/send-api).
- Statuses, echoes and reads come back with `X-Hub-Signature-256`
  (https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validate-payloads). Meta tries again for
  days; here a few times.
- What a customer does is `meta_events`. The kind `silence` makes the customer's last message older than 24 hours, and
  `verify` asks whether the address is ours, as Meta does when a webhook is configured.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from starlette.convertors import Convertor, register_url_convertor  # codespell:ignore
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.demo.outside.meta_events import act, after_sending, delivery
from gateway.demo.outside.whims import obey
from gateway.demo.outside.world import Account, Retries, Webhook, World

_RETRIES = Retries(5, frozenset(("ct", "rt", "4xx", "5xx")))
_MOST_WORDS = {"whatsapp": 4096, "messenger": 2000, "instagram": 1000}
_BUSY = {"whatsapp": (130429, "Rate limit hit"), "messenger": (613, "Calls to this api have exceeded the rate limit.")}


class Version(Convertor[str]):  # codespell:ignore
    """The version that every path begins with."""

    regex = r"v[0-9]+\.[0-9]+"

    def convert(self, value: str) -> str:
        """As it is."""
        return value

    def to_string(self, value: str) -> str:
        """As it is."""
        return value


register_url_convertor("graph", Version())


class MetaGraph:
    """Meta, as far as it sends and receives messages."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._silent: set[tuple[str, str]] = set()
        self._uploads: dict[str, str] = {}

    def routes(self) -> list[BaseRoute]:
        """Messages, uploads, and where media are told and handed out."""
        return [
            Route("/{version:graph}/{node}/messages", self._messages, methods=["POST"]),
            Route("/{version:graph}/{node}/media", self._upload, methods=["POST"]),
            Route("/{version:graph}/{medium}", self._tell_medium),
            Route("/whatsapp_business/attachments/", self._hand_out),
        ]

    async def start(self) -> None:
        """Nothing: HTTP is enough."""

    async def aclose(self) -> None:
        """Nothing to end."""

    # -- the API

    def _of(self, request: Request) -> Account | Response:
        """The account whose token this is; an error as Meta words it otherwise."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        for account in self._world.served("meta"):
            if hmac.compare_digest(token.encode(), account.settings["access_token"].encode()):
                proof = request.query_params.get("appsecret_proof", "")
                if proof and not hmac.compare_digest(proof.encode(), _proof(account).encode()):
                    return _error(400, 100, "Invalid appsecret_proof provided in the API argument")
                return account
        return _error(401, 190, "Invalid OAuth access token - Cannot parse access token")

    async def _messages(self, request: Request) -> Response:
        account = self._of(request)
        if isinstance(account, Response):
            return account
        if request.path_params["node"] not in ("me", account.settings.get("phone_number_id", account.address)):
            return _error(400, 100, "Unsupported post request. Object does not exist")
        message, file = await _read(request)
        whim = self._world.whims(account).next()
        fault = self._fault_of(account, message)
        busy = _BUSY.get(account.channel, _BUSY["messenger"])
        return await obey(
            whim,
            request,
            lambda status, headers: _error(status, *(busy if status == 429 else (2, "Service unavailable")), headers),
            lambda: fault or JSONResponse(self._take(account, message, file, whim.mode)),
        )

    def _fault_of(self, account: Account, message: dict[str, Any]) -> Response | None:
        """The error Meta would answer with, None where the message is fine."""
        if account.channel == "whatsapp":
            kind = message.get("type", "text")
            content = message.get(kind) or {}
            words, to = content.get("body", ""), message.get("to") or message.get("recipient")
            if message.get("messaging_product") != "whatsapp" or not to or not content:
                return _error(400, 131008, "Required parameter is missing")
            if kind in ("image", "audio", "video", "document") and content.get("id") not in self._uploads:
                return _error(400, 131053, "Media upload error")
        else:
            body = message.get("message") or {}
            words, to = body.get("text", ""), (message.get("recipient") or {}).get("id")
            if not to or not (words or body.get("attachment")):
                return _error(400, 100, "(#100) Param message must be non-empty")
            if (account.id, to) in self._silent and message.get("messaging_type") != "MESSAGE_TAG":
                return _error(400, 10, "(#10) This message is sent outside of allowed window.", subcode=2018278)
        length = len(words.encode()) if account.channel == "instagram" else len(words)
        if length > _MOST_WORDS[account.channel]:
            return _error(400, 100, f"Length of param must be less than or equal to {_MOST_WORDS[account.channel]}")
        return None

    def _take(self, account: Account, message: dict[str, Any], file: bytes | None, mode: str) -> dict[str, Any]:
        identity = f"{'wamid.' if account.channel == 'whatsapp' else 'm_'}{uuid4().hex}"
        line = _line(account, identity, message, file)
        self._world.take(account, line)
        is_late = (account.id, line["to"]) in self._silent and message.get("type") != "template"
        acts = after_sending(account, line, message, mode == "fail_delivery", is_late)
        webhooks = [_signed(account, delivery(account, each)) for each in acts]
        self._world.start(self._world.call_back(account, mode, webhooks, _RETRIES))
        if account.channel != "whatsapp":
            return {"recipient_id": line["to"], "message_id": identity}
        person = {"input": line["to"], ("wa_id" if "to" in message else "user_id"): line["to"]}
        return {"messaging_product": "whatsapp", "contacts": [person], "messages": [{"id": identity}]}

    # -- media

    async def _upload(self, request: Request) -> Response:
        account = self._of(request)
        if isinstance(account, Response):
            return account
        form, file = await _read(request)
        if file is None or form.get("messaging_product") != "whatsapp":
            return _error(400, 100, "(#100) The parameter file is required.")
        identity, _ = self._world.host({"content_type": form.get("type"), "data": base64.b64encode(file)})
        self._uploads[identity] = account.id
        return JSONResponse({"id": identity})

    async def _tell_medium(self, request: Request) -> Response:
        account, identity = self._of(request), request.path_params["medium"]
        if isinstance(account, Response):
            return account
        medium = self._world.media.get(identity)
        if medium is None:
            return _error(400, 100, "Unsupported get request. Object does not exist")
        told = {"id": identity, "messaging_product": "whatsapp", "mime_type": medium.content_type}
        told |= {"sha256": hashlib.sha256(medium.data).hexdigest(), "file_size": str(len(medium.data))}
        query = urlencode({"mid": identity, "ext": "1", "hash": "x"})
        return JSONResponse({**told, "url": f"{self._world.url}/whatsapp_business/attachments/?{query}"})

    async def _hand_out(self, request: Request) -> Response:
        account = self._of(request)
        if isinstance(account, Response):
            return account
        medium = self._world.media.get(request.query_params.get("mid", ""))
        return Response(medium.data, media_type=medium.content_type) if medium else Response(status_code=404)

    # -- customers

    async def inbound(self, account: Account, wish: dict[str, Any]) -> dict[str, Any]:
        """What a customer does, as Meta delivers it."""
        if wish.get("kind") == "verify":
            return await self._verify(account, wish)
        if wish.get("kind") == "silence":
            self._silent.add((account.id, wish["from"].lstrip("+")))
            return {"silent": True}
        self._silent.discard((account.id, wish["from"].lstrip("+")))
        media = [self._hosted(account, one) for one in wish.get("media") or []]
        acts = act(account, {**wish, "media": media})
        answer = await self._world.knock(account, _signed(account, delivery(account, *acts)), wish, _RETRIES)
        return {"id": acts[0].identity, **answer}

    def _hosted(self, account: Account, medium: dict[str, Any]) -> dict[str, Any]:
        """A customer's file: WhatsApp names it by id, the others by address."""
        if "url" in medium and account.channel != "whatsapp":
            return medium
        identity, _ = self._world.host(medium)
        return {**medium, "id": identity, "url": f"{self._world.url}/media/{identity}"}

    async def _verify(self, account: Account, wish: dict[str, Any]) -> dict[str, Any]:
        token = wish.get("token", account.settings["verify_token"])
        query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": token}
        webhook = Webhook(f"{account.public_url}?{urlencode(query)}", b"", {}, "GET")
        return await self._world.knock(account, webhook, wish, Retries())


def _line(account: Account, identity: str, message: dict[str, Any], file: bytes | None) -> dict[str, Any]:
    if account.channel == "whatsapp":
        kind = message["type"]
        to = message.get("to") or message["recipient"]
        words = message[kind].get("body") or message[kind].get("caption", "")
        context = (message.get("context") or {}).get("message_id")
        more = {"template": message["template"]} if kind == "template" else {}
    else:
        to, kind = message["recipient"]["id"], "text"
        words, context = message["message"].get("text", ""), (message.get("reply_to") or {}).get("mid")
        more = {"tag": message["tag"]} if "tag" in message else {}
        if attachment := message["message"].get("attachment"):
            kind = attachment["type"]
            more |= {"media_url": attachment.get("payload", {}).get("url")}
    more |= {"bytes": len(file)} if file is not None else {}
    return {"id": identity, "to": to.lstrip("+"), "body": words, "type": kind, "in_reply_to": context, **more}


async def _read(request: Request) -> tuple[dict[str, Any], bytes | None]:
    """The fields of a JSON body, or those of a form and its file. JSON within a form is read."""
    body, kind = await request.body(), request.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        return json.loads(body or b"{}"), None
    parsed = BytesParser(policy=HTTP).parsebytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + body)
    fields: dict[str, Any] = {}
    file = None
    for part in parsed.iter_parts():
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)  # noqa: S101  # a leaf, decoded
        if part.get_filename() is not None:
            file = data
            continue
        text = data.decode()
        fields[str(part.get_param("name", header="content-disposition"))] = (
            json.loads(text) if text[:1] == "{" else text
        )
    return fields, file


def _signed(account: Account, payload: dict[str, Any]) -> Webhook:
    body = json.dumps(payload, separators=(",", ":")).encode()
    signature = "sha256=" + hmac.new(account.secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "User-Agent": "facebookexternalua"}
    return Webhook(account.public_url, body, {**headers, "X-Hub-Signature-256": signature})


def _proof(account: Account) -> str:
    return hmac.new(account.secret.encode(), account.settings["access_token"].encode(), hashlib.sha256).hexdigest()


def _error(
    status: int, code: int, message: str, headers: dict[str, str] | None = None, subcode: int | None = None
) -> JSONResponse:
    error: dict[str, Any] = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": uuid4().hex[:11]}
    return JSONResponse({"error": error | ({"error_subcode": subcode} if subcode else {})}, status, headers)
