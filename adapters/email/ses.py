"""Amazon SES: a receipt rule with an SNS action (encoding base64 or UTF-8), subscribed as
`https://…/hooks/{account}?secret=SECRET`.

https://docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications-contents.html. SNS signs, and SNS signs for
others too: `settings.topic_arn` names our topic, and the address carries the secret besides (SNS sends a password only
when asked by a 401, and no header). The subscription is confirmed by itself. SNS carries mail up to 150 KB; larger
needs another provider, or our own listener.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec import Struct

from adapters.base import AccountConfig, Forged, ParseError, WebhookRequest
from adapters.email.adapter import Fetch, MailAdapter, is_secret, within
from adapters.email.bodies import from_base64
from adapters.email.event import Arrival, events_of
from adapters.email.headers import Headers
from adapters.email.letter import Letter, read_source
from adapters.email.proof import by_ses
from adapters.email.reply_address import is_ours
from adapters.email.sns import Message, check_certificate, is_sns_address, read_message, verify_message
from model.inbound import Ignored, InboundEvent

_MOST_BODY: Final = 1024 * 1024
_MOST_CERTIFICATES: Final = 32
_TOLERANCE: Final = 3900
"""Seconds: SNS tries for up to an hour with the time of the first attempt."""


class _Verdict(Struct, frozen=True):
    status: str = ""


class _Action(Struct, frozen=True):
    encoding: str = "UTF8"


class _Receipt(Struct, frozen=True, rename="camel"):
    recipients: list[str] = []
    spf_verdict: _Verdict = _Verdict()
    dmarc_verdict: _Verdict = _Verdict()
    action: _Action = _Action()


class _Field(Struct, frozen=True):
    name: str
    value: str = ""


class _Mail(Struct, frozen=True, rename="camel"):
    message_id: str = ""
    source: str = ""
    headers: list[_Field] = []


class _Received(Struct, frozen=True, rename="camel"):
    mail: _Mail
    receipt: _Receipt
    notification_type: str = ""
    content: str | None = None


_decode = msgspec.json.Decoder(_Received).decode


class SesMail(MailAdapter):
    """The adapter. It keeps the certificates SNS signs with, which change about once a year."""

    provider = "ses"
    settings = ("topic_arn", "authority", "certificate", "tolerance_seconds")
    max_body = _MOST_BODY

    def __init__(self) -> None:
        self._certificates: dict[str, bytes] = {}

    def _problems(self, account: AccountConfig) -> Iterator[str]:
        if not account.settings.get("topic_arn", "").startswith("arn:aws"):
            yield "settings.topic_arn is missing: give that of the topic the receipt rule publishes to"

    def verify_headers(self, request: WebhookRequest, account: AccountConfig) -> None:
        """The secret in the address."""
        name, _, value = request.query.partition("=")
        if name != "secret" or not is_secret(value, account):
            raise Forged("the address carries no secret of this account: subscribe it with ?secret=…")

    async def prepare(self, request: WebhookRequest, account: AccountConfig, fetch: Fetch) -> None:
        """Get the certificate a message says it is signed with, when everything else about it may be right."""
        message = self._addressed(request, account)
        url = message.signing_cert_url
        if account.settings.get("certificate") or url in self._certificates:
            return
        if not is_sns_address(url, message.topic_arn) or not url.endswith(".pem"):
            raise Forged("SigningCertURL is not at SNS in the topic's region")
        chain = await fetch(url)
        authority = account.settings.get("authority")
        check_certificate(chain, authority.encode() if authority else None, request.received_at or datetime.now(UTC))
        if len(self._certificates) >= _MOST_CERTIFICATES:
            self._certificates.clear()
        self._certificates[url] = chain

    def verify(self, request: WebhookRequest, account: AccountConfig) -> None:
        """The secret in the address, our topic, and SNS's signature."""
        message = self._addressed(request, account)
        pinned = account.settings.get("certificate")
        chain = pinned.encode() if pinned else self._certificates.get(message.signing_cert_url)
        if chain is None:
            raise Forged("the certificate is not known")
        verify_message(message, chain)
        within(request, _seconds(message.timestamp), account, _TOLERANCE)

    def commit_key(self, request: WebhookRequest) -> str:
        """SNS's id of the message."""
        return f"sns:{read_message(request.body).message_id[:200]}"

    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """The events of one notification."""
        try:
            message = read_message(request.body)
        except Forged as error:
            raise ParseError(str(error), "body") from None
        if message.type != "Notification":
            return [Ignored(key=f"sns:{message.message_id[:200]}", reason=message.type[:64])]
        try:
            received = _decode(message.message)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            raise ParseError("not a notification of SES", "Message") from None
        if received.notification_type != "Received":
            raise ParseError("unknown kind: subscribe the topic of the receipt rule only", "notificationType")
        return _events(received, account)

    def _addressed(self, request: WebhookRequest, account: AccountConfig) -> Message:
        """The message, when the address and the topic are right."""
        self.verify_headers(request, account)
        message = read_message(request.body)
        if message.topic_arn != account.settings.get("topic_arn"):
            raise Forged("another topic: check settings.topic_arn")
        return message

    def to_confirm(self, request: WebhookRequest) -> str | None:
        """The address that confirms a subscription, of a verified request that asks for one."""
        message = read_message(request.body)
        url = message.subscribe_url or ""
        confirms = message.type == "SubscriptionConfirmation" and is_sns_address(url, message.topic_arn)
        return url if confirms else None


def _seconds(timestamp: str) -> str:
    try:
        return str(int(datetime.fromisoformat(timestamp).timestamp()))
    except ValueError:
        return ""


def _events(received: _Received, account: AccountConfig) -> list[InboundEvent]:
    mail, receipt = received.mail, received.receipt
    if not 0 < len(mail.message_id) <= 200 or "\0" in mail.message_id:
        raise ParseError("missing or too long", "mail.messageId")
    if receipt.recipients and not any(is_ours(each, account) for each in receipt.recipients):
        raise ParseError("another account's: name it in settings.recipients if it is ours", "receipt.recipients")
    if received.content is None:
        fields = [(field.name, field.value) for field in mail.headers]
        letter = Letter(Headers(fields), files=[], omitted="SES sent the headers only: its rule needs an SNS action")
    elif receipt.action.encoding.upper() == "BASE64":
        letter = read_source(from_base64(received.content.encode("ascii", "ignore")))
    else:
        letter = read_source(received.content.encode("utf-8", "surrogatepass"))
    verdicts = {"spf": receipt.spf_verdict.status, "dmarc": receipt.dmarc_verdict.status}
    proof = by_ses(verdicts, letter.headers, mail.source)
    arrival = Arrival(f"ses:{mail.message_id}", proof, tuple(receipt.recipients[:50]))
    return events_of(letter, arrival, account)
