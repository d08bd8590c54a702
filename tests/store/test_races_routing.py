"""Offers at once and by the clock, in a fixed order: one wins, and the other finds out (INV9, INV10, INV12, INV13)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from model.agent import Actor
from model.refusal import Refused
from router.accept import Accepted, accept_offer
from router.assign import assign
from router.dispatch import Dispatched, dispatch
from router.endings import end_offer
from router.rank import Pair, Waiting
from store.feeds import Transaction, transaction
from store.ids import new_id
from tests.store.company import Company, open_company
from tests.store.races import OTHER, PHONE, blocked, stays_open


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        yield company


async def test_two_processes_at_once_never_offer_more_than_an_agent_may_hold(company: Company) -> None:
    ines = await company.hire(messaging=1)
    for number in range(8):  # more than the first looks at
        await company.text(f"+1415555{number:04d}")
    await company.drain()
    await company.seat(ines)

    async def elsewhere() -> Dispatched:
        async with transaction(company.pool, company.announce) as tx:
            return await dispatch(tx)

    async with company.pool.acquire() as connection, stays_open(connection) as tx:
        assert (await dispatch(Transaction(connection), batch=1)).offered == 1
        second = asyncio.create_task(elsewhere())
        await blocked(company.pool, second)
        await tx.commit()
    await asyncio.wait([second])
    assert await company.value("select used_messaging from agent_state") == 1
    assert await company.value("select count(*) from offer where state = 'pending'") == 1
    await company.check()


async def test_of_two_assignments_decided_for_one_free_slot_the_second_finds_it_taken(company: Company) -> None:
    ines = await company.hire(messaging=1)
    for phone in (PHONE, OTHER):
        await company.text(phone, account="sms-auto")
    await company.drain()
    await company.seat(ines)
    outcomes = []
    for row in await company.rows("select id, need_id from contact"):  # each was decided while the slot was free
        decided = Pair(Waiting(row["id"], row["need_id"], "messaging", 1, 0), ines.id)
        async with transaction(company.pool, company.announce) as tx:
            outcomes.append(await assign(tx, decided) is not None)
    assert outcomes == [True, False]
    assert await company.value("select used_messaging from agent_state") == 1
    await company.check()


async def test_of_two_accepts_of_one_contact_one_wins_and_the_other_is_gone(company: Company) -> None:
    offer, agents = await an_offer_to_two(company)
    answers = await asyncio.gather(*(accept(company, mine, actor) for mine, actor in zip(offer, agents, strict=True)))
    assert sorted(isinstance(answer, Accepted) for answer in answers) == [False, True]
    assert await company.value("select count(*) from offer where state = 'accepted'") == 1


async def test_an_offer_of_an_earlier_round_cannot_be_accepted_in_a_later_one(company: Company) -> None:
    """An offer of a round that is over was left standing, whatever went wrong, and is accepted.

    It is pending and the contact is offered, but to somebody else: only the fence tells the rounds apart.
    """
    ines, marek, olga = [await company.hire(name) for name in ("Ines", "Marek", "Olga")]
    await company.ring(ines, PHONE)
    offered = await company.offer_of(ines)
    assert offered is not None
    async with transaction(company.pool, company.announce) as tx:
        assert await end_offer(tx, offered, "declined", agent=ines.id) is None
    stale = await also_asked(company, marek)
    await company.seat(olga)
    await company.drain()
    assert await company.offer_of(olga) is not None
    late = await accept(company, stale, marek)
    assert isinstance(late, Refused)
    assert await company.states() == ["offered"]
    assert (await company.take(olga)).contact.state == "assigned"


async def an_offer_to_two(company: Company) -> tuple[tuple[UUID, UUID], tuple[Actor, Actor]]:
    """A round with two seats: the contact rings for Ines and for Marek."""
    ines, marek = await company.hire("Ines"), await company.hire("Marek")
    await company.ring(ines, PHONE)
    first = await company.offer_of(ines)
    assert first is not None
    return (first, await also_asked(company, marek)), (ines, marek)


async def also_asked(company: Company, agent: Actor) -> UUID:
    """A second seat in the round of the only offer there is."""
    offer = new_id()
    await company.value(
        "insert into offer (id, contact_id, agent_id, seat, fence, class, weight, expires_at) "
        "select $1, contact_id, $2, 1, fence, class, weight, expires_at from offer",
        *(offer, agent.id),
    )
    return offer


async def accept(company: Company, offer: UUID, actor: Actor) -> Accepted | Refused:
    """Accept on a connection of its own."""
    async with company.pool.acquire() as connection:
        return await accept_offer(connection, offer, actor)


SHIFT = """
create schema shifted;
create function shifted.clock_timestamp() returns timestamptz language sql volatile as
$$ select pg_catalog.clock_timestamp() + interval '{by}' $$;
create function shifted.now() returns timestamptz language sql stable as
$$ select pg_catalog.now() + interval '{by}' $$;
"""


async def shift_clock(database_url: str, by: str) -> None:
    """From the next connection on, this database's clock differs from the process's by this interval."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(SHIFT.format(by=by))
    name = await connection.fetchval("select current_database()")
    await connection.execute(f'alter database "{name}" set search_path = shifted, public, pg_catalog')
    await connection.close()


@pytest.mark.parametrize("by", ["1 hour", "-1 hour"])
async def test_an_offer_lives_by_the_databases_clock_whatever_the_process_s_says(database_url: str, by: str) -> None:
    await shift_clock(database_url, by)
    async with open_company(database_url) as company:
        assert abs(await company.value("select extract(epoch from pg_catalog.now() - now())")) > 3000
        ines = await company.hire()
        await company.seat(ines)
        await company.text(PHONE)
        await company.drain()
        await company.settle()
        assert await company.states() == ["offered"], "its time has only begun"
        assert (await company.take(ines)).contact.state == "assigned"


@pytest.mark.parametrize("by", ["1 hour", "-1 hour"])
async def test_an_offer_ends_by_the_databases_clock_whatever_the_process_s_says(database_url: str, by: str) -> None:
    await shift_clock(database_url, by)
    async with open_company(database_url) as company:
        ines = await company.hire()
        await company.seat(ines)
        await company.text(PHONE)
        await company.drain()
        offer = await company.offer_of(ines)
        assert offer is not None
        await company.value("update offer set expires_at = clock_timestamp() - interval '1 ms'")
        late = await accept(company, offer, ines)
        assert isinstance(late, Refused)
        assert late.code == "gone"
        await company.settle()
        assert await company.value("select state from offer") == "timed_out"
