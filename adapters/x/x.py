"""Direct messages on X, by the Account Activity API and the API v2.

- Proof: `x-twitter-webhooks-signature`, "sha256=" and the HMAC-SHA256 of the body with the app's consumer secret in
  base64; no time in it. The challenge is a GET whose `crc_token` is signed with the same secret: only what can never be
  a webhook's body is (https://docs.x.com/x-api/webhooks/quickstart).
- Events: https://developer.x.com/en/docs/x-api/enterprise/account-activity-api/guides/account-activity-data-objects and
  https://developer.x.com/content/developer-twitter/en/docs/direct-messages/sending-and-receiving/guides/message-create-object.
  What is no direct message is ignored, blocks too: X tells only of those we made.
- Sending: https://docs.x.com/x-api/direct-messages/manage/introduction. No key makes a repeat harmless. Files would
  have to be uploaded first; they are not taken.
- Media are handed out to a request that is signed for one of the two who talk.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from html import unescape
from typing import Annotated, Any
from urllib.parse import quote

from msgspec import Meta, Raw, Struct, field
from msgspec.json import Decoder

from adapters import oauth1
from adapters.base import AccountConfig, Answer, Forged, Outgoing, ParseError, ReplyLimits, WebhookRequest
from adapters.bounds import Short
from adapters.forms import query_of
from adapters.http_adapter import json_answer
from adapters.http_call import Call
from adapters.json_api import HandsOutFiles
from adapters.json_body import body_of, decoded, each_alone, instant, meant_for, settled
from adapters.messages import Part, echo_of, message_of, place, social
from adapters.proof import Signed, secrets_of
from model.content import Choice, Referral, Shared, Unsupported
from model.inbound import DeliveryReceipt, HandleRef, Ignored, InboundEvent, ReadUpTo, Typing
from model.timeline import Media

MOST_LINKS, MOST_EVENTS = 100, 1000
_TOKEN = re.compile(r"[A-Za-z0-9+/=_.~-]{1,256}")  # nothing that JSON could be made of
_POST = re.compile(r"https://(?:www\.|mobile\.)?(?:twitter|x)\.com/\w{1,50}/status/(\d{1,20})\b")
Id = Annotated[str, Meta(pattern="^[0-9]{1,64}$")]
NEEDED = {
    "consumer_key": "give the app's API key",
    "access_token": "give the access token of the account that customers write to",
    "access_token_secret": "give the secret of that token",
}


class Link(Struct):
    """An address, wherever one stands: among the words, or of a film."""

    url: Annotated[str, Meta(min_length=1, max_length=4096)]
    expanded_url: Short | None = None
    content_type: Short = ""
    bitrate: int = 0


class Links(Struct):
    urls: list[Link] = []
    variants: list[Link] = []


class File(Struct):
    """A photo, a film or an animation; `url` stands for it among the words."""

    media_url_https: Short
    url: Short = ""
    video_info: Links = field(default_factory=Links)


class Point(Struct):
    coordinates: tuple[float, float]


class Where(Struct):
    shared_coordinate: dict[str, Point] = {}
    shared_place: dict[str, dict[str, Any]] = {}


class Attachment(Struct):
    type: Short
    media: File | None = None
    location: Where = field(default_factory=Where)


class Data(Struct):
    text: str = ""
    entities: Links = field(default_factory=Links)
    attachment: Raw = Raw()
    quick_reply_response: dict[str, Short] | None = None


class Between(Struct):
    """Something from one to the other: a message, a sign of typing, what was read."""

    sender_id: Id
    target: dict[str, Id]
    created_timestamp: Short = ""
    last_read_event_id: Id | None = None
    message_data: Data = field(default_factory=Data)


class Event(Struct):
    id: Id
    created_timestamp: Short = ""
    message_create: Between | None = None
    initiated_via: dict[str, Short] = {}


class User(Struct):
    name: Annotated[str, Meta(max_length=200)] | None = None


WEBHOOK, ID, EVENTS, EVENT = Decoder(dict[str, Raw]), Decoder(Id), Decoder(list[Raw]), Decoder(Event)
SIGNAL, USERS, ATTACHMENT = Decoder(Between), Decoder(dict[str, User]), Decoder(Attachment)


class X(HandsOutFiles):
    """The adapter."""

    provider, channels, title, api = "x", frozenset(("x",)), "X", "https://api.x.com"
    proof = Signed("x-twitter-webhooks-signature", "base64", prefix="sha256=")
    secret_is, needed = "give the app's API secret, which X also calls consumer secret", NEEDED
    media_hosts = frozenset(("ton.twitter.com", "ton.x.com", "video.twimg.com"))
    # Its echo and its receipt name the event's id. https://docs.x.com/x-api/fundamentals/response-codes-and-errors
    names, words = "{data.dm_event_id}", "X: {detail}"
    # https://docs.x.com/x-api/direct-messages/manage/introduction; no files.
    replies = ReplyLimits(most_characters=10_000)

    def problems(self, account: AccountConfig) -> Iterator[str]:
        """Those of every account, and an address that is no id."""
        if not (account.address.isascii() and account.address.isdecimal()):
            yield "address is no id: give the account's user id, digits only, not its @name"
        yield from super().problems(account)

    def answer(self, request: WebhookRequest, account: AccountConfig) -> Answer:
        """The challenge's signature, by which X knows us; an empty 200 otherwise."""
        if request.method != "GET":
            return super().answer(request, account)
        try:
            token = query_of(request, 10).required("crc_token", 256)
        except ParseError as error:
            raise Forged(f"no challenge of X's: {error}") from None
        if not _TOKEN.fullmatch(token):
            raise Forged("a crc_token of other letters than X uses")
        return json_answer({"response_token": self.proof.sign(secrets_of(account)[0], token.encode())})

    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """The events of a webhook, or ParseError."""
        told = decoded(WEBHOOK, body_of(request))
        if "for_user_id" in told:
            meant_for(decoded(ID, told["for_user_id"]), account, "for_user_id")
        return settled(_events(told, account), "events")

    def calls(self, account: AccountConfig, outgoing: Outgoing) -> list[Call]:
        """One request, made for the account's user."""
        path = f"/2/dm_conversations/with/{quote(outgoing.to, safe='')}/messages"
        return [self.call(account, path, {"text": outgoing.body})]

    def authorization(self, account: AccountConfig, method: str, url: str) -> str:
        """Signed for the account's user, who sends a message and to whom a file was sent."""
        key, token, token_secret = (account.settings.get(name, "") for name in NEEDED)
        secret = account.secrets[0] if account.secrets else ""
        return oauth1.authorization(method, url, oauth1.Keys(key, secret, token, token_secret))


def _events(told: Mapping[str, Raw], account: AccountConfig) -> Iterator[InboundEvent]:
    users = decoded(USERS, told["users"]) if "users" in told else {}
    for kind, raw in told.items():
        if kind == "direct_message_events":
            every: list[Raw] = decoded(EVENTS, raw)
            yield from each_alone(every, EVENT, partial(_message, users, account), kind, MOST_EVENTS)
        elif kind in ("direct_message_mark_read_events", "direct_message_indicate_typing_events"):
            every = decoded(EVENTS, raw)
            yield from each_alone(every, SIGNAL, partial(_signal, account), kind, MOST_EVENTS)
        elif kind.endswith(("_events", "user_event")):
            yield Ignored(kind[:100], f"{kind[:100]}: no direct message")


def _customer(between: Between, account: AccountConfig) -> HandleRef:
    """Whoever of the two is not us."""
    two = (between.sender_id, between.target.get("recipient_id", ""))
    if account.address not in two or not two[1]:
        raise ParseError("between others: check the account's address", "target.recipient_id")
    return social(account, two[two[0] == account.address])


def _message(users: Mapping[str, User], account: AccountConfig, event: Event) -> Iterator[InboundEvent]:
    said, at = event.message_create, instant(event.created_timestamp, 1000)
    if said is None:
        raise ParseError("an event without message_create", "type")
    who, data = _customer(said, account), said.message_data
    parts, hidden = _attached(data.attachment)
    text = data.text.replace(hidden, "", 1).strip() if hidden else data.text
    for each in data.entities.urls[:MOST_LINKS]:
        text = text.replace(each.url, each.expanded_url or each.url, 1)
        post = _POST.match(each.expanded_url or "")
        parts += [Shared("post", post[0], id=post[1])] if post else []
    text = unescape(text)
    if said.sender_id == account.address:
        yield echo_of(f"{event.id}:echo", who, text, parts, at, provider_id=event.id)
        return
    if data.quick_reply_response is not None:
        parts.append(Choice("quick_reply", text[:200], data.quick_reply_response.get("metadata")))
    parts += [Referral(name.removesuffix("_id"), id=value) for name, value in event.initiated_via.items()]
    yield message_of(event.id, who, text, parts, at, users[who.value].name if who.value in users else None)


def _attached(raw: Raw) -> tuple[list[Part], str]:
    """What is attached, and the link that stands for it among the words."""
    if not len(raw):
        return [], ""
    try:
        attachment = decoded(ATTACHMENT, raw)
    except ParseError as error:
        return [Unsupported("attachment", f"not readable: {error}"[:300])], ""
    file, where = attachment.media, attachment.location
    if file:
        films = [each for each in file.video_info.variants if each.content_type == "video/mp4"]
        film = max(films, key=lambda each: each.bitrate, default=None)
        return [Media(film.url, "video/mp4") if film else Media(file.media_url_https, "image/jpeg")], file.url
    point = where.shared_coordinate.get("coordinates")
    if point and (spot := place(point.coordinates[1], point.coordinates[0])):
        return [*spot], ""
    if where.shared_place:
        return [Shared("place", title=str(where.shared_place.get("place", {}).get("full_name", ""))[:300])], ""
    return [Unsupported(attachment.type[:100], "a kind of attachment that is not known here")], ""


def _signal(account: AccountConfig, signal: Between) -> Iterator[InboundEvent]:
    """A sign of typing; or what was read: up to a time, and the message that was last read by X's own count."""
    who, when, last = _customer(signal, account), signal.created_timestamp[:20], signal.last_read_event_id
    until = instant(when, 1000)
    if signal.sender_id == account.address:
        yield Ignored(f"ours:{when}", "typed or read by us")
    elif last is None:
        yield Typing(f"typing:{who.value}:{when}", who)
    elif until is None:
        raise ParseError("no time", "created_timestamp")
    else:
        yield DeliveryReceipt(f"{last}:read", last, "read")
        yield ReadUpTo(f"read:{who.value}:{last}:{when}", who, "read", until)
