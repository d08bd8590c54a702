"""Lint: what keeps a rule set from being published, and what its author hardly meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import Final, Literal

from msgspec import Struct, structs

from router.rules.actions import queues_asked
from router.rules.cases import CaseResult, problems_of_cases, run_cases
from router.rules.checking import children, walk
from router.rules.deciding import compile_rules
from router.rules.fields import Catalog
from router.rules.implying import Comparison
from router.rules.language import Rule, RuleSet, RuleStep, Test
from router.rules.problems import problems_of
from router.rules.reading import marks_of
from router.rules.yaml_text import mark_of

MOST_PROBLEMS: Final = 200


class Finding(Struct, frozen=True):
    """Something that is wrong. An error keeps the rule set from being published, a warning does not.

    `line`: where its place stands in the text, if that is known.
    """

    severity: Literal["error", "warning"]
    place: str
    code: str
    message: str
    line: int | None = None


class Checked(Struct, frozen=True):
    """What lint finds, and how the cases come out; no case is run while there are errors."""

    findings: tuple[Finding, ...]
    cases: tuple[CaseResult, ...]


def check(rule_set: RuleSet, catalog: Catalog) -> Checked:
    """Everything that is known of a rule set before it is published."""
    findings = lint(rule_set, catalog)
    if any(finding.severity == "error" for finding in findings):
        return Checked(findings, ())
    return Checked(findings, run_cases(rule_set, compile_rules(rule_set, catalog.custom), catalog))


def with_lines(checked: Checked, source: str) -> Checked:
    """The same, with the lines of this text."""
    if not checked.findings:
        return checked
    marks = marks_of(source)
    findings = []
    for each in checked.findings:
        mark = mark_of(marks, each.place)
        findings.append(structs.replace(each, line=mark.line if mark else None))
    return structs.replace(checked, findings=tuple(findings))


def lint(rule_set: RuleSet, catalog: Catalog) -> tuple[Finding, ...]:
    """What is wrong with a rule set, the first problems of many; warnings where there are no errors."""
    every = chain(problems_of(rule_set, catalog), problems_of_cases(rule_set, catalog))
    problems = tuple(islice(every, MOST_PROBLEMS))
    if problems:
        return tuple(Finding("error", each.place, each.code, each.message) for each in problems)
    comparison = Comparison(catalog.kinds)
    found = [*_unreached(rule_set, comparison), *_unserved(rule_set, catalog)]
    if not any(comparison.always(rule.when) for rule in rule_set.rules):
        message = (
            "No rule takes what the others leave, so the account's default queue does; end with one without `when`."
        )
        found.append(Finding("warning", "rules", "no_default", message))
    if comparison.gave_up:
        message = "The rule set is too large to compare every rule with every other; some warnings may be missing."
        found.append(Finding("warning", "rules", "not_compared", message))
    return tuple(found)


def _unreached(rule_set: RuleSet, comparison: Comparison) -> Iterator[Finding]:
    always = [comparison.always(rule.when) for rule in rule_set.rules]
    fields = [_fields(rule) for rule in rule_set.rules]
    for number, rule in enumerate(rule_set.rules):
        place = f"rules[{number}]"
        impossible = tuple(_impossible(rule.when, f"{place}.when", comparison)) if rule.when else ()
        for where in impossible:
            yield Finding("warning", where, "contradictory", "This can never hold; correct it or leave it out.")
        if f"{place}.when" in impossible:
            continue
        for before, earlier in enumerate(rule_set.rules[:number]):
            # What says nothing of a field cannot imply a condition that depends on it.
            likely = fields[before] <= fields[number]
            if always[before] or (
                likely and rule.when and earlier.when and comparison.implies(rule.when, earlier.when)
            ):
                message = f"Rule {earlier.name!r} takes whatever this one would; put this one before it or remove it."
                yield Finding("warning", place, "shadowed", message)
                break


def _fields(rule: Rule) -> set[str]:
    return {test.field for _place, _depth, test in walk(rule.when, "") if test.field} if rule.when else set()


def _impossible(test: Test, place: str, comparison: Comparison) -> Iterator[str]:
    """The outermost parts that can never hold."""
    if comparison.never(test):
        yield place
        return
    for name, child in children(test):
        yield from _impossible(child, f"{place}.{name}", comparison)


def _unserved(rule_set: RuleSet, catalog: Catalog) -> Iterator[Finding]:
    for number, rule in enumerate(rule_set.rules):
        place = f"rules[{number}]"
        for where, queue in queues_asked(rule, place):
            if queue not in catalog.served:
                message = f"No agent serves the queue {queue!r}: contacts would wait for ever. Let somebody serve it."
                yield Finding("warning", where, "unserved_queue", message)
        yield from _unmet(rule, place, catalog)


def _unmet(rule: Rule, place: str, catalog: Catalog) -> Iterator[Finding]:
    """Skills nobody has where the contact waits, at each step of its plan; and those nobody has at all."""
    queue, required = rule.queue, rule.skills
    steps = [(f"{place}.steps[{number}]", step) for number, step in enumerate(rule.steps)]
    stages: list[tuple[str, Rule | RuleStep]] = [(place, rule), *steps]
    for where, asked in stages:
        queue, required = asked.queue or queue, required if asked.skills is None else asked.skills
        anew = asked.queue is not None or asked.skills is not None
        if anew and required and queue in catalog.served and not _somebody(catalog, queue, required):
            named = ", ".join(f"{skill} at {level}" for skill, level in required.items())
            part = "skills" if asked.skills else "queue"
            message = f"Nobody who serves {queue!r} has {named}: nobody could be asked. Ask for less."
            yield Finding("warning", f"{where}.{part}", "unserved_skill", message)
        for skill, level in (asked.prefers or {}).items():
            if not any(each.skills.get(skill, 0) >= level for each in catalog.able):
                message = f"Nobody has {skill} at {level} or above: this prefers nobody. Leave it out."
                yield Finding("warning", f"{where}.prefers.{skill}", "unserved_skill", message)


def _somebody(catalog: Catalog, queue: str, required: Mapping[str, int]) -> bool:
    return any(
        queue in able.queues and all(able.skills.get(skill, 0) >= level for skill, level in required.items())
        for able in catalog.able
    )
