"""Pigeon Post for text messages (https://pigeon.example/docs).

- Proof: `x-pigeon-signature`, HMAC-SHA256 in hexadecimal over `<time>.<body>`, the time in `x-pigeon-time` in seconds;
  a request may be five minutes old (https://pigeon.example/docs/signatures).
- Events: https://pigeon.example/docs/events.
- Sending: https://pigeon.example/docs/send. Under one `id` nothing is sent twice.
"""

from __future__ import annotations

import hmac
from typing import Annotated, Literal

import httpx2
import msgspec
from msgspec import Meta, Struct, field

from adapters import phones
from adapters.base import AccountConfig, Forged, Outgoing, ParseError, ReplyLimits, Sent, WebhookRequest
from adapters.http_adapter import HttpAdapter, base_of, said_in
from adapters.http_call import Call
from adapters.json_body import body_of, decoded
from adapters.proof import fresh, required, same, secrets_of
from model.content import Unsupported
from model.inbound import DeliveryReceipt, InboundEvent, InboundMessage

API = "https://api.pigeon.example"
MOST_TEXT = 1000
Id = Annotated[str, Meta(min_length=1, max_length=100)]


class Event(Struct):
    """What is read of an event; other fields may come and go."""

    id: Id
    type: str
    to: Id
    sender: str = field(name="from", default="")
    text: Annotated[str, Meta(max_length=16_000)] = ""
    message: Id | None = None
    state: str = ""


class Taken(Struct):
    """What a message that was taken is answered with."""

    message: Id


EVENT, TAKEN = msgspec.json.Decoder(Event), msgspec.json.Decoder(Taken)
RECEIPTS: dict[str, Literal["sent", "delivered", "failed"]] = {
    "sent": "sent",
    "arrived": "delivered",
    "lost": "failed",
}


class Pigeon(HttpAdapter):
    """The adapter."""

    provider = "pigeon"
    channels = frozenset(("sms",))
    max_body = 64 * 1024
    title = "Pigeon Post"
    secret_is = "give the signing key of Pigeon Post's console"

    def verify(self, request: WebhookRequest, account: AccountConfig) -> None:
        """Raise Forged unless Pigeon Post signed this body a moment ago."""
        secrets = secrets_of(account)
        given, time = required(request, "x-pigeon-signature"), fresh(request, required(request, "x-pigeon-time"))
        said = time.encode() + b"." + request.body
        if not same(given, *(hmac.digest(secret.encode(), said, "sha256").hex() for secret in secrets)):
            raise Forged("the signature does not match any secret of the account")

    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """The one event of a webhook, or ParseError."""
        event = decoded(EVENT, body_of(request))
        if event.to != account.address:
            raise ParseError("not this account's address", "to")
        if event.type == "receipt":
            return [_receipt(event)]
        handle = phones.sender(event.sender, account.region, "sms", account.address)
        if handle is None:
            raise ParseError("empty", "from")
        content = () if event.type == "message" else (Unsupported(event.type[:64]),)
        return [InboundMessage(key=event.id, handle=handle, body=event.text, content=content)]

    def limits(self, account: AccountConfig) -> ReplyLimits:
        """https://pigeon.example/docs/send#limits."""
        return ReplyLimits(most_characters=MOST_TEXT)

    def calls(self, account: AccountConfig, outgoing: Outgoing) -> list[Call]:
        """One request."""
        message = {"id": str(outgoing.id), "from": account.address, "to": outgoing.to, "text": outgoing.body}
        headers = {"Authorization": f"Bearer {account.secrets[0]}"}
        return [Call(f"{base_of(account, API)}/messages", headers=headers, json=message, repeatable=True)]

    def accepted(self, response: httpx2.Response) -> Sent | None:
        """The name of the message."""
        taken = said_in(TAKEN, response)
        return Sent(taken.message, "sending") if taken else None


def _receipt(event: Event) -> DeliveryReceipt:
    status = RECEIPTS.get(event.state)
    if status is None or event.message is None:
        raise ParseError("unknown kind of receipt", "state")
    return DeliveryReceipt(key=event.id, provider_id=event.message, status=status)
