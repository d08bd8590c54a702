"""Relationships are seen from both profiles; entries of one timeline are pinned on another's profile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from model.agent import Actor
from model.customer import Customer, Pin, Relationship
from model.event import RelationshipsChanged
from model.refusal import Refused
from profiles.relationship_types import NewRelationshipType, archive_type, define_type
from profiles.relationships import pin, relate, unpin, unrelate
from profiles.sections import fetch_pins, fetch_relationships
from store.ids import new_id
from store.pool import Pool, open_pool
from tests.store.edit_seed import do, done, make, merge_rows, refused
from tests.store.profile_seed import ADA, add_account, add_agent, customer_of, events_after, say


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url, size=6)
    await add_account(opened, "sms-main")
    admin = await add_agent(opened, "Root", "admin")
    await done(opened, define_type, admin, NewRelationshipType("mother", "mother", "child"))
    await done(opened, define_type, admin, NewRelationshipType("colleague", "colleague"))
    yield opened
    await opened.close()


@pytest.fixture
async def mia(pool: Pool) -> Actor:
    return await add_agent(pool, "Mia")


@pytest.fixture
async def ada(pool: Pool, mia: Actor) -> Customer:
    return await make(pool, mia, "Ada")


@pytest.fixture
async def anne(pool: Pool, mia: Actor) -> Customer:
    return await make(pool, mia, "Anne")


async def related(pool: Pool, customer: UUID) -> tuple[Relationship, ...]:
    async with pool.acquire() as connection:
        return await fetch_relationships(connection, customer)


async def pinned(pool: Pool, customer: UUID) -> tuple[Pin, ...]:
    async with pool.acquire() as connection:
        return await fetch_pins(connection, customer)


async def last_event(pool: Pool, customer: UUID) -> object:
    return (await events_after(pool, customer))[-1].event


async def test_a_relationship_is_on_both_profiles_each_from_its_side(
    pool: Pool, mia: Actor, ada: Customer, anne: Customer
) -> None:
    """P5."""
    made = await done(pool, relate, mia, ada.id, "mother", anne.id)
    assert (made.label, made.customer, made.name) == ("mother", anne.id, "Anne")
    assert made.by is not None
    [back] = await related(pool, anne.id)
    assert (back.id, back.label, back.customer, back.name) == (made.id, "child", ada.id, "Ada")
    assert await last_event(pool, ada.id) == RelationshipsChanged((made,), ())
    assert await last_event(pool, anne.id) == RelationshipsChanged((back,), ())


async def test_an_ended_relationship_is_gone_from_both(pool: Pool, mia: Actor, ada: Customer, anne: Customer) -> None:
    """P5."""
    made = await done(pool, relate, mia, ada.id, "mother", anne.id)
    assert await do(pool, unrelate, mia, made.id) is None
    for customer in (ada, anne):
        assert await last_event(pool, customer.id) == RelationshipsChanged((), ())
    assert (await refused(pool, unrelate, mia, made.id)).code == "not_found"
    again = await done(pool, relate, mia, ada.id, "mother", anne.id)
    assert await related(pool, ada.id) == (again,)


async def test_the_same_relationship_twice_is_refused_also_the_other_way_round_where_it_reads_the_same(
    pool: Pool, mia: Actor, ada: Customer, anne: Customer
) -> None:
    """P5: taken."""
    await done(pool, relate, mia, ada.id, "mother", anne.id)
    await done(pool, relate, mia, ada.id, "colleague", anne.id)
    for one, other, type_ in ((ada, anne, "mother"), (ada, anne, "colleague"), (anne, ada, "colleague")):
        outcome = await refused(pool, relate, mia, one.id, type_, other.id)
        assert (outcome.code, outcome.field) == ("taken", "type")
    await done(pool, relate, mia, anne.id, "mother", ada.id)
    assert sorted(each.label for each in await related(pool, ada.id)) == ["child", "colleague", "mother"]


async def test_two_who_relate_the_same_from_both_sides_at_once_make_one(
    pool: Pool, mia: Actor, ada: Customer, anne: Customer
) -> None:
    """P5: both streams are locked in one order."""
    for _ in range(5):
        outcomes = await asyncio.gather(
            do(pool, relate, mia, ada.id, "colleague", anne.id),
            do(pool, relate, mia, anne.id, "colleague", ada.id),
        )
        [made] = [each for each in outcomes if isinstance(each, Relationship)]
        [other] = [each for each in outcomes if isinstance(each, Refused)]
        assert other.code == "taken"
        assert await do(pool, unrelate, mia, made.id) is None


async def test_nobody_relates_to_themselves_to_nobody_or_by_an_unknown_type(
    pool: Pool, mia: Actor, ada: Customer, anne: Customer
) -> None:
    """P5: bad input."""
    admin = await add_agent(pool, "Boss", "admin")
    bob = await make(pool, mia, "Bob")
    await merge_rows(pool, ada.id, bob.id)
    for other in (ada.id, bob.id):
        outcome = await refused(pool, relate, mia, ada.id, "mother", other)
        assert (outcome.code, outcome.field) == ("invalid", "customer")
    assert (await refused(pool, relate, mia, ada.id, "mother", new_id())).field == "customer"
    assert (await refused(pool, relate, mia, new_id(), "mother", ada.id)).code == "not_found"
    assert (await refused(pool, relate, mia, ada.id, "rival", anne.id)).field == "type"
    assert await do(pool, archive_type, admin, "mother") is None
    assert (await refused(pool, relate, mia, ada.id, "mother", anne.id)).field == "type"
    assert (await refused(pool, unrelate, mia, new_id())).code == "not_found"


async def test_an_entry_of_another_timeline_is_kept_in_view(pool: Pool, mia: Actor, anne: Customer) -> None:
    """P5."""
    await say(pool, "I will be late")
    ada = await customer_of(pool, ADA)
    entry = await pool.fetchval("select id from entry")
    made = await done(pool, pin, mia, anne.id, entry)
    assert (made.entry.id, made.entry.body, made.customer) == (entry, "I will be late", ada)
    assert await last_event(pool, anne.id) == RelationshipsChanged((), (made,))
    assert await pinned(pool, anne.id) == (made,)
    outcome = await refused(pool, pin, mia, anne.id, entry)
    assert (outcome.code, outcome.field) == ("taken", "entry")
    assert await do(pool, unpin, mia, made.id) is None
    assert await last_event(pool, anne.id) == RelationshipsChanged((), ())
    assert await pool.fetchval("select count(*) from entry") == 1
    assert (await refused(pool, unpin, mia, made.id)).code == "not_found"


async def test_an_entry_of_the_same_timeline_or_of_none_is_not_pinned(pool: Pool, mia: Actor, anne: Customer) -> None:
    """P5: bad input."""
    await say(pool, "I will be late")
    ada = await customer_of(pool, ADA)
    entry = await pool.fetchval("select id from entry")
    assert (await refused(pool, pin, mia, ada, entry)).field == "entry"
    assert (await refused(pool, pin, mia, anne.id, new_id())).field == "entry"
    assert (await refused(pool, pin, mia, new_id(), entry)).code == "not_found"
