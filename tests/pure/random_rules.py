"""Random rule sets that nothing is wrong with, faults to plant in them, and random conditions, right and wrong."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import strategies as st

from router.rules.fields import BUILT_IN, FIELDS, OPERATORS, Able, Catalog, Fact, Kind
from router.rules.language import Rule, RuleSet, Test

Json = dict[str, Any]
AGENT = "01a217fc-769b-7b5f-8a7f-d401f06b732b"
NOW = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)
CUSTOM: dict[str, Kind] = {
    **{"fields.limit": "money", "fields.renewal": "date", "fields.member": "yes_no", "fields.owner": "text"},
    **{"pool.general.waiting": "number", "pool.general.available": "number"},
}
KINDS: dict[str, Kind] = {**BUILT_IN, **CUSTOM}
CATALOG = Catalog(
    queues=frozenset({"general", "senior", "billing", "night", "empty"}),
    served=frozenset({"general", "senior", "billing", "night"}),
    topics=frozenset({"Billing", "Billing/Refund"}),
    custom=CUSTOM,
    values={"segments": frozenset({"Big"}), "account": frozenset({"sms-main"}), "last_agent": frozenset({AGENT})},
    skills=frozenset({"spanish", "billing", "law"}),
    able=(
        Able(frozenset({"general", "senior"}), {"spanish": 5, "billing": 2}),
        Able(frozenset({"billing", "night"}), {"billing": 4}),
    ),
    policies=frozenset({"gold"}),
    agents=frozenset({AGENT}),
)
WEEK = {"time_zone": "Europe/Berlin", "open": {"mon": [["08:00", "12:00"], ["13:00", "18:00"]]}}


def test_of(kind: Kind, chance: random.Random) -> Json:
    """An operator that may hold, with a value that is its own."""
    number = chance.randrange(1_000_000)
    made: dict[Kind, list[Json]] = {
        "text": [
            {"is": f"t{number}"},
            {"in": [f"t{number}", "u"]},
            {"contains": f"c{number}"},
            {"starts": f"s{number}"},
            {"matches": rf"\br{number}(st|nd)?\b"},
        ],
        "set": [{"has_any": [f"g{number}"]}, {"has_all": [f"g{number}", "h"]}, {"contains": f"c{number}"}],
        "number": [{"ge": number}, {"lt": number}, {"between": [number, number + 5]}, {"is": number}],
        "money": [{"gt": f"{number}.50"}, {"le": number}, {"between": [number, f"{number + 1}.00"]}],
        "date": [{"before": "2026-11-26"}, {"after": "2026-11-26"}, {"longer_ago": "30d"}],
        "moment": [
            {"within": f"{number + 1}s"},
            {"longer_ago": "3h"},
            {"after": "2026-11-26T09:30:00Z"},
            {"hours": WEEK},
        ],
        "yes_no": [{"is": chance.random() < 0.5}],
    }
    return chance.choice(made[kind]) if chance.random() < 0.9 else {"exists": True}


OPEN_FIELDS = sorted(
    name for name in CATALOG.kinds if name not in CATALOG.values and not (name in FIELDS and FIELDS[name].choices)
)


def condition(chance: random.Random, mark: str) -> Json:
    """Tests of different fields, grouped somehow; the mark keeps any two conditions from saying the same."""
    fields = chance.sample([name for name in OPEN_FIELDS if name != "tags"], chance.randrange(1, 5))
    tests: list[Json] = [{"field": field, **test_of(CATALOG.kinds[field], chance)} for field in fields]
    tests = [{"not": test} if chance.random() < 0.2 else test for test in tests]
    group = {chance.choice(["all", "any"]): tests}
    return {"all": [{"field": "tags", "has_any": [mark]}, group]}


def valid_rules(chance: random.Random) -> Json:
    """A rule set that lint has nothing to say about."""
    rules = [
        {"name": f"rule {n}", "when": condition(chance, f"mark{n}"), **actions(chance)}
        for n in range(chance.randrange(2, 12))
    ]
    return {"rules": [*rules, {"name": "rest", "queue": "general"}]}


TEXTS = [
    "Hello {name|there}.",
    "{queue} will answer; {{soon}}.",
    "Thank you.",
    "{company|You} may spend {fields.limit|0}.",
]


def actions(chance: random.Random) -> Json:
    """What a rule does, in order; now and then a lot."""
    chosen: Json = {"queue": chance.choice(["senior", "billing"])}
    if chance.random() < 0.1:
        return {"close": True, "reply": {"text": chance.choice(TEXTS)}}
    if chance.random() < 0.1:
        return {"voicemail": True, "task": {"text": chance.choice(TEXTS), "due": "2h", "queue": "general"}}
    able = {"senior": {"spanish": 5, "billing": 2}, "billing": {"billing": 4}}[chosen["queue"]]
    skill, most = chance.choice(list(able.items()))
    later: list[Json] = [
        {"skills": {}, "prefers": {skill: 1}},
        {"queue": "night", "skills": {"billing": 3}},
        {"queue": "general", "skills": {"spanish": 2}, "priority": 9},
    ]
    steps = [{"after": f"{30 * (n + 1)}s", **step} for n, step in enumerate(later[: chance.randrange(1, 4)])]
    named = chance.choice(["last", "fields.owner", AGENT])
    possible: list[Json] = [
        {"skills": {skill: chance.randrange(1, most + 1)}, "steps": steps},
        {"prefers": {skill: 1}, "priority": chance.randrange(-5, 20)},
        {"agent": {"is": named, "wait": "45s"} | ({"within": "7d"} if named == "last" else {})},
        {"sla": "gold", "tags": ["seen", "by rule"], "topics": ["billing/refund"]},
        {"reply": {"text": chance.choice(TEXTS)}},
        {"task": {"text": chance.choice(TEXTS), "due": "3d"}},
    ]
    for part in chance.sample(possible, chance.randrange(0, 4)):
        chosen |= part
    return chosen


def read(rules: Json) -> RuleSet:
    """As a rule set."""
    return msgspec.convert(rules, RuleSet)


def _tests(when: Json) -> list[Json]:
    if "field" in when:
        return [when]
    inner: list[Json] = [when["not"]] if "not" in when else [*when.get("all", ()), *when.get("any", ())]
    return [test for each in inner for test in _tests(each)]


def _some_rule(rules: Json, chance: random.Random) -> Json:
    chosen: Json = chance.choice([rule for rule in rules["rules"] if "when" in rule])
    return chosen


def _unknown_field(rules: Json, chance: random.Random) -> None:
    test = chance.choice(_tests(_some_rule(rules, chance)["when"]))
    test["field"] += chance.choice(["s", "_", "x"])


def _wrong_type(rules: Json, chance: random.Random) -> None:
    test = chance.choice(_tests(_some_rule(rules, chance)["when"]))
    foreign: dict[Kind, Json] = {
        "text": {"gt": 3},
        "set": {"is": "vip"},
        "number": {"starts": "4"},
        "yes_no": {"is": "yes"},
    }
    field = test["field"]
    test.clear()
    test |= {"field": field, **foreign.get(CATALOG.kinds[field], {"has_any": ["x"]})}


def _unknown_queue(rules: Json, chance: random.Random) -> None:
    chance.choice([rule for rule in rules["rules"] if rule.get("queue")])["queue"] += "x"


def _unserved_queue(rules: Json, chance: random.Random) -> None:
    chance.choice([rule for rule in rules["rules"] if rule.get("queue")])["queue"] = "empty"


def _stepping(rules: Json, chance: random.Random) -> Json:
    """Some rule for agents, with two steps in order."""
    rule: Json = chance.choice([each for each in rules["rules"] if each.get("queue")])
    for part in ("close", "voicemail"):
        rule.pop(part, None)
    rule["steps"] = [{"after": "30s", "priority": 3}, {"after": "60s", "priority": 4}]
    return rule


def _unknown_skill(rules: Json, chance: random.Random) -> None:
    rule = _stepping(rules, chance)
    chance.choice([rule, *rule["steps"]])[chance.choice(["skills", "prefers"])] = {"spanisch": 2}


def _unserved_skill(rules: Json, chance: random.Random) -> None:
    rule = _stepping(rules, chance)
    chosen = chance.choice([{"skills": {"law": 1}}, {"skills": {"spanish": 9}}, {"prefers": {"billing": 10}}])
    chance.choice([rule, rule["steps"][1]]).update(chosen)


def _unknown_policy(rules: Json, chance: random.Random) -> None:
    _stepping(rules, chance)["sla"] = chance.choice(["goldd", "silver"])


def _unknown_agent(rules: Json, chance: random.Random) -> None:
    _stepping(rules, chance)["agent"] = {"is": chance.choice(["lasst", "01a217fc-769b-7b5f-8a7f-d401f06b732c"])}


def _unknown_topic(rules: Json, chance: random.Random) -> None:
    chance.choice(rules["rules"])["topics"] = [chance.choice(["Billing/Refunds", "Money"])]


def _steps_out_of_order(rules: Json, chance: random.Random) -> None:
    rule = _stepping(rules, chance)
    rule["steps"][1]["after"] = chance.choice(["30s", "5s", "0m"])


def _loop(rules: Json, chance: random.Random) -> None:
    rule = _stepping(rules, chance)
    other = "night" if rule["queue"] != "night" else "billing"
    rule.pop("skills", None)
    rule["steps"][0]["queue"] = chance.choice([other, rule["queue"]])
    rule["steps"][1]["queue"] = rule["queue"] if rule["steps"][0]["queue"] == other else other


def _bad_template(rules: Json, chance: random.Random) -> None:
    part = chance.choice(["reply", "task"])
    _stepping(rules, chance)[part] = {"text": chance.choice(["Hello {name", "Hello name}", "{} hello", "{name|a|b}"])}


def _unknown_value(rules: Json, chance: random.Random) -> None:
    part = chance.choice(["reply", "task"])
    text = chance.choice(["Hello {nme}", "{fields.limits|0} left", "{tags}", "Hello {first_name|there}"])
    _stepping(rules, chance)[part] = {"text": text}


def _bad_pattern(rules: Json, chance: random.Random) -> None:
    test = chance.choice(_tests(_some_rule(rules, chance)["when"]))
    test.clear()
    pattern = chance.choice(["(refund", "a**", r"(?=x)", r"(a)\1", "x{1000}{1000}", "(a{100}){100}", "[z-a]"])
    test |= {"field": "text", "matches": pattern}


def _no_queue(rules: Json, chance: random.Random) -> None:
    _stepping(rules, chance)["queue"] = None


def _no_default(rules: Json, _chance: random.Random) -> None:
    rules["rules"].pop()


def _dead(rules: Json, chance: random.Random) -> None:
    last = rules["rules"].pop()
    rules["rules"].insert(chance.randrange(len(rules["rules"])), last)


def _shadowed(rules: Json, chance: random.Random) -> None:
    rule = _some_rule(rules, chance)
    narrower = {"all": [{"field": "tags", "has_all": ["narrow"]}, rule["when"]]}
    copy = {"name": "narrower", "queue": "senior", "when": chance.choice([rule["when"], narrower])}
    rules["rules"].insert(len(rules["rules"]) - 1, copy)


def _contradictory(rules: Json, chance: random.Random) -> None:
    rule = _some_rule(rules, chance)
    pairs: list[list[Json]] = [
        [{"field": "plan", "is": "a"}, {"field": "plan", "in": ["b", "c"]}],
        [{"field": "open_tasks", "gt": 5}, {"field": "open_tasks", "le": 5}],
        [{"field": "fields.renewal", "after": "2026-05-01"}, {"field": "fields.renewal", "before": "2026-05-01"}],
        [{"field": "name", "exists": False}, {"field": "name", "contains": "ada"}],
        [{"not": rule["when"]}],
    ]
    rule["when"] = {"all": [rule["when"], *chance.choice(pairs)]}


def _same_name(rules: Json, chance: random.Random) -> None:
    first, second = chance.sample(rules["rules"], 2)
    second["name"] = first["name"]


FAULTS: dict[str, Callable[[Json, random.Random], None]] = {
    **{"unknown_field": _unknown_field, "wrong_type": _wrong_type, "unknown_queue": _unknown_queue},
    **{"unserved_queue": _unserved_queue, "no_default": _no_default, "shadowed": _shadowed},
    **{"dead": _dead, "contradictory": _contradictory, "same_name": _same_name},
    **{"unknown_skill": _unknown_skill, "unserved_skill": _unserved_skill, "unknown_policy": _unknown_policy},
    **{"unknown_agent": _unknown_agent, "unknown_topic": _unknown_topic, "unknown_value": _unknown_value},
    **{"steps_out_of_order": _steps_out_of_order, "loop": _loop, "bad_template": _bad_template},
    **{"bad_pattern": _bad_pattern, "no_queue": _no_queue},
}
SAID_AS = {"dead": "shadowed", "bad_pattern": "wrong_type"}
"""By what lint has to say, of those that are called otherwise."""

# Few values, so that random conditions meet, imply and contradict each other.
_TEXTS = st.sampled_from(["a", "ab", "abc", "B", "2026-11-26", "30m", "7d", "12.5", "x"])
_NUMBERS = st.sampled_from([-1, 0, 1, 2, 2.5])
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("contains", "starts", "before", "after", "within", "longer_ago"), _TEXTS),
    "matches": st.sampled_from(["a", "^ab?$", "(?-i)B", "x|12", "(", "b{2,3}"]),
    **dict.fromkeys(("gt", "ge", "lt", "le"), _NUMBERS),
    **{name: st.lists(_TEXTS, min_size=0, max_size=3) for name in ("in", "has_any", "has_all")},
    "is": st.one_of(_TEXTS, _NUMBERS, st.booleans()),
    "between": st.lists(st.one_of(_TEXTS, _NUMBERS), min_size=2, max_size=2),
    "hours": st.sampled_from([WEEK, {"time_zone": "UTC", "open": {}}, {"time_zone": "Nowhere", "open": {}}]),
    "exists": st.booleans(),
}
_FIELDS = st.sampled_from([*KINDS, "unknown"])


def _fitting(field: str) -> st.SearchStrategy[Json]:
    """A test of this field that is likely to be free of faults."""
    kind = KINDS[field]
    operators = st.sampled_from([*OPERATORS[kind], "exists"])
    values: dict[Kind, dict[str, st.SearchStrategy[Any]]] = {
        "number": {"is": _NUMBERS, "between": st.lists(_NUMBERS, min_size=2, max_size=2)},
        "money": {"is": _NUMBERS, "between": st.lists(_NUMBERS, min_size=2, max_size=2)},
        "yes_no": {"is": st.booleans()},
        "text": {"is": _TEXTS},
    }
    days = st.sampled_from(["2026-11-25", "2026-11-26", "2026-11-27"])
    spans = st.sampled_from(["30m", "1d", "7d"])
    dated: dict[str, st.SearchStrategy[Any]] = {
        **{"is": days, "before": days, "after": days, "between": st.lists(days, min_size=2, max_size=2)},
        **{"within": spans, "longer_ago": spans},
    }
    own = values.get(kind, dated if kind in ("date", "moment") else {})
    return operators.flatmap(lambda name: own.get(name, _VALUES[name]).map(lambda value: {"field": field, name: value}))


_SOME = st.sampled_from(["plan", "tags", "open_tasks", "known", "previous_contact_at", *CUSTOM])
fitting_tests: st.SearchStrategy[Json] = _SOME.flatmap(_fitting)
any_tests: st.SearchStrategy[Json] = st.one_of(
    fitting_tests,
    st.builds(
        lambda field, operators: {"field": field, **operators},
        _FIELDS,
        st.fixed_dictionaries({}, optional=_VALUES),
    ),
)


def grouped(tests: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    """Conditions of these tests."""
    return st.recursive(
        tests,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda group: {"all": group}),
            st.lists(inner, max_size=3).map(lambda group: {"any": group}),
            inner.map(lambda one: {"not": one}),
        ),
        max_leaves=8,
    )


def as_test(when: Json) -> Test:
    """As a condition."""
    return msgspec.convert(when, Test)


def as_rules(*whens: Json) -> RuleSet:
    """A rule for each condition."""
    return RuleSet(tuple(Rule(f"rule {n}", "general", as_test(when)) for n, when in enumerate(whens)))


_FACTS: dict[Kind, st.SearchStrategy[Fact]] = {
    "text": st.one_of(_TEXTS, st.text(max_size=5)),
    "set": st.lists(_TEXTS, max_size=3).map(tuple),
    "number": st.sampled_from([-1, 0, 1, 2, 2.5, 3]),
    "money": st.sampled_from(["-1.00", "0.00", "1.00", "2.50", "not an amount"]),
    "date": st.sampled_from(["2026-11-25", "2026-11-26", "2026-11-27", "no day"]),
    "moment": st.sampled_from([NOW - timedelta(days=days) for days in (-1, 0, 1, 2, 8)]),
    "yes_no": st.booleans(),
}
facts: st.SearchStrategy[dict[str, Fact]] = st.fixed_dictionaries(
    {"now": st.just(NOW)},
    optional={name: st.one_of(st.none(), _FACTS[kind]) for name, kind in KINDS.items() if name != "now"},
)
