"""Twilio's voice webhooks → events. Pure: no clock, no I/O, and only ParseError is raised.

Fields of all requests: https://www.twilio.com/docs/voice/twiml#request-parameters; of the steps:

    (none), menu     https://www.twilio.com/docs/voice/twiml/gather
    wait, events     https://www.twilio.com/docs/voice/twiml/conference
    after            https://www.twilio.com/docs/voice/twiml/dial
    status, leg      https://www.twilio.com/docs/voice/api/call-resource#statuscallback
    recorded         https://www.twilio.com/docs/voice/twiml/record
    recording        https://www.twilio.com/docs/voice/api/recording#recording-status-callbacks
    transcript       https://www.twilio.com/docs/voice/twiml/record#attributes-transcribe-callback

Which call or leg of ours is meant stands in the query, which Twilio signs with the rest of the address.
"""

from __future__ import annotations

import re
from typing import Literal, get_args
from uuid import UUID

from adapters import phones
from adapters.base import AccountConfig, ParseError, WebhookRequest
from adapters.forms import Fields, form_of, query_of
from model.call import (
    CallArrived,
    CallEvent,
    ConferenceMoved,
    EndReason,
    LegAsked,
    LegMoved,
    NothingNew,
    RecordingMoved,
    RecordingState,
    StepAsked,
    Transcribed,
)
from model.inbound import HandleRef

MOST_FIELDS = 200
_MOST_TEXT = 16_000
_MOST_NAME = 200
_SID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DIGITS = re.compile(r"[0-9*#A-Dw]{0,32}")
_NUMBER = re.compile(r"[0-9]{1,6}")
_URL = re.compile(r"https?://[^\s/]+/[^\s]*", re.IGNORECASE)

_MOVES: dict[str, tuple[Literal["dialing", "ringing", "answered", "ended"], EndReason]] = {
    "queued": ("dialing", "completed"),
    "initiated": ("dialing", "completed"),
    "ringing": ("ringing", "completed"),
    "in-progress": ("answered", "completed"),
    "answered": ("answered", "completed"),
    "completed": ("ended", "completed"),
    "busy": ("ended", "busy"),
    "no-answer": ("ended", "no_answer"),
    "failed": ("ended", "failed"),
    "canceled": ("ended", "canceled"),
}
_RECORDINGS: dict[str, RecordingState] = {
    "in-progress": "running",
    "paused": "paused",
    "completed": "done",
    "absent": "absent",
    "failed": "failed",
}
# https://help.twilio.com/articles/223179988: what stands for a number that is withheld, spelt as a number elsewhere.
_NOBODY = frozenset(("anonymous", "restricted", "unavailable", "unknown", "blocked", "private"))
_WITHHELD = "+266696687"
_STEPS = frozenset(("menu", "wait", "after", "voicemail", "recorded", "fallback"))


def parse_webhook(request: WebhookRequest, account: AccountConfig) -> CallEvent:
    """The event of one verified webhook, by its step."""
    if request.method != "POST":
        raise ParseError("configure the webhook as POST", "method")
    fields, query = form_of(request, MOST_FIELDS), query_of(request, MOST_FIELDS)
    _belongs_to(fields, account)
    match request.step:
        case None | "":
            return _arrived(fields, account)
        case "status" | "leg":
            return _leg(fields, _id(query, "leg") if request.step == "leg" else None)
        case "agent" | "pressed":
            step: Literal["agent", "pressed"] = "agent" if request.step == "agent" else "pressed"
            return LegAsked(step, _call_sid(fields), _id(query, "leg"), _digits(fields))
        case "events":
            return _conference(fields, _id(query, "call"))
        case "recording":
            return _recording(fields, query)
        case "transcript":
            return _transcript(fields, query)
        case other if other in _STEPS:
            return _asked(other, fields, query)
        case _:
            raise ParseError("unknown step; see docs/reference/voice.md for those there are", "step")


def moved(status: str) -> tuple[Literal["dialing", "ringing", "answered", "ended"], EndReason] | None:
    """What Twilio's word for a call's status means."""
    return _MOVES.get(status.lower())


def _arrived(fields: Fields, account: AccountConfig) -> CallEvent:
    direction = fields.optional("Direction", 64) or "inbound"
    if direction != "inbound":
        raise ParseError("not an incoming call: only those are answered here", "Direction")
    to = fields.required("To", 256)
    ours = phones.normalise(to, account.region) or phones.bare(to)
    if ours != (phones.normalise(account.address, account.region) or phones.bare(account.address)):
        raise ParseError("not this account's address", "To")
    given = fields.optional("From", 256) or "anonymous"
    withheld = HandleRef("phone", _WITHHELD) if phones.bare(given).lower() in _NOBODY else None
    handle = withheld or phones.sender(given, account.region, "voice", account.address)
    name = (fields.optional("CallerName", _MOST_TEXT) or "").strip()[:_MOST_NAME]
    return CallArrived(_call_sid(fields), handle or HandleRef("phone", _WITHHELD), name or None)


def _asked(step: str, fields: Fields, query: Fields) -> StepAsked:
    over = moved(fields.optional("CallStatus", 64) or "in-progress") or ("answered", "completed")
    known: Literal["menu", "wait", "after", "voicemail", "recorded", "fallback"] = step  # type: ignore[assignment]
    call = _id(query, "call") if step != "fallback" or "call" in query else None
    at = query.optional("at", 64) or ""
    return StepAsked(known, _call_sid(fields), call, _digits(fields), over[0] == "ended", at)


def _leg(fields: Fields, leg: UUID | None) -> LegMoved:
    move = moved(fields.required("CallStatus", 64))
    if move is None:
        raise ParseError("unknown kind of status", "CallStatus")
    return LegMoved(_call_sid(fields), move[0], leg, move[1])


def _conference(fields: Fields, call: UUID) -> CallEvent:
    kind = fields.required("StatusCallbackEvent", 64)
    what = {"participant-join": "joined", "participant-leave": "left"}.get(kind)
    if what is None:
        return NothingNew(f"conference {kind}")
    joined: Literal["joined", "left"] = "joined" if what == "joined" else "left"
    order = fields.optional("SequenceNumber", 64)
    if order is not None and not _NUMBER.fullmatch(order):
        raise ParseError("not a number", "SequenceNumber")
    place = None if order is None else int(order)
    return ConferenceMoved(_sid(fields, "ConferenceSid"), call, _call_sid(fields), joined, place)


def _recording(fields: Fields, query: Fields) -> CallEvent:
    state = _RECORDINGS.get(fields.required("RecordingStatus", 64).lower())
    if state is None:
        raise ParseError("unknown kind of status", "RecordingStatus")
    kind = query.required("kind", 64)
    if kind not in get_args(Literal["call", "voicemail"]):
        raise ParseError("neither call nor voicemail", "kind")
    url = fields.optional("RecordingUrl", 2048) or ""
    if url and not _URL.fullmatch(url):
        raise ParseError("not an http address", "RecordingUrl")
    seconds = fields.optional("RecordingDuration", 64) or "0"
    if seconds != "-1" and not _NUMBER.fullmatch(seconds):
        raise ParseError("not a number of seconds", "RecordingDuration")
    # Without an ending it is a WAV of ten times the size: https://www.twilio.com/docs/voice/api/recording#fetch-media.
    if url and not url.endswith((".mp3", ".wav")):
        url += ".mp3"
    return RecordingMoved(
        sid=_call_sid(fields),
        recording=_sid(fields, "RecordingSid"),
        call=_id(query, "call"),
        kind="voicemail" if kind == "voicemail" else "call",
        state=state,
        url=url,
        seconds=max(int(seconds), 0),
    )


def _transcript(fields: Fields, query: Fields) -> Transcribed:
    status = fields.required("TranscriptionStatus", 64)
    text = fields.optional("TranscriptionText", _MOST_TEXT)
    return Transcribed(
        _sid(fields, "RecordingSid"), _id(query, "call"), (text or None) if status == "completed" else None
    )


def _belongs_to(fields: Fields, account: AccountConfig) -> None:
    """Refuse what was meant for another account of the same secret."""
    if fields.required("AccountSid", 64) != account.settings.get("account_sid"):
        raise ParseError("another account's: check settings.account_sid", "AccountSid")


def _call_sid(fields: Fields) -> str:
    return _sid(fields, "CallSid")


def _sid(fields: Fields, name: str) -> str:
    sid = fields.required(name, 64)
    if not _SID.fullmatch(sid):
        raise ParseError("not an id of Twilio's", name)
    return sid


def _digits(fields: Fields) -> str:
    digits = fields.optional("Digits", 64) or ""
    if not _DIGITS.fullmatch(digits):
        raise ParseError("not digits of a telephone", "Digits")
    return digits


def _id(query: Fields, name: str) -> UUID:
    try:
        return UUID(query.required(name, 64))
    except ValueError:
        raise ParseError("not one of our ids", name) from None
