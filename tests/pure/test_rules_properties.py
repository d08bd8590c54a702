"""Whatever a rule set says: it is refused with a place and a remedy, or it decides, always and alike."""

from __future__ import annotations

from hypothesis import given, settings

from router.rules.deciding import compile_rules, decide, trace
from router.rules.language import RuleError
from router.rules.problems import problems_of
from tests.pure.random_rules import CATALOG, CUSTOM, Json, any_tests, as_rules, facts, grouped


@settings(max_examples=100)
@given(grouped(any_tests), grouped(any_tests), facts)
def test_a_rule_set_is_refused_with_its_place_or_decides_and_explains_the_same(
    one: Json, other: Json, seen: Json
) -> None:
    rule_set = as_rules(one, other)
    problems = list(problems_of(rule_set, CATALOG))
    assert all(each.place.startswith("rules[") and each.message for each in problems)
    try:
        compiled = compile_rules(rule_set, CUSTOM)
    except RuleError as error:
        assert problems
        assert "rules[" in str(error)
        return
    decision = decide(compiled, seen, "general", CATALOG.queues)
    steps = trace(compiled, seen)
    assert (steps[-1].rule if steps[-1].held else None) == decision.rule
    # What the rules do not read cannot matter: a decision keeps the rest only.
    kept = {field: value for field, value in seen.items() if field in compiled.reads}
    assert decide(compiled, kept, "general", CATALOG.queues) == decision
