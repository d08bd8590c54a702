"""Frames from a screen about calls, and for handing on what one holds."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from model.wire_frame import FromScreen, Reason, Ref

CallAction = Literal[
    "hold",
    "unhold",
    "pause_recording",
    "resume_recording",
    "hang_up",
    "cancel_transfer",
    "listen",
    "coach",
    "join",
    "leave",
]


class CallFrame(FromScreen, frozen=True, tag="call"):
    """Do something with a call: its holder, or a supervisor, who alone may listen, coach, join and leave.

    `hang_up` takes the agent off the line: to whom the caller was put through, or to the end.
    """

    contact: UUID
    action: CallAction
    ref: Ref | None = None


class Dial(FromScreen, frozen=True, tag="dial"):
    """Call a customer: the agent's line rings first, then theirs. `to`: one of their numbers. `id`: the screen's."""

    customer: UUID
    to: Annotated[str, Meta(min_length=1, max_length=64)]
    id: UUID
    account: Annotated[str, Meta(max_length=64)] | None = None
    ref: Ref | None = None


class Target(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom something is handed to: exactly one of these."""

    agent: UUID | None = None
    queue: Annotated[str, Meta(max_length=63)] | None = None
    number: Annotated[str, Meta(max_length=32)] | None = None


class Transfer(FromScreen, frozen=True, tag="transfer"):
    """Hand a contact on. `warm`: the sender keeps it until the other agent accepts; of a call, until they hang up.

    `note`: for who takes it; they read it before they accept.
    """

    contact: UUID
    to: Target
    warm: bool = False
    note: Annotated[str, Meta(min_length=1, max_length=2000)] | None = None
    ref: Ref | None = None


class AcceptHandover(FromScreen, frozen=True, tag="accept_handover"):
    """Take over what a colleague asks. Answered as `accept` is; `wrong_state` without a free slot, and it stays."""

    handover: UUID
    ref: Ref | None = None


class DeclineHandover(FromScreen, frozen=True, tag="decline_handover"):
    """Refuse to take it over: the other keeps it."""

    handover: UUID
    reason: Reason | None = None
    ref: Ref | None = None


class CancelHandover(FromScreen, frozen=True, tag="cancel_handover"):
    """Ask no longer, and keep it: who asked, or a supervisor."""

    handover: UUID
    ref: Ref | None = None
