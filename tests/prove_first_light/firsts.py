"""The same message many times at once, and many first messages of new people at once, to two processes."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg

from tests.outside.company import Company, new_sid
from tests.outside.verdict import Verdict
from tests.prove_first_light.stage import Stage

COPIES, IDS = 16, 100
PEOPLE, MESSAGES = 1000, 5
AT_ONCE = 20
TRIES = 10

COUNTS = """
with h as (select id, customer_id from handle where value = any ($1))
select (select count(*) from h) as handles,
       (select count(*) from customer) as customers,
       (select count(*) from conversation v
         where exists (select from h where h.customer_id = v.customer_id)) as conversations,
       (select count(*) from contact c where exists (select from h where h.customer_id = c.customer_id)) as contacts,
       (select count(*) from entry e
         where exists (select from h where h.id = e.handle_id) and e.kind = 'message') as entries
"""


async def show(stage: Stage) -> list[Verdict]:
    """Both races, counted in the database."""
    company = await stage.demo().start()
    connection = await asyncpg.connect(company.database_url)
    try:
        return [await _same(company, connection), *await _first(stage, company, connection)]
    finally:
        await connection.close()
        company.hang_up()


async def _same(company: Company, connection: asyncpg.Connection[asyncpg.Record]) -> Verdict:
    statuses: list[int] = []
    numbers = [f"+1415420{index:04d}" for index in range(IDS)]
    for number in numbers:
        form = company.form(number, uuid4().hex, new_sid())
        request = company.request(form)
        answers = await asyncio.gather(*(company.send(request, copy % len(company.urls)) for copy in range(COPIES)))
        statuses += [answer.status for answer in answers]
    row = await connection.fetchrow(COUNTS, numbers)
    fine = (
        row is not None and row["entries"] == IDS == row["contacts"] and {status // 100 for status in statuses} == {2}
    )
    observed = f"{row['entries']} entries, {row['contacts']} contacts, answers {sorted(set(statuses))}" if row else "-"
    return Verdict(
        f"the same MessageSid {COPIES} times at once to two processes: one entry", f"{IDS} ids", observed, fine
    )


async def _first(stage: Stage, company: Company, connection: asyncpg.Connection[asyncpg.Record]) -> list[Verdict]:
    numbers = [f"+1415{exchange}{index:04d}" for exchange in (430, 431) for index in range(PEOPLE // 2)]
    stage.rng.shuffle(numbers)
    gate = asyncio.Semaphore(AT_ONCE)
    again = 0

    async def person(number: str) -> None:
        nonlocal again
        async with gate:
            again += sum(await asyncio.gather(*(_until_taken(company, number, n) for n in range(MESSAGES))))

    before = await connection.fetchval("select count(*) from customer")
    began = asyncio.get_running_loop().time()
    await asyncio.gather(*(person(number) for number in numbers))
    took = asyncio.get_running_loop().time() - began
    row: Any = dict(await connection.fetchrow(COUNTS, numbers) or {})
    row["customers"] -= before
    wanted = {"customers": PEOPLE, "conversations": PEOPLE, "entries": PEOPLE * MESSAGES}
    dose = f"{PEOPLE} people, {MESSAGES} at once each, {took:.0f} s, {again} delivered again"
    return [
        Verdict(
            f"five first messages of a new person at once: {count} {what}", dose, str(row[what]), row[what] == count
        )
        for what, count in wanted.items()
    ]


async def _until_taken(company: Company, number: str, n: int) -> int:
    """Deliver one message until 2xx; how many times it had to be delivered again."""
    request = company.request(company.form(number, f"first {n} {uuid4().hex}", new_sid()))
    for attempt in range(TRIES):
        if (await company.send(request, n % len(company.urls))).status // 100 == 2:
            return attempt
        await asyncio.sleep(0.2 * 2**attempt)
    raise RuntimeError("a message was never taken")
