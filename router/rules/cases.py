"""A rule set's own test cases: a contact as it might come, and where it has to go."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from msgspec import UNSET, Struct

from router.rules.checking import amount_of, day_of, moment_of
from router.rules.deciding import Compiled, Decision, decide
from router.rules.fields import Catalog, Fact, Facts, Kind, Kinds
from router.rules.language import Case, RuleSet
from router.rules.naming import Problem
from router.rules.templates import fill

DEFAULT = ""
"""Stands for the account's default queue, whichever that is: no queue has this id."""


class CaseResult(Struct, frozen=True):
    """How a case came out. `message`: what was expected and what came, where it failed."""

    name: str
    passed: bool
    message: str | None = None


def problems_of_cases(rule_set: RuleSet, catalog: Catalog) -> Iterator[Problem]:
    """What keeps cases from being run."""
    rules = {rule.name for rule in rule_set.rules}
    kinds = catalog.kinds
    for number, case in enumerate(rule_set.cases):
        place = f"cases[{number}]"
        if all(getattr(case, part) is UNSET for part in _EXPECTED):
            named = ", ".join(_EXPECTED)
            yield Problem(place, "expects_nothing", f"Say what has to come out, one of: {named}.")
        if isinstance(case.rule, str) and case.rule not in rules:
            yield Problem(
                f"{place}.rule", "unknown_rule", f"There is no rule {case.rule!r}; name one of this rule set."
            )
        if isinstance(case.queue, str) and case.queue not in catalog.queues:
            yield Problem(f"{place}.queue", "unknown_queue", f"There is no queue {case.queue!r}; correct it.")
        for field, value in case.given.items():
            if field not in kinds:
                yield Problem(f"{place}.given.{field}", "unknown_field", f"There is no field {field!r}; correct it.")
            elif read_fact(kinds[field], value) is None:
                message = f"{field!r} is of kind {kinds[field]}, and {value!r} is none; correct it."
                yield Problem(f"{place}.given.{field}", "wrong_type", message)


def run_cases(rule_set: RuleSet, compiled: Compiled, catalog: Catalog) -> tuple[CaseResult, ...]:
    """Run every case of a rule set that is free of problems."""
    return tuple(_run(case, compiled, catalog) for case in rule_set.cases)


def _run(case: Case, compiled: Compiled, catalog: Catalog) -> CaseResult:
    decision = decide(compiled, facts_of(case.given, compiled.kinds), DEFAULT, catalog.queues)
    came = _came(case, decision)
    wrong = [
        f"{what} {_named(expected)}, got {_named(came[what])}"
        for what in _EXPECTED
        if (expected := getattr(case, what)) is not UNSET and expected != came[what]
    ]
    return CaseResult(case.name, not wrong, f"Expected {'; '.join(wrong)}." if wrong else None)


_EXPECTED = ("queue", "rule", "priority", "skills", "close", "reply")
"""What a case may compare, in this order."""


def _came(case: Case, decision: Decision) -> dict[str, object]:
    return {
        "queue": decision.queue or None,
        "rule": decision.rule,
        "priority": decision.priority,
        "skills": {each.skill: each.level for each in decision.skills},
        "close": decision.close,
        "reply": fill(decision.reply, {**case.given, "queue": decision.queue}).text if decision.reply else None,
    }


def _named(value: object) -> str:
    return "none" if value is None else repr(value)


def facts_of(given: dict[str, bool | float | str | tuple[str, ...]], kinds: Kinds) -> Facts:
    """Values as JSON gives them, as rules look at them; what is no value of its field is not known."""
    return {field: read_fact(kinds[field], value) for field, value in given.items() if field in kinds}


def read_fact(kind: Kind, value: object) -> Fact:
    """One value; None where it is none of this kind."""
    if kind == "set":
        return (
            tuple(value) if isinstance(value, tuple | list) and all(isinstance(each, str) for each in value) else None
        )
    if kind == "yes_no":
        return value if isinstance(value, bool) else None
    if kind == "number":
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if kind == "money":
        return str(value) if amount_of(value) is not None else None
    if not isinstance(value, str | datetime):
        return None
    if kind == "moment":
        return moment_of(value)
    return value if isinstance(value, str) and (kind == "text" or day_of(value)) else None
