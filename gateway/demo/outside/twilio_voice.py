"""Twilio's calls: it executes the TwiML it is answered with, and plays callers and whoever is called.

- `POST …/Calls.json`, `GET|POST …/Calls/{Sid}.json` (https://www.twilio.com/docs/voice/api/call-resource),
  `POST …/Conferences/{Sid}/Participants/{CallSid}.json`
  (https://www.twilio.com/docs/voice/api/conference-participant-resource), `POST …/Calls/{Sid}/Recordings[/{Sid}].json`
  and `GET …/Recordings/{Sid}` (https://www.twilio.com/docs/voice/api/recording).
- Wishes, by `POST /control/inbound`:
    {"kind": "call", "from", "person"?: {…}}     somebody calls; `person` as `twilio_line.Person` has it
    {"kind": "line", "address", "person": {…}}   whoever is called there behaves so from now on
    {"kind": "people", "address", "persons": […]}  one after the other, the last for ever
    {"kind": "pace", "pace"?, "late"?, "twice"?} how long a second lasts; how late reports are at most, how many twice
    {"kind": "hang_up", "sid"}                   the person on this line hangs up
    {"kind": "calls"}                            every line, every conference, every fault so far
"""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin
from uuid import uuid4

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from twilio.request_validator import RequestValidator

from gateway.demo.outside.twilio_line import OVER, Line, Person
from gateway.demo.outside.twilio_messaging import _authorization, _retries, _sid_of
from gateway.demo.outside.twilio_room import Form, Room
from gateway.demo.outside.twilio_twiml import TwimlFault
from gateway.demo.outside.whims import obey
from gateway.demo.outside.world import Account, Webhook, World

_API = "/2010-04-01/Accounts/{account}"
_CALL = "/Calls/{call}.json"
_CREATE = frozenset(
    ("To", "From", "Url", "Method", "StatusCallback", "StatusCallbackMethod", "StatusCallbackEvent", "Timeout")
)
_ERRORS = {
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    21201: (400, "No 'To' number is specified"),
    21205: (400, "Url parameter is required"),
    21210: (400, "'From' phone number not verified"),
    21220: (400, "Call is not in-progress. Cannot redirect."),
}
_SOUND = b"ID3\x04\x00\x00\x00\x00\x00\x00" + b"\xff\xfb\x90\x00" * 64


class TwilioVoice:
    """Twilio, as far as it carries calls."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.pace = 1.0
        self.rooms: dict[str, Room] = {}
        self.faults: list[str] = []
        self._lines: dict[str, Line] = {}
        self._people: dict[str, list[Person]] = {}
        self._sounds: set[str] = set()
        self._late = self._twice = 0.0
        self._chance = random.Random(20240607)  # noqa: S311  # a run can be repeated

    def routes(self) -> list[BaseRoute]:
        """Calls, conferences, recordings."""
        participant = "/Conferences/{conference}/Participants/{call}.json"
        return [
            Route(f"{_API}/Calls.json", self._create, methods=["POST"]),
            Route(f"{_API}{_CALL}", self._call, methods=["GET", "POST"]),
            Route(f"{_API}/Calls/{{call}}/Recordings.json", self._start_recording, methods=["POST"]),
            Route(f"{_API}/Calls/{{call}}/Recordings/{{recording}}.json", self._change_recording, methods=["POST"]),
            Route(f"{_API}{participant}", self._participant, methods=["POST"]),
            Route(f"{_API}/Recordings/{{recording}}", self._sound),
        ]

    async def start(self) -> None:
        """Nothing: HTTP is enough."""

    async def aclose(self) -> None:
        """Nothing: calls end with the process."""

    # --- what lines need (`twilio_line.Switch`) ---

    def timestamp(self) -> str:
        """As Twilio writes times."""
        return format_datetime(datetime.now(UTC))

    def report(self, account: Account, url: str, form: Form) -> None:
        """Tell what happened; late and twice where that is wished."""
        form = {"AccountSid": _sid_of(account), **form}
        for _ in range(2 if self._chance.random() < self._twice else 1):
            self._world.start(self._deliver(account, url, form, self._chance.uniform(0, self._late)))

    async def _deliver(self, account: Account, url: str, form: Form, seconds: float) -> None:
        if seconds:
            await asyncio.sleep(seconds)
        await self._world.deliver(signed(account, url, form), _retries(url))

    async def ask(self, account: Account, url: str, form: Form) -> str:
        """Ask what is to be heard; anything but TwiML is what a caller hears as an error."""
        answer = await self._world.deliver(signed(account, urljoin(account.public_url, url), form), _retries(url))
        if answer.status != 200:
            raise TwimlFault(f"11200: answered {answer.status}")
        return answer.body

    def record(self, line: Line, seconds: int) -> str:
        """A recording's id and address."""
        sid = f"RE{uuid4().hex}"
        self._sounds.add(sid)
        return f"{sid}|{self._world.url}{_API.format(account=_sid_of(line.account))}/Recordings/{sid}"

    # --- wishes ---

    async def inbound(self, account: Account, wish: dict[str, Any]) -> dict[str, Any]:
        """A customer calls, or whoever is called is told how to behave."""
        match wish.get("kind", "call"):
            case "call":
                return await self._incoming(account, wish)
            case "line":
                self._people[wish["address"]] = [msgspec.convert(wish["person"], Person)]
            case "people":
                self._people[wish["address"]] = msgspec.convert(wish["persons"], list[Person])
            case "pace":
                self.pace = wish.get("pace", self.pace)
                self._late, self._twice = wish.get("late", self._late), wish.get("twice", self._twice)
            case "hang_up":
                self._lines[wish["sid"]].end()
            case "calls":
                return self._told()
            case other:
                raise ValueError(f"no such kind: {other}")
        return {}

    async def _incoming(self, account: Account, wish: dict[str, Any]) -> dict[str, Any]:
        form = {"Direction": "inbound", "From": wish["from"], "To": account.address}
        form |= {"StatusCallback": f"{account.public_url}/status#rc=5&rp=all"}
        line = Line(self, account, msgspec.convert(wish.get("person") or {}, Person), form)
        self._lines[line.sid] = line
        line.status = "ringing"
        line.go(account.public_url)
        return {"sid": line.sid}

    def _told(self) -> dict[str, Any]:
        lines = [
            {"sid": line.sid, "direction": line.direction, "from": line.caller, "to": line.called,
             "status": line.status, "heard": line.heard, "history": line.history}
            for line in self._lines.values()
        ]  # fmt: skip
        rooms = [
            {"name": room.name, "sid": room.sid, "over": room.over, "met": sorted(sorted(pair) for pair in room.met),
             "there": {seat.line.sid: {"hold": seat.hold, "muted": seat.muted, "coach": seat.coach}
                       for seat in room.seats.values()}}
            for room in self.rooms.values()
        ]  # fmt: skip
        return {"lines": lines, "rooms": rooms, "faults": self.faults}

    # --- the API ---

    def _account(self, request: Request) -> Account | None:
        given = request.headers.get("authorization", "").encode()
        return next(
            (
                account
                for account in self._world.served("twilio", "voice")
                if given == _authorization(account) and _sid_of(account) == request.path_params["account"]
            ),
            None,
        )

    async def _create(self, request: Request) -> Response:
        account, form = self._account(request), await _form(request)
        if account is None:
            return _error(20003)
        strange = set(form) - _CREATE
        if strange:
            self.faults.append(f"Calls.create: unknown {sorted(strange)}")
        fault = next(
            (
                code
                for code, wrong in (
                    (21201, not form.get("To")),
                    (21205, not form.get("Url")),
                    (21210, form.get("From") != account.address),
                )
                if wrong
            ),
            None,
        )
        whim = self._world.whims(account).next()
        return await obey(
            whim,
            request,
            lambda status, headers: _error({429: 20429, 500: 20500}[status], headers),
            lambda: _error(fault) if fault else self._dial(account, form),
        )

    def _dial(self, account: Account, form: Form) -> Response:
        people = self._people.get(form["To"]) or [Person(digits="1" * 9)]
        person = people.pop(0) if len(people) > 1 else people[0]
        line = Line(self, account, person, {**form, "Direction": "outbound-api"})
        self._lines[line.sid] = line
        self._world.take(account, {"id": line.sid, "to": form["To"], "body": "", "kind": "call"})
        self._world.start(line.ring())
        return JSONResponse(_resource(line), 201)

    async def _call(self, request: Request) -> Response:
        if self._account(request) is None:
            return _error(20003)
        line = self._lines.get(request.path_params["call"])
        if line is None:
            return _error(20404)
        form = await _form(request) if request.method == "POST" else {}
        if form and line.status in OVER:
            return _error(21220)
        if form.get("Status") in ("completed", "canceled"):
            line.end("completed" if line.status == "in-progress" else "canceled")
        elif form.get("Url"):
            if line.status != "in-progress":
                return _error(21220)
            line.go(form["Url"])
        return JSONResponse(_resource(line))

    async def _start_recording(self, request: Request) -> Response:
        line = self._lines.get(request.path_params["call"])
        if self._account(request) is None or line is None:
            return _error(20404)
        if line.status != "in-progress":
            return _error(21220)
        form = await _form(request)
        sid = self.record(line, 0).partition("|")[0]
        line.recordings[sid] = form.get("RecordingStatusCallback", "")
        return JSONResponse({"sid": sid, "call_sid": line.sid, "status": "in-progress"}, 201)

    async def _change_recording(self, request: Request) -> Response:
        line = self._lines.get(request.path_params["call"])
        if self._account(request) is None or line is None or not line.recordings:
            return _error(20404)
        form, sid = await _form(request), request.path_params["recording"]
        sid = next(iter(line.recordings)) if sid == "Twilio.CURRENT" else sid
        line.note(f"recording {form['Status']}")
        return JSONResponse({"sid": sid, "call_sid": line.sid, "status": form["Status"]})

    async def _participant(self, request: Request) -> Response:
        sid, call = request.path_params["conference"], request.path_params["call"]
        room = next((room for room in self.rooms.values() if room.sid == sid), None)
        if self._account(request) is None or room is None or call not in room.seats:
            return _error(20404)
        form = await _form(request)
        room.change(call, form)
        seat = room.seats[call]
        return JSONResponse({"call_sid": call, "conference_sid": sid, "hold": seat.hold, "muted": seat.muted})

    async def _sound(self, request: Request) -> Response:
        if request.path_params["recording"].partition(".")[0] not in self._sounds:
            return _error(20404)
        return Response(_SOUND, media_type="audio/mpeg")


def signed(account: Account, url: str, form: Form) -> Webhook:
    """A webhook, signed by Twilio's own library."""
    target = url.partition("#")[0]
    signature = RequestValidator(account.secret).compute_signature(target, form)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
    headers |= {"User-Agent": "TwilioProxy/1.1", "I-Twilio-Idempotency-Token": str(uuid4())}
    return Webhook(target, urlencode(form).encode(), headers)


async def _form(request: Request) -> Form:
    pairs = parse_qsl((await request.body()).decode(), keep_blank_values=True)
    found: Form = {}
    for name, value in pairs:  # repeated ones are a list
        found[name] = f"{found[name]} {value}" if name in found else value
    return found


def _resource(line: Line) -> dict[str, Any]:
    status = line.status if line.status != "initiated" else "queued"
    return {"sid": line.sid, "status": status, "to": line.called, "from": line.caller, "direction": line.direction}


def _error(code: int, headers: dict[str, str] | None = None) -> Response:
    (status, message), more = _ERRORS[code], f"https://www.twilio.com/docs/errors/{code}"
    return JSONResponse({"code": code, "message": message, "more_info": more, "status": status}, status, headers)
