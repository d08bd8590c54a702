"""How the JSON of a webhook is read: bounded, strict about what is read, indifferent to the rest.

One delivery may hold several events, and one of them that cannot be read must not hold up the others: it is
`Unreadable` beside them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Concatenate, ParamSpec, TypeVar

import msgspec

from adapters.base import AccountConfig, ParseError, WebhookRequest
from model.inbound import InboundEvent, InboundFile, Unreadable

MOST_TEXT = 16_000
MOST_EVENTS = 100
"""In one delivery, unless a provider is known to put more into one."""
# A backslash that is itself escaped makes what follows plain text: a customer may well write \u0000.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_LAST_SECOND = 253_402_300_799  # of the year 9999

T = TypeVar("T")
R = TypeVar("R")
P = ParamSpec("P")


def body_of(request: WebhookRequest) -> bytes:
    """The body, or ParseError where it is no UTF-8 or its text holds U+0000, which PostgreSQL's text cannot.

    Parts that are read later are only skipped at first, and skipping does not look at their text.
    """
    if request.step is not None:
        raise ParseError("unknown step: the webhook is posted to the account's own address", "step")
    try:
        request.body.decode()
    except UnicodeDecodeError:
        raise ParseError("not UTF-8") from None
    if holds_nul(request.body):
        raise ParseError("contains U+0000")
    return request.body


def holds_nul(data: bytes) -> bool:
    """Whether some text in this JSON holds U+0000."""
    return b"\\u0000" in data and _NUL.search(data) is not None


def decoded(decoder: msgspec.json.Decoder[T], data: bytes | msgspec.Raw) -> T:
    """The Struct these bytes hold, or ParseError with the field. The reader bounds depth, digits and encoding."""
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        raise ParseError(reason[:200], path.strip("`.")[:200] or None) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ParseError(f"no readable JSON ({type(error).__name__})") from None


def readable(decoder: msgspec.json.Decoder[T], data: bytes) -> T | None:
    """The Struct these bytes hold; None where they cannot be read, or hold what cannot be stored."""
    try:
        return None if holds_nul(data) else decoded(decoder, data)
    except ParseError:
        return None


def reading(kind: type[T], read: Callable[Concatenate[T, P], R]) -> Callable[Concatenate[msgspec.Raw, P], R]:
    """`read`, given what raw JSON holds as this kind. What cannot be read so is a ParseError."""
    decoder = msgspec.json.Decoder(kind)

    def read_raw(raw: msgspec.Raw, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return read(decoded(decoder, raw), *args, **kwargs)

    return read_raw


def settled(events: Iterable[InboundEvent], field: str = "entry") -> list[InboundEvent]:
    """The events of a delivery; ParseError where not one of them could be read. `field`: where they stand."""
    taken = list(events)
    unread = [event for event in taken if isinstance(event, Unreadable)]
    if not taken:
        raise ParseError("holds no event", field)
    if len(unread) == len(taken):
        raise ParseError(unread[0].reason, unread[0].field)
    return taken


def meant_for(told: str | None, account: AccountConfig, field: str, whose: str = "another account's") -> None:
    """ParseError unless an event tells the account's address as the one it is for."""
    if told != account.address:
        raise ParseError(f"{whose}: check the account's address", field)


def each_alone(
    raws: Sequence[msgspec.Raw],
    decoder: msgspec.json.Decoder[T],
    read: Callable[[T], Iterable[InboundEvent]],
    field: str,
    most: int = MOST_EVENTS,
) -> Iterator[InboundEvent]:
    """The events of a list, each read for itself: what cannot be read is `Unreadable`, with its place in `field`."""
    if len(raws) > most:
        raise ParseError(f"more than {most} events", field or None)
    for number, raw in enumerate(raws):
        try:
            yield from read(decoded(decoder, raw))
        except ParseError as error:
            yield Unreadable(error.reason, f"{field}[{number}].{error.field or ''}".rstrip("."))


def instant(value: str | int | None, per_second: int = 1) -> datetime | None:
    """The time a provider gives in seconds, or in parts of one; None where it is none. Shown, never ordered by."""
    if isinstance(value, str):
        value = int(value) if len(value) <= 16 and value.isascii() and value.isdigit() else None
    if value is None or not 0 < value <= _LAST_SECOND * per_second:
        return None
    return datetime.fromtimestamp(value / per_second, UTC)


def moment(text: str | None) -> datetime | None:
    """The time a provider writes by RFC 3339; None where it is none, or names no zone."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at if at.tzinfo is not None and 1970 <= at.year <= 9998 else None


def bounded(text: str) -> tuple[str, tuple[InboundFile, ...]]:
    """The text as far as an entry shows it, and the whole of it as a file where it is longer."""
    if len(text) <= MOST_TEXT:
        return text, ()
    return text[:MOST_TEXT], (InboundFile("message.txt", "text/plain; charset=utf-8", text.encode()),)
