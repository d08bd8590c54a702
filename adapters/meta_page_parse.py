"""The webhooks of Messenger and Instagram → events. Pure: no clock, no I/O, and only ParseError is raised.

Keys: a message by its `mid`; what happens to one by `mid` and what happened; what has no id by who, when and what. Meta
repeats an event with the same time, so that a repeat has the same key in whatever delivery it comes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from uuid import UUID

import msgspec
from msgspec import Struct

from adapters.base import AccountConfig, ParseError, WebhookRequest
from adapters.json_body import body_of, bounded, decoded, each_alone, instant, reading, settled
from adapters.messages import Part, echo_of, message_of
from adapters.meta_page_content import came_by, held_in
from adapters.meta_page_wire import (
    ENVELOPE,
    EVENT,
    Account,
    Agreement,
    Delivery,
    Edit,
    Event,
    Message,
    Postback,
    Reaction,
    Read,
    Referral,
)
from model.content import Choice, Content, Notice
from model.inbound import (
    DeliveryReceipt,
    HandleRef,
    Ignored,
    InboundEvent,
    InboundMessage,
    MessageEdited,
    MessageReacted,
    MessageUnsent,
    ReadUpTo,
    Unreadable,
)

MARK = "screenpop:"
"""Before our entry's id in what Messenger echoes as `metadata`."""
FILE_MARK = ":file"
"""Behind that on a file whose words follow as a message of their own: what became of the reply, the words tell."""
MOST_EVENTS = 1000
"""In one delivery: https://developers.facebook.com/docs/graph-api/webhooks/getting-started, "Frequency"."""
_EMOJI = {"love": "❤", "like": "👍", "dislike": "👎", "smile": "😆", "wow": "😮", "sad": "😢", "angry": "😠"}
_OTHERS = (
    "account_linking",
    "app_roles",
    "game_play",
    "messaging_feedback",
    "pass_thread_control",
    "policy_enforcement",
    "request_thread_control",
    "take_thread_control",
)


class Page(Struct, frozen=True):
    """Whose webhooks these are."""

    object: str
    channel: str
    id: str


class Told(Struct, frozen=True):
    """One event with whom it is about: the customer, whoever sent it."""

    event: Event
    customer: HandleRef
    page: Page

    def key(self, kind: str, what: str = "") -> str:
        """Of an event without id: who, when and what. A hash, since payloads are long."""
        digest = hashlib.sha256(what.encode()).hexdigest()[:16]
        return f"{kind}:{self.customer.value}:{self.when}:{digest}"

    @property
    def when(self) -> str:
        """The event's time as a part of keys."""
        return str(self.event.timestamp)[:20]


def parse_page(request: WebhookRequest, account: AccountConfig, page: Page) -> list[InboundEvent]:
    """The events of one verified webhook."""
    envelope = decoded(ENVELOPE, body_of(request))
    if envelope.object != page.object:
        raise ParseError(f"not this channel's: subscribe this address to {page.object} only", "object")
    return settled(reading for entry in envelope.entry for reading in _entry_events(entry, page))


def _entry_events(entry: Account, page: Page) -> Iterator[InboundEvent]:
    if not page.id or entry.id != page.id:
        yield Unreadable("another account's: check the account's address", "entry.id")
        return
    yield from each_alone(entry.messaging, EVENT, partial(_told, page), "messaging", MOST_EVENTS)
    if entry.standby:
        yield Ignored("standby", f"{len(entry.standby)} of a conversation that another app holds now")
    for change in entry.changes:
        yield Ignored(change.field[:100], f"{change.field[:100]} is no message")


def _told(page: Page, event: Event) -> list[InboundEvent]:
    ours = event.sender.id == page.id
    other = event.recipient if ours else event.sender
    if not ours and event.recipient.id not in (None, page.id):
        raise ParseError("another account's: check the account's address", "recipient.id")
    for name in _OTHERS:
        if len(getattr(event, name)):
            return [Ignored(f"{name}:{event.timestamp}", f"{name} says nothing of a customer")]
    if other.id is None:
        return [Ignored(f"visitor:{event.timestamp}", "of a visitor who has no id yet")]
    if other.id == page.id:
        return [Ignored(f"self:{event.timestamp}", "a message of the account to itself")]
    told = Told(event, HandleRef("social", other.id, f"{page.channel}:{page.id}"), page)
    for name, read in _KINDS.items():
        raw = getattr(event, name)
        if len(raw):
            return read(raw, told)
    raise ParseError("unknown kind", "messaging")


def _message(message: Message, told: Told) -> list[InboundEvent]:
    at = instant(told.event.timestamp, 1000)
    if message.is_deleted:
        return [MessageUnsent(f"{message.mid}:deleted", told.customer, message.mid, at)]
    if message.is_echo or told.event.sender.id == told.page.id:
        return [_echo(message, told)]
    answers = message.reply_to.mid if message.reply_to else None
    return [message_of(message.mid, told.customer, message.text, held_in(message), at, in_reply_to=answers)]


def _echo(message: Message, told: Told) -> InboundEvent:
    """What was said for us. Said from here it bears our mark, and settles what became of that reply."""
    mark = message.metadata or ""
    if _marked(mark.removesuffix(FILE_MARK)) and mark.endswith(FILE_MARK):
        return Ignored(f"{message.mid}:echo", "the file of a reply from here, whose words follow")
    entry = _marked(mark)
    if entry:
        return DeliveryReceipt(f"{message.mid}:sent", message.mid, "sent", outbound_id=entry)
    at, answers = instant(told.event.timestamp, 1000), message.reply_to.mid if message.reply_to else None
    key, parts = f"{message.mid}:echo", held_in(message)
    return echo_of(key, told.customer, message.text, parts, at, provider_id=message.mid, in_reply_to=answers)


def _marked(metadata: str) -> UUID | None:
    if not metadata.startswith(MARK):
        return None
    try:
        return UUID(metadata.removeprefix(MARK))
    except ValueError:
        return None


def _postback(postback: Postback, told: Told) -> list[InboundEvent]:
    title, came = postback.title[:200], [came_by(postback.referral)] if postback.referral else []
    parts: list[Part] = [Choice("postback", title, postback.payload or None), *came]
    key = postback.mid or told.key("postback", postback.payload)
    return [message_of(key, told.customer, title, parts, instant(told.event.timestamp, 1000))]


def _reaction(reaction: Reaction, told: Told) -> list[InboundEvent]:
    emoji = reaction.emoji or _EMOJI.get(reaction.reaction or "", reaction.reaction or "👍")
    given = reaction.action != "unreact"
    key = f"{reaction.mid}:{told.customer.value}:{reaction.action}:{emoji}:{told.when}"
    at = instant(told.event.timestamp, 1000)
    return [MessageReacted(key, told.customer, reaction.mid, emoji if given else None, at)]


def _edit(edit: Edit, told: Told) -> list[InboundEvent]:
    key = f"{edit.mid}:edit:{str(edit.num_edit)[:20]}"
    at = instant(told.event.timestamp, 1000)
    return [MessageEdited(key, told.customer, edit.mid, bounded(edit.text)[0], at)]


def _read(read: Read, told: Told) -> list[InboundEvent]:
    if read.mid:
        return [DeliveryReceipt(f"{read.mid}:read", read.mid, "read")]
    until = instant(read.watermark, 1000)
    if until is None:
        raise ParseError("neither a time nor a message", "read")
    return [ReadUpTo(f"read:{told.customer.value}:{read.watermark}", told.customer, "read", until)]


def _delivery(delivery: Delivery, told: Told) -> list[InboundEvent]:
    """By message where they are named, and up to the time in any case."""
    until = instant(delivery.watermark, 1000)
    if until is None:
        raise ParseError("no time", "delivery.watermark")
    receipts: list[InboundEvent] = [DeliveryReceipt(f"{mid}:delivered", mid, "delivered") for mid in delivery.mids]
    key = f"delivered:{told.customer.value}:{delivery.watermark}"
    return [*receipts, ReadUpTo(key, told.customer, "delivered", until)]


def _referral(referral: Referral, told: Told) -> list[InboundEvent]:
    """Came by a link or advertisement into a conversation there was already, without a word."""
    return [
        _reported(told, told.key("referral", f"{referral.source}:{referral.ref}:{referral.ad_id}"), came_by(referral))
    ]


def _agreement(agreed: Agreement, told: Told) -> list[InboundEvent]:
    what = agreed.title or agreed.ref or agreed.payload or agreed.type or "messages"
    notice = Notice(f"Agreed to be written to: {what[:200]}")
    return [_reported(told, told.key("agreement", what), notice)]


def _reported(told: Told, key: str, content: Content) -> InboundMessage:
    at = instant(told.event.timestamp, 1000)
    return message_of(key, told.customer, "", [content], at, automatic=True)


_KINDS: dict[str, Callable[[msgspec.Raw, Told], list[InboundEvent]]] = {
    "message": reading(Message, _message),
    "postback": reading(Postback, _postback),
    "reaction": reading(Reaction, _reaction),
    "message_edit": reading(Edit, _edit),
    "read": reading(Read, _read),
    "delivery": reading(Delivery, _delivery),
    "referral": reading(Referral, _referral),
    "agreement": reading(Agreement, _agreement),
}
