"""The cases of the matrix: what is sent, what it must be answered with, and what it may change.

A case gives its steps: each step is a list of requests sent at once, one step after the other. It is not applicable
only where the scheme has no timestamp or no signature (over that part), and says which.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from adapters.base import WebhookRequest
from tests.contract.channels.harness import OTHER_SECRET, HarnessBase, without

NO_TIMESTAMP, NO_SIGNATURE = "no timestamp in scheme", "no signature in scheme"
REASONS = (NO_TIMESTAMP, NO_SIGNATURE)
AT_ONCE = 5
SHOWN = ("entry", "entry_change", "contact", "customer", "consent", "dead_letter", "raw_event", "seen")
"""What a webhook may add, as far as cells are compared by it."""

Must = Literal[
    "refused",
    "entry",
    "letter",
    "nothing",
    "read",
    "any",
    "as genuine",
    "as in order",
    "as in order but for customers",
    "404",
    "413",
]
Delta = Mapping[str, int]


class Plan(Struct, frozen=True):
    """What one cell does."""

    steps: list[list[WebhookRequest]]
    must: Must


class Case(Struct, frozen=True):
    """One column. `plan` gives a reason where it is not applicable."""

    name: str
    plan: Callable[[HarnessBase], Plan | str]


def _once(request: WebhookRequest | None, must: Must, reason: str = NO_SIGNATURE) -> Plan | str:
    return reason if request is None else Plan([[request]], must)


def _changed(harness: HarnessBase) -> Plan | str:
    if not harness.covers_body:
        return NO_SIGNATURE
    request = harness.signed()
    middle = len(request.body) // 2
    body = request.body[:middle] + bytes((request.body[middle] ^ 1,)) + request.body[middle + 1 :]
    return Plan([[replace(request, body=body)]], "refused")


def _typed(harness: HarnessBase) -> Plan:
    request = without(harness.signed(), "content-type")
    other = replace(request, headers=(*request.headers, ("content-type", "text/plain")))
    return Plan([[other]], "refused" if harness.content_type_decides else "any")


def _wrong_secret(harness: HarnessBase) -> Plan | str:
    return NO_SIGNATURE if harness.unsigned() is None else Plan([[harness.signed(OTHER_SECRET)]], "refused")


def _oversize(harness: HarnessBase) -> Plan:
    request = harness.signed()
    return Plan([[replace(request, body=b"x" * (harness.adapter.max_body + 1))]], "413")


def _truncated(harness: HarnessBase) -> Plan:
    body = harness.signed().body
    return Plan([[harness.resigned(body[: len(body) // 2])]], "any")


def _got(harness: HarnessBase) -> Plan:
    request = harness.signed()
    bare = WebhookRequest("GET", request.path, "hub.mode=subscribe&hub.challenge=1&hub.verify_token=x", (), b"")
    return Plan([[bare]], "refused")


def _backwards(harness: HarnessBase) -> Plan:
    must: Must = "as in order but for customers" if harness.order_decides_customers else "as in order"
    return Plan([[request] for request in reversed(harness.requests().values())], must)


def _hostile(name: str) -> Case:
    def plan(harness: HarnessBase) -> Plan:
        body = harness.hostile()[name]
        return Plan([[harness.resigned(body.data)]], body.becomes)

    return Case(name, plan)


def cases() -> list[Case]:
    """Every column but `empty secret configured` and the fixtures, which are asked apart."""
    return [
        Case("unsigned", lambda harness: _once(harness.unsigned(), "refused")),
        Case("wrong secret", _wrong_secret),
        Case("stale", lambda harness: _once(harness.stale(), "refused", NO_TIMESTAMP)),
        Case("replayed", lambda harness: Plan([[request := harness.signed()], [request], [request]], "as genuine")),
        Case("one byte changed", _changed),
        Case("header twice", lambda harness: _once(harness.proof_twice(), "refused")),
        Case("wrong content type", _typed),
        Case("truncated", _truncated),
        Case("oversize", _oversize),
        *(_hostile(name) for name in HOSTILE),
        Case("unknown account", lambda harness: Plan([[harness.signed()]], "404")),
        Case("GET, no challenge", _got),
        Case("duplicate", lambda harness: Plan([[harness.signed()], [harness.signed()]], "as genuine")),
        Case("out of order", _backwards),
        Case(
            f"at once x{AT_ONCE}",
            lambda harness: Plan([[request := harness.signed()] * AT_ONCE, [request]], "as genuine"),
        ),
    ]


HOSTILE = (
    "nested 1,000 deep",
    "number of 5,000 digits",
    "lone surrogate",
    "U+0000",
    "unknown kind",
    "another account's address",
)


def fault(must: Must, statuses: list[int], delta: Delta, expected: Delta) -> str | None:
    """What is wrong with a cell; None where it is as it must be. `expected`: of the genuine one, or in order."""
    refusal = {"refused": {403, 405}, "404": {404}, "413": {413}}.get(must)
    if refusal is not None:
        return None if set(statuses) <= refusal and not delta else f"must be {sorted(refusal)} and change nothing"
    if not all(200 <= status < 300 for status in statuses):
        if must == "any" and set(statuses) <= {403, 415} and not delta:
            return None
        return "must be 2xx"
    letters, entries = delta.get("dead_letter", 0), delta.get("entry", 0) + delta.get("contact", 0)
    shown = {table: count for table, count in delta.items() if table in SHOWN}
    wrong = {
        "entry": letters != 0 or entries == 0,
        "letter": letters != 1 or entries != 0,
        "nothing": bool(letters or entries),
        "read": letters != 0,
        "any": bool(letters) == bool(entries),
        "as genuine": shown != expected or not entries,
        "as in order": shown != expected,
        "as in order but for customers": _said(shown) != _said(expected),
    }[must]
    return f"must be {must}" + (f": {brief(expected)}" if must.startswith("as ") else "") if wrong else None


def _said(delta: Delta) -> Delta:
    return {table: count for table, count in delta.items() if table not in ("customer", "contact")}


def brief(delta: Delta) -> str:
    """A delta in few words: `entry +1, contact +1`."""
    order = {table: number for number, table in enumerate(SHOWN)}
    named = sorted(delta.items(), key=lambda item: (order.get(item[0], 99), item[0]))
    return ", ".join(f"{table} {count:+d}" for table, count in named) or "0 rows"
