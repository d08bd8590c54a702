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

import base64
import hmac
import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

import httpx2
import msgspec
from msgspec import Meta, Raw, Struct, field
from msgspec.json import Decoder

from adapters import oauth1
from adapters.base import AccountConfig, Answer, Forged, Outgoing, ParseError, Refused, Sent, WebhookRequest
from adapters.forms import query_of
from adapters.http_adapter import HttpAdapter, base_of, said_in
from adapters.http_call import Call
from adapters.json_body import body_of, bounded, decoded, instant, settled
from adapters.media import Credentials, MediaClient, MediaOutcome
from adapters.proof import required, same, secrets_of
from model import inbound
from model.content import Choice, Content, Location, Referral, Shared, Unsupported
from model.inbound import HandleRef, InboundEvent
from model.limits import ReplyLimits
from model.timeline import Media

API = "https://api.x.com"
MOST_TEXT, MOST = 10_000, 100
MEDIA_HOSTS = frozenset(("ton.twitter.com", "ton.x.com", "video.twimg.com"))
_TOKEN = re.compile(r"[A-Za-z0-9+/=_.~-]{1,256}")  # nothing that JSON could be made of
_POST = re.compile(r"https://(?:www\.|mobile\.)?(?:twitter|x)\.com/\w{1,50}/status/(\d{1,20})\b")
Id = Annotated[str, Meta(pattern="^[0-9]{1,64}$")]
Short = Annotated[str, Meta(max_length=4096)]
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


class Told(Struct):
    """What a request is answered with: the event it made, or what is wrong."""

    data: dict[str, str] = {}
    detail: str = ""


WEBHOOK, ID, EVENTS, EVENT = Decoder(dict[str, Raw]), Decoder(Id), Decoder(list[Raw]), Decoder(Event)
SIGNAL, USERS, ATTACHMENT, TOLD = Decoder(Between), Decoder(dict[str, User]), Decoder(Attachment), Decoder(Told)


class X(HttpAdapter):
    """The adapter."""

    provider = "x"
    channels = frozenset(("x",))
    title = "X"
    secret_is = "give the app's API secret, which X also calls consumer secret"
    needed = NEEDED

    def problems(self, account: AccountConfig) -> Iterator[str]:
        """Those of every account, and an address that is no id."""
        if not (account.address.isascii() and account.address.isdecimal()):
            yield "address is no id: give the account's user id, digits only, not its @name"
        yield from super().problems(account)

    def verify(self, request: WebhookRequest, account: AccountConfig) -> None:
        """Raise Forged unless X signed this body."""
        secrets, given = secrets_of(account), required(request, "x-twitter-webhooks-signature")
        if not same(given, *(_signature(secret, request.body) for secret in secrets)):
            raise Forged("the signature does not match any secret of the account")

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
        signed = {"response_token": _signature(secrets_of(account)[0], token.encode())}
        return Answer(msgspec.json.encode(signed), "application/json")

    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """The events of a webhook, or ParseError."""
        told = decoded(WEBHOOK, body_of(request))
        if "for_user_id" in told and decoded(ID, told["for_user_id"]) != account.address:
            raise ParseError("another account's: check the account's address", "for_user_id")
        users = decoded(USERS, told["users"]) if "users" in told else {}
        return settled((each for kind, raw in told.items() for each in _events(kind, raw, users, account)), "events")

    def limits(self, account: AccountConfig) -> ReplyLimits:
        """https://docs.x.com/x-api/direct-messages/manage/introduction; no files."""
        return ReplyLimits(most_characters=MOST_TEXT)

    def calls(self, account: AccountConfig, outgoing: Outgoing) -> list[Call] | Refused:
        """One request, made for the account's user."""
        if outgoing.files:
            return Refused("X takes no files from here: send words, or a link to the file")
        url = f"{base_of(account, API)}/2/dm_conversations/with/{quote(outgoing.to, safe='')}/messages"
        headers = {"Authorization": oauth1.authorization("POST", url, _keys(account))}
        return [Call(url, headers=headers, json={"text": outgoing.body})]

    def accepted(self, response: httpx2.Response) -> Sent | None:
        """The event's id, by which its echo and its receipt name it."""
        name = (said_in(TOLD, response) or Told()).data.get("dm_event_id")
        return Sent(name, "sent") if name else None

    def reason(self, response: httpx2.Response) -> str:
        """X's words: https://docs.x.com/x-api/fundamentals/response-codes-and-errors."""
        detail = (said_in(TOLD, response) or Told()).detail[:300]
        return f"X: {detail or f'HTTP {response.status_code}'}"

    async def fetch_media(self, account: AccountConfig, media: Media, client: MediaClient) -> MediaOutcome:
        """A file of a message, asked for as the user it was sent to; X's hosts alone see that."""
        proof = oauth1.authorization("GET", media.url, _keys(account))
        hosts = MEDIA_HOSTS | {urlsplit(base_of(account, API)).netloc.lower()}
        return await client.get(media.url, credentials=Credentials(proof, hosts))


def _signature(secret: str, said: bytes) -> str:
    return "sha256=" + base64.b64encode(hmac.digest(secret.encode(), said, "sha256")).decode()


def _keys(account: AccountConfig) -> oauth1.Keys:
    key, token, token_secret = (account.settings.get(name, "") for name in NEEDED)
    return oauth1.Keys(key, account.secrets[0] if account.secrets else "", token, token_secret)


def _events(kind: str, raw: Raw, users: dict[str, User], account: AccountConfig) -> Iterator[InboundEvent]:
    read = _KINDS.get(kind)
    if read is None:
        if kind.endswith(("_events", "user_event")):
            yield inbound.Ignored(kind[:100], f"{kind[:100]}: no direct message")
        return
    every: list[Raw] = decoded(EVENTS, raw)
    for number, each in enumerate(every):
        try:
            yield from read(each, users, account)
        except ParseError as error:
            yield inbound.Unreadable(error.reason, f"{kind}.{error.field or number}")


def _customer(between: Between, account: AccountConfig) -> HandleRef:
    """Whoever of the two is not us."""
    two = (between.sender_id, between.target.get("recipient_id", ""))
    if account.address not in two or not two[1]:
        raise ParseError("between others: check the account's address", "target.recipient_id")
    return HandleRef("social", two[two[0] == account.address], f"x:{account.address}")


def _message(raw: Raw, users: dict[str, User], account: AccountConfig) -> Iterator[InboundEvent]:
    event = decoded(EVENT, raw)
    said, at = event.message_create, instant(event.created_timestamp, 1000)
    if said is None:
        raise ParseError("an event without message_create", "type")
    handle, data = _customer(said, account), said.message_data
    media, content, hidden = _attached(data.attachment)
    text = data.text.replace(hidden, "", 1).strip() if hidden else data.text
    for each in data.entities.urls[:MOST]:
        text = text.replace(each.url, each.expanded_url or each.url, 1)
        post = _POST.match(each.expanded_url or "")
        content += (Shared("post", post[0], id=post[1]),) if post else ()
    body, files = bounded(unescape(text))
    if said.sender_id == account.address:
        yield inbound.MessageEchoed(f"{event.id}:echo", handle, body, media, at, content, event.id)
        return
    if data.quick_reply_response is not None:
        content += (Choice("quick_reply", body[:200], data.quick_reply_response.get("metadata")),)
    content += tuple(Referral(name.removesuffix("_id"), id=value) for name, value in event.initiated_via.items())
    name = users[handle.value].name if handle.value in users else None
    yield inbound.InboundMessage(event.id, handle, body, media, at, name, content=content, files=files)


def _attached(raw: Raw) -> tuple[tuple[Media, ...], tuple[Content, ...], str]:
    """Media, content, and the link that stands for it among the words."""
    if not len(raw):
        return (), (), ""
    try:
        attachment = decoded(ATTACHMENT, raw)
    except ParseError as error:
        return (), (Unsupported("attachment", f"not readable: {error}"[:300]),), ""
    file, where = attachment.media, attachment.location
    if file:
        films = [each for each in file.video_info.variants if each.content_type == "video/mp4"]
        film = max(films, key=lambda each: each.bitrate, default=None)
        medium = Media(film.url, "video/mp4") if film else Media(file.media_url_https, "image/jpeg")
        return (medium,), (), file.url
    point = where.shared_coordinate.get("coordinates")
    if point and -180 <= point.coordinates[0] <= 180 and -90 <= point.coordinates[1] <= 90:
        return (), (Location(point.coordinates[1], point.coordinates[0]),), ""
    if where.shared_place:
        return (), (Shared("place", title=str(where.shared_place.get("place", {}).get("full_name", ""))[:300]),), ""
    return (), (Unsupported(attachment.type[:100], "a kind of attachment that is not known here"),), ""


def _signal(raw: Raw, _users: dict[str, User], account: AccountConfig) -> Iterator[InboundEvent]:
    """A sign of typing; or what was read: up to a time, and the message that was last read by X's own count."""
    signal = decoded(SIGNAL, raw)
    handle, when, last = _customer(signal, account), signal.created_timestamp[:20], signal.last_read_event_id
    until = instant(when, 1000)
    if signal.sender_id == account.address:
        yield inbound.Ignored(f"ours:{when}", "typed or read by us")
    elif last is None:
        yield inbound.Typing(f"typing:{handle.value}:{when}", handle)
    elif until is None:
        raise ParseError("no time", "created_timestamp")
    else:
        yield inbound.DeliveryReceipt(f"{last}:read", last, "read")
        yield inbound.ReadUpTo(f"read:{handle.value}:{last}:{when}", handle, "read", until)


_KINDS: dict[str, Callable[[Raw, dict[str, User], AccountConfig], Iterator[InboundEvent]]] = {
    "direct_message_events": _message,
    "direct_message_mark_read_events": _signal,
    "direct_message_indicate_typing_events": _signal,
}
