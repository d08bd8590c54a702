"""The contact machine: one table. The same rule stands in the database: guarded updates, partial unique indexes."""

from __future__ import annotations

from typing import Literal

from model.agent import WorkClass
from model.contact import ContactState

ContactEvent = Literal[
    "routed",  # the rules chose a queue
    "offered",  # held out to an agent
    "accepted",  # the agent took the offer
    "assigned",  # given without an offer: auto-accept, or the owner of a parked contact is free
    "returned",  # the offer ended without an accept
    "finished",  # the agent is done and the queue has wrap-up
    "done",  # the agent is done, or wrap-up ended
    "parked",  # the customer is silent, or the owner left after answering
    "handed_back",  # the holder left before answering, a screen did not show it, a bridge failed, a transfer
    "wrote",  # the customer wrote again
    "hung_up",  # the customer gave up
    "closed",  # the conversation was closed
]

TRANSITIONS: dict[tuple[ContactState, ContactEvent], ContactState] = {
    ("new", "routed"): "queued",
    ("new", "hung_up"): "abandoned",
    ("new", "closed"): "closed",
    ("queued", "routed"): "queued",
    ("queued", "wrote"): "queued",
    ("queued", "offered"): "offered",
    ("queued", "assigned"): "assigned",
    ("queued", "hung_up"): "abandoned",
    ("queued", "closed"): "closed",
    ("offered", "accepted"): "assigned",
    ("offered", "returned"): "queued",
    ("offered", "wrote"): "offered",
    ("offered", "hung_up"): "abandoned",
    ("offered", "closed"): "closed",
    ("assigned", "finished"): "wrapping",
    ("assigned", "done"): "closed",
    ("assigned", "parked"): "parked",
    ("assigned", "handed_back"): "queued",
    ("assigned", "wrote"): "assigned",
    ("assigned", "hung_up"): "abandoned",
    ("assigned", "closed"): "closed",
    ("wrapping", "wrote"): "assigned",
    ("wrapping", "done"): "closed",
    ("wrapping", "closed"): "closed",
    ("parked", "wrote"): "queued",
    ("parked", "assigned"): "assigned",
    ("parked", "handed_back"): "queued",
    ("parked", "done"): "closed",
    ("parked", "closed"): "closed",
}

HOLDING: frozenset[ContactState] = frozenset({"assigned", "wrapping"})
"""States in which the holder's capacity is taken (besides `offered`, where the offer takes it)."""
OWNED: frozenset[ContactState] = HOLDING | {"parked"}
"""States in which the contact names its agent."""
ENDED: frozenset[ContactState] = frozenset({"abandoned", "closed"})


def advance(state: ContactState, event: ContactEvent, work_class: WorkClass = "messaging") -> ContactState | None:
    """The state after `event`, or None where the event means nothing in `state`.

    A call in wrap-up is over: what its customer writes then is handled as text during a call.
    """
    if (state, event) == ("wrapping", "wrote") and work_class == "voice":
        return None
    return TRANSITIONS.get((state, event))


def loses_agent(before: ContactState, after: ContactState) -> bool:
    """Whether going from `before` to `after` takes the contact from its agent."""
    return before in OWNED and after not in OWNED


def frees_capacity(before: ContactState, after: ContactState) -> bool:
    """Whether going from `before` to `after` gives the holder's slot back."""
    return before in HOLDING and after not in HOLDING
