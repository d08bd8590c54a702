"""What a message of the Cloud API says and holds, by its kind. Pure; nothing here is raised.

A kind that cannot be read, and one that is not known here, is `Unsupported` with its reason: the message is shown and
the raw event kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec
from msgspec import Struct
from msgspec.json import Decoder

from adapters.base import AccountConfig, ParseError
from adapters.json_body import decoded, reading
from adapters.meta_account import graph_base
from adapters.whatsapp import cloud_kinds as kinds
from adapters.whatsapp.cloud_wire import Fault, Message
from adapters.whatsapp.people import phone_of
from model.content import Card, Cards, Choice, Form, Location, Notice, Order, OrderItem, Sticker, Unsupported, VoiceNote
from model.content import Content as Holding
from model.inbound import HandleRef
from model.timeline import Media

_MOST_CARDS = 50
_MOST_ITEMS = 200
_MOST_ANSWERS = 200
_MOST_ANSWER = 4000
_MEDIA_ID = re.compile(r"[A-Za-z0-9_-]{1,300}")


class Said(Struct, frozen=True):
    """What one message amounts to. `automatic`: the provider reports it, nobody said it."""

    body: str = ""
    media: tuple[Media, ...] = ()
    content: tuple[Holding, ...] = ()
    claims: tuple[HandleRef, ...] = ()
    automatic: bool = False


def said_in(message: Message, account: AccountConfig) -> Said:
    """What the message says; `Unsupported` where that cannot be told."""
    read = _KINDS.get(message.type)
    if read is None:
        return _unsupported(message)
    try:
        return read(getattr(message, message.type), message, account)
    except ParseError as error:
        return Said(content=(Unsupported(message.type[:100], f"not readable: {error}"),))


def fault_text(faults: list[Fault]) -> str | None:
    """The first error in Meta's words."""
    if not faults:
        return None
    first = faults[0]
    words = (first.error_data.details if first.error_data else "") or first.message or first.title
    return f"{first.code}: {words}"[:300]


def _text(kind: kinds.Text, _message: Message, _account: AccountConfig) -> Said:
    return Said(kind.body)


def _medium(kind: kinds.Medium, message: Message, account: AccountConfig) -> Said:
    media = Media(media_url(kind.id, account), kind.mime_type, name=kind.filename)
    content: tuple[Holding, ...] = ()
    if message.type == "sticker":
        content = (Sticker(kind.animated),)
    elif kind.voice:
        content = (VoiceNote(),)
    return Said(kind.caption or "", (media,), content)


def media_url(media_id: str, account: AccountConfig) -> str:
    """Where the Graph API tells the address of a medium, for a few minutes at a time."""
    if not _MEDIA_ID.fullmatch(media_id):
        raise ParseError("not a media id", "id")
    return f"{graph_base(account)}/{media_id}"


def _place(kind: kinds.Place, _message: Message, _account: AccountConfig) -> Said:
    if not (-90 <= kind.latitude <= 90 and -180 <= kind.longitude <= 180):
        raise ParseError("not on earth", "location")
    return Said(content=(Location(kind.latitude, kind.longitude, kind.name, kind.address),))


def _people(people: list[kinds.Person], message: Message, _account: AccountConfig) -> Said:
    cards = tuple(_card(person) for person in people[:_MOST_CARDS])
    # The customer's own number, given at our request. It is on a card that anybody could write: a claim.
    own = people[0].phones if people and (message.origin or "").startswith("contact_request") else []
    numbers = (phone_of("".join(c for c in each.wa_id or each.phone or "" if c in "+0123456789")) for each in own)
    return Said(content=(Cards(cards),), claims=tuple(number for number in numbers if number))


def _card(person: kinds.Person) -> Card:
    name = person.name.formatted_name or f"{person.name.first_name} {person.name.last_name}".strip()
    return Card(
        name=name[:200],
        phones=tuple(
            each.phone or f"+{each.wa_id}" for each in person.phones[:_MOST_CARDS] if each.phone or each.wa_id
        ),
        emails=tuple(each.email for each in person.emails[:_MOST_CARDS] if each.email),
        company=person.org.company if person.org else None,
    )


def _button(kind: kinds.Button, _message: Message, _account: AccountConfig) -> Said:
    return Said(kind.text, content=(Choice("button", kind.text, kind.payload),))


def _interactive(kind: kinds.Interactive, message: Message, _account: AccountConfig) -> Said:
    if kind.button_reply:
        reply = kind.button_reply
        return Said(reply.title, content=(Choice("button", reply.title, reply.id),))
    if kind.list_reply:
        reply = kind.list_reply
        return Said(reply.title, content=(Choice("list", reply.title, reply.id, reply.description),))
    if kind.nfm_reply:
        return Said(content=(Form(kind.nfm_reply.name, _answers(kind.nfm_reply.response_json)),))
    if kind.call_permission_reply:
        answer = kind.call_permission_reply.response or "nothing"
        return Said(content=(Notice(f"Asked for leave to call: {answer}"[:200]),))
    return Said(content=(Unsupported(f"interactive {kind.type}"[:100], fault_text(message.errors)),))


_ANSWERS = Decoder(dict[str, msgspec.Raw])
_ANSWER = Decoder(str)


def _answers(response: str) -> dict[str, str]:
    """The answers of a form by name; what is no text stays as it is written. The token is ours, not the customer's."""
    given = decoded(_ANSWERS, response.encode())
    named = [(name[:200], bytes(value)) for name, value in given.items() if name != "flow_token"]
    return {name: _plain(value)[:_MOST_ANSWER] for name, value in named[:_MOST_ANSWERS]}


def _plain(value: bytes) -> str:
    text = decoded(_ANSWER, value) if value[:1] == b'"' else value.decode("utf-8", "replace")
    return text.replace("\0", "\ufffd")  # the text was JSON inside JSON: only here could it still hide one


def _order(kind: kinds.Basket, _message: Message, _account: AccountConfig) -> Said:
    items = tuple(
        OrderItem(
            item.product_retailer_id,
            str(item.quantity)[:40],
            None if item.item_price is None else str(item.item_price)[:40],
            item.currency,
        )
        for item in kind.product_items[:_MOST_ITEMS]
    )
    return Said(kind.text or "", content=(Order(kind.catalog_id, items),))


def _unsupported(message: Message) -> Said:
    kind, reason = message.type, fault_text(message.errors)
    if len(message.unsupported):
        try:
            kind = decoded(_UNREADABLE, message.unsupported).type
        except ParseError:
            reason = reason or "WhatsApp does not say what it was"
    if kind == "request_welcome":
        return Said(content=(Notice("Opened the chat for the first time"),), automatic=True)
    return Said(content=(Unsupported(kind[:100], reason),))


_UNREADABLE = Decoder(kinds.Unreadable)
_MEDIUM = reading(kinds.Medium, _medium)
_KINDS: dict[str, Callable[[msgspec.Raw, Message, AccountConfig], Said]] = {
    "text": reading(kinds.Text, _text),
    "image": _MEDIUM,
    "audio": _MEDIUM,
    "video": _MEDIUM,
    "document": _MEDIUM,
    "sticker": _MEDIUM,
    "location": reading(kinds.Place, _place),
    "contacts": reading(list[kinds.Person], _people),
    "button": reading(kinds.Button, _button),
    "interactive": reading(kinds.Interactive, _interactive),
    "order": reading(kinds.Basket, _order),
}
