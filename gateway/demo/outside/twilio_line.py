"""A line: one call at Twilio, and whoever is at its other end. It executes the TwiML it is answered with."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Protocol
from uuid import uuid4

from msgspec import Struct

from gateway.demo.outside.twilio_room import Form, Room
from gateway.demo.outside.twilio_twiml import WAITING, TwimlFault, Verb, read
from gateway.demo.outside.world import Account

OVER = frozenset(("completed", "busy", "failed", "no-answer", "canceled"))
SAY_SECONDS = 1.0
PLAY_SECONDS = 5.0


class Person(Struct, frozen=True):
    """Who is at the other end. Seconds are those of the caller's world; `switch.pace` says how long they take here.

    `answer`: answered, no-answer, busy, failed. `after`: rings this long. `digits`: pressed when asked. `patience`:
    hangs up after so many seconds in all; `talk`: after so many since meeting somebody. `speaks`: on a voicemail.
    """

    answer: str = "answered"
    after: float = 1.0
    digits: str = ""
    patience: float | None = None
    talk: float | None = None
    speaks: float = 8.0


class Switch(Protocol):
    """What a line needs of its provider."""

    pace: float
    rooms: dict[str, Room]
    faults: list[str]

    def timestamp(self) -> str: ...
    def report(self, account: Account, url: str, form: Form) -> None: ...
    async def ask(self, account: Account, url: str, form: Form) -> str: ...
    def record(self, line: Line, seconds: int) -> str: ...


class Line:
    """One call."""

    def __init__(self, switch: Switch, account: Account, person: Person, form: Form) -> None:
        self.sid = f"CA{uuid4().hex}"
        self.account, self.person = account, person
        self.direction = form["Direction"]
        self.caller, self.called = form["From"], form["To"]
        self.status = "queued"
        self.url = form.get("Url", "")
        self.callback, self.events = (
            form.get("StatusCallback", ""),
            form.get("StatusCallbackEvent", "completed").split(),
        )
        self.timeout = float(form.get("Timeout", "60"))
        self.room: Room | None = None
        self.heard: list[str] = []
        self.history: list[tuple[float, str]] = []
        self.recordings: dict[str, str] = {}
        self._switch = switch
        self._digits = list(person.digits)
        self._program: asyncio.Task[None] | None = None
        self._person: asyncio.Task[None] | None = None
        self._action: str | None = None
        self._recording: Callable[[], Any] | None = None
        self.note("new")

    def note(self, what: str) -> None:
        """Remember when something happened."""
        self.history.append((time.monotonic(), what))

    async def sleep(self, seconds: float) -> None:
        """So many of the caller's seconds."""
        await asyncio.sleep(seconds * self._switch.pace)

    # --- from ringing to the end ---

    async def ring(self) -> None:
        """An outgoing call: rings, and is answered or not."""
        self.move("initiated")
        await self.sleep(0.2)
        self.move("ringing")
        if self.person.answer == "answered" and self.person.after <= self.timeout:
            await self.sleep(self.person.after)
            if self.status not in OVER:
                self.go(self.url)
            return
        await self.sleep(self.timeout if self.person.answer in ("answered", "no-answer") else self.person.after)
        if self.status not in OVER:
            self.end("no-answer" if self.person.answer == "answered" else self.person.answer)

    def go(self, url: str) -> None:
        """Answered, or sent elsewhere: from now on this document is executed."""
        if self.status != "in-progress" and self.direction != "inbound":
            self.move("in-progress")
        self._stop()
        self._program = asyncio.create_task(self._run(url))
        if self._person is None:
            self._person = asyncio.create_task(self._live())

    def end(self, status: str = "completed") -> None:
        """Whoever hung up, it is over."""
        if self.status in OVER:
            return
        action, recording = self._action, self._recording
        self._stop()
        self.move(status)
        if recording is not None:
            recording()
        if action is not None:  # whoever waits for the answer is gone
            self._switch.report(self.account, action, self.fields() | {"DialCallStatus": "completed"})
        for sid in list(self.recordings):
            self.stop_recording(sid)
        if self._person is not None and self._person is not asyncio.current_task():
            self._person.cancel()

    def stop_recording(self, sid: str) -> None:
        """A recording of the call is there."""
        callback = self.recordings.pop(sid)
        form = self.fields() | {"RecordingSid": sid, "RecordingStatus": "completed", "RecordingDuration": "7"}
        form |= {"RecordingUrl": self._switch.record(self, 7).partition("|")[2], "RecordingChannels": "2"}
        self._switch.report(self.account, callback, form)

    def move(self, status: str) -> None:
        """A new status, and its report."""
        self.status = {"initiated": "queued"}.get(status, status)
        self.note(status)
        name = {"in-progress": "answered"}.get(status, "completed" if status in OVER else status)
        if self.callback and name in self.events:
            shown = {"CallStatus": status, "Timestamp": format_datetime(datetime.now(UTC)), "CallDuration": "1"}
            shown |= {"SequenceNumber": str(len(self.history)), "CallbackSource": "call-progress-events"}
            self._switch.report(self.account, self.callback, self.fields() | shown)

    def fields(self) -> Form:
        """What every request about this call carries."""
        return {
            "CallSid": self.sid, "AccountSid": self.account.settings["account_sid"], "From": self.caller,
            "To": self.called, "Caller": self.caller, "Called": self.called, "CallStatus": self.status,
            "ApiVersion": "2010-04-01", "Direction": self.direction,
        }  # fmt: skip

    def _stop(self) -> None:
        self._action = self._recording = None
        if self._program is not None and self._program is not asyncio.current_task():
            self._program.cancel()
        if self.room is not None:
            self.room.leave(self)
            self.room = None

    async def _live(self) -> None:
        """The person: hangs up when they have had enough, or have said what they had to say."""
        began, met_at = time.monotonic(), None
        while self.status not in OVER:
            await asyncio.sleep(max(0.005, 0.05 * self._switch.pace))
            now, pace = time.monotonic(), self._switch.pace
            if met_at is None and self.room is not None and any(self.sid in pair for pair in self.room.met):
                met_at = now
                self.note("met")
            spoke = self.person.talk is not None and met_at is not None and now - met_at > self.person.talk * pace
            if spoke or (self.person.patience is not None and now - began > self.person.patience * pace):
                self.end()

    # --- TwiML ---

    async def _run(self, url: str) -> None:
        try:
            document: str | None = await self._switch.ask(self.account, url, self.fields())
            if self.status == "ringing":
                self.move("in-progress")
            while document is not None:
                document = await self._execute(read(document))
        except TwimlFault as fault:
            self._fail(f"{self.sid} {url.rpartition('/')[2].partition('?')[0]}: {fault}")
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self._fail(f"{self.sid} {url}: {type(error).__name__} {error}")

    def _fail(self, fault: str) -> None:
        """The caller hears of an application error, and is hung up on."""
        self._switch.faults.append(fault)
        self.note("application error")
        self.end("failed")

    async def _execute(self, verbs: list[Verb]) -> str | None:
        """Do what it says; the next document, or None at the end of the call."""
        for verb in verbs:
            match verb.name:
                case "Say" | "Play" | "Pause":
                    await self._hear(verb)
                case "Redirect":
                    return await self._switch.ask(self.account, verb.text, self.fields())
                case "Gather":
                    digits = await self._gather(verb)
                    if digits:
                        action = verb.attributes["action"]
                        return await self._switch.ask(self.account, action, self.fields() | {"Digits": digits})
                case "Record":
                    document = await self._record(verb)
                    if document is not None:
                        return document
                case "Dial":
                    document = await self._dial(verb)
                    if document is not None:
                        return document
                case _:
                    break
        self.end()
        return None

    async def _hear(self, verb: Verb) -> None:
        self.heard.append(verb.text or f"({verb.name})")
        seconds = float(verb.attributes.get("length", "1")) if verb.name == "Pause" else 0.0
        await self.sleep(seconds or (SAY_SECONDS if verb.name == "Say" else PLAY_SECONDS))

    async def _gather(self, verb: Verb) -> str:
        for sound in verb.nested:
            await self._hear(sound)
        if self._digits:
            await self.sleep(0.5)
            return self._digits.pop(0)
        await self.sleep(float(verb.attributes.get("timeout", "5")))
        return ""

    async def _dial(self, verb: Verb) -> str | None:
        noun = verb.nested[0] if verb.nested else None
        if noun is None:
            raise TwimlFault("Dial dials nobody")
        room = self._switch.rooms.get(noun.text)
        if room is None or room.over:
            room = self._switch.rooms[noun.text] = Room(self._switch, noun.text, noun)
        self.room, self._action = room, verb.attributes.get("action")
        self.note("joined")
        seat = room.join(self, noun)
        await seat.out.wait()
        self._action = None
        if "action" not in verb.attributes:
            return None
        return await self._switch.ask(
            self.account, verb.attributes["action"], self.fields() | {"DialCallStatus": "completed"}
        )

    async def _record(self, verb: Verb) -> str | None:
        """A message: an empty one goes on below, and one that is cut off by hanging up is there all the same."""
        began = time.monotonic()

        def spoken() -> int:
            lasted = (time.monotonic() - began) / max(self._switch.pace, 1e-6)
            return int(min(lasted + 0.5, self.person.speaks, float(verb.attributes.get("maxLength", "3600"))))

        self._recording = lambda: self._recorded(verb, spoken())
        await self.sleep(min(self.person.speaks or 5.0, float(verb.attributes.get("maxLength", "3600"))))
        seconds, self._recording = spoken(), None
        recorded = self._recorded(verb, seconds)
        if not recorded:
            return None
        return await self._switch.ask(self.account, verb.attributes["action"], self.fields() | recorded)

    def _recorded(self, verb: Verb, seconds: int) -> Form:
        sid, _, url = self._switch.record(self, seconds).partition("|")
        form = self.fields() | {"RecordingSid": sid, "RecordingDuration": str(seconds), "RecordingChannels": "1"}
        form |= {"RecordingStatus": "completed", "RecordingUrl": url} if seconds else {"RecordingStatus": "absent"}
        self._switch.report(self.account, verb.attributes["recordingStatusCallback"], form)
        if seconds and verb.attributes.get("transcribe") == "true":
            words = {"TranscriptionStatus": "completed", "TranscriptionText": "Please call me back about my order."}
            words |= {"RecordingSid": sid, "RecordingUrl": url, "TranscriptionSid": f"TR{uuid4().hex}"}
            self._switch.report(self.account, verb.attributes["transcribeCallback"], self.fields() | words)
        return {"RecordingUrl": url, "RecordingDuration": str(seconds), "Digits": "#"} if seconds else {}

    async def wait_on(self, url: str) -> None:
        """What is heard instead of a conference: documents of a few verbs, again and again."""
        with suppress(asyncio.CancelledError):
            while self.status not in OVER:
                try:
                    verbs = read(await self._switch.ask(self.account, url, self.fields()), WAITING)
                except TwimlFault as fault:
                    self._fail(f"{self.sid} wait: {fault}")
                    return
                for verb in verbs:
                    if verb.name == "Redirect":
                        url = verb.text
                        break
                    await self._hear(verb)
