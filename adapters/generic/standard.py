"""A channel of the company's own, by HTTP signed as Standard Webhooks has it, both ways.

- Proof: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md: `webhook-id`,
  `webhook-timestamp`, and `webhook-signature`, a list of `v1,<base64>` with HMAC-SHA256 over `{id}.{timestamp}.{body}`;
  signatures of other versions are skipped.
- Events: one in JSON, of a form that is ours (docs/reference/generic.md; its JSON Schema is written by
  `python -m tests.adapters.generic.schema`), known by its `id`: told again it changes nothing, whatever it comes with.
- Sending: a reply is posted to `settings.callback_url` under the same scheme, our entry's id being its `webhook-id`:
  posted again after a lost answer it is the same reply.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit
from uuid import UUID

import httpx2
import msgspec
from msgspec import Meta, Raw, Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from adapters.account_check import is_address
from adapters.base import AccountConfig, Forged, Outgoing, ParseError, Refused, ReplyLimits, Sent, WebhookRequest
from adapters.details import handles_of, name_of, type_of
from adapters.http_adapter import HttpAdapter, said_in
from adapters.http_call import Call
from adapters.json_body import MOST_TEXT, body_of, bounded, decoded, moment
from adapters.messages import ANY_TYPE, Part, echo_of, medium, message_of, social
from adapters.proof import fresh, mac, plain_of, required, same, secrets_of
from model import content as held
from model import inbound
from model.content import Content
from model.inbound import HandleRef, InboundEvent, InboundFile

MOST_FILE: Final = 25 * 1024 * 1024
MOST_CONTENT: Final = 16 * 1024
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_SIGNATURES = re.compile(r"[a-z0-9]{1,8},[A-Za-z0-9+/]+=*( [a-z0-9]{1,8},[A-Za-z0-9+/]+=*){0,9}")
NOT_THEIRS: Final = (held.Call, held.Mail, held.Template)
"""Content that only channels of their own have."""

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
    content_type: Line = ANY_TYPE


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


class Answer(Struct, frozen=True):
    """What a call-back may be answered with."""

    id: Id | None = None
    error: str = ""


Posted = Message | Echo | Edited | Unsent | Reaction | Typing | Seen | Consent | Receipt
POSTED: Decoder[Posted] = Decoder(Posted)
CONTENT: Decoder[Content] = Decoder(Content)
ANSWER = Decoder(Answer)


class StandardWebhooks(HttpAdapter):
    """The adapter."""

    provider, channels, title, max_body = "standard", frozenset(("generic",)), "The system", 8 * 1024 * 1024
    secret_is, known = "make one: whsec_ and 24 to 64 random bytes in base64", frozenset(("callback_url",))
    replies = ReplyLimits(most_characters=MOST_TEXT, most_files=10, most_file_bytes=MOST_FILE)

    def fits(self, secret: str) -> bool:
        """Only a key does."""
        return _key(secret) is not None

    def problems(self, account: AccountConfig) -> Iterator[str]:
        """What is wrong with any account, and an address where all could read replies."""
        yield from super().problems(account)
        url = account.settings.get("callback_url", "")
        if url and not (is_address(url) and (url.startswith("https:") or urlsplit(url).hostname in _LOOPBACK)):
            yield "settings.callback_url is no https address: give one like https://crm.example.com/replies"

    def verify(self, request: WebhookRequest, account: AccountConfig) -> None:
        """Raise Forged unless one of the signatures is by one of the account's keys, a moment ago."""
        keys, id_ = _keys(account), required(request, "webhook-id")
        time, given = fresh(request, required(request, "webhook-timestamp")), required(request, "webhook-signature")
        if not _SIGNATURES.fullmatch(given):
            raise Forged("webhook-signature is no list of signatures")
        signed = [_sign(key, id_, time, request.body) for key in keys]
        if not any(same(signature, *signed) for signature in given.split(" ")):
            raise Forged("no signature is by a secret of the account")

    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """The one event of a webhook, or ParseError."""
        event = decoded(POSTED, body_of(request))
        if event.to not in (None, account.address):
            raise ParseError("not this account's address", "to")
        if isinstance(event, Receipt):
            return [_receipt(event)]
        who = social(account, event.customer.id)
        return [_said(event, who, account) if isinstance(event, Said) else _told(event, who)]

    def calls(self, account: AccountConfig, outgoing: Outgoing) -> list[Call] | Refused:
        """The reply as JSON, signed by every key, so that the other side may change its own when it likes."""
        url, id_, time = account.settings.get("callback_url"), str(outgoing.id), f"{datetime.now(UTC).timestamp():.0f}"
        if not url:
            return Refused("nobody takes replies: set the account's settings.callback_url", retryable=True)
        files = [{"name": one.name, "content_type": one.content_type, "url": one.url} for one in outgoing.files]
        said = {"type": "message", "id": id_, "account": account.id, "to": outgoing.to, "text": outgoing.body}
        body = msgspec.json.encode(said | {"files": files, "in_reply_to": outgoing.in_reply_to})
        signatures = " ".join(_sign(key, id_, time, body) for key in _keys(account))
        headers = {"webhook-id": id_, "webhook-timestamp": time, "webhook-signature": signatures}
        return [Call(url, {**headers, "content-type": "application/json"}, content=body, repeatable=True)]

    def accepted(self, response: httpx2.Response) -> Sent:
        """Taken, under the id that it gives or under ours."""
        answer = said_in(ANSWER, response)
        return Sent((answer and answer.id) or response.request.headers["webhook-id"], "sent")

    def reason(self, response: httpx2.Response) -> str:
        """What it says is wrong, if it does."""
        answer = said_in(ANSWER, response)
        said = f": {answer.error[:200]}" if answer and answer.error else ""
        return super().reason(response) + said


def _key(secret: str) -> bytes | None:
    key = plain_of(secret.removeprefix("whsec_"))
    return key if key and 24 <= len(key) <= 64 else None


def _keys(account: AccountConfig) -> list[bytes]:
    if keys := [key for secret in secrets_of(account) if (key := _key(secret))]:
        return keys
    raise Forged("no secret of the account is a key: nothing can be verified")


def _sign(key: bytes, id_: str, time: str, body: bytes) -> str:
    said = f"{id_}.{time}.".encode("utf-8", "replace") + body
    return "v1," + mac(key, said, "base64")


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
    files: list[InboundFile] = []
    parts: list[Part] = [_content(raw) for raw in event.content]
    for file in event.files:
        if file.data and isinstance(event, Message):
            files.append(InboundFile(file.name, type_of(file.content_type), file.data))
        else:
            linked = medium(file.url or "", type_of(file.content_type), file.name)
            parts += linked or [held.Unsupported("file", "neither data nor an address of the web")]
    if not (event.text.strip() or files or parts):
        raise ParseError("holds neither text, files nor content", "text")
    at, reply = moment(event.at), event.in_reply_to
    if not isinstance(event, Message):
        return echo_of(event.id, who, event.text, parts, at, in_reply_to=reply)
    name, theirs = name_of(event.customer.name), handles_of(event.customer.phone, event.customer.email, account.region)
    also, claims = (theirs, ()) if event.customer.proven else ((), theirs)
    said = message_of(event.id, who, event.text, parts, at, name, also=also, claims=claims, files=files)
    return replace(said, in_reply_to=reply, automatic=event.automatic)


def _content(raw: Raw) -> Content:
    try:
        if len(raw) <= MOST_CONTENT and not isinstance(one := decoded(CONTENT, raw), NOT_THEIRS):
            return one
    except ParseError as error:
        return held.Unsupported("content", f"{error.field or 'content'}: {error.reason}"[:200])
    return held.Unsupported("content", "not of a customer, or too large")
