"""Chats with a bot on Viber, by the REST bot API: https://developers.viber.com/docs/api/rest-bot-api/.

- Proof: `X-Viber-Content-Signature`, HMAC-SHA256 of the body with the bot's token, in hexadecimal; no time in it and no
  name of the bot, so that the token alone says whose webhook it is (section "Callbacks").
- Events: "Receive message from user" and the callbacks before it. Whoever unsubscribes may write again at any time and
  is subscribed by that, without a word of Viber's: it is a notice, not consent, and Viber itself refuses replies.
- Sending: "Send message" and "Error codes", which come with status 200. No key makes a repeat harmless. Pictures are
  JPEG to 1 MB, videos MP4 to 26 MB, other files to 50 MB, all fetched by Viber from an address of ours.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from msgspec.json import Decoder

from adapters.base import AccountConfig, Outgoing, ParseError, ReplyLimits, WebhookRequest
from adapters.bounds import Id, Short, Size
from adapters.http_call import Call, Codes
from adapters.json_api import JsonApi
from adapters.json_body import body_of, decoded, instant
from adapters.messages import ANY_TYPE, Kinds, card, medium, message_of, place, social, told_as
from adapters.pieces import Piece, Way, pieces_of
from adapters.proof import Signed
from adapters.receipts import States, became
from model.content import Notice, Referral, Shared, Sticker
from model.inbound import Ignored, InboundEvent

MB = 1000 * 1000
PICTURE, FILE = Way("picture", ("image/jpeg",), MB, most_caption=120), Way("file", (), 50 * MB)
WAYS = (PICTURE, Way("video", ("video/mp4",), 26 * MB), FILE)
TYPES = {"picture": "image/jpeg", "video": "video/mp4", "file": ANY_TYPE, "sticker": "image/png"}
CODES = Codes(busy=frozenset((12,)), ours_to_fix=frozenset((2, 7, 8, 9, 10, 15, 18, 23, 24)))
NEEDED = {"sender_name": "give the name Viber shows beside replies, 28 characters at most"}


class User(Struct):
    id: Id
    name: Short | None = None


class Message(Struct):
    """What was said; which fields stand is the type's."""

    type: Id
    text: str = ""
    media: Short = ""
    file_name: Short | None = None
    file_size: Size | None = None
    location: dict[str, float] = {}
    contact: dict[str, Short | None] = {}


class Callback(Struct):
    event: Id
    message_token: Id | int
    timestamp: int | None = None
    sender: User | None = None
    user: User | None = None
    user_id: Short | None = None
    message: Message | None = None
    context: Short = ""
    desc: Short = ""


CALLBACK = Decoder(Callback)
RECEIPTS: States = {"delivered": "delivered", "seen": "read", "failed": "failed"}
NOTICES = {
    "subscribed": "Subscribed to the bot",
    "unsubscribed": "Unsubscribed from the bot: Viber takes no reply until they write or subscribe again",
    "conversation_started": "Opened the chat",
}


class Viber(JsonApi):
    """The adapter."""

    provider, channels, title, api = "viber", frozenset(("viber",)), "Viber", "https://chatapi.viber.com"
    proof = Signed("x-viber-content-signature")
    secret_is, needed = "give the bot's token, which Viber's admin panel calls app key", NEEDED
    header, scheme, credentials = "X-Viber-Auth-Token", "", ()
    names, words = "{message_token}", "Viber {status}: {status_message}"
    fault, codes = "status", CODES
    # Section "Message types".
    replies = ReplyLimits(most_characters=7000, most_files=1, most_file_bytes=FILE.most_bytes)

    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """The one event of a webhook, or ParseError."""
        told = decoded(CALLBACK, body_of(request))
        key, token = f"{told.message_token}:{told.event}", str(told.message_token)
        if told.event == "message":
            return [_message(told, token, account)]
        if told.event in RECEIPTS:
            return [became(key, token, told.event, RECEIPTS, words=told.desc)]
        if told.event in NOTICES:
            return [_notice(told, key, account)]
        if told.event in ("webhook", "client_status"):
            return [Ignored(key, f"{told.event} says nothing of a customer")]
        raise ParseError("unknown kind of event", "event")

    def calls(self, account: AccountConfig, outgoing: Outgoing) -> list[Call]:
        """A picture with its words; another file, or one with many words, before them."""
        said = {"receiver": outgoing.to, "min_api_version": 1, "sender": {"name": account.settings["sender_name"][:28]}}
        return [self.call(account, "/pa/send_message", said | _sent(piece)) for piece in pieces_of(outgoing, WAYS)]


def _sent(piece: Piece) -> dict[str, Any]:
    """A message of its own type."""
    if piece.file is None:
        return {"type": "text", "text": piece.words}
    named = {"file_name": piece.file.name[-256:]} if piece.way == "file" else {}
    sized = {"size": len(piece.file.data)} if piece.way != "picture" else {}
    return {"type": piece.way, "media": piece.file.url, "text": piece.words, **sized, **named}


def _message(told: Callback, token: str, account: AccountConfig) -> InboundEvent:
    said, sender = told.message, told.sender
    if said is None or sender is None:
        raise ParseError("a message without words or sender", "message" if said is None else "sender")
    parts = told_as(said.type, KINDS, said, "not known here, or without what it would hold")
    text = said.text or (said.media if said.type == "url" else "")
    return message_of(token, social(account, sender.id), text, parts, instant(told.timestamp, 1000), sender.name)


KINDS: Kinds[Message] = {
    **dict.fromkeys(TYPES, lambda said: medium(said.media, TYPES[said.type], said.file_name, said.file_size)),
    "sticker": lambda said: [*medium(said.media, TYPES["sticker"]), Sticker()],
    "contact": lambda said: [card(said.contact.get("name"), said.contact.get("phone_number"))],
    "location": lambda said: place(said.location.get("lat"), said.location.get("lon")),
    "url": lambda said: [Shared("link", said.media)] if medium(said.media, "") else [],
}


def _notice(told: Callback, key: str, account: AccountConfig) -> InboundEvent:
    """Came, subscribed or went, without a word: an entry that opens nothing."""
    who = told.user or User(told.user_id or "")
    if not who.id:
        raise ParseError("of nobody", "user")
    if told.event == "conversation_started" and not told.context:
        return Ignored(key, "looked at the chat")
    content = Referral("link", ref=told.context) if told.context else Notice(NOTICES[told.event])
    at = instant(told.timestamp, 1000)
    return message_of(key, social(account, who.id), "", [content], at, who.name, automatic=True)
