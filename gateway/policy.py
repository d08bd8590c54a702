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
    "customer.create",
    "customer.edit",
    "identity.read",
    "merge",
    "unmerge",
    "never_link",
    "suggestion.dismiss",
    "identify",
    "move",
    "identifications.create",
    "topics.set",
    "tasks.read",
    "task.edit",
    "definitions.read",
    "definitions.edit",
    "cards.read",
    "cards.refresh",
    "sources.read",
    "sources.edit",
    "voice.read",
    "voice.edit",
    "sla.read",
    "sla.edit",
    "task_work.edit",
    "rules.read",
    "rules.edit",
    "decisions.read",
    "recent.read",
    "my_customers.read",
    "seen_at_accept.read",
    "audit.read",
    "contacts.read",
    "offers.read",
    "queues.read",
    "queues.edit",
    "agents.read",
    "board.read",
    "supervise",
    "hours.read",
    "hours.edit",
    "accounts.edit",
    "agents.edit",
    "accounts.read",
    "dead_letters.read",
    "dead_letters.open",
    "dead_letters.replay",
    "attachments.read",
    "attachments.upload",
    "entries.raw",
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
    "call",
    "dial",
    "transfer",
]

Rule = Literal["yes", "own", "no"]
"""own: only on what the actor holds, or what is offered to them."""

_NOBODY: dict[Role, Rule] = {"agent": "no", "supervisor": "no", "admin": "no", "service": "no"}
_ALL: dict[Role, Rule] = {"agent": "yes", "supervisor": "yes", "admin": "yes", "service": "yes"}
# A service (an integration) reads, and writes what it knows of customers; it has no screen and gets no work.
_PEOPLE: dict[Role, Rule] = _ALL | {"service": "no"}
_LEADERS: dict[Role, Rule] = _PEOPLE | {"agent": "no"}
_ADMINS: dict[Role, Rule] = _NOBODY | {"admin": "yes"}
# Who holds the contact works on it; supervisors and admins may help out.
_WORK: dict[Role, Rule] = _PEOPLE | {"agent": "own"}
_OFFERED: dict[Role, Rule] = _NOBODY | {"agent": "own", "supervisor": "own", "admin": "own"}

RULES: dict[Action, dict[Role, Rule]] = {
    "ticket.create": _PEOPLE,
    "me.read": _ALL,
    "customers.read": _ALL,
    "customer.read": _ALL,
    "customer.create": _ALL,
    "customer.edit": _ALL,
    "identity.read": _ALL,
    # Who is who is decided by people; a service says what it has proven, and the policy of identity decides.
    "merge": _PEOPLE,
    "unmerge": _PEOPLE,
    "never_link": _PEOPLE,
    "suggestion.dismiss": _PEOPLE,
    "identify": _PEOPLE,
    "move": _PEOPLE,
    "identifications.create": _ADMINS | {"service": "yes"},
    "topics.set": _PEOPLE,
    "tasks.read": _ALL,
    "task.edit": _PEOPLE,
    "definitions.read": _ALL,
    "definitions.edit": _ADMINS,
    "cards.read": _ALL,
    "cards.refresh": _ALL,
    # Addresses within the company's network.
    "sources.read": _ADMINS,
    "sources.edit": _ADMINS,
    # Telephone numbers of agents.
    "voice.read": _ADMINS,
    "voice.edit": _ADMINS,
    "sla.read": _ALL,
    "sla.edit": _ADMINS,
    "task_work.edit": _LEADERS,
    "rules.read": _LEADERS,
    "rules.edit": _ADMINS,
    "decisions.read": _PEOPLE,
    "recent.read": _PEOPLE,
    "my_customers.read": _PEOPLE,
    "seen_at_accept.read": _PEOPLE,
    "audit.read": _LEADERS,
    "contacts.read": _ALL,
    "offers.read": _ALL,
    "queues.read": _ALL,
    "queues.edit": _ADMINS,
    "agents.read": _ALL,
    "board.read": _LEADERS,
    "supervise": _LEADERS,
    "hours.read": _ALL,
    "hours.edit": _ADMINS,
    "accounts.edit": _ADMINS,
    # Their tokens are given with it.
    "agents.edit": _ADMINS,
    "accounts.read": _ALL,
    "dead_letters.read": _LEADERS | {"service": "yes"},
    # The request as it arrived: bodies and phone numbers of whoever wrote.
    "dead_letters.open": _ADMINS,
    "dead_letters.replay": _LEADERS,
    "attachments.read": _ALL,
    "attachments.upload": _PEOPLE,
    # Headers and addresses that the timeline does not show.
    "entries.raw": _PEOPLE,
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
    "call": _WORK,
    "dial": _PEOPLE,
    "transfer": _WORK,
}


FRAMES: dict[str, Action] = {
    "hello": "screen.open",
    "presence": "presence",
    "accept": "accept",
    "decline": "decline",
    "next": "accept",
    "active": "screen.open",
    "open": "customer.read",
    "leave": "customer.read",
    "shown": "seen",
    "seen": "seen",
    "timeline": "customer.read",
    "reply": "reply",
    "note": "note",
    "typing": "reply",
    "finish": "finish",
    "wrap_up": "wrap_up",
    "close": "close",
    "call": "call",
    "dial": "dial",
    "transfer": "transfer",
    "accept_handover": "accept",
    "decline_handover": "decline",
    "cancel_handover": "transfer",
    "retry": "retry",
    "edit": "customer.edit",
    "detail": "customer.edit",
    "topics": "topics.set",
    "identify": "identify",
    "task": "task.edit",
    "end_task": "task.edit",
    "recent": "recent.read",
    "watch": "board.read",
    "take_back": "supervise",
    "reassign": "supervise",
    "presence_of": "supervise",
}
"""What each frame of a screen asks for."""


def may(actor: Actor, action: str, subject: object = None) -> bool:
    """Whether this actor may do this to the subject; an action that is not in the table is refused.

    `subject`: for what is allowed on one's `own` only, the id of the agent who holds it or to whom it is offered.
    """
    rule = RULES[action][actor.role] if action in RULES else "no"
    return rule == "yes" or (rule == "own" and subject == actor.id)


def may_send(actor: Actor, frame: str) -> bool:
    """Whether this actor may send such a frame at all. Whether its subject is their `own` is seen under its lock."""
    return frame in FRAMES and RULES[FRAMES[frame]][actor.role] != "no"
