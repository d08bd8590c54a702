"""Frames of the screen protocol `screen.v1+json`: one tagged Struct per frame, decoded once at the edge.

From the screen: `ClientFrame`. To the screen: the Structs below it. A frame with an unknown type, an
unknown field or a wrong value is answered by `error` with the field's name and changes nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Raw, Struct

from model.agent import Actor, Capacity, Presence, PresenceStatus, WorkClass
from model.contact import HeldContact, ProfileContact
from model.customer import Conversation, Customer
from model.offer import OfferCard, OfferState
from model.timeline import Channel, Entry

Ref = Annotated[str, Meta(max_length=64)]
Text = Annotated[str, Meta(min_length=1, max_length=16_000)]
Reason = Annotated[str, Meta(max_length=200)]


class _FromScreen(Struct, frozen=True, tag_field="type", forbid_unknown_fields=True):
    """What every frame of a screen shares."""


class Hello(_FromScreen, frozen=True, tag="hello"):
    """The first frame. `resume`: last sequence seen per feed, meaningful only under the same `epoch`."""

    epoch: Annotated[str, Meta(max_length=64)] | None = None
    resume: Annotated[dict[str, int], Meta(max_length=64)] | None = None
    ref: Ref | None = None


class SetPresence(_FromScreen, frozen=True, tag="presence"):
    """Choose a presence. `offline` with a live call is refused until it ends."""

    status: PresenceStatus
    reason: Reason | None = None
    ref: Ref | None = None


class Accept(_FromScreen, frozen=True, tag="accept"):
    """Take an offer. Answered by `profile` with `reason: accepted`, or `error` code `gone`."""

    offer: UUID
    ref: Ref | None = None


class Decline(_FromScreen, frozen=True, tag="decline"):
    """Refuse an offer; others are tried before it comes back."""

    offer: UUID
    reason: Reason | None = None
    ref: Ref | None = None


class Open(_FromScreen, frozen=True, tag="open"):
    """Show a customer and follow them. Answered by `profile` with `reason: opened`."""

    customer: UUID
    ref: Ref | None = None


class Leave(_FromScreen, frozen=True, tag="leave"):
    """Stop following a customer."""

    customer: UUID
    ref: Ref | None = None


class Shown(_FromScreen, frozen=True, tag="shown"):
    """The profile of an auto-accepted contact is on the screen; without it within 5 s the contact goes back."""

    contact: UUID
    ref: Ref | None = None


class Seen(_FromScreen, frozen=True, tag="seen"):
    """The agent has looked at a held contact: its unread count returns to zero on all their screens."""

    contact: UUID
    ref: Ref | None = None


class Timeline(_FromScreen, frozen=True, tag="timeline"):
    """A further page, by keyset: entries before or after one, or from the start of a conversation."""

    customer: UUID
    before: UUID | None = None
    after: UUID | None = None
    conversation: UUID | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    ref: Ref | None = None


class Reply(_FromScreen, frozen=True, tag="reply"):
    """Answer the customer. `id` is the screen's: sending the same id again changes nothing."""

    conversation: UUID
    body: Text
    id: UUID
    channel: Channel | None = None
    account: Annotated[str, Meta(max_length=64)] | None = None
    to: Annotated[str, Meta(max_length=254)] | None = None
    ref: Ref | None = None


class Note(_FromScreen, frozen=True, tag="note"):
    """A note for colleagues on the timeline; it never leaves to the customer."""

    conversation: UUID
    body: Text
    id: UUID
    ref: Ref | None = None


class Finish(_FromScreen, frozen=True, tag="finish"):
    """End the agent's work on a contact; wrap-up follows where the queue asks for it."""

    contact: UUID
    ref: Ref | None = None


class WrapUp(_FromScreen, frozen=True, tag="wrap_up"):
    """End wrap-up before its timer."""

    contact: UUID
    ref: Ref | None = None


class Close(_FromScreen, frozen=True, tag="close"):
    """Close the conversation. Refused with `contacts_live` while another agent has a live contact in it."""

    conversation: UUID
    ref: Ref | None = None


class Retry(_FromScreen, frozen=True, tag="retry"):
    """Send a failed or unknown reply again."""

    entry: UUID
    ref: Ref | None = None


ClientFrame = (
    Hello
    | SetPresence
    | Accept
    | Decline
    | Open
    | Leave
    | Shown
    | Seen
    | Timeline
    | Reply
    | Note
    | Finish
    | WrapUp
    | Close
    | Retry
)

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
    "unavailable",
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


class ContactEndedFrame(_ToScreen, frozen=True, tag="contact_ended"):
    """A contact left this agent."""

    contact: UUID
    reason: str


ProfileReason = Literal["accepted", "routed", "opened", "resync", "merged"]


class Profile(_ToScreen, frozen=True, tag="profile"):
    """The snapshot: customer, conversations, newest timeline page (newest last), at `seq` of `feed`."""

    reason: ProfileReason
    ref: str | None
    offer: UUID | None
    contact: ProfileContact | None
    customer: Customer
    conversations: tuple[Conversation, ...]
    timeline: tuple[Entry, ...]
    more: bool
    """Older entries exist."""
    feed: str
    seq: int


class EventFrame(_ToScreen, frozen=True, tag="event"):
    """One item of a feed; sequences of a feed have no gaps."""

    feed: str
    seq: int
    event: Raw


class Result(_ToScreen, frozen=True, tag="result"):
    """The frame with this `ref` did what it asked."""

    ref: str | None
    entry: UUID | None = None
    timeline: tuple[Entry, ...] | None = None
    more: bool | None = None


class Error(_ToScreen, frozen=True, tag="error"):
    """The frame with this `ref` changed nothing. `message` says what to do; `field` names the field at fault."""

    code: ErrorCode
    message: str
    ref: str | None = None
    field: str | None = None


class Resync(_ToScreen, frozen=True, tag="resync"):
    """The gap cannot be filled: forget this feed; `welcome` or `profile` follows."""

    feed: str


ServerFrame = (
    Welcome
    | OfferFrame
    | OfferUpdatedFrame
    | OfferEndedFrame
    | ContactEndedFrame
    | Profile
    | EventFrame
    | Result
    | Error
    | Resync
)
