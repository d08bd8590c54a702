"""Frames of the screen protocol `screen.v1+json` from the screen: one tagged Struct each, decoded once at the edge.

A frame with an unknown type, an unknown field or a wrong value is answered by `error` with the field's name and changes
nothing. Frames to the screen stand in `model.to_screen`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from model.agent import PresenceStatus
from model.content import Template
from model.timeline import Channel
from model.wire_board import Reassign, SetPresenceOf, TakeBack, Watch
from model.wire_calls import AcceptHandover, CallFrame, CancelHandover, DeclineHandover, Dial, Transfer
from model.wire_frame import Code, FromScreen, Reason, Ref, Text


class Hello(FromScreen, frozen=True, tag="hello"):
    """The first frame. `resume`: last sequence seen per feed, meaningful only under the same `epoch`."""

    epoch: Annotated[str, Meta(max_length=64)] | None = None
    resume: Annotated[dict[str, int], Meta(max_length=64)] | None = None
    ref: Ref | None = None


class SetPresence(FromScreen, frozen=True, tag="presence"):
    """Choose a presence. `offline` with a live call is refused until it ends."""

    status: PresenceStatus
    reason: Reason | None = None
    ref: Ref | None = None


class Accept(FromScreen, frozen=True, tag="accept"):
    """Take an offer. Answered by `profile` with `reason: accepted`, or `error` code `gone`."""

    offer: UUID
    ref: Ref | None = None


class Decline(FromScreen, frozen=True, tag="decline"):
    """Refuse an offer; others are tried before it comes back."""

    offer: UUID
    reason: Reason | None = None
    ref: Ref | None = None


class Next(FromScreen, frozen=True, tag="next"):
    """Take the contact that waits longest, of those this agent may have. Answered as `accept` is.

    `queue`: of this one only. `error` code `nothing_waiting` where there is none.
    """

    queue: Annotated[str, Meta(max_length=63)] | None = None
    ref: Ref | None = None


class Active(FromScreen, frozen=True, tag="active"):
    """Somebody is at this screen: they move, though they send nothing. Every other frame says so too."""

    ref: Ref | None = None


class Open(FromScreen, frozen=True, tag="open"):
    """Show a customer and follow them. Answered by `profile` with `reason: opened`."""

    customer: UUID
    ref: Ref | None = None


class Leave(FromScreen, frozen=True, tag="leave"):
    """Stop following a customer."""

    customer: UUID
    ref: Ref | None = None


class Shown(FromScreen, frozen=True, tag="shown"):
    """The profile of an auto-accepted contact is on the screen; without it within 5 s the contact goes back."""

    contact: UUID
    ref: Ref | None = None


class Seen(FromScreen, frozen=True, tag="seen"):
    """The agent has looked at a held contact: its unread count returns to zero on all their screens."""

    contact: UUID
    ref: Ref | None = None


class Timeline(FromScreen, frozen=True, tag="timeline"):
    """A further page, by keyset: entries before or after one, or from the start of a conversation."""

    customer: UUID
    before: UUID | None = None
    after: UUID | None = None
    conversation: UUID | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    ref: Ref | None = None


class Reply(FromScreen, frozen=True, tag="reply"):
    """Answer the customer. `id` is the screen's: sending the same id again changes nothing.

    `body` may be empty where a template or a file is sent. `attachments`: uploads of the agent's own.
    """

    conversation: UUID
    body: Annotated[str, Meta(max_length=16_000)]
    id: UUID
    channel: Channel | None = None
    account: Annotated[str, Meta(max_length=64)] | None = None
    to: Annotated[str, Meta(max_length=254)] | None = None
    in_reply_to: UUID | None = None
    attachments: Annotated[tuple[UUID, ...], Meta(max_length=25)] = ()
    template: Template | None = None
    subject: Annotated[str, Meta(min_length=1, max_length=500)] | None = None
    ref: Ref | None = None


class Note(FromScreen, frozen=True, tag="note"):
    """A note for colleagues on the timeline; it never leaves to the customer."""

    conversation: UUID
    body: Text
    id: UUID
    ref: Ref | None = None


class Typing(FromScreen, frozen=True, tag="typing"):
    """The agent is writing. `channel` and `to` as the reply will have them; `note`: it will be one, for colleagues."""

    conversation: UUID
    channel: Channel | None = None
    to: Annotated[str, Meta(max_length=254)] | None = None
    note: bool = False
    ref: Ref | None = None


class Finish(FromScreen, frozen=True, tag="finish"):
    """End the agent's work on a contact; wrap-up follows where the queue asks for it.

    `disposition`: how it ended; then nothing is left to wrap up. `wrap_up`: take time for it, where that is optional.
    """

    contact: UUID
    disposition: Code | None = None
    note: Text | None = None
    wrap_up: bool = False
    ref: Ref | None = None


class WrapUp(FromScreen, frozen=True, tag="wrap_up"):
    """End wrap-up. `disposition`: how the contact ended, needed where the queue requires it.

    Before it, where wrap-up is optional: begin it; of a call, as soon as the call is over.
    """

    contact: UUID
    disposition: Code | None = None
    note: Text | None = None
    ref: Ref | None = None


class Close(FromScreen, frozen=True, tag="close"):
    """Close the conversation. Refused with `contacts_live` while another agent has a live contact in it."""

    conversation: UUID
    ref: Ref | None = None


class Retry(FromScreen, frozen=True, tag="retry"):
    """Send a failed or unknown reply again."""

    entry: UUID
    ref: Ref | None = None


class Edit(FromScreen, frozen=True, tag="edit"):
    """Change one value of a profile. `revision` is that of the value seen (`provenance`, 0 without one).

    `field`: name, company, location, language, time_zone, plan, birth_date, external_id, tags, preferred_channels,
    refused_channels, or `fields.<key>`. Null removes the value. Refused with `conflict` when somebody was quicker.
    """

    customer: UUID
    field: Annotated[str, Meta(max_length=80)]
    value: str | float | bool | list[str] | None
    revision: int
    ref: Ref | None = None


class AddDetail(FromScreen, frozen=True, tag="detail"):
    """A free note on the person."""

    customer: UUID
    body: Text
    id: UUID
    ref: Ref | None = None


class SetTopics(FromScreen, frozen=True, tag="topics"):
    """What a conversation is about: these topics and no others."""

    conversation: UUID
    topics: Annotated[tuple[UUID, ...], Meta(max_length=20)]
    ref: Ref | None = None


class Identify(FromScreen, frozen=True, tag="identify"):
    """Say who writes on a shared handle. `customer` null: somebody new. Answered by `profile` with `reason: merged`."""

    conversation: UUID
    customer: UUID | None = None
    name: Annotated[str, Meta(max_length=200)] | None = None
    ref: Ref | None = None


class AddTask(FromScreen, frozen=True, tag="task"):
    """A follow-up for an agent or a queue; the sender's own where neither is named."""

    customer: UUID
    body: Annotated[str, Meta(min_length=1, max_length=2000)]
    id: UUID
    due_at: datetime | None = None
    agent: UUID | None = None
    queue: Annotated[str, Meta(max_length=63)] | None = None
    conversation: UUID | None = None
    ref: Ref | None = None


class EndTask(FromScreen, frozen=True, tag="end_task"):
    """A task is done, or not to be done after all."""

    task: UUID
    state: Literal["done", "cancelled"] = "done"
    ref: Ref | None = None


class Recent(FromScreen, frozen=True, tag="recent"):
    """Which customers this agent looked at last. Answered by `result` with `customers`."""

    ref: Ref | None = None


ClientFrame = (
    Hello
    | SetPresence
    | Accept
    | Decline
    | Next
    | Active
    | Open
    | Leave
    | Shown
    | Seen
    | Timeline
    | Reply
    | Note
    | Typing
    | Finish
    | WrapUp
    | Close
    | Retry
    | Edit
    | AddDetail
    | SetTopics
    | Identify
    | AddTask
    | EndTask
    | Recent
    | Watch
    | TakeBack
    | Reassign
    | SetPresenceOf
    | CallFrame
    | Dial
    | Transfer
    | AcceptHandover
    | DeclineHandover
    | CancelHandover
)
