"""What an adapter makes of a verified webhook, in one form for every provider."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from model.timeline import Media

HandleKind = Literal["phone", "email", "social"]


class HandleRef(Struct, frozen=True):
    """A customer's address as the channel gave it, already normalised.

    `scope` separates ids that mean something only inside one provider account (a page, an app);
    phones and e-mail addresses have the empty scope.
    """

    kind: HandleKind
    value: str
    scope: str = ""


class InboundMessage(Struct, frozen=True, tag="message"):
    """Something a customer said. `key` is the provider's id of the event, unique per account for ever."""

    key: str
    handle: HandleRef
    body: str
    media: tuple[Media, ...] = ()
    occurred_at: datetime | None = None
    """The provider's time: shown, never used to order."""
    name_hint: str | None = None


class ConsentChange(Struct, frozen=True, tag="consent"):
    """The customer opted out of this account, or back in. Never creates a contact, never reopens."""

    key: str
    handle: HandleRef
    body: str
    opted_out: bool


class DeliveryReceipt(Struct, frozen=True, tag="receipt"):
    """What became of a message we sent. `outbound_id` is ours, carried in the callback's address."""

    key: str
    provider_id: str
    status: Literal["sent", "delivered", "read", "failed"]
    outbound_id: UUID | None = None
    error: str | None = None


class Ignored(Struct, frozen=True, tag="ignored"):
    """A verified event that says nothing we keep, for example an intermediate status."""

    key: str
    reason: str


InboundEvent = InboundMessage | ConsentChange | DeliveryReceipt | Ignored
