"""A frame's bytes to its Struct, and, when it is none, what to tell the screen. Pure."""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct, structs

from model import to_screen, wire

MAX_MESSAGE = 200
MAX_REF = 64
AT = re.compile(r" - at `\$\.?(.*)`$")
NAMED = re.compile(r"^Object (?:missing required|contains unknown) field `(.*?)`")

_decode = msgspec.json.Decoder(wire.ClientFrame).decode


class _Referred(Struct):
    """As much of a frame as its answer needs. Without a type: it must be read from a frame whose type is wrong."""

    ref: str | None = None


_decode_ref = msgspec.json.Decoder(_Referred).decode


def parse_frame(data: bytes) -> wire.ClientFrame | to_screen.Error:
    """The frame in `data`, or the error that answers it. Never raises, whatever the bytes."""
    try:
        frame: wire.ClientFrame = _decode(data)
    except msgspec.ValidationError as error:
        return _explain(str(error), data)
    except (msgspec.DecodeError, UnicodeError):
        return to_screen.Error("bad_frame", "Send one JSON object per frame, in UTF-8.")
    except RecursionError:
        return to_screen.Error("bad_frame", "The frame is nested too deeply.")
    nul = field_with_nul(frame) if b"\\u0000" in data else None
    if nul is not None:
        # PostgreSQL holds no U+0000; refused here it costs nobody a transaction.
        return to_screen.Error("bad_frame", "Text must not contain U+0000.", frame.ref, nul)
    return frame


def field_with_nul(frame: wire.ClientFrame) -> str | None:
    """The first field whose text contains U+0000."""
    for field in structs.fields(frame):
        value = getattr(frame, field.name)
        texts = value if isinstance(value, dict) else [value]
        if any(isinstance(text, str) and "\0" in text for text in texts):
            return field.name
    return None


def _explain(message: str, data: bytes) -> to_screen.Error:
    """Take the field from msgspec's message; `resume[...]` stands for one of its values."""
    at = AT.search(message)
    named = NAMED.match(message)
    path = [part for part in (at[1] if at else "", named[1] if named else "") if part]
    field = ".".join(path) or None
    unknown = field == "type" and message.startswith("Invalid value")
    sentence = "Unknown type of frame; see the protocol's list." if unknown else message[:MAX_MESSAGE]
    return to_screen.Error("unknown_frame" if unknown else "bad_frame", sentence, _ref_of(data), field)


def _ref_of(data: bytes) -> str | None:
    try:
        ref = _decode_ref(data).ref
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return ref if ref is None or len(ref) <= MAX_REF else None
