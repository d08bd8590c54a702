"""Rule sets: the first that holds decides, and one that cannot be used says which rule and what to do."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from router.rules import MAX_DEPTH, Decision, Facts, RuleError, RuleSet, decide, parse_rule_set

FACTS = Facts("sms-main", "sms", "Where is my ORDER?\nit is late", ("vip", "eu"), "gold", "de", None, True)
QUEUES = frozenset({"general", "senior", "night"})


def rules(*given: dict[str, Any]) -> RuleSet:
    return parse_rule_set(msgspec.json.encode({"rules": list(given)}))


def rule(when: Any = None, name: str = "one", queue: str = "senior", **more: Any) -> dict[str, Any]:
    return {"name": name, "queue": queue, **more} | ({} if when is None else {"when": when})


def taken(when: Any, facts: Facts = FACTS) -> bool:
    """Whether a rule with this condition takes the contact."""
    return decide(rules(rule(when)), facts, "general", QUEUES).rule == "one"


YES, NO = {"field": "plan", "is": "gold"}, {"field": "plan", "is": "free"}


def test_the_first_rule_that_holds_decides_with_its_priority() -> None:
    given = rules(rule(NO, "no"), rule(YES, "first", priority=5), rule(YES, "second", "night"), rule(None, "rest"))
    assert decide(given, FACTS, "general", QUEUES) == Decision("senior", 5, "first")


def test_without_a_rule_that_holds_the_default_queue_takes_it_without_an_alert() -> None:
    assert decide(rules(rule(NO)), FACTS, "general", QUEUES) == Decision("general", 0, None)
    assert decide(None, FACTS, "general", QUEUES) == Decision("general", 0, None)


def test_a_rule_without_a_condition_always_holds() -> None:
    assert decide(rules(rule(queue="night")), FACTS, "general", QUEUES) == Decision("night", 0, "one")


def test_an_unknown_queue_means_the_default_queue_and_an_alert_that_names_the_rule() -> None:
    decision = decide(rules(rule(YES, "typo", "seniors"), rule(YES, "next")), FACTS, "general", QUEUES)
    assert (decision.queue, decision.priority, decision.rule) == ("general", 0, None)
    assert decision.alert == "rule 'typo' names the unknown queue 'seniors'"


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ({"field": "account", "is": "sms-main"}, True),
        ({"field": "channel", "in": ["email", "sms"]}, True),
        ({"field": "channel", "in": []}, False),
        ({"field": "language", "is": "DE"}, False),
        ({"field": "text", "contains": "order"}, True),
        ({"field": "text", "contains": "refund"}, False),
        ({"field": "tag", "is": "eu"}, True),
        ({"field": "tag", "in": ["us", "vip"]}, True),
        ({"field": "tag", "contains": "VI"}, True),
        ({"field": "known", "is": True}, True),
        ({"field": "known", "is": False}, False),
        ({"field": "company", "is": "Acme"}, False),
        ({"field": "company", "contains": "a"}, False),
        ({"not": {"field": "company", "is": "Acme"}}, True),
    ],
)
def test_a_test_of_one_field(when: Any, holds: bool) -> None:
    assert taken(when) is holds


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ({"all": [YES, YES]}, True),
        ({"all": [YES, NO]}, False),
        ({"any": [NO, YES]}, True),
        ({"any": [NO, NO]}, False),
        ({"not": NO}, True),
        ({"not": {"not": NO}}, False),
        ({"all": [YES, {"any": [NO, {"not": {"all": [YES, NO]}}]}]}, True),
        ({"all": [YES, {"any": [NO, {"not": {"all": [YES, YES]}}]}]}, False),
        ({"all": []}, True),
        ({"any": []}, False),
    ],
)
def test_nested_conditions(when: Any, holds: bool) -> None:
    assert taken(when) is holds


def test_a_customer_without_tags_has_none_of_them() -> None:
    assert not taken({"field": "tag", "is": "vip"}, msgspec.structs.replace(FACTS, tags=()))


@pytest.mark.parametrize(
    "when",
    [
        {},
        {"field": "plan"},
        {"is": "gold"},
        {"field": "plan", "is": "gold", "in": ["gold"]},
        {"field": "plan", "is": "gold", "any": [YES]},
        {"all": [YES], "any": [YES]},
        {"field": "plan", "not": YES},
        {"all": [YES, {"any": [{"field": "plan"}]}]},
        {"not": {"is": "gold"}},
    ],
)
def test_a_condition_that_is_not_one_thing_is_refused_by_the_rules_name(when: Any) -> None:
    with pytest.raises(RuleError, match="rule 'bad': a condition is one field with one of"):
        rules(rule(YES, "good"), rule(when, "bad"))


@pytest.mark.parametrize(
    "when",
    [
        {"field": "colour", "is": "red"},
        {"field": "plan", "like": "g%"},
        {"field": "text", "contains": ""},
        {"field": "plan", "is": 3},
        "always",
    ],
)
def test_an_unknown_field_operator_or_value_is_refused_with_its_place(when: Any) -> None:
    with pytest.raises(RuleError, match=r"not a rule set: .*rules"):
        rules(rule(YES, "good"), rule(when, "bad"))


def nested(depth: int) -> Any:
    when: Any = YES
    for _ in range(depth - 1):
        when = {"not": when}
    return when


def test_conditions_are_nested_as_deep_as_is_allowed_and_no_deeper() -> None:
    assert taken(nested(MAX_DEPTH)) is (MAX_DEPTH % 2 == 1)
    with pytest.raises(RuleError, match="rule 'deep': conditions are nested deeper than"):
        rules(rule(nested(MAX_DEPTH + 1), "deep"))


@pytest.mark.parametrize("body", ["", "{", "[]", '{"rules": 1}', '{"rules": [{"name": "x"}]}', b"\xff"])
def test_what_is_not_a_rule_set_is_refused(body: str | bytes) -> None:
    with pytest.raises(RuleError, match="not a rule set"):
        parse_rule_set(body)


def test_a_rule_set_nested_beyond_the_decoders_depth_is_refused_not_fatal() -> None:
    deep = '{"not":' * 100_000 + "{}" + "}" * 100_000
    with pytest.raises(RuleError, match="not a rule set"):
        parse_rule_set('{"rules": [{"name": "deep", "queue": "senior", "when": ' + deep + "}]}")
