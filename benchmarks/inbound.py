"""Webhook → 2xx: dedupe, identity, conversation, entry, all committed; beside bare apps that write the same."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from statistics import median

from msgspec import Struct

from benchmarks.figures import Report, demand, judge_steadiness, of_rounds, percentile
from benchmarks.load import Caller, Measured, block, dial
from benchmarks.place import Place, count, execute
from tests.outside.company import Company, new_sid

CUSTOMERS = 2000
NEW_SHARE = 0.05
TURNS = 600
REST_SECONDS = 0.005
"""Before every operation alone, so that what ours still routes in the background is not charged to the next."""
ROUNDS = 7
WAYS = ("separate", "function", "one_row")
AGAIN = "function, again"
SETTLED = "select count(*) from contact where unrouted"
OURS = "select count(*) from entry where direction = 'in' and body like 'bench %'"
THEIRS = {
    "separate": "select count(*) from entry where body like 'bench %'",
    "function": "select count(*) from entry where body like 'bench %'",
    "one_row": "select count(*) from one_row where body like 'bench %'",
}
KNOWN = """
with h as (insert into customer select gen_random_uuid() from generate_series(0, $1::int - 1) returning id),
     s as (insert into stream (id) select id from h)
insert into handle select gen_random_uuid(), '+1415222' || lpad((row_number() over () - 1)::text, 4, '0'), id from h
"""


class Variant(Struct):
    """One server under load. `good` counts 2xx over the whole run."""

    name: str
    port: int
    url: str
    good: int = 0


class Writer:
    """Makes signed requests ahead of time, so that signing is not part of a block."""

    def __init__(self, company: Company, rng: random.Random) -> None:
        self._company, self._rng = company, rng
        self._fresh = 0
        self._ready: list[bytes] = []

    def prepare(self, number: int) -> None:
        """Have so many ready."""
        while len(self._ready) < number:
            self._ready.append(self._request())

    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield self._ready.pop() if self._ready else self._request()

    def _request(self) -> bytes:
        sid = new_sid()
        number = self._rng.randrange(CUSTOMERS)
        exchange = 222
        if self._rng.random() < NEW_SHARE:
            self._fresh += 1
            number, exchange = self._fresh % 10_000, 300 + self._fresh // 10_000
        body = f"bench {sid} where is my parcel, it should have been here on Tuesday"
        return self._company.request(self._company.form(f"+1415{exchange}{number:04d}", body, sid))


async def run(place: Place, seconds: float) -> Report:
    """Alone by turns, then 32 and 128 clients by blocks."""
    rng = random.Random(1)
    variants = await _variants(place)
    writer = Writer(place.company, rng)
    report = Report("inbound", [], await place.circumstances(), [])
    report.notes.append(f"{CUSTOMERS} known customers, {NEW_SHARE:.0%} new ones; signatures are checked by ours alone")
    await _warm(variants, writer)
    await _alone(report, variants, writer, rng)
    await _crowd(report, place, variants, writer, seconds)
    await _tail(report, place, variants, writer, seconds)
    await _count(report, place, variants)
    return report


async def _variants(place: Place) -> list[Variant]:
    variants = [Variant("ours", place.port, place.company.database_url)]
    for way in WAYS:
        url = await place.database(f"floor_{way}", "inbound.sql")
        await execute(url, KNOWN.replace("$1", str(CUSTOMERS)))
        variants.append(Variant(way, await place.floor("inbound", way, url), url))
    same = next(variant for variant in variants if variant.name == "function")
    return [*variants, Variant(AGAIN, same.port, same.url)]


async def _warm(variants: list[Variant], writer: Writer) -> None:
    """Plans, connections, and for ours its known customers."""
    for variant in variants:
        writer.prepare(CUSTOMERS * 2)
        callers = await dial(variant.port, 16)
        _add(variant, await block(callers, iter(writer), 1.5))
        _hang_up(callers)


async def _alone(report: Report, variants: list[Variant], writer: Writer, rng: random.Random) -> None:
    """One client: one operation of each in turn, in a new order every time."""
    lines = {variant.name: (await dial(variant.port, 1))[0] for variant in variants}
    took: dict[str, list[float]] = defaultdict(list)
    requests = iter(writer)
    for _ in range(TURNS):
        for variant in rng.sample(variants, len(variants)):
            request = next(requests)
            await asyncio.sleep(REST_SECONDS)
            seconds, status = await lines[variant.name].call(request)
            took[variant.name].append(seconds * 1e6)
            variant.good += 200 <= status < 300
    _hang_up(list(lines.values()))
    p50 = {name: percentile(values, 0.5) for name, values in took.items()}
    report.rows.append(demand("p50 µs, one client, to the function", p50["ours"], p50["function"], "<= 1.3"))
    report.rows.append(demand("p50 µs, one client, to one row", p50["ours"], p50["one_row"]))
    judge_steadiness(report, "p50", p50["function"], p50[AGAIN])


async def _crowd(report: Report, place: Place, variants: list[Variant], writer: Writer, seconds: float) -> None:
    """32 clients, block by block; the median over rounds."""
    rates: dict[str, list[float]] = defaultdict(list)
    for _ in range(ROUNDS):
        for variant in random.sample(variants, len(variants)):
            rates[variant.name].append((await _block(place, variant, writer, 32, seconds)).per_second)
    middle = {name: median(values) for name, values in rates.items()}
    report.rows.append(
        demand("requests/s, 32 clients, to separate statements", middle["ours"], middle["separate"], ">= 2.5")
    )
    report.rows.append(demand("requests/s, 32 clients, to the function", middle["ours"], middle["function"], ">= 1.1"))
    report.rows.append(demand("requests/s, 32 clients, to one row", middle["ours"], middle["one_row"]))
    judge_steadiness(report, "requests/s", middle["function"], middle[AGAIN])


async def _tail(report: Report, place: Place, variants: list[Variant], writer: Writer, seconds: float) -> None:
    """128 clients: the median over rounds of the p99."""
    compared = [variant for variant in variants if variant.name in ("ours", "function", AGAIN)]
    rounds: dict[str, list[list[float]]] = defaultdict(list)
    for _ in range(ROUNDS):
        for variant in random.sample(compared, len(compared)):
            measured = await _block(place, variant, writer, 128, seconds)
            rounds[variant.name].append([second * 1e6 for second in measured.seconds])
    p99 = {name: of_rounds(values, 0.99) for name, values in rounds.items()}
    report.rows.append(demand("p99 µs, 128 clients, to the function", p99["ours"], p99["function"], "<= 0.6"))
    judge_steadiness(report, "p99", p99["function"], p99[AGAIN])


async def _block(place: Place, variant: Variant, writer: Writer, clients: int, seconds: float) -> Measured:
    writer.prepare(int(6000 * seconds))
    await _settle(place)
    callers = await dial(variant.port, clients)
    measured = await block(callers, iter(writer), seconds)
    _hang_up(callers)
    _add(variant, measured)
    return measured


async def _settle(place: Place) -> None:
    """What ours still does in the background must not be charged to the next."""
    for _ in range(200):
        if not await count(place.company.database_url, SETTLED):
            break
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.2)


async def _count(report: Report, place: Place, variants: list[Variant]) -> None:
    """Rows found = 2xx counted."""
    found = {name: await count(v.url, THEIRS.get(name, OURS)) for v in variants if (name := v.name) != AGAIN}
    good = Counter({variant.name: variant.good for variant in variants})
    good["function"] += good.pop(AGAIN)
    for name, rows in found.items():
        report.notes.append(f"{name}: {good[name]} answered 2xx, {rows} rows")
        if rows != good[name]:
            report.void.append(f"{name}: {good[name]} answered 2xx, {rows} rows found")


def _add(variant: Variant, measured: Measured) -> None:
    variant.good += measured.good


def _hang_up(callers: list[Caller]) -> None:
    for caller in callers:
        caller.close()
