"""Customers are found by what people type: parts of names, tags, numbers in any spelling, starts of handles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from profiles.search import handle_patterns, search
from store.ids import new_id
from store.pool import Pool, open_pool


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url, size=2)
    yield opened
    await opened.close()


async def add(
    pool: Pool,
    name: str,
    handle: str = "",
    *,
    company: str | None = None,
    tags: tuple[str, ...] = (),
    root: UUID | None = None,
) -> UUID:
    """A customer, each a minute younger than the one before."""
    id_ = new_id()
    count: int = await pool.fetchval("select count(*) from customer")
    at = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=count)
    await pool.execute(
        "insert into customer (id, root_id, name, company, tags, created_at) values ($1, $2, $3, $4, $5, $6)",
        *(id_, root or id_, name, company, list(tags), at),
    )
    if handle:
        kind = "email" if "@" in handle else "phone"
        await pool.execute(
            "insert into handle (id, kind, value, customer_id) values ($1, $2, $3, $4)", new_id(), kind, handle, id_
        )
    return id_


async def names(pool: Pool, q: str) -> list[str | None]:
    async with pool.acquire() as connection:
        items, _ = await search(connection, q, 50)
    return [item.name for item in items]


async def test_a_part_of_name_company_or_tag_finds_in_any_case(pool: Pool) -> None:
    await add(pool, "Ada Løvelace", company="Engines Ltd", tags=("VIP", "press"))
    await add(pool, "Bob")
    for q in ("løve", "LØVE", "engines l", "vip", "PRESS", " ada   løvelace "):
        assert await names(pool, q) == ["Ada Løvelace"]
    assert await names(pool, "nobody") == []


@pytest.mark.parametrize(
    "q",
    [
        *("+12065550134", "+1 206-555-0134", "(206) 555-0134", "206.555.0134", "2065550134", "1 206 555 0134"),
        *("001 206 555 0134", "5550134", "+1206555", "206 555"),
    ],
)
async def test_any_spelling_of_a_phone_number_finds_its_customer(pool: Pool, q: str) -> None:
    await add(pool, "Ada", "+12065550134")
    await add(pool, "Bob", "+493012345678")
    assert await names(pool, q) == ["Ada"]


async def test_the_start_of_a_handle_finds_and_its_middle_does_not(pool: Pool) -> None:
    await add(pool, "Ada", "ada@example.com")
    assert await names(pool, "Ada@Ex") == ["Ada"]
    assert await names(pool, "example.com") == []


async def test_signs_of_patterns_mean_only_themselves(pool: Pool) -> None:
    await add(pool, "Ada", "ada@example.com")
    await add(pool, "100 % Bob_")
    assert await names(pool, "%") == ["100 % Bob_"]
    assert await names(pool, "_") == ["100 % Bob_"]
    assert await names(pool, "\\") == []
    assert await names(pool, "a\x00b'; --") == []


async def test_a_merged_customer_is_found_as_the_profile_it_is_part_of(pool: Pool) -> None:
    root = await add(pool, "Ada", "+12065550134")
    await add(pool, "A. Lovelace", "+493012345678", root=root)
    for q in ("lovelace", "+493012345678", "", "ada"):
        assert await names(pool, q) == ["Ada"]


async def test_pages_show_everybody_once_newest_first(pool: Pool) -> None:
    for number in range(7):
        await add(pool, f"Ada {number}")
    for q in ("", "ada"):
        seen: list[str | None] = []
        cursor = None
        async with pool.acquire() as connection:
            while True:
                items, cursor = await search(connection, q, 3, cursor)
                seen += [item.name for item in items]
                if cursor is None:
                    break
        assert seen == [f"Ada {number}" for number in reversed(range(7))]


async def test_a_result_carries_the_handles_of_the_whole_profile(pool: Pool) -> None:
    root = await add(pool, "Ada", "+12065550134")
    await add(pool, "Bob", "bob@example.com", root=root)
    async with pool.acquire() as connection:
        [item], _ = await search(connection, "ada", 50)
    assert item.id == root
    assert item.handles == ("+12065550134", "bob@example.com")


def test_few_digits_mean_no_number() -> None:
    assert handle_patterns("123") == ["123%", "+1123"]
