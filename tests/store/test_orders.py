"""The player of orders: it finds what goes wrong in one of them, and plays none twice that differs in nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from store.feeds import Transaction
from tests.store.company import Company, open_company
from tests.store.interleaver import Work
from tests.store.orders import Pair, try_orders

NAME, RENAME = "select name from queue where id = 'general'", "update queue set name = $1 where id = 'general'"
ELSEWHERE = "select count(*) from account"


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        yield company


def adding(letter: str, *, between: int) -> Work:
    async def work(tx: Transaction) -> object:
        name = await tx.connection.fetchval(NAME)
        for _ in range(between):
            await tx.connection.fetchval(ELSEWHERE)
        return await tx.connection.execute(RENAME, name + letter)

    return work


async def test_what_is_lost_in_some_orders_is_found_though_much_else_is_done_between(company: Company) -> None:
    async def prepare(company: Company) -> tuple[Work, Work]:
        await company.value("update queue set name = '' where id = 'general' returning id")
        return adding("a", between=4), adding("b", between=4)

    async def legal(company: Company, _: object, __: object) -> None:
        assert await company.value(NAME) in ("ab", "ba"), "one of them was lost"

    with pytest.raises(AssertionError, match="one of them was lost"):
        await try_orders(company, Pair(prepare, legal))


async def test_of_orders_that_differ_in_nothing_one_is_played(company: Company) -> None:
    """Of 3,432 eight: one for each place at which what was written may be shown."""

    async def looking(tx: Transaction) -> object:
        return [await tx.connection.fetchval(ELSEWHERE) for _ in range(6)]

    async def renaming(tx: Transaction) -> object:
        return [await tx.connection.execute(RENAME, name) for name in "abcdef"]

    async def prepare(company: Company) -> tuple[Work, Work]:
        return looking, renaming

    async def legal(company: Company, one: object, other: object) -> None:
        assert (one, other) == ([2] * 6, ["UPDATE 1"] * 6)

    tried = await try_orders(company, Pair(prepare, legal))
    assert (tried.schedules, tried.complete) == (8, True)


async def test_all_that_may_be_seen_is_seen(company: Company) -> None:
    """Who looks three times while another writes twice, in transactions of their own: ten things to see."""
    seen = set()

    async def looking(tx: Transaction) -> object:
        return tuple([await tx.connection.fetchval(NAME) for _ in range(3)])

    async def renaming(tx: Transaction) -> object:
        for name in "ab":
            async with tx.connection.transaction():
                await tx.connection.execute(RENAME, name)
        return None

    async def prepare(company: Company) -> tuple[Work, Work]:
        await company.value("update queue set name = '' where id = 'general' returning id")
        return looking, renaming

    async def legal(company: Company, one: object, _: object) -> None:
        seen.add(one)

    assert (await try_orders(company, Pair(prepare, legal, whole="b"))).complete
    assert seen == {(x, y, z) for x in ("", "a", "b") for y in ("", "a", "b") for z in ("", "a", "b") if x <= y <= z}
