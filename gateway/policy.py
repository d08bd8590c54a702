"""Who may do what: one table, asked by every route and every frame of a screen.

A single company owns a deployment and every agent may find every customer; what differs is work and configuration.
"""

from __future__ import annotations

from typing import Literal

from model.agent import Actor, Role

Action = Literal[
    "ticket.create",
    "me.read",
    "customers.read",
    "customer.read",
    "contacts.read",
    "offers.read",
    "queues.read",
    "agents.read",
    "accounts.read",
    "dead_letters.read",
    "dead_letters.open",
    "screen.open",
    "presence",
    "accept",
    "decline",
    "seen",
    "reply",
    "note",
    "retry",
    "finish",
    "wrap_up",
    "close",
]

Rule = Literal["yes", "own", "no"]
"""own: only on what the actor holds, or what is offered to them."""

_NOBODY: dict[Role, Rule] = {"agent": "no", "supervisor": "no", "admin": "no", "service": "no"}
_ALL: dict[Role, Rule] = {"agent": "yes", "supervisor": "yes", "admin": "yes", "service": "yes"}
# A service (an integration) reads; it has no screen, so no work can be given to it.
_PEOPLE: dict[Role, Rule] = _ALL | {"service": "no"}
_LEADERS: dict[Role, Rule] = _PEOPLE | {"agent": "no"}
# Who holds the contact works on it; supervisors and admins may help out.
_WORK: dict[Role, Rule] = _PEOPLE | {"agent": "own"}
_OFFERED: dict[Role, Rule] = _NOBODY | {"agent": "own", "supervisor": "own", "admin": "own"}

RULES: dict[Action, dict[Role, Rule]] = {
    "ticket.create": _PEOPLE,
    "me.read": _ALL,
    "customers.read": _ALL,
    "customer.read": _ALL,
    "contacts.read": _ALL,
    "offers.read": _ALL,
    "queues.read": _ALL,
    "agents.read": _ALL,
    "accounts.read": _ALL,
    "dead_letters.read": _LEADERS | {"service": "yes"},
    # The request as it arrived: bodies and phone numbers of whoever wrote.
    "dead_letters.open": _NOBODY | {"admin": "yes"},
    "screen.open": _PEOPLE,
    "presence": _PEOPLE,
    "accept": _OFFERED,
    "decline": _OFFERED,
    "seen": _OFFERED,
    "reply": _WORK,
    "note": _WORK,
    "retry": _WORK,
    "finish": _WORK,
    "wrap_up": _WORK,
    "close": _WORK,
}


def may(actor: Actor, action: str, subject: object = None) -> bool:
    """Whether this actor may do this to the subject; an action that is not in the table is refused.

    `subject`: for what is allowed on one's `own` only, the id of the agent who holds it or to whom it is offered.
    """
    rule = RULES[action][actor.role] if action in RULES else "no"
    return rule == "yes" or (rule == "own" and subject == actor.id)
