"""What a screen may ask of the product behind it: each method one short transaction or read of its own.

Announcing what was committed is the desk's part (`store.feeds.transaction`). A refusal is returned, never raised;
whatever is raised reaches the screen as `unavailable`, and the log without what it says.
"""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from gateway.supervise import Act
from model import wire, wire_calls
from model.agent import Actor, PresenceStatus
from model.customer import CustomerSummary
from model.refusal import Refused
from model.timeline import Entry
from profiles.profile import Snapshot
from router.accept import Accepted
from router.assign import Given
from router.desk import DeskState

__all__ = ["Accepted", "Desk", "DeskState", "Page", "Snapshot"]

Page = tuple[tuple[Entry, ...], bool]
"""Entries, newest last, and whether there are more beyond them."""


class Desk(Protocol):
    """Everything behind the screen endpoint."""

    async def connect(self, actor: Actor, screen_id: UUID) -> None:
        """A screen has said hello: it counts as there."""

    async def disconnect(self, actor: Actor, screen_id: UUID) -> None:
        """The screen is gone; harmless when it is not known."""

    async def active(self, screen_id: UUID) -> None:
        """Somebody does something on this screen; what fails is forgotten."""

    async def state(self, actor: Actor) -> DeskState:
        """What `welcome` shows, at a sequence of the agent's feed."""

    async def set_presence(self, actor: Actor, status: PresenceStatus, reason: str | None) -> Refused | None:
        """Choose a presence."""

    async def supervise(self, actor: Actor, act: Act) -> Refused | None:
        """Do something with the work of others."""

    async def accept(self, actor: Actor, offer: UUID) -> Accepted | Refused:
        """Take an offer; again by the one who has it, the same answer."""

    async def profile_pushed(self, contact: UUID) -> None:
        """The profile of an accepted call has left for the screen: now the agent's line may ring."""

    async def decline(self, actor: Actor, offer: UUID, reason: str | None) -> Refused | None:
        """Refuse an offer."""

    async def take_next(self, actor: Actor, queue: str | None) -> Given | Refused:
        """Take the contact that waits longest, of those the agent may have."""

    async def snapshot(self, customer: UUID) -> Snapshot | None:
        """The profile of this customer's root, read in one database snapshot; None when there is none."""

    async def timeline(self, actor: Actor, frame: wire.Timeline) -> Page | Refused:
        """A further page of a timeline."""

    async def reply(self, actor: Actor, frame: wire.Reply) -> UUID | Refused:
        """Answer the customer: the entry."""

    async def note(self, actor: Actor, frame: wire.Note) -> UUID | Refused:
        """Leave a note: the entry."""

    async def finish(self, actor: Actor, frame: wire.Finish) -> Refused | None:
        """End the work on a contact."""

    async def wrap_up(self, actor: Actor, frame: wire.WrapUp) -> Refused | None:
        """End wrap-up, or begin it where that is for the agent to say."""

    async def close(self, actor: Actor, conversation: UUID) -> Refused | None:
        """Close a conversation."""

    async def retry(self, actor: Actor, entry: UUID) -> Refused | None:
        """Send a failed reply again."""

    async def call(self, actor: Actor, contact: UUID, action: wire_calls.CallAction) -> Refused | None:
        """Do something with a call."""

    async def dial(self, actor: Actor, frame: wire_calls.Dial) -> Refused | None:
        """Call a customer."""

    async def transfer(self, actor: Actor, frame: wire_calls.Transfer) -> Refused | None:
        """Hand a contact on."""

    async def accept_handover(self, actor: Actor, handover: UUID) -> Given | Refused:
        """Take over what a colleague asks; again by the one who has, the same answer."""

    async def end_handover(
        self, actor: Actor, frame: wire_calls.DeclineHandover | wire_calls.CancelHandover
    ) -> Refused | None:
        """Refuse to take over, or ask no longer."""

    async def seen(self, actor: Actor, contact: UUID) -> Refused | None:
        """The agent has looked at a contact."""

    async def shown(self, actor: Actor, contact: UUID) -> Refused | None:
        """The profile of an auto-accepted contact is on the screen."""

    async def edit(self, actor: Actor, frame: wire.Edit) -> Refused | None:
        """Change one value of a profile."""

    async def add_detail(self, actor: Actor, frame: wire.AddDetail) -> Refused | None:
        """Add a note on the person."""

    async def set_topics(self, actor: Actor, frame: wire.SetTopics) -> Refused | None:
        """Say what a conversation is about."""

    async def identify(self, actor: Actor, frame: wire.Identify) -> Refused | None:
        """Say who writes on a shared handle."""

    async def add_task(self, actor: Actor, frame: wire.AddTask) -> Refused | None:
        """Add a follow-up."""

    async def end_task(self, actor: Actor, frame: wire.EndTask) -> Refused | None:
        """End a follow-up."""

    async def viewed(self, actor: Actor, customer: UUID) -> None:
        """The agent looks at this customer."""

    async def keep_seen(self, actor: Actor, offer: UUID, frame: bytes) -> None:
        """Keep the profile as the agent was shown it at this accept."""

    async def recent(self, actor: Actor) -> tuple[CustomerSummary, ...]:
        """Whom the agent looked at last."""
