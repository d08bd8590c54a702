"""Twilio's webhooks for WhatsApp → events. Pure: no clock, no I/O, and only ParseError is raised.

Fields: https://www.twilio.com/docs/messaging/guides/webhook-request, "WhatsApp-specific parameters". Receipts are as
for SMS. Twilio watches no opt-out words on WhatsApp: CANCEL and YES are answers there, often those of a button. Only
what Twilio itself declares is an opt-out.
"""

from __future__ import annotations

import re

from adapters import phones
from adapters.base import AccountConfig, ParseError, WebhookRequest
from adapters.forms import Fields, form_of, query_of
from adapters.sms.twilio_parse import MOST_BODY, MOST_FIELDS, MOST_NAME, belongs_to, media_of, parse_status, sid_of
from model.content import Choice, Content, Form, Forwarded, Location, Referral, Unsupported
from model.inbound import ConsentChange, HandleRef, InboundEvent, InboundMessage

_PREFIX = "whatsapp:"
_DEGREES = re.compile(r"-?[0-9]{1,3}(?:\.[0-9]{1,20})?")
_MOST_FORM = 20_000


def parse_webhook(request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
    """The events of one verified webhook, by its step."""
    if request.method != "POST":
        raise ParseError("configure the webhook as POST", "method")
    fields = form_of(request, MOST_FIELDS)
    if request.step == "status":
        return [parse_status(fields, query_of(request, MOST_FIELDS), account)]
    if request.step:
        raise ParseError("unknown step: messages go to the account's address itself, receipts to its /status", "step")
    return [_message(fields, account)]


def _message(fields: Fields, account: AccountConfig) -> InboundEvent:
    status = fields.optional("SmsStatus", 64) or fields.optional("MessageStatus", 64) or "received"
    if status.lower() not in ("received", "receiving"):
        raise ParseError("unknown kind: not an incoming message; status callbacks belong to /status", "SmsStatus")
    key = sid_of(fields)
    belongs_to(fields, account, "To")
    handle = _sender(fields, account)
    body = fields.optional("Body", MOST_BODY) or ""
    declared = {"STOP": True, "START": False}.get((fields.optional("OptOutType", 64) or "").strip().upper())
    if declared is not None:
        return ConsentChange(key=key, handle=handle, body=body, opted_out=declared)
    media, content = media_of(fields), tuple(_content(fields))
    if not body and not media and not content:
        kind = fields.optional("MessageType", 64) or "unknown"
        content = (Unsupported(kind, "Twilio hands over neither words nor media of it"),)
    return InboundMessage(
        key=key,
        handle=handle,
        body=body,
        media=media,
        name_hint=(fields.optional("ProfileName", MOST_BODY) or "").strip()[:MOST_NAME] or None,
        content=content,
        in_reply_to=fields.optional("OriginalRepliedMessageSid", 64) or None,
    )


def _sender(fields: Fields, account: AccountConfig) -> HandleRef:
    """A number; or the id of a user who shows none, which means something to our business only."""
    written = fields.required("From", 200)
    if not written.lower().startswith(_PREFIX):
        raise ParseError("not written on WhatsApp: check which webhook is configured for the number", "From")
    handle = phones.sender(written, account.region, "whatsapp", account.address)
    if handle is None:
        raise ParseError("empty", "From")
    digits = phones.bare(written)
    if handle.kind == "phone" and digits != handle.value:
        return HandleRef("phone", handle.value, form=digits)
    return handle


def _content(fields: Fields) -> list[Content]:
    found: list[Content] = []
    latitude, longitude = fields.optional("Latitude", 64), fields.optional("Longitude", 64)
    if latitude and longitude:
        found.append(_place(latitude, longitude, fields))
    button = fields.optional("ButtonText", 4096)
    if button:
        found.append(Choice("button", button[:MOST_NAME], fields.optional("ButtonPayload", 4096) or None))
    chosen = fields.optional("ListTitle", 4096)
    if chosen:
        identity, description = fields.optional("ListId", 4096), fields.optional("ListDescription", 4096)
        found.append(Choice("list", chosen[:MOST_NAME], identity or None, description or None))
    flow = fields.optional("InteractiveData", _MOST_FORM)
    if flow:
        found.append(Form(None, {"InteractiveData": flow}))
    many = _is_true(fields, "FrequentlyForwarded")
    if many or _is_true(fields, "Forwarded"):
        found.append(Forwarded(many_times=many))
    source = fields.optional("ReferralSourceType", 4096)
    if source:
        found.append(_referral(source, fields))
    return found


def _is_true(fields: Fields, name: str) -> bool:
    return (fields.optional(name, 64) or "").lower() == "true"


def _place(latitude: str, longitude: str, fields: Fields) -> Location:
    for field, value, most in (("Latitude", latitude, 90), ("Longitude", longitude, 180)):
        if not _DEGREES.fullmatch(value) or abs(float(value)) > most:
            raise ParseError("not on earth", field)
    name, address = fields.optional("Label", 4096), fields.optional("Address", 4096)
    return Location(float(latitude), float(longitude), name or None, address or None)


def _referral(source: str, fields: Fields) -> Referral:
    return Referral(
        source=source,
        url=fields.optional("ReferralSourceUrl", 4096) or None,
        id=fields.optional("ReferralSourceId", 4096) or None,
        headline=fields.optional("ReferralHeadline", 4096) or None,
        body=fields.optional("ReferralBody", 4096) or None,
        ref=fields.optional("ReferralCtwaClid", 4096) or None,
    )
