"""Who is chosen, by skills, by the queue's way of choosing, under limits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.routing_worker import RoutingWorker
from router.agent_skills import delete_skill, fetch_agent_skills, set_agent_skills
from router.assign import assign
from router.dispatch import dispatch
from router.needs import Need, intern_need, set_agent_queues
from router.rank import Pair, Waiting
from router.skills import SkillLevel
from store.feeds import transaction
from tests.store.company import Company
from tests.store.interleaver import Work, code, try_all
from tests.store.skilled import PHONES, asked, decline, hire, rule, skilled, teach

SPANISH = (SkillLevel("spanish", 3),)


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with skilled(database_url) as company:
        yield company


# --- skills -----------------------------------------------------------------------------------------------------------


async def test_what_requires_a_skill_waits_for_who_has_it_at_that_level(company: Company) -> None:
    await rule(company, skills={"spanish": 3})
    below, ines = await hire(company, "Below", spanish=2, billing=9), await hire(company, seated=False)
    await company.text(PHONES[0])
    await company.drain()
    assert await asked(company) == []
    await teach(company, ines, {"spanish": 3})
    await company.seat(ines)
    await company.drain()
    assert await asked(company) == ["Ines"], "known to the need, which was there before"
    await decline(company, ines)
    await teach(company, ines, {})
    await teach(company, below, {"spanish": 10})
    await company.drain()
    assert await asked(company) == ["Below"]


async def test_preferred_skills_say_who_goes_first_and_leave_nobody_out(company: Company) -> None:
    await rule(company, prefers={"spanish": 2, "billing": 1})
    await hire(company, "Idle longest", messaging=1)
    await hire(company, "One", messaging=1, billing=1)
    await hire(company, "Both", messaging=1, billing=4, spanish=2)
    for phone in PHONES[:3]:
        await company.text(phone)
    await company.drain()
    assert await asked(company) == ["Both", "One", "Idle longest"]


async def test_two_who_change_needs_and_skills_at_once_leave_the_agent_knowing_what_they_serve(
    company: Company,
) -> None:
    async def prepare(company: Company) -> tuple[Work, Work]:
        await company.value("truncate need cascade")
        ines = await company.hire()
        return (
            lambda tx: intern_need(tx.connection, Need("general", "messaging", SPANISH)),
            lambda tx: set_agent_skills(tx.connection, ines.id, {"spanish": 5}),
        )

    async def legal(company: Company, need: Any, taught: object) -> None:
        assert taught is None
        assert await company.value("select needs from agent_state") == [need]

    await try_all(company, prepare, legal)


async def test_a_skill_is_removed_when_nobody_uses_it_any_more(company: Company) -> None:
    async def removed(skill: str) -> str | None:
        async with transaction(company.pool, company.announce) as tx:
            return code(await delete_skill(tx.connection, skill))

    ines = await hire(company, billing=1)
    assert [await removed("billing"), await removed("french")] == ["conflict", "not_found"]
    await rule(company, steps=[{"after": "60s", "skills": {"spanish": 1}}], skills={"billing": 2})
    assert [await removed("billing"), await removed("spanish")] == ["conflict", "conflict"], "rules ask for them"
    await company.text(PHONES[0])
    await company.drain()
    await teach(company, ines, {})
    await company.value("delete from rule_set returning version")
    assert [await removed("billing"), await removed("spanish")] == ["conflict", "conflict"], "somebody waits for them"
    await company.value("update contact set steps = null, step_at = null returning id")
    assert await removed("spanish") is None
    async with transaction(company.pool, company.announce) as tx:
        refused = await set_agent_skills(tx.connection, ines.id, {"spanish": 1})
        too_high = await set_agent_skills(tx.connection, ines.id, {"billing": 11})
    assert [(each.code, each.field) for each in (refused, too_high) if each is not None] == [
        ("not_found", "skills.spanish"),
        ("invalid", "skills.billing"),
    ]
    async with company.pool.acquire() as connection:
        assert await fetch_agent_skills(connection, ines.id) == {}


async def test_a_skill_that_is_not_there_strands_nobody(company: Company) -> None:
    await rule(company, skills={"french": 1}, prefers={"billing": 1})
    await hire(company)
    await company.text(PHONES[0])
    await company.drain()
    assert await asked(company) == ["Ines"]
    assert "french" in await company.value("select alert from decision")


# --- the queue's way of choosing, weights and limits ------------------------------------------------------------------


async def test_a_queue_that_goes_round_asks_each_in_turn_however_idle(company: Company) -> None:
    await company.value("update queue set selection = 'round_robin' where id = 'general' returning id")
    one, two = await hire(company, "One"), await hire(company, "Two")
    order = []
    for phone in PHONES[:4]:
        await company.text(phone)
        await company.drain()
        order.append((await asked(company))[-1])
        for agent in (one, two):
            if await company.offer_of(agent):
                await company.take(agent)
        await company.value(
            "update agent_state set idle_since = '2020-01-01' where agent_id = $1 returning seq", one.id
        )
    assert order[:2] != order[:1] * 2
    assert order == order[:2] * 2


async def test_the_least_loaded_is_asked_however_long_others_are_idle(company: Company) -> None:
    await company.value("update queue set selection = 'least_loaded' where id = 'general' returning id")
    busy, free = await hire(company, "Busy", messaging=2), await hire(company, "Free", messaging=4)
    for phone in PHONES[:2]:
        await company.text(phone)
        await company.drain()
    await company.take(busy)
    await company.take(free)
    await company.value("update agent_state set idle_since = '2020-01-01' where agent_id = $1 returning seq", busy.id)
    await company.text(PHONES[2])
    await company.drain()
    assert await asked(company) == ["Free"]


async def test_a_contact_takes_as_many_slots_as_its_queue_says_also_when_it_waited_before(company: Company) -> None:
    ines = await hire(company, messaging=3, seated=False)
    for phone in PHONES[:3]:
        await company.text(phone)
    await company.drain()
    await company.value("update queue set weight = 2 where id = 'general' returning id")
    await company.seat(ines)
    await company.drain()
    assert await company.states() == ["offered", "queued", "queued"]
    assert await company.value("select used_messaging from agent_state where agent_id = $1", ines.id) == 2
    await company.value("update queue set weight = 1 where id = 'general' returning id")
    await company.drain()
    assert await company.states() == ["offered", "offered", "queued"]
    await company.check()


async def test_idle_agents_with_too_few_slots_do_not_hide_the_one_with_enough(company: Company) -> None:
    await company.value("update queue set weight = 2 where id = 'general' returning id")
    await hire(company, "Small", messaging=1)
    await hire(company, "Large", messaging=2)
    await company.text(PHONES[0])
    await RoutingWorker(company.pool, company.announce).route_waiting()
    async with transaction(company.pool, company.announce) as tx:
        assert (await dispatch(tx, batch=1)).offered == 1
    assert await asked(company) == ["Large"]


async def test_a_limit_over_all_classes_holds_whatever_the_class_and_interruptible_work_is_beside_it(
    company: Company,
) -> None:
    await company.value("update queue set interruptible = true where id = 'night' returning id")
    ines = await hire(company)
    async with transaction(company.pool, company.announce) as tx:
        await set_agent_queues(tx.connection, ines.id, ["general", "auto", "night"])
    await company.value("update agent_state set cap_total = 2 where agent_id = $1 returning seq", ines.id)
    for phone in PHONES[:2]:
        await company.text(phone)
    await company.text(PHONES[2], account="sms-auto")
    await company.drain()
    assert sorted(await company.states()) == ["offered", "offered", "queued"]
    await rule(company, queue="night")
    await company.text(PHONES[3])
    await company.drain()
    assert sorted(await company.states()) == ["offered", "offered", "offered", "queued"], "it neither waits nor counts"
    await company.value("update agent_state set cap_total = 1 where agent_id = $1 returning seq", ines.id)
    await company.take(ines)
    await company.take(ines)
    assert len(await company.rows("select 1 from contact where state = 'assigned'")) == 2, "nothing is taken away"
    await company.drain()
    assert "queued" in await company.states(), "and nothing new comes"
    await company.value("update agent_state set cap_total = 3 where agent_id = $1 returning seq", ines.id)
    await company.drain()
    assert "queued" not in await company.states()


async def test_a_limit_of_a_queue_leaves_room_for_others_and_hides_nobody(company: Company) -> None:
    ines = await hire(company)
    async with transaction(company.pool, company.announce) as tx:
        await set_agent_queues(tx.connection, ines.id, ["general", "auto"], {"general": 1})
    for phone in PHONES[:2]:
        await company.text(phone)
    await company.text(PHONES[2], account="sms-auto")
    await company.drain()
    assert await company.states() == ["offered", "queued", "assigned"]
    marek = await hire(company, "Marek", messaging=1)
    async with transaction(company.pool, company.announce) as tx:
        assert (await dispatch(tx, batch=1)).offered == 1
    assert await asked(company) == ["Ines", "Marek"]
    await decline(company, marek)
    await company.value("update agent_state set presence = 'away' where agent_id = $1 returning seq", marek.id)
    async with transaction(company.pool, company.announce) as tx:
        await set_agent_queues(tx.connection, ines.id, ["general", "auto"], {"general": None})
    await company.drain()
    assert await company.states() == ["offered", "offered", "assigned"]


async def outright(company: Company) -> tuple[Pair, Pair]:
    """Two contacts for one agent, both decided while there was room."""
    ines = await hire(company)
    for phone in PHONES[:2]:
        await company.text(phone, account="sms-auto")
    await RoutingWorker(company.pool, company.announce).route_waiting()
    rows = await company.rows("select id, need_id from contact order by id")
    one, two = (Pair(Waiting(row["id"], row["need_id"], "messaging", 1, 0), ines.id) for row in rows)
    return one, two


async def test_of_two_given_outright_at_once_for_the_last_place_under_a_limit_one_waits(company: Company) -> None:
    """The guard counts under the agent's lock, whoever waited for it (INV10)."""

    async def prepare(company: Company) -> tuple[Work, Work]:
        pairs = await outright(company)
        await company.value("update agent_state set cap_total = 1 returning seq")
        return lambda tx: assign(tx, pairs[0]), lambda tx: assign(tx, pairs[1])

    async def legal(company: Company, one: object, two: object) -> None:
        assert sorted((bool(one), bool(two))) == [False, True]
        assert await company.value("select used_messaging from agent_state") == 1

    await try_all(company, prepare, legal)


async def test_of_two_given_outright_for_the_last_place_of_a_queue_one_waits(company: Company) -> None:
    pairs = await outright(company)
    await company.value("update agent_queue set most = 1 where queue_id = 'auto' returning most")
    given = []
    for pair in pairs:
        async with transaction(company.pool, company.announce) as tx:
            given.append(await assign(tx, pair) is not None)
    assert given == [True, False]
    await company.check()
