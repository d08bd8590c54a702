"""What Telegram's updates hold: https://core.telegram.org/bots/api#update.

A message is numbered within its chat only, so chat and number name it; both are in the key beside the update's number,
which Telegram draws anew where nothing came for a week. Groups and channels are passed over: what is
answered there everybody reads. Of several sizes of a picture the largest is taken.
"""

from __future__ import annotations

from typing import Any

from msgspec import Raw

from adapters.base import AccountConfig, ParseError, WebhookRequest
from adapters.json_body import body_of, bounded, decoded, instant
from adapters.telegram.wire import (
    ANYTHING,
    MEMBERSHIP,
    MESSAGE,
    PRESSED,
    REACTED,
    UPDATE,
    Chat,
    Membership,
    Message,
    Pressed,
    Reacted,
)
from model.content import (
    Card,
    Cards,
    Choice,
    Content,
    Form,
    Forwarded,
    Location,
    Notice,
    Referral,
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

START = "/start "
"""Before what a link to the bot carries along (https://core.telegram.org/bots/features#deep-linking)."""
TGS = "application/x-tgsticker"
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
        *("pinned_message", "message_auto_delete_timer_changed", "write_access_allowed", "connected_website"),
        *("chat_background_set", "boost_added", "new_chat_title", "new_chat_photo", "delete_chat_photo"),
    )
)
"""What Telegram tells in a chat, and nobody said."""
SENT = (
    *("successful_payment", "users_shared", "chat_shared", "passport_data", "gift", "unique_gift", "paid_media"),
    *("checklist", "game", "invoice", "giveaway"),
)
"""What a person sent that has no form here: shown as such, and kept with the event."""


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
    holds = decoded(ANYTHING, raw).keys()
    if not SERVICE.isdisjoint(holds):
        return Ignored(key, "a service message")
    body, files = bounded(said.text or said.caption)
    media = _media(said)
    content = _content(said) + tuple(Unsupported(kind) for kind in SENT if kind in holds)
    if not (content or body or media):
        content = (Unsupported("message", "of a kind that is not known here"),)
    return InboundMessage(
        key=f"{key}:{said.chat.id}:{said.message_id}",
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
        file = max(found, key=lambda one: one.width * one.height, default=None) if kind == "photo" else found
        if file is not None:
            type_ = file.mime_type or ("video/webm" if file.is_video else TGS if file.is_animated else usual)
            return (Media(OURS + file.id, type_, None, file.file_name, file.file_size),)
    return ()


def _content(said: Message) -> tuple[Content, ...]:
    held: list[Content] = [Forwarded()] if said.forward_origin else []
    if said.text.startswith(START):
        held.append(Referral("link", ref=said.text.removeprefix(START)[:300]))
    if said.web_app_data:
        held.append(Form(said.web_app_data.button_text or None, {"data": said.web_app_data.data}))
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
    target = f"{said.chat.id}:{said.message_id}"
    return MessageEdited(f"{key}:{target}", who, target, bounded(said.text or said.caption)[0], at)


def _reacted(said: Reacted, key: str, scope: str) -> InboundEvent:
    who, at = _who(said.chat, scope), instant(said.date)
    if who is None:
        return Ignored(key, f"of a {said.chat.type[:40]}")
    last = said.new_reaction[-1] if said.new_reaction else None
    emoji = None if last is None else str(last.get("emoji") or "⭐")[:16]
    target = f"{said.chat.id}:{said.message_id}"
    return MessageReacted(f"{key}:{target}", who, target, emoji, at)


def _pressed(said: Pressed, key: str, scope: str) -> InboundEvent:
    who = _who(said.message.chat, scope) if said.message else None
    if who is None:
        return Ignored(key, "pressed outside a chat with us")
    choice = Choice("button", said.data[:200], said.data)
    return InboundMessage(f"{key}:{said.id}", who, said.data[:200], content=(choice,))


def _membership(said: Membership, key: str, scope: str) -> InboundEvent:
    who, status = _who(said.chat, scope), said.new_chat_member.get("status")
    if who is None or status not in ("kicked", "member"):
        return Ignored(key, "membership elsewhere")
    words = "blocked the bot" if status == "kicked" else "started the bot"
    return ConsentChange(f"{key}:{said.chat.id}:{said.date}", who, words, status == "kicked")


def pressed_in(body: bytes) -> str | None:
    """The id of a pressed button, which waits for an answer; None where none was pressed."""
    try:
        update = decoded(UPDATE, body)
        return decoded(PRESSED, update.callback_query).id if len(update.callback_query) else None
    except ParseError:
        return None
