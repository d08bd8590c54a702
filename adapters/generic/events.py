"""What a system of the company's own posts: one event in JSON, of a form that is ours (docs/reference/generic.md).

`python -m tests.adapters.generic.schema` writes its JSON Schema. An event is known by its `id`: told again it changes
nothing, whatever else it comes with.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Raw, Struct

from adapters.account_check import is_address
from adapters.base import AccountConfig, ParseError, WebhookRequest
from adapters.json_body import body_of, bounded, decoded, moment
from adapters.phones import normalise
from model import content as held
from model import inbound
from model.content import Content
from model.inbound import HandleRef, InboundEvent, InboundFile
from model.timeline import Media

NOT_THEIRS: Final = (held.Call, held.Mail, held.Template)
"""Content that only channels of their own have."""
_MOST_CONTENT: Final = 16 * 1024
_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}")
_EMAIL = re.compile(r"[^\s@\x00-\x1f]{1,64}@[^\s@\x00-\x1f]{1,189}")

Id = Annotated[str, Meta(min_length=1, max_length=200)]
Line = Annotated[str, Meta(max_length=200)]
Time = Annotated[str, Meta(max_length=40, extra_json_schema={"format": "date-time"})]


class Customer(Struct, frozen=True):
    """Who it is. `proven`: the system knows that phone and e-mail are theirs; otherwise they only say so."""

    id: Id
    name: Line | None = None
    phone: Line | None = None
    email: Line | None = None
    proven: bool = False


class File(Struct, frozen=True):
    """A file, at an address or as it is (in base64)."""

    url: Annotated[str, Meta(max_length=4000)] | None = None
    data: bytes | None = None
    name: Line | None = None
    content_type: Line = "application/octet-stream"


class Event(Struct, frozen=True, kw_only=True, tag_field="type", tag=str.lower):
    """What all have. `to`: the account's address, so that nothing told to one is taken by another."""

    id: Id
    at: Time | None = None
    to: Line | None = None


class Receipt(Event, frozen=True, kw_only=True):
    """What became of a message of ours: `entry` is the id it was handed over with, `message` the one answered."""

    status: Literal["sent", "delivered", "read", "failed"]
    entry: UUID | None = None
    message: Id | None = None
    error: Line | None = None


class OfCustomer(Event, frozen=True, kw_only=True):
    """Something about a customer."""

    customer: Customer


class Said(OfCustomer, frozen=True, kw_only=True):
    """Something said."""

    text: str = ""
    files: Annotated[tuple[File, ...], Meta(max_length=10)] = ()
    content: Annotated[tuple[Raw, ...], Meta(max_length=20)] = ()
    in_reply_to: Id | None = None


class Message(Said, frozen=True, kw_only=True):
    """The customer said it; `automatic`: nobody wrote it, and it opens nothing."""

    automatic: bool = False


class Echo(Said, frozen=True, kw_only=True):
    """It was said to the customer for us, elsewhere."""


class Edited(OfCustomer, frozen=True, kw_only=True):
    """The customer changed it."""

    target: Id
    text: str


class Unsent(OfCustomer, frozen=True, kw_only=True):
    """The customer took it back."""

    target: Id


class Reaction(OfCustomer, frozen=True, kw_only=True):
    """The customer reacted; without emoji: took it back."""

    target: Id
    emoji: Annotated[str, Meta(max_length=32)] | None = None


class Typing(OfCustomer, frozen=True, kw_only=True):
    """The customer is writing."""


class Seen(OfCustomer, frozen=True, kw_only=True):
    """The customer has everything until then, or has read it."""

    until: Time
    status: Literal["delivered", "read"] = "read"


class Consent(OfCustomer, frozen=True, kw_only=True):
    """The customer wants no more messages, or wants them again."""

    opted_out: bool
    text: str = ""


Posted = Message | Echo | Edited | Unsent | Reaction | Typing | Seen | Consent | Receipt
POSTED: msgspec.json.Decoder[Posted] = msgspec.json.Decoder(Posted)
CONTENT: msgspec.json.Decoder[Content] = msgspec.json.Decoder(Content)


def parse(request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
    """The one event of a verified request, or ParseError."""
    event = decoded(POSTED, body_of(request))
    if event.to not in (None, account.address):
        raise ParseError("not this account's address", "to")
    if isinstance(event, Receipt):
        return [_receipt(event)]
    who = HandleRef("social", event.customer.id, f"generic:{account.address}")
    return [_said(event, who, account) if isinstance(event, Said) else _told(event, who)]


def _receipt(event: Receipt) -> InboundEvent:
    if (event.entry is None) == (event.message is None):
        raise ParseError("name the message by `entry` or by `message`", "entry")
    return inbound.DeliveryReceipt(event.id, event.message or "", event.status, event.entry, event.error)


def _told(event: OfCustomer, who: HandleRef) -> InboundEvent:
    id_, at = event.id, moment(event.at)
    match event:
        case Edited():
            return inbound.MessageEdited(id_, who, event.target, bounded(event.text)[0], at)
        case Unsent():
            return inbound.MessageUnsent(id_, who, event.target, at)
        case Reaction():
            return inbound.MessageReacted(id_, who, event.target, event.emoji or None, at)
        case Consent():
            return inbound.ConsentChange(id_, who, bounded(event.text)[0], event.opted_out)
        case Seen():
            if until := moment(event.until):
                return inbound.ReadUpTo(id_, who, event.status, until)
            raise ParseError("is no time with a zone", "until")
    return inbound.Typing(id_, who)


def _said(event: Said, who: HandleRef, account: AccountConfig) -> InboundEvent:
    body, files = bounded(event.text)
    media = []
    content = [_content(raw) for raw in event.content]
    for file in event.files:
        kind = file.content_type if _TYPE.fullmatch(file.content_type) else "application/octet-stream"
        if file.data and isinstance(event, Message):
            files += (InboundFile(file.name, kind, file.data),)
        elif is_address(file.url or ""):
            media.append(Media(file.url or "", kind, name=file.name))
        else:
            content.append(held.Unsupported("file", "neither data nor an address of the web"))
    if not (body.strip() or files or media or content):
        raise ParseError("holds neither text, files nor content", "text")
    at, held_, reply = moment(event.at), tuple(content), event.in_reply_to
    if not isinstance(event, Message):
        return inbound.MessageEchoed(event.id, who, body, tuple(media), at, held_, in_reply_to=reply)
    name, theirs = " ".join((event.customer.name or "").split()) or None, _handles(event.customer, account)
    also, claims = (theirs, ()) if event.customer.proven else ((), theirs)
    return inbound.InboundMessage(
        *(event.id, who, body, tuple(media), at, name, also, claims, held_, None, reply, files, event.automatic)
    )


def _content(raw: Raw) -> Content:
    try:
        if len(raw) <= _MOST_CONTENT and not isinstance(one := decoded(CONTENT, raw), NOT_THEIRS):
            return one
    except ParseError as error:
        return held.Unsupported("content", f"{error.field or 'content'}: {error.reason}"[:200])
    return held.Unsupported("content", "not of a customer, or too large")


def _handles(customer: Customer, account: AccountConfig) -> tuple[HandleRef, ...]:
    """Phone and e-mail; what is neither is left out."""
    phone, email = normalise(customer.phone or "", account.region), (customer.email or "").strip()
    found = [HandleRef("phone", phone)] if phone else []
    return (*found, *([HandleRef("email", email)] if _EMAIL.fullmatch(email) else []))
