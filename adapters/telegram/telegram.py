"""Chats with a bot on Telegram, by the Bot API: https://core.telegram.org/bots/api.

- Proof: `X-Telegram-Bot-Api-Secret-Token`, the secret that the webhook was set with (`setWebhook`, `secret_token`): not
  over the body, so only https keeps it whole.
- Events: https://core.telegram.org/bots/api#update. Set the webhook with `allowed_updates` `message`, `edited_message`,
  `message_reaction`, `callback_query` and `my_chat_member`. A message is numbered within its chat only, so chat and
  number name it; both are in the key beside the update's number, which Telegram draws anew where nothing came for a
  week. Groups and channels are passed over: what is answered there everybody reads.
- Sending: `sendMessage`, `sendPhoto`, `sendVideo`, `sendAudio`, `sendDocument`. No key makes a repeat harmless, and
  bots are told neither delivery nor reading. The bot's token stands in the address: it is never logged.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any

import httpx2
from msgspec import Meta, Raw, Struct, field
from msgspec.json import Decoder

from adapters.base import AccountConfig, Answer, Busy, Outgoing, ParseError, Refused, ReplyLimits, SendOutcome
from adapters.base import WebhookRequest as Request
from adapters.bounds import Id, Latitude, Longitude, Short, Size
from adapters.files_by_id import FilesById, ask_address
from adapters.http_adapter import json_answer, said_in
from adapters.http_call import Call
from adapters.json_api import ANSWER, found_in
from adapters.json_body import body_of, bounded, decoded, instant, readable, reading
from adapters.media import MediaClient, MediaOutcome, MediaRefused
from adapters.messages import ANY_TYPE, Kinds, Part, card, message_of, place, pressed, social
from adapters.pieces import Piece, Way, pieces_of
from adapters.proof import Given
from model.content import Content, Form, Forwarded, Notice, Referral, Sticker, Story, Unsupported, VoiceNote
from model.inbound import ConsentChange, HandleRef, Ignored, InboundEvent, MessageEdited, MessageReacted
from model.timeline import Media

NEEDED = {"bot_token": "ask @BotFather for it"}
CAPTION, MB = 1024, 1000 * 1000
WAYS = (
    Way("photo", ("image/jpeg", "image/png"), 10 * MB, CAPTION),
    Way("video", ("video/mp4",), most_caption=CAPTION),
    Way("audio", ("audio/mpeg", "audio/mp4"), most_caption=CAPTION),
    Way("document", most_caption=CAPTION),
)
SERVICE = (
    *("pinned_message", "message_auto_delete_timer_changed", "write_access_allowed", "connected_website"),
    *("chat_background_set", "boost_added", "new_chat_title", "new_chat_photo", "delete_chat_photo"),
)
"""What Telegram tells in a chat, and nobody said."""
SENT = (
    *("successful_payment", "users_shared", "chat_shared", "passport_data", "gift", "unique_gift", "paid_media"),
    *("checklist", "game", "invoice", "giveaway"),
)
"""What a person sent that has no form here: shown as such, and kept with the event."""
AGAIN = {"venue": "location", "animation": "document"}
"""What stands there a second time, as apps know it that do not know the first."""
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
_PATH = re.compile(r"[A-Za-z0-9_./-]{1,300}")
Free = dict[str, Any]


class Person(Struct):
    first_name: Short = ""
    last_name: Short = ""
    phone_number: Short | None = None

    @property
    def name(self) -> str:
        """The whole of it."""
        return f"{self.first_name} {self.last_name}".strip()[:200]


class Chat(Person, kw_only=True):
    id: int
    type: str = "private"


class File(Struct):
    """A file; `is_*` of stickers, width and height of pictures."""

    id: Id = field(name="file_id")
    mime_type: Annotated[str, Meta(max_length=200)] | None = None
    file_name: Short | None = None
    file_size: Size | None = None
    is_animated: bool = False
    is_video: bool = False
    width: int = 0
    height: int = 0


class Place(Struct):
    latitude: Latitude
    longitude: Longitude


class Venue(Struct):
    location: Place
    title: Short = ""
    address: Short = ""


class InChat(Struct, kw_only=True):
    """What happened in a chat: to a message, or to us; a message itself, as far as it is words."""

    chat: Chat
    message_id: int | None = None
    date: int | None = None
    edit_date: int | None = None
    text: str = ""
    caption: str = ""
    reply_to_message: InChat | None = None
    new_reaction: list[Free] = []
    new_chat_member: Free = {}

    @property
    def id(self) -> str:
        """Chat and number of the message."""
        if self.message_id is None:
            raise ParseError("missing", "message_id")
        return f"{self.chat.id}:{self.message_id}"


class Pressed(Struct):
    id: Id
    data: Annotated[str, Meta(max_length=1000)] = ""
    message: InChat | None = None


class Update(Struct):
    id: int = field(name="update_id")
    message: InChat | None = None
    edited_message: InChat | None = None
    message_reaction: InChat | None = None
    callback_query: Pressed | None = None
    my_chat_member: InChat | None = None


UPDATE, FIELDS, NULL = Decoder(Update), Decoder(dict[str, Raw]), Raw(b"null")


class Telegram(FilesById):
    """The adapter."""

    provider, channels, title, api = "telegram", frozenset(("telegram",)), "Telegram", "https://api.telegram.org"
    proof = Given("x-telegram-bot-api-secret-token")
    secret_is = "make one of letters, digits, _ and -, and give it to setWebhook as secret_token"
    needed, header = NEEDED, ""
    mark, names, words = "telegram:", "{result.chat.id}:{result.message_id}", "Telegram: {description}"
    # https://core.telegram.org/bots/api#sending-files
    replies = ReplyLimits(most_characters=4096, most_files=1, most_file_bytes=50 * MB)

    def fits(self, secret: str) -> bool:
        """As setWebhook has it."""
        return _SECRET.fullmatch(secret) is not None

    def base(self, account: AccountConfig, of: str = "") -> str:
        """With the bot's token. `of`: what of the bot's, where not its methods."""
        return f"{super().base(account)}{of}/bot{account.settings.get('bot_token', '')}"

    def answer(self, request: Request, account: AccountConfig) -> Answer:
        """Empty; to a pressed button that it was taken, or it would go on turning.

        A method in the answer is carried out: https://core.telegram.org/bots/api#making-requests-when-getting-updates.
        """
        update = readable(UPDATE, request.body)
        if update is None or update.callback_query is None:
            return super().answer(request, account)
        return json_answer({"method": "answerCallbackQuery", "callback_query_id": update.callback_query.id})

    def parse(self, request: Request, account: AccountConfig) -> list[InboundEvent]:
        """The one event of a webhook, or ParseError."""
        body = body_of(request)
        update, fields = decoded(UPDATE, body), decoded(FIELDS, body)
        for kind, read in KINDS.items():
            event = getattr(update, kind)
            where = event.message if isinstance(event, Pressed) else event
            if where is not None and where.chat.type == "private":
                who, holds = social(account, str(where.chat.id)), decoded(FIELDS, fields[kind])
                return [read(event, str(update.id), who, holds)]
        if len(fields) < 2:
            raise ParseError("an update of nothing", "update_id")
        return [Ignored(str(update.id), "of a group or channel, or nothing that a customer says")]

    def calls(self, account: AccountConfig, outgoing: Outgoing) -> list[Call]:
        """A file with its words, or before them where they are long."""
        chat, _, number = (outgoing.in_reply_to or "").partition(":")
        common: Free = {"chat_id": outgoing.to}
        if chat == outgoing.to and number.isdecimal():
            common["reply_parameters"] = {"message_id": int(number), "allow_sending_without_reply": True}
        return [self._call(account, piece, common) for piece in pieces_of(outgoing, WAYS)]

    def _call(self, account: AccountConfig, piece: Piece, common: Free) -> Call:
        if piece.file is None:
            return self.call(account, "/sendMessage", {**common, "text": piece.words})
        captioned, files = {**common, "caption": piece.words}, {piece.way: piece.file}
        return self.call(account, f"/send{piece.way.capitalize()}", captioned, files=files)

    def failed(self, response: httpx2.Response, *, repeatable: bool) -> SendOutcome:
        """How long to wait stands in the body. 403: they have blocked the bot, which nobody here can mend."""
        after = found_in(said_in(ANSWER, response), "parameters.retry_after")
        if response.status_code == 429:
            return Busy(float(after) if isinstance(after, int | float) else None, self.reason(response))
        if response.status_code == 403:
            return Refused(self.reason(response))
        return super().failed(response, repeatable=repeatable)

    async def file_address(self, account: AccountConfig, id_: str, client: MediaClient) -> str | MediaOutcome:
        """Asked for by the file's id."""
        asked = f"{self.base(account)}/getFile?file_id={id_}"
        path = await ask_address(client, asked, "{result.file_path}", self.title)
        if isinstance(path, str) and (not _PATH.fullmatch(path) or ".." in path):
            return MediaRefused("Telegram tells no path for the file.")
        return f"{self.base(account, '/file')}/{path}" if isinstance(path, str) else path


def _message(said: InChat, key: str, who: HandleRef, holds: dict[str, Raw]) -> InboundEvent:
    if any(kind in holds for kind in SERVICE):
        return Ignored(key, "a service message")
    text, at = said.text or said.caption, instant(said.date)
    for kind in AGAIN.keys() & holds.keys():
        holds.pop(AGAIN[kind], None)
    parts = [part for kind, tell in PARTS.items() if holds.get(kind, NULL) != NULL for part in tell(holds[kind])]
    parts += [Unsupported(kind) for kind in SENT if kind in holds]
    key, answers = f"{key}:{said.id}", said.reply_to_message.id if said.reply_to_message else None
    return message_of(key, who, text, parts, at, said.chat.name, provider_id=said.id, in_reply_to=answers)


def _edited(said: InChat, key: str, who: HandleRef, _holds: object) -> InboundEvent:
    body, _ = bounded(said.text or said.caption)
    return MessageEdited(f"{key}:{said.id}", who, said.id, body, instant(said.edit_date))


def _reacted(to: InChat, key: str, who: HandleRef, _holds: object) -> InboundEvent:
    emoji = str(to.new_reaction[-1].get("emoji") or "⭐")[:16] if to.new_reaction else None
    return MessageReacted(f"{key}:{to.id}", who, to.id, emoji, instant(to.date))


def _member(us: InChat, key: str, who: HandleRef, _holds: object) -> InboundEvent:
    status = us.new_chat_member.get("status")
    if status not in ("kicked", "member"):
        return Ignored(key, "another state of ours in the chat")
    words = "blocked the bot" if status == "kicked" else "started the bot"
    return ConsentChange(f"{key}:{us.chat.id}:{us.date}", who, words, status == "kicked")


KINDS: dict[str, Callable[[Any, str, HandleRef, dict[str, Raw]], InboundEvent]] = {
    "message": _message,
    "edited_message": _edited,
    "message_reaction": _reacted,
    "callback_query": lambda event, key, who, _: pressed(f"{key}:{event.id}", who, "button", event.data),
    "my_chat_member": _member,
}


def _start(text: str) -> list[Part]:
    """What a link to the bot carries along: https://core.telegram.org/bots/features#deep-linking."""
    start, _, ref = text.partition(" ")
    return [Referral("link", ref=ref[:300])] if start == "/start" and ref else []


def _file(file: File, usual: str, *content: Content) -> list[Part]:
    return [Media(Telegram.mark + file.id, file.mime_type or usual, None, file.file_name, file.file_size), *content]


def _sticker(file: File) -> list[Part]:
    usual = "video/webm" if file.is_video else "application/x-tgsticker" if file.is_animated else "image/webp"
    return _file(file, usual, Sticker(file.is_animated or file.is_video))


def _largest(sizes: list[File]) -> list[Part]:
    return _file(max(sizes, key=lambda one: one.width * one.height), "image/jpeg") if sizes else []


PARTS: Kinds[Raw] = {
    "forward_origin": lambda _: [Forwarded()],
    "text": reading(str, _start),
    "photo": reading(list[File], _largest),
    "voice": reading(File, lambda one: _file(one, "audio/ogg", VoiceNote())),
    "audio": reading(File, lambda one: _file(one, "audio/mpeg")),
    **dict.fromkeys(("video", "video_note", "animation"), reading(File, lambda one: _file(one, "video/mp4"))),
    "sticker": reading(File, _sticker),
    "document": reading(File, lambda one: _file(one, ANY_TYPE)),
    "contact": reading(Person, lambda one: [card(one.name, one.phone_number)]),
    "venue": reading(Venue, lambda one: place(one.location.latitude, one.location.longitude, one.title, one.address)),
    "location": reading(Place, lambda one: place(one.latitude, one.longitude)),
    "story": lambda _: [Story("mention")],
    "dice": reading(Free, lambda one: [Notice(f"Threw {str(one.get('emoji'))[:8]}: {str(one.get('value'))[:8]}")]),
    "poll": reading(Free, lambda one: [Unsupported("poll", str(one.get("question"))[:300])]),
    "web_app_data": reading(Free, lambda one: [Form(str(one.get("button_text"))[:99], {"data": str(one.get("data"))})]),
}
