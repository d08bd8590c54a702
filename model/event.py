"""Items of a feed, one Struct per kind. An event carries the new value whole: applying it twice changes nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from model.agent import Presence
from model.contact import HeldContact, ProfileContact
from model.customer import ConversationStatus
from model.offer import OfferCard, OfferState
from model.timeline import DeliveryStatus, Entry


class FeedId(Struct, frozen=True):
    """Names an ordered log a screen can follow: `customer:<id>` or `agent:<id>`."""

    kind: Literal["customer", "agent"]
    id: UUID

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


FEED_KINDS: dict[str, int] = {"customer": 1, "agent": 3}
"""How `event.kind` and `stream.kind` store a feed's kind."""


# --- on customer:<id> ---


class EntryAdded(Struct, frozen=True, tag_field="kind", tag="entry"):
    """A new entry on the timeline."""

    entry: Entry


class ReceiptChanged(Struct, frozen=True, tag_field="kind", tag="receipt"):
    """The delivery status of an outgoing entry moved on."""

    entry: UUID
    status: DeliveryStatus
    error: str | None = None


class ContactChanged(Struct, frozen=True, tag_field="kind", tag="contact"):
    """A contact appeared, changed hands or state, as a profile shows it."""

    contact: ProfileContact


class ConversationChanged(Struct, frozen=True, tag_field="kind", tag="conversation"):
    """A conversation opened, closed, reopened, or someone's turn changed."""

    conversation: UUID
    status: ConversationStatus
    opened_at: datetime
    closed_at: datetime | None
    needs_attention: bool


class ConsentChanged(Struct, frozen=True, tag_field="kind", tag="consent"):
    """A handle opted out of an account, or back in."""

    handle: str
    account: str
    opted_out: bool


# --- on agent:<id> ---


class OfferMade(OfferCard, frozen=True, tag_field="kind", tag="offer"):
    """A contact is held out to this agent. `customer`: whose snapshot to prepare; it is not shown before accept."""

    customer: UUID


class OfferUpdated(Struct, frozen=True, tag_field="kind", tag="offer_updated"):
    """The customer wrote again while the offer was open; its clock does not restart."""

    offer: UUID
    preview: str
    messages: int


class OfferEnded(Struct, frozen=True, tag_field="kind", tag="offer_ended"):
    """The offer ended, by this agent or without them."""

    offer: UUID
    contact: UUID
    outcome: OfferState
    reason: str | None = None


class PresenceChanged(Struct, frozen=True, tag_field="kind", tag="presence"):
    """The agent's presence changed, by themselves or by the server (`missed_offer`, …)."""

    presence: Presence


class HeldChanged(Struct, frozen=True, tag_field="kind", tag="held"):
    """A line of My Customers is new or changed."""

    held: HeldContact
    routed: bool = False
    """True when it came without an offer: the profile opens by itself."""


class HeldEnded(Struct, frozen=True, tag_field="kind", tag="contact_ended"):
    """A contact left this agent: finished, handed back, transferred, abandoned."""

    contact: UUID
    reason: str


CustomerEvent = EntryAdded | ReceiptChanged | ContactChanged | ConversationChanged | ConsentChanged
AgentEvent = OfferMade | OfferUpdated | OfferEnded | PresenceChanged | HeldChanged | HeldEnded
Event = CustomerEvent | AgentEvent
