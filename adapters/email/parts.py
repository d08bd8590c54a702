"""A MIME message as its leaves (RFC 2045, 2046): found by offsets, in one pass, never by recursion and never copied.

Broken structure is read as far as it goes: a multipart without its boundary is text, an end that is missing is the end
of what encloses it. What stands beyond the limits is not read, and `Leaves.omitted` says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import Message
from typing import Final

from msgspec import Struct

from adapters.email.characters import storable
from adapters.email.headers import Headers, decoded, split
from adapters.email.limits import MOST_DEPTH, MOST_PARTS

_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64}")
_MOST_PARAMETERS: Final = 4096
_WINDOW: Final = 1 << 20


class Leaf(Struct, frozen=True):
    """A part that holds something: where its bytes stand in the source, and what it says of them."""

    headers: Headers
    start: int
    end: int
    content_type: str
    parameters: dict[str, str]
    disposition: str
    file_name: str | None
    alternative: bool
    """It is one of several forms of the same."""

    @property
    def charset(self) -> str | None:
        """What its text is written in."""
        return self.parameters.get("charset")

    @property
    def encoding(self) -> str:
        """The transfer encoding, in lower case."""
        return self.headers.first("content-transfer-encoding").lower().strip()


class Leaves(Struct):
    """What was found, and why it may not be all."""

    leaves: list[Leaf]
    omitted: str | None = None


class _Open(Struct):
    """A part still to be looked into."""

    start: int
    end: int
    depth: int
    alternative: bool
    headers: Headers | None = None
    """Of the message itself, whose headers were read."""


def leaves_of(source: bytes, headers: Headers, start: int) -> Leaves:
    """The leaves of a message whose body begins at `start`, in their order."""
    found = Leaves([])
    stack = [_Open(start, len(source), 0, False, headers)]
    while stack:
        part = stack.pop()
        own, body = (part.headers, part.start) if part.headers else split(source, part.start, part.end)
        content_type, parameters = _content_type(own)
        boundary = parameters.get("boundary") if content_type.startswith("multipart/") else None
        pieces = pieces_of(source, body, part.end, boundary) if boundary else []
        if pieces and part.depth >= MOST_DEPTH:
            found.omitted = f"nested deeper than {MOST_DEPTH}"
            continue
        if len(pieces) > MOST_PARTS or len(found.leaves) + len(stack) + len(pieces) > MOST_PARTS:
            found.omitted = f"more than {MOST_PARTS} parts"
            pieces = pieces[: max(0, MOST_PARTS - len(found.leaves) - len(stack))]
        elif not pieces:
            if content_type.startswith("multipart/"):  # without a boundary that is there: what it is, is text
                content_type, parameters = "text/plain", {}
            found.leaves.append(_leaf(own, (body, part.end), content_type, parameters, part.alternative))
        alternative = content_type == "multipart/alternative"
        stack += [_Open(a, b, part.depth + 1, alternative) for a, b in reversed(pieces)]
    return found


def pieces_of(source: bytes, start: int, end: int, boundary: str) -> list[tuple[int, int]]:
    """Where the parts between the boundaries stand; one more than is read, where there are more."""
    mark = b"\n--" + boundary.encode("utf-8", "replace")[:200]
    found: list[tuple[int, int]] = []
    opened: int | None = None
    if source.startswith(mark[1:], start):
        opened = _after_line(source, start, end)
    for place in places(source, mark, max(0, start - 1), end):
        after = place + len(mark)
        is_last = source.startswith(b"--", after)
        if source[after + 2 * is_last : min(after + 100, end)].partition(b"\n")[0].strip():
            continue  # the boundary of another, which only begins like this one
        if opened is not None and opened <= place + 1:
            before = place - 1 if source.startswith(b"\r", place - 1) else place
            found.append((min(opened, before), before))
        if is_last or len(found) > MOST_PARTS:
            return found
        opened = _after_line(source, after, end)
    if opened is not None and opened < end:
        found.append((opened, end))
    return found


def places(source: bytes, sought: bytes, start: int, end: int) -> Iterator[int]:
    """Where these bytes stand. In steps short enough that other threads get their turn while 32 MiB are searched."""
    while start < end:
        found = source.find(sought, start, min(end, start + _WINDOW))
        if found >= 0:
            yield found
            start = found + 1
        elif start + _WINDOW >= end:
            return
        else:
            start += _WINDOW - len(sought) + 1


def _after_line(source: bytes, position: int, end: int) -> int:
    found = source.find(b"\n", position, end)
    return end if found < 0 else found + 1


def _content_type(headers: Headers) -> tuple[str, dict[str, str]]:
    value = headers.first("content-type")
    bare = value.partition(";")[0].strip().lower()
    if not _TYPE.fullmatch(bare):
        return "text/plain", {}
    return bare, parameters_of("content-type", value)


def parameters_of(name: str, value: str) -> dict[str, str]:
    """The parameters of a header, names in lower case, RFC 2231 continued and decoded."""
    message = Message()
    message[name] = re.sub(r"[\r\n]+", " ", value[:_MOST_PARAMETERS])
    try:
        pairs = message.get_params([], header=name)
        return {key.lower(): _parameter(message, key, name) for key, _ in pairs[1:51]}
    except (ValueError, LookupError, TypeError, AttributeError):  # a continuation numbered 99…9, a charset of no kind
        return {}


def _parameter(message: Message, key: str, name: str) -> str:
    value = message.get_param(key, "", header=name)
    if isinstance(value, tuple):
        from email.utils import collapse_rfc2231_value  # rarely needed

        value = collapse_rfc2231_value(value)
    return storable(str(value))


def _leaf(
    headers: Headers, span: tuple[int, int], content_type: str, parameters: dict[str, str], alternative: bool
) -> Leaf:
    value = headers.first("content-disposition")
    given = parameters_of("content-disposition", value) if value else {}
    name = decoded(given.get("filename") or parameters.get("name") or "")
    return Leaf(
        headers,
        *span,
        content_type,
        parameters,
        value.partition(";")[0].strip().lower(),
        name[:255] or None,
        alternative,
    )
