"""Items of a feed, one Struct per kind. An event carries the new value whole: applying it twice changes nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from model.agent import Presence
from model.contact import HeldContact, ProfileContact
from model.customer import (
    Card,
    ConversationStatus,
    ConversationTopic,
    Customer,
    Detail,
    MergeView,
    Pin,
    Relationship,
    Suggestion,
    Task,
)
from model.handover import HandoverCard, HandoverOutcome
from model.offer import OfferCard, OfferState
from model.sla import Measure, SlaClock
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


class EntryChanged(Struct, frozen=True, tag_field="kind", tag="entry_changed"):
    """An entry is shown otherwise from now on: reactions, an edit, taken back, a file that has come."""

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


class WindowChanged(Struct, frozen=True, tag_field="kind", tag="window"):
    """The customer wrote where a channel limits answers in time: they may be answered freely until then."""

    handle: str
    account: str
    closes_at: datetime


class CustomerChanged(Struct, frozen=True, tag_field="kind", tag="customer"):
    """Something of who the customer is was edited: values, handles, addresses, tags, custom fields."""

    customer: Customer


class DetailsChanged(Struct, frozen=True, tag_field="kind", tag="details"):
    """The details, newest first."""

    details: tuple[Detail, ...]


class RelationshipsChanged(Struct, frozen=True, tag_field="kind", tag="relationships"):
    """The relationships, and what is pinned of other timelines."""

    relationships: tuple[Relationship, ...]
    pins: tuple[Pin, ...]


class TopicsChanged(Struct, frozen=True, tag_field="kind", tag="topics"):
    """The topics of a conversation."""

    conversation: UUID
    topics: tuple[ConversationTopic, ...]


class TaskChanged(Struct, frozen=True, tag_field="kind", tag="task"):
    """A task is new, changed or ended; on the customer's feed, and on that of the agent it is for."""

    task: Task


class SuggestionsChanged(Struct, frozen=True, tag_field="kind", tag="suggestions"):
    """Who else may be this person, best first."""

    suggestions: tuple[Suggestion, ...]


class SlaChanged(Struct, frozen=True, tag_field="kind", tag="sla"):
    """The clocks of a conversation were set, started, stopped, or are over."""

    conversation: UUID
    sla: tuple[SlaClock, ...]


class CardChanged(Struct, frozen=True, tag_field="kind", tag="card"):
    """Another system has answered about this customer."""

    card: Card


class Merged(Struct, frozen=True, tag_field="kind", tag="merged"):
    """Two profiles became one; on the feeds of both. What is shown is read again: the profile follows."""

    merge: MergeView


class Unmerged(Struct, frozen=True, tag_field="kind", tag="unmerged"):
    """A merge was undone; on the feeds of both. What is shown is read again: the profile follows."""

    merge: MergeView


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


class HandoverAsked(HandoverCard, frozen=True, tag_field="kind", tag="handover"):
    """Somebody is asked to take a contact over; on the feeds of both agents."""


class HandoverUpdated(Struct, frozen=True, tag_field="kind", tag="handover_updated"):
    """Something was written there while somebody is asked; on the feed of who is, and the time to answer stays."""

    handover: UUID
    preview: str
    messages: int


class HandoverEnded(Struct, frozen=True, tag_field="kind", tag="handover_ended"):
    """It was answered, or nobody is asked any more; on the feeds of both agents."""

    handover: UUID
    contact: UUID
    outcome: HandoverOutcome
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


class TaskDue(Struct, frozen=True, tag_field="kind", tag="task_due"):
    """A task of this agent is due. `routed`: its queue gave it to them now."""

    task: Task
    routed: bool


class SlaAlert(Struct, frozen=True, tag_field="kind", tag="sla_alert"):
    """A contact this agent holds is due soon, or was due and not done."""

    contact: UUID
    conversation: UUID
    customer: UUID
    customer_name: str | None
    measure: Measure
    what: Literal["warning", "breach"]
    due_at: datetime


CustomerEvent = (
    EntryAdded
    | EntryChanged
    | ReceiptChanged
    | ContactChanged
    | ConversationChanged
    | ConsentChanged
    | WindowChanged
    | CustomerChanged
    | DetailsChanged
    | RelationshipsChanged
    | TopicsChanged
    | TaskChanged
    | SuggestionsChanged
    | SlaChanged
    | CardChanged
    | Merged
    | Unmerged
)
AgentEvent = (
    OfferMade
    | OfferUpdated
    | OfferEnded
    | HandoverAsked
    | HandoverUpdated
    | HandoverEnded
    | PresenceChanged
    | HeldChanged
    | HeldEnded
    | TaskChanged
    | TaskDue
    | SlaAlert
)
Event = CustomerEvent | AgentEvent
