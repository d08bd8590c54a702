"""MICRO, in-process: what verifying and reading one event costs, provider by provider, in CPU of this thread.

The one measurement that imports the product: it asks the adapters themselves, with the fixtures of their tests. Every
request is given in turn, in an order that is shuffled each time; beside it stands the bare work no adapter can do
without, an HMAC over the body and an untyped decode. JSON channels must stay within 60 µs an event; mail is shown only,
for whatever it comes in, because it is read in a process of its own after it was answered, and so is Telnyx, whose
public-key signature alone costs twice as much.
"""

from __future__ import annotations

import gc
import hashlib
import hmac
import random
import time
from collections.abc import Callable
from statistics import median
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from adapters.base import WebhookRequest
from benchmarks.figures import Report, Row, steadiness
from tests.contract.channels.harness import HarnessBase, harnesses

BUDGET_MICROSECONDS = 60.0
PUBLIC_KEYS = ("telnyx",)
"""docs/decisions/0027-public-keys-are-dearer.md."""
ROUNDS = 7
KEY = b"0123456789abcdef0123456789abcdef"


class Way(Struct):
    """One way to do it: what it does with a request, and its CPU time over the rounds, in seconds."""

    name: str
    work: Callable[[], None]
    events: int
    rounds: list[float]

    @property
    def microseconds(self) -> float:
        """Per event, the median of the rounds."""
        return median(self.rounds) / self.events * 1e6


async def run(seconds: float) -> Report:
    """Every fixture of every provider; `seconds` is spent on each provider."""
    report = Report("adapters (micro: in-process, CPU per event)", [], [], [])
    for name, harness in harnesses().items():
        _measure(report, name, harness, seconds)
    report.notes.append("ours and floor in µs of CPU per event; floor: the budget; fixtures of tests/adapters")
    return report


def _measure(report: Report, name: str, harness: HarnessBase, seconds: float) -> None:
    requests = harness.requests()
    ways = [_ours(harness, kind, request) for kind, request in requests.items()]
    twins = [_ours(harness, kind, request) for kind, request in requests.items()]
    bare = [_bare(kind, request) for kind, request in requests.items()]
    interleave([*ways, *twins, *bare], seconds)
    mean, again = (sum(way.microseconds for way in each) / len(each) for each in (ways, twins))
    report.void += filter(None, [steadiness(name, mean, again)])
    worst = max(ways, key=lambda way: way.microseconds)
    kind = dict(harness.signed().headers).get("content-type", "")
    held = "json" in kind and harness.account.channel != "email" and harness.account.provider not in PUBLIC_KEYS
    report.rows += [
        _row(f"{name}: verify + parse, mean of {len(ways)} kinds", mean, held),
        _row(f"{name}: verify + parse, the dearest ({worst.name})", worst.microseconds, held),
    ]
    floor = sum(way.microseconds for way in bare) / len(bare)
    report.notes.append(f"{name}: bare HMAC and decode {floor:.1f} µs, ours {mean / floor:.1f} times as much")


def _row(measure: str, ours: float, held: bool) -> Row:
    ratio = ours / BUDGET_MICROSECONDS
    return Row(measure, ours, BUDGET_MICROSECONDS, ratio, "<= 1" if held else "", ratio <= 1 if held else None)


def _ours(harness: HarnessBase, kind: str, request: WebhookRequest) -> Way:
    adapter, account = harness.adapter, harness.account

    def work() -> None:
        adapter.verify(request, account)
        adapter.parse(request, account)

    return Way(kind, work, max(1, len(adapter.parse(request, account))), [])


def _bare(kind: str, request: WebhookRequest) -> Way:
    body = request.body
    is_json = body[:1] in (b"{", b"[")
    decode: Callable[[bytes], Any] = msgspec.json.decode if is_json else _pairs

    def work() -> None:
        hmac.new(KEY, body, hashlib.sha256).digest()
        decode(body)

    return Way(kind, work, 1, [])


def _pairs(body: bytes) -> list[tuple[str, str]]:
    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)


def interleave(ways: list[Way], seconds: float) -> None:
    """One operation each in turn, in rounds; collected garbage belongs to nobody."""
    for way in ways:
        way.work()
    began = time.thread_time()
    for way in ways:
        way.work()
    times = max(3, int(seconds / ROUNDS / max(time.thread_time() - began, 1e-6)))
    chance = random.Random(times)
    gc.collect()
    gc.disable()
    try:
        for _ in range(ROUNDS):
            for way in ways:
                way.rounds.append(0.0)
            for _ in range(times):
                for way in chance.sample(ways, len(ways)):
                    before = time.thread_time()
                    way.work()
                    way.rounds[-1] += (time.thread_time() - before) / times
    finally:
        gc.enable()
