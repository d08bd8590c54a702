"""Deliveries that say more of who the customer is than one handle: a transaction of their own, the same guarantees."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.recorder import APART, Overloaded, Poison
from model.event import FeedId
from model.inbound import HandleChanged, HandleRef, InboundMessage
from profiles.record import Delivery
from store.ids import new_id
from tests.store.company import Company, open_company
from tests.store.races import blocked, numbers, recorder, stays_open, text

PHONE = HandleRef("phone", "+14155550100")
OTHER = HandleRef("phone", "+14155550101")
CHAT = HandleRef("social", "visitor-1", "chat-main")
OWNER = "select coalesce(customer_id, speaks_as) from handle where value = $1"


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        yield company


def proves(
    *handles: HandleRef, body: str = "hello", key: str | None = None, claims: tuple[HandleRef, ...] = ()
) -> Delivery:
    """A message on the first handle, which proves the others."""
    message = InboundMessage(key or f"CH{next(numbers)}", handles[0], body, also=handles[1:], claims=claims)
    return Delivery("sms-main", "sms", message, None, "", None, body.encode("utf-8", "surrogatepass"))


async def test_what_a_message_proves_besides_belongs_to_the_same_customer(company: Company) -> None:
    one = recorder(company)
    await one.submit(text("by phone", phone=PHONE.value))
    await one.submit(proves(CHAT, PHONE, body="by chat"))
    customer = await company.value(OWNER, PHONE.value)
    assert await company.value(OWNER, CHAT.value) == customer
    rows = await company.rows("select customer_id, conversation_id from entry order by at")
    assert len({tuple(row) for row in rows}) == 1
    assert await company.value("select count(*) from raw_event") == 2
    await one.submit(text("again by phone", phone=PHONE.value))
    assert await company.value("select messages from contact") == 3
    head = await company.value("select seq from stream where id = $1", customer)
    assert company.announced[FeedId("customer", customer)] == head


async def test_a_message_that_proves_two_customers_to_be_one_merges_them_and_is_recorded_on_its_own_leaf(
    company: Company,
) -> None:
    one = recorder(company)
    await one.submit(text("by phone", phone=PHONE.value))
    await one.submit(text("by the other", phone=OTHER.value))
    await one.submit(proves(OTHER, PHONE, body="both are mine"))
    roots = await company.rows("select distinct root_id from customer")
    assert len(roots) == 1
    leaf = await company.value("select customer_id from entry where body = 'both are mine'")
    assert leaf == await company.value(OWNER, OTHER.value)
    assert (
        await company.value("select count(*) from conversation where folded_into is null and status <> 'closed'") == 1
    )


async def test_the_same_message_on_two_connections_at_once_is_one_entry(company: Company) -> None:
    one = recorder(company)
    await one.submit(text("hello", phone=PHONE.value))
    await asyncio.gather(*(one.submit(proves(CHAT, PHONE, body="twice", key="SAME")) for _ in range(3)))
    await one.submit(proves(CHAT, PHONE, body="twice", key="SAME"))
    assert await company.value("select count(*) from entry where body = 'twice'") == 1
    assert await company.value("select count(*) from raw_event where key = 'SAME'") == 1


async def test_what_is_only_claimed_links_nothing(company: Company) -> None:
    one = recorder(company)
    await one.submit(text("hers", phone=PHONE.value))
    await one.submit(proves(CHAT, body="I am +1 415 555 0100", claims=(PHONE,)))
    assert await company.value(OWNER, CHAT.value) != await company.value(OWNER, PHONE.value)


async def test_what_is_claimed_on_a_handle_of_many_is_kept_with_whoever_writes(company: Company) -> None:
    one = recorder(company)
    await one.submit(text("hers", phone=OTHER.value))
    await company.value(
        "insert into handle (id, kind, value, shared, verified) values ($1, 'phone', $2, true, true) returning id",
        new_id(),
        PHONE.value,
    )
    await one.submit(proves(PHONE, body="I am +1 415 555 0101", claims=(OTHER,)))
    [row] = await company.rows(
        "select l.value, l.proven, l.customer_id, e.customer_id as spoke, c.placeholder from claim l"
        " join customer c on c.id = l.customer_id join entry e on e.body like 'I am%'"
    )
    assert tuple(row)[:2] == (OTHER.value, False)
    assert row["customer_id"] == row["spoke"]
    assert row["placeholder"]


async def test_a_changed_handle_is_the_same_customers_and_no_entry(company: Company) -> None:
    one = recorder(company)
    await one.submit(text("before", phone=PHONE.value))
    change = Delivery("sms-main", "sms", HandleChanged("CHANGE", OTHER, PHONE), None, "", None, b"{}")
    await asyncio.gather(one.submit(change), one.submit(change))
    await one.submit(text("after", phone=OTHER.value))
    assert await company.value(OWNER, OTHER.value) == await company.value(OWNER, PHONE.value)
    assert [row["body"] for row in await company.rows("select body from entry order by at")] == ["before", "after"]
    assert await company.value("select body from raw_event where key = 'CHANGE'") == b"{}"


async def test_a_number_that_means_nobody_is_never_one_customer(company: Company) -> None:
    one = recorder(company)
    withheld = "+266696687"  # ANONYMOUS on a telephone's keys
    await one.submit(text("first", phone=withheld))
    first = await company.value("select customer_id from entry where body = 'first'")
    assert await company.value("select placeholder from customer where id = $1", first)
    await company.value("update contact set state = 'closed' returning id")
    await company.value("update conversation set status = 'closed', closed_at = now() returning id")
    await one.submit(text("second", phone=withheld))
    assert await company.value("select customer_id from entry where body = 'second'") != first


async def test_whichever_form_a_network_writes_it_is_one_handle_and_answers_go_to_that_form(company: Company) -> None:
    one = recorder(company)
    await one.submit(text("nine digits", phone="+5511987654321"))
    await one.submit(text("eight digits", phone="+551187654321"))
    assert [tuple(row) for row in await company.rows("select value, form from handle")] == [
        ("+5511987654321", "+551187654321")
    ]
    assert await company.value("select count(*) from customer") == 1
    bodies = [row["body"] for row in await company.rows("select body from event where body like '%digits%'")]
    assert all('"+5511987654321"' in body for body in bodies)


async def test_one_the_database_refuses_fails_alone_and_leaves_nothing(company: Company) -> None:
    one = recorder(company)
    given = [proves(CHAT, PHONE, body="good"), proves(CHAT, PHONE, body="nul \x00", key="BAD"), text("batch")]
    answers = await asyncio.gather(*(one.submit(each) for each in given), return_exceptions=True)
    assert [type(answer) for answer in answers] == [type(None), Poison, type(None)]
    assert await company.value("select count(*) from seen where key = 'BAD'") == 0


async def test_they_wait_in_bounds_and_are_refused_beyond(company: Company) -> None:
    one = recorder(company, limit=APART + 1)
    await one.submit(text("hello", phone=PHONE.value))
    async with company.pool.acquire() as holding, stays_open(holding) as tx:
        await holding.execute("select from handle for no key update")
        waiting = [asyncio.create_task(one.submit(proves(CHAT, PHONE, body=str(n)))) for n in range(APART + 1)]
        await blocked(company.pool)
        with pytest.raises(Overloaded):
            await one.submit(proves(CHAT, PHONE, body="one too many"))
        await tx.commit()
    await asyncio.gather(*waiting)
    assert await company.value("select count(*) from entry") == APART + 2
