"""The outbox worker against a provider that is told what to do: order, failures, waits, deadlines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from adapters.base import Busy, Refused, SendOutcome, Unknown
from gateway.outbox import judge
from gateway.sender import Sender
from model.agent import Actor
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
from tests.store.told_carrier import Carrier, changes, make_due, send_all


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


async def test_a_reply_is_sent_recorded_with_the_providers_id_and_announced(
    pool: Pool, mia: Actor, sender: Sender, carrier: Carrier
) -> None:
    entry = await answer(pool, mia, "hi")
    await send_all(sender)
    row = await pool.fetchrow("select state, provider_id, attempts, lease_until from outbox")
    assert row is not None
    assert tuple(row) == ("sent", f"P-{entry}", 1, None)
    assert carrier.given == ["hi"]
    assert await changes(pool) == [("sent", None)]


async def test_replies_of_a_conversation_leave_in_order_one_at_a_time_whoever_sends(
    pool: Pool, mia: Actor, carrier: Carrier
) -> None:
    for number in range(6):
        await answer(pool, mia, str(number))
        await answer(pool, mia, f"bob {number}", BOB)
    senders = [Sender(pool, say_nothing, carrier) for _ in range(3)]
    loops = [asyncio.create_task(sender.run()) for sender in senders]
    await carrier.arrived["12 in all"].wait()
    for sender in senders:
        await sender.stop()
    await asyncio.gather(*loops)
    assert [body for body in carrier.given if "bob" not in body] == [str(number) for number in range(6)]
    assert [body for body in carrier.given if "bob" in body] == [f"bob {number}" for number in range(6)]
    assert await pool.fetchval("select count(*) from outbox where state = 'sent' and attempts = 1") == 12


async def test_a_refused_reply_fails_visibly_and_does_not_hold_up_the_next(
    pool: Pool, mia: Actor, sender: Sender, carrier: Carrier
) -> None:
    first = await answer(pool, mia, "one")
    second = await answer(pool, mia, "two")
    carrier.answers["one"] = [Refused("not a mobile number")]
    await send_all(sender)
    assert await outbox_state(pool, first) == "failed"
    assert await outbox_state(pool, second) == "sent"
    assert await changes(pool) == [("failed", "not a mobile number"), ("sent", None)]


@pytest.mark.parametrize("answered", [Unknown("connection lost"), RuntimeError("a bug"), TimeoutError()])
async def test_what_may_have_been_taken_is_unknown_and_never_sent_again_by_itself(
    pool: Pool, mia: Actor, sender: Sender, carrier: Carrier, answered: SendOutcome | Exception
) -> None:
    entry = await answer(pool, mia, "hi")
    carrier.answers["hi"] = [answered]
    await send_all(sender)
    assert await outbox_state(pool, entry) == "unknown"
    assert [status for status, _ in await changes(pool)] == ["unknown"]
    await make_due(pool)
    await sender.sweep()
    await send_all(sender)
    assert carrier.given == ["hi"]


async def test_a_busy_provider_rests_its_account_alone_and_the_reply_goes_later_in_its_order(
    pool: Pool, mia: Actor, sender: Sender, carrier: Carrier
) -> None:
    entry = await answer(pool, mia, "one")
    await answer(pool, mia, "two")
    await answer(pool, mia, "to bob", BOB)
    carrier.answers["one"] = [Busy(40.0, "429")]
    await send_all(sender)
    assert sorted(carrier.given) == ["one", "to bob"]
    assert await outbox_state(pool, entry) == "queued"
    assert await changes(pool) == [("queued", "429")]
    rests = await pool.fetch("select id, paused_until > now() + interval '35 s' as rests from account order by id")
    assert [tuple(row) for row in rests] == [("sms-main", True), ("sms-two", None)]
    assert await pool.fetchval("select due_at > now() + interval '35 s' from outbox where entry_id = $1", entry)
    await make_due(pool)
    await send_all(sender)
    assert carrier.given[-2:] == ["one", "two"]
    assert await changes(pool) == [("queued", "429"), ("sent", None), ("sent", None)]


def test_waits_grow_stay_bounded_and_obey_the_provider() -> None:
    waits = [judge(Busy(None, "500"), attempts, 0.5).due_in_seconds for attempts in range(1, 40)]
    assert waits[0] == 5.5
    assert waits[:5] == sorted(set(waits[:5]))
    assert max(waits) == waits[-1] == 300.0
    assert judge(Busy(120.0, "429"), 1, 0.0).due_in_seconds == 120.0
    for nonsense in (float("inf"), 1e12):
        assert judge(Busy(nonsense, "429"), 1, 0.0).due_in_seconds == 3600.0
    for nonsense in (float("nan"), -1.0, 0.0):
        assert judge(Busy(nonsense, "429"), 1, 0.0).pause_seconds == 5.0


async def test_a_reply_that_could_not_be_sent_in_time_fails_visibly(
    pool: Pool, mia: Actor, sender: Sender, carrier: Carrier
) -> None:
    entry = await answer(pool, mia, "hi")
    carrier.answers["hi"] = [Busy(3000.0, "maintenance")]
    await pool.execute("update outbox set deadline_at = now() + interval '10 minutes'")
    await send_all(sender)
    assert await pool.fetchval("select due_at = deadline_at from outbox")
    assert await sender.sweep() == 0
    await pool.execute("update outbox set due_at = now() - interval '1 s', deadline_at = now() - interval '1 s'")
    await pool.execute("update account set paused_until = null")
    assert await sender.start_due() == 0
    assert await sender.sweep() == 1
    assert await outbox_state(pool, entry) == "failed"
    assert (await changes(pool))[-1] == (
        *("failed", "It could not be sent in time. The provider last said: maintenance"),
    )


async def test_a_reply_sent_again_waits_while_a_later_one_of_its_conversation_is_being_sent(
    pool: Pool, mia: Actor, sender: Sender, carrier: Carrier
) -> None:
    first = await answer(pool, mia, "one")
    carrier.answers["one"] = [Refused("no")]
    carrier.holding["two"] = asyncio.Event()
    await send_all(sender)
    await answer(pool, mia, "two")
    assert await sender.start_due() == 1
    async with transaction(pool, say_nothing) as tx:
        assert await retry(tx, mia, first) == first
    assert await sender.start_due() == 0
    carrier.holding["two"].set()
    await sender.finish()
    await send_all(sender)
    assert carrier.given == ["one", "two", "one"]


async def test_while_an_account_rests_nothing_new_of_it_is_sent(
    pool: Pool, mia: Actor, sender: Sender, carrier: Carrier
) -> None:
    await pool.execute("update account set paused_until = now() + interval '1 hour' where id = 'sms-main'")
    await answer(pool, mia, "one")
    await answer(pool, mia, "to bob", BOB)
    await send_all(sender)
    assert carrier.given == ["to bob"]
    await make_due(pool)
    await send_all(sender)
    assert carrier.given == ["to bob", "one"]


async def test_a_reply_another_holds_locked_is_passed_over_without_waiting(
    pool: Pool, mia: Actor, sender: Sender, carrier: Carrier
) -> None:
    entry = await answer(pool, mia, "one")
    await answer(pool, mia, "to bob", BOB)
    async with pool.acquire() as other, other.transaction():
        await other.execute("select from outbox where entry_id = $1 for no key update", entry)
        await send_all(sender)
        assert carrier.given == ["to bob"]
    await send_all(sender)
    assert carrier.given == ["to bob", "one"]
