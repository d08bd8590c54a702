"""A contact that arrives alone: offered in one statement, or left to dispatch."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import asyncpg
import msgspec
import pytest

from profiles.merge import MergeOrder, merge
from router.dispatch import dispatch
from router.lone import LoneContact, LoneOffers, offer_lone
from store.feeds import Transaction, transaction
from tests.store.company import Company
from tests.store.lone_pairs import routed_alone, taken_alone
from tests.store.skilled import PHONES, asked, decline, hire, rule, skilled


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with skilled(database_url) as company:
        yield company


async def lone(company: Company, contact: LoneContact) -> bool:
    async with company.pool.acquire() as connection:
        return await offer_lone(connection, contact) is not None


async def test_a_contact_that_arrives_alone_is_offered_in_one_statement_to_who_is_idle_longest(
    company: Company,
) -> None:
    await hire(company, "Serves another", messaging=0)
    await hire(company, "Ines")
    await hire(company, "Marek")
    contact = await routed_alone(company)
    assert await lone(company, contact)
    assert await asked(company) == ["Ines"]
    assert await company.value(CHOSEN_BY), "the offer says what it was chosen by"
    assert not await lone(company, contact), "it has been offered"


CHOSEN_BY = """
select (o.need_id, o.order_key, o.prefer_id, o.declined_by, o.selection, o.interruptible)
       is not distinct from (c.need_id, c.order_key, null::uuid, null::uuid[], q.selection, q.interruptible)
       and o.need_id is not null and o.order_key is not null and o.round_at < o.created_at
  from offer o join contact c on c.id = o.contact_id join queue q on q.id = c.queue_id
"""
CARD = "select body::text from event where kind = 3 order by seq desc limit 1"


async def test_the_agent_is_told_the_same_as_by_dispatch(company: Company) -> None:
    await hire(company)
    contact = await routed_alone(company)
    told = []
    async with company.pool.acquire() as connection:
        for work in (lambda tx: offer_lone(tx.connection, contact), dispatch):
            change = connection.transaction()
            await change.start()
            assert await work(Transaction(connection))
            card = msgspec.json.decode(await connection.fetchval(CARD))
            told.append({**card, "offer": "", "offered_at": "", "expires_at": ""})
            wait = msgspec.convert([card["offered_at"], card["expires_at"]], list[datetime])
            assert (wait[1] - wait[0]).total_seconds() == 20
            await change.rollback()
    assert told[0] == told[1]
    await company.drain()


END_LAST = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity
 where datname = current_database() and pid <> pg_backend_pid() and query like '%insert into offer%'
"""


async def test_what_arrives_alone_is_offered_after_the_kept_connection_was_lost(company: Company) -> None:
    ines = await hire(company, "Ines")
    async with LoneOffers(company.pool) as lone:
        assert await lone.offer(await routed_alone(company)) is not None
        await decline(company, ines)
        await company.value("update contact set state = 'closed' returning id")
        assert await company.value(END_LAST) is True
        contact = await routed_alone(company)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
            await lone.offer(contact)
        assert await lone.offer(contact) is not None
    assert await asked(company) == ["Ines"]


BEFORE = (
    "update queue set selection = 'round_robin' returning id",
    "update queue set offer_to = 2 returning id",
    "update queue set auto_accept = true returning id",
)


@pytest.mark.parametrize("change", BEFORE)
async def test_a_queue_that_chooses_otherwise_is_left_to_dispatch(company: Company, change: str) -> None:
    await hire(company)
    await company.value(change)
    await company.text(PHONES[0])
    assert await taken_alone(company) is None
    await company.drain()


async def test_what_others_wait_beside_is_left_to_dispatch(company: Company) -> None:
    await hire(company)
    await company.text(PHONES[0])
    await company.text(PHONES[1])
    assert await taken_alone(company) is None, "two at once"
    await company.text(PHONES[2])
    assert await taken_alone(company) is None, "two wait already"
    await company.drain()


async def test_what_prefers_somebody_is_left_to_dispatch(company: Company) -> None:
    await rule(company, prefers={"billing": 1})
    await hire(company)
    await company.text(PHONES[0])
    assert await taken_alone(company) is None
    await company.drain()


async def test_who_was_merged_is_left_to_dispatch(company: Company) -> None:
    """The card names them as who they are now, which is not read from their own row."""
    ada = await company.hire("Ada", role="supervisor")
    for phone in PHONES[:2]:
        await company.text(phone)
    roots = [row["customer_id"] for row in await company.rows("select customer_id from handle order by value")]
    async with transaction(company.pool, company.announce) as tx:
        await merge(tx, MergeOrder(roots[1], roots[0], by=ada))
    for phone in PHONES[:2]:
        await company.value("update contact set state = 'closed' returning id")
        await company.text(phone)
        contact = await taken_alone(company)
        assert (contact is None) == (phone == PHONES[0]), phone


AFTER = (
    "update agent_state set cap_total = 1",
    "update agent_queue set most = 1",
    "update agent_state set presence = 'away'",
    "update agent_state set needs = '{}'",
    "update agent_state set cap_messaging = 0",
    "update contact set declined_until = now(), declined_by = array[(select id from agent)]",
    "update contact set steps = '[]', step_at = now()",
    "update contact set preview = 'more'",
    "update contact set state = 'closed'",
    "update customer set shown_name = 'Ada'",
)


async def test_what_changed_since_it_was_routed_is_left_to_dispatch(company: Company) -> None:
    await hire(company)
    contact = await routed_alone(company)
    async with company.pool.acquire() as connection:
        for after in AFTER:
            change = connection.transaction()
            await change.start()
            await connection.execute(after)
            assert await offer_lone(connection, contact) is None, after
            await change.rollback()
        assert await offer_lone(connection, contact) is not None


async def test_what_others_have_locked_is_not_waited_for(company: Company) -> None:
    await hire(company)
    contact = await routed_alone(company)
    for lock in ("select from contact for no key update", "select from agent_state for no key update"):
        async with company.pool.acquire() as connection, connection.transaction():
            await connection.execute(lock)
            assert not await lone(company, contact), lock
    assert await lone(company, contact)
