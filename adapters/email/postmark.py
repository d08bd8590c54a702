"""Postmark's inbound webhook: https://postmarkapp.com/developer/webhooks/inbound-webhook.

Configure the inbound stream's webhook as `https://hook:SECRET@…/hooks/{account}`. With "Include raw email content" the
mail itself is read, else the parts Postmark made of it. Postmark tries again for some hours unless it is answered 403.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec
from msgspec import Struct

from adapters.base import AccountConfig, ParseError, WebhookRequest
from adapters.email.adapter import MailAdapter
from adapters.email.bodies import from_base64
from adapters.email.characters import storable
from adapters.email.event import Arrival, events_of
from adapters.email.headers import Headers
from adapters.email.letter import Letter, file_name, media_type, read_source
from adapters.email.proof import by_postmark
from adapters.email.reply_address import is_ours
from model.inbound import InboundEvent, InboundFile


class _Field(Struct, frozen=True, rename="pascal"):
    name: str
    value: str = ""


class _Attachment(Struct, frozen=True, rename="pascal"):
    content: str = ""
    name: str = ""
    content_type: str = ""
    content_id: str | None = msgspec.field(default=None, name="ContentID")


class _Person(Struct, frozen=True, rename="pascal"):
    email: str = ""
    name: str = ""


class _Inbound(Struct, frozen=True, rename="pascal"):
    message_id: str = msgspec.field(name="MessageID")
    headers: list[_Field] = []
    from_full: _Person = _Person()
    to: str = ""
    cc: str = ""
    subject: str = ""
    date: str = ""
    reply_to: str = ""
    original_recipient: str = ""
    text_body: str | None = None
    html_body: str | None = None
    raw_email: str | None = None
    attachments: list[_Attachment] = []


_decode = msgspec.json.Decoder(_Inbound).decode


class PostmarkMail(MailAdapter):
    """The adapter."""

    provider = "postmark"
    settings = ("trusted_authserv",)

    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """The events of one inbound mail."""
        try:
            inbound = _decode(request.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise ParseError(f"not the JSON of an inbound mail: {_why(error)}") from None
        if not 0 < len(inbound.message_id) <= 200:
            raise ParseError("empty or too long", "MessageID")
        recipient = inbound.original_recipient
        if recipient and not is_ours(recipient, account):
            raise ParseError("another account's: name it in settings.recipients if it is ours", "OriginalRecipient")
        source = inbound.raw_email
        letter = read_source(source.encode("utf-8", "surrogatepass")) if source else _letter(inbound)
        headers = _headers(inbound)
        arrival = Arrival(_key(inbound.message_id), by_postmark(headers), (recipient,) if recipient else ())
        return events_of(letter, arrival, account)


def _key(message_id: str) -> str:
    plain = storable(message_id)
    return plain if plain == message_id else sha256(message_id.encode("utf-8", "surrogatepass")).hexdigest()


def _letter(inbound: _Inbound) -> Letter:
    letter = Letter(_headers(inbound), inbound.text_body, inbound.html_body, [])
    for each in inbound.attachments:
        content_id = (each.content_id or "").removeprefix("cid:").strip("<> ")
        data = from_base64(each.content.encode("ascii", "ignore"))
        name = file_name(each.name)
        letter.attach(InboundFile(name, media_type(each.content_type), data, storable(content_id)[:250] or None))
    return letter


def _headers(inbound: _Inbound) -> Headers:
    """Postmark takes the best known ones out of the list, decoded."""
    author = inbound.from_full
    name = author.name.replace("\\", "\\\\").replace('"', '\\"')
    apart = {"from": f'"{name}" <{author.email}>' if name else author.email}
    apart |= {"to": inbound.to, "cc": inbound.cc, "subject": inbound.subject}
    apart |= {"date": inbound.date, "reply-to": inbound.reply_to}
    listed = [(field.name, field.value) for field in inbound.headers]
    given = {name.lower() for name, _ in listed}
    return Headers([*((name, value) for name, value in apart.items() if value and name not in given), *listed])


def _why(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]
