"""Receipts move a reply forward only, in whatever order they come, and are seen once."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Literal, get_args
from uuid import UUID

import pytest

from model.event import ReceiptChanged
from model.inbound import DeliveryReceipt
from model.timeline import DeliveryStatus
from profiles.receipt import apply_receipt
from store.feeds import transaction
from store.ids import new_id
from store.pool import Pool, open_pool
from tests.store.profile_seed import (
    add_account,
    add_agent,
    answer,
    customer_of,
    events_after,
    hold,
    outbox_state,
    say,
    say_nothing,
)

Status = Literal["sent", "delivered", "read", "failed"]
STATES = ("queued", "sending", "sent", "delivered", "read", "failed", "unknown")
# From every state by every report: what it becomes; a state that is missing stays.
BECOMES: dict[Status, dict[str, str]] = {
    "sent": dict.fromkeys(("queued", "sending", "unknown"), "sent"),
    "delivered": dict.fromkeys(("queued", "sending", "sent", "unknown", "failed"), "delivered"),
    "read": dict.fromkeys(("queued", "sending", "sent", "delivered", "unknown", "failed"), "read"),
    "failed": dict.fromkeys(("queued", "sending", "sent", "unknown"), "failed"),
}
keys = itertools.count(1)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url, size=6)
    await add_account(opened, "sms-main")
    await add_account(opened, "sms-two")
    yield opened
    await opened.close()


@pytest.fixture
async def entry(pool: Pool) -> UUID:
    actor = await add_agent(pool, "Mia")
    await say(pool, "hello")
    await hold(pool, actor)
    return await answer(pool, actor, "hi")


async def put(pool: Pool, entry: UUID, state: str, provider_id: str | None = None) -> None:
    await pool.execute(
        "update outbox set state = $2, provider_id = $3,"
        " lease_until = case when $2 = 'sending' then now() + interval '30 s' end where entry_id = $1",
        *(entry, state, provider_id),
    )


async def tell(
    pool: Pool,
    status: Status,
    *,
    entry: UUID | None = None,
    key: str | None = None,
    provider_id: str = "P1",
    account: str = "sms-main",
) -> bool:
    error = "unreachable" if status == "failed" else None
    receipt = DeliveryReceipt(key or f"r{next(keys)}", provider_id, status, entry, error)
    async with transaction(pool, say_nothing) as tx:
        return await apply_receipt(tx, account, receipt)


async def changes(pool: Pool) -> list[tuple[DeliveryStatus, str | None]]:
    logged = await events_after(pool, await customer_of(pool))
    return [(each.event.status, each.event.error) for each in logged if isinstance(each.event, ReceiptChanged)]


@pytest.mark.parametrize("status", get_args(Status))
async def test_from_every_state_a_receipt_moves_forward_or_changes_nothing(
    pool: Pool, entry: UUID, status: Status
) -> None:
    told = 0
    for state in STATES:
        await put(pool, entry, state)
        await tell(pool, status, entry=entry)
        after = BECOMES[status].get(state, state)
        assert await outbox_state(pool, entry) == after
        told += after != state
        assert len(await changes(pool)) == told


async def test_a_receipt_seen_before_changes_nothing_even_after_the_state_moved_back(pool: Pool, entry: UUID) -> None:
    await tell(pool, "failed", entry=entry, key="once")
    await put(pool, entry, "queued")
    assert await tell(pool, "failed", entry=entry, key="once")
    assert await outbox_state(pool, entry) == "queued"
    assert await changes(pool) == [("failed", "unreachable")]


async def test_receipts_that_arrive_at_once_end_in_the_furthest_status(pool: Pool, entry: UUID) -> None:
    await put(pool, entry, "sent", "P1")
    await asyncio.gather(*(tell(pool, status, entry=entry) for status in ("read", "sent", "delivered", "sent")))
    assert await outbox_state(pool, entry) == "read"
    seen = [status for status, _ in await changes(pool)]
    assert seen in (["read"], ["delivered", "read"])


async def test_without_our_id_the_providers_finds_the_reply(pool: Pool, entry: UUID) -> None:
    await put(pool, entry, "sent", "P1")
    assert await tell(pool, "delivered", provider_id="P1")
    assert await outbox_state(pool, entry) == "delivered"


async def test_a_receipt_about_nothing_is_not_remembered_so_that_it_may_come_again(pool: Pool, entry: UUID) -> None:
    await put(pool, entry, "sending")
    assert not await tell(pool, "delivered", provider_id="P1", key="early")
    await put(pool, entry, "sent", "P1")
    assert await tell(pool, "delivered", provider_id="P1", key="early")
    assert await outbox_state(pool, entry) == "delivered"


async def test_another_account_cannot_settle_a_reply(pool: Pool, entry: UUID) -> None:
    await put(pool, entry, "sent", "P1")
    assert not await tell(pool, "failed", entry=entry, account="sms-two")
    assert not await tell(pool, "failed", entry=new_id(), provider_id="P9")
    assert await outbox_state(pool, entry) == "sent"


async def test_the_receipt_brings_the_providers_id_where_it_was_not_recorded(pool: Pool, entry: UUID) -> None:
    await put(pool, entry, "unknown")
    await tell(pool, "sent", entry=entry, provider_id="P7")
    assert await pool.fetchval("select provider_id from outbox") == "P7"


async def test_a_late_failure_of_the_first_attempt_does_not_fail_the_second(pool: Pool, entry: UUID) -> None:
    for state in ("queued", "sending", "unknown"):
        await put(pool, entry, state, "P1")
        await tell(pool, "failed", entry=entry, provider_id="P1")
        await tell(pool, "sent", entry=entry, provider_id="P1")
        assert await outbox_state(pool, entry) == state
    await put(pool, entry, "sent", "P2")
    await tell(pool, "failed", entry=entry, provider_id="P1")
    assert await outbox_state(pool, entry) == "sent"
    await tell(pool, "failed", entry=entry, provider_id="P2")
    assert await outbox_state(pool, entry) == "failed"


async def test_a_late_delivery_of_the_first_attempt_settles_the_reply_before_it_is_sent_twice(
    pool: Pool, entry: UUID
) -> None:
    await put(pool, entry, "queued", "P1")
    await tell(pool, "delivered", entry=entry, provider_id="P1")
    assert await outbox_state(pool, entry) == "delivered"
