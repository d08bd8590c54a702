"""Handles by hand and by services: created with a customer, added, changed, shared, removed; each at one customer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec import UNSET

from model.agent import Actor
from model.customer import Customer, HandleView
from model.event import CustomerChanged
from model.refusal import Refused
from profiles.create import NewCustomer, create_customer
from profiles.handle_claims import NewHandle
from profiles.handle_edits import HandleChange, add_handle, change_handle, remove_handle
from store.ids import new_id
from store.pool import Pool, open_pool
from tests.store.edit_seed import do, done, in_turn, make, merge_rows, read, refused, seq_of
from tests.store.profile_seed import ADA, add_account, add_agent, customer_of, events_after, say
from tests.store.races import blocked, stays_open

MAIL = NewHandle("email", "ada@example.org")


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url, size=6)
    await add_account(opened, "sms-main")  # in the United States
    yield opened
    await opened.close()


@pytest.fixture
async def mia(pool: Pool) -> Actor:
    return await add_agent(pool, "Mia")


@pytest.fixture
async def ada(pool: Pool, mia: Actor) -> Customer:
    """Ada, who is known by her phone."""
    return await make(pool, mia, "Ada", handles=(NewHandle("phone", ADA, "mobile"),))


def shown(customer: Customer) -> list[tuple[str, str | None, bool]]:
    return [(handle.value, handle.label, handle.main) for handle in customer.handles]


async def link_rules(pool: Pool, handle: HandleView) -> list[tuple[str, str]]:
    rows = await pool.fetch(
        "select l.rule, a.name from link l join agent a on a.id = l.by_agent where l.handle_id = $1 order by l.id",
        handle.id,
    )
    return [(row["rule"], row["name"]) for row in rows]


# --- add ---


async def test_an_added_handle_is_on_the_profile_in_one_event(pool: Pool, mia: Actor, ada: Customer) -> None:
    """P2."""
    at = await seq_of(pool, ada.id)
    handle = await done(pool, add_handle, mia, ada.id, NewHandle("phone", "+4930123456", "office"))
    assert (handle.value, handle.label, handle.main, handle.verified) == ("+4930123456", "office", False, False)
    assert handle.source.startswith("added by hand by Mia, ")
    now = await read(pool, ada.id)
    assert shown(now) == [(ADA, "mobile", True), ("+4930123456", "office", False)]
    [logged] = await events_after(pool, ada.id, at)
    assert logged.event == CustomerChanged(now)


async def test_a_handle_left_behind_by_another_can_be_added(pool: Pool, mia: Actor, ada: Customer) -> None:
    """P2: the row stays for what came on it, and is nobody's."""
    assert await do(pool, remove_handle, mia, ada.handles[0].id) is None
    bob = await make(pool, mia, "Bob")
    handle = await done(pool, add_handle, mia, bob.id, NewHandle("phone", ADA))
    assert (handle.id, handle.label, handle.main) == (ada.handles[0].id, None, True)
    assert await link_rules(pool, handle) == [
        ("added_by_hand", "Mia"),
        ("removed_by_hand", "Mia"),
        ("added_by_hand", "Mia"),
    ]


async def test_a_handle_that_is_somebodys_cannot_be_added_and_the_remedies_are_named(
    pool: Pool, mia: Actor, ada: Customer
) -> None:
    """I2: taken."""
    bob = await make(pool, mia, "Bob")
    for customer in (bob.id, ada.id):
        outcome = await refused(pool, add_handle, mia, customer, NewHandle("phone", ADA))
        assert (outcome.code, outcome.field) == ("taken", "value")
        assert str(ada.id) in outcome.message
        assert all(remedy in outcome.message for remedy in ("merge", "remove", "shared"))


async def test_of_two_who_add_one_handle_at_once_one_gets_it(pool: Pool, mia: Actor, ada: Customer) -> None:
    """I2."""
    bob = await make(pool, mia, "Bob")
    first, second = await in_turn(
        pool,
        lambda tx: add_handle(tx, mia, ada.id, MAIL),
        lambda tx: add_handle(tx, mia, bob.id, MAIL),
    )
    assert isinstance(first, HandleView)
    assert isinstance(second, Refused)
    assert second.code == "taken"
    assert await do(pool, remove_handle, mia, ada.handles[0].id) is None
    third, fourth = await in_turn(
        pool,
        lambda tx: add_handle(tx, mia, bob.id, NewHandle("phone", ADA)),
        lambda tx: add_handle(tx, mia, ada.id, NewHandle("phone", ADA)),
    )
    assert isinstance(third, HandleView)
    assert isinstance(fourth, Refused)


async def test_a_handle_that_is_about_to_be_anothers_is_waited_for(pool: Pool, mia: Actor, ada: Customer) -> None:
    """I2: it is locked before the customer is, who may keep the first waiting."""
    bob = await make(pool, mia, "Bob")
    assert await do(pool, remove_handle, mia, ada.handles[0].id) is None
    async with pool.acquire() as connection, stays_open(connection) as opened:
        await connection.execute("select from stream where id = $1 for no key update", bob.id)
        first = asyncio.create_task(do(pool, add_handle, mia, bob.id, NewHandle("phone", ADA)))
        await blocked(pool, first)
        second = asyncio.create_task(do(pool, add_handle, mia, ada.id, NewHandle("phone", ADA)))
        await blocked(pool, second, at_least=2)
        await opened.commit()
    assert isinstance(await first, HandleView)
    assert isinstance(await second, Refused)


async def test_adding_to_nobody_is_refused_and_leaves_no_handle(pool: Pool, mia: Actor) -> None:
    """P2: bad input."""
    assert await do(pool, add_handle, mia, new_id(), MAIL) == Refused(
        "not_found", "There is no such customer.", "customer"
    )
    assert await pool.fetchval("select count(*) from handle") == 0


async def test_a_phone_without_country_code_needs_an_account_that_says_where(pool: Pool, mia: Actor) -> None:
    """I1."""
    await pool.execute("delete from account")
    new = NewCustomer("A", (NewHandle("phone", "206 555 0134"),))
    assert (await refused(pool, create_customer, mia, new)).field == "handles[0]"
    made = await make(pool, mia, "A", handles=(NewHandle("phone", "+1 206 555 0134"),))
    assert [handle.value for handle in made.handles] == [ADA]


# --- change ---


async def test_one_handle_of_a_kind_is_the_main_one_also_over_merged_profiles(
    pool: Pool, mia: Actor, ada: Customer
) -> None:
    """P2."""
    office = await done(pool, add_handle, mia, ada.id, NewHandle("phone", "+4930123456"))
    mail = await done(pool, add_handle, mia, ada.id, MAIL)
    bob = await make(pool, mia, "Bob", handles=(NewHandle("phone", "+4930123457"),))
    await merge_rows(pool, ada.id, bob.id)
    for handle in (office, bob.handles[0], ada.handles[0]):
        changed = await done(pool, change_handle, mia, handle.id, HandleChange(main=True))
        assert changed.main
        mains = [each.id for each in (await read(pool, ada.id)).handles if each.main]
        assert sorted(mains) == sorted([handle.id, mail.id])


async def test_a_handle_is_relabelled_and_said_to_take_no_text(pool: Pool, mia: Actor, ada: Customer) -> None:
    """P2."""
    [handle] = ada.handles
    at = await seq_of(pool, ada.id)
    changed = await done(pool, change_handle, mia, handle.id, HandleChange(label=" home ", textable=False))
    assert (changed.label, changed.textable, changed.main) == ("home", False, True)
    again = await done(pool, change_handle, mia, handle.id, HandleChange(label="home", textable=False))
    assert again == changed
    assert len(await events_after(pool, ada.id, at)) == 1
    gone = await done(pool, change_handle, mia, handle.id, HandleChange(label=None))
    assert gone.label is None


async def test_a_shared_handle_is_nobodys_and_goes_on_with_who_is_talking(
    pool: Pool, mia: Actor, ada: Customer
) -> None:
    """I2: shared."""
    second = await done(pool, add_handle, mia, ada.id, NewHandle("phone", "+4930123456"))
    [first, _] = (await read(pool, ada.id)).handles
    at = await seq_of(pool, ada.id)
    changed = await done(pool, change_handle, mia, first.id, HandleChange(shared=True))
    assert changed.shared
    row = await pool.fetchrow("select * from handle where id = $1", first.id)
    assert row is not None
    assert (row["customer_id"], row["shared"], row["speaks_as"]) == (None, True, ada.id)
    now = await read(pool, ada.id)
    assert [(handle.id, handle.main) for handle in now.handles] == [(second.id, True)]
    [logged] = await events_after(pool, ada.id, at)
    assert logged.event == CustomerChanged(now)
    assert await link_rules(pool, first) == [("added_by_hand", "Mia"), ("marked_shared", "Mia")]


async def test_a_handle_that_is_no_longer_shared_is_one_customers_own(pool: Pool, mia: Actor, ada: Customer) -> None:
    """I2: shared."""
    [handle] = ada.handles
    bob = await make(pool, mia, "Bob")
    await done(pool, change_handle, mia, handle.id, HandleChange(shared=True))
    own = HandleChange(shared=False, customer=bob.id, label="mobile")
    changed = await done(pool, change_handle, mia, handle.id, own)
    assert (changed.shared, changed.main, changed.label) == (False, True, "mobile")
    assert (await read(pool, bob.id)).handles == (changed,)
    assert await pool.fetchval("select speaks_as from handle") is None
    assert (await link_rules(pool, handle))[-1] == ("no_longer_shared", "Mia")


async def test_a_shared_handle_can_be_given_to_nobody_by_adding_it(pool: Pool, mia: Actor, ada: Customer) -> None:
    """I2: the remedy is named."""
    [handle] = ada.handles
    await done(pool, change_handle, mia, handle.id, HandleChange(shared=True))
    outcome = await refused(pool, add_handle, mia, ada.id, NewHandle("phone", ADA))
    assert outcome.code == "taken"
    assert str(handle.id) in outcome.message


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        (HandleChange(label="x" * 61), "invalid", "label"),
        (HandleChange(label="two\nlines"), "invalid", "label"),
        (HandleChange(shared=True, label="family"), "invalid", "shared"),
    ],
)
async def test_what_makes_no_sense_of_a_handle_is_refused(
    pool: Pool, mia: Actor, ada: Customer, change: HandleChange, code: str, field: str
) -> None:
    """P2: bad input."""
    outcome = await refused(pool, change_handle, mia, ada.handles[0].id, change)
    assert (outcome.code, outcome.field) == (code, field)


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        (HandleChange(label="family"), "wrong_state", "shared"),
        (HandleChange(shared=False), "wrong_state", "customer"),
        (HandleChange(shared=False, customer=new_id()), "not_found", "customer"),
        (HandleChange(main=True, customer=new_id()), "wrong_state", "shared"),
    ],
)
async def test_what_makes_no_sense_of_a_shared_handle_is_refused(
    pool: Pool, mia: Actor, ada: Customer, change: HandleChange, code: str, field: str
) -> None:
    """I2: bad input."""
    assert change.textable is UNSET
    [handle] = ada.handles
    await done(pool, change_handle, mia, handle.id, HandleChange(shared=True))
    outcome = await refused(pool, change_handle, mia, handle.id, change)
    assert (outcome.code, outcome.field) == (code, field)


# --- remove ---


async def test_a_removed_handle_keeps_what_came_on_it_and_the_next_one_is_main(pool: Pool, mia: Actor) -> None:
    """P2."""
    await say(pool, "hello")
    ada = await customer_of(pool, ADA)
    second = await done(pool, add_handle, mia, ada, NewHandle("phone", "+4930123456"))
    [first, _] = (await read(pool, ada)).handles
    at = await seq_of(pool, ada)
    assert await do(pool, remove_handle, mia, first.id) is None
    now = await read(pool, ada)
    assert [(handle.id, handle.main) for handle in now.handles] == [(second.id, True)]
    [logged] = await events_after(pool, ada, at)
    assert logged.event == CustomerChanged(now)
    assert await pool.fetchval("select handle_id from entry where customer_id = $1", ada) == first.id
    await say(pool, "somebody new")
    assert await customer_of(pool, ADA) != ada


async def test_a_handle_that_is_on_no_profile_is_not_found(pool: Pool, mia: Actor, ada: Customer) -> None:
    """P2: bad input."""
    [handle] = ada.handles
    assert await do(pool, remove_handle, mia, handle.id) is None
    for id_ in (handle.id, new_id()):
        assert (await refused(pool, remove_handle, mia, id_)).code == "not_found"
        assert (await refused(pool, change_handle, mia, id_, HandleChange(main=True))).code == "not_found"
