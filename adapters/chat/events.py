"""What the widget says: JSON with a `type`, and files, whose request is their bytes.

    POST /hooks/{account}                        {"type": "message" | "delivered" | "read" | "typing", …}
    POST /hooks/{account}/file?id=…&name=…&type=…   the bytes

`id` is the widget's: the same message told again, after a lost answer, is one entry. What somebody writes into the
form before the chat is what they claim, never who they are.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from adapters.base import AccountConfig, ParseError, WebhookRequest
from adapters.chat.visitor import Visitor, visitor_of
from adapters.details import handles_of, name_of, type_of
from adapters.forms import query_of
from model.content import Content, Referral
from model.inbound import HandleRef, InboundEvent, InboundFile, InboundMessage, ReadUpTo, Typing

MOST_TEXT: Final = 16_000
MOST_JSON: Final = 256 * 1024
MOST_FILE: Final = 25 * 1024 * 1024
FILE_STEP: Final = "file"


class _Said(Struct, frozen=True, tag_field="type"):
    """What all have. `account`: whom it is for, so that nothing told to one is taken by another."""

    account: str
    id: UUID


class _Form(Struct, frozen=True):
    """What a visitor wrote before the chat."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None


class _Page(Struct, frozen=True):
    """Where a visitor was when they wrote first."""

    url: str
    title: str = ""


class _Message(_Said, frozen=True, tag="message"):
    text: str
    form: _Form | None = None
    page: _Page | None = None


class _Delivered(_Said, frozen=True, tag="delivered"):
    until: datetime


class _Read(_Said, frozen=True, tag="read"):
    until: datetime


class _Typing(_Said, frozen=True, tag="typing"):
    pass


_Any = _Message | _Delivered | _Read | _Typing
_decode = msgspec.json.Decoder(_Any).decode


def parse(request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
    """The event of a verified request, or ParseError."""
    visitor = visitor_of(request)
    if visitor is None:
        raise ParseError("names no visitor", "visitor")
    if request.step == FILE_STEP:
        return [_file(request, visitor, account)]
    if request.step is not None:
        raise ParseError("unknown step: the widget posts to the account's own address and to /file", "step")
    said = _read(request.body)
    if said.account != account.id:
        raise ParseError("is for another account", "account")
    handle, key = visitor.handle(account), f"{visitor.id}:{said.id}"
    match said:
        case _Message():
            return [_message(said, key, visitor, account)]
        case _Typing():
            return [Typing(key, handle)]
    if said.until.tzinfo is None:
        raise ParseError("has no time zone", "until")
    status: Literal["delivered", "read"] = "read" if isinstance(said, _Read) else "delivered"
    return [ReadUpTo(f"{visitor.id}:{status}:{said.until.isoformat()}", handle, status, said.until)]


def _read(body: bytes) -> _Any:
    if len(body) > MOST_JSON:
        raise ParseError(f"is larger than {MOST_JSON >> 10} KiB", "body")
    try:
        said: _Any = _decode(body)
        return said
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        raise ParseError(reason[:200], path.strip("`.")[:200] or None) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ParseError(f"no readable JSON ({type(error).__name__})") from None


def _message(said: _Message, key: str, visitor: Visitor, account: AccountConfig) -> InboundMessage:
    if not said.text.strip():
        raise ParseError("is empty", "text")
    form = said.form or _Form()
    for field, text in (("text", said.text), *((name, getattr(form, name) or "") for name in form.__struct_fields__)):
        if "\0" in text:
            raise ParseError("contains U+0000", field)
    long = len(said.text) > MOST_TEXT
    return InboundMessage(
        key,
        visitor.handle(account),
        said.text[:MOST_TEXT],
        name_hint=visitor.name or name_of(form.name),
        also=visitor.also(account),
        claims=_claims(form, visitor, account),
        content=_page(said.page),
        files=(InboundFile("message.txt", "text/plain; charset=utf-8", said.text.encode()),) if long else (),
    )


def _claims(form: _Form, visitor: Visitor, account: AccountConfig) -> tuple[HandleRef, ...]:
    """What the visitor says of themselves, as far as it is not proved anyway."""
    proved = (visitor.phone, visitor.email)
    return tuple(one for one in handles_of(form.phone, form.email, account.region) if one.value not in proved)


def _page(page: _Page | None) -> tuple[Content, ...]:
    if page is None or not page.url.startswith(("https://", "http://")) or "\0" in page.url + page.title:
        return ()
    return (Referral("page", page.url[:2000], headline=page.title.strip()[:200] or None),)


def _file(request: WebhookRequest, visitor: Visitor, account: AccountConfig) -> InboundMessage:
    if not 0 < len(request.body) <= MOST_FILE:
        raise ParseError(f"is empty, or larger than {MOST_FILE >> 20} MiB", "body")
    fields = query_of(request, 5)
    try:
        id_ = UUID(fields.required("id", 36))
    except ValueError:
        raise ParseError("is no UUID", "id") from None
    name, kind = fields.optional("name", 255) or None, (fields.optional("type", 200) or "").partition(";")[0].lower()
    file = InboundFile(name, type_of(kind), request.body)
    key, handle = f"{visitor.id}:{id_}", visitor.handle(account)
    return InboundMessage(key, handle, "", name_hint=visitor.name, also=visitor.also(account), files=(file,))
