"""Who may do what: the whole table, and that nothing in the gateway asks for an action that is not in it."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args
from uuid import UUID

import pytest

import gateway
from gateway.policy import FRAMES, RULES, Action, may, may_send
from gateway.rest import ENDPOINTS
from model.agent import Actor, Role
from model.wire import ClientFrame

ME, OTHER = UUID(int=1), UUID(int=2)
READS = {
    *("me.read", "customers.read", "customer.read", "contacts.read", "offers.read"),
    *("queues.read", "agents.read", "accounts.read", "identity.read", "tasks.read", "definitions.read", "cards.read"),
    *("attachments.read", "sla.read", "hours.read"),
}
# What other systems may do as well.
PROFILES = {"customer.create", "customer.edit", "cards.refresh"}
PEOPLE = {
    *("merge", "unmerge", "never_link", "suggestion.dismiss", "identify", "move", "topics.set", "task.edit"),
    *(
        "recent.read",
        "my_customers.read",
        "seen_at_accept.read",
        "attachments.upload",
        "entries.raw",
        "dial",
        "decisions.read",
    ),
}
DEFINE = {
    "voice.read",
    "voice.edit",
    "rules.edit",
    "definitions.edit",
    "sources.read",
    "sources.edit",
    "dead_letters.open",
    "sla.edit",
    "queues.edit",
    "agents.edit",
    "accounts.edit",
    "hours.edit",
}
WORK = {"reply", "note", "retry", "finish", "wrap_up", "close", "call", "transfer"}
OFFERED = {"accept", "decline", "seen"}
DESK = {"ticket.create", "screen.open", "presence"}
LETTERS = {"dead_letters.read"}
LEAD = {"audit.read", "dead_letters.replay", "rules.read", "task_work.edit", "board.read", "supervise"}

# What each may do whoever it concerns, and what on their own only.
ALWAYS: dict[Role, set[str]] = {
    "agent": READS | DESK | PROFILES | PEOPLE,
    "supervisor": READS | DESK | PROFILES | PEOPLE | WORK | LETTERS | LEAD,
    "admin": READS | DESK | PROFILES | PEOPLE | WORK | LETTERS | LEAD | DEFINE | {"identifications.create"},
    "service": READS | PROFILES | LETTERS | {"identifications.create"},
}
OWN: dict[Role, set[str]] = {"agent": WORK | OFFERED, "supervisor": OFFERED, "admin": OFFERED, "service": set()}


@pytest.mark.parametrize("role", get_args(Role))
def test_a_role_may_do_exactly_what_is_its(role: Role) -> None:
    actor = Actor(ME, "x", role)
    actions = get_args(Action)
    assert {action for action in actions if may(actor, action)} == ALWAYS[role]
    assert {action for action in actions if may(actor, action, OTHER)} == ALWAYS[role]
    assert {action for action in actions if may(actor, action, ME)} == ALWAYS[role] | OWN[role]


def test_every_action_has_a_rule_for_every_role() -> None:
    assert set(RULES) == set(get_args(Action))
    assert {frozenset(rules) for rules in RULES.values()} == {frozenset(get_args(Role))}


def test_an_unknown_action_is_refused_to_everyone() -> None:
    assert not any(may(Actor(ME, "x", role), "customers.erase", ME) for role in get_args(Role))


def asked_in(source: str) -> set[str]:
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and len(node.args) > 1]
    named = [call for call in calls if getattr(call.func, "id", getattr(call.func, "attr", "")) == "may"]
    actions = [call.args[1] for call in named]
    return {action.value for action in actions if isinstance(action, ast.Constant) and isinstance(action.value, str)}


def test_every_action_asked_for_in_the_gateway_is_in_the_table() -> None:
    folder = Path(gateway.__path__[0])
    asked = {action for path in folder.glob("*.py") for action in asked_in(path.read_text("utf-8"))}
    assert asked <= set(RULES)
    assert {endpoint.action for endpoint in ENDPOINTS} <= set(RULES)


def test_every_frame_of_a_screen_asks_for_an_action_of_the_table() -> None:
    assert set(FRAMES) == {frame.__struct_config__.tag for frame in get_args(ClientFrame)}
    assert set(FRAMES.values()) <= set(RULES)


def test_a_service_may_send_no_work_and_nobody_an_unknown_frame() -> None:
    service = Actor(ME, "x", "service")
    assert {frame for frame in FRAMES if may_send(service, frame)} == {"open", "leave", "timeline", "edit", "detail"}
    led = {"watch", "take_back", "reassign", "presence_of"}
    assert {frame for frame in FRAMES if not may_send(Actor(ME, "x", "agent"), frame)} == led
    assert all(may_send(Actor(ME, "x", "supervisor"), frame) for frame in FRAMES)
    assert not may_send(Actor(ME, "x", "admin"), "erase")
