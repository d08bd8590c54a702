"""A call: its states, what its provider reports of it, and what its caller is to hear. One form for every provider."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from msgspec import Struct

from model.inbound import HandleRef

CallState = Literal["menu", "waiting", "connecting", "bridged", "voicemail", "calling", "ended"]
CallOutcome = Literal["answered", "abandoned", "voicemail", "turned_away", "unanswered"]
LegRole = Literal["customer", "agent", "consult", "supervisor", "outside"]
LegState = Literal["wanted", "dialing", "ringing", "answered", "joined", "ended"]
LegMode = Literal["listen", "coach", "join"]
EndReason = Literal["completed", "busy", "no_answer", "failed", "canceled", "no_digit"]
RecordingState = Literal["running", "paused", "done", "absent", "failed"]

# --- what a provider reports ---


class CallArrived(Struct, frozen=True, tag="arrived"):
    """Somebody calls. Answered with what they are to hear."""

    sid: str
    handle: HandleRef
    name_hint: str | None = None


class StepAsked(Struct, frozen=True, tag="asked"):
    """The provider asks what a caller is to hear next. Answered like `CallArrived`."""

    step: Literal["menu", "wait", "after", "voicemail", "recorded", "fallback"]
    sid: str
    call: UUID | None
    """None: the fallback of a call that was never recorded."""
    digits: str = ""
    over: bool = False
    """The caller has hung up: whatever is answered, nobody hears it."""
    at: str = ""
    """Where in the menu it was asked: the same request again must not count as the next digit."""


class LegAsked(Struct, frozen=True, tag="leg_asked"):
    """A leg of ours was answered, or a digit pressed on it. Answered with what it is to hear."""

    step: Literal["agent", "pressed"]
    sid: str
    leg: UUID
    digits: str = ""


class LegMoved(Struct, frozen=True, tag="leg_moved"):
    """Where a leg is. `leg` None: the caller's own."""

    sid: str
    state: Literal["dialing", "ringing", "answered", "ended"]
    leg: UUID | None = None
    reason: EndReason = "completed"


class ConferenceMoved(Struct, frozen=True, tag="conference"):
    """Somebody is in the conference of a call, or no longer."""

    conference: str
    call: UUID
    sid: str
    what: Literal["joined", "left"]
    order: int | None = None
    """The place of this among what happened in the conference: reports arrive in any order."""


class RecordingMoved(Struct, frozen=True, tag="recording"):
    """A recording of the call goes on, is there, or will never be."""

    sid: str
    recording: str
    call: UUID
    kind: Literal["call", "voicemail"]
    state: RecordingState
    url: str = ""
    seconds: int = 0


class Transcribed(Struct, frozen=True, tag="transcribed"):
    """What was said in a recording; no text: it could not be understood."""

    recording: str
    call: UUID
    text: str | None


class NothingNew(Struct, frozen=True, tag="nothing"):
    """A report that says nothing we keep."""

    reason: str


CallEvent = CallArrived | StepAsked | LegAsked | LegMoved | ConferenceMoved | RecordingMoved | Transcribed | NothingNew

# --- what somebody on the line is to hear ---


class Speak(Struct, frozen=True, tag="speak"):
    """Words read out."""

    text: str
    language: str = "en-US"
    voice: str | None = None


class PlaySound(Struct, frozen=True, tag="play"):
    """A sound file."""

    url: str


class Quiet(Struct, frozen=True, tag="quiet"):
    """Nothing, for some seconds."""

    seconds: int


Sound = Speak | PlaySound | Quiet


class AskDigit(Struct, frozen=True, tag="digit"):
    """Wait for one digit while the sounds play; it comes back at `target`, without one the next step follows."""

    target: str
    sounds: tuple[Sound, ...]
    seconds: int = 5


class EnterConference(Struct, frozen=True, tag="conference"):
    """Meet the others. `wait` names what is heard until it starts; `after` what follows when it ends for this one."""

    name: str
    label: str
    events: str
    starts: bool = True
    muted: bool = False
    coach: str | None = None
    """The leg that alone hears this one, by the provider's id."""
    wait: str | None = None
    after: str | None = None


class TakeMessage(Struct, frozen=True, tag="message"):
    """Record what the caller says after a tone."""

    target: str
    events: str
    most_seconds: int
    transcript: str | None = None


class GoTo(Struct, frozen=True, tag="goto"):
    """Ask again at this step."""

    target: str


class HangUp(Struct, frozen=True, tag="hang_up"):
    """The end."""


CallStep = Speak | PlaySound | Quiet | AskDigit | EnterConference | TakeMessage | GoTo | HangUp

# --- what the provider is to do ---


class DialLeg(Struct, frozen=True, tag="dial"):
    """Ring somebody. `targets` are steps of ours: what is heard once it is answered, and where it is reported."""

    to: str
    answer: str
    events: str
    seconds: int


class EndLeg(Struct, frozen=True, tag="end"):
    """Hang this leg up, whatever it is doing."""

    sid: str


class SendLeg(Struct, frozen=True, tag="send"):
    """This leg goes on at another step."""

    sid: str
    target: str


class HoldLeg(Struct, frozen=True, tag="hold"):
    """Let this leg of a conference hear music instead of the others, or the others again."""

    conference: str
    sid: str
    on: bool
    sound: str


class CoachLeg(Struct, frozen=True, tag="coach"):
    """How a supervisor is in the conference: muted, heard by one leg alone, or by all."""

    conference: str
    sid: str
    muted: bool
    coach: str | None


class StartRecording(Struct, frozen=True, tag="record"):
    """Record this leg and what it hears."""

    sid: str
    events: str


class ChangeRecording(Struct, frozen=True, tag="recording"):
    """Pause a recording, or go on with it."""

    sid: str
    recording: str | None
    """None: the one that is running."""
    state: Literal["paused", "running"]


class AskLeg(Struct, frozen=True, tag="ask"):
    """Ask where a leg is: its reports may have been lost."""

    sid: str


CallCommand = DialLeg | EndLeg | SendLeg | HoldLeg | CoachLeg | StartRecording | ChangeRecording | AskLeg


class CommandDone(Struct, frozen=True, tag="done"):
    """The provider did it. `sid`: what it calls the leg or recording; `state`: where the leg is, as it answered."""

    sid: str | None = None
    state: LegState | None = None
    reason: EndReason = "completed"


class CommandFailed(Struct, frozen=True, tag="failed"):
    """It was not done. `again`: another attempt is safe and may help."""

    error: str
    again: bool = False
    after_seconds: float | None = None


CommandOutcome = CommandDone | CommandFailed
