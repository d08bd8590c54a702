"""TwiML as Twilio documents it (https://www.twilio.com/docs/voice/twiml): read strictly, for a caller hears the rest.

What is not in the tables is a fault: an unknown verb, attribute, value or nesting. Twilio would say "an application
error has occurred" to the caller; here the call fails and the fault is kept, so that no test passes over it.
"""

from __future__ import annotations

from xml.etree import ElementTree

from msgspec import Struct

TRUE_FALSE = frozenset(("true", "false"))
METHODS = frozenset(("GET", "POST"))
ANY: frozenset[str] = frozenset()
NUMBER = frozenset(("#number",))
URL = frozenset(("#url",))
REPORTS = {"statusCallback": URL, "statusCallbackMethod": METHODS, "statusCallbackEvent": ANY}
RECORDING = {
    "recordingStatusCallback": URL,
    "recordingStatusCallbackMethod": METHODS,
    "recordingStatusCallbackEvent": ANY,
    "trim": frozenset(("trim-silence", "do-not-trim")),
}
SOUNDS = {
    "Say": {"voice": ANY, "language": ANY, "loop": NUMBER},
    "Play": {"loop": NUMBER, "digits": ANY},
    "Pause": {"length": NUMBER},
}
VERBS: dict[str, dict[str, frozenset[str]]] = {
    **SOUNDS,
    "Gather": {
        "action": URL,
        "method": METHODS,
        "timeout": NUMBER,
        "numDigits": NUMBER,
        "finishOnKey": ANY,
        "input": frozenset(("dtmf", "speech", "dtmf speech")),
        "actionOnEmptyResult": TRUE_FALSE,
    },
    "Dial": {
        "action": URL,
        "method": METHODS,
        "timeout": NUMBER,
        "callerId": ANY,
        "hangupOnStar": TRUE_FALSE,
        "timeLimit": NUMBER,
        "record": ANY,
        **RECORDING,
    },
    "Record": {
        "action": URL,
        "method": METHODS,
        "timeout": NUMBER,
        "finishOnKey": ANY,
        "maxLength": NUMBER,
        "playBeep": TRUE_FALSE,
        "transcribe": TRUE_FALSE,
        "transcribeCallback": URL,
        **RECORDING,
    },
    "Redirect": {"method": METHODS},
    "Hangup": {},
    "Reject": {"reason": frozenset(("rejected", "busy"))},
}
CONFERENCE = {
    "muted": TRUE_FALSE,
    "beep": frozenset(("true", "false", "onEnter", "onExit")),
    "startConferenceOnEnter": TRUE_FALSE,
    "endConferenceOnExit": TRUE_FALSE,
    "participantLabel": ANY,
    "waitUrl": frozenset(("#url", "")),
    "waitMethod": METHODS,
    "maxParticipants": NUMBER,
    "coach": ANY,
    **REPORTS,
    **RECORDING,
}
EVENTS = frozenset(("start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement"))
NESTED = {"Gather": SOUNDS, "Dial": {"Conference": CONFERENCE}}
WAITING = frozenset(("Say", "Play", "Pause", "Redirect"))
"""What a waitUrl or HoldUrl may answer."""


class TwimlFault(Exception):
    """What Twilio would refuse, and where."""


class Verb(Struct, frozen=True):
    """One element."""

    name: str
    attributes: dict[str, str]
    text: str
    nested: tuple[Verb, ...] = ()


def read(body: str, only: frozenset[str] | None = None) -> list[Verb]:
    """The verbs of a document. Raises TwimlFault."""
    try:
        root = ElementTree.fromstring(body)  # noqa: S314  # the product's own answer
    except ElementTree.ParseError as error:
        raise TwimlFault(f"not XML: {error}") from None
    if root.tag != "Response":
        raise TwimlFault(f"the root is {root.tag}, not Response")
    verbs = [_verb(element, VERBS) for element in root]
    strange = [verb.name for verb in verbs if only is not None and verb.name not in only]
    if strange:
        raise TwimlFault(f"{strange[0]} is not allowed while somebody waits")
    return verbs


def _verb(element: ElementTree.Element, known: dict[str, dict[str, frozenset[str]]]) -> Verb:
    name = element.tag
    if name not in known:
        raise TwimlFault(f"{name} is no verb here")
    for attribute, value in element.attrib.items():
        if attribute not in known[name]:
            raise TwimlFault(f"{name} has no attribute {attribute}")
        _check(name, attribute, value, known[name][attribute])
    if name == "Conference" and not set(element.get("statusCallbackEvent", "").split()) <= EVENTS:
        raise TwimlFault("Conference: unknown statusCallbackEvent")
    nested = tuple(_verb(child, NESTED.get(name, {})) for child in element)
    text = (element.text or "").strip()
    if name in ("Say", "Play", "Redirect", "Conference") and not text:
        raise TwimlFault(f"{name} is empty")
    return Verb(name, dict(element.attrib), text, nested)


def _check(name: str, attribute: str, value: str, allowed: frozenset[str]) -> None:
    if allowed is NUMBER and not value.isdigit():
        raise TwimlFault(f"{name} {attribute}={value!r} is no number")
    if "#url" in allowed and not (value.startswith(("http://", "https://", "/")) or value in allowed - {"#url"}):
        raise TwimlFault(f"{name} {attribute}={value!r} is no address")
    if allowed and "#" not in "".join(allowed) and value not in allowed:
        raise TwimlFault(f"{name} {attribute}={value!r} is not one of {sorted(allowed)}")
