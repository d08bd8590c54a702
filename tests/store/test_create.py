"""Customers made by hand or by a service, before any contact: with handles nobody has, values and addresses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from model.agent import Actor
from model.customer import Customer, HandleView
from model.event import CustomerChanged
from profiles.addresses import NewAddress
from profiles.create import NewCustomer, create_customer
from profiles.handle_claims import NewHandle
from store.pool import Pool, open_pool
from tests.store.edit_seed import do, done, make, read, refused
from tests.store.profile_seed import ADA, add_account, add_agent, customer_of, events_after, say

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


async def test_a_customer_is_created_with_handles_values_and_addresses(pool: Pool, mia: Actor) -> None:
    """P1, P2, P3."""
    new = NewCustomer(
        name="Ada",
        handles=(
            NewHandle("phone", "(206) 555-0134", "mobile"),
            NewHandle("phone", "tel:+49 30 123456", "office", main=True),
            NewHandle("email", "Ada@EXAMPLE.org", textable=False),
            NewHandle("social", "4711", scope="page-1"),
        ),
        company="Engines",
        tags=("vip",),
        external_id="crm-7",
        addresses=(
            NewAddress(city="London"),
            NewAddress(label="home", street="1 Row\nFlat 2", country="gb", main=True),
        ),
    )
    ada = await done(pool, create_customer, mia, new)
    assert ada == await read(pool, ada.id)
    assert sorted(shown(ada)) == [
        ("+12065550134", "mobile", False),
        ("+4930123456", "office", True),
        ("4711", None, True),
        ("ada@example.org", None, True),
    ]
    assert [handle.value for handle in ada.handles if not handle.textable] == ["ada@example.org"]
    assert not any(handle.verified for handle in ada.handles)
    assert [(a.label, a.street, a.city, a.country, a.main) for a in ada.addresses] == [
        ("home", "1 Row, Flat 2", None, "GB", True),
        (None, None, "London", None, False),
    ]
    assert (ada.company, ada.tags, ada.external_id) == ("Engines", ("vip",), "crm-7")
    [logged] = await events_after(pool, ada.id)
    assert logged.event == CustomerChanged(ada)


async def test_what_a_service_says_is_proven(pool: Pool) -> None:
    """P11, I3."""
    crm = await add_agent(pool, "CRM", "service")
    ada = await make(pool, crm, "Ada", handles=(MAIL,))
    assert ada.handles[0].verified
    assert await link_rules(pool, ada.handles[0]) == [("told_by_a_service", "CRM")]


async def test_a_created_customer_answers_for_their_first_message(pool: Pool, ada: Customer) -> None:
    """P1, I1: the handle is known, however it was written."""
    await say(pool, "hello")
    assert await customer_of(pool, ADA) == ada.id
    assert await pool.fetchval("select count(*) from customer") == 1


async def test_a_handle_of_another_is_refused_with_its_place_and_the_others_id(
    pool: Pool, mia: Actor, ada: Customer
) -> None:
    """I2: taken, in any spelling."""
    for spelling in ("206-555-0134", "+1 (206) 555 0134", "whatsapp:+12065550134", "0012065550134"):
        new = NewCustomer("Bob", (MAIL, NewHandle("phone", spelling)))
        outcome = await refused(pool, create_customer, mia, new)
        assert (outcome.code, outcome.field) == ("taken", "handles[1]")
        assert str(ada.id) in outcome.message


@pytest.mark.parametrize(
    ("new", "field"),
    [
        (NewCustomer(), "name"),
        (NewCustomer(company="Engines"), "name"),
        (NewCustomer("A", (NewHandle("phone", "12"),)), "handles[0]"),
        (NewCustomer("A", (MAIL, NewHandle("phone", "call me"))), "handles[1]"),
        (NewCustomer("A", (NewHandle("email", "ada at example.org"),)), "handles[0]"),
        (NewCustomer("A", (NewHandle("social", "  "),)), "handles[0]"),
        (NewCustomer("A", (NewHandle("social", "x\x00"),)), "handles[0]"),
        (NewCustomer("A", (NewHandle("email", "a@example.org", scope="page"),)), "handles[0]"),
        (NewCustomer("A", (MAIL, NewHandle("email", "ADA@example.org"))), "handles[1]"),
        (NewCustomer("A", (NewHandle("email", "a@example.org", "x" * 61),)), "label"),
        (NewCustomer("A", tuple(NewHandle("social", f"id {number}") for number in range(51))), "handles"),
        (NewCustomer("A", language="?"), "language"),
        (NewCustomer("A", fields={"nope": 1}), "fields.nope"),
        (NewCustomer("A", preferred_channels=("sms",), refused_channels=("sms",)), "preferred_channels"),
        (NewCustomer("A", addresses=(NewAddress(label="home"),)), "addresses[0].street"),
        (NewCustomer("A", addresses=(NewAddress(city="B", country="Germany"),)), "addresses[0].country"),
        (NewCustomer("A", external_id="crm-7"), "external_id"),
    ],
)
async def test_what_makes_no_customer_is_refused_and_nothing_is_there(
    pool: Pool, mia: Actor, new: NewCustomer, field: str
) -> None:
    """P1, P2: bad input."""
    if new.external_id:
        await make(pool, mia, "Bob", external_id="crm-7")
    outcome = await refused(pool, create_customer, mia, new)
    assert (outcome.code, outcome.field) == ("taken" if new.external_id else "invalid", field)


async def test_of_two_who_create_with_one_new_handle_at_once_one_gets_it(pool: Pool, mia: Actor) -> None:
    """I2, I11."""
    for number in range(5):
        handles = (NewHandle("email", f"{number}@example.org"), NewHandle("phone", f"+1206555020{number}"))
        outcomes = await asyncio.gather(
            *(do(pool, create_customer, mia, NewCustomer("A", each)) for each in (handles, handles[::-1]))
        )
        assert sorted(type(each).__name__ for each in outcomes) == ["Customer", "Refused"]
    assert await pool.fetchval("select count(*) from customer") == 5
    assert await pool.fetchval("select count(*) from handle where customer_id is not null") == 10
