"""Two at once, in a fixed order: who wins, and that the other finds out (INV1, INV2, INV3, INV9, INV20)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import UUID

import asyncpg
import pytest

from gateway.outbox import OVERDUE, Verdict, claim_replies, end_overdue, record_outcome
from gateway.recorder import Overloaded
from model.event import FeedId, HeldEnded, ReceiptChanged
from profiles.profile import Snapshot, fetch_snapshot
from profiles.record import record
from profiles.reply import retry
from pushers.bus.memory import MemoryBus
from pushers.hub import Pace
from pushers.prefetch import Prefetch
from store.feeds import Positions, Transaction, append_to_agent, append_to_customer, lock_customer, transaction
from store.ids import new_id
from tests.store.company import Company, open_company
from tests.store.hub_world import Collected, DeafBus, running, until
from tests.store.profile_seed import add_agent, answer, hold, outbox_state, say
from tests.store.races import OTHER, PHONE, blocked, recorder, stays_open, text


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        yield company


async def count(company: Company, table: str) -> int:
    """Rows of a table."""
    found: int = await company.value(f"select count(*) from {table}")
    return found


async def test_copies_of_one_message_to_two_processes_at_once_are_one_entry_and_all_are_answered(
    company: Company,
) -> None:
    processes = [recorder(company), recorder(company)]
    copies = [processes[n % 2].submit(text(key="SAME")) for n in range(16)]
    await asyncio.gather(*copies)
    assert await count(company, "entry") == 1
    await processes[0].submit(text(key="SAME"))
    await recorder(company).submit(text(key="SAME"))
    assert await count(company, "entry") == 1


async def test_a_delivery_is_answered_only_after_its_commit(company: Company) -> None:
    async with company.pool.acquire() as blocker, stays_open(blocker) as tx:
        await blocker.execute("insert into seen (account_id, key) values ('sms-main', 'A')")
        answered = asyncio.create_task(recorder(company).submit(text(key="A")))
        await blocked(company.pool)
        assert not answered.done(), "answered though it is not recorded"
        await tx.rollback()
    await answered
    assert await count(company, "entry") == 1


async def test_what_is_submitted_the_moment_two_batches_end_together_is_recorded(company: Company) -> None:
    one = recorder(company)

    async def submit(number: int, *, again: bool) -> None:
        await one.submit(text(phone=f"+1415555{number:04d}"))
        if again:
            await one.submit(text("at once", phone=f"+1415555{number:04d}"))

    for number in range(12):
        async with company.pool.acquire() as blocker, stays_open(blocker) as tx:
            await blocker.execute("lock table seen in exclusive mode")
            first = asyncio.create_task(submit(number, again=number % 2 == 0))
            await blocked(company.pool)
            second = asyncio.create_task(submit(100 + number, again=number % 2 == 1))
            await blocked(company.pool, at_least=2)
            await tx.rollback()
            time.sleep(0.02)  # noqa: ASYNC251  # the loop is busy, so that it hears of both ends at once
        done, _ = await asyncio.wait([first, second], timeout=5)
        assert done == {first, second}, "a delivery waits though no batch is under way"


async def test_more_than_the_limit_waiting_is_overload_and_what_waits_is_still_recorded(company: Company) -> None:
    one = recorder(company, limit=2)
    async with company.pool.acquire() as blocker, stays_open(blocker) as tx:
        await blocker.execute("insert into seen (account_id, key) values ('sms-main', 'A')")
        waiting = [asyncio.create_task(one.submit(text("1", key="A")))]
        await blocked(company.pool)
        waiting += [asyncio.create_task(one.submit(text(str(n)))) for n in (2, 3)]
        await asyncio.sleep(0)  # both have queued themselves
        with pytest.raises(Overloaded):
            await one.submit(text("4"))
        await tx.rollback()
    await asyncio.gather(*waiting)
    assert await count(company, "entry") == 3


async def test_one_message_at_once_on_two_connections_to_a_known_customer_is_one_entry(company: Company) -> None:
    await company.text(PHONE)
    async with company.pool.acquire() as first, stays_open(first) as tx:
        await record(first, [text("again", key="SAME")])
        second = asyncio.create_task(company.text(PHONE, "again", key="SAME"))
        await blocked(company.pool, second)
        await tx.commit()
    await second
    assert await count(company, "entry") == 2


AGAIN: dict[str, str] = {
    "seen": "insert into seen select * from seen",
    "handle_kind_scope_value_key": """
        insert into handle (id, kind, scope, value) select gen_random_uuid(), kind, scope, value from handle""",
    "one_open_conversation": """
        insert into conversation (id, customer_id, profile_id, status, opened_at)
        select gen_random_uuid(), customer_id, profile_id, 'waiting', now() from conversation""",
    "one_live_contact": """
        insert into contact (id, customer_id, conversation_id, account_id, handle_id, channel, class, arrived_at)
        select gen_random_uuid(), customer_id, conversation_id, account_id, handle_id, channel, class, now()
          from contact""",
    "one_live_offer": """
        insert into offer (id, contact_id, agent_id, fence, class, weight, expires_at)
        select gen_random_uuid(), contact_id, agent_id, fence, class, weight, expires_at from offer
         where state = 'pending'""",
    "one_holder": """
        insert into offer (id, contact_id, agent_id, state, fence, class, weight, expires_at, ended_at)
        select gen_random_uuid(), contact_id, agent_id, state, fence, class, weight, expires_at, now() from offer
         where state = 'accepted'""",
}


@pytest.mark.parametrize("index", AGAIN)
async def test_the_database_itself_refuses_a_second(company: Company, index: str) -> None:
    ines = await company.hire()
    await company.seat(ines)
    await company.text(PHONE)
    await company.drain()
    await company.take(ines)
    await company.text(OTHER)
    await company.drain()
    with pytest.raises(asyncpg.UniqueViolationError, match=index):
        await company.value(AGAIN[index])


REFUSE_COMMIT = """
create function refuse() returns trigger language plpgsql as $$ begin raise exception 'not committed'; end $$;
create constraint trigger refuse after update on stream deferrable initially deferred for each row
    execute function refuse()
"""


async def test_what_does_not_commit_is_never_announced(company: Company) -> None:
    await company.text(PHONE)
    root = await company.value("select id from stream")
    async with company.pool.acquire() as connection:
        await connection.execute(REFUSE_COMMIT)
    told: list[Positions] = []

    def announce(positions: Positions) -> None:
        told.append(positions)

    with pytest.raises(asyncpg.RaiseError, match="not committed"):
        async with transaction(company.pool, announce) as tx:
            await write(tx, FeedId("customer", root))
    assert told == []


async def write(tx: Transaction, feed: FeedId) -> None:
    """One event of this feed."""
    if feed.kind == "agent":
        await append_to_agent(tx, feed.id, [HeldEnded(new_id(), "finished")])
    else:
        await lock_customer(tx, feed.id)
        await append_to_customer(tx, feed.id, [ReceiptChanged(new_id(), "sent")])


async def a_feed(company: Company, kind: str) -> FeedId:
    """The feed of somebody new."""
    if kind == "agent":
        return FeedId("agent", (await company.hire()).id)
    await company.text(PHONE)
    return FeedId("customer", await company.value("select id from stream"))


@pytest.mark.parametrize("kind", ["agent", "customer"])
async def test_a_later_event_is_never_visible_before_an_earlier_one(company: Company, kind: str) -> None:
    feed = await a_feed(company, kind)
    begin = await visible(company, feed)

    async def second() -> None:
        async with transaction(company.pool, company.announce) as tx:
            await write(tx, feed)

    async with company.pool.acquire() as connection, stays_open(connection) as tx:
        await write(Transaction(connection), feed)
        later = asyncio.create_task(second())
        await blocked(company.pool, later)
        assert await visible(company, feed) == begin, "a number is visible while the one before it is not committed"
        await tx.commit()
    await later
    assert await visible(company, feed) == list(range(1, len(begin) + 3))


@pytest.mark.parametrize("kind", ["agent", "customer"])
async def test_a_transaction_that_rolls_back_leaves_no_gap(company: Company, kind: str) -> None:
    feed = await a_feed(company, kind)
    begin = await visible(company, feed)
    async with company.pool.acquire() as connection, stays_open(connection) as tx:
        await write(Transaction(connection), feed)
        await tx.rollback()
    async with transaction(company.pool, company.announce) as done:
        await write(done, feed)
    assert await visible(company, feed) == list(range(1, len(begin) + 2))


async def visible(company: Company, feed: FeedId) -> list[int]:
    """The numbers another connection can read now."""
    return [row["seq"] for row in await company.rows("select seq from event where id = $1 order by seq", feed.id)]


async def test_what_is_committed_while_a_profile_is_made_ready_is_sent_after_it(company: Company) -> None:
    feed = await a_feed(company, "customer")
    async with running(company.pool, MemoryBus()) as hub:

        async def read(customer: UUID) -> Snapshot | None:
            async with company.pool.acquire() as connection:
                found = await fetch_snapshot(connection, customer)
            async with transaction(company.pool, hub.announce) as tx:
                await write(tx, feed)
            return found

        prefetch, offer = Prefetch(hub, read), new_id()
        prefetch.expect(offer, feed.id)
        kept = prefetch.find(offer)
        await prefetch.settled(offer)
        await until(lambda: not hub.behind)
        assert kept is not None
        assert kept.encoded is not None
        head = await company.value("select seq from stream")
        assert [kept.encoded.seq, *(event.seq for event in kept.since)] == [head - 1, head]
        await prefetch.stop()


async def test_what_nobody_announced_is_found_by_looking_at_positions(company: Company) -> None:
    feed, sink = await a_feed(company, "customer"), Collected()
    head = await company.value("select seq from stream")
    await company.value("delete from gateway_process")  # beside another process it would follow the log anyway
    async with running(company.pool, DeafBus(), Pace(check_seconds=0.05, follow_seconds=0.01)) as hub:
        hub.attach(hub.subscribe(feed, sink), head)
        async with transaction(company.pool, hub.announce) as tx:
            await write(tx, feed)
        with suppress(TimeoutError):
            async with asyncio.timeout(10):
                await until(lambda: bool(sink.seqs))
    assert sink.seqs == [head + 1]


async def test_the_late_outcome_of_an_old_attempt_leaves_the_attempt_under_way_alone(company: Company) -> None:
    await company.value("insert into queue (id, name) values ('support', 'Support') returning id")
    mia = await add_agent(company.pool, "Mia")
    await say(company.pool, "hello")
    await hold(company.pool, mia)
    entry = await answer(company.pool, mia, "hi")
    async with company.pool.acquire() as connection:
        [first] = await claim_replies(connection, [], 8)
    await company.value("update outbox set lease_until = now() - interval '1 s'")
    for overdue in await company.rows(OVERDUE):
        async with transaction(company.pool, company.announce) as tx:
            await end_overdue(tx, overdue)
    async with transaction(company.pool, company.announce) as tx:
        assert await retry(tx, mia, entry) == entry
    async with company.pool.acquire() as connection:
        [second] = await claim_replies(connection, [], 8)
    async with transaction(company.pool, company.announce) as tx:
        await record_outcome(tx, first, Verdict("failed", "too late"))
    assert await outbox_state(company.pool, entry) == "sending"
    async with transaction(company.pool, company.announce) as tx:
        await record_outcome(tx, second, Verdict("sent", None, "SM1"))
    assert await outbox_state(company.pool, entry) == "sent"
