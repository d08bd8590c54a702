"""What an adapter makes of a verified webhook, in one form for every provider."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from model.content import Content
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
    form: str | None = None
    """How the channel writes it, where that differs from `value`: what a reply is addressed to."""


class InboundFile(Struct, frozen=True):
    """A file that came with the event itself. `content_id`: how the HTML of a mail names it, without brackets."""

    name: str | None
    content_type: str
    data: bytes
    content_id: str | None = None

    def __repr__(self) -> str:
        return f"InboundFile({self.content_type}, {len(self.data)} bytes)"


class InboundMessage(Struct, frozen=True, tag="message"):
    """Something a customer said. `key` is the provider's id of the event, unique per account for ever."""

    key: str
    handle: HandleRef
    body: str
    media: tuple[Media, ...] = ()
    occurred_at: datetime | None = None
    """The provider's time: shown, never used to order."""
    name_hint: str | None = None
    also: tuple[HandleRef, ...] = ()
    """Further handles of the same person that the channel itself proves: a signed identity, an authenticated sender."""
    claims: tuple[HandleRef, ...] = ()
    """Handles the person only says are theirs: never link, only suggest."""
    content: tuple[Content, ...] = ()
    provider_id: str | None = None
    """What receipts, reactions, edits and answers call it, where that is not `key`."""
    in_reply_to: str | None = None
    """The provider's id of the message it answers."""
    files: tuple[InboundFile, ...] = ()
    automatic: bool = False
    """Nobody wrote it (a bounce, an automatic answer): an entry that opens nothing and is never answered."""
    html: str | None = None
    """The HTML form of a mail, cleaned: kept beside the entry and shown in a frame of its own."""


class MessageEchoed(Struct, frozen=True, tag="echo"):
    """Something that was said to the customer for us, but not from here: an entry of ours, as sent."""

    key: str
    handle: HandleRef
    body: str
    media: tuple[Media, ...] = ()
    occurred_at: datetime | None = None
    content: tuple[Content, ...] = ()
    provider_id: str | None = None
    in_reply_to: str | None = None


class MessageReacted(Struct, frozen=True, tag="reaction"):
    """The customer reacted to the message `target` names, theirs or ours; no emoji: they took it back."""

    key: str
    handle: HandleRef
    target: str
    emoji: str | None
    occurred_at: datetime | None = None


class MessageEdited(Struct, frozen=True, tag="edited"):
    """The customer changed what they had said. What it was before is kept."""

    key: str
    handle: HandleRef
    target: str
    body: str
    occurred_at: datetime | None = None


class MessageUnsent(Struct, frozen=True, tag="unsent"):
    """The customer took back what they had said."""

    key: str
    handle: HandleRef
    target: str
    occurred_at: datetime | None = None


class ReadUpTo(Struct, frozen=True, tag="read_up_to"):
    """Everything sent to this handle from this account until `until` has been delivered, or read."""

    key: str
    handle: HandleRef
    status: Literal["delivered", "read"]
    until: datetime


class Typing(Struct, frozen=True, tag="typing"):
    """The customer is writing something. It is shown to who looks, and kept nowhere."""

    key: str
    handle: HandleRef


class HandleChanged(Struct, frozen=True, tag="handle_changed"):
    """The channel says that a customer goes by another handle from now on."""

    key: str
    handle: HandleRef
    replaced: HandleRef


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


class Unreadable(Struct, frozen=True, tag="unreadable"):
    """One event of several that cannot be read: the others are recorded, and the webhook is a dead letter besides."""

    reason: str
    field: str | None = None


class Ignored(Struct, frozen=True, tag="ignored"):
    """A verified event that says nothing we keep, for example an intermediate status."""

    key: str
    reason: str


MessageChange = MessageReacted | MessageEdited | MessageUnsent
InboundEvent = (
    InboundMessage
    | MessageEchoed
    | MessageChange
    | HandleChanged
    | ConsentChange
    | DeliveryReceipt
    | ReadUpTo
    | Typing
    | Unreadable
    | Ignored
)
