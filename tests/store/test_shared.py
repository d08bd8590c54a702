"""A handle many people use: who writes on it is a placeholder until somebody says who it is (design §6)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from model.agent import Actor
from model.event import EntryAdded
from model.wire import Reply
from profiles.record import Delivery, record
from profiles.reply import reply
from router.closing import close_conversation
from store.feeds import transaction
from store.ids import new_id
from tests.store.company import Company, open_company
from tests.store.merged import check_folds, merge, told
from tests.store.races import blocked, recorder, stays_open, text
from tests.store.test_record import consent

FAMILY, OWN = "+14155550100", "+14155550101"
SHARE = "insert into handle (id, kind, value, shared, verified) values ($1, 'phone', $2, true, true)"
WHO = "select customer_id, conversation_id from entry where body = $1"


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        await company.value(SHARE + " returning id", new_id(), FAMILY)
        yield company
        await company.check()
        await check_folds(company)


async def write(company: Company, *batch: Delivery) -> None:
    async with company.pool.acquire() as connection:
        company.announce((await record(connection, batch)).positions)


async def who(company: Company, body: str) -> tuple[UUID, UUID]:
    """Whose this message is, and its conversation."""
    row = (await company.rows(WHO, body))[0]
    return row["customer_id"], row["conversation_id"]


async def speaks_as(company: Company) -> UUID:
    leaf: UUID = await company.value("select speaks_as from handle where value = $1", FAMILY)
    return leaf


async def close(company: Company, talk: UUID, actor: Actor) -> None:
    async with transaction(company.pool, company.announce) as tx:
        assert await close_conversation(tx, talk, actor) is None


async def test_who_writes_on_a_shared_handle_is_a_placeholder_and_nobody_owns_the_handle(company: Company) -> None:
    await write(company, text("hello", phone=FAMILY))
    leaf, talk = await who(company, "hello")
    row = (await company.rows("select root_id = id, name, placeholder from customer where id = $1", leaf))[0]
    assert tuple(row) == (True, None, True)
    assert await speaks_as(company) == leaf
    row = (await company.rows("select customer_id, shared, main from handle where value = $1", FAMILY))[0]
    assert tuple(row) == (None, True, False)
    assert await company.value("select rule from link where customer_id = $1", leaf) == "shared_handle"
    assert await company.value("select conversation_id from contact where state = 'new'") == talk
    [entry] = [event.entry for event in await told(company, leaf) if isinstance(event, EntryAdded)]
    assert (entry.conversation, entry.leaf, entry.handle) == (talk, None, FAMILY)


async def test_what_follows_goes_to_the_open_conversation_alone_or_in_a_batch(company: Company) -> None:
    await write(company, text("hello", phone=FAMILY))
    await write(company, text("one", phone=FAMILY), text("other", phone=OWN), text("two", phone=FAMILY))
    await write(company, text("three", phone=FAMILY))
    first = await who(company, "hello")
    assert [await who(company, body) for body in ("one", "two", "three")] == [first] * 3
    assert await company.value("select messages from contact where customer_id = $1", first[0]) == 4


async def test_two_people_on_one_phone_are_two_once_the_first_is_identified_and_answered(company: Company) -> None:
    ines = await company.hire()
    await write(company, text("Ada here", phone=FAMILY), text("and on my own", phone=OWN))
    stranger, talk = await who(company, "Ada here")
    ada = await merge(company, OWN, FAMILY)
    assert ada != stranger
    await write(company, text("still Ada", phone=FAMILY))
    assert await who(company, "still Ada") == (stranger, talk), "her open conversation, on the leaf of the placeholder"
    entries = [event.entry for event in await told(company, ada) if isinstance(event, EntryAdded)]
    assert (entries[-1].body, entries[-1].leaf) == ("still Ada", stranger)
    await close(company, talk, ines)
    await write(company, text("Bea here", phone=FAMILY))
    bea, other = await who(company, "Bea here")
    assert (bea == stranger, other == talk) == (False, False)
    assert await company.value("select root_id from customer where id = $1", bea) == bea
    assert await company.value("select placeholder from customer where id = $1", bea)
    assert await speaks_as(company) == bea


async def test_after_the_end_of_a_conversation_the_next_may_be_somebody_else(company: Company) -> None:
    ines = await company.hire()
    await write(company, text("first", phone=FAMILY))
    first, talk = await who(company, "first")
    await close(company, talk, ines)
    await write(company, text("second", phone=FAMILY))
    second, other = await who(company, "second")
    assert second != first
    assert await company.value("select status from conversation where id = $1", talk) == "closed", "not reopened"
    assert await company.value("select count(*) from customer where placeholder") == 2
    await write(company, text("third", phone=FAMILY))
    assert await who(company, "third") == (second, other)


async def test_two_first_messages_at_once_are_one_placeholder(company: Company) -> None:
    async with company.pool.acquire() as first, stays_open(first) as tx:
        await record(first, [text("one", phone=FAMILY)])
        second = asyncio.create_task(write(company, text("two", phone=FAMILY)))
        await blocked(company.pool, second)
        await tx.commit()
    await second
    assert await company.value("select count(*) from customer") == 1
    assert await who(company, "one") == await who(company, "two")
    for table in ("stream", "link", "conversation", "contact"):
        assert await company.value(f"select count(*) from {table}") == 1, table


async def test_shared_and_new_handles_in_opposite_order_neither_deadlock_nor_double(company: Company) -> None:
    phones = [f"+1415555{number:04d}" for number in range(20)]
    for phone in phones[::2]:
        if phone != FAMILY:
            await company.value(SHARE + " returning id", new_id(), phone)

    async def in_order(order: list[str]) -> None:
        await write(company, *(text(phone, phone=phone) for phone in order))

    await asyncio.gather(*(in_order(phones[::step]) for step in (1, -1, 1, -1)))
    assert await company.value("select count(*) from customer") == 20
    assert await company.value("select count(*) from customer where placeholder") == 10
    assert await company.value("select count(*) from conversation") == 20
    assert await company.value("select count(*) from entry") == 80


async def test_a_message_that_waited_for_the_close_does_not_follow_into_it(company: Company) -> None:
    await write(company, text("first", phone=FAMILY))
    first, talk = await who(company, "first")
    async with company.pool.acquire() as closing, stays_open(closing) as tx:
        await closing.execute("select from stream where id = $1 for no key update", first)
        answered = asyncio.create_task(recorder(company).submit(text("second", phone=FAMILY)))
        await blocked(company.pool)
        await closing.execute("update contact set state = 'closed' where conversation_id = $1", talk)
        await closing.execute(
            "update conversation set status = 'closed', closed_at = now(), needs_attention = false where id = $1", talk
        )
        await tx.commit()
    await answered
    assert (await who(company, "second"))[0] != first


async def test_an_opt_out_on_a_shared_handle_opens_nothing_and_is_kept(company: Company) -> None:
    await write(company, consent(True, phone=FAMILY))
    leaf = await company.value("select customer_id from entry where kind = 'consent'")
    assert await speaks_as(company) == leaf
    assert await company.value("select count(*) from conversation") == 0
    await write(company, consent(False, phone=FAMILY))
    assert await company.value("select count(*) from customer") == 1
    assert await company.value("select opted_out from consent") is False


async def test_a_reply_on_a_shared_handle_stays_with_whom_it_speaks_as(company: Company) -> None:
    ines = await company.hire()
    await company.seat(ines)
    await write(company, text("who am I", phone=FAMILY))
    stranger, talk = await who(company, "who am I")
    await company.drain()
    await company.take(ines)
    id_ = new_id()
    async with transaction(company.pool, company.announce) as tx:
        assert await reply(tx, ines, Reply(talk, "good question", id_)) == id_
    assert await who(company, "good question") == (stranger, talk)
    assert await company.value("select to_address from outbox") == FAMILY
