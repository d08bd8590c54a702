"""What is wrong with one contact, or with what its rules add, keeps no other contact waiting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from gateway.rest_call import RateLimit
from router.decisions import explain_decision
from router.rules.deciding import compile_rules, decide
from router.rules.linting import check
from store.ids import new_id
from tests.flow.rest_client import client_of, sign_in
from tests.store.company import Company, open_company

PHONES = tuple(f"+1415555{number:04d}" for number in range(3))


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        await company.value("insert into queue (id, name) values ('senior', 'Senior') returning id")
        yield company


async def publish(company: Company, **rule: object) -> None:
    """One rule, in force at once."""
    body = msgspec.json.encode({"rules": [{"name": "one", "queue": "senior"} | rule]}).decode()
    await company.value("insert into rule_set (body) values ($1::jsonb) returning version", body)


async def test_a_customer_who_cannot_be_read_waits_in_the_default_queue_and_the_others_are_offered(
    company: Company,
) -> None:
    await company.seat(await company.hire())
    await publish(company, queue="auto", when={"field": "contacts_30_days", "ge": 1})
    for phone in PHONES:
        await company.text(phone)
    broken = await company.value(
        """
        update customer set facts = '{"name": {"source": 5}}'
         where id = (select customer_id from handle where value = $1) returning id
        """,
        PHONES[0],
    )
    await company.drain()
    rows = await company.rows(
        """
        select c.customer_id = $1 as broken, c.queue_id, c.unrouted, d.rule, d.alert, d.inputs::text as inputs,
               exists (select from offer o where o.contact_id = c.id) as offered
          from contact c join decision d on d.id = c.decision_id order by c.arrived_at, c.id
        """,
        broken,
    )
    assert [row["queue_id"] for row in rows] == ["general", "auto", "auto"]
    assert [(row["rule"], row["alert"]) for row in rows[1:]] == [("one", None)] * 2
    assert (rows[0]["broken"], rows[0]["rule"], rows[0]["inputs"]) == (True, None, '{"facts": {}}')
    assert rows[0]["alert"].startswith("the rules could not be run: ")
    assert [(row["unrouted"], row["offered"]) for row in rows] == [(False, True)] * 3


async def test_of_a_long_message_rules_see_the_begin_and_so_does_who_asks_why(company: Company) -> None:
    await publish(company, when={"field": "text", "contains": "refund"})
    await company.text(PHONES[0], "x" * 1990 + "a refund, and more")
    await company.text(PHONES[1], "x" * 1994 + "a refund")
    await company.text(PHONES[2], "x" * 15_000 + "a refund")
    await company.drain()
    rows = await company.rows("select d.id, d.rule from decision d join contact c on c.id = d.contact_id order by c.id")
    assert [row["rule"] for row in rows] == ["one", None, None]
    for row in rows:
        async with company.pool.acquire() as connection:
            why = await explain_decision(connection, row["id"])
        assert why is not None
        assert why.agrees


async def test_others_have_their_turn_between_the_decisions_of_two_contacts(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns, seen = 0, set()

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def decided(*given: Any) -> Any:
        seen.add(turns)
        return decide(*given)

    monkeypatch.setattr("router.routing.decide", decided)
    for phone in PHONES:
        await company.text(phone)
    task = asyncio.create_task(others())
    await company.drain()
    task.cancel()
    assert len(seen) == len(PHONES)


IN_TRANSACTION = """
select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'
"""


async def test_rules_are_checked_beside_the_loop_and_before_the_transaction(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, open_then = asyncio.get_running_loop(), []

    def checked(*given: Any) -> Any:
        question = company.value(IN_TRANSACTION)
        open_then.append(asyncio.run_coroutine_threadsafe(question, loop).result(10))
        return check(*given)

    monkeypatch.setattr("router.rule_versions.check", checked)
    rules = {"rules": [{"name": "rest", "queue": "senior"}]}
    async with client_of(company.pool, RateLimit()) as client:
        admin = await sign_in(company.pool, client, "admin")
        draft = await admin.put("rules/draft", rules)
        await admin.post("rules/check", rules, 200)
        first = await admin.post("rules/draft/publish", {"revision": draft["revision"]})
        await admin.post(f"rules/versions/{first['version']}/roll-back")
        await admin.problem("rules/versions/0/roll-back", 404, method="POST")
    assert open_then == [0, 0, 0]


async def test_effects_that_must_wait_hold_up_neither_dispatch_nor_the_effects_of_others(company: Company) -> None:
    await company.seat(await company.hire())
    await publish(company, queue="general", tags=["seen"])
    await company.text(PHONES[0])
    await company.text(PHONES[1])
    held = "select customer_id from handle where value = $1"
    async with company.pool.acquire() as connection, connection.transaction():
        busy = await connection.fetchval(held, PHONES[0])
        await connection.execute("select from stream where id = $1 for no key update", busy)
        async with asyncio.timeout(1.8):  # who waited would wait for the 2 s of lock_timeout
            await company.worker.drain()
        assert await company.states() == ["offered", "offered"]
        await company.drain()
        tagged = "select count(*) from customer where tags = '{seen}'"
        assert await company.value(tagged) == 1
        assert await company.value("select count(*) from decision where effects_at is null") == 1
    await company.value("update decision set effects_due = clock_timestamp() where effects_at is null returning id")
    await company.drain()
    assert await company.value(tagged) == 2


async def test_a_version_is_compiled_once_however_often_its_decisions_are_explained(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[Any] = []

    def compiling(*given: Any) -> Any:
        compiled.append(given)
        return compile_rules(*given)

    monkeypatch.setattr("router.decisions.compile_rules", compiling)
    await publish(company, name=f"rule {new_id()}")
    for phone in PHONES:
        await company.text(phone)
    await company.drain()
    for row in await company.rows("select id from decision"):
        async with company.pool.acquire() as connection:
            why = await explain_decision(connection, row["id"])
        assert why is not None
        assert [step.held for step in why.steps] == [True]
    assert len(compiled) == 1


async def test_a_decision_keeps_where_words_stand_and_says_when_they_are_gone(company: Company) -> None:
    words = {"any": [{"field": "preview", "contains": "secret"}, {"field": "text", "contains": "secret"}]}
    await publish(company, when=words)
    await company.text(PHONES[0], "my secret" + " and more" * 30)
    await company.text(PHONES[1], "my secret")
    # nothing was written since it arrived: the rules look at what the offer shows
    later = "update contact set arrived_at = clock_timestamp() + interval '1 hour' where preview = $1 returning id"
    await company.value(later, "my secret")
    await company.drain()
    rows = await company.rows("select id, rule, inputs::text as inputs from decision")
    assert [row["rule"] for row in rows] == ["one", "one"]
    assert [row["inputs"] for row in rows if "secret" in row["inputs"]] == []

    async def explained() -> list[tuple[object, ...]]:
        async with company.pool.acquire() as connection:
            found = [await explain_decision(connection, row["id"]) for row in rows]
        return [(why.facts["preview"], why.agrees, sorted(why.gone)) for why in found if why is not None]

    assert {each[1:] == (True, []) for each in await explained()} == {True}
    assert {str(each[0])[:9] for each in await explained()} == {"my secret"}
    await company.value("delete from entry where direction = 'in' returning id")
    assert await explained() == [(None, False, ["preview", "text"])] * 2
