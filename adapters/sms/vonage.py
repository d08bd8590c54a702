"""Text messages over Vonage's Messages API: https://developer.vonage.com/en/messages/overview.

- Proof: `Authorization: Bearer`, a token signed with the signature secret, whose `payload_hash` is the body's SHA-256
  and whose `iat` is now (https://developer.vonage.com/en/getting-started/concepts/webhooks#validating-signed-webhooks).
- Events: https://developer.vonage.com/en/api/messages-olympus#webhooks. A message and the status of one of ours come to
  the same address, the application's inbound URL and status URL; `client_ref` brings our entry's id back.
- Sending: https://developer.vonage.com/en/api/messages-olympus#SendMessage, by key and secret. No key makes a repeat
  harmless. A picture goes as MMS, which Vonage carries in the United States.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field
from msgspec.json import Decoder

from adapters.base import AccountConfig, Forged, Outgoing, ParseError, Refused, ReplyLimits, WebhookRequest
from adapters.http_call import Call
from adapters.json_body import body_of, decoded
from adapters.jwt_hs256 import claims_of, is_hash_of
from adapters.messages import ANY_TYPE
from adapters.proof import is_fresh, required, secrets_of
from adapters.receipts import States, became, entry_of
from adapters.sms.carriers import Carrier, Fault, File, Id, Number, must_be_ours, person, plus, said
from model.content import Unsupported
from model.inbound import InboundEvent

NEEDED = dict.fromkeys(("api_key", "api_secret"), "it stands in Vonage's dashboard, API Settings")
TYPES = {"image": "image/jpeg", "audio": "audio/mpeg", "video": "video/mp4", "vcard": "text/vcard", "file": ANY_TYPE}
STATES: States = {
    "submitted": "sent",
    "delivered": "delivered",
    "read": "read",
    **dict.fromkeys(("rejected", "undeliverable"), "failed"),
}


class Event(Struct):
    """A message, or what became of one of ours: then it has a status."""

    message_uuid: Id
    channel: str = ""
    sender: Number = field(name="from", default="")
    to: Number = ""
    timestamp: str | None = None
    message_type: Id | None = None
    text: str = ""
    image: File | None = None
    audio: File | None = None
    video: File | None = None
    vcard: File | None = None
    file: File | None = None
    status: Id | None = None
    error: Fault | None = None
    client_ref: str | None = None


EVENT = Decoder(Event)


class VonageSms(Carrier):
    """The adapter."""

    provider, title, api = "vonage", "Vonage", "https://api.nexmo.com"
    media_hosts = frozenset(("api-us.nexmo.com", "api-eu.nexmo.com"))
    secret_is = "give the signature secret of Vonage's dashboard, API Settings"
    needed = NEEDED
    credentials = ("api_key", "api_secret")
    names, words = "{message_uuid}", "Vonage: {title}. {detail}"
    # https://developer.vonage.com/en/api/messages-olympus#SendMessage
    replies = ReplyLimits(
        most_characters=1000,
        most_files=1,
        most_file_bytes=600 * 1024,
        file_types=("image/jpeg", "image/png", "image/gif"),
    )

    def verify(self, request: WebhookRequest, account: AccountConfig) -> None:
        """Raise Forged unless Vonage signed a token for this very body a moment ago."""
        kind, _, token = required(request, "authorization").partition(" ")
        claims = claims_of(token if kind == "Bearer" else "", secrets_of(account))
        if claims.iat is None or not is_fresh(request, claims.iat):
            raise Forged("the token is too old, or has no time")
        if not is_hash_of(claims.payload_hash, request.body):
            raise Forged("the token is for another body")

    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """The one event of a webhook, or ParseError."""
        event = decoded(EVENT, body_of(request))
        if event.channel not in ("sms", "mms"):
            raise ParseError("no text message: give this address to SMS and MMS only", "channel")
        if event.status is None:
            must_be_ours((plus(event.to),), account, "to")
            return _message(event, account)
        must_be_ours((plus(event.sender),), account, "from")
        words = f"Vonage {event.error}" if event.error else ""
        key, entry = f"{event.message_uuid}:{event.status}", entry_of(event.client_ref)
        return [became(key, event.message_uuid, event.status, STATES, entry, words)]

    def calls(self, account: AccountConfig, outgoing: Outgoing) -> list[Call] | Refused:
        """A text, or a picture with its words."""
        message: dict[str, Any] = {"channel": "sms", "message_type": "text", "text": outgoing.body}
        for one in outgoing.files:
            message = {"channel": "mms", "message_type": "image", "image": {"url": one.url, "caption": outgoing.body}}
        message |= {"from": account.address.lstrip("+"), "to": outgoing.to.lstrip("+"), "client_ref": str(outgoing.id)}
        return [self.call(account, "/v1/messages", message)]


def _message(event: Event, account: AccountConfig) -> list[InboundEvent]:
    kind = event.message_type or ""
    file: File | None = getattr(event, kind) if kind in TYPES else None
    parts = [file.medium(TYPES[kind])] if file else [] if kind == "text" else [Unsupported(kind or "nothing")]
    handle = person(plus(event.sender), account, "from")
    text = event.text or (file.caption if file else "")
    return said(event.message_uuid, handle, text, parts, event.timestamp)
