"""Rule sets: ordered rules, the first whose condition holds decides. Pure, and bounded by construction.

    {"rules": [{"name": "VIP first", "when": {"field": "tag", "is": "vip"}, "queue": "senior", "priority": 5}]}

A condition is a test of one field (`is`, `in`, `contains`), or `all`, `any`, `not` of conditions.
"""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

MAX_DEPTH = 16

Field = Literal["account", "channel", "text", "tag", "plan", "language", "company", "known"]


class Facts(Struct, frozen=True):
    """What rules may look at, read once per contact. `known`: the customer has a name.

    `text`: what the customer wrote since the contact arrived, a line each; `entry`: the newest of it.
    """

    account: str
    channel: str
    text: str
    tags: tuple[str, ...]
    plan: str | None
    language: str | None
    company: str | None
    known: bool
    entry: UUID | None = None


class Test(Struct, frozen=True, forbid_unknown_fields=True, rename={"is_": "is", "in_": "in"}, omit_defaults=True):
    """A condition. Exactly one of: a field with one operator, `all`, `any`, `not`."""

    field: Field | None = None
    is_: str | bool | None = None
    in_: tuple[str, ...] | None = None
    contains: Annotated[str, Meta(min_length=1, max_length=256)] | None = None
    all: tuple[Test, ...] | None = None
    any: tuple[Test, ...] | None = None
    not_: Annotated[Test | None, Meta()] = msgspec.field(default=None, name="not")


class Rule(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One rule; without `when` it always holds."""

    name: str
    queue: str
    when: Test | None = None
    priority: Annotated[int, Meta(ge=-100, le=100)] = 0


class RuleSet(Struct, frozen=True, forbid_unknown_fields=True):
    """The published rules, in order."""

    rules: Annotated[tuple[Rule, ...], Meta(max_length=500)]


class Decision(Struct, frozen=True):
    """Where a contact goes and why: the rule's name, or None for the account's default queue."""

    queue: str
    priority: int
    rule: str | None
    alert: str | None = None


class RuleError(ValueError):
    """A rule set that cannot be used; the message names the rule and the remedy."""


def parse_rule_set(body: bytes | str) -> RuleSet:
    """Decode and check a rule set. Raises RuleError."""
    try:
        rule_set = msgspec.json.decode(body, type=RuleSet)
    except (msgspec.ValidationError, msgspec.DecodeError, RecursionError) as error:
        raise RuleError(f"not a rule set: {error}") from error
    for rule in rule_set.rules:
        if rule.when is not None:
            _check(rule.when, rule.name, 1)
    return rule_set


def _check(test: Test, rule: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise RuleError(f"rule {rule!r}: conditions are nested deeper than {MAX_DEPTH}; split the rule")
    operators = sum(value is not None for value in (test.is_, test.in_, test.contains))
    groups = [group for group in (test.all, test.any, (test.not_,) if test.not_ else None) if group is not None]
    if (test.field is None) != (operators == 0) or operators > 1 or operators + len(groups) != 1:
        raise RuleError(
            f"rule {rule!r}: a condition is one field with one of is, in, contains, or one of all, any, not"
        )
    for group in groups:
        for child in group:
            _check(child, rule, depth + 1)


def holds(test: Test, facts: Facts) -> bool:
    """Whether the condition holds of these facts."""
    if test.all is not None:
        return all(holds(child, facts) for child in test.all)
    if test.any is not None:
        return any(holds(child, facts) for child in test.any)
    if test.not_ is not None:
        return not holds(test.not_, facts)
    return any(_compare(test, value) for value in _values(test.field, facts))


def _values(field: Field | None, facts: Facts) -> tuple[str | bool | None, ...]:
    if field == "tag":
        return facts.tags
    if field == "known":
        return (facts.known,)
    value: str | None = getattr(facts, field or "text")
    return (value,)


def _compare(test: Test, value: str | bool | None) -> bool:
    if value is None:
        return False
    if test.is_ is not None:
        return value == test.is_
    if test.in_ is not None:
        return value in test.in_
    return test.contains is not None and isinstance(value, str) and test.contains.casefold() in value.casefold()


def decide(rule_set: RuleSet | None, facts: Facts, default_queue: str, queues: frozenset[str]) -> Decision:
    """The first rule that holds; the default queue, with an alert, where it names a queue that is not there."""
    for rule in rule_set.rules if rule_set else ():
        if rule.when is None or holds(rule.when, facts):
            if rule.queue not in queues:
                return Decision(default_queue, 0, None, f"rule {rule.name!r} names the unknown queue {rule.queue!r}")
            return Decision(rule.queue, rule.priority, rule.name)
    return Decision(default_queue, 0, None)
