"""Text messages over MessageBird's Conversations API: https://developers.messagebird.com/api/conversations/.

Its SMS API reports by GETs with all in the address; here both directions come as one kind of signed POST.

- Proof: `MessageBird-Signature-JWT`, a token signed with the signing key that names the address's and the body's
  SHA-256 and is good for a minute (https://developers.messagebird.com/api/#verifying-http-requests).
- Events: https://developers.messagebird.com/api/conversations/#webhooks; `source` brings our entry's id back.
- Sending: https://developers.messagebird.com/api/conversations/#send-message. No key makes a repeat harmless.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field
from msgspec.json import Decoder

from adapters.base import AccountConfig, Forged, Outgoing, ParseError, Refused, ReplyLimits, WebhookRequest
from adapters.http_call import Call
from adapters.json_body import body_of, decoded, moment
from adapters.jwt_hs256 import claims_of, is_good_now, is_hash_of
from adapters.messages import ANY_TYPE, Part, echo_of, place
from adapters.proof import address_of, required, secrets_of
from adapters.receipts import States, became, entry_of
from adapters.sms.carriers import Carrier, Fault, File, Id, Number, person, plus, said
from model.content import Unsupported
from model.inbound import Ignored, InboundEvent

NEEDED = dict.fromkeys(("access_key", "channel_id"), "it stands in MessageBird's dashboard")
TYPES = {"image": "image/jpeg", "video": "video/mp4", "audio": "audio/mpeg", "file": ANY_TYPE}
STATES: States = {
    **dict.fromkeys(("accepted", "pending", "deleted"), None),
    **dict.fromkeys(("sent", "transmitted"), "sent"),
    "delivered": "delivered",
    "read": "read",
    **dict.fromkeys(("failed", "rejected", "unknown"), "failed"),
}


class Held(Struct):
    text: str = ""
    image: File | None = None
    video: File | None = None
    audio: File | None = None
    file: File | None = None
    location: dict[str, float] = {}


class Source(Struct):
    entry: str | None = None


class Message(Struct):
    """Theirs (`received`) or ours (`sent`)."""

    id: Id
    direction: Id
    status: Id
    type: Id
    channel: Annotated[str, Meta(max_length=200)] = field(name="channelId", default="")
    sender: Number = field(name="from", default="")
    to: Number = ""
    content: Held = field(default_factory=Held)
    created: str | None = field(name="createdDatetime", default=None)
    error: Fault | None = None
    source: Source = field(default_factory=Source)


class Conversation(Struct):
    id: Annotated[str, Meta(max_length=100)] = ""


class Event(Struct):
    type: Id
    message: Message | None = None
    conversation: Conversation = field(default_factory=Conversation)


EVENT = Decoder(Event)


class MessageBirdSms(Carrier):
    """The adapter."""

    provider, title, api = "messagebird", "MessageBird", "https://conversations.messagebird.com"
    secret_is = "give the signing key of MessageBird's dashboard, Developers > API settings"
    needed = NEEDED
    scheme, credentials = "AccessKey ", ("access_key",)
    names, words = "{id}", "MessageBird: {errors.0.code} {errors.0.description}"
    # Nine parts of 153 characters; a text message holds no file here.
    replies = ReplyLimits(most_characters=1377)

    def verify(self, request: WebhookRequest, account: AccountConfig) -> None:
        """Raise Forged unless MessageBird signed a token for this address and body a moment ago."""
        claims = claims_of(required(request, "messagebird-signature-jwt"), secrets_of(account))
        if claims.iss != "MessageBird" or not is_good_now(claims, request):
            raise Forged("the token is not MessageBird's, too old, or not good yet")
        if not is_hash_of(claims.url_hash, address_of(request, account).encode("utf-8", "replace")):
            raise Forged("the token is for another address")
        if (request.body or claims.payload_hash) and not is_hash_of(claims.payload_hash, request.body):
            raise Forged("the token is for another body")

    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """The events of a webhook, or ParseError."""
        event = decoded(EVENT, body_of(request))
        message = event.message
        if event.type.startswith("conversation."):
            return [Ignored(f"{event.type}:{event.conversation.id}", "no message")]
        if message is None or event.type not in ("message.created", "message.updated"):
            raise ParseError("unknown kind of event", "type")
        if message.channel != account.settings.get("channel_id"):
            raise ParseError("another channel's: check settings.channel_id", "message.channelId")
        if message.direction == "sent":
            return [_ours(message, event.type == "message.created", account)]
        if event.type == "message.updated":
            return [Ignored(f"{message.id}:{message.status}", "a message of theirs, told already")]
        handle = person(plus(message.sender), account, "message.from")
        return said(message.id, handle, *_held(message), message.created)

    def calls(self, account: AccountConfig, outgoing: Outgoing) -> list[Call] | Refused:
        """A text."""
        message = {"to": outgoing.to, "from": account.settings["channel_id"], "type": "text"}
        held = {"content": {"text": outgoing.body}, "source": {"entry": str(outgoing.id)}}
        return [self.call(account, "/v1/send", {**message, **held})]


def _held(message: Message) -> tuple[str, list[Part]]:
    """Words, and what else the message holds."""
    held, kind = message.content, message.type
    file: File | None = getattr(held, kind) if kind in TYPES else None
    if file is not None:
        return file.caption, [file.medium(TYPES[kind])]
    spot = place(held.location.get("latitude"), held.location.get("longitude")) if kind == "location" else ()
    return ("", [*spot]) if spot else (held.text, [] if kind == "text" else [Unsupported(kind)])


def _ours(message: Message, created: bool, account: AccountConfig) -> InboundEvent:
    """What became of a reply from here; what was said elsewhere stands once, as it was said."""
    entry, fault = entry_of(message.source.entry), message.error
    if created and entry is None:
        handle, at = person(plus(message.to), account, "message.to"), moment(message.created)
        return echo_of(f"{message.id}:echo", handle, *_held(message), at, provider_id=message.id)
    words = f"MessageBird {fault}" if fault else ""
    return became(f"{message.id}:{message.status}", message.id, message.status, STATES, entry, words)
