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

from typing import Any

from msgspec import Raw, Struct, field
from msgspec.json import Decoder

from adapters.base import AccountConfig, Outgoing, Refused, ReplyLimits, WebhookRequest
from adapters.bounds import Short
from adapters.http_call import Call
from adapters.json_body import body_of, decoded, each_alone, settled
from adapters.proof import Given
from adapters.receipts import States, became, entry_of
from adapters.sms.carriers import Carrier, File, Id, Number, group_of, must_be_ours, person, said
from model.inbound import Ignored, InboundEvent

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
    media: list[Short] = []
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

    provider, title, api = "bandwidth", "Bandwidth", "https://messaging.bandwidth.com"
    proof = Given("authorization", user="callback_user")
    secret_is = "give the password that the application's callback is configured with"
    needed = NEEDED
    credentials = ("api_token", "api_secret")
    names, words = "{id}", "Bandwidth: {type}: {description}"
    # https://dev.bandwidth.com/docs/messaging/createMessage; a file as large as most phones take.
    replies = ReplyLimits(most_characters=2048, most_files=10, most_file_bytes=1_500_000)

    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """The events of a webhook, or ParseError."""
        raws = decoded(EVENTS, body_of(request))
        return settled(each_alone(raws, EVENT, lambda event: _read(event, account), ""), "[0]")

    def calls(self, account: AccountConfig, outgoing: Outgoing) -> list[Call] | Refused:
        """One message, with its files by address."""
        message: dict[str, Any] = {"applicationId": account.settings["application_id"], "from": account.address}
        message |= {"to": [outgoing.to], "text": outgoing.body, "tag": str(outgoing.id)}
        message |= {"media": [file.url for file in outgoing.files]} if outgoing.files else {}
        return [self.call(account, f"/api/v2/users/{account.settings['account_id']}/messages", message)]


def _read(event: Event, account: AccountConfig) -> list[InboundEvent]:
    if event.type != "message-received":
        return [_became(event, account)]
    must_be_ours((event.to,), account, "to")
    message, handle = event.message, person(event.message.sender, account, "message.from")
    media = [File(url).medium() for url in message.media if url.startswith(("https:", "http:"))]
    return said(message.id, handle, message.text, [*media, *group_of(message.to)], message.time)


def _became(event: Event, account: AccountConfig) -> InboundEvent:
    message, key = event.message, f"{event.message.id}:{event.type}"
    if event.type not in STATES:
        return Ignored(key, f"{event.type[:100]} is no message")
    must_be_ours((message.owner or message.sender,), account, "message.owner")
    words = f"Bandwidth {event.error_code or ''}: {event.description}"
    return became(key, message.id, event.type, STATES, entry_of(message.tag), words)
