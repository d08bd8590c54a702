"""Dead letters keep every byte, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from profiles.dead_letters import Unreadable, bury, fetch_dead_letter, fetch_dead_letters
from store.ids import new_id
from store.pool import Pool, open_pool
from tests.store.profile_seed import add_account

LETTER = Unreadable("sms-main", None, "a=1", "text/plain", b"\x00\xff body", "no From", "From")


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url, size=8)
    await add_account(opened, "sms-main")
    await add_account(opened, "sms-two")
    yield opened
    await opened.close()


async def test_the_same_bytes_are_one_row_even_when_they_arrive_at_once(pool: Pool) -> None:
    async def once() -> object:
        async with pool.acquire() as connection:
            return await bury(connection, LETTER)

    ids = await asyncio.gather(*(once() for _ in range(8)))
    assert len(set(ids)) == 1
    assert await pool.fetchval("select count(*) from dead_letter") == 1


async def test_another_step_query_body_or_account_is_another_letter(pool: Pool) -> None:
    changes: list[dict[str, object]] = [
        {},
        {"step": "a=1", "query": ""},
        {"query": "a=2"},
        {"body": b""},
        {"account": "sms-two"},
    ]
    async with pool.acquire() as connection:
        ids = {await bury(connection, msgspec.structs.replace(LETTER, **change)) for change in changes}
    assert len(ids) == 5


async def test_a_letter_is_read_back_whole(pool: Pool) -> None:
    async with pool.acquire() as connection:
        id_ = await bury(connection, msgspec.structs.replace(LETTER, reason="bad \x00 \ud800 sign"))
        whole = await fetch_dead_letter(connection, id_)
        assert await fetch_dead_letter(connection, new_id()) is None
    assert whole is not None
    assert (whole.body, whole.query, whole.field, whole.size) == (LETTER.body, "a=1", "From", 7)
    assert whole.reason == "bad � ? sign"


async def test_the_list_shows_all_once_newest_first_and_no_bodies(pool: Pool) -> None:
    async with pool.acquire() as connection:
        buried = [await bury(connection, msgspec.structs.replace(LETTER, query=str(n))) for n in range(5)]
        first = await fetch_dead_letters(connection, 3)
        rest = await fetch_dead_letters(connection, 3, (first[-1].received_at, first[-1].id))
    assert [each.id for each in (*first, *rest)] == buried[::-1]
    assert "body" not in msgspec.to_builtins(first[0])


def test_a_letter_in_a_log_shows_no_personal_data() -> None:
    assert repr(LETTER) == "Unreadable('sms-main', step=None, 7 bytes)"
