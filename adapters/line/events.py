"""What LINE's webhooks hold, event by event: https://developers.line.biz/en/reference/messaging-api/#webhook-event-objects.

Groups and rooms are passed over: what is answered there everybody reads.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Raw, Struct, field
from msgspec.json import Decoder

from adapters.base import AccountConfig, ParseError, WebhookRequest
from adapters.json_body import body_of, bounded, decoded, instant, settled
from model.content import Choice, Content, Location, Sticker, Unsupported
from model.inbound import ConsentChange, HandleRef, Ignored, InboundEvent, InboundMessage, MessageUnsent, Unreadable
from model.timeline import Media

OURS = "line:"
"""Before the id of a message whose file LINE itself hands out."""
MOST_EVENTS = 100
TYPES = {"image": "image/jpeg", "video": "video/mp4", "audio": "audio/mp4", "file": "application/octet-stream"}
NOTHING = frozenset(
    (
        *("join", "leave", "memberJoined", "memberLeft", "accountLink", "beacon", "membership", "videoPlayComplete"),
        *("things", "activated", "deactivated", "botSuspended", "botResumed", "delivery"),
    )
)
Id = Annotated[str, Meta(min_length=1, max_length=200)]
Short = Annotated[str, Meta(max_length=4096)]


class Provider(Struct):
    type: str = "line"
    url: Short = field(name="originalContentUrl", default="")


class Message(Struct):
    id: Id
    type: Annotated[str, Meta(max_length=100)]
    text: str = ""
    quoted: Short | None = field(name="quotedMessageId", default=None)
    provider: Provider = field(name="contentProvider", default_factory=Provider)
    name: Short | None = field(name="fileName", default=None)
    size: Annotated[int, Meta(ge=0, le=2**40)] | None = field(name="fileSize", default=None)
    title: Short | None = None
    address: Short | None = None
    latitude: Annotated[float, Meta(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Meta(ge=-180, le=180)] | None = None


class Source(Struct):
    type: str = ""
    user: Short = field(name="userId", default="")


class Event(Struct):
    type: Id
    key: Id = field(name="webhookEventId")
    mode: str = "active"
    timestamp: int | None = None
    source: Source = field(default_factory=Source)
    message: Message | None = None
    unsend: dict[str, Id] = {}
    postback: dict[str, Any] = {}


class Webhook(Struct):
    destination: Id
    events: list[Raw]


WEBHOOK, EVENT = Decoder(Webhook), Decoder(Event)


def parse(request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
    """The events of a webhook, or ParseError."""
    told = decoded(WEBHOOK, body_of(request))
    if told.destination != account.address:
        raise ParseError("another account's: check the account's address", "destination")
    if len(told.events) > MOST_EVENTS:
        raise ParseError(f"more than {MOST_EVENTS} events", "events")
    if not told.events:
        return [Ignored("verify", "LINE's console asks whether we are there")]
    return settled((_event(raw, number, account) for number, raw in enumerate(told.events)), "events")


def _event(raw: Raw, number: int, account: AccountConfig) -> InboundEvent:
    try:
        return _read(decoded(EVENT, raw), account)
    except ParseError as error:
        return Unreadable(error.reason, f"events[{number}].{error.field or ''}".rstrip("."))


def _read(event: Event, account: AccountConfig) -> InboundEvent:
    who, at = HandleRef("social", event.source.user, f"line:{account.address}"), instant(event.timestamp, 1000)
    if event.type in NOTHING or event.mode != "active" or event.source.type != "user":
        return Ignored(event.key, f"{event.type} of {event.source.type or 'nobody'} says nothing to us")
    if not who.value:
        raise ParseError("of nobody", "source.userId")
    if event.type == "message" and event.message is not None:
        return _message(event.message, event.key, who, at)
    if event.type == "unsend" and "messageId" in event.unsend:
        return MessageUnsent(event.key, who, event.unsend["messageId"], at)
    if event.type in ("follow", "unfollow"):
        return ConsentChange(event.key, who, event.type, event.type == "unfollow")
    if event.type == "postback":
        data = str(event.postback.get("data", ""))[:1000]
        return InboundMessage(event.key, who, data[:200], (), at, content=(Choice("postback", data[:200], data),))
    raise ParseError("unknown kind of event, or without what it is about", "type")


def _message(said: Message, key: str, who: HandleRef, at: datetime | None) -> InboundMessage:
    (body, files), kind = bounded(said.text), said.type
    held: tuple[Content, ...] = ()
    media: tuple[Media, ...] = ()
    if kind in TYPES:
        outside = said.provider.type == "external" and said.provider.url.startswith("https://")
        url = said.provider.url if outside else OURS + said.id
        media = (Media(url, TYPES[kind], None, said.name, said.size),)
    elif kind == "location" and said.latitude is not None and said.longitude is not None:
        held = (Location(said.latitude, said.longitude, said.title, said.address),)
    elif kind == "sticker":
        held = (Sticker(),)
    elif kind != "text":
        held = (Unsupported(kind),)
    return InboundMessage(
        key, who, body, media, at, content=held, provider_id=said.id, in_reply_to=said.quoted, files=files
    )
