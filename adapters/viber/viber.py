"""Chats with a bot on Viber, by the REST bot API: https://developers.viber.com/docs/api/rest-bot-api/.

- Proof: `X-Viber-Content-Signature`, HMAC-SHA256 of the body with the bot's token, in hexadecimal; no time in it and no
  name of the bot, so that the token alone says whose webhook it is (section "Callbacks").
- Events: "Receive message from user" and the callbacks before it. Whoever unsubscribes may write again at any time and
  is subscribed by that, without a word of Viber's: it is a notice, not consent, and Viber itself refuses replies.
- Sending: "Send message" and "Error codes", which come with status 200. No key makes a repeat harmless. Pictures are
  JPEG to 1 MB, videos MP4 to 26 MB, other files to 50 MB, all fetched by Viber from an address of ours.
"""

from __future__ import annotations

import hmac
from typing import Annotated, Any, Literal

import httpx2
from msgspec import Meta, Struct
from msgspec.json import Decoder

from adapters.base import AccountConfig, Busy, Forged, Outgoing, OutgoingFile, ParseError, Refused, SendOutcome, Sent
from adapters.base import WebhookRequest as Request
from adapters.http_adapter import HttpAdapter, base_of, said_in
from adapters.http_call import Call
from adapters.json_body import body_of, bounded, decoded, instant
from adapters.proof import required, same, secrets_of
from model.content import Card, Cards, Content, Location, Notice, Referral, Shared, Sticker, Unsupported
from model.inbound import DeliveryReceipt, HandleRef, Ignored, InboundEvent, InboundMessage
from model.limits import ReplyLimits
from model.timeline import Media

API = "https://chatapi.viber.com"
MOST_TEXT, MOST_CAPTION, MB = 7000, 120, 1000 * 1000
FILES = {"picture": MB, "video": 26 * MB, "file": 50 * MB}
TYPES = {"picture": "image/jpeg", "video": "video/mp4", "file": "application/octet-stream", "sticker": "image/png"}
TOO_MANY, OURS_TO_FIX = 12, frozenset((2, 7, 8, 9, 10, 15, 18, 23, 24))
NEEDED = {"sender_name": "give the name Viber shows beside replies, 28 characters at most"}
Short = Annotated[str, Meta(max_length=4096)]
Reported = Literal["delivered", "read", "failed"]
Token = Annotated[str, Meta(min_length=1, max_length=64)] | int


class User(Struct):
    id: Annotated[str, Meta(min_length=1, max_length=300)]
    name: Short | None = None


class Message(Struct):
    """What was said; which fields stand is the type's."""

    type: Annotated[str, Meta(max_length=100)]
    text: str = ""
    media: Short = ""
    file_name: Short | None = None
    file_size: Annotated[int, Meta(ge=0, le=2**40)] | None = None
    sticker_id: int | str | None = None
    location: dict[str, float] = {}
    contact: dict[str, Short | None] = {}


class Callback(Struct):
    event: Annotated[str, Meta(max_length=100)]
    message_token: Token
    timestamp: int | None = None
    sender: User | None = None
    user: User | None = None
    user_id: Short | None = None
    message: Message | None = None
    context: Short = ""
    desc: Short = ""


class Taken(Struct):
    status: int
    status_message: str = ""
    message_token: Token | None = None


_RECEIPTS: dict[str, Reported] = {"delivered": "delivered", "seen": "read", "failed": "failed"}
_NOTICES = {
    "subscribed": Notice("Subscribed to the bot"),
    "unsubscribed": Notice("Unsubscribed from the bot: Viber takes no reply until they write or subscribe again"),
    "conversation_started": Notice("Opened the chat"),
}
CALLBACK, TAKEN = Decoder(Callback), Decoder(Taken)


class Viber(HttpAdapter):
    """The adapter."""

    provider = "viber"
    channels = frozenset(("viber",))
    title = "Viber"
    secret_is = "give the bot's token, which Viber's admin panel calls app key"
    needed = NEEDED

    def verify(self, request: Request, account: AccountConfig) -> None:
        """Raise Forged unless whoever knows the bot's token signed this body."""
        secrets, given = secrets_of(account), required(request, "x-viber-content-signature")
        if not same(given, *(hmac.digest(secret.encode(), request.body, "sha256").hex() for secret in secrets)):
            raise Forged("the signature does not match any secret of the account")

    def parse(self, request: Request, account: AccountConfig) -> list[InboundEvent]:
        """The one event of a webhook, or ParseError."""
        told, scope = decoded(CALLBACK, body_of(request)), f"viber:{account.address}"
        key, token = f"{told.message_token}:{told.event}", str(told.message_token)
        if told.event == "message":
            return [_message(told, token, scope)]
        if told.event in _RECEIPTS:
            return [DeliveryReceipt(key, token, _RECEIPTS[told.event], error=told.desc or None)]
        if told.event in _NOTICES:
            return [_notice(told, key, scope)]
        if told.event in ("webhook", "client_status"):
            return [Ignored(key, f"{told.event} says nothing of a customer")]
        raise ParseError("unknown kind of event", "event")

    def limits(self, account: AccountConfig) -> ReplyLimits:
        """Section "Message types"."""
        return ReplyLimits(most_characters=MOST_TEXT, most_files=1, most_file_bytes=FILES["file"])

    def calls(self, account: AccountConfig, outgoing: Outgoing) -> list[Call] | Refused:
        """A picture with its words; another file, or one with many words, before them."""
        if len(outgoing.files) > 1:
            return Refused("Viber takes one file with a message: send the others apart")
        messages = [_file(file) for file in outgoing.files]
        if messages and messages[0]["type"] == "picture" and len(outgoing.body) <= MOST_CAPTION:
            messages[0]["text"] = outgoing.body
        elif outgoing.body:
            messages.append({"type": "text", "text": outgoing.body})
        said = {"receiver": outgoing.to, "min_api_version": 1, "sender": {"name": account.settings["sender_name"][:28]}}
        url, headers = f"{base_of(account, API)}/pa/send_message", {"X-Viber-Auth-Token": account.secrets[0]}
        return [Call(url, headers=headers, json={**said, **message}) for message in messages]

    def accepted(self, response: httpx2.Response) -> SendOutcome | None:
        """The message's token, or the status that says why not."""
        taken = said_in(TAKEN, response)
        if taken is None or (taken.status == 0 and taken.message_token is None):
            return None
        if taken.status == 0:
            return Sent(str(taken.message_token), "sent")
        error = f"Viber {taken.status}: {taken.status_message[:300]}"
        return Busy(None, error) if taken.status == TOO_MANY else Refused(error, taken.status in OURS_TO_FIX)


def _file(file: OutgoingFile) -> dict[str, Any]:
    """As the kind that fits; what is too large or of another format for its own kind goes as a file."""
    kind, size = {"image/jpeg": "picture", "video/mp4": "video"}.get(file.content_type, "file"), len(file.data)
    kind = kind if size <= FILES[kind] else "file"
    named = {"file_name": file.name[-256:]} if kind == "file" else {}
    return {"type": kind, "media": file.url, "text": ""} | ({"size": size} | named if kind != "picture" else {})


def _message(told: Callback, token: str, scope: str) -> InboundEvent:
    said, sender = told.message, told.sender
    if said is None or sender is None:
        raise ParseError("a message without words or sender", "message" if said is None else "sender")
    body, files = bounded(said.text or (said.media if said.type == "url" else ""))
    name = said.file_name or said.contact.get("name") or ""
    content: tuple[Content, ...] = ()
    is_link = said.media.startswith(("http://", "https://"))
    is_file = is_link and said.type in TYPES
    place = [said.location.get(axis, 999.0) for axis in ("lat", "lon")]
    if said.type == "location" and abs(place[0]) <= 90 and abs(place[1]) <= 180:
        content = (Location(place[0], place[1]),)
    elif said.type == "contact":
        content = (Cards((Card(name, tuple(filter(None, [said.contact.get("phone_number")]))),)),)
    elif said.type == "url" and is_link:
        content = (Shared("link", said.media),)
    elif said.type == "sticker":
        content = (Sticker(),)
    elif said.type != "text" and not is_file:
        content = (Unsupported(said.type, "not known here, or without what it would hold"),)
    held = (Media(said.media, TYPES[said.type], None, said.file_name, said.file_size),) if is_file else ()
    handle, at = HandleRef("social", sender.id, scope), instant(told.timestamp, 1000)
    return InboundMessage(token, handle, body, held, at, sender.name, content=content, files=files)


def _notice(told: Callback, key: str, scope: str) -> InboundEvent:
    """Came, subscribed or went, without a word: an entry that opens nothing."""
    who = told.user.id if told.user else told.user_id
    if not who:
        raise ParseError("of nobody", "user")
    if told.event == "conversation_started" and not told.context:
        return Ignored(key, "looked at the chat")
    content: Content = Referral("link", ref=told.context) if told.context else _NOTICES[told.event]
    name = told.user.name if told.user else None
    at = instant(told.timestamp, 1000)
    return InboundMessage(key, HandleRef("social", who, scope), "", (), at, name, content=(content,), automatic=True)
