"""Text messages over Telnyx's API, version 2: https://developers.telnyx.com/docs/messaging.

- Proof: `telnyx-signature-ed25519` over `{telnyx-timestamp}|{body}`, within five minutes; the account's secrets are the
  public keys of the portal (https://developers.telnyx.com/docs/messaging/messages/receiving-webhooks).
- Events: the same page, `message.received`, `message.sent` and `message.finalized`; a tag brings our entry's id back.
- Sending: https://developers.telnyx.com/api/messaging/send-message, ten parts at most. No key makes a repeat harmless.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct, field
from msgspec.json import Decoder

from adapters.base import AccountConfig, Forged, Outgoing, Refused, ReplyLimits, WebhookRequest
from adapters.ed25519 import is_signed, public_key
from adapters.http_call import Call
from adapters.json_body import body_of, decoded
from adapters.proof import required, secrets_of, timed
from adapters.receipts import States, became, entry_of
from adapters.sms.carriers import Carrier, Fault, File, Id, Number, group_of, must_be_ours, person, said
from model.inbound import Ignored, InboundEvent

NEEDED = {"api_key": "make one in Telnyx's portal, API Keys"}
STATES: States = {
    **dict.fromkeys(("queued", "sending", "webhook_delivered"), None),
    **dict.fromkeys(("sent", "delivery_unconfirmed"), "sent"),
    "delivered": "delivered",
    **dict.fromkeys(("sending_failed", "delivery_failed"), "failed"),
}


class Party(Struct):
    phone_number: Number = ""
    status: Annotated[str, Meta(max_length=100)] = ""


class Message(Struct):
    """Theirs or ours."""

    id: Id
    sender: Party = field(name="from", default_factory=Party)
    to: list[Party] = []
    cc: list[Party] = []
    text: str | None = None
    media: list[File] = []
    received_at: str | None = None
    tags: list[str] | None = None
    errors: list[Fault] | None = None


class Event(Struct):
    id: Id
    event_type: Id
    payload: Message


class Webhook(Struct):
    data: Event


WEBHOOK = Decoder(Webhook)


class TelnyxSms(Carrier):
    """The adapter."""

    provider, title, api = "telnyx", "Telnyx", "https://api.telnyx.com"
    secret_is = "give the public key of Telnyx's portal, Keys & Credentials, in base64"
    needed = NEEDED
    credentials = ("api_key",)
    names, words = "{data.id}", "Telnyx: {errors.0.code} {errors.0.title}: {errors.0.detail}"
    # Ten parts of 153 characters; files together what carriers take.
    replies = ReplyLimits(most_characters=1530, most_files=10, most_file_bytes=1000 * 1000)

    def fits(self, secret: str) -> bool:
        """Only a public key does."""
        return public_key(secret) is not None

    def verify(self, request: WebhookRequest, account: AccountConfig) -> None:
        """Raise Forged unless the owner of one of these keys signed time and body a moment ago."""
        keys, signature = secrets_of(account), required(request, "telnyx-signature-ed25519")
        if not is_signed(timed(request, "telnyx-timestamp", b"%b|%b"), signature, keys):
            raise Forged("the signature does not fit any key of the account")

    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """The events of a webhook, or ParseError."""
        event = decoded(WEBHOOK, body_of(request)).data
        if event.event_type == "message.received":
            return _message(event.payload, account)
        if event.event_type in ("message.sent", "message.finalized"):
            return [_became(event, account)]
        return [Ignored(event.id, f"{event.event_type[:100]} is no message")]

    def calls(self, account: AccountConfig, outgoing: Outgoing) -> list[Call] | Refused:
        """One message, with its files by address."""
        message: dict[str, Any] = {"from": account.address, "to": outgoing.to, "tags": [str(outgoing.id)]}
        message |= {"text": outgoing.body} if outgoing.body else {}
        message |= {"media_urls": [file.url for file in outgoing.files]} if outgoing.files else {}
        return [self.call(account, "/v2/messages", message)]


def _message(message: Message, account: AccountConfig) -> list[InboundEvent]:
    whom = [one.phone_number for one in (*message.to, *message.cc)]
    must_be_ours(whom, account, "data.payload.to")
    handle, media = person(message.sender.phone_number, account, "data.payload.from"), map(File.medium, message.media)
    return said(message.id, handle, message.text or "", [*media, *group_of(whom)], message.received_at)


def _became(event: Event, account: AccountConfig) -> InboundEvent:
    message = event.payload
    must_be_ours((message.sender.phone_number,), account, "data.payload.from")
    state = message.to[0].status if message.to else ""
    words = "; ".join(f"Telnyx {fault}" for fault in message.errors or ())
    entry = next(filter(None, map(entry_of, message.tags or ())), None)
    return became(f"{message.id}:{event.event_type}:{state}", message.id, state, STATES, entry, words)
