"""Details and postal addresses: added, changed by revision, removed; each change an event with the section whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from model.agent import Actor
from model.customer import Address, Customer, Detail
from model.event import CustomerChanged, DetailsChanged
from model.refusal import Refused
from profiles.addresses import AddressChange, NewAddress, add_address, change_address, remove_address
from profiles.details import DetailChange, add_detail, change_detail, remove_detail
from profiles.sections import fetch_details
from store.ids import new_id
from store.pool import Pool, open_pool
from tests.store.edit_seed import do, done, in_turn, make, merge_rows, read, refused, seq_of
from tests.store.profile_seed import add_agent, events_after


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url, size=6)
    yield opened
    await opened.close()


@pytest.fixture
async def mia(pool: Pool) -> Actor:
    return await add_agent(pool, "Mia")


@pytest.fixture
async def ada(pool: Pool, mia: Actor) -> Customer:
    return await make(pool, mia, "Ada")


async def details_of(pool: Pool, customer: UUID) -> tuple[Detail, ...]:
    async with pool.acquire() as connection:
        return await fetch_details(connection, customer)


# --- details ---


async def test_a_detail_is_added_with_author_and_time_in_one_event(pool: Pool, mia: Actor, ada: Customer) -> None:
    """P4."""
    at = await seq_of(pool, ada.id)
    first = await done(pool, add_detail, mia, ada.id, new_id(), "Allergic to nuts\n")
    second = await done(pool, add_detail, mia, ada.id, new_id(), "Prefers the third floor")
    assert (first.body, first.by.name if first.by else None, first.revision) == ("Allergic to nuts", "Mia", 1)
    assert await details_of(pool, ada.id) == (second, first)
    logged = await events_after(pool, ada.id, at)
    assert [each.event for each in logged] == [DetailsChanged((first,)), DetailsChanged((second, first))]


async def test_the_same_detail_sent_twice_is_one(pool: Pool, mia: Actor, ada: Customer) -> None:
    """P4: a screen that reconnects sends it again."""
    id_ = new_id()
    outcomes = await asyncio.gather(*(do(pool, add_detail, mia, ada.id, id_, "Allergic to nuts") for _ in range(3)))
    assert len(set(map(str, outcomes))) == 1
    assert len(await events_after(pool, ada.id, 1)) == 1
    noah, bob = await add_agent(pool, "Noah"), await make(pool, mia, "Bob")
    for actor, customer in ((noah, ada.id), (mia, bob.id)):
        outcome = await refused(pool, add_detail, actor, customer, id_, "Allergic to nuts")
        assert (outcome.code, outcome.field) == ("taken", "id")


async def test_a_detail_is_changed_by_revision_and_keeps_who_wrote_it_last(
    pool: Pool, mia: Actor, ada: Customer
) -> None:
    """P4."""
    noah = await add_agent(pool, "Noah")
    detail = await done(pool, add_detail, mia, ada.id, new_id(), "Allergic to nuts")
    changed = await done(pool, change_detail, noah, detail.id, DetailChange("Allergic to nuts and milk", 1))
    assert (changed.id, changed.body, changed.revision) == (detail.id, "Allergic to nuts and milk", 2)
    assert changed.by is not None
    assert changed.by.name == "Noah"
    at = await seq_of(pool, ada.id)
    same = await done(pool, change_detail, mia, detail.id, DetailChange(" Allergic to nuts and milk ", 2))
    assert same == changed
    assert await seq_of(pool, ada.id) == at
    outcome = await refused(pool, change_detail, mia, detail.id, DetailChange("None", 1))
    assert (outcome.code, outcome.field) == ("conflict", "revision")
    assert outcome.message.startswith("Noah changed it on ")


async def test_of_two_who_change_a_detail_at_once_one_is_told(pool: Pool, mia: Actor, ada: Customer) -> None:
    """P4: nothing is silently overwritten."""
    detail = await done(pool, add_detail, mia, ada.id, new_id(), "Allergic")
    won, lost = await in_turn(
        pool,
        lambda tx: change_detail(tx, mia, detail.id, DetailChange("nuts", 1)),
        lambda tx: change_detail(tx, mia, detail.id, DetailChange("milk", 1)),
    )
    assert isinstance(won, Detail)
    assert isinstance(lost, Refused)
    assert lost.code == "conflict"
    assert await details_of(pool, ada.id) == (won,)


async def test_a_removed_detail_is_gone_from_the_profile(pool: Pool, mia: Actor, ada: Customer) -> None:
    """P4."""
    detail = await done(pool, add_detail, mia, ada.id, new_id(), "Allergic")
    at = await seq_of(pool, ada.id)
    assert await do(pool, remove_detail, mia, detail.id) is None
    assert [each.event for each in await events_after(pool, ada.id, at)] == [DetailsChanged(())]
    assert (await refused(pool, remove_detail, mia, detail.id)).code == "not_found"
    change = DetailChange("back", 1)
    assert (await refused(pool, change_detail, mia, detail.id, change)).code == "not_found"


@pytest.mark.parametrize("body", ["", " \n", "x" * 16_001, "nul\x00", "half \ud83d"])
async def test_a_detail_without_storable_text_is_refused(pool: Pool, mia: Actor, ada: Customer, body: str) -> None:
    """P4: bad input."""
    assert (await refused(pool, add_detail, mia, ada.id, new_id(), body)).field == "body"
    detail = await done(pool, add_detail, mia, ada.id, new_id(), "Allergic")
    change = DetailChange(body, 1)
    assert (await refused(pool, change_detail, mia, detail.id, change)).field == "body"


async def test_details_of_nobody_are_not_found(pool: Pool, mia: Actor) -> None:
    """P4: bad input."""
    assert (await refused(pool, add_detail, mia, new_id(), new_id(), "x")).field == "customer"
    assert (await refused(pool, remove_detail, mia, new_id())).field == "detail"
    assert (await refused(pool, change_detail, mia, new_id(), DetailChange("x", 1))).field == "detail"


async def test_a_detail_of_a_merged_customer_is_changed_on_the_profile_it_is_part_of(
    pool: Pool, mia: Actor, ada: Customer
) -> None:
    """P4, I6."""
    bob = await make(pool, mia, "Bob")
    detail = await done(pool, add_detail, mia, bob.id, new_id(), "Allergic")
    await merge_rows(pool, ada.id, bob.id)
    at = await seq_of(pool, ada.id)
    changed = await done(pool, change_detail, mia, detail.id, DetailChange("Not allergic", 1))
    assert [each.event for each in await events_after(pool, ada.id, at)] == [DetailsChanged((changed,))]
    added = await done(pool, add_detail, mia, bob.id, new_id(), "Left-handed")
    assert await pool.fetchval("select customer_id from detail where id = $1", added.id) == ada.id


# --- addresses ---


async def test_the_first_address_is_the_main_one_and_another_can_become_it(
    pool: Pool, mia: Actor, ada: Customer
) -> None:
    """P2."""
    at = await seq_of(pool, ada.id)
    new = NewAddress("home", "1 Row", "London", "N1", "Greater London", "gb")
    home = await done(pool, add_address, mia, ada.id, new)
    assert (home.label, home.street, home.city, home.postal_code) == ("home", "1 Row", "London", "N1")
    assert (home.region, home.country, home.main, home.revision) == ("Greater London", "GB", True, 1)
    work = await done(pool, add_address, mia, ada.id, NewAddress(city="Leeds"))
    assert not work.main
    work = await done(pool, change_address, mia, work.id, AddressChange(1, main=True))
    now = await read(pool, ada.id)
    assert [(address.id, address.main) for address in now.addresses] == [(work.id, True), (home.id, False)]
    logged = await events_after(pool, ada.id, at)
    assert len(logged) == 3
    assert logged[-1].event == CustomerChanged(now)


async def test_parts_of_an_address_are_changed_by_revision(pool: Pool, mia: Actor, ada: Customer) -> None:
    """P2."""
    home = await done(pool, add_address, mia, ada.id, NewAddress("home", "1 Row", "London"))
    changed = await done(pool, change_address, mia, home.id, AddressChange(1, street="2 Row", label=None))
    assert (changed.label, changed.street, changed.city, changed.revision) == (None, "2 Row", "London", 2)
    at = await seq_of(pool, ada.id)
    assert await done(pool, change_address, mia, home.id, AddressChange(2, street="2 Row")) == changed
    assert await seq_of(pool, ada.id) == at
    outcome = await refused(pool, change_address, mia, home.id, AddressChange(1, city="Leeds"))
    assert (outcome.code, outcome.field) == ("conflict", "revision")
    won, lost = await in_turn(
        pool,
        lambda tx: change_address(tx, mia, home.id, AddressChange(2, city="Bath")),
        lambda tx: change_address(tx, mia, home.id, AddressChange(2, city="York")),
    )
    assert isinstance(won, Address)
    assert isinstance(lost, Refused)
    assert (await read(pool, ada.id)).addresses == (won,)


async def test_a_removed_address_is_gone(pool: Pool, mia: Actor, ada: Customer) -> None:
    """P2."""
    home = await done(pool, add_address, mia, ada.id, NewAddress(city="London"))
    assert await do(pool, remove_address, mia, home.id) is None
    assert (await read(pool, ada.id)).addresses == ()
    assert (await refused(pool, remove_address, mia, home.id)).code == "not_found"
    change = AddressChange(1, city="Leeds")
    assert (await refused(pool, change_address, mia, home.id, change)).code == "not_found"


@pytest.mark.parametrize(
    ("new", "field"),
    [
        (NewAddress(), "street"),
        (NewAddress(label="home"), "street"),
        (NewAddress(city=" "), "street"),
        (NewAddress(street="x" * 201), "street"),
        (NewAddress(city="nul\x00"), "city"),
        (NewAddress(postal_code="tab\there"), "postal_code"),
        (NewAddress(city="London", country="GBR"), "country"),
        (NewAddress(city="London", country="1!"), "country"),
    ],
)
async def test_what_is_no_address_is_refused(
    pool: Pool, mia: Actor, ada: Customer, new: NewAddress, field: str
) -> None:
    """P2: bad input."""
    assert (await refused(pool, add_address, mia, ada.id, new)).field == field


async def test_an_address_of_nobody_is_not_found_and_the_last_part_cannot_be_taken(
    pool: Pool, mia: Actor, ada: Customer
) -> None:
    """P2: bad input."""
    assert (await refused(pool, add_address, mia, new_id(), NewAddress(city="x"))).field == "customer"
    home = await done(pool, add_address, mia, ada.id, NewAddress(city="London"))
    assert (await refused(pool, change_address, mia, home.id, AddressChange(1, city=None))).field == "street"
