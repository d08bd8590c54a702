"""Twilio's messaging: SMS, MMS and WhatsApp, signed by Twilio's own library.

- `POST /2010-04-01/Accounts/{Sid}/Messages.json` and `GET …/Messages/{Sid}.json`, with Twilio's validation and
  errors (https://www.twilio.com/docs/messaging/api/message-resource).
- Status callbacks (https://www.twilio.com/docs/messaging/guides/track-outbound-message-status), with the retries of
  https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides.
- A customer's media behind the account's credentials, which redirect to where they lie
  (https://www.twilio.com/docs/messaging/api/media-resource); media of ours are fetched from their address.
- STOP and START of a text message are remembered as Twilio does; on WhatsApp they are words like others.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import uuid4

import httpx2
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from twilio.request_validator import RequestValidator

from gateway.demo.outside.whims import Whim, obey
from gateway.demo.outside.world import Account, Retries, Webhook, World

_API = "/2010-04-01/Accounts/{account}/Messages"
_TO = re.compile(r"(whatsapp:)?(\+[1-9][0-9]{6,14}|[0-9]{3,6})")
_STOP = {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
_START = {"START", "UNSTOP", "YES"}

_ERRORS = {
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    21211: (400, "Invalid 'To' Phone Number"),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The 'From' phone number is not a valid, message-capable phone number of this account"),
    21609: (400, "The 'StatusCallback' URL is not a valid URL"),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit."),
}
Form = dict[str, str]


class TwilioMessaging:
    """Twilio, as far as it sends and receives messages."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._messages: dict[str, dict[str, Any]] = {}
        self._opted_out: set[tuple[str, str]] = set()

    def routes(self) -> list[BaseRoute]:
        """Messages and their media."""
        return [
            Route(f"{_API}.json", self._create, methods=["POST"]),
            Route(f"{_API}/{{message}}.json", self._fetch),
            Route(f"{_API}/{{message}}/Media/{{medium}}", self._medium),
        ]

    async def start(self) -> None:
        """Nothing: HTTP is enough."""

    async def aclose(self) -> None:
        """Nothing to end."""

    # -- the API

    def _of(self, request: Request) -> list[Account]:
        """The accounts of these credentials: Twilio's account has many addresses."""
        given = request.headers.get("authorization", "").encode()
        return [
            account
            for account in self._world.served("twilio")
            if hmac.compare_digest(given, _authorization(account))
            and _sid_of(account) == request.path_params["account"]
        ]

    async def _fetch(self, request: Request) -> Response:
        if not self._of(request):
            return _error(20003)
        message = self._messages.get(request.path_params["message"])
        return JSONResponse(message) if message else _error(20404)

    async def _medium(self, request: Request) -> Response:
        identity = request.path_params["medium"]
        if not self._of(request):
            return _error(20003)
        return RedirectResponse(f"{self._world.url}/media/{identity[2:]}", 307)

    async def _create(self, request: Request) -> Response:
        accounts = self._of(request)
        if not accounts:
            return _error(20003)
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        account = _sender(accounts, form)
        whim = self._world.whims(account).next()
        fault = self._fault_of(form, accounts)
        return await obey(
            whim,
            request,
            lambda status, headers: _error({429: 20429, 500: 20500}[status], headers),
            lambda: _error(fault) if fault else JSONResponse(self._take(account, form, whim), 201),
        )

    def _fault_of(self, form: Form, accounts: list[Account]) -> int | None:
        """The error code Twilio would answer with, None where the message is fine."""
        to, sender, service = (form.get(name, "") for name in ("To", "From", "MessagingServiceSid"))
        numbers = {account.address for account in accounts} | {f"whatsapp:{account.address}" for account in accounts}
        checks = {
            21604: not to,
            21211: not _TO.fullmatch(to),
            21603: not (sender or service),
            21606: bool(sender) and sender not in numbers,
            21602: not (form.get("Body") or form.get("MediaUrl") or form.get("ContentSid")),
            21617: len(form.get("Body", "")) > 1600,
            21609: not form.get("StatusCallback", "http://").startswith(("http://", "https://")),
            21610: (service or sender, to) in self._opted_out,
        }
        return next((code for code, wrong in checks.items() if wrong), None)

    def _take(self, account: Account, form: Form, whim: Whim) -> dict[str, Any]:
        sid, service = f"SM{uuid4().hex}", form.get("MessagingServiceSid")
        message = self._messages[sid] = _resource(sid, account, form, service)
        line = {"id": sid, "sid": sid, "to": form["To"], "from": message["from"], "body": message["body"]}
        line |= {"status_callback": form.get("StatusCallback"), "messaging_service_sid": service}
        line |= {"media_url": form.get("MediaUrl"), "content_sid": form.get("ContentSid"), "whim": whim.mode}
        self._world.take(account, line)
        self._world.start(self._after(account, message, form, whim.mode))
        return dict(message)

    async def _after(self, account: Account, message: dict[str, Any], form: Form, mode: str) -> None:
        """Fetch what is to be sent along, then report."""
        fetched = await self._fetched(message["sid"], form.get("MediaUrl"))
        statuses = ["queued", "sent", "undelivered" if mode == "fail_delivery" or not fetched else "delivered"]
        if message["to"].startswith("whatsapp:") and statuses[-1] == "delivered":
            statuses.append("read")
        message["status"] = statuses[-1]
        message["error_code"] = None if fetched else 63019
        callback = form.get("StatusCallback")
        if not callback:
            return
        failure = "30003" if fetched else "63019"
        webhooks = [self._signed(account, callback, _status(account, message, status, failure)) for status in statuses]
        await self._world.call_back(account, mode, webhooks, _retries(callback))

    async def _fetched(self, sid: str, url: str | None) -> bool:
        if not url:
            return True
        try:
            response = await self._world.http.get(url)
        except httpx2.HTTPError:
            return False
        taken = {"url": url, "bytes": len(response.content), "sha256": hashlib.sha256(response.content).hexdigest()}
        taken["content_type"] = response.headers.get("content-type", "")
        next(line for line in reversed(self._world.sent) if line["id"] == sid)["media"] = [taken]
        return response.status_code == 200

    # -- customers

    async def inbound(self, account: Account, wish: dict[str, Any]) -> dict[str, Any]:
        """A customer's message, as Twilio delivers it. `extra` adds or replaces fields, `url` the address."""
        prefix = "whatsapp:" if account.channel == "whatsapp" else ""
        sid, media = wish.get("sid") or f"SM{uuid4().hex}", wish.get("media") or []
        sender, to, body = (
            f"{prefix}{wish['from']}",
            f"{prefix}{wish.get('to') or account.address}",
            wish.get("body", ""),
        )
        form = {"ToCountry": "US", "FromCountry": "US", "SmsStatus": "received", "NumMedia": str(len(media))}
        form |= {"MessageSid": sid, "SmsMessageSid": sid, "SmsSid": sid, "AccountSid": _sid_of(account)}
        form |= {"From": sender, "To": to, "Body": body, "ApiVersion": "2010-04-01"}
        if prefix:
            form |= {"ProfileName": wish.get("name", ""), "WaId": wish["from"].lstrip("+"), "MessageType": "text"}
        for index, one in enumerate(media):
            form |= {f"MediaUrl{index}": one.get("url") or self._hosted(account, sid, one)}
            form |= {f"MediaContentType{index}": one["content_type"]}
        form |= wish.get("extra") or {}
        if not prefix:  # the words are the carriers', and WhatsApp has none
            self._obey_word(form, body.strip().upper())
        url = wish.get("url") or f"{account.public_url}#rc=5&rp=all"
        webhook = self._signed(account, url, form, wish.get("algorithm"))
        return {"sid": sid, **await self._world.knock(account, webhook, wish, _retries(url))}

    def _hosted(self, account: Account, sid: str, medium: dict[str, Any]) -> str:
        identity, _ = self._world.host(medium)
        return f"{self._world.url}{_API.format(account=_sid_of(account))}/{sid}/Media/ME{identity}"

    def _obey_word(self, form: Form, word: str) -> None:
        pairs = {(form["To"], form["From"]), (form.get("MessagingServiceSid", form["To"]), form["From"])}
        if word in _STOP | _START:
            self._opted_out = self._opted_out | pairs if word in _STOP else self._opted_out - pairs

    # -- signing

    def _signed(self, account: Account, url: str, form: Form, algorithm: str | None = None) -> Webhook:
        target = url.partition("#")[0]
        signature = RequestValidator(account.secret).compute_signature(target, form, algorithm)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
        headers |= {"User-Agent": "TwilioProxy/1.1", "I-Twilio-Idempotency-Token": str(uuid4())}
        if algorithm:
            headers["X-Twilio-Webhooks-Signature-Settings"] = f"key=webhooks_sharedkey_demo,algorithm={algorithm}"
        return Webhook(target, urlencode(form).encode(), headers)


def _sid_of(account: Account) -> str:
    return account.settings["account_sid"]


def _authorization(account: Account) -> bytes:
    return b"Basic " + base64.b64encode(f"{_sid_of(account)}:{account.secret}".encode())


def _sender(accounts: list[Account], form: Form) -> Account:
    """The account whose address it is sent from; a Messaging Service is the first's."""
    channel = "whatsapp" if form.get("To", "").startswith("whatsapp:") else "sms"
    sender = form.get("From", "").removeprefix("whatsapp:")
    fitting = [account for account in accounts if account.channel == channel] or accounts
    return next((account for account in fitting if account.address == sender), fitting[0])


def _retries(url: str) -> Retries:
    """The connection overrides in the address's fragment; Twilio gives up after 15 s in all."""
    overrides = {"rc": "1", "rp": "ct", **dict(parse_qsl(url.partition("#")[2]))}
    policy = set(overrides["rp"].split(","))
    after = {"ct", "rt", "4xx", "5xx"} if "all" in policy else policy
    return Retries(1 + min(int(overrides["rc"]), 5), frozenset(after))


def _resource(sid: str, account: Account, form: Form, service: str | None) -> dict[str, Any]:
    uri, now = f"{_API.format(account=_sid_of(account))}/{sid}", format_datetime(datetime.now(UTC))
    return {
        "sid": sid, "account_sid": _sid_of(account), "messaging_service_sid": service,
        "to": form["To"], "from": form.get("From") or account.address, "body": form.get("Body", ""),
        "status": "accepted" if service else "queued", "direction": "outbound-api", "api_version": "2010-04-01",
        "num_segments": "0" if service else "1", "num_media": "1" if form.get("MediaUrl") else "0",
        "date_created": now, "date_updated": now, "date_sent": None, "price": None, "price_unit": "USD",
        "error_code": None, "error_message": None, "uri": f"{uri}.json",
        "subresource_uris": {"media": f"{uri}/Media.json"},
    }  # fmt: skip


def _status(account: Account, message: dict[str, Any], status: str, failure: str) -> Form:
    form = {"MessageStatus": status, "SmsStatus": status, "MessageSid": message["sid"], "SmsSid": message["sid"]}
    form |= {"AccountSid": _sid_of(account), "ApiVersion": "2010-04-01"}
    form |= {"To": message["to"], "From": message["from"] or ""}
    form |= {"MessagingServiceSid": service} if (service := message["messaging_service_sid"]) else {}
    return form | ({"ErrorCode": failure} if status == "undelivered" else {})


def _error(code: int, headers: dict[str, str] | None = None) -> JSONResponse:
    (status, message), more = _ERRORS[code], f"https://www.twilio.com/docs/errors/{code}"
    return JSONResponse({"code": code, "message": message, "more_info": more, "status": status}, status, headers)
