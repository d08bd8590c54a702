"""Merges during deliveries: two processes record, others merge and take apart what is being written to."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

import asyncpg
from msgspec import Struct

from gateway.recorder import Recorder
from model.agent import Actor
from model.customer import MergeView
from model.inbound import HandleRef, InboundMessage
from model.refusal import Refused
from profiles.merge import MergeOrder, merge
from profiles.record import Delivery
from profiles.unmerge import undo
from store.feeds import Transaction, transaction
from store.pool import Pool, open_pool
from tests.store.company import Company, open_company
from tests.store.merged import FLAT

T = TypeVar("T")
MERGERS = 4
AT_ONCE = 200
"""Deliveries under way, of both processes together."""
ATTEMPTS = 3
"""As a request that changes something has."""
LOST = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
ONE_IN = 10
"""Of the deliveries one in so many reaches both processes; of the merges one in so many is undone."""


class Outcome(Struct):
    """What the storm left. `deadlocks`: those the database had to break; `wrong`: what must not be."""

    deliveries: int
    taken: int = 0
    merges: int = 0
    undone: int = 0
    again: int = 0
    """Merges that were tried again, because another change was first."""
    deadlocks: int = 0
    groups: int = 0
    errors: Counter[str] = Counter()
    wrong: list[str] = []


async def storm(url: str, deliveries: int, merges: int, rng: random.Random) -> Outcome:
    """Deliver and merge at once, in an empty database; everybody is known to begin with."""
    outcome = Outcome(deliveries, errors=Counter(), wrong=[])
    async with open_company(url) as company:
        other = await open_pool(url)
        try:
            actor = await company.hire()
            people = [f"+1415{number:07}" for number in rng.sample(range(2_000_000, 9_999_999), 2 * merges + 2)]
            recorders = [Recorder(pool, company.announce, lambda _: None, deliveries) for pool in (company.pool, other)]
            await _deliver(recorders, people, [f"first-{phone}" for phone in people], rng, outcome)
            customers = [row["customer_id"] for row in await company.rows("select customer_id from handle")]
            writing = asyncio.create_task(
                _deliver(recorders, people, [f"message {number}" for number in range(deliveries)], rng, outcome)
            )
            pools = [company.pool, other] * (MERGERS // 2)
            quota = [merges // MERGERS + (place < merges % MERGERS) for place in range(MERGERS)]
            await asyncio.gather(
                *(_merge(pool, actor, customers, (most, rng), outcome) for pool, most in zip(pools, quota, strict=True))
            )
            await writing
        finally:
            await other.close()
        outcome.wrong = await _wrong(company, len(people) + deliveries)
        outcome.groups = await company.value("select count(distinct root_id) from customer")
        outcome.deadlocks = await company.value(DEADLOCKS)
    return outcome


async def _deliver(
    recorders: list[Recorder], people: list[str], bodies: list[str], rng: random.Random, outcome: Outcome
) -> None:
    few = asyncio.Semaphore(AT_ONCE)

    async def one(number: int, body: str) -> None:
        phone = people[number] if body.startswith("first") else rng.choice(people)
        message = InboundMessage(body, HandleRef("phone", phone), body)
        delivery = Delivery("sms-main", "sms", message, None, "", None, b"")
        reached = recorders if rng.randrange(ONE_IN) == 0 else [rng.choice(recorders)]
        async with few:
            try:
                await asyncio.gather(*(recorder.submit(delivery) for recorder in reached))
            except Exception as error:
                outcome.errors[f"delivery: {type(error).__name__}"] += 1
        outcome.taken += not body.startswith("first")

    await asyncio.gather(*(one(number, body) for number, body in enumerate(bodies)))


async def _merge(
    pool: Pool, actor: Actor, customers: list[UUID], dose: tuple[int, random.Random], outcome: Outcome
) -> None:
    most, rng = dose
    made = 0
    while made < most:
        # spread over all of the deliveries
        while outcome.taken < outcome.deliveries * made // most:  # noqa: ASYNC110  # other tasks make the progress
            await asyncio.sleep(0.005)
        survivor, loser = rng.sample(customers, 2)
        order = MergeOrder(survivor, loser, by=actor)
        done = await _try(pool, lambda tx, order=order: merge(tx, order), outcome)  # type: ignore[misc]
        if not isinstance(done, MergeView):
            continue  # they were one already
        made += 1
        outcome.merges += 1
        if rng.randrange(ONE_IN) == 0:
            id_ = done.id
            back = await _try(pool, lambda tx, id_=id_: undo(tx, id_, actor), outcome)  # type: ignore[misc]
            outcome.undone += isinstance(back, MergeView)


async def _try(
    pool: Pool, work: Callable[[Transaction], Awaitable[T | Refused]], outcome: Outcome
) -> T | Refused | None:
    for attempt in range(ATTEMPTS):
        try:
            async with transaction(pool, lambda _: None) as tx:
                return await work(tx)
        except LOST as error:
            outcome.again += 1
            if attempt == ATTEMPTS - 1:
                outcome.errors[f"merge: {type(error).__name__}"] += 1
    return None


DEADLOCKS = "select deadlocks from pg_stat_database where datname = current_database()"
COUNTS = """
select (select count(*) from entry) as entries, (select count(distinct body) from entry) as bodies,
       (select count(*) from handle where customer_id is null) as ownerless
"""
SHOWN = """
select m.root_id, count(*) from customer m join conversation v on v.customer_id = m.id
 where v.status <> 'closed' and v.folded_into is null group by m.root_id having count(*) <> 1
"""
ROOTS = "select c.id from customer c join customer r on r.id = c.root_id where r.root_id <> r.id"
# Following the live links from a leaf must end at its root.
LINKS = """
with recursive up(leaf, id) as (
    select c.id, c.id from customer c
     union all
    select up.leaf, g.survivor_id from up join merge g on g.loser_id = up.id and g.undone_at is null)
select c.id from up join customer c on c.id = up.leaf
 where not exists (select from merge g where g.loser_id = up.id and g.undone_at is null) and c.root_id <> up.id
"""
ELSEWHERE = """
select e.id from entry e join handle h on h.id = e.handle_id where e.customer_id <> h.customer_id
"""


async def _wrong(company: Company, expected: int) -> list[str]:
    counts = (await company.rows(COUNTS))[0]
    wrong = []
    if counts["entries"] != expected:
        wrong.append(f"{counts['entries']} entries of {expected} messages")
    if counts["bodies"] != expected:
        wrong.append(f"{counts['bodies']} different messages of {expected}")
    if counts["ownerless"]:
        wrong.append(f"{counts['ownerless']} handles of nobody")
    for what, sql in (
        ("not one open conversation shown", SHOWN),
        ("a root under a root", ROOTS),
        ("not the root its links lead to", LINKS),
        ("an entry with another leaf than its handle", ELSEWHERE),
        ("folded wrongly", FLAT),
    ):
        found = await company.rows(sql)
        if found:
            wrong.append(f"{len(found)} times {what}")
    return wrong
