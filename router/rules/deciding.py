"""The decision about one contact, and the trace that explains it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from msgspec import Struct

from router.rules.checking import children, faults_of, walk
from router.rules.compiling import Check, Prepared, compile_test, prepare
from router.rules.fields import BUILT_IN, Fact, Facts, Kinds
from router.rules.language import Rule, RuleError, RuleSet, Test
from router.skills import SkillLevel
from router.steps import PlanStep, Preference

LONGEST_SHOWN = 200
"""Characters of a value in a trace: of what the customer wrote, the begin is enough to know it by."""


Shown = str | float | bool | tuple[str, ...] | None
"""A value in a trace; a moment as RFC 3339."""


class Compiled(Struct, frozen=True):
    """A rule set that is ready to decide. `reads`: the fields its conditions look at."""

    rules: tuple[tuple[Rule, Check], ...]
    kinds: Kinds
    reads: frozenset[str]


class Decision(Struct, frozen=True):
    """Where a contact goes and why: the rule's name, or None for the account's default queue.

    `skills` it requires and `prefers`, sorted; `steps`: its plan while it waits; `agent` who is asked first; `sla`: the
    policy that holds; `close`: nobody has to see it.
    """

    queue: str
    priority: int
    rule: str | None
    alert: str | None = None
    tags: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    skills: tuple[SkillLevel, ...] = ()
    prefers: tuple[SkillLevel, ...] = ()
    steps: tuple[PlanStep, ...] = ()
    agent: Preference | None = None
    sla: str | None = None
    close: bool = False


class Seen(Struct, frozen=True):
    """A test that decided about a rule, and the value it saw; null: not known. `place`: where it stands in the rule."""

    place: str
    field: str
    test: Test
    value: Shown
    held: bool


class Step(Struct, frozen=True):
    """What became of one rule: whether it held, and the tests that decided so. None: it has no condition."""

    rule: str
    held: bool
    because: tuple[Seen, ...]


def compile_rules(rule_set: RuleSet, custom: Kinds) -> Compiled:
    """Make a rule set ready. `custom`: the kinds of custom fields. Raises RuleError for what cannot be evaluated."""
    kinds = {**BUILT_IN, **custom}
    for number, rule in enumerate(rule_set.rules):
        for problem in faults_of(rule, f"rules[{number}]", kinds):
            raise RuleError(f"rule {rule.name!r}: {problem.message} ({problem.place})")
    tests = [rule.when for rule in rule_set.rules if rule.when is not None]
    parts = chain.from_iterable(walk(test, "") for test in tests)
    reads = {test.field for _place, _depth, test in parts if test.field is not None}
    if any(test.within or test.longer_ago for when in tests for _place, _depth, test in walk(when, "")):
        reads.add("now")
    return Compiled(
        tuple((rule, compile_test(rule.when, kinds) if rule.when else _always) for rule in rule_set.rules),
        kinds,
        frozenset(reads),
    )


def _always(_given: Prepared) -> bool:
    return True


def decide(compiled: Compiled | None, facts: Facts, default_queue: str, queues: frozenset[str]) -> Decision:
    """The first rule that holds; the default queue, with an alert, where it names a queue that is not there."""
    given = prepare(facts, compiled.reads, compiled.kinds) if compiled else {}
    for rule, check in compiled.rules if compiled else ():
        if check(given):
            if rule.queue not in queues:
                return Decision(default_queue, 0, None, f"rule {rule.name!r} names the unknown queue {rule.queue!r}")
            return Decision(rule.queue, rule.priority, rule.name, None, rule.tags, rule.topics)
    return Decision(default_queue, 0, None)


def trace(compiled: Compiled, facts: Facts) -> tuple[Step, ...]:
    """Every rule up to the first that holds, with the tests that decided and what they saw."""
    given = prepare(facts, compiled.reads, compiled.kinds)
    steps = []
    for rule, check in compiled.rules:
        held = check(given)
        tests = _deciding(rule.when, "when", held, compiled.kinds, given) if rule.when else ()
        because = tuple(
            Seen(place, test.field or "", test, shown(facts.get(test.field or "")), outcome)
            for place, test, outcome in tests
        )
        steps.append(Step(rule.name, held, because))
        if held:
            break
    return tuple(steps)


def _deciding(test: Test, place: str, held: bool, kinds: Kinds, given: Prepared) -> Iterator[tuple[str, Test, bool]]:
    """The tests because of which this condition came out as it did."""
    if test.field is not None:
        yield place, test, held
    elif test.not_ is not None:
        yield from _deciding(test.not_, f"{place}.not", not held, kinds, given)
    else:
        # One that fails breaks `all`, one that holds makes `any`; else each had its part in it.
        alone = held is (test.any is not None)
        for name, child in children(test):
            if compile_test(child, kinds)(given) is held:
                yield from _deciding(child, f"{place}.{name}", held, kinds, given)
                if alone:
                    return


def shown(value: Fact) -> Shown:
    """A value as a trace shows it."""
    if isinstance(value, datetime):
        return value.isoformat()
    return f"{value[:LONGEST_SHOWN]}…" if isinstance(value, str) and len(value) > LONGEST_SHOWN else value
