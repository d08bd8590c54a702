"""A conference as Twilio keeps it, and who met whom in it: https://www.twilio.com/docs/voice/twiml/conference."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

from gateway.demo.outside.twilio_twiml import Verb

if TYPE_CHECKING:
    from gateway.demo.outside.twilio_line import Line, Switch

Form = dict[str, str]


class Seat:
    """A line in a conference."""

    def __init__(self, line: Line, noun: Verb) -> None:
        self.line, self.noun = line, noun
        self.starts = noun.attributes.get("startConferenceOnEnter", "true") == "true"
        self.ends = noun.attributes.get("endConferenceOnExit", "false") == "true"
        self.muted = noun.attributes.get("muted", "false") == "true"
        self.coach = noun.attributes.get("coach")
        self.hold = False
        self.out = asyncio.Event()
        self.music: asyncio.Task[None] | None = None


class Room:
    """One conference, from the first to join to the last to leave. `met`: pairs of lines that could talk."""

    def __init__(self, switch: Switch, name: str, first: Verb) -> None:
        self.sid, self.name = f"CF{uuid4().hex}", name
        self.seats: dict[str, Seat] = {}
        self.started = self.over = False
        self.met: set[frozenset[str]] = set()
        self._switch = switch
        # of all who join, the first says where it is reported
        self._callback = first.attributes.get("statusCallback", "")
        self._events = set(first.attributes.get("statusCallbackEvent", "").split())
        self._sequence = 0

    def join(self, line: Line, noun: Verb) -> Seat:
        """A line comes in: music until it starts, which takes two and one who starts it."""
        seat = self.seats[line.sid] = Seat(line, noun)
        wait = noun.attributes.get("waitUrl")
        if not self._may_start() and not self.started and wait:
            seat.music = asyncio.create_task(line.wait_on(wait))
        self._tell("participant-join", "join", seat)
        if not self.started and self._may_start():
            self.started = True
            for other in self.seats.values():
                self._stop_music(other)
            self._tell("conference-start", "start", seat)
        self._note()
        return seat

    def leave(self, line: Line) -> None:
        """A line goes out; the last one ends it, and so does one who was to."""
        seat = self.seats.pop(line.sid, None)
        if seat is None:
            return
        self._stop_music(seat)
        seat.out.set()
        self._tell("participant-leave", "leave", seat)
        if seat.ends or not self.seats:
            self.over = True
            for other in list(self.seats.values()):
                self.leave(other.line)
            self._tell("conference-end", "end", seat)

    def change(self, sid: str, form: Form) -> None:
        """As the Participants resource is updated."""
        seat = self.seats[sid]
        if "Hold" in form:
            seat.hold = form["Hold"].lower() == "true"
            self._stop_music(seat)
            if seat.hold and form.get("HoldUrl"):
                seat.music = asyncio.create_task(seat.line.wait_on(form["HoldUrl"]))
            self._tell("participant-hold" if seat.hold else "participant-unhold", "hold", seat)
        if "Muted" in form:
            seat.muted = form["Muted"].lower() == "true"
            self._tell("participant-mute" if seat.muted else "participant-unmute", "mute", seat)
        if "Coaching" in form:
            seat.coach = form.get("CallSidToCoach") if form["Coaching"].lower() == "true" else None
        self._note()

    def _may_start(self) -> bool:
        return len(self.seats) > 1 and any(seat.starts for seat in self.seats.values())

    def _note(self) -> None:
        if self.started:
            there = [seat for seat in self.seats.values() if not seat.hold]
            self.met |= {frozenset((a.line.sid, b.line.sid)) for a in there for b in there if a is not b}

    def _stop_music(self, seat: Seat) -> None:
        if seat.music is not None:
            seat.music.cancel()
            seat.music = None

    def _tell(self, event: str, kind: str, seat: Seat) -> None:
        self._sequence += 1
        if not self._callback or kind not in self._events:
            return
        form = {"ConferenceSid": self.sid, "FriendlyName": self.name, "StatusCallbackEvent": event}
        form |= {"SequenceNumber": str(self._sequence), "Timestamp": self._switch.timestamp()}
        if event.startswith("participant-"):
            form |= {"CallSid": seat.line.sid, "Muted": str(seat.muted).lower(), "Hold": str(seat.hold).lower()}
            form |= {"Coaching": str(seat.coach is not None).lower()}
            form |= {"StartConferenceOnEnter": str(seat.starts).lower(), "EndConferenceOnExit": str(seat.ends).lower()}
            form |= {"ParticipantLabel": seat.noun.attributes.get("participantLabel", "")}
        self._switch.report(seat.line.account, self._callback, form)
