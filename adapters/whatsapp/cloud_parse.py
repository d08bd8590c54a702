"""The Cloud API's webhooks → events. Pure: no clock, no I/O, and only ParseError is raised.

A delivery holds several accounts, changes, messages and statuses, in no order. Each is an event of its own whose key
comes from Meta's id, so that repeats and late statuses are found whatever delivery they come in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal
from uuid import UUID

from adapters.base import AccountConfig, ParseError, WebhookRequest
from adapters.json_body import body_of, decoded, instant, settled
from adapters.meta_errors import describe
from adapters.whatsapp.cloud_messages import echo_events, message_events
from adapters.whatsapp.cloud_wire import ENVELOPE, VALUE, Change, Contact, Preference, Status, Value
from adapters.whatsapp.people import phone_of, user_of
from model.content import Notice
from model.inbound import DeliveryReceipt, Ignored, InboundEvent, InboundMessage, Unreadable

_RECEIPTS: dict[str, Literal["sent", "delivered", "read", "failed"]] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "played": "read",
    "failed": "failed",
}
FILE_MARK: Final = ":file"
"""Behind our entry's id on a file whose words follow as a message of their own."""
_READ_FIELDS = frozenset(("messages", "smb_message_echoes", "user_preferences"))


def parse_webhook(request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
    """The events of one verified webhook."""
    envelope = decoded(ENVELOPE, body_of(request))
    if envelope.object != "whatsapp_business_account":
        raise ParseError("not WhatsApp's: subscribe this address to whatsapp_business_account only", "object")
    return settled(
        reading
        for entry in envelope.entry
        for change in entry.changes
        for reading in _change_events(change, account, entry.id)
    )


def _change_events(change: Change, account: AccountConfig, business: str) -> Iterator[InboundEvent]:
    if change.field not in _READ_FIELDS:
        yield Ignored(change.field, f"{change.field} tells nothing of what a customer said")
        return
    try:
        value = decoded(VALUE, change.value)
    except ParseError as error:
        yield Unreadable(error.reason, f"value.{error.field}" if error.field else "value")
        return
    if value.metadata.phone_number_id != account.settings.get("phone_number_id"):
        reason = "another number's: check settings.phone_number_id, and the address configured for that number at Meta"
        yield Unreadable(reason, "metadata.phone_number_id")
        return
    yield from _value_events(value, account, business)


def _value_events(value: Value, account: AccountConfig, business: str) -> Iterator[InboundEvent]:
    people = _by_id(value.contacts)
    only = value.contacts[0] if len(value.contacts) == 1 else None
    for message in value.messages:
        person = people.get(message.sender or "") or people.get(message.from_user_id or "") or only
        yield from message_events(message, person, account, business)
    for message in value.message_echoes:
        yield from echo_events(message, account, business)
    for status in value.statuses:
        yield _receipt(status)
    for preference in value.user_preferences:
        yield _preference(preference, account, business)
    for fault in value.errors:
        yield Ignored(f"error:{fault.code}", f"WhatsApp reports an error: {describe(fault.code, fault.title)}")


def _by_id(contacts: list[Contact]) -> dict[str, Contact]:
    found = {contact.wa_id: contact for contact in contacts if contact.wa_id}
    return found | {contact.user_id: contact for contact in contacts if contact.user_id}


def _receipt(status: Status) -> InboundEvent:
    key = f"{status.id}:{status.status}"
    settles = _RECEIPTS.get(status.status)
    if settles is None:
        return Ignored(key, f"a status we do not keep: {status.status}")
    error = _failure(status) if settles == "failed" else None
    mark = status.biz_opaque_callback_data or ""
    if mark.endswith(FILE_MARK):
        # What became of the reply is told by its words, except that without its file it has failed.
        entry = our_id(mark.removesuffix(FILE_MARK))
        failed = DeliveryReceipt(key, "", "failed", entry, f"the file: {error}")
        return failed if error and entry else Ignored(key, "the file of a reply, whose words follow")
    return DeliveryReceipt(key, status.id, settles, our_id(mark), error)


def _failure(status: Status) -> str:
    if not status.errors:
        return "WhatsApp: it could not be delivered"
    first = status.errors[0]
    return describe(first.code, (first.error_data.details if first.error_data else "") or first.title)


def our_id(mark: str | None) -> UUID | None:
    """Our entry's id, where it is what we put on the message."""
    try:
        return UUID(mark) if mark and len(mark) == 36 else None
    except ValueError:
        return None


def _preference(preference: Preference, account: AccountConfig, business: str) -> InboundEvent:
    """A word on marketing alone: shown, but no opt-out, which would forbid answers too."""
    handle = phone_of(preference.wa_id) or user_of(preference.user_id, account, business)
    key = f"preference:{preference.wa_id or preference.user_id}:{preference.category}:{preference.timestamp}"
    if handle is None:
        return Unreadable("nobody is named", "user_preferences.wa_id")
    words = {"stop": "wants no more marketing messages", "resume": "takes marketing messages again"}
    wish = words.get(preference.value, f"says {preference.value[:100]!r} of marketing messages")
    return InboundMessage(
        key=key[:300],
        handle=handle,
        body="",
        occurred_at=instant(preference.timestamp),
        content=(Notice(f"On WhatsApp the customer {wish}."),),
        automatic=True,
    )
