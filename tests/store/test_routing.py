"""From a recorded message to a held contact: rules, offers, and every way an offer ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from model.refusal import Refused
from router.accept import Accepted, accept_offer
from router.endings import end_offer
from router.holding import shown
from router.presence import set_presence
from store.feeds import transaction
from tests.store.company import Company, open_company


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        yield company
        await company.check()


PHONE = "+14155550100"


async def test_a_text_is_offered_to_the_available_agent_and_held_after_accept(company: Company) -> None:
    ines = await company.hire()
    await company.ring(ines, PHONE)
    assert await company.states() == ["offered"]
    accepted = await company.take(ines)
    assert accepted.contact.state == "assigned"
    assert await company.states() == ["assigned"]
    assert await company.value("select status from conversation") == "open"


async def test_nothing_is_offered_to_an_agent_without_a_screen_or_away(company: Company) -> None:
    ines = await company.hire()
    async with transaction(company.pool, company.announce) as tx:
        await set_presence(tx, ines.id, "available", None)
    await company.text(PHONE)
    await company.drain()
    assert await company.states() == ["queued"]


async def test_waiting_work_is_offered_the_moment_an_agent_connects(company: Company) -> None:
    ines = await company.hire()
    await company.text(PHONE)
    await company.drain()
    await company.seat(ines)
    await company.drain()
    assert await company.states() == ["offered"]


async def test_a_contact_nobody_can_take_does_not_block_those_behind_it(company: Company) -> None:
    ines = await company.hire()
    await company.seat(ines)
    async with company.pool.acquire() as connection:
        await connection.execute("insert into queue (id, name) values ('night', 'Night')")
        rules = {"rules": [{"name": "night", "when": {"field": "text", "contains": "night"}, "queue": "night"}]}
        await connection.execute("insert into rule_set (body) values ($1::jsonb)", msgspec.json.encode(rules).decode())
    for number in range(60):
        await company.text(f"+1415555{number:04d}", "a night question")
    await company.text(PHONE, "a day question")
    await company.drain()
    states = await company.states()
    assert states == ["queued"] * 60 + ["offered"]


async def test_a_repeated_accept_is_the_same_answer_and_a_foreign_one_is_forbidden(company: Company) -> None:
    ines, marek = await company.hire("Ines"), await company.hire("Marek")
    await company.ring(ines, PHONE)
    offer = await company.offer_of(ines)
    assert offer is not None
    async with company.pool.acquire() as connection:
        foreign = await accept_offer(connection, offer, marek)
        first = await accept_offer(connection, offer, ines)
        again = await accept_offer(connection, offer, ines)
    assert isinstance(foreign, Refused)
    assert foreign.code == "forbidden"
    assert isinstance(first, Accepted)
    assert isinstance(again, Accepted)
    assert again.contact == first.contact
    assert again.positions == {}
    assert await company.value("select count(*) from entry where kind = 'status'") == 1


async def test_an_accept_after_the_time_by_the_databases_clock_is_gone_and_changes_nothing(company: Company) -> None:
    ines = await company.hire()
    await company.ring(ines, PHONE)
    offer = await company.offer_of(ines)
    assert offer is not None
    await company.value("update offer set expires_at = clock_timestamp() - interval '1 ms' returning id")
    async with company.pool.acquire() as connection:
        late = await accept_offer(connection, offer, ines)
    assert isinstance(late, Refused)
    assert late.code == "gone"
    assert await company.states() == ["offered"]


async def test_a_timed_out_offer_returns_the_contact_with_its_age_and_sets_the_agent_away(company: Company) -> None:
    ines, marek = await company.hire("Ines"), await company.hire("Marek")
    await company.ring(ines, PHONE)
    arrived = await company.value("select arrived_at from contact")
    await company.seat(marek)
    await company.value("update offer set expires_at = clock_timestamp() - interval '1 ms' returning id")
    await company.settle()
    assert await company.offer_of(marek) is not None
    row = (await company.rows("select presence, reason from agent_state where agent_id = $1", ines.id))[0]
    assert tuple(row) == ("away", "missed_offer")
    assert await company.value("select arrived_at from contact") == arrived
    assert await company.value("select fence from contact") == 1


async def test_an_offer_is_not_timed_out_before_its_time(company: Company) -> None:
    ines = await company.hire()
    await company.ring(ines, PHONE)
    offer = await company.offer_of(ines)
    assert offer is not None
    async with transaction(company.pool, company.announce) as tx:
        early = await end_offer(tx, offer, "timed_out")
    assert isinstance(early, Refused)
    assert await company.states() == ["offered"]


async def test_a_decliner_is_passed_over_until_others_were_tried(company: Company) -> None:
    ines, marek = await company.hire("Ines"), await company.hire("Marek")
    await company.ring(ines, PHONE)
    offer = await company.offer_of(ines)
    assert offer is not None
    async with transaction(company.pool, company.announce) as tx:
        assert await end_offer(tx, offer, "declined", agent=ines.id) is None
    await company.drain()
    assert await company.states() == ["queued"], "nobody else is there, and the decliner is not asked again at once"
    await company.seat(marek)
    await company.drain()
    offer = await company.offer_of(marek)
    assert offer is not None
    async with transaction(company.pool, company.announce) as tx:
        assert await end_offer(tx, offer, "declined", agent=marek.id) is None
    await company.drain()
    assert await company.states() == ["offered"], "all were tried: somebody is asked again"


async def test_capacity_is_never_exceeded_and_the_rest_waits(company: Company) -> None:
    ines, marek = await company.hire("Ines", messaging=2), await company.hire("Marek", messaging=1)
    await company.seat(ines)
    await company.seat(marek)
    for number in range(5):
        await company.text(f"+1415555{number:04d}")
    await asyncio.gather(company.drain(), company.drain(), company.drain())
    assert sorted(await company.states()) == ["offered"] * 3 + ["queued"] * 2
    held = dict(await company.rows("select agent_id, used_messaging from agent_state"))
    assert held == {ines.id: 2, marek.id: 1}


async def test_the_agent_longest_idle_is_asked_first(company: Company) -> None:
    ines, marek = await company.hire("Ines"), await company.hire("Marek")
    await company.seat(marek)
    await company.ring(ines, PHONE)
    assert await company.offer_of(marek) is not None
    await company.text("+14155550101")
    await company.drain()
    assert await company.offer_of(ines) is not None


async def test_a_message_during_an_offer_changes_its_preview_not_its_clock(company: Company) -> None:
    ines = await company.hire()
    await company.seat(ines)
    await company.text(PHONE, "first")
    await company.drain()
    expires = await company.value("select expires_at from offer")
    await company.text(PHONE, "second")
    body = await company.value("select body from event where kind = 3 order by seq desc limit 1")
    event = msgspec.json.decode(body)
    assert (event["kind"], event["preview"], event["messages"]) == ("offer_updated", "second", 2)
    assert await company.value("select expires_at from offer") == expires
    assert len(await company.states()) == 1


async def test_auto_accept_gives_the_contact_at_once_and_takes_it_back_unless_it_is_shown(company: Company) -> None:
    ines = await company.hire()
    await company.seat(ines)
    await company.text(PHONE, account="sms-auto")
    await company.drain()
    assert await company.states() == ["assigned"]
    contact = await company.value("select id from contact")
    await company.value("update contact set due_at = clock_timestamp() - interval '1 ms' returning id")
    await company.settle()
    assert await company.states() == ["queued"], "no screen showed it, and the same agent is passed over"
    await company.value("update contact set declined_until = clock_timestamp() - interval '1 ms' returning id")
    await company.drain()
    await company.drain()
    assert await company.states() == ["assigned"]
    async with transaction(company.pool, company.announce) as tx:
        assert await shown(tx, contact, ines) is None
    assert await company.value("select due_at is null and shown from contact")


async def test_a_rule_sends_a_contact_to_its_queue_and_a_broken_one_to_the_default(company: Company) -> None:
    rules = {"rules": [{"name": "auto", "when": {"field": "text", "is": "go"}, "queue": "auto", "priority": 3}]}
    await company.value(
        "insert into rule_set (body) values ($1::jsonb) returning version", msgspec.json.encode(rules).decode()
    )
    await company.text(PHONE, "go")
    await company.drain()
    row = (await company.rows("select rule, queue_id, priority, version from decision"))[0]
    assert tuple(row) == ("auto", "auto", 3, 1)
    await company.value("insert into rule_set (body) values ('{\"rules\": 1}') returning version")
    await company.text("+14155550101", "go")
    await company.drain()
    row = (await company.rows("select rule, queue_id, alert is not null from decision order by at desc limit 1"))[0]
    assert tuple(row) == (None, "general", True)
