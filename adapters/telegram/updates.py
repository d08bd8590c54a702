"""What Telegram's updates hold: https://core.telegram.org/bots/api#update.

A message is numbered within its chat only, so chat and number name it. Groups and channels are passed over: what is
answered there everybody reads. Of several sizes of a picture the largest is taken.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Raw, Struct, field
from msgspec.json import Decoder

from adapters.base import AccountConfig, ParseError, WebhookRequest
from adapters.json_body import body_of, bounded, decoded, instant
from model.content import (
    Card,
    Cards,
    Choice,
    Content,
    Forwarded,
    Location,
    Notice,
    Sticker,
    Story,
    Unsupported,
    VoiceNote,
)
from model.inbound import (
    ConsentChange,
    HandleRef,
    Ignored,
    InboundEvent,
    InboundMessage,
    MessageEdited,
    MessageReacted,
)
from model.timeline import Media

OURS = "telegram:"
"""Before the id of a file that Telegram hands out."""
FILES = {
    "photo": "image/jpeg",
    "voice": "audio/ogg",
    "audio": "audio/mpeg",
    "video": "video/mp4",
    "video_note": "video/mp4",
    "animation": "video/mp4",
    "sticker": "image/webp",
    "document": "application/octet-stream",
}
SERVICE = frozenset(
    (
        *("pinned_message", "message_auto_delete_timer_changed", "write_access_allowed", "users_shared", "chat_shared"),
        *("chat_background_set", "boost_added", "connected_website", "passport_data", "web_app_data", "gift"),
        *("successful_payment", "refunded_payment", "new_chat_title", "new_chat_photo", "delete_chat_photo"),
    )
)
Short = Annotated[str, Meta(max_length=4096)]


class Chat(Struct):
    id: int
    type: str = "private"
    first_name: Short = ""
    last_name: Short = ""


class File(Struct):
    id: Annotated[str, Meta(min_length=1, max_length=300)] = field(name="file_id")
    mime_type: Annotated[str, Meta(max_length=200)] | None = None
    file_name: Short | None = None
    file_size: Annotated[int, Meta(ge=0, le=2**40)] | None = None
    is_animated: bool = False
    is_video: bool = False


class Place(Struct):
    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]


class Venue(Struct):
    location: Place
    title: Short = ""
    address: Short = ""


class Person(Struct):
    phone_number: Short
    first_name: Short = ""
    last_name: Short = ""


class Answered(Struct):
    message_id: int


class Message(Struct):
    message_id: int
    chat: Chat
    date: int | None = None
    edit_date: int | None = None
    text: str = ""
    caption: str = ""
    photo: list[File] = []
    voice: File | None = None
    audio: File | None = None
    video: File | None = None
    video_note: File | None = None
    animation: File | None = None
    sticker: File | None = None
    document: File | None = None
    contact: Person | None = None
    location: Place | None = None
    venue: Venue | None = None
    dice: dict[str, Any] | None = None
    poll: dict[str, Any] | None = None
    story: dict[str, Any] | None = None
    forward_origin: dict[str, Any] | None = None
    reply_to_message: Answered | None = None


class Taken(Struct):
    """The answer to a message of ours."""

    result: Message


class Reacted(Struct):
    chat: Chat
    message_id: int
    date: int | None = None
    new_reaction: list[dict[str, Any]] = []


class Pressed(Struct):
    data: Annotated[str, Meta(max_length=1000)] = ""
    message: Message | None = None


class Membership(Struct):
    chat: Chat
    new_chat_member: dict[str, Any] = {}


class Update(Struct):
    id: int = field(name="update_id")
    message: Raw = Raw()
    edited_message: Raw = Raw()
    message_reaction: Raw = Raw()
    callback_query: Raw = Raw()
    my_chat_member: Raw = Raw()


UPDATE = Decoder(Update)
MESSAGE, REACTED, PRESSED, MEMBERSHIP = Decoder(Message), Decoder(Reacted), Decoder(Pressed), Decoder(Membership)
ANYTHING: Decoder[dict[str, Raw]] = Decoder(dict[str, Raw])


def parse(request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
    """The one event of a webhook, or ParseError."""
    body = body_of(request)
    update, scope = decoded(UPDATE, body), f"telegram:{account.address}"
    key = str(update.id)
    if len(update.message):
        return [_message(decoded(MESSAGE, update.message), update.message, key, scope)]
    if len(update.edited_message):
        return [_edited(decoded(MESSAGE, update.edited_message), key, scope)]
    if len(update.message_reaction):
        return [_reacted(decoded(REACTED, update.message_reaction), key, scope)]
    if len(update.callback_query):
        return [_pressed(decoded(PRESSED, update.callback_query), key, scope)]
    if len(update.my_chat_member):
        return [_membership(decoded(MEMBERSHIP, update.my_chat_member), key, scope)]
    if len(decoded(ANYTHING, body)) < 2:
        raise ParseError("an update of nothing", "update_id")
    return [Ignored(key, "an update that says nothing of a customer's message")]


def _who(chat: Chat, scope: str) -> HandleRef | None:
    return HandleRef("social", str(chat.id), scope) if chat.type == "private" else None


def _message(said: Message, raw: Raw, key: str, scope: str) -> InboundEvent:
    who, at = _who(said.chat, scope), instant(said.date)
    if who is None:
        return Ignored(key, f"of a {said.chat.type[:40]}")
    if not SERVICE.isdisjoint(decoded(ANYTHING, raw).keys()):
        return Ignored(key, "a service message")
    body, files = bounded(said.text or said.caption)
    media = _media(said)
    content = _content(said) or (() if body or media else (Unsupported("message", "of a kind that is not known here"),))
    return InboundMessage(
        key=key,
        handle=who,
        body=body,
        media=media,
        occurred_at=at,
        name_hint=f"{said.chat.first_name} {said.chat.last_name}".strip()[:200] or None,
        content=content,
        provider_id=f"{said.chat.id}:{said.message_id}",
        in_reply_to=f"{said.chat.id}:{said.reply_to_message.message_id}" if said.reply_to_message else None,
        files=files,
    )


def _media(said: Message) -> tuple[Media, ...]:
    for kind, usual in FILES.items():
        found: Any = getattr(said, kind)
        file = max(found, key=lambda one: one.file_size or 0, default=None) if kind == "photo" else found
        if file is not None:
            return (Media(OURS + file.id, file.mime_type or usual, None, file.file_name, file.file_size),)
    return ()


def _content(said: Message) -> tuple[Content, ...]:
    held: list[Content] = [Forwarded()] if said.forward_origin else []
    if said.venue:
        place, venue = said.venue.location, said.venue
        held.append(Location(place.latitude, place.longitude, venue.title, venue.address))
    elif said.location:
        held.append(Location(said.location.latitude, said.location.longitude))
    if said.contact:
        name = f"{said.contact.first_name} {said.contact.last_name}".strip()
        held.append(Cards((Card(name, (said.contact.phone_number,)),)))
    if said.sticker:
        held.append(Sticker(said.sticker.is_animated or said.sticker.is_video))
    held += [VoiceNote()] if said.voice else []
    held += [Story("mention")] if said.story is not None else []
    held += [Notice(f"Threw {str(said.dice.get('emoji'))[:8]}: {str(said.dice.get('value'))[:8]}")] if said.dice else []
    held += [Unsupported("poll", str(said.poll.get("question"))[:300])] if said.poll else []
    return tuple(held)


def _edited(said: Message, key: str, scope: str) -> InboundEvent:
    who, at = _who(said.chat, scope), instant(said.edit_date)
    if who is None:
        return Ignored(key, f"of a {said.chat.type[:40]}")
    return MessageEdited(key, who, f"{said.chat.id}:{said.message_id}", bounded(said.text or said.caption)[0], at)


def _reacted(said: Reacted, key: str, scope: str) -> InboundEvent:
    who, at = _who(said.chat, scope), instant(said.date)
    if who is None:
        return Ignored(key, f"of a {said.chat.type[:40]}")
    last = said.new_reaction[-1] if said.new_reaction else None
    emoji = None if last is None else str(last.get("emoji") or "⭐")[:16]
    return MessageReacted(key, who, f"{said.chat.id}:{said.message_id}", emoji, at)


def _pressed(said: Pressed, key: str, scope: str) -> InboundEvent:
    who = _who(said.message.chat, scope) if said.message else None
    if who is None:
        return Ignored(key, "pressed outside a chat with us")
    at: datetime | None = None
    return InboundMessage(key, who, said.data[:200], (), at, content=(Choice("button", said.data[:200], said.data),))


def _membership(said: Membership, key: str, scope: str) -> InboundEvent:
    who, status = _who(said.chat, scope), said.new_chat_member.get("status")
    if who is None or status not in ("kicked", "member"):
        return Ignored(key, "membership elsewhere")
    return ConsentChange(key, who, "blocked the bot" if status == "kicked" else "started the bot", status == "kicked")
