"""The body of a REST request: read within limits, decoded once, and whatever is wrong with it named by its place."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct
from starlette.requests import Request

from gateway.problems import Problem, bad_request

MOST_BYTES: Final = 256 * 1024
MOST_SECONDS: Final = 10.0
_INT32: Final = 2**31
_AT = re.compile(r" - at `\$\.?(.*)`$")
_NAMED = re.compile(r"(unknown|missing required) field `([^`]*)`")


async def read_body(request: Request, seconds: float = MOST_SECONDS, *, most: int = MOST_BYTES) -> bytes:
    """The bytes of the body. Raises Problem (413, 408)."""
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for piece in request.stream():
                body += piece
                if len(body) > most:
                    raise Problem(413, f"The body is longer than {most // 1024} KiB; send less.", "body")
    except TimeoutError:
        raise Problem(408, f"The body did not arrive within {seconds:g} s; send it again.", "body") from None
    return bytes(body)


def decode_body(request: Request, raw: bytes, kind: Any) -> Any:
    """The body as the endpoint's Struct; None where it takes none. Raises Problem (400, 415)."""
    if kind is None:
        if raw.strip() not in (b"", b"{}"):
            raise bad_request("This takes no body; leave it out.", "body")
        return None
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise Problem(415, "Send the body as JSON, with `Content-Type: application/json`.", "body")
    try:
        body = msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as failure:
        raise _problem(str(failure)) from None
    except RecursionError:
        raise bad_request("The body is nested too deeply.", "body") from None
    except (msgspec.DecodeError, UnicodeError):
        raise bad_request("The body is no JSON in UTF-8; send an object.", "body") from None
    for place, flaw in _flaws(body, ""):
        raise bad_request(flaw, place or "body")
    twice = _twice(raw)
    if twice is not None:
        raise bad_request("It is given twice; give it once.", twice)
    return body


class _Twice(Exception):
    """A name that stands twice in one object."""


def _twice(raw: bytes) -> str | None:
    """A name that is given twice, of which JSON's readers drop one unseen."""

    def once(pairs: list[tuple[str, Any]]) -> None:
        names: set[str] = set()
        for name, _ in pairs:
            if name in names:
                raise _Twice(name)
            names.add(name)

    try:
        json.loads(raw, object_pairs_hook=once)
    except _Twice as found:
        return str(found)
    except (ValueError, RecursionError):  # what the decoder took and this does not, such as a deep nesting
        return None
    return None


def _problem(message: str) -> Problem:
    at = _AT.search(message)
    place = at[1] if at else ""
    named = _NAMED.search(message)
    if named:
        place = f"{place}.{named[2]}" if place else named[2]
        what = "There is no such field here; leave it out" if named[1] == "unknown" else "This field is needed"
        return bad_request(f"{what}.", place)
    return bad_request(f"{_AT.sub('', message)}. Correct it.", place or "body")


def _flaws(value: object, place: str) -> Iterator[tuple[str, str]]:
    """What JSON can say and the database cannot keep, with its place: `handles[0].value`."""
    flaw = _flaw(value)
    if flaw:
        yield place, flaw
    if isinstance(value, Struct):
        for name in value.__struct_fields__:
            yield from _flaws(getattr(value, name), f"{place}.{name}" if place else name)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from ((f"{place}[...]", flaw) for _, flaw in _flaws(key, ""))
            yield from _flaws(each, f"{place}.{key}")
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from _flaws(each, f"{place}[{index}]")


def _flaw(value: object) -> str | None:
    match value:
        case str() if "\x00" in value:
            return "The text holds U+0000; leave it out."
        case int() if not -_INT32 <= value < _INT32:
            return "The number is out of range."
        case datetime(tzinfo=None):
            return "The time has no offset; add one, or `Z` for UTC."
        case datetime() if not 1 < value.year < 9999:
            return "The time is out of range."
        case _:
            return None
