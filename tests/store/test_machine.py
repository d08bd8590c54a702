"""What must never be found in the database, and waiting work beside agents who could take it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from gateway.profile_facts import profile_facts
from gateway.voice_calls import Calls
from gateway.voice_desk import transfer
from model.wire_calls import Target, Transfer
from router.assign import assign
from router.due import left_contacts, overdue_offers
from router.endings import rescind_left
from router.finishing import finish
from router.holding import leave_agent
from router.needs import set_agent_queues
from router.presence import disconnect_screen, set_presence
from router.routing import fetch_rules, route
from store.feeds import transaction
from tests.store.company import Company, open_company
from tests.store.interleaver import OTHER_PHONE, PHONE, held, in_transaction, paired_outright
from tests.store.invariants import check


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        yield company


MANY = 50
"""As many agents or contacts as one round of dispatch looks at."""


async def test_many_idle_agents_of_another_queue_do_not_hide_the_one_who_serves(company: Company) -> None:
    await company.value("insert into queue (id, name) values ('night', 'Night') returning id")
    await company.value("insert into need (queue_id, class) values ('night', 'messaging') returning id")
    for number in range(MANY):
        watchman = await company.hire(f"Watchman {number}")
        async with transaction(company.pool, company.announce) as tx:
            await set_agent_queues(tx.connection, watchman.id, ["night"])
        await company.seat(watchman)
    await company.seat(await company.hire())
    await company.text("+14155550100")
    await company.drain()
    await check(company)


async def test_many_agents_full_of_texts_do_not_hide_the_one_with_a_free_slot(company: Company) -> None:
    agents = [await company.hire(f"Agent {number}", messaging=1) for number in range(MANY + 1)]
    for agent in agents:
        await company.seat(agent)
    for number in range(MANY + 1):
        await company.text(f"+1415555{number:04d}")
    await company.drain()
    held = [await company.take(agent) for agent in agents]
    async with transaction(company.pool, company.announce) as tx:
        assert await finish(tx, held[-1].contact.id, agents[-1]) is None
    await company.text("+14155560000")
    await company.drain()
    await check(company)


async def test_many_contacts_that_wait_for_an_absent_owner_do_not_delay_one_whose_owner_is_here(
    company: Company,
) -> None:
    absent, ines = await company.hire("Absent", messaging=MANY), await company.hire()
    await company.seat(absent)
    phones = [f"+1415555{number:04d}" for number in range(MANY)]
    for phone in phones:
        await company.text(phone)
    await company.drain()
    for _ in phones:
        await company.take(absent)
    async with transaction(company.pool, company.announce) as tx:
        await set_presence(tx, absent.id, "away", "lunch")
    await company.seat(ines)
    await company.text("+14155560000")
    await company.drain()
    await company.take(ines)
    async with company.pool.acquire() as connection:
        await connection.execute("update contact set preview_direction = 'out', due_at = clock_timestamp()")
    await company.worker.settle()
    for phone in [*phones, "+14155560000"]:
        await company.text(phone, "are you there?")
    await company.drain()
    await check(company)


async def test_a_capacity_lowered_under_what_is_held_stops_neither_other_work_nor_others(company: Company) -> None:
    ines = await company.hire()
    await company.seat(ines)
    await company.text("+14155550100")
    await company.drain()
    await company.take(ines)
    async with company.pool.acquire() as connection:  # the product takes no mail yet; the machine knows it
        await connection.execute("update offer set class = 'mail'")
        await connection.execute("update contact set class = 'mail'")
        await connection.execute("update agent_state set used_messaging = 0, used_mail = 1, cap_mail = 0")
    await company.text("+14155550101")
    await company.drain()
    assert await company.states() == ["assigned", "offered"]


async def test_what_was_found_overdue_is_kept_by_an_agent_who_came_back_in_time(company: Company) -> None:
    ines, contact, _ = await held(company)
    await company.text(OTHER_PHONE)
    await company.drain()
    offer = await company.offer_of(ines)
    assert offer is not None
    await company.value("update screen set id = id returning id")
    screen = await company.value("select id from screen")
    await in_transaction(company, lambda tx: disconnect_screen(tx, ines.id, screen))
    await company.value("update agent_state set gone_at = gone_at - interval '61 s' returning agent_id")
    async with company.pool.acquire() as connection:
        left, offers = await left_contacts(connection), await overdue_offers(connection)
    assert [gone.contact for gone in left] == [contact]
    assert [found.offer for found in offers] == [offer]
    await company.seat(ines)
    await in_transaction(company, lambda tx: leave_agent(tx, contact, ines.id, left[0].why))
    await in_transaction(company, lambda tx: rescind_left(tx, offer, offers[0].reason))
    assert await company.states() == ["assigned", "offered"]


async def test_a_contact_the_rules_moved_meanwhile_is_not_given_outright_by_its_old_queue(company: Company) -> None:
    await company.value("insert into queue (id, name) values ('night', 'Night') returning id")
    rules = {"rules": [{"name": "night", "when": {"field": "text", "contains": "night"}, "queue": "night"}]}
    await company.value(
        "insert into rule_set (body) values ($1::jsonb) returning version", msgspec.json.encode(rules).decode()
    )
    ines = await company.hire()
    await company.seat(ines)
    await company.text(PHONE, account="sms-auto")
    pair = await paired_outright(company)
    await company.text(PHONE, "a night question", account="sms-auto")
    async with company.pool.acquire() as connection, connection.transaction():
        await route(connection, await fetch_rules(connection), profile_facts)
    await in_transaction(company, lambda tx: assign(tx, pair))
    assert await company.states() == ["queued"], "nobody serves the night"


async def test_who_took_over_a_contact_owns_it_like_any_other(company: Company) -> None:
    """Parked, it is theirs outright when the customer writes again: whoever handed it on has no say in it any more."""
    ines, contact, _ = await held(company)
    marek = await company.hire("Marek")
    await company.seat(marek)
    calls = Calls(company.pool, company.announce, lambda: None, lambda: None)
    order = Transfer(contact=contact, to=Target(agent=marek.id), ref="r")
    assert await transfer(calls, ines, order) is None
    await company.drain()
    await company.take(marek)
    await company.value(
        "update contact set preview_direction = 'out', due_at = clock_timestamp() - interval '1 ms' returning id"
    )
    await company.settle()
    assert await company.states() == ["parked"]
    await company.text(PHONE, "one more thing")
    await company.drain()
    assert await company.states() == ["assigned"]
    assert await company.value("select agent_id from contact") == marek.id
