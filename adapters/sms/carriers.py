"""What carriers of text messages share whose webhooks are JSON: whose numbers these are, our ids, and their words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from msgspec import Meta, Struct

from adapters import phones
from adapters.base import AccountConfig, ParseError
from adapters.bounds import Short, Size
from adapters.json_api import HandsOutFiles
from adapters.json_body import moment
from adapters.messages import ANY_TYPE, Part, message_of
from adapters.receipts import without_numbers
from adapters.sms.opt_out import opted_out, with_consent
from model.content import Notice, Unsupported
from model.inbound import HandleRef, InboundEvent
from model.timeline import Media

Id = Annotated[str, Meta(min_length=1, max_length=200)]
Number = Annotated[str, Meta(max_length=64)]
MOST_FILES = 10


class File(Struct):
    """A file, at an address."""

    url: Short
    caption: str = ""
    name: Annotated[str, Meta(max_length=300)] | None = None
    content_type: Annotated[str, Meta(max_length=200)] | None = None
    size: Size | None = None

    def medium(self, usual: str = ANY_TYPE) -> Media:
        """The file of a message. `usual`: what it is where the carrier does not say."""
        return Media(self.url, self.content_type or usual, name=self.name, size=self.size)


class Fault(Struct):
    """What a carrier says went wrong with a message."""

    code: Annotated[str, Meta(max_length=20)] | int = ""
    title: str = ""
    detail: str | None = None
    description: str = ""

    def __str__(self) -> str:
        return f"{' '.join(filter(None, (str(self.code), self.title)))}: {self.detail or self.description}"


def plus(number: str) -> str:
    """The number as it would be dialled from abroad, where a carrier writes it without +; short codes as they are."""
    return f"+{number}" if number.isascii() and number.isdecimal() and len(number) > 6 else number


def person(number: str, account: AccountConfig, field: str) -> HandleRef:
    """Whom a number is of; ParseError where none is named."""
    handle = phones.sender(number, account.region, "sms", account.address)
    if handle is None:
        raise ParseError("empty", field)
    return handle


def must_be_ours(numbers: Iterable[str], account: AccountConfig, field: str) -> None:
    """ParseError unless one of them is the account's number, however it is written."""
    ours = phones.normalise(account.address, account.region) or account.address
    if ours not in {phones.normalise(number, account.region) or number for number in numbers}:
        raise ParseError("not this account's number: check its address", field)


def said(key: str, handle: HandleRef, text: str, parts: Sequence[Part], at: str | None) -> list[InboundEvent]:
    """A text message, the change of consent it amounts to, or both. `at`: by RFC 3339."""
    media = [part for part in parts if isinstance(part, Media)]
    held = media[:MOST_FILES] + [part for part in parts if not isinstance(part, Media)]
    message = message_of(key, handle, text, held or ([] if text else [Unsupported("nothing")]), moment(at))
    return with_consent(message, None if held else opted_out(message.body))


def group_of(numbers: Sequence[str]) -> list[Part]:
    """What is told of a message to several: who wrote it is answered alone, carriers have no handle for a group."""
    return [Notice(f"Sent to a group of {len(numbers)}")] if len(numbers) > 1 else []


class Carrier(HandsOutFiles):
    """A carrier of text messages whose webhooks and API are JSON."""

    channels = frozenset(("sms",))
    taken_as = "sending"

    def shown(self, words: str) -> str:
        """Without numbers."""
        return without_numbers(words)
