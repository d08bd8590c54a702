"""What becomes of who waits: one agent first, several at once, plans, an end by rule."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from gateway.voice_calls import Calls
from gateway.voice_desk import transfer
from model.agent import Actor
from model.refusal import Refused
from model.wire_calls import Target, Transfer
from router.accept import Accepted, accept_offer
from router.closing import close_conversation
from router.endings import end_offer
from router.needs import set_agent_queues
from router.presence import set_presence
from router.relaxing import take_due_steps
from router.steps import step_is_gone
from router.supervising import reassign
from store.feeds import transaction
from tests.store.company import Company
from tests.store.interleaver import Work, accepting, boss, code, try_all
from tests.store.invariants import check
from tests.store.skilled import PHONES, asked, decline, hire, rule, skilled, waited


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with skilled(database_url) as company:
        yield company


# --- one agent first --------------------------------------------------------------------------------------------------


async def test_who_is_asked_first_is_asked_alone_and_by_an_offer(company: Company) -> None:
    ines, _ = await hire(company, "Ines"), await hire(company, "Marek")
    await rule(company, agent={"is": str(ines.id), "wait": "60s"})
    await company.value("update agent_state set idle_since = now() where agent_id = $1 returning seq", ines.id)
    await company.text(PHONES[0])
    await company.drain()
    assert await asked(company) == ["Ines"]
    await decline(company, ines)
    await company.text(PHONES[0], "hello?")
    await company.drain()
    assert await asked(company) == ["Marek"], "rules that run again do not insist"


async def test_nobody_waits_for_one_who_is_away_nor_longer_than_the_rule_says_for_one_who_is_full(
    company: Company,
) -> None:
    ines, _ = await hire(company, "Ines", messaging=1), await hire(company, "Marek")
    await rule(company, agent={"is": str(ines.id), "wait": "60s"})
    await company.text(PHONES[0])
    await company.text(PHONES[1])
    await company.drain()
    assert await asked(company) == ["Ines"], "the other waits for her too: she is there, and full"
    await waited(company, 61)
    await company.drain()
    assert await asked(company) == ["Ines", "Marek"]
    await company.take(ines)
    await company.value("update agent_state set presence = 'away' where agent_id = $1 returning seq", ines.id)
    await company.text(PHONES[2])
    await company.drain()
    assert await asked(company) == ["Marek", "Marek"]


CROWD = """
with a as (insert into agent (id, name, role) select gen_random_uuid(), 'Crowd', 'agent' from generate_series(1, 60)
           returning id),
q as (insert into agent_queue (agent_id, queue_id) select a.id, 'general' from a)
insert into agent_state (agent_id, presence, connected, idle_since)
select a.id, 'available', true, now() - interval '1 hour' from a returning seq
"""
"""More who are free, and idle longer, than a round looks at."""
GO_HOME = """
update agent_state s set connected = false, gone_at = now() - interval '1 day', presence = 'offline'
  from agent a where a.id = s.agent_id and a.name = 'Crowd'
"""


async def test_who_is_asked_first_is_found_among_many_who_are_free(company: Company) -> None:
    await company.value(CROWD)
    ines = await hire(company, "Ines")
    await rule(company, agent={"is": str(ines.id), "wait": "60s"})
    await company.text(PHONES[0])
    await company.drain()
    assert await asked(company) == ["Ines"]
    await company.rows(GO_HOME)


async def test_who_waits_for_one_alone_hides_nobody_from_others(company: Company) -> None:
    await company.value(CROWD)
    ines, olu = await hire(company, "Ines", messaging=1), await hire(company, "Olu")
    async with transaction(company.pool, company.announce) as tx:
        await set_agent_queues(tx.connection, olu.id, ["senior"])
    await rule(company, agent={"is": str(ines.id), "wait": "1h"})
    await company.text(PHONES[0])
    await company.drain()
    await company.text(PHONES[1])
    await company.drain()
    assert await asked(company) == ["Ines"], "the other waits for her too"
    await rule(company, queue="senior")
    await company.text(PHONES[2])
    await company.drain()
    assert await asked(company) == ["Ines", "Olu"]
    await company.rows(GO_HOME)


async def test_whom_a_supervisor_names_in_vain_ends_no_plan(company: Company) -> None:
    marek = await hire(company, "Marek")
    await rule(company, skills={"spanish": 5}, steps=[{"after": "60s", "skills": {}}])
    await company.text(PHONES[0])
    await company.drain()
    contact = await company.value("select id from contact")
    async with transaction(company.pool, company.announce) as tx:
        assert await reassign(tx, contact, marek.id, await company.hire("Sue", role="supervisor")) is None
    await company.value("update agent_state set presence = 'away' where agent_id = $1 returning seq", marek.id)
    await waited(company, 61)
    await company.value("update agent_state set presence = 'available' where agent_id = $1 returning seq", marek.id)
    await company.drain()
    assert await company.value("select cardinality(n.skills) from contact c join need n on n.id = c.need_id") == 0


async def test_what_was_handed_to_one_who_left_goes_back_to_the_sender_at_once(company: Company) -> None:
    ines = await hire(company, "Ines")
    await company.text(PHONES[0])
    await company.drain()
    contact = (await company.take(ines)).contact.id
    marek = await hire(company, "Marek")
    calls = Calls(company.pool, company.announce, lambda: None, lambda: None)
    assert await transfer(calls, ines, Transfer(contact, Target(agent=marek.id))) is None
    async with transaction(company.pool, company.announce) as tx:
        assert await set_presence(tx, marek.id, "offline", None) is None
    await company.drain()
    await check(company)
    assert await company.value("select agent_id from contact") == ines.id


# --- several at once --------------------------------------------------------------------------------------------------


async def three_asked(company: Company) -> list[Actor]:
    await company.value("update queue set offer_to = 3 where id = 'general' returning id")
    agents = [await hire(company, name) for name in ("Ines", "Marek", "Olu")]
    await company.text(PHONES[0])
    await company.drain()
    return agents


async def test_of_several_the_first_has_it_and_the_others_are_free_again(company: Company) -> None:
    ines, marek, olu = await three_asked(company)
    assert await asked(company) == ["Ines", "Marek", "Olu"]
    assert await company.value("select sum(used_messaging) from agent_state") == 3, "each holds a slot for it"
    late = await company.offer_of(olu)
    assert late is not None
    accepted = await company.take(marek)
    assert {feed.id for feed in accepted.positions if feed.kind == "agent"} == {ines.id, marek.id, olu.id}
    async with company.pool.acquire() as connection:
        refused = await accept_offer(connection, late, olu)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.message) == ("gone", "A colleague was quicker.")
    told = await company.value("select body from event where kind = 3 and id = $1 order by seq desc limit 1", ines.id)
    assert msgspec.json.decode(told)["reason"] == "taken"
    assert dict(await company.rows("select state, count(*) from offer group by 1")) == {"accepted": 1, "rescinded": 2}
    await company.check()


async def test_one_who_declines_leaves_the_others_and_is_not_asked_again_before_them(company: Company) -> None:
    ines, marek, olu = await three_asked(company)
    await decline(company, ines)
    assert await company.states() == ["offered"]
    assert await asked(company) == ["Marek", "Olu"]
    await decline(company, olu)
    await company.value("update offer set expires_at = clock_timestamp() where state = 'pending' returning id")
    await company.settle()
    assert await asked(company) == ["Ines", "Olu"], "all were asked, and who missed it is away"
    assert await company.value("select fence from contact") == 1, "one round after the other"
    assert await company.value("select presence from agent_state where agent_id = $1", marek.id) == "away"
    async with transaction(company.pool, company.announce) as tx:
        talk = await company.value("select conversation_id from contact")
        assert code(await close_conversation(tx, talk, ines)) == "contacts_live"
    async with transaction(company.pool, company.announce) as tx:
        assert await close_conversation(tx, talk, boss()) is None
    assert await company.value("select sum(used_messaging) from agent_state") == 0
    await company.check()


async def test_of_two_who_accept_at_once_one_has_it(company: Company) -> None:
    agents = await three_asked(company)
    for phone in PHONES[1:4]:  # several rounds, each with everybody in it: whoever locks agents does it in one order
        await company.text(phone)
    await company.drain()
    offers = await company.rows("select id, agent_id, contact_id from offer")
    by_id = {agent.id: agent for agent in agents}

    async def accept(row: Any) -> object:
        async with company.pool.acquire() as connection:
            return await accept_offer(connection, row["id"], by_id[row["agent_id"]])

    answers = await asyncio.gather(*(accept(row) for row in offers))
    won = [row["contact_id"] for row, answer in zip(offers, answers, strict=True) if isinstance(answer, Accepted)]
    assert len(offers) == 12
    assert len(won) == len(set(won)) == 4
    await company.check()


async def test_an_accept_and_the_end_of_another_seat_of_its_round(company: Company) -> None:
    async def prepare(company: Company) -> tuple[Work, Work]:
        ines, marek, _ = await three_asked(company)
        one, two = await company.offer_of(ines), await company.offer_of(marek)
        assert one is not None
        assert two is not None
        return accepting(one, ines), lambda tx: end_offer(tx, two, "declined", agent=marek.id)

    async def legal(company: Company, accepted: object, ended: object) -> None:
        assert isinstance(accepted, Accepted)
        assert code(ended) in (None, "gone")
        assert await company.states() == ["assigned"]

    await try_all(company, prepare, legal)


# --- plans ------------------------------------------------------------------------------------------------------------

STEPS = [
    {"after": "30s", "skills": {"spanish": 2}, "prefers": {"billing": 1}},
    {"after": "60s", "skills": {}},
    {"after": "90s", "queue": "night", "priority": 7},
]


async def plan(company: Company) -> tuple[Any, ...]:
    row = (
        await company.rows(
            "select n.skills, n.levels, n.prefers, c.queue_id, c.priority, jsonb_array_length(c.steps) as left, "
            "c.step_at - c.arrived_at as next from contact c join need n on n.id = c.need_id"
        )
    )[0]
    return (*row[:6], row["next"].total_seconds() if row["next"] else None)


async def test_who_waits_asks_for_less_step_by_step_then_elsewhere_and_keeps_their_age(company: Company) -> None:
    await rule(company, skills={"spanish": 3}, steps=STEPS)
    ines, owl = await hire(company, spanish=2), await hire(company, "Owl")
    async with transaction(company.pool, company.announce) as tx:
        await set_agent_queues(tx.connection, owl.id, ["night"])
    await company.text(PHONES[0])
    await company.drain()
    assert await plan(company) == (["spanish"], [3], [], "general", 0, 3, 30)
    await waited(company, 31)
    await company.drain()
    assert await plan(company) == (["spanish"], [2], ["billing"], "general", 0, 2, 60)
    assert await asked(company) == ["Ines"]
    await waited(company, 60)
    await company.drain()
    assert await plan(company) == (["spanish"], [2], ["billing"], "general", 0, 2, 60), "it rings: nothing changes"
    await decline(company, ines)
    await company.drain()
    assert await plan(company) == ([], [], ["billing"], "night", 7, None, None), "both steps, when it waits again"
    assert await asked(company) == ["Owl"]
    arrived = await company.value("select (extract(epoch from arrived_at) * 1000000)::bigint - order_key from contact")
    assert arrived == 7 * 120 * 1_000_000, "its age and what its priority is worth"


async def test_rules_that_run_again_replace_the_plan_and_count_from_the_arrival(company: Company) -> None:
    await rule(company, skills={"spanish": 3}, steps=STEPS)
    await company.text(PHONES[0])
    await company.drain()
    await waited(company, 65)
    await company.text(PHONES[0], "hello?")
    await company.drain()
    assert await plan(company) == ([], [], ["billing"], "general", 0, 1, 90)
    assert await company.value("select count(*) from decision") == 1, "the same decision"
    await rule(company, steps=[{"after": "70s", "queue": "senior"}])
    await company.text(PHONES[0], "anybody?")
    await company.drain()
    assert await plan(company) == ([], [], [], "general", 0, 1, 70)
    assert await company.value("select count(*) from decision") == 2


async def test_a_step_to_a_queue_that_is_gone_is_passed_over_and_told(company: Company) -> None:
    steps = [{"after": "30s", "queue": "night"}, {"after": "31s", "skills": {}}]
    await rule(company, skills={"spanish": 3}, steps=steps)
    await hire(company)
    await company.text(PHONES[0])
    await company.drain()
    await company.value("delete from queue where id = 'night' returning id")
    await waited(company, 32)
    async with transaction(company.pool, company.announce) as tx:
        relaxed = await take_due_steps(tx.connection)
    assert (relaxed.count, *relaxed.alerts) == (1, step_is_gone("all", "night"))
    await company.drain()
    assert await asked(company) == ["Ines"]
    assert await plan(company) == ([], [], [], "general", 0, None, None)


# --- an end by rule ---------------------------------------------------------------------------------------------------


async def test_what_a_rule_closes_is_offered_to_nobody_and_stays_on_the_timeline(company: Company) -> None:
    await hire(company)
    await rule(company, close=True)
    await company.text(PHONES[0], "STOP CALLING ME")
    await company.drain()
    assert await company.states() == ["queued"]
    await check(company)
    await company.worker.settle()
    assert await company.states() == ["closed"]
    assert await company.value("select count(*) from offer") == 0
    assert await company.value("select body from entry") == "STOP CALLING ME"
    assert await company.value("select status from conversation") == "new"
    await rule(company)
    await company.text(PHONES[0], "a question")
    await company.drain()
    assert await company.states() == ["closed", "offered"]


async def test_who_writes_on_before_it_is_closed_is_looked_at_anew(company: Company) -> None:
    await hire(company)
    await rule(company, close=True)
    await company.text(PHONES[0])
    await company.drain()
    await rule(company)
    await company.text(PHONES[0], "a question")
    await company.worker.settle()
    assert await company.states() == ["queued"]
    await company.drain()
    assert await company.states() == ["offered"]


async def test_what_a_rule_closes_is_kept_from_its_owner_and_has_no_plan(company: Company) -> None:
    ines = await hire(company)
    await company.text(PHONES[0])
    await company.drain()
    await company.take(ines)
    await company.value("update contact set preview_direction = 'out', due_at = clock_timestamp() returning id")
    await company.worker.settle()
    assert await company.states() == ["parked"]
    await rule(company, close=True, agent={"is": str(ines.id)}, steps=[{"after": "1s", "priority": 5}])
    await company.text(PHONES[0], "thanks!")
    await waited(company, 2)
    await company.drain()
    assert await company.states() == ["queued"]
    await company.worker.settle()
    assert await company.states() == ["closed"]
    assert await company.value("select count(*) from offer") == 1
