"""Twilio's messaging webhooks → events. Pure: no clock, no I/O, and only ParseError is raised.

Fields: https://www.twilio.com/docs/messaging/guides/webhook-request and, for the step `status`,
https://www.twilio.com/docs/messaging/guides/track-outbound-message-status. Twilio adds fields without notice, so
unknown ones are left alone; those read are bounded and may be given once.

Opt-out words: with Advanced Opt-Out, Twilio says what it did in `OptOutType`
(https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out). Otherwise its default words count when they are
the whole text, in any case (https://www.twilio.com/docs/api/errors/23002 and the page above).
"""

from __future__ import annotations

import re
from typing import Literal
from uuid import UUID

from adapters import phones
from adapters.base import AccountConfig, ParseError, WebhookRequest
from adapters.forms import Fields, form_of, query_of
from adapters.sms.opt_out import opted_out, with_consent
from adapters.sms.twilio_errors import describe
from model.inbound import DeliveryReceipt, Ignored, InboundEvent, InboundMessage
from model.timeline import Media

MOST_FIELDS = 200
MOST_BODY = 16_000
_MOST_MEDIA = 32
MOST_NAME = 200

_SID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NUMBER = re.compile(r"[0-9]{1,6}")
_MEDIA_URL = re.compile(r"https?://[^\s/]+/[^\s]*", re.IGNORECASE)

_RECEIPTS: dict[str, Literal["sent", "delivered", "read", "failed"]] = {
    "sent": "sent",
    "delivered": "delivered",
    "partially_delivered": "delivered",
    "read": "read",
    "undelivered": "failed",
    "failed": "failed",
    "canceled": "failed",
}
_INTERMEDIATE = frozenset(("accepted", "scheduled", "queued", "sending", "receiving", "received"))


def parse_webhook(request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
    """The events of one verified webhook, by its step."""
    if request.method != "POST":
        raise ParseError("configure the webhook as POST", "method")
    fields = form_of(request, MOST_FIELDS)
    if not request.step:
        return _parse_inbound(fields, account)
    if request.step == "status":
        return [parse_status(fields, query_of(request, MOST_FIELDS), account)]
    raise ParseError("unknown step: messages go to the account's address itself, receipts to its /status", "step")


def _parse_inbound(fields: Fields, account: AccountConfig) -> list[InboundEvent]:
    status = fields.optional("SmsStatus", 64) or fields.optional("MessageStatus", 64) or "received"
    if status.lower() not in ("received", "receiving"):
        raise ParseError("unknown kind: not an incoming message; status callbacks belong to /status", "SmsStatus")
    key = sid_of(fields)
    belongs_to(fields, account, "To")
    handle = phones.sender(fields.required("From", 128), account.region, "sms", account.address)
    if handle is None:
        raise ParseError("empty", "From")
    media = media_of(fields)
    body = fields.optional("Body", MOST_BODY)
    if body is None and not media:
        raise ParseError("missing, and there is no media", "Body")
    message = InboundMessage(
        key=key,
        handle=handle,
        body=body or "",
        media=media,
        name_hint=(fields.optional("ProfileName", MOST_BODY) or "").strip()[:MOST_NAME] or None,
    )
    return with_consent(message, _opted_out(message.body, fields.optional("OptOutType", 64)))


def _opted_out(text: str, declared: str | None) -> bool | None:
    """What Twilio declares wins; HELP it answers by itself."""
    return {"STOP": True, "START": False}.get(declared.strip().upper()) if declared else opted_out(text)


def parse_status(fields: Fields, query: Fields, account: AccountConfig) -> InboundEvent:
    """What became of a message of ours."""
    sid = sid_of(fields)
    status = (fields.optional("MessageStatus", 64) or fields.required("SmsStatus", 64)).lower()
    belongs_to(fields, account, None)
    outbound_id = _entry_id(query)
    key = f"{sid}:{status}"
    if status in _INTERMEDIATE:
        return Ignored(key=key, reason=f"intermediate status {status}")
    settled = _RECEIPTS.get(status)
    if settled is None:
        raise ParseError("unknown kind of status", "MessageStatus")
    return DeliveryReceipt(
        key=key,
        provider_id=sid,
        status=settled,
        outbound_id=outbound_id,
        error=_delivery_error(fields, status) if settled == "failed" else None,
    )


def _delivery_error(fields: Fields, status: str) -> str:
    code = fields.optional("ErrorCode", 64) or ""
    message = fields.optional("ErrorMessage", MOST_BODY) or f"the message is {status}"
    return describe(int(code) if _NUMBER.fullmatch(code) else None, message)


def sid_of(fields: Fields) -> str:
    """Twilio's id of the message."""
    name = "MessageSid" if "MessageSid" in fields else "SmsSid" if "SmsSid" in fields else "MessageSid"
    sid = fields.required(name, 64)
    if not _SID.fullmatch(sid):
        raise ParseError("not a message id", name)
    return sid


def belongs_to(fields: Fields, account: AccountConfig, ours: str | None) -> None:
    """Refuse what was meant for another account of the same secret.

    A Messaging Service delivers for all its numbers, so where both sides name the AccountSid that decides; only
    without it must the message be addressed to this very address.
    """
    given, expected = fields.optional("AccountSid", 64), account.settings.get("account_sid")
    if given and expected:
        if given != expected:
            raise ParseError("another account's: check settings.account_sid", "AccountSid")
        return
    service = account.settings.get("messaging_service_sid")
    if ours is None or (service and fields.optional("MessagingServiceSid", 64) == service):
        return
    if _same_address(fields.required(ours, 128), account):
        return
    raise ParseError("not this account's address, and no AccountSid proves it ours", ours)


def _same_address(given: str, account: AccountConfig) -> bool:
    def comparable(address: str) -> str:
        return phones.normalise(address, account.region) or phones.bare(address)

    return comparable(given) == comparable(account.address)


def _entry_id(query: Fields) -> UUID | None:
    value = query.optional("entry", 64)
    if value is None:
        return None
    try:
        return UUID(value)
    except ValueError:
        raise ParseError("not one of our entry ids", "entry") from None


def media_of(fields: Fields) -> tuple[Media, ...]:
    """The media of a message, in order."""
    count = fields.optional("NumMedia", 64) or "0"
    if not _NUMBER.fullmatch(count) or int(count) > _MOST_MEDIA:
        raise ParseError(f"not a number from 0 to {_MOST_MEDIA}", "NumMedia")
    return tuple(_one_media(fields, index) for index in range(int(count)))


def _one_media(fields: Fields, index: int) -> Media:
    name = f"MediaUrl{index}"
    url = fields.required(name, 2048)
    if not _MEDIA_URL.fullmatch(url):
        raise ParseError("not an http address", name)
    kind = fields.optional(f"MediaContentType{index}", 255) or "application/octet-stream"
    return Media(url=url, content_type=kind)
