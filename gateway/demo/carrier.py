"""A carrier on this machine that speaks Twilio's REST API and webhooks, for the demonstration and the tests.

It is an edge of the system, so it shares nothing with it but Twilio's own library, which signs:

    python -m gateway.demo.carrier --port 9001 --account-sid AC… --auth-token … --log sent.jsonl --phone-of +1…

- `POST /2010-04-01/Accounts/{Sid}/Messages.json` and `GET …/Messages/{Sid}.json`, with Twilio's validation and
  errors (https://www.twilio.com/docs/messaging/api/message-resource). Each message taken is one line of the log.
- Status callbacks as documented (https://www.twilio.com/docs/messaging/guides/track-outbound-message-status),
  with the retries of https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides.
- `POST /control/inbound` writes as a customer; STOP and START are remembered as Twilio does.
- `POST /control/misbehave` breaks it on purpose; `GET /control/sent` lists what it took. Control has no
  password: the carrier binds 127.0.0.1 only.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hmac
import json
import os
import re
import signal
import socket
import struct
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from twilio.request_validator import RequestValidator
from uvicorn.protocols.http.h11_impl import H11Protocol

_API = "/2010-04-01/Accounts/{account}/Messages"
_E164 = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{3,6}")
_STOP = {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
_START = {"START", "UNSTOP", "YES"}
_MODES = {"none", "429", "500", "hang", "reset_before", "reset_after_accept"}
_MODES |= {"duplicate_callbacks", "reorder_callbacks", "no_callbacks", "fail_delivery"}

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


class Carrier:
    """Everything the carrier remembers."""

    def __init__(self, account_sid: str, auth_token: str, numbers: set[str], log: Path) -> None:
        self.account_sid, self.numbers = account_sid, numbers
        self.sent: list[dict[str, Any]] = []
        self.messages: dict[str, dict[str, Any]] = {}
        self.opted_out: set[tuple[str, str]] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.http = httpx2.AsyncClient(trust_env=False, timeout=httpx2.Timeout(15, connect=5))
        self._validator = RequestValidator(auth_token)
        self.authorization = b"Basic " + base64.b64encode(f"{account_sid}:{auth_token}".encode())
        self._log = log.open("a", encoding="utf-8")
        self.misbehave({"mode": "none"})

    async def aclose(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.http.aclose()
        self._log.close()

    def misbehave(self, wish: dict[str, Any]) -> None:
        self.misbehaviour = {"share": 1.0, "count": None, "retry_after": None, "owed": 0.0, **wish}

    def mode(self) -> str:
        """How to treat the request at hand; counts it. A share of 0.3 is three in ten, evenly spread."""
        wish = self.misbehaviour
        if wish["mode"] == "none" or wish["count"] == 0:
            return "none"
        wish["owed"] += wish["share"]
        if wish["owed"] < 0.999:
            return "none"
        wish["owed"] -= 1
        wish["count"] = None if wish["count"] is None else wish["count"] - 1
        return str(wish["mode"])

    def fault_of(self, form: dict[str, str]) -> int | None:
        """The error code Twilio would answer with, None where the message is fine."""
        to, sender, service = (form.get(name, "") for name in ("To", "From", "MessagingServiceSid"))
        checks = {
            21604: not to,
            21211: not _E164.fullmatch(to),
            21603: not (sender or service),
            21606: bool(sender and self.numbers and sender not in self.numbers),
            21602: not (form.get("Body") or form.get("MediaUrl")),
            21617: len(form.get("Body", "")) > 1600,
            21609: not form.get("StatusCallback", "http://").startswith(("http://", "https://")),
            21610: (service or sender, to) in self.opted_out,
        }
        return next((code for code, wrong in checks.items() if wrong), None)

    def take(self, form: dict[str, str], mode: str) -> dict[str, Any]:
        """Take the message: log it, answer for it, and start reporting."""
        sid, service = f"SM{uuid4().hex}", form.get("MessagingServiceSid")
        message, callback = self._resource(sid, form, service), form.get("StatusCallback")
        line = {"sid": sid, "to": form["To"], "from": message["from"], "body": message["body"]}
        line |= {"at": datetime.now(UTC).isoformat(), "status_callback": callback, "messaging_service_sid": service}
        self.messages[sid] = message
        self.sent.append(line)
        self._log.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._log.flush()
        self.tasks.add(task := asyncio.create_task(self._report(message, callback, mode)))
        task.add_done_callback(self.tasks.discard)
        return dict(message)

    def _resource(self, sid: str, form: dict[str, str], service: str | None) -> dict[str, Any]:
        uri, now = f"{_API.format(account=self.account_sid)}/{sid}", format_datetime(datetime.now(UTC))
        sender = form.get("From") or min(self.numbers, default=None)
        return {
            "sid": sid, "account_sid": self.account_sid, "messaging_service_sid": service,
            "to": form["To"], "from": sender, "body": form.get("Body", ""),
            "status": "accepted" if service else "queued", "direction": "outbound-api", "api_version": "2010-04-01",
            "num_segments": "0" if service else "1", "num_media": "1" if form.get("MediaUrl") else "0",
            "date_created": now, "date_updated": now, "date_sent": None, "price": None, "price_unit": "USD",
            "error_code": None, "error_message": None, "uri": f"{uri}.json",
            "subresource_uris": {"media": f"{uri}/Media.json"},
        }  # fmt: skip

    async def _report(self, message: dict[str, Any], callback: str | None, mode: str) -> None:
        statuses = ["queued", "sent", "undelivered" if mode == "fail_delivery" else "delivered"]
        for status in reversed(statuses) if mode == "reorder_callbacks" else statuses:
            message["status"] = statuses[-1] if mode == "reorder_callbacks" else status
            form = {"MessageStatus": status, "SmsStatus": status, "MessageSid": message["sid"]}
            form |= {"SmsSid": message["sid"], "AccountSid": self.account_sid, "ApiVersion": "2010-04-01"}
            form |= {"To": message["to"], "From": message["from"] or ""}
            form |= {"MessagingServiceSid": service} if (service := message["messaging_service_sid"]) else {}
            if status == "undelivered":
                message["error_code"], form["ErrorCode"] = 30003, "30003"
            for _ in range(0 if mode == "no_callbacks" or not callback else 2 if mode == "duplicate_callbacks" else 1):
                await self.post(callback or "", form)

    async def post(self, url: str, form: dict[str, str], algorithm: str | None = None) -> dict[str, Any]:
        """One signed webhook with Twilio's retries; the last answer, status None where none ever came."""
        target, _, fragment = url.partition("#")
        overrides = {"rc": "1", "rp": "ct", **dict(parse_qsl(fragment))}
        policy, tries = set(overrides["rp"].split(",")), 1 + min(int(overrides["rc"]), 5)
        headers = {"X-Twilio-Signature": self._validator.compute_signature(target, form, algorithm)}
        headers |= {"User-Agent": "TwilioProxy/1.1", "I-Twilio-Idempotency-Token": str(uuid4())}
        if algorithm:
            headers["X-Twilio-Webhooks-Signature-Settings"] = f"key=webhooks_sharedkey_demo,algorithm={algorithm}"
        give_up_at = time.monotonic() + 15  # the documented total over all tries
        for attempt in range(tries):
            answer: dict[str, Any] = {"status": None, "body": ""}
            try:
                response = await self.http.post(target, data=form, headers=headers)
                answer = {"status": response.status_code, "body": response.text}
                failure = f"{response.status_code // 100}xx" if response.status_code >= 400 else ""
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                failure = "ct"
            except httpx2.HTTPError:
                failure = "rt"
            if not failure or not policy & {failure, "all"} or time.monotonic() > give_up_at:
                break
            await asyncio.sleep(0.1 * 2**attempt)
        return answer

    async def inbound(self, wish: dict[str, Any]) -> dict[str, Any]:
        """A customer's message, as Twilio delivers it."""
        sid, media = wish.get("sid") or f"SM{uuid4().hex}", wish.get("media") or []
        body = wish.get("body", "")
        form = {"ToCountry": "US", "FromCountry": "US", "SmsStatus": "received", "NumMedia": str(len(media))}
        form |= {"MessageSid": sid, "SmsMessageSid": sid, "SmsSid": sid, "AccountSid": self.account_sid}
        form |= {"From": wish["from"], "To": wish["to"], "Body": body, "ApiVersion": "2010-04-01"}
        for index, one in enumerate(media):
            form |= {f"MediaUrl{index}": one["url"], f"MediaContentType{index}": one["content_type"]}
        form |= wish.get("extra") or {}
        pairs = {(wish["to"], wish["from"]), (form.get("MessagingServiceSid", wish["to"]), wish["from"])}
        if (word := body.strip().upper()) in _STOP | _START:
            self.opted_out = self.opted_out | pairs if word in _STOP else self.opted_out - pairs
        return {"sid": sid, **await self.post(wish["url"], form, wish.get("algorithm"))}


class Abortable(H11Protocol):
    """Lets the application tear its own connection down, as a broken network does."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def _error(code: int, headers: dict[str, str] | None = None) -> JSONResponse:
    (status, message), more = _ERRORS[code], f"https://www.twilio.com/docs/errors/{code}"
    return JSONResponse({"code": code, "message": message, "more_info": more, "status": status}, status, headers)


def _reset(request: Request) -> Response:
    transport = request.scope["state"]["transport"]
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    return Response()


async def messages(request: Request) -> Response:
    carrier: Carrier = request.app.state.carrier
    if not hmac.compare_digest(request.headers.get("authorization", "").encode(), carrier.authorization):
        return _error(20003)
    message = carrier.messages.get(request.path_params.get("message", ""))
    if request.path_params["account"] != carrier.account_sid or (request.method == "GET" and not message):
        return _error(20404)
    return JSONResponse(message) if request.method == "GET" else await _create(request, carrier)


async def _create(request: Request, carrier: Carrier) -> Response:
    form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
    mode = carrier.mode()
    if mode in ("429", "500"):
        seconds = carrier.misbehaviour["retry_after"]
        return _error(20429 if mode == "429" else 20500, {"Retry-After": str(seconds)} if seconds is not None else {})
    if mode == "reset_before":
        return _reset(request)
    if mode == "hang":
        with suppress(asyncio.CancelledError):  # the server ends
            while (await request.receive())["type"] != "http.disconnect":
                pass
        return Response()
    if fault := carrier.fault_of(form):
        return _error(fault)
    taken = carrier.take(form, mode)
    return _reset(request) if mode == "reset_after_accept" else JSONResponse(taken, 201)


async def control(request: Request) -> Response:
    carrier: Carrier = request.app.state.carrier
    if request.method == "GET":
        return JSONResponse({"items": carrier.sent})
    wish = await request.json()
    if request.url.path == "/control/inbound":
        return JSONResponse(await carrier.inbound(wish))
    if wish.get("mode") not in _MODES:
        return JSONResponse({"error": f"mode is one of {', '.join(sorted(_MODES))}"}, 400)
    carrier.misbehave(wish)
    return JSONResponse(wish)


def create_app(options: argparse.Namespace) -> Starlette:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.carrier = Carrier(options.account_sid, options.auth_token, set(options.phone_of), options.log)
        yield
        await app.state.carrier.aclose()

    routes = [
        Route(f"{_API}.json", messages, methods=["POST"]),
        Route(f"{_API}/{{message}}.json", messages),
        *(Route(f"/control/{verb}", control, methods=["POST"]) for verb in ("inbound", "misbehave")),
        Route("/control/sent", control),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="carrier", description="Speaks Twilio's API, on this machine.")
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one; it is named on standard output")
    parser.add_argument("--account-sid", required=True)
    parser.add_argument("--auth-token", required=True)
    parser.add_argument("--log", type=Path, default=os.devnull, help="one JSON line per message taken")
    parser.add_argument("--phone-of", action="append", default=[], help="a number of the account; repeatable")
    options = parser.parse_args(arguments)
    config = uvicorn.Config(create_app(options), http=Abortable, log_level="warning", timeout_graceful_shutdown=1)
    server, listening = uvicorn.Server(config), socket.create_server(("127.0.0.1", options.port))
    # uvicorn stops on SIGTERM and then raises it again; ours makes that an ordinary end, and counts before it listens.
    signal.signal(signal.SIGTERM, lambda *_: setattr(server, "should_exit", True))
    sys.stdout.write(f"carrier listening on http://127.0.0.1:{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    server.run(sockets=[listening])


if __name__ == "__main__":
    main()
