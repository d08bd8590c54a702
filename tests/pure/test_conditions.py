"""Conditions: what meets them, and what is wrong with one, by name and place."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from model.conditions import MAX_DEPTH, MAX_NODES, Condition, Fact, check, meets

FACTS: dict[str, Fact] = {
    "name": "Ana Matos",
    "plan": "Gold",
    "company": None,
    "tags": ("vip", "press"),
    "open_tasks": 2,
    "fields.limit": "18420.00",
    "fields.member": True,
    "fields.renewal": "2026-12-01",
    "last_contact_at": datetime(2026, 11, 20, 12, tzinfo=UTC),
}
FIELDS = frozenset(FACTS)


def condition(text: str) -> Condition:
    return msgspec.json.decode(text, type=Condition)


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ('{"field": "plan", "is": "gold"}', True),
        ('{"field": "plan", "is": "golden"}', False),
        ('{"field": "plan", "in": ["silver", "gold"]}', True),
        ('{"field": "company", "is": ""}', False),
        ('{"field": "tags", "has": "VIP"}', True),
        ('{"field": "tags", "has": "vi"}', False),
        ('{"field": "tags", "is": "press"}', True),
        ('{"field": "name", "has": "mato"}', True),
        ('{"field": "open_tasks", "at_least": 2}', True),
        ('{"field": "open_tasks", "at_most": 1}', False),
        ('{"field": "open_tasks", "is": 2}', True),
        ('{"field": "fields.limit", "at_least": 10000}', True),
        ('{"field": "name", "at_least": 0}', False),
        ('{"field": "fields.member", "is": true}', True),
        ('{"field": "fields.member", "is": 1}', False),
        ('{"field": "last_contact_at", "before": "2026-11-20T12:00:01Z"}', True),
        ('{"field": "last_contact_at", "after": "2026-11-20T13:00:00+02:00"}', True),
        ('{"field": "last_contact_at", "after": "2026-11-21"}', False),
        ('{"field": "fields.renewal", "before": "2026-12-02"}', True),
        ('{"field": "name", "before": "2026-12-02"}', False),
        ('{"field": "company", "known": false}', True),
        ('{"field": "company", "known": true}', False),
        ('{"field": "tags", "known": true}', True),
        ('{"all": [{"field": "plan", "is": "gold"}, {"not": {"field": "tags", "has": "dunning"}}]}', True),
        ('{"any": [{"field": "plan", "is": "silver"}, {"field": "open_tasks", "at_least": 3}]}', False),
        ('{"not": {"field": "company", "is": "Acme"}}', True),
    ],
)
def test_a_condition_is_met_or_not(text: str, met: bool) -> None:
    parsed = condition(text)
    assert check(parsed, FIELDS) is None
    assert meets(parsed, FACTS) is met


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        ("{}", "", "operator"),
        ('{"field": "plan"}', "", "one operator"),
        ('{"field": "plan", "is": "a", "has": "a"}', "", "one operator"),
        ('{"is": "a"}', "", "one field"),
        ('{"field": "plan", "is": "a", "not": {"field": "plan", "is": "b"}}', "", "one operator"),
        ('{"all": [{"field": "plan", "is": "a"}, {"not": {"field": "shoe", "is": 4}}]}', "all[1].not", "'shoe'"),
        ('{"any": [{"field": "last_contact_at", "before": "soon"}]}', "any[0]", "'soon'"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, place: str, word: str) -> None:
    problem = check(condition(text), FIELDS)
    assert problem is not None
    assert problem.place == place
    assert word in problem.message


@pytest.mark.parametrize("text", ['{"field": "plan", "equals": "a"}', '{"all": []}', '{"field": "plan", "is": [1]}'])
def test_what_is_no_condition_is_not_decoded(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        condition(text)


def test_depth_and_size_are_bounded() -> None:
    leaf = Condition(field="plan", is_="a")
    deep = leaf
    for _ in range(MAX_DEPTH - 1):
        deep = Condition(not_=deep)
    assert check(deep, FIELDS) is None
    too_deep = check(Condition(not_=deep), FIELDS)
    assert too_deep is not None
    assert too_deep.place == ".".join(["not"] * MAX_DEPTH)
    assert check(Condition(any=(leaf,) * (MAX_NODES - 1)), FIELDS) is None
    too_many = check(Condition(any=(leaf,) * MAX_NODES), FIELDS)
    assert too_many is not None
    assert str(MAX_NODES) in too_many.message
