"""The decision about one contact, and the trace that explains it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct, structs

from router.rules.acting import Decision, ask_first, outcome_of, read_for
from router.rules.checking import children, faults_of
from router.rules.compiling import Check, Prepared, Readers, as_written, compile_test, prepare, readers_of
from router.rules.fields import BUILT_IN, Fact, Facts, Kinds
from router.rules.language import Rule, RuleError, RuleSet, Test

__all__ = ["Compiled", "Decision", "Seen", "Shown", "Step", "compile_rules", "decide", "shown", "takes_long", "trace"]

LONGEST_SHOWN = 200
"""Characters of a value in a trace: of what the customer wrote, the begin is enough to know it by."""


SOON_SEARCHED = 500
"""Characters."""

Shown = str | float | bool | tuple[str, ...] | None
"""A value in a trace; a moment as RFC 3339."""


class Ready(Struct, frozen=True):
    """A rule, and what comes of it where it holds."""

    rule: Rule
    outcome: Decision


class Compiled(Struct, frozen=True):
    """A rule set that is ready to decide: each rule, and whether it holds.

    `reads`: the facts it looks at; `readers`: those that conditions compare; `searched`: those that patterns search.
    """

    rules: tuple[tuple[Ready, Check], ...]
    kinds: Kinds
    reads: frozenset[str]
    readers: Readers
    searched: frozenset[str]


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
    """Make a rule set ready. `custom`: the kinds of fields that are not built in. Raises RuleError for what cannot be
    evaluated."""
    kinds = {**BUILT_IN, **custom}
    for number, rule in enumerate(rule_set.rules):
        for problem in faults_of(rule, f"rules[{number}]", kinds):
            raise RuleError(f"rule {rule.name!r}: {problem.message} ({problem.place})")
    tests = [rule.when for rule in rule_set.rules if rule.when is not None]
    readers = readers_of(tests, kinds)
    asked = {name for rule in rule_set.rules if rule.agent for name in read_for(rule.agent)}
    return Compiled(
        tuple(
            (Ready(rule, outcome_of(rule)), compile_test(rule.when, kinds) if rule.when else _always)
            for rule in rule_set.rules
        ),
        {**dict.fromkeys(asked, "text"), **kinds},
        frozenset(field for _key, field, _read in readers) | asked,
        readers,
        frozenset(field for key, field, _read in readers if key == as_written(field)),
    )


def takes_long(compiled: Compiled, facts: Facts) -> bool:
    """Whether patterns are to be searched in so much that nobody should wait for it: a search lets others run."""
    return any(len(text) > SOON_SEARCHED for field in compiled.searched if isinstance(text := facts.get(field), str))


def _always(_given: Prepared) -> bool:
    return True


def decide(compiled: Compiled | None, facts: Facts, default_queue: str, queues: frozenset[str]) -> Decision:
    """The first rule that holds; the default queue, with an alert, where it names a queue that is not there."""
    given = prepare(facts, compiled.readers) if compiled else {}
    for ready, check in compiled.rules if compiled else ():
        if check(given):
            return _decided(ready, facts, default_queue, queues)
    return Decision(default_queue, 0, None)


def _decided(ready: Ready, facts: Facts, default_queue: str, queues: frozenset[str]) -> Decision:
    rule, outcome = ready.rule, ready.outcome
    if not outcome.queue:  # nobody is asked, yet it stands somewhere
        outcome = structs.replace(outcome, queue=default_queue)
    elif outcome.queue not in queues:
        return Decision(default_queue, 0, None, f"rule {rule.name!r} names the unknown queue {rule.queue!r}")
    return outcome if rule.agent is None else ask_first(outcome, rule.agent, facts)


def trace(compiled: Compiled, facts: Facts) -> tuple[Step, ...]:
    """Every rule up to the first that holds, with the tests that decided and what they saw."""
    given = prepare(facts, compiled.readers)
    steps = []
    for ready, check in compiled.rules:
        rule = ready.rule
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
