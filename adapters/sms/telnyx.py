"""Text messages over Telnyx's API, version 2: https://developers.telnyx.com/docs/messaging.

- Proof: `telnyx-signature-ed25519` over `{telnyx-timestamp}|{body}`, within five minutes; the account's secrets are the
  public keys of the portal (https://developers.telnyx.com/docs/messaging/messages/receiving-webhooks).
- Events: the same page, `message.received`, `message.sent` and `message.finalized`; a tag brings our entry's id back.
- Sending: https://developers.telnyx.com/api/messaging/send-message, ten parts at most. No key makes a repeat harmless.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from msgspec import Meta, Struct, field
from msgspec.json import Decoder

from adapters.base import AccountConfig, Forged, Outgoing, Refused, ReplyLimits, WebhookRequest
from adapters.ed25519 import is_signed, public_key
from adapters.http_call import Call
from adapters.json_body import body_of, decoded
from adapters.proof import fresh, required, secrets_of
from adapters.sms.carriers import Carrier, Id, Number, States, became, entry_of, must_be_ours, person, said
from model.content import Notice
from model.inbound import Ignored, InboundEvent
from model.timeline import Media

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


class File(Struct):
    url: Annotated[str, Meta(max_length=4096)]
    content_type: Annotated[str, Meta(max_length=200)] | None = None
    size: Annotated[int, Meta(ge=0, le=2**40)] | None = None


class Fault(Struct):
    code: Annotated[str, Meta(max_length=20)] | int = ""
    title: str = ""
    detail: str | None = None


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

    provider, title, api, names = "telnyx", "Telnyx", "https://api.telnyx.com", ("data", "id")
    secret_is = "give the public key of Telnyx's portal, Keys & Credentials, in base64"
    needed = NEEDED

    def problems(self, account: AccountConfig) -> Iterator[str]:
        """Also a secret that is no key."""
        yield from super().problems(account)
        if any(public_key(secret) is None for secret in account.secrets if secret.strip()):
            yield f"secrets hold one that is no key: {self.secret_is}"

    def verify(self, request: WebhookRequest, account: AccountConfig) -> None:
        """Raise Forged unless the owner of one of these keys signed time and body a moment ago."""
        keys, signature = secrets_of(account), required(request, "telnyx-signature-ed25519")
        time = fresh(request, required(request, "telnyx-timestamp"))
        if not is_signed(time.encode() + b"|" + request.body, signature, keys):
            raise Forged("the signature does not fit any key of the account")

    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """The events of a webhook, or ParseError."""
        event = decoded(WEBHOOK, body_of(request)).data
        if event.event_type == "message.received":
            return _message(event.payload, account)
        if event.event_type in ("message.sent", "message.finalized"):
            return [_became(event, account)]
        return [Ignored(event.id, f"{event.event_type[:100]} is no message")]

    def limits(self, account: AccountConfig) -> ReplyLimits:
        """Ten parts of 153 characters; files together what carriers take."""
        return ReplyLimits(most_characters=1530, most_files=10, most_file_bytes=1000 * 1000)

    def calls(self, account: AccountConfig, outgoing: Outgoing) -> list[Call] | Refused:
        """One message, with its files by address."""
        message: dict[str, Any] = {"from": account.address, "to": outgoing.to, "tags": [str(outgoing.id)]}
        message |= {"text": outgoing.body} if outgoing.body else {}
        message |= {"media_urls": [file.url for file in outgoing.files]} if outgoing.files else {}
        return [self.call(account, "/v2/messages", message)]

    def fault(self, answer: dict[str, Any]) -> str:
        """The first error's code and words."""
        first = answer["errors"][0]
        return f"{first['code']} {first.get('title', '')}: {first.get('detail', '')}"

    def authorization(self, account: AccountConfig) -> str:
        """The API key."""
        return f"Bearer {account.settings['api_key']}"


def _message(message: Message, account: AccountConfig) -> list[InboundEvent]:
    whom = [one.phone_number for one in (*message.to, *message.cc)]
    must_be_ours(whom, account, "data.payload.to")
    media = [Media(one.url, one.content_type or "application/octet-stream", size=one.size) for one in message.media]
    group = (Notice(f"Sent to a group of {len(whom)}"),) if len(whom) > 1 else ()
    handle = person(message.sender.phone_number, account, "data.payload.from")
    return said(message.id, handle, message.text or "", media, message.received_at, group)


def _became(event: Event, account: AccountConfig) -> InboundEvent:
    message = event.payload
    must_be_ours((message.sender.phone_number,), account, "data.payload.from")
    state = message.to[0].status if message.to else ""
    words = "; ".join(f"Telnyx {fault.code} {fault.title}: {fault.detail or ''}" for fault in message.errors or ())
    entry = next(filter(None, map(entry_of, message.tags or ())), None)
    return became(f"{message.id}:{event.event_type}:{state}", message.id, state, STATES, entry, words)
