"""What keeps a rule set from being published: each problem with its place and the remedy."""

from __future__ import annotations

from collections.abc import Iterator

from router.rules.actions import faults_of_actions
from router.rules.checking import faults_of, walk
from router.rules.fields import Catalog
from router.rules.language import Rule, RuleSet, Test
from router.rules.naming import Names, Problem
from router.rules.patterns import MOST_PATTERNS


def problems_of(rule_set: RuleSet, catalog: Catalog) -> Iterator[Problem]:
    """Everything that keeps a rule set from being published, in order."""
    kinds, known = catalog.kinds, Names(catalog)
    names: set[str] = set()
    patterns = 0
    for number, rule in enumerate(rule_set.rules):
        place = f"rules[{number}]"
        if rule.name in names:
            yield Problem(f"{place}.name", "same_name", f"There is a rule {rule.name!r} already; take another name.")
        names.add(rule.name)
        yield from faults_of_actions(rule, place, known)
        faults = tuple(faults_of(rule, place, kinds, known.choice))
        yield from faults
        if rule.when is not None and not faults:
            yield from _unknown_values(rule.when, f"{place}.when", known)
            before, patterns = patterns, patterns + _patterns(rule)
            if before <= MOST_PATTERNS < patterns:
                message = f"A rule set has at most {MOST_PATTERNS} patterns; use `contains` where that will do."
                yield Problem(f"{place}.when", "too_long", message)


def _patterns(rule: Rule) -> int:
    return sum(test.matches is not None for _place, _depth, test in walk(rule.when, "")) if rule.when else 0


def _unknown_values(when: Test, place: str, known: Names) -> Iterator[Problem]:
    """Names of things that are not there: a condition on them never holds."""
    for where, _depth, test in walk(when, place):
        folded = known.folded.get(test.field or "")
        if folded is None:
            continue
        for operator in set(test.operators) & {"is", "in", "has_any", "has_all"}:
            named = test.value(operator)
            for each in named if isinstance(named, tuple) else (named,):
                if str(each).casefold() not in folded:
                    choice = known.choice(str(each), known.values[test.field or ""])
                    yield Problem(f"{where}.{operator}", "unknown_value", f"{test.field!r} is never {each!r}{choice}")
