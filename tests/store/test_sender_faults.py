"""The outbox worker when something dies, comes late, comes twice, or is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Literal
from uuid import UUID

import pytest

from adapters.base import Busy, Refused, Sent, Unknown
from gateway.outbox import claim_replies, judge, record_outcome
from gateway.sender import OUTAGE, Sender
from model.agent import Actor
from model.inbound import DeliveryReceipt
from profiles.receipt import apply_receipt
from profiles.reply import retry
from store.feeds import transaction
from store.pool import Pool, open_pool
from tests.store.profile_seed import (
    ADA,
    BOB,
    add_account,
    add_agent,
    answer,
    hold,
    outbox_state,
    say,
    say_nothing,
)
from tests.store.told_carrier import Carrier, changes, send_all

EARLY: tuple[tuple[str, Literal["delivered", "read"]], ...] = (
    ("P1", "delivered"),
    ("P1", "read"),
    ("P2", "delivered"),
)
SOMEBODY_WAITS = """
select exists (select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database())
"""


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url, size=10)
    await add_account(opened, "sms-main")
    await add_account(opened, "sms-two")
    yield opened
    await opened.close()


@pytest.fixture
async def mia(pool: Pool) -> Actor:
    """An agent who holds ADA's contact on sms-main and BOB's on sms-two."""
    actor = await add_agent(pool, "Mia")
    for phone, account in ((ADA, "sms-main"), (BOB, "sms-two")):
        await say(pool, "hello", phone=phone, account=account)
        await hold(pool, actor, phone)
    return actor


@pytest.fixture
def carrier() -> Carrier:
    return Carrier()


@pytest.fixture
def sender(pool: Pool, carrier: Carrier) -> Sender:
    return Sender(pool, say_nothing, carrier)


async def test_a_reply_whose_sender_died_is_unknown_after_its_lease_and_the_next_one_goes(
    pool: Pool, mia: Actor, sender: Sender, carrier: Carrier
) -> None:
    first = await answer(pool, mia, "one")
    await answer(pool, mia, "two")
    async with pool.acquire() as connection:
        assert [claim.body for claim in await claim_replies(connection, [], 8)] == ["one"]
    assert await sender.sweep() == 0
    assert await sender.start_due() == 0
    await pool.execute("update outbox set lease_until = now() - interval '1 s' where state = 'sending'")
    assert await sender.sweep() == 1
    await send_all(sender)
    assert await outbox_state(pool, first) == "unknown"
    assert carrier.given == ["two"]
    assert [status for status, _ in await changes(pool)] == ["unknown", "sent"]


async def test_the_late_answer_of_a_sender_thought_dead_settles_what_is_unknown(
    pool: Pool, mia: Actor, sender: Sender
) -> None:
    entry = await answer(pool, mia, "hi")
    async with pool.acquire() as connection:
        [claim] = await claim_replies(connection, [], 8)
    await pool.execute("update outbox set lease_until = now() - interval '1 s'")
    await sender.sweep()
    async with transaction(pool, say_nothing) as tx:
        await record_outcome(tx, claim, judge(Sent("P1", "sent"), 1, 0))
    assert await outbox_state(pool, entry) == "sent"


async def test_the_late_answer_of_an_old_attempt_leaves_the_new_one_alone(
    pool: Pool, mia: Actor, sender: Sender
) -> None:
    entry = await answer(pool, mia, "hi")
    async with pool.acquire() as connection:
        [claim] = await claim_replies(connection, [], 8)
    await pool.execute("update outbox set lease_until = now() - interval '1 s'")
    await sender.sweep()
    async with transaction(pool, say_nothing) as tx:
        assert await retry(tx, mia, entry) == entry
    for outcome in (Refused("no"), Busy(5.0, "429"), Unknown("?")):
        async with transaction(pool, say_nothing) as tx:
            await record_outcome(tx, claim, judge(outcome, 1, 0))
    assert await outbox_state(pool, entry) == "queued"
    assert [status for status, _ in await changes(pool)] == ["unknown", "queued"]


async def test_a_receipt_that_overtakes_the_answer_is_neither_lost_nor_undone(
    pool: Pool, mia: Actor, sender: Sender, carrier: Carrier
) -> None:
    entry = await answer(pool, mia, "hi")
    carrier.holding["hi"] = asyncio.Event()
    carrier.answers["hi"] = [Sent("P1", "sent")]
    assert await sender.start_due() == 1
    await carrier.arrived["hi"].wait()
    async with transaction(pool, say_nothing) as tx:
        await apply_receipt(tx, "sms-main", DeliveryReceipt("r1", "", "delivered", entry))
    carrier.holding["hi"].set()
    await sender.finish()
    row = await pool.fetchrow("select state, provider_id from outbox")
    assert row is not None
    assert tuple(row) == ("delivered", "P1")
    assert await changes(pool) == [("delivered", None)]


async def test_reports_that_know_the_providers_name_only_wait_for_it_and_no_longer_than_an_hour(
    pool: Pool, mia: Actor, sender: Sender, carrier: Carrier
) -> None:
    await answer(pool, mia, "hi")
    carrier.holding["hi"] = asyncio.Event()
    carrier.answers["hi"] = [Sent("P1", "sent")]
    await sender.start_due()
    await carrier.arrived["hi"].wait()
    reports = [DeliveryReceipt(f"{name}:{status}", name, status) for name, status in EARLY]
    for report in [*reports, *reports]:
        async with transaction(pool, say_nothing) as tx:
            assert not await apply_receipt(tx, "sms-main", report)
    await sender.sweep()
    assert await changes(pool) == []
    carrier.holding["hi"].set()
    await sender.finish()
    await sender.sweep()
    await sender.sweep()
    assert await changes(pool) == [("sent", None), ("delivered", None), ("read", None)]
    waiting = "select array_agg(key) from receipt_early"
    assert await pool.fetchval(waiting) == ["P2:delivered"]
    await pool.execute("update receipt_early set at = at - interval '61 minutes'")
    await sender.sweep()
    assert await pool.fetchval(waiting) is None


async def test_an_id_the_provider_gives_twice_does_not_lose_the_outcome(
    pool: Pool, mia: Actor, sender: Sender, carrier: Carrier
) -> None:
    for body in ("one", "two"):
        carrier.answers[body] = [Sent("P1", "sent")]
        await answer(pool, mia, body)
    await send_all(sender)
    rows = await pool.fetch("select state, provider_id from outbox order by at")
    assert [tuple(row) for row in rows] == [("sent", "P1"), ("sent", None)]


async def test_stopping_takes_nothing_new_and_finishes_what_is_being_sent(
    pool: Pool, mia: Actor, sender: Sender, carrier: Carrier
) -> None:
    carrier.holding["one"] = asyncio.Event()
    first = await answer(pool, mia, "one")
    second = await answer(pool, mia, "two")
    loop = asyncio.create_task(sender.run())
    await carrier.arrived["one"].wait()
    stopping = asyncio.create_task(sender.stop())
    await loop
    assert not stopping.done()
    carrier.holding["one"].set()
    await stopping
    assert await outbox_state(pool, first) == "sent"
    assert await outbox_state(pool, second) == "queued"
    assert carrier.given == ["one"]


async def test_a_wake_sends_without_waiting_and_the_loop_outlives_lost_connections(
    pool: Pool, mia: Actor, sender: Sender, carrier: Carrier
) -> None:
    loop = asyncio.create_task(sender.run())
    await answer(pool, mia, "one")
    sender.wake()
    await carrier.arrived["one"].wait()
    async with pool.acquire() as connection:
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
    await pool.execute("select 1")
    entry = await answer_despite_outage(pool, mia, "two")
    sender.wake()
    await carrier.arrived["two"].wait()
    await sender.stop()
    await loop
    assert await outbox_state(pool, entry) == "sent"


async def answer_despite_outage(pool: Pool, mia: Actor, body: str) -> UUID:
    """Every connection of the pool may have been cut: each attempt replaces one."""
    while True:
        try:
            return await answer(pool, mia, body)
        except OUTAGE:
            continue


async def test_one_account_that_hangs_leaves_places_for_the_others(
    pool: Pool, mia: Actor, sender: Sender, carrier: Carrier
) -> None:
    for number in range(10):
        phone = f"+1206555{2000 + number}"
        await say(pool, "hello", phone=phone)
        await hold(pool, mia, phone)
        await answer(pool, mia, f"slow {number}", phone)
        carrier.holding[f"slow {number}"] = asyncio.Event()
    assert await sender.start_due() == 8
    await answer(pool, mia, "to bob", BOB)
    assert await sender.start_due() == 1
    await carrier.arrived["to bob"].wait()
    for event in carrier.holding.values():
        event.set()
    await sender.finish()
    await send_all(sender)
    assert len(carrier.given) == 11


async def test_stopping_in_the_middle_of_a_claim_still_sends_what_it_claimed(
    pool: Pool, mia: Actor, sender: Sender, carrier: Carrier
) -> None:
    entry = await answer(pool, mia, "hi")
    async with pool.acquire() as other, other.transaction():
        await other.execute("lock table account in access exclusive mode")
        loop = asyncio.create_task(sender.run())
        while not await pool.fetchval(SOMEBODY_WAITS):
            pass
        stopping = asyncio.create_task(sender.stop())
        await asyncio.sleep(0)  # it has asked the loop to end, which is still waiting for its claim
    await stopping
    assert loop.done()
    assert await outbox_state(pool, entry) == "sent"
