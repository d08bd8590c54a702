"""Pages of a timeline meet without gap or overlap, in both directions, over all members of a merged profile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from model.refusal import Refused
from model.wire import Timeline
from profiles.timeline import Page, fetch_page
from store.ids import new_id
from store.pool import Pool, open_pool
from tests.store.profile_seed import ADA, BOB, add_account, conversation_of, customer_of, say


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url, size=2)
    await add_account(opened, "sms-main")
    yield opened
    await opened.close()


async def ask(pool: Pool, frame: Timeline) -> Page | Refused:
    async with pool.acquire() as connection:
        return await fetch_page(connection, frame)


async def page(pool: Pool, frame: Timeline) -> Page:
    answer = await ask(pool, frame)
    assert isinstance(answer, Page)
    return answer


def bodies(answer: Page) -> list[str]:
    return [entry.body for entry in answer.entries]


@pytest.fixture
async def merged(pool: Pool) -> UUID:
    """A customer of two members, whose messages alternate: 0 to 10."""
    for number in range(11):
        await say(pool, str(number), phone=(ADA, BOB)[number % 2])
    root = await customer_of(pool)
    await pool.execute("update customer set root_id = $1 where id = $2", root, await customer_of(pool, BOB))
    return root


async def test_walking_back_by_before_shows_every_entry_once(pool: Pool, merged: UUID) -> None:
    seen: list[str] = []
    answer = await page(pool, Timeline(merged, limit=4))
    while True:
        seen = bodies(answer) + seen
        if not answer.more:
            break
        answer = await page(pool, Timeline(merged, before=answer.entries[0].id, limit=4))
    assert seen == [str(number) for number in range(11)]


async def test_walking_forward_by_after_shows_every_later_entry_once(pool: Pool, merged: UUID) -> None:
    first = (await page(pool, Timeline(merged, limit=200))).entries[0]
    seen = [first.body]
    answer = await page(pool, Timeline(merged, after=first.id, limit=3))
    while True:
        seen += bodies(answer)
        if not answer.more:
            break
        answer = await page(pool, Timeline(merged, after=answer.entries[-1].id, limit=3))
    assert seen == [str(number) for number in range(11)]


async def test_the_page_of_a_conversation_starts_with_its_first_entry(pool: Pool) -> None:
    await say(pool, "old")
    customer = await customer_of(pool)
    await pool.execute("update conversation set status = 'closed', closed_at = now() - interval '80 hours'")
    await say(pool, "new")
    await say(pool, "newer")
    answer = await page(pool, Timeline(customer, conversation=await conversation_of(pool)))
    assert bodies(answer) == ["new", "newer"]
    assert not answer.more


async def test_naming_a_folded_conversation_jumps_to_the_begin_of_the_one_that_is_shown(pool: Pool) -> None:
    await say(pool, "old")
    await pool.execute("update conversation set status = 'closed', closed_at = now() - interval '80 hours'")
    for body, phone in (("one", ADA), ("two", BOB), ("three", ADA)):
        await say(pool, body, phone=phone)
    root, shown, folded = await customer_of(pool), await conversation_of(pool), await conversation_of(pool, BOB)
    await pool.execute("update customer set root_id = $1 where id = $2", root, await customer_of(pool, BOB))
    await pool.execute("update conversation set folded_into = $1 where id = $2", shown, folded)
    for named in (shown, folded):
        answer = await page(pool, Timeline(root, conversation=named, limit=2))
        assert bodies(answer) == ["one", "two"]
        assert {entry.conversation for entry in answer.entries} == {shown}
        assert [entry.leaf for entry in answer.entries] == [None, await customer_of(pool, BOB)]
        rest = await page(pool, Timeline(root, after=answer.entries[-1].id))
        assert bodies(rest) == ["three"]
        assert bodies(await page(pool, Timeline(root, before=answer.entries[0].id))) == ["old"]


async def test_a_member_answers_with_the_timeline_of_the_whole_profile(pool: Pool, merged: UUID) -> None:
    answer = await page(pool, Timeline(await customer_of(pool, BOB), limit=200))
    assert len(answer.entries) == 11


async def test_an_entry_or_conversation_of_another_customer_is_not_found(pool: Pool) -> None:
    await say(pool, "from ada")
    await say(pool, "from bob", phone=BOB)
    ada, bob = await customer_of(pool), await customer_of(pool, BOB)
    [foreign] = (await page(pool, Timeline(bob))).entries
    for field, frame in {
        "before": Timeline(ada, before=foreign.id),
        "after": Timeline(ada, after=new_id()),
        "conversation": Timeline(ada, conversation=await conversation_of(pool, BOB)),
        "customer": Timeline(new_id()),
    }.items():
        answer = await ask(pool, frame)
        assert isinstance(answer, Refused)
        assert (answer.code, answer.field) == ("not_found", field)


async def test_two_anchors_or_a_limit_out_of_bounds_are_refused(pool: Pool, merged: UUID) -> None:
    for frame in (
        Timeline(merged, before=new_id(), after=new_id()),
        Timeline(merged, limit=201),
        Timeline(merged, limit=0),
    ):
        answer = await ask(pool, frame)
        assert isinstance(answer, Refused)
        assert answer.code == "bad_frame"
