"""Frames of the screen protocol `screen.v1+json` to the screen; those from it stand in `model.wire`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Raw, Struct

from model.agent import Actor, Capacity, Presence, WorkClass
from model.board import BoardAgent, BoardQueue
from model.contact import HeldContact, ProfileContact
from model.customer import (
    Candidate,
    Card,
    Conversation,
    Customer,
    CustomerSummary,
    Detail,
    MergeView,
    Pin,
    Relationship,
    Suggestion,
    Task,
)
from model.handover import HandoverCard, HandoverOutcome
from model.offer import OfferCard, OfferState
from model.timeline import Channel, Entry

ErrorCode = Literal[
    "bad_frame",
    "unknown_frame",
    "hello_first",
    "hello_twice",
    "rate_limited",
    "forbidden",
    "not_found",
    "gone",
    "not_holder",
    "contacts_live",
    "wrong_state",
    "opted_out",
    "no_handle",
    "conflict",
    "taken",
    "invalid",
    "unavailable",
    "nothing_waiting",
    "window_closed",
    "templates_only",
    "no_templates",
    "no_subject",
    "no_quote",
    "too_long",
    "too_many_files",
    "file_too_large",
    "file_type",
]
"""What each means stands in docs/reference/screen-protocol.md."""


class _ToScreen(Struct, frozen=True, tag_field="type"):
    """What every frame to a screen shares."""


class Welcome(_ToScreen, frozen=True, tag="welcome"):
    """The agent's state. `feeds`: sequences after which events follow. `now`: the database's clock, for countdowns."""

    agent: Actor
    epoch: str
    presence: Presence
    capacity: dict[WorkClass, Capacity]
    contacts: tuple[HeldContact, ...]
    offers: tuple[OfferCard, ...]
    feeds: dict[str, int]
    now: datetime
    tasks: tuple[Task, ...] = ()
    """The agent's own open tasks, those due first first."""
    handovers: tuple[HandoverCard, ...] = ()
    """What this agent is asked to take over, and what of theirs they have asked others to."""


class OfferFrame(OfferCard, frozen=True, tag_field="type", tag="offer"):
    """Ring. Sent live only; a resumed screen finds what still rings in `welcome`."""


class OfferUpdatedFrame(_ToScreen, frozen=True, tag="offer_updated"):
    """New preview of a ringing offer; `expires_at` is unchanged."""

    offer: UUID
    preview: str
    messages: int


class OfferEndedFrame(_ToScreen, frozen=True, tag="offer_ended"):
    """Stop ringing."""

    offer: UUID
    outcome: OfferState
    reason: str | None = None


class HandoverFrame(HandoverCard, frozen=True, tag_field="type", tag="handover"):
    """Ring: a colleague asks this agent to take over. Sent live only, to the one who is asked."""


class HandoverUpdatedFrame(_ToScreen, frozen=True, tag="handover_updated"):
    """New preview of what this agent is asked to take over; `expires_at` is unchanged."""

    handover: UUID
    preview: str
    messages: int


class HandoverEndedFrame(_ToScreen, frozen=True, tag="handover_ended"):
    """Stop ringing, or tell who asked what came of it."""

    handover: UUID
    outcome: HandoverOutcome
    reason: str | None = None


class ContactEndedFrame(_ToScreen, frozen=True, tag="contact_ended"):
    """A contact left this agent."""

    contact: UUID
    reason: str


ProfileReason = Literal["accepted", "routed", "opened", "resync", "merged", "unmerged"]


class Profile(_ToScreen, frozen=True, tag="profile"):
    """The snapshot: customer, conversations, newest timeline page (newest last), at `seq` of `feed`.

    `customer` is null while nobody knows who writes on a shared handle; `candidates` says who it may be.
    """

    reason: ProfileReason
    ref: str | None
    offer: UUID | None
    contact: ProfileContact | None
    customer: Customer | None
    candidates: tuple[Candidate, ...]
    conversations: tuple[Conversation, ...]
    timeline: tuple[Entry, ...]
    more: bool
    """Older entries exist."""
    details: tuple[Detail, ...]
    relationships: tuple[Relationship, ...]
    pins: tuple[Pin, ...]
    tasks: tuple[Task, ...]
    """Open ones, those due first first, then what ended lately."""
    suggestions: tuple[Suggestion, ...]
    merges: tuple[MergeView, ...]
    cards: tuple[Card, ...]
    feed: str
    seq: int


class EventFrame(_ToScreen, frozen=True, tag="event"):
    """One item of a feed; sequences of a feed have no gaps."""

    feed: str
    seq: int
    event: Raw


class TypingFrame(_ToScreen, frozen=True, tag="typing"):
    """Somebody is writing: an agent, or, with `agent` null, the customer. It holds for 6 s, or until their entry.

    Of no feed: it has no number, is never sent again, and may be missing.
    """

    customer: UUID
    conversation: UUID | None
    channel: Channel | None
    agent: UUID | None
    note: bool


class Result(_ToScreen, frozen=True, tag="result"):
    """The frame with this `ref` did what it asked."""

    ref: str | None
    entry: UUID | None = None
    timeline: tuple[Entry, ...] | None = None
    more: bool | None = None
    customers: tuple[CustomerSummary, ...] | None = None


class Error(_ToScreen, frozen=True, tag="error"):
    """The frame with this `ref` changed nothing. `message` says what to do; `field` names the field at fault."""

    code: ErrorCode
    message: str
    ref: str | None = None
    field: str | None = None


class Resync(_ToScreen, frozen=True, tag="resync"):
    """The gap cannot be filled: forget this feed; `welcome` or `profile` follows."""

    feed: str


class BoardFrame(_ToScreen, frozen=True, tag="board"):
    """The board as of `at`: all of it where `whole`, else the lines that changed since the frame before, whose `seq` is
    one less. Without any: nothing changed; one comes at least every 5 s.
    """

    seq: int
    at: datetime
    whole: bool
    queues: tuple[BoardQueue, ...] = ()
    agents: tuple[BoardAgent, ...] = ()
    gone_queues: tuple[str, ...] = ()
    gone_agents: tuple[UUID, ...] = ()


ServerFrame = (
    Welcome
    | OfferFrame
    | OfferUpdatedFrame
    | OfferEndedFrame
    | HandoverFrame
    | HandoverUpdatedFrame
    | HandoverEndedFrame
    | ContactEndedFrame
    | Profile
    | EventFrame
    | TypingFrame
    | Result
    | Error
    | Resync
    | BoardFrame
)
