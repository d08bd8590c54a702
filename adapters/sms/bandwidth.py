"""Text messages over Bandwidth's Messaging API, version 2: https://dev.bandwidth.com/docs/messaging.

- Proof: Bandwidth signs nothing; it gives the user and password that the application's callback is configured with
  (https://dev.bandwidth.com/docs/messaging/webhooks#securing-your-webhooks). `settings.callback_user` is the user, each
  secret a password. Neither covers the body, so only https keeps it whole.
- Events: https://dev.bandwidth.com/docs/messaging/webhooks, a list of them; `tag` brings our entry's id back. Who
  writes to a group of which we are one is answered alone: Bandwidth has no handle for the group.
- Sending: https://dev.bandwidth.com/apis/messaging-apis/messaging#tag/Messages/operation/createMessage. No key makes a
  repeat harmless.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from msgspec import Meta, Raw, Struct, field
from msgspec.json import Decoder

from adapters.base import AccountConfig, Forged, Outgoing, ParseError, Refused, ReplyLimits, WebhookRequest
from adapters.http_call import Call
from adapters.json_body import body_of, decoded, settled
from adapters.proof import required, same, secrets_of
from adapters.sms.carriers import Carrier, Id, Number, States, basic, became, entry_of, must_be_ours, person, said
from model.content import Notice
from model.inbound import Ignored, InboundEvent, Unreadable
from model.timeline import Media

MOST_EVENTS = 100
NEEDED = {
    "callback_user": "give the user that the application's callback is configured with",
    **dict.fromkeys(("account_id", "application_id"), "it stands in Bandwidth's dashboard"),
    **dict.fromkeys(("api_token", "api_secret"), "make an API credential in Bandwidth's dashboard"),
}
STATES: States = {
    "message-sending": "sent",
    "message-delivered": "delivered",
    "message-read": "read",
    "message-failed": "failed",
}


class Message(Struct):
    """Theirs or ours; `owner` is our number."""

    id: Id
    sender: Number = field(name="from", default="")
    to: list[Number] = []
    owner: Number = ""
    text: str = ""
    media: list[Annotated[str, Meta(max_length=4096)]] = []
    time: str | None = None
    tag: str | None = None


class Event(Struct):
    """One event. `to`: the recipient it concerns, of several."""

    type: Id
    message: Message
    to: Number = ""
    description: str = ""
    error_code: int | None = field(name="errorCode", default=None)


EVENTS, EVENT = Decoder(list[Raw]), Decoder(Event)


class BandwidthSms(Carrier):
    """The adapter."""

    provider, title, api, names = "bandwidth", "Bandwidth", "https://messaging.bandwidth.com", ("id",)
    secret_is = "give the password that the application's callback is configured with"
    needed = NEEDED

    def verify(self, request: WebhookRequest, account: AccountConfig) -> None:
        """Raise Forged unless the request gives the callback's user and password."""
        secrets, given = secrets_of(account), required(request, "authorization")
        user = account.settings.get("callback_user", "")
        if not user or not same(given, *(basic(user, secret) for secret in secrets)):
            raise Forged("not the user and password of the callback")

    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """The events of a webhook, or ParseError."""
        raws = decoded(EVENTS, body_of(request))
        if len(raws) > MOST_EVENTS:
            raise ParseError(f"more than {MOST_EVENTS} events")
        return settled((event for number, raw in enumerate(raws) for event in _events(raw, number, account)), "[0]")

    def limits(self, account: AccountConfig) -> ReplyLimits:
        """https://dev.bandwidth.com/docs/messaging/createMessage; a file as large as most phones take."""
        return ReplyLimits(most_characters=2048, most_files=10, most_file_bytes=1_500_000)

    def calls(self, account: AccountConfig, outgoing: Outgoing) -> list[Call] | Refused:
        """One message, with its files by address."""
        message: dict[str, Any] = {"applicationId": account.settings["application_id"], "from": account.address}
        message |= {"to": [outgoing.to], "text": outgoing.body, "tag": str(outgoing.id)}
        message |= {"media": [file.url for file in outgoing.files]} if outgoing.files else {}
        return [self.call(account, f"/api/v2/users/{account.settings['account_id']}/messages", message)]

    def fault(self, answer: dict[str, Any]) -> str:
        """Type and description."""
        return f"{answer['type']}: {answer.get('description', '')}"

    def authorization(self, account: AccountConfig) -> str:
        """The API credential."""
        return basic(account.settings["api_token"], account.settings["api_secret"])


def _events(raw: Raw, number: int, account: AccountConfig) -> Iterator[InboundEvent]:
    try:
        event = decoded(EVENT, raw)
        yield from _message(event, account) if event.type == "message-received" else [_became(event, account)]
    except ParseError as error:
        yield Unreadable(error.reason, f"[{number}].{error.field or ''}".rstrip("."))


def _message(event: Event, account: AccountConfig) -> list[InboundEvent]:
    must_be_ours((event.to,), account, "to")
    message = event.message
    media = [Media(url, "application/octet-stream") for url in message.media if url.startswith(("https:", "http:"))]
    group = (Notice(f"Sent to a group of {len(message.to)}"),) if len(message.to) > 1 else ()
    handle = person(message.sender, account, "message.from")
    return said(message.id, handle, message.text, media, message.time, group)


def _became(event: Event, account: AccountConfig) -> InboundEvent:
    message, key = event.message, f"{event.message.id}:{event.type}"
    if event.type not in STATES:
        return Ignored(key, f"{event.type[:100]} is no message")
    must_be_ours((message.owner or message.sender,), account, "message.owner")
    words = f"Bandwidth {event.error_code or ''}: {event.description}"
    return became(key, message.id, event.type, STATES, entry_of(message.tag), words)
