"""What became of a message since: in whatever order it comes, once, and as every later snapshot shows it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from gateway.recorder import Recorder
from model.event import EntryAdded, EntryChanged
from model.inbound import (
    HandleRef,
    InboundEvent,
    InboundMessage,
    MessageChange,
    MessageEdited,
    MessageReacted,
    MessageUnsent,
)
from model.timeline import Entry
from profiles.changes import left_early
from profiles.profile import fetch_snapshot
from profiles.record import Delivery
from tests.store.company import Company, open_company
from tests.store.merged import told
from tests.store.races import recorder

ADA = HandleRef("social", "ada", "page")
BEN = HandleRef("social", "ben", "page")
NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)
keys = itertools.count(1)


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        await company.rows(
            "insert into account (id, channel, provider, address, secrets, region, public_url, queue_id)"
            " values ('page', 'messenger', 'meta', '1', '{secret}', 'US', 'http://localhost/hooks/page', 'general')"
        )
        yield company


def came(event: Any) -> Delivery:
    """An event of the page, as it goes to the recorder."""
    return Delivery("page", "messenger", event, None, "", None, b"raw")


def said(body: str = "hello", key: str = "m1", **more: Any) -> Delivery:
    """A message of Ada's."""
    return came(InboundMessage(key, ADA, body, **more))


def key() -> str:
    """A provider's event id."""
    return f"e{next(keys)}"


def reacted(emoji: str | None, minute: int = 0, *, target: str = "m1", by: HandleRef = ADA) -> MessageReacted:
    return MessageReacted(key(), by, target, emoji, NOON + timedelta(minutes=minute))


def edited(body: str, minute: int = 0) -> MessageEdited:
    return MessageEdited(key(), ADA, "m1", body, NOON + timedelta(minutes=minute))


def unsent(minute: int = 0) -> MessageUnsent:
    return MessageUnsent(key(), ADA, "m1", NOON + timedelta(minutes=minute))


async def shown(company: Company, name: str = "m1") -> Entry:
    """The entry as the snapshot shows it; and its events, applied in turn, show the same."""
    row = (await company.rows("select id, customer_id from entry where id = entry_named('page', $1)", name))[0]
    async with company.pool.acquire() as connection:
        snapshot = await fetch_snapshot(connection, row["customer_id"])
    assert snapshot is not None
    [entry] = [each for each in snapshot.timeline if each.id == row["id"]]
    changes = [
        event for event in await told(company, row["customer_id"]) if isinstance(event, EntryAdded | EntryChanged)
    ]
    assert [event.entry for event in changes if event.entry.id == row["id"]][-1] == entry
    return entry


CHANGES: dict[str, list[MessageChange]] = {
    "a reaction, another, and none": [reacted("👍"), reacted("❤", 1), reacted(None, 2)],
    "a reaction taken back and given again": [reacted("👍"), reacted(None, 1), reacted("😂", 2)],
    "edited twice": [edited("hullo"), edited("hallo", 1)],
    "edited and taken back": [edited("hullo"), unsent(1), reacted("👍", 2)],
}


@pytest.mark.parametrize("what", CHANGES)
async def test_the_order_of_arrival_decides_nothing(company: Company, what: str) -> None:
    orders = itertools.permutations([said(), *map(came, CHANGES[what])])
    seen: list[Entry] = []
    one = recorder(company)
    for number, order in enumerate(orders):
        name = f"m1-{number}"
        for delivery in order:
            event: InboundEvent = msgspec.structs.replace(delivery.message, key=f"{delivery.message.key}-{number}")
            if isinstance(event, MessageChange):
                event = msgspec.structs.replace(event, target=name)
            await one.submit(came(event))
        entry = await shown(company, name)
        seen.append(msgspec.structs.replace(entry, id=company.process, at=NOON))
    assert all(entry == seen[0] for entry in seen)
    assert await company.value("select count(*) from entry_change where entry_id is null") == 0


async def test_reactions_edits_and_what_was_taken_back_are_shown_and_what_it_was_is_kept(company: Company) -> None:
    one = recorder(company)
    await one.submit(said())
    for change in (reacted("👍", 1), reacted("❤", 2, by=BEN), edited("hullo", 3), unsent(4)):
        await one.submit(came(change))
    entry = await shown(company)
    assert [(each.emoji, each.direction) for each in entry.reactions] == [("👍", "in"), ("❤", "in")]
    assert (entry.body, entry.edited_at) == ("hullo", NOON + timedelta(minutes=3))
    assert entry.unsent_at == NOON + timedelta(minutes=4)
    assert await company.value("select body from entry") == "hello"
    assert await company.value("select count(*) from raw_event") == 5


async def test_a_change_opens_nothing_and_asks_nobody_to_answer(company: Company) -> None:
    one = recorder(company)
    await one.submit(said())
    await company.rows("update conversation set status = 'closed', closed_at = now(), needs_attention = false")
    await company.rows("update contact set state = 'closed'")
    for change in (reacted("👍"), edited("hullo"), unsent()):
        await one.submit(came(change))
    assert await company.value("select count(*) from conversation where status = 'closed' and not needs_attention") == 1
    assert await company.value("select count(*) from contact") == 1
    assert await company.value("select count(*) from customer") == 1


async def test_the_same_change_again_is_one(company: Company) -> None:
    one = recorder(company)
    await one.submit(said())
    change = came(reacted("👍"))
    await asyncio.gather(one.submit(change), one.submit(change))
    await one.submit(change)
    assert len((await shown(company)).reactions) == 1
    assert await company.value("select count(*) from entry_change") == 1
    assert await company.value("select count(*) from event where body like '%entry_changed%'") == 1


async def test_changes_and_their_message_at_once_are_all_applied(company: Company) -> None:
    one, two = recorder(company), recorder(company)
    for number in range(10):
        name = f"n{number}"
        change = msgspec.structs.replace(reacted("👍"), target=name)
        await asyncio.gather(one.submit(came(change)), two.submit(said(key=name)))
        assert len((await shown(company, name)).reactions) == 1, number


async def test_what_a_dead_process_left_is_found(company: Company) -> None:
    one = recorder(company)
    await one.submit(came(reacted("👍")))
    async with company.pool.acquire() as connection:
        assert await left_early(connection) == []
        await one.submit(said())
        await connection.execute("update entry_change set entry_id = null")
        await connection.execute("delete from entry_state")
        assert await left_early(connection) == [("page", "m1")]


async def test_nobody_edits_what_we_said_but_reacts_to_it(company: Company) -> None:
    one = recorder(company)
    await one.submit(said())
    await company.rows("update entry set direction = 'out'")
    for change in (reacted("👍"), edited("not what we said"), unsent()):
        await one.submit(came(change))
    [row] = await company.rows("select body, unsent_at, reactions::text from entry_state")
    assert (row["body"], row["unsent_at"]) == (None, None)
    assert "👍" in row["reactions"]


async def test_another_accounts_message_of_the_same_name_is_not_meant(company: Company) -> None:
    one: Recorder = recorder(company)
    await one.submit(said())
    other = msgspec.structs.replace(came(reacted("👍")), account="sms-main")
    await one.submit(other)
    assert (await shown(company)).reactions == ()
