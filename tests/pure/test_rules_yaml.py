"""R15: rules as YAML: what it means, where it is wrong, and what a file made to do harm comes to."""

from __future__ import annotations

import json

import pytest

from router.rules.linting import check, with_lines
from router.rules.reading import Unreadable, read_rules
from tests.pure.random_rules import CATALOG

RULES = """
# Whoever pays most is asked first.
rules:
  - name: "VIP"   # see the handbook
    when:
      all:
        - {field: tags, has_any: [vip]}
        - {field: now, hours: {time_zone: Europe/Berlin, open: {mon: [[08:00, 12:00]]}, holidays: [2026-12-25]}}
    queue: senior
    priority: 5
  - name: Norway
    when: {field: language, is: no}
    queue: general
cases: []
"""


def test_words_mean_what_they_say() -> None:
    read = read_rules(RULES.encode(), "yaml").rule_set
    assert read.rules[1].when is not None
    assert read.rules[1].when.is_ == "no"
    vip = read.rules[0].when
    assert vip is not None and vip.all is not None and vip.all[1].hours is not None
    assert vip.all[1].hours.open["mon"] == (("08:00", "12:00"),)
    assert (read.rules[0].priority, vip.all[1].hours.holidays) == (5, ("2026-12-25",))
    as_json = json.dumps({"rules": [{"name": "Norway", "queue": "general", "when": {"field": "language", "is": "no"}}]})
    assert read_rules(as_json.encode(), "json").rule_set.rules == read.rules[1:]
    assert read_rules(as_json.encode(), "yaml").rule_set.rules == read.rules[1:]


def test_what_lint_finds_has_the_line_it_stands_in() -> None:
    wrong = RULES.replace("queue: general", "queue: nowhere").replace("[vip]", "[]")
    written = read_rules(wrong.encode(), "yaml")
    found = with_lines(check(written.rule_set, CATALOG), written.source).findings
    assert [(each.place, each.line) for each in found] == [("rules[1].queue", 13)]
    spread = read_rules(b'{"rules": [\n {"name": "a",\n  "queue": "nowhere"}]}', "json")
    (finding,) = with_lines(check(spread.rule_set, CATALOG), spread.source).findings
    assert finding.line == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rules: [&a {name: x}, *a]", "anchors and aliases are not taken; write it out. (line 1, column 9)"),
        ("a: &x [1]\nb: *x", "anchors and aliases"),
        ("rules: !!python/object/apply:os.system [ls]", "tags are not taken"),
        ("rules: []\nrules: []", "'rules' is given twice; give it once. (line 2, column 1)"),
        ("rules:\n  - name: a\n    quue: b", "no such field here; leave it out. (rules[0].quue, line 3, column 5)"),
        ("rules:\n  - name: a\n    queue: 5", "put a text in quotes. (rules[0].queue, line 3"),
        ("rules:\n  - name: a\n    priority: 500\n    queue: b", "<= 100. (rules[0].priority, line 3"),
        ("rules: {", "(line 2, column 1)"),
        ("rules: []\n---\nrules: []", "second document"),
        ("", "Expected `object`, got `null`"),
        ("rules: [{name: a, queue: b, when: {field: x, gt: 1e999}}]", "too large"),
        ("rules: " + "[" * 200, "nested more than 60 deep"),
        ("rules: " + '{"a": ' * 200, "nested more than 60 deep"),
        ("rules: \x07", "character that YAML does not take"),
        ('rules: ["\\0"]', "U+0000"),
    ],
)
def test_what_cannot_be_read_says_why_and_where(text: str, told: str) -> None:
    with pytest.raises(Unreadable) as failure:
        read_rules(text.encode(), "yaml")
    assert told in str(failure.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b'{"rules": []', "(line 1, column 13)"),
        (b'{"rules": [], "rules": []}', "'rules' is given twice"),
        (b'{"rules": [{"name": "\\u0000", "queue": "a"}]}', "U+0000"),
        (b'{"rules": [{"name": "\\ud800", "queue": "a"}]}', "This is no JSON"),
        (b"[" * 100_000, "This is no JSON"),
        (b"\xff", "not in UTF-8"),
        (b'{"rules": [{"name": "a", "queue": "b", "when": {"field": "x", "gt": NaN}}]}', "This is no JSON"),
    ],
)
def test_json_that_cannot_be_read_says_why(text: bytes, told: str) -> None:
    with pytest.raises(Unreadable) as failure:
        read_rules(text, "json")
    assert told in str(failure.value)
