"""A contact: one approach of a customer that needs an agent."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from model.agent import WorkClass, WrapUpMode
from model.timeline import Author, Channel

ContactState = Literal["new", "queued", "offered", "assigned", "wrapping", "parked", "abandoned", "closed"]
VisibleState = Literal["waiting", "assigned", "wrapping", "parked", "abandoned", "closed"]
"""What a profile shows: `new`, `queued` and `offered` are `waiting`, since they change without the customer's lock."""


class Contact(Struct, frozen=True):
    """A contact as REST lists it."""

    id: UUID
    customer: UUID
    conversation: UUID
    account: str
    channel: Channel
    work_class: WorkClass
    state: ContactState
    queue: str | None
    priority: int
    agent: UUID | None
    arrived_at: datetime
    state_at: datetime
    due_at: datetime | None
    disposition: str | None = None
    """How it ended, by the agent who wrapped it up."""
    uncoded: bool = False
    """It ended without a disposition, though its queue requires one: its agent was gone, or a supervisor closed it."""
    sla_due_at: datetime | None = None
    """By when an answer or an end was promised, the first of both; null while we wait for the customer."""


class ProfileContact(Struct, frozen=True):
    """A contact as a profile shows it."""

    id: UUID
    conversation: UUID
    channel: Channel
    work_class: WorkClass
    state: VisibleState
    agent: Author | None
    arrived_at: datetime
    due_at: datetime | None = None
    """When wrap-up ends, while `wrapping`."""


class HeldContact(Struct, frozen=True):
    """One line of My Customers: a contact this agent holds or has parked."""

    contact: UUID
    state: ContactState
    conversation: UUID
    customer: UUID
    customer_name: str | None
    handle: str
    channel: Channel
    work_class: WorkClass
    preview: str
    preview_direction: Literal["in", "out"] | None
    unread: int
    """Messages of the customer since the agent last looked or answered."""
    at: datetime
    due_at: datetime | None = None
    queue: str | None = None
    wrap_up: WrapUpMode | None = None
    """While `wrapping` of which kind it is, else what its queue asks for; null without a queue."""
