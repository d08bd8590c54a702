"""R15: lint finds what is wrong with a rule set, and leaves alone what is right."""

from __future__ import annotations

import copy
import random
import time
from collections import Counter
from difflib import get_close_matches

import msgspec
import pytest
from hypothesis import given, settings

from model.voice_line import Hours
from router.rules.cases import run_cases
from router.rules.comparing import differences
from router.rules.compiling import prepare, readers_of
from router.rules.deciding import compile_rules
from router.rules.implying import Comparison
from router.rules.linting import check, lint
from tests.prove_routing.lint import SHIPPED, in_order, shipped
from tests.pure.random_rules import (
    CATALOG,
    CUSTOM,
    FAULTS,
    SAID_AS,
    WEEK,
    Json,
    as_rules,
    as_test,
    facts,
    fitting_tests,
    grouped,
    read,
    valid_rules,
)

ROUNDS = 200
PLANTED = 40
"""Of each kind of fault; `prove routing` plants more."""
EXAMPLES = [shipped(file) for file in SHIPPED]


def test_the_shipped_examples_are_in_order_and_their_cases_come_out() -> None:
    assert [file.name for file in SHIPPED if not in_order(file)] == []
    assert len(SHIPPED) == 4


def test_two_hundred_valid_rule_sets_are_not_flagged() -> None:
    chance = random.Random(5)
    flagged = [finding for _ in range(ROUNDS) for finding in lint(read(valid_rules(chance)), CATALOG)]
    assert flagged == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str) -> None:
    chance = random.Random(fault)
    outcomes: Counter[bool] = Counter()
    for number in range(PLANTED):
        rules = copy.deepcopy(chance.choice(EXAMPLES)) if number % 2 else valid_rules(chance)
        FAULTS[fault](rules, chance)
        outcomes[SAID_AS.get(fault, fault) in {finding.code for finding in lint(read(rules), CATALOG)}] += 1
    assert outcomes[True] >= 0.95 * PLANTED, outcomes


@settings(max_examples=100)
@given(grouped(fitting_tests), grouped(fitting_tests), facts)
def test_what_lint_proves_of_conditions_holds_of_every_contact(one: Json, other: Json, seen: Json) -> None:
    this, that = as_rules(one), as_rules(other)
    if check(this, CATALOG).findings and any(each.severity == "error" for each in lint(this, CATALOG)):
        return
    if any(each.severity == "error" for each in lint(that, CATALOG)):
        return
    comparison = Comparison(CATALOG.kinds)
    ((_, first),) = compile_rules(this, CUSTOM).rules
    ((_, second),) = compile_rules(that, CUSTOM).rules
    values = prepare(seen, readers_of([as_test(one), as_test(other)], CATALOG.kinds))
    if comparison.implies(as_test(one), as_test(other)):
        assert not first(values) or second(values)
    if comparison.never(as_test(one)):
        assert not first(values)
    if comparison.always(as_test(one)):
        assert first(values)


def test_a_set_that_is_too_large_to_compare_says_so_in_time() -> None:
    parts = [{"field": "text", "contains": f"word{n}"} for n in range(90)]
    rules = [
        {"name": f"rule {n}", "queue": "general", "when": {"any": [*parts, {"field": "plan", "is": f"{n}"}]}}
        for n in range(300)
    ]
    findings = lint(read({"rules": rules}), CATALOG)
    assert "not_compared" in {finding.code for finding in findings}


def test_a_case_says_what_it_expected_and_what_came() -> None:
    case = {"name": "wrong", "given": {"tags": ["vip"]}, "queue": "senior", "rule": None, "priority": 3}
    rules = read({"rules": [{"name": "VIP", "queue": "general", "when": {"field": "tags", "has_any": ["vip"]}}]})
    whole = msgspec.structs.replace(rules, cases=read({"rules": [], "cases": [case]}).cases)
    (result,) = run_cases(whole, compile_rules(whole, CUSTOM), CATALOG)
    expected = "Expected queue 'senior', got 'general'; rule none, got 'VIP'; priority 3, got 0."
    assert (result.passed, result.message) == (False, expected)


@pytest.mark.parametrize(
    ("case", "place", "code"),
    [
        ({"given": {}}, "cases[0]", "expects_nothing"),
        ({"given": {}, "rule": "nobody"}, "cases[0].rule", "unknown_rule"),
        ({"given": {}, "queue": "nowhere"}, "cases[0].queue", "unknown_queue"),
        ({"given": {"colour": "red"}, "queue": None}, "cases[0].given.colour", "unknown_field"),
        ({"given": {"open_tasks": "two"}, "queue": None}, "cases[0].given.open_tasks", "wrong_type"),
    ],
)
def test_a_case_that_cannot_be_run_is_an_error_with_its_place(case: Json, place: str, code: str) -> None:
    rules = {"rules": [{"name": "rest", "queue": "general"}], "cases": [{"name": "one", **case}]}
    assert [(each.place, each.code) for each in lint(read(rules), CATALOG)] == [(place, code)]


def test_a_rule_set_differs_from_itself_in_nothing_and_a_renamed_rule_is_another() -> None:
    rules = valid_rules(random.Random(1))
    changed = copy.deepcopy(rules)
    changed["rules"][0]["name"] = "renamed"
    assert differences(read(rules), read(rules)) == ()
    found = {(each.name, each.change) for each in differences(read(rules), read(changed))}
    assert found == {("rule 0", "removed"), ("renamed", "added")}


def test_lists_that_differ_in_their_last_value_are_compared_in_time() -> None:
    same = [f"same {n}" for n in range(99)]
    rules = [
        {"name": f"rule {n}", "queue": "general", "when": {"field": "plan", "in": [*same, f"other {n}"]}}
        for n in range(60)
    ]
    began = time.process_time()
    findings = lint(read({"rules": rules}), CATALOG)
    assert time.process_time() - began < 1
    assert "not_compared" in {finding.code for finding in findings}


def test_of_many_names_that_are_not_there_the_first_are_guessed_at(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def asking(given: str, names: list[str], most: int) -> list[str]:
        asked.append(given)
        return get_close_matches(given, names, most)

    monkeypatch.setattr("router.rules.naming.get_close_matches", asking)
    values = {"segments": frozenset(f"segment {n} of three hundred" for n in range(300))}
    catalog = msgspec.structs.replace(CATALOG, values=values)
    names = [f"segment {n} of 300" for n in range(100)]
    rules = [
        {"name": f"rule {n}", "queue": "general", "when": {"field": "segments", "has_any": names}} for n in range(5)
    ]
    findings = lint(read({"rules": rules}), catalog)
    assert (len(findings), len(asked)) == (200, 20)
    assert "did you mean" in findings[19].message
    assert findings[20].message == "'segments' is never 'segment 20 of 300'; correct it."


@pytest.mark.parametrize("name", ["localtime", "posix/Europe/Berlin", "../UTC", "Europe", "europe/berlin ", ""])
def test_a_time_zone_that_is_none_everywhere_is_refused(name: str) -> None:
    when = {"field": "now", "hours": WEEK | {"time_zone": name}}
    findings = lint(read({"rules": [{"name": "open", "queue": "general", "when": when}]}), CATALOG)
    assert [(each.place, each.code) for each in findings] == [("rules[0].when.hours", "wrong_type")]


@pytest.mark.parametrize(
    "wrong",
    [{"open": {"mon": [["08:00", "17:00\n"]]}}, {"holidays": ["2026-12-25\n"]}, {"open": {"mon": [["8:00", "9:00"]]}}],
)
def test_opening_hours_are_read_to_the_end(wrong: Json) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(WEEK | wrong, Hours)
