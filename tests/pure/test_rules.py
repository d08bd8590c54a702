"""Rule sets: the first that holds decides, and one that cannot be used says which rule and what to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from router.rules.acting import TaskOrder
from router.rules.deciding import Compiled, Decision, Step, compile_rules, decide, takes_long, trace
from router.rules.fields import Fact, Facts, Kind
from router.rules.language import MAX_DEPTH, RuleError, parse_rule_set
from router.skills import SkillLevel
from router.steps import PlanStep, Preference

AGENT = "01a217fc-769b-7b5f-8a7f-d401f06b732b"
NOW = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)
CUSTOM: dict[str, Kind] = {
    **{"fields.limit": "money", "fields.seats": "number", "fields.renewal": "date", "fields.member": "yes_no"},
    "fields.note": "text",
}
FACTS: dict[str, Fact] = {
    **{"account": "sms-main", "channel": "sms", "text": "Where is my ORDER?\nit is late", "tags": ("vip", "eu")},
    **{"plan": "gold", "language": "de", "company": None, "known": True, "contacts_30_days": 4, "now": NOW},
    **{"fields.limit": "18420.10", "fields.seats": 12.5, "fields.renewal": "2026-12-01", "fields.member": False},
    **{"previous_contact_at": NOW - timedelta(days=6), "menu": ("Billing", "Refund")},
}
QUEUES = frozenset({"general", "senior", "night"})


def rules(*given: dict[str, Any]) -> Compiled:
    return compile_rules(parse_rule_set(msgspec.json.encode({"rules": list(given)})), CUSTOM)


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
        ({"field": "language", "is": "DE"}, True),
        ({"field": "text", "starts": "where is"}, True),
        ({"field": "text", "starts": "it is"}, False),
        ({"field": "company", "exists": False}, True),
        ({"field": "plan", "exists": True}, True),
        ({"field": "tags", "has_any": ["us", "VIP"]}, True),
        ({"field": "tags", "has_all": ["eu", "vip"]}, True),
        ({"field": "tags", "has_all": ["eu", "us"]}, False),
        ({"field": "menu", "contains": "bill"}, True),
        ({"field": "contacts_30_days", "ge": 4}, True),
        ({"field": "contacts_30_days", "gt": 4}, False),
        ({"field": "contacts_30_days", "lt": 4}, False),
        ({"field": "contacts_30_days", "le": 4}, True),
        ({"field": "contacts_30_days", "between": [4, 9]}, True),
        ({"field": "contacts_30_days", "between": [5, 9]}, False),
        ({"field": "fields.seats", "is": 12.5}, True),
        ({"field": "fields.limit", "is": "18420.1"}, True),
        ({"field": "fields.limit", "ge": 18420.1}, True),
        ({"field": "fields.limit", "gt": 18420.1}, False),
        ({"field": "fields.renewal", "before": "2026-12-02"}, True),
        ({"field": "fields.renewal", "after": "2026-12-01"}, False),
        ({"field": "fields.renewal", "between": ["2026-12-01", "2026-12-31"]}, True),
        ({"field": "fields.member", "is": False}, True),
        ({"field": "fields.note", "is": "x"}, False),
        ({"field": "previous_contact_at", "within": "6d"}, True),
        ({"field": "previous_contact_at", "within": "143h"}, False),
        ({"field": "previous_contact_at", "longer_ago": "5d"}, True),
        ({"field": "previous_contact_at", "before": "2026-11-26T13:31:00+01:00"}, True),
        ({"field": "last_agent_at", "longer_ago": "1s"}, False),
        ({"field": "now", "hours": {"time_zone": "Europe/Berlin", "open": {"thu": [["13:30", "13:31"]]}}}, True),
        ({"field": "now", "hours": {"time_zone": "Europe/Berlin", "open": {"thu": [["13:00", "13:30"]]}}}, False),
        ({"field": "now", "hours": {"time_zone": "Asia/Tokyo", "open": {"fri": [["00:00", "24:00"]]}}}, False),
        (
            {
                "field": "now",
                "hours": {"time_zone": "UTC", "open": {"thu": [["08:00", "24:00"]]}, "holidays": ["2026-11-26"]},
            },
            False,
        ),
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
        ({"field": "text", "matches": r"\border\?\s+it\b"}, True),
        ({"field": "text", "matches": r"(?-i)\border\b"}, False),
        ({"field": "text", "matches": r"(?-i)\bORDER\b"}, True),
        ({"field": "text", "matches": r"^it is late$"}, False),
        ({"field": "text", "matches": r"(?m)^it is late$"}, True),
        ({"field": "plan", "matches": "go[l]+d|free"}, True),
        ({"field": "company", "matches": ".*"}, False),
        ({"not": {"field": "company", "matches": ".*"}}, True),
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
    assert not taken({"field": "tag", "is": "vip"}, FACTS | {"tags": ()})


@pytest.mark.parametrize(
    "when",
    [
        {},
        {"is": "gold"},
        {"field": "plan", "is": "gold", "any": [YES]},
        {"all": [YES], "any": [YES]},
        {"field": "plan", "not": YES},
        {"not": {"is": "gold"}},
    ],
)
def test_a_condition_that_is_not_one_thing_is_refused_by_the_rules_name(when: Any) -> None:
    with pytest.raises(RuleError, match="rule 'bad': A condition is one field with one operator"):
        rules(rule(YES, "good"), rule(when, "bad"))


@pytest.mark.parametrize(
    "when",
    [
        {"field": "plan", "like": "g%"},
        {"field": "text", "contains": ""},
        "always",
    ],
)
def test_an_unknown_field_operator_or_value_is_refused_with_its_place(when: Any) -> None:
    with pytest.raises(RuleError, match=r"not a rule set: .*rules"):
        rules(rule(YES, "good"), rule(when, "bad"))


@pytest.mark.parametrize(
    ("when", "place", "remedy"),
    [
        ({"field": "colour", "is": "red"}, "field", "there are: account,"),
        ({"field": "plam", "is": "gold"}, "field", "did you mean 'plan'"),
        ({"field": "plan"}, "", "takes one of: is, in, contains"),
        ({"field": "plan", "is": "a", "in": ["b"]}, "", "takes one of"),
        ({"field": "plan", "is": 3}, "is", "3 is no text"),
        ({"field": "plan", "gt": 3}, "gt", "is of kind text and takes one of"),
        ({"field": "tags", "is": "vip"}, "is", "takes one of: has_any, has_all"),
        ({"field": "contacts_30_days", "is": "four"}, "is", "is no number"),
        ({"field": "fields.limit", "between": ["1", "x"]}, "between", "is no amount"),
        ({"field": "fields.renewal", "before": "2026-02-30"}, "before", "is no day"),
        ({"field": "previous_contact_at", "after": "yesterday"}, "after", "is no day"),
        ({"field": "previous_contact_at", "within": "a week"}, "within", "write 90s, 30m, 72h or 7d"),
        ({"field": "known", "is": "yes"}, "is", "is no true or false"),
        ({"field": "now", "hours": {"time_zone": "Mars/Olympus", "open": {}}}, "hours", "There is no time zone"),
        (
            {"field": "now", "hours": {"time_zone": "UTC", "open": {"mon": [["17:00", "09:00"]]}}},
            "hours",
            "end it later",
        ),
        ({"field": "text", "matches": "(refund"}, "matches", "RE2 does not take this pattern: missing )"),
        ({"field": "text", "matches": r"(a)\1"}, "matches", "invalid escape sequence"),
        ({"field": "text", "matches": "(?=refund)"}, "matches", "invalid perl operator"),
        ({"field": "text", "matches": r"\pL{200}"}, "matches", "repeat less"),
        ({"field": "text", "matches": "(ab?){900}"}, "matches", "it grows to"),
        ({"field": "tags", "matches": "vip"}, "matches", "takes one of: has_any, has_all"),
        ({"field": "now", "hours": {"time_zone": "UTC", "open": {}, "holidays": ["2026-13-01"]}}, "hours", "is no day"),
    ],
)
def test_a_test_that_cannot_be_made_is_refused_with_place_and_remedy(when: Any, place: str, remedy: str) -> None:
    with pytest.raises(RuleError) as refused:
        rules(rule(YES, "good"), rule({"all": [YES, when]}, "bad"))
    where = "rules[1].when.all[1]" + (f".{place}" if place else "")
    assert str(refused.value).startswith("rule 'bad': ")
    assert remedy in str(refused.value)
    assert str(refused.value).endswith(f"({where})")


def test_a_trace_names_the_tests_that_decided_and_what_they_saw() -> None:
    both = {"all": [YES, {"any": [{"field": "language", "is": "fr"}, {"not": {"field": "known", "is": True}}]}]}
    steps = trace(rules(rule(both, "first"), rule({"any": [NO, YES]}, "second"), rule(None, "rest")), FACTS)
    assert [(step.rule, step.held) for step in steps] == [("first", False), ("second", True)]
    assert [(seen.place, seen.field, seen.value, seen.held) for seen in steps[0].because] == [
        ("when.all[1].any[0]", "language", "de", False),
        ("when.all[1].any[1].not", "known", True, True),
    ]
    assert [(seen.place, seen.value) for seen in steps[1].because] == [("when.any[1]", "gold")]
    assert trace(rules(rule(None, "rest")), FACTS) == (Step("rest", True, ()),)


def nested(depth: int) -> Any:
    when: Any = YES
    for _ in range(depth - 1):
        when = {"not": when}
    return when


def test_conditions_are_nested_as_deep_as_is_allowed_and_no_deeper() -> None:
    assert taken(nested(MAX_DEPTH)) is (MAX_DEPTH % 2 == 1)
    with pytest.raises(RuleError, match="rule 'deep': Conditions are nested at most"):
        rules(rule(nested(MAX_DEPTH + 1), "deep"))


def test_a_trace_shows_a_pattern_and_what_it_was_searched_in() -> None:
    given = rules(rule({"field": "text", "matches": "refund(ed)?"}), rule({"field": "text", "matches": "order"}, "two"))
    no, yes = trace(given, FACTS)
    assert (no.held, no.because[0].place, no.because[0].test.matches) == (False, "when", "refund(ed)?")
    assert (yes.held, yes.because[0].value) == (True, FACTS["text"])


def test_patterns_are_searched_in_the_begin_of_a_text_and_apart_from_the_loop_where_it_is_long() -> None:
    given = rules(rule({"field": "text", "matches": r"\brefund\b"}))
    for before, holds in ((10, True), (7_000, True), (8_000, False)):
        facts: Facts = {"text": "x " * (before // 2) + "refund"}
        assert (decide(given, facts, "general", QUEUES).rule == "one") is holds
        assert takes_long(given, facts) is (before > 500)
    assert not takes_long(rules(rule({"field": "text", "contains": "refund"})), {"text": "x" * 9_000})


def test_what_a_rule_does_comes_out_as_it_is_carried_out() -> None:
    given = rules(
        rule(
            None,
            skills={"spanish": 3, "law": 1},
            prefers={"billing": 2},
            steps=[{"after": "1m", "skills": {"spanish": 1}}, {"after": "2m", "queue": "night", "priority": -3}],
            agent={"is": AGENT, "wait": "90s"},
            sla="gold",
            reply={"text": "Hello {name|there}"},
            task={"text": "Call back", "due": "2h"},
        )
    )
    assert decide(given, FACTS, "general", QUEUES) == Decision(
        queue="senior",
        priority=0,
        rule="one",
        skills=(SkillLevel("law", 1), SkillLevel("spanish", 3)),
        prefers=(SkillLevel("billing", 2),),
        steps=(PlanStep(60, skills=(SkillLevel("spanish", 1),)), PlanStep(120, queue="night", priority=-3)),
        agent=Preference(UUID(AGENT), 90),
        sla="gold",
        reply="Hello {name|there}",
        task=TaskOrder("Call back", "senior", 7200),
    )


@pytest.mark.parametrize(
    ("first", "facts", "found"),
    [
        ({"is": "last"}, {"last_agent": AGENT}, True),
        ({"is": "last"}, {}, False),
        ({"is": "last", "within": "7d"}, {"last_agent": AGENT, "last_agent_at": NOW - timedelta(days=7)}, True),
        ({"is": "last", "within": "7d"}, {"last_agent": AGENT, "last_agent_at": NOW - timedelta(days=8)}, False),
        ({"is": "last", "within": "7d"}, {"last_agent": AGENT}, False),
        ({"is": "fields.note"}, {"fields.note": "Ada", "fields.note as agent": AGENT}, True),
        ({"is": "fields.note"}, {"fields.note": "Ada"}, False),
    ],
)
def test_who_is_asked_first_depends_on_what_is_known(first: Any, facts: dict[str, Fact], found: bool) -> None:
    given = rules(rule(None, agent=first))
    decision = decide(given, facts | {"now": NOW}, "general", QUEUES)
    assert decision.agent == (Preference(UUID(AGENT), 60) if found else None)
    assert given.reads >= set(facts), "what it takes is read"


@pytest.mark.parametrize("ends", ["close", "voicemail"])
def test_a_rule_that_asks_nobody_needs_no_queue(ends: str) -> None:
    given = rules({"name": "one", ends: True})
    decision = decide(given, FACTS, "general", QUEUES)
    assert (decision.queue, decision.rule, decision.alert, getattr(decision, ends)) == ("general", "one", None, True)


@pytest.mark.parametrize("body", ["", "{", "[]", '{"rules": 1}', '{"rules": [{"queue": "x"}]}', b"\xff"])
def test_what_is_not_a_rule_set_is_refused(body: str | bytes) -> None:
    with pytest.raises(RuleError, match="not a rule set"):
        parse_rule_set(body)


def test_a_rule_set_nested_beyond_the_decoders_depth_is_refused_not_fatal() -> None:
    deep = '{"not":' * 100_000 + "{}" + "}" * 100_000
    with pytest.raises(RuleError, match="not a rule set"):
        parse_rule_set('{"rules": [{"name": "deep", "queue": "senior", "when": ' + deep + "}]}")
