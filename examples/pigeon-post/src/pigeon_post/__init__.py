"""Pigeon Post for text messages (https://pigeon.example/docs).

- Proof: `x-pigeon-signature`, HMAC-SHA256 in hexadecimal over `<time>.<body>`, the time in `x-pigeon-time` in seconds;
  a request may be five minutes old (https://pigeon.example/docs/signatures).
- Events: https://pigeon.example/docs/events.
- Sending: https://pigeon.example/docs/send. Under one `id` nothing is sent twice.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct, field

from adapters import phones
from adapters.base import AccountConfig, Outgoing, ParseError, ReplyLimits, WebhookRequest
from adapters.bounds import Id
from adapters.http_call import Call
from adapters.json_api import JsonApi
from adapters.json_body import body_of, decoded, meant_for
from adapters.messages import message_of
from adapters.proof import Signed
from adapters.receipts import States, became
from model.content import Unsupported
from model.inbound import InboundEvent


class Event(Struct):
    """What is read of an event; other fields may come and go."""

    id: Id
    type: str
    to: Id
    sender: str = field(name="from", default="")
    text: Annotated[str, Meta(max_length=16_000)] = ""
    message: Id | None = None
    state: str = ""


EVENT = msgspec.json.Decoder(Event)
STATES: States = {"sent": "sent", "arrived": "delivered", "lost": "failed"}


class Pigeon(JsonApi):
    """The adapter."""

    provider = "pigeon"
    channels = frozenset(("sms",))
    max_body = 64 * 1024
    title = "Pigeon Post"
    secret_is = "give the signing key of Pigeon Post's console"
    proof = Signed("x-pigeon-signature", time="x-pigeon-time", form=b"%b.%b")
    # https://pigeon.example/docs/send#limits
    replies = ReplyLimits(most_characters=1000)
    api = "https://api.pigeon.example"
    credentials = ()  # no token of its own: the signing key
    names, words, taken_as = "{message}", "Pigeon Post: {error}", "sending"

    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """The one event of a webhook, or ParseError."""
        event = decoded(EVENT, body_of(request))
        meant_for(event.to, account, "to")
        if event.type == "receipt":
            return [_receipt(event)]
        handle = phones.sender(event.sender, account.region, "sms", account.address)
        if handle is None:
            raise ParseError("empty", "from")
        parts = [] if event.type == "message" else [Unsupported(event.type[:64])]
        return [message_of(event.id, handle, event.text, parts)]

    def calls(self, account: AccountConfig, outgoing: Outgoing) -> list[Call]:
        """One request."""
        message = {"id": str(outgoing.id), "from": account.address, "to": outgoing.to, "text": outgoing.body}
        return [self.call(account, "/messages", message, repeatable=True)]


def _receipt(event: Event) -> InboundEvent:
    if event.message is None:
        raise ParseError("of no message", "message")
    return became(event.id, event.message, event.state, STATES)
