"""One message of the Cloud API → what it is: something said, a reaction, an edit, a withdrawal, a changed identity."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec.json import Decoder

from adapters.base import AccountConfig, ParseError
from adapters.json_body import bounded, decoded, instant
from adapters.whatsapp import cloud_kinds as kinds
from adapters.whatsapp.cloud_content import said_in
from adapters.whatsapp.cloud_wire import Contact, Message
from adapters.whatsapp.people import phone_of, user_of
from model.content import Content, Forwarded, Notice, Referral, Shared
from model.inbound import (
    HandleChanged,
    HandleRef,
    InboundEvent,
    InboundMessage,
    MessageEchoed,
    MessageEdited,
    MessageReacted,
    MessageUnsent,
    Unreadable,
)

_MOST_NAME = 200
_REACTION = Decoder(kinds.Reaction)
_EDIT = Decoder(kinds.Edit)
_REVOKE = Decoder(kinds.Revoke)
_SYSTEM = Decoder(kinds.System)
_NUMBER_CHANGED = frozenset(("user_changed_number", "customer_changed_number"))


def message_events(
    message: Message, person: Contact | None, account: AccountConfig, business: str
) -> Iterator[InboundEvent]:
    """What a customer's message amounts to, never raising."""
    if message.type == "system":
        yield from _system_events(message, account, business)
        return
    phone = phone_of(message.sender or (person.wa_id if person else None))
    user = user_of(message.from_user_id or (person.user_id if person else None), account, business)
    handles = [handle for handle in (phone, user) if handle]
    if not handles:
        yield Unreadable("nobody wrote it: neither a number nor a user id", "messages.from")
        return
    yield _changing(message, handles[0]) or _message(message, handles, person, account)


def echo_events(message: Message, account: AccountConfig, business: str) -> Iterator[InboundEvent]:
    """What we said from the WhatsApp Business app, or changed of it there."""
    handle = phone_of(message.to) or user_of(message.to_user_id, account, business)
    if handle is None:
        yield Unreadable("said to nobody: neither a number nor a user id", "message_echoes.to")
        return
    changing = _changing(message, handle)
    if changing:
        yield changing
        return
    said = said_in(message, account)
    yield MessageEchoed(
        key=message.id,
        handle=handle,
        body=bounded(said.body)[0],
        media=said.media,
        occurred_at=instant(message.timestamp),
        content=said.content + _around(message),
        in_reply_to=message.context.id if message.context else None,
    )


def _message(
    message: Message, handles: list[HandleRef], person: Contact | None, account: AccountConfig
) -> InboundMessage:
    said = said_in(message, account)
    body, files = bounded(said.body)
    return InboundMessage(
        key=message.id,
        handle=handles[0],
        body=body,
        media=said.media,
        occurred_at=instant(message.timestamp),
        name_hint=_name(person),
        also=tuple(handles[1:]),
        claims=said.claims,
        content=said.content + _around(message),
        in_reply_to=message.context.id if message.context else None,
        files=files,
        automatic=said.automatic,
    )


def _name(person: Contact | None) -> str | None:
    profile = person.profile if person else None
    return ((profile.name or profile.username or "").strip()[:_MOST_NAME] or None) if profile else None


def _around(message: Message) -> tuple[Content, ...]:
    """What stands beside the message's own content."""
    found: list[Content] = []
    context, referral = message.context, message.referral
    if context and (context.forwarded or context.frequently_forwarded):
        found.append(Forwarded(many_times=context.frequently_forwarded))
    if context and context.referred_product:
        product = context.referred_product
        found.append(Shared("product", id=product.product_retailer_id, title=product.catalog_id))
    if referral:
        found.append(
            Referral(
                source=referral.source_type,
                url=referral.source_url,
                id=referral.source_id,
                headline=_short(referral.headline),
                body=_short(referral.body),
                ref=referral.ctwa_clid,
            )
        )
    if message.group_id:
        found.append(Notice("Written in a WhatsApp group. An answer goes to this person alone."))
    return tuple(found)


def _short(text: str | None) -> str | None:
    return text[:1000] if text else None


def _changing(message: Message, handle: HandleRef) -> InboundEvent | None:
    """The change this message makes of another, None where it makes none."""
    read = _CHANGES.get(message.type)
    if read is None:
        return None
    try:
        return read(message, handle)
    except ParseError as error:
        return Unreadable(error.reason, f"{message.type}.{error.field}" if error.field else message.type)


def _reaction(message: Message, handle: HandleRef) -> MessageReacted:
    kind = decoded(_REACTION, message.reaction)
    return MessageReacted(message.id, handle, kind.message_id, kind.emoji or None, instant(message.timestamp))


def _edit(message: Message, handle: HandleRef) -> MessageEdited:
    kind = decoded(_EDIT, message.edit)
    now = kind.message
    medium = now.image or now.video or now.document
    body = now.text.body if now.text else (medium.caption or "") if medium else ""
    return MessageEdited(message.id, handle, kind.original_message_id, bounded(body)[0], instant(message.timestamp))


def _revoke(message: Message, handle: HandleRef) -> MessageUnsent:
    kind = decoded(_REVOKE, message.revoke)
    return MessageUnsent(message.id, handle, kind.original_message_id, instant(message.timestamp))


_CHANGES: dict[str, Callable[[Message, HandleRef], InboundEvent]] = {
    "reaction": _reaction,
    "edit": _edit,
    "revoke": _revoke,
}


def _system_events(message: Message, account: AccountConfig, business: str) -> Iterator[InboundEvent]:
    """A changed number or id, and the notice of it. These messages carry no `contacts`."""
    try:
        kind = decoded(_SYSTEM, message.system)
    except ParseError as error:
        yield Unreadable(error.reason, "system")
        return
    old_phone, old_user = phone_of(message.sender), user_of(kind.previous_user_id, account, business)
    new_phone = phone_of(kind.wa_id or kind.new_wa_id) if kind.type in _NUMBER_CHANGED else None
    new_user = user_of(kind.user_id, account, business)
    changes = [
        HandleChanged(f"{message.id}:{name}", new, old)
        for name, new, old in (("number", new_phone, old_phone), ("user", new_user, old_user))
        if new and old and new != old
    ]
    yield from changes
    handle = changes[0].handle if changes else new_phone or old_phone or new_user or old_user
    if handle is None:
        yield Unreadable("a change of nobody: neither a number nor a user id", "system")
        return
    yield InboundMessage(
        key=message.id,
        handle=handle,
        body="",
        occurred_at=instant(message.timestamp),
        content=(Notice(kind.body[:1000] or f"WhatsApp: {kind.type or 'a change'}"),),
        automatic=True,
    )
