"""Chats with an official account on LINE, by the Messaging API: https://developers.line.biz/en/reference/messaging-api/.

- Proof: `x-line-signature`, HMAC-SHA256 of the body with the channel secret, in base64; no time in it ("Signature
  validation"). `destination` says whose webhook it is.
- Events: "Webhook Event Objects", several in one delivery, none where the console asks whether we are there. Groups and
  rooms are passed over: what is answered there everybody reads.
- Sending: "Send push message", under `X-Line-Retry-Key`: sent again it is the same message, answered 409. Files are
  fetched by LINE from an address of ours. LINE tells nothing of a message after that: no delivery, no reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
from msgspec import Raw, Struct, field
from msgspec.json import Decoder

from adapters.base import AccountConfig, Outgoing, ParseError, Refused, ReplyLimits, SendOutcome, Sent, WebhookRequest
from adapters.bounds import Id, Latitude, Longitude, Short, Size
from adapters.files_by_id import FilesById
from adapters.http_adapter import base_of
from adapters.http_call import Call
from adapters.json_body import body_of, decoded, each_alone, instant, meant_for, settled
from adapters.media import MediaClient
from adapters.messages import ANY_TYPE, Kinds, Part, message_of, place, pressed, social, told_as
from adapters.proof import Signed
from model.content import Sticker
from model.inbound import ConsentChange, Ignored, InboundEvent, MessageUnsent
from model.timeline import Media

DATA, MOST_UNITS = "https://api-data.line.me", 5000
NEEDED = {"access_token": "issue a long-lived one in LINE's console, Messaging API"}
TYPES = {"image": "image/jpeg", "video": "video/mp4", "audio": "audio/mp4", "file": ANY_TYPE}
OF_GROUPS = frozenset(("join", "leave", "memberJoined", "memberLeft"))
OF_THE_BOT = frozenset(("activated", "deactivated", "botSuspended", "botResumed", "delivery"))
NOTHING = OF_GROUPS | OF_THE_BOT | {"accountLink", "beacon", "membership", "videoPlayComplete", "things"}


class Origin(Struct):
    """Whom an event is of, or who keeps a file."""

    type: str = ""
    user: Short = field(name="userId", default="")
    url: Short = field(name="originalContentUrl", default="")


class Message(Struct):
    id: Id
    type: Id
    text: str = ""
    quoted: Short | None = field(name="quotedMessageId", default=None)
    keeper: Origin = field(name="contentProvider", default_factory=Origin)
    name: Short | None = field(name="fileName", default=None)
    size: Size | None = field(name="fileSize", default=None)
    title: Short | None = None
    address: Short | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None


class Event(Struct):
    type: Id
    key: Id = field(name="webhookEventId")
    mode: str = "active"
    timestamp: int | None = None
    source: Origin = field(default_factory=Origin)
    message: Message | None = None
    unsend: dict[str, Id] = {}
    postback: dict[str, Any] = {}


class Webhook(Struct):
    destination: Id
    events: list[Raw]


WEBHOOK, EVENT = Decoder(Webhook), Decoder(Event)


class Line(FilesById):
    """The adapter."""

    provider, channels, title, api = "line", frozenset(("line",)), "LINE", "https://api.line.me"
    proof = Signed("x-line-signature", "base64")
    secret_is = "give the channel secret of LINE's console, Basic settings"
    needed, known = NEEDED, frozenset(("data_base",))
    mark, names, words = "line:", "{sentMessages.-1.id}", "LINE: {message}"
    # Section "Message objects". A picture is its own preview, of 1 MB at most; videos need one beside.
    replies = ReplyLimits(MOST_UNITS, most_files=4, most_file_bytes=1000 * 1000, file_types=("image/jpeg", "image/png"))

    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """The events of a webhook, or ParseError."""
        told = decoded(WEBHOOK, body_of(request))
        meant_for(told.destination, account, "destination")
        if not told.events:
            return [Ignored("verify", "LINE's console asks whether we are there")]
        return settled(each_alone(told.events, EVENT, lambda event: _read(event, account), "events"), "events")

    def calls(self, account: AccountConfig, outgoing: Outgoing) -> list[Call] | Refused:
        """One push with everything: pictures, then the words, which LINE counts in units of UTF-16."""
        if len(outgoing.body.encode("utf-16-le", "replace")) // 2 > MOST_UNITS:
            return Refused(f"longer than {MOST_UNITS:,} characters as LINE counts: an emoji is two or more. Shorten it")
        urls = [one.url for one in outgoing.files]
        messages = [{"type": "image", "originalContentUrl": url, "previewImageUrl": url} for url in urls]
        messages += [{"type": "text", "text": outgoing.body}] if outgoing.body else []
        push, key = {"to": outgoing.to, "messages": messages}, {"X-Line-Retry-Key": str(outgoing.id)}
        return [self.call(account, "/v2/bot/message/push", push, more=key, repeatable=True)]

    def failed(self, response: httpx2.Response, *, repeatable: bool) -> SendOutcome:
        """Taken already under this key; or the month's messages are used up, which waiting does not mend."""
        if response.status_code == 409 and "x-line-accepted-request-id" in response.headers:
            return self.accepted(response) or Sent(response.headers["x-line-accepted-request-id"], "sent")
        if response.status_code == 429 and "monthly" in response.text:
            return Refused(self.reason(response), retryable=True)
        return super().failed(response, repeatable=repeatable)

    async def file_address(self, account: AccountConfig, id_: str, client: MediaClient) -> str:
        """By the message's id, at a host of LINE's for files."""
        return f"{base_of(account, DATA, 'data_base')}/v2/bot/message/{id_}/content"


def _read(event: Event, account: AccountConfig) -> Iterator[InboundEvent]:
    who, at, said = social(account, event.source.user), instant(event.timestamp, 1000), event.message
    if event.type in NOTHING or event.mode != "active" or event.source.type != "user":
        yield Ignored(event.key, f"{event.type} of {event.source.type or 'nobody'} says nothing to us")
    elif not who.value:
        raise ParseError("of nobody", "source.userId")
    elif event.type == "message" and said is not None:
        held = told_as(said.type, KINDS, said)
        yield message_of(event.key, who, said.text, held, at, provider_id=said.id, in_reply_to=said.quoted)
    elif event.type == "unsend" and "messageId" in event.unsend:
        yield MessageUnsent(event.key, who, event.unsend["messageId"], at)
    elif event.type in ("follow", "unfollow"):
        yield ConsentChange(event.key, who, event.type, event.type == "unfollow")
    elif event.type == "postback":
        yield pressed(event.key, who, "postback", str(event.postback.get("data", ""))[:1000], at=at)
    else:
        raise ParseError("unknown kind of event, or without what it is about", "type")


def _file(said: Message) -> list[Part]:
    outside = said.keeper.type == "external" and said.keeper.url.startswith("https://")
    return [Media(said.keeper.url if outside else Line.mark + said.id, TYPES[said.type], None, said.name, said.size)]


KINDS: Kinds[Message] = {
    **dict.fromkeys(TYPES, _file),
    "location": lambda said: place(said.latitude, said.longitude, said.title, said.address),
    "sticker": lambda _: [Sticker()],
}
