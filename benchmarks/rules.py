"""MICRO, in-process: what deciding about one contact costs beside closures written by hand, in CPU of this thread.

500 different rules, of which the last, the one in the middle or the fifth is the first that holds. Both begin with the
same facts: what has to be folded is folded once per contact on either side. The hand-written ones say the same, each as
one expression.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from statistics import median
from typing import Any

from benchmarks.adapters import Way, interleave
from benchmarks.figures import Report, demand, steadiness
from router.rules.deciding import Compiled, Decision, compile_rules, decide
from router.rules.fields import Fact
from router.rules.language import Rule, RuleSet, Test

RULES = 500
MUST = "<= 1.3"
QUEUES = frozenset({"general", "senior"})
Given = dict[str, Any]
FACTS: dict[str, Fact] = {
    **{"channel": "sms", "class": "messaging", "plan": "gold", "language": "de", "contacts_30_days": 4},
    **{"text": "Where is my order? It was to come on Monday, and nobody answers.", "tags": ("vip", "eu", "press")},
    "now": datetime(2026, 11, 26, 12, 30, tzinfo=UTC),
}


def _pair(number: int) -> tuple[Test, Callable[[Given], bool]]:
    """The same condition as a rule has it and as one would write it; none holds of the facts."""
    word = f"word {number}"
    pairs: list[tuple[Test, Callable[[Given], bool]]] = [
        (Test("text", contains=word), lambda given: word in given["text"]),
        (Test("plan", is_=word), lambda given: given["plan"] == word),
        (Test("tags", has_any=(word, "us")), lambda given: word in given["tags"] or "us" in given["tags"]),
        (Test("contacts_30_days", gt=number + 4), lambda given: given["contacts_30_days"] > number + 4),
        (
            Test(all=(Test("language", is_="de"), Test("text", starts=word))),
            lambda given: given["language"] == "de" and given["text"].startswith(word),
        ),
    ]
    return pairs[number % len(pairs)]


def _sides(place: int) -> tuple[Compiled, list[tuple[str, Callable[[Given], bool]]]]:
    """500 rules, of which the one at this place is the first that holds."""
    pairs = [_pair(number) for number in range(RULES)]
    pairs[place] = (Test("plan", is_="gold"), lambda given: given["plan"] == "gold")
    rules = tuple(Rule(f"rule {n}", "senior", test) for n, (test, _) in enumerate(pairs))
    return compile_rules(RuleSet(rules), {}), [(f"rule {n}", check) for n, (_, check) in enumerate(pairs)]


def _decide(compiled: Compiled, expected: str | None = None) -> None:
    decision = decide(compiled, FACTS, "general", QUEUES)
    assert expected in (None, decision.rule)


def _by_hand(closures: list[tuple[str, Callable[[Given], bool]]], expected: str | None = None) -> None:
    given: Given = {field: value.casefold() if isinstance(value, str) else value for field, value in FACTS.items()} | {
        "tags": frozenset(("vip", "eu", "press"))
    }
    for name, check in closures:
        if check(given):
            decision = Decision("senior", 0, name)
            assert expected in (None, decision.rule)
            return


async def run(seconds: float) -> Report:
    """Three places, each beside its hand-written twin; `seconds` is spent on each."""
    report = Report("rules (micro: in-process, CPU per contact)", [], [], [])
    for name, place in (("the last of 500", RULES - 1), ("at 50 %", RULES // 2), ("at 1 %", RULES // 100)):
        compiled, closures = _sides(place)
        _decide(compiled, f"rule {place}")
        _by_hand(closures, f"rule {place}")
        ours = Way("ours", partial(_decide, compiled), 1, [])
        hand, again = (Way("hand", partial(_by_hand, closures), 1, []) for _ in range(2))
        interleave([ours, hand, again], seconds)
        report.void += filter(None, [steadiness(name, median(hand.rounds), median(again.rounds))])
        report.rows.append(demand(f"{name} holds", ours.microseconds, hand.microseconds, MUST))
    report.notes.append("ours and floor in µs of CPU per contact; floor: closures written by hand")
    return report
