"""Topics are a tree without circles; a conversation has several, shown with how often the customer came about each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from model.agent import Actor
from model.customer import Topic
from model.event import CustomerChanged, TopicsChanged
from model.refusal import Refused
from profiles.topics import (
    NewTopic,
    TopicChange,
    archive_topic,
    change_topic,
    define_topic,
    fetch_conversation_topics,
    fetch_topics,
    set_topics,
)
from store.ids import new_id
from store.pool import Pool, open_pool
from tests.store.edit_seed import do, done, in_turn, merge_rows, read, refused, seq_of
from tests.store.profile_seed import ADA, BOB, add_account, add_agent, conversation_of, customer_of, events_after, say


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url, size=6)
    await add_account(opened, "sms-main")
    yield opened
    await opened.close()


@pytest.fixture
async def boss(pool: Pool) -> Actor:
    return await add_agent(pool, "Boss", "admin")


async def add(pool: Pool, actor: Actor, name: str, parent: Topic | None = None) -> Topic:
    return await done(pool, define_topic, actor, NewTopic(name, parent.id if parent else None))


async def tree(pool: Pool) -> dict[tuple[str, ...], Topic]:
    async with pool.acquire() as connection:
        return {topic.path: topic for topic in await fetch_topics(connection)}


async def talk(pool: Pool, phone: str = ADA) -> UUID:
    await say(pool, "hello", phone=phone)
    return await conversation_of(pool, phone)


async def test_topics_are_a_tree_that_can_be_renamed_and_moved(pool: Pool, boss: Actor) -> None:
    """P7."""
    delivery = await add(pool, boss, "Delivery")
    late = await add(pool, boss, " Late parcel ", delivery)
    lost = await add(pool, boss, "Lost", late)
    money = await add(pool, boss, "Money")
    assert (late.path, lost.path) == (("Delivery", "Late parcel"), ("Delivery", "Late parcel", "Lost"))
    moved = await done(pool, change_topic, boss, late.id, TopicChange(name="Late", parent=money.id))
    assert moved.path == ("Money", "Late")
    assert set(await tree(pool)) == {("Delivery",), ("Money",), ("Money", "Late"), ("Money", "Late", "Lost")}
    root = await done(pool, change_topic, boss, late.id, TopicChange(parent=None))
    assert (root.parent, root.path) == (None, ("Late",))


async def test_a_topic_cannot_stand_below_itself(pool: Pool, boss: Actor) -> None:
    """P7: a circle, bad input."""
    one = await add(pool, boss, "One")
    two = await add(pool, boss, "Two", one)
    three = await add(pool, boss, "Three", two)
    for parent in (one, two, three):
        outcome = await refused(pool, change_topic, boss, one.id, TopicChange(parent=parent.id))
        assert (outcome.code, outcome.field) == ("invalid", "parent")


async def test_two_moves_at_once_that_are_a_circle_together_do_not_both_happen(pool: Pool, boss: Actor) -> None:
    """P7."""
    one, two = await add(pool, boss, "One"), await add(pool, boss, "Two")
    first, second = await in_turn(
        pool,
        lambda tx: change_topic(tx, boss, one.id, TopicChange(parent=two.id)),
        lambda tx: change_topic(tx, boss, two.id, TopicChange(parent=one.id)),
    )
    assert isinstance(first, Topic)
    assert isinstance(second, Refused)
    assert second.field == "parent"
    assert len(await tree(pool)) == 2


async def test_archiving_takes_those_below_along_and_can_be_undone_from_above(pool: Pool, boss: Actor) -> None:
    """P7."""
    one = await add(pool, boss, "One")
    two = await add(pool, boss, "Two", one)
    assert await do(pool, archive_topic, boss, one.id) is None
    assert all(topic.archived for topic in (await tree(pool)).values())
    outcome = await refused(pool, change_topic, boss, two.id, TopicChange(archived=False))
    assert (outcome.code, outcome.field) == ("invalid", "archived")
    assert (await refused(pool, define_topic, boss, NewTopic("Three", one.id))).field == "parent"
    await done(pool, change_topic, boss, one.id, TopicChange(archived=False))
    await done(pool, change_topic, boss, two.id, TopicChange(archived=False))
    assert not any(topic.archived for topic in (await tree(pool)).values())


async def test_what_makes_no_topic_is_refused(pool: Pool, boss: Actor) -> None:
    """P7: bad input."""
    one = await add(pool, boss, "One")
    two = await add(pool, boss, "Two")
    for name in ("", " ", "x" * 101, "two\nlines", "nul\x00"):
        assert (await refused(pool, define_topic, boss, NewTopic(name))).field == "name"
        assert (await refused(pool, change_topic, boss, one.id, TopicChange(name=name))).field == "name"
    assert (await refused(pool, define_topic, boss, NewTopic("One"))).code == "taken"
    assert (await refused(pool, change_topic, boss, two.id, TopicChange(name="One"))).code == "taken"
    assert (await refused(pool, define_topic, boss, NewTopic("Three", new_id()))).field == "parent"
    assert (await refused(pool, change_topic, boss, new_id(), TopicChange(name="x"))).code == "not_found"
    deep = one
    for level in range(2, 9):
        deep = await add(pool, boss, f"level {level}", deep)
    assert (await refused(pool, define_topic, boss, NewTopic("too deep", deep.id))).field == "parent"
    below = TopicChange(parent=two.id)
    assert (await refused(pool, change_topic, boss, one.id, below)).field == "parent"


async def test_a_conversation_has_several_topics_shown_and_counted_at_once(pool: Pool, boss: Actor) -> None:
    """P6, P7, P9."""
    conversation = await talk(pool)
    ada = await customer_of(pool)
    delivery = await add(pool, boss, "Delivery")
    late, money = await add(pool, boss, "Late", delivery), await add(pool, boss, "Money")
    at = await seq_of(pool, ada)
    shown = await done(pool, set_topics, boss, conversation, [late.id, money.id, late.id])
    assert [topic.path for topic in shown] == [("Delivery", "Late"), ("Money",)]
    logged = [each.event for each in await events_after(pool, ada, at)]
    now = await read(pool, ada)
    assert logged == [TopicsChanged(conversation, shown), CustomerChanged(now)]
    counted = [(count.path, count.contacts) for count in now.topics]
    assert counted == [(("Delivery",), 1), (("Delivery", "Late"), 1), (("Money",), 1)]
    assert await done(pool, set_topics, boss, conversation, [money.id, late.id]) == shown
    assert len(await events_after(pool, ada, at)) == 2
    assert await done(pool, set_topics, boss, conversation, []) == ()
    assert (await read(pool, ada)).topics == ()


async def test_topics_of_a_folded_conversation_are_those_of_the_one_it_is_shown_as(pool: Pool, boss: Actor) -> None:
    """P7, I6."""
    first, second = await talk(pool), await talk(pool, BOB)
    one, two = await add(pool, boss, "One"), await add(pool, boss, "Two")
    await done(pool, set_topics, boss, second, [one.id])
    ada, bob = await customer_of(pool), await customer_of(pool, BOB)
    await merge_rows(pool, ada, bob)
    await pool.execute("update conversation set folded_into = $1, profile_id = $2 where id = $3", first, ada, second)
    at = await seq_of(pool, ada)
    shown = await done(pool, set_topics, boss, second, [one.id, two.id])
    assert [topic.id for topic in shown] == [one.id, two.id]
    assert (await events_after(pool, ada, at))[0].event == TopicsChanged(first, shown)
    rows = await pool.fetch("select conversation_id, topic_id from conversation_topic order by at, topic_id")
    assert [tuple(row) for row in rows] == [(second, one.id), (first, two.id)]
    assert [topic.id for topic in await done(pool, set_topics, boss, first, [two.id])] == [two.id]


async def test_a_conversation_keeps_an_archived_topic_and_takes_no_new_one(pool: Pool, boss: Actor) -> None:
    """P7."""
    conversation = await talk(pool)
    old, other = await add(pool, boss, "Old"), await add(pool, boss, "Other")
    await done(pool, set_topics, boss, conversation, [old.id])
    for topic in (old, other):
        assert await do(pool, archive_topic, boss, topic.id) is None
    assert len(await done(pool, set_topics, boss, conversation, [old.id])) == 1
    outcome = await refused(pool, set_topics, boss, conversation, [old.id, other.id])
    assert (outcome.code, outcome.field) == ("invalid", "topics")


async def test_unknown_topics_conversations_and_too_many_are_refused(pool: Pool, boss: Actor) -> None:
    """P7: bad input."""
    conversation = await talk(pool)
    many = [(await add(pool, boss, f"topic {number}")).id for number in range(21)]
    assert (await refused(pool, set_topics, boss, conversation, many)).field == "topics"
    assert (await refused(pool, set_topics, boss, conversation, [new_id()])).field == "topics"
    assert (await refused(pool, set_topics, boss, new_id(), [])) == Refused(
        "not_found", "There is no such conversation.", "conversation"
    )
    async with pool.acquire() as connection:
        assert await fetch_conversation_topics(connection, conversation) == ()
