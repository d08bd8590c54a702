"""What administrators define: custom fields, segments, relationship types; and whom an agent looked at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from model.agent import Actor
from model.conditions import Condition
from profiles.edit import Change, edit
from profiles.fields import FieldChange, NewField, archive_field, change_field, define_field, fetch_definitions
from profiles.relationship_types import (
    NewRelationshipType,
    RelationshipTypeChange,
    archive_type,
    change_type,
    define_type,
    fetch_types,
)
from profiles.segments import (
    NewSegment,
    SegmentChange,
    change_segment,
    define_segment,
    fetch_segments,
    remove_segment,
)
from profiles.viewed import KEPT, fetch_recent, mark_viewed
from store.ids import new_id
from store.pool import Pool, open_pool
from tests.store.edit_seed import do, done, make, merge_rows, read, refused
from tests.store.profile_seed import add_agent

GOLD = Condition(field="plan", is_="gold")


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url, size=4)
    yield opened
    await opened.close()


@pytest.fixture
async def boss(pool: Pool) -> Actor:
    return await add_agent(pool, "Boss", "admin")


# --- custom fields ---


async def test_a_field_is_on_every_profile_as_soon_as_it_is_defined_and_gone_when_archived(
    pool: Pool, boss: Actor
) -> None:
    """P3."""
    ada = await make(pool, boss, "Ada")
    defined = await done(pool, define_field, boss, NewField("tier", " Tier ", "choice", ("gold", "silver")))
    assert (defined.label, defined.choices, defined.archived) == ("Tier", ("gold", "silver"), False)
    await done(pool, edit, boss, ada.id, [Change("fields.tier", "silver")])
    change = FieldChange(label="Level", choices=("gold",), position=2)
    changed = await done(pool, change_field, boss, "tier", change)
    [field] = (await read(pool, ada.id)).fields
    assert (field.label, field.choices, field.value) == ("Level", ("gold",), "silver")
    assert changed.position == 2
    assert await do(pool, archive_field, boss, "tier") is None
    assert (await read(pool, ada.id)).fields == ()
    await done(pool, change_field, boss, "tier", FieldChange(archived=False))
    assert [field.value for field in (await read(pool, ada.id)).fields] == ["silver"]
    async with pool.acquire() as connection:
        assert list(await fetch_definitions(connection)) == ["tier"]


@pytest.mark.parametrize(
    ("new", "field"),
    [
        (NewField("Tier", "Tier", "text"), "key"),
        (NewField("1st", "First", "text"), "key"),
        (NewField("a" * 64, "A", "text"), "key"),
        (NewField("a", " ", "text"), "label"),
        (NewField("a", "x" * 101, "text"), "label"),
        (NewField("a", "nul\x00", "text"), "label"),
        (NewField("a", "A", "choice"), "choices"),
        (NewField("a", "A", "text", ("b",)), "choices"),
        (NewField("a", "A", "choice", ("b", "b")), "choices"),
        (NewField("a", "A", "choice", ("",)), "choices"),
        (NewField("a", "A", "choice", tuple(map(str, range(101)))), "choices"),
        (NewField("a", "A", "money"), "currency"),
        (NewField("a", "A", "money", currency="eur"), "currency"),
        (NewField("a", "A", "text", currency="EUR"), "currency"),
        (NewField("a", "A", "text", position=10_000), "position"),
    ],
)
async def test_what_makes_no_field_is_refused(pool: Pool, boss: Actor, new: NewField, field: str) -> None:
    """P3: bad input."""
    outcome = await refused(pool, define_field, boss, new)
    assert (outcome.code, outcome.field) == ("invalid", field)


async def test_a_key_is_defined_once_and_an_unknown_one_is_not_found(pool: Pool, boss: Actor) -> None:
    """P3: bad input."""
    await done(pool, define_field, boss, NewField("a", "A", "text"))
    assert (await refused(pool, define_field, boss, NewField("a", "B", "number"))).code == "taken"
    assert (await refused(pool, change_field, boss, "b", FieldChange(label="B"))).code == "not_found"
    assert (await refused(pool, archive_field, boss, "b")).code == "not_found"
    assert (await refused(pool, change_field, boss, "a", FieldChange(choices=("x",)))).field == "choices"


# --- segments ---


async def test_a_segment_is_on_the_profiles_that_meet_it(pool: Pool, boss: Actor) -> None:
    """P3."""
    ada, bob = await make(pool, boss, "Ada", plan="gold"), await make(pool, boss, "Bob")
    await done(pool, define_field, boss, NewField("floor", "Floor", "number"))
    high = Condition(all=(GOLD, Condition(not_=Condition(field="fields.floor", at_most=2.0))))
    made = await done(pool, define_segment, boss, NewSegment("high", "High up", high))
    assert made.condition == high
    assert (await read(pool, ada.id)).segments == ("High up",)
    assert (await read(pool, bob.id)).segments == ()
    now = await done(pool, edit, boss, ada.id, [Change("fields.floor", 1)])
    assert now.segments == ()
    await done(pool, change_segment, boss, "high", SegmentChange(name="Gold", condition=GOLD))
    assert (await read(pool, ada.id)).segments == ("Gold",)
    async with pool.acquire() as connection:
        [listed] = await fetch_segments(connection)
    assert (listed.name, listed.condition) == ("Gold", GOLD)
    assert await do(pool, remove_segment, boss, "high") is None
    assert (await read(pool, ada.id)).segments == ()


@pytest.mark.parametrize(
    ("new", "field"),
    [
        (NewSegment("High", "High", GOLD), "id"),
        (NewSegment("high", "", GOLD), "name"),
        (NewSegment("high", "x" * 101, GOLD), "name"),
        (NewSegment("high", "High", Condition()), "condition"),
        (NewSegment("high", "High", Condition(field="shoe_size", is_=42.0)), "condition"),
        (NewSegment("high", "High", Condition(field="plan", is_="gold", has="g")), "condition"),
        (NewSegment("high", "High", Condition(all=(GOLD, Condition(field="plan")))), "condition.all[1]"),
        (NewSegment("high", "High", Condition(field="created", before="soon")), "condition"),
    ],
)
async def test_what_makes_no_segment_is_refused_with_its_place(
    pool: Pool, boss: Actor, new: NewSegment, field: str
) -> None:
    """P3: bad input."""
    outcome = await refused(pool, define_segment, boss, new)
    assert (outcome.code, outcome.field) == ("invalid", field)


async def test_a_segment_is_defined_once_and_an_unknown_one_is_not_found(pool: Pool, boss: Actor) -> None:
    """P3: bad input."""
    await done(pool, define_segment, boss, NewSegment("gold", "Gold", GOLD))
    again = NewSegment("gold", "Again", GOLD)
    assert (await refused(pool, define_segment, boss, again)).code == "taken"
    bad = SegmentChange(condition=Condition())
    assert (await refused(pool, change_segment, boss, "gold", bad)).field == "condition"
    assert (await refused(pool, change_segment, boss, "x", SegmentChange(name="X"))).code == "not_found"
    assert (await refused(pool, remove_segment, boss, "x")).code == "not_found"


# --- relationship types ---


async def test_a_type_reads_one_way_and_back_or_the_same_both_ways(pool: Pool, boss: Actor) -> None:
    """P5."""
    mother = await done(pool, define_type, boss, NewRelationshipType("mother", "mother", "child"))
    friend = await done(pool, define_type, boss, NewRelationshipType("friend", "friend"))
    assert (mother.back, friend.back) == ("child", "friend")
    changed = await done(pool, change_type, boss, "mother", RelationshipTypeChange(label="parent"))
    assert (changed.label, changed.back) == ("parent", "child")
    assert await do(pool, archive_type, boss, "friend") is None
    async with pool.acquire() as connection:
        assert [(each.id, each.archived) for each in await fetch_types(connection)] == [
            ("friend", True),
            ("mother", False),
        ]


async def test_what_makes_no_type_is_refused(pool: Pool, boss: Actor) -> None:
    """P5: bad input."""
    bad: tuple[tuple[Any, str], ...] = (
        (NewRelationshipType("My Mother", "mother"), "id"),
        (NewRelationshipType("mother", " "), "label"),
        (NewRelationshipType("mother", "mother", ""), "back"),
        (NewRelationshipType("mother", "x" * 61), "label"),
        (NewRelationshipType("mother", "nul\x00"), "label"),
    )
    for new, field in bad:
        assert (await refused(pool, define_type, boss, new)).field == field
    await done(pool, define_type, boss, NewRelationshipType("mother", "mother"))
    again = NewRelationshipType("mother", "mum")
    assert (await refused(pool, define_type, boss, again)).code == "taken"
    empty = RelationshipTypeChange(back="")
    assert (await refused(pool, change_type, boss, "mother", empty)).field == "back"
    assert (await refused(pool, archive_type, boss, "x")).code == "not_found"


# --- recently viewed ---


async def test_the_customers_an_agent_looked_at_are_known_the_last_one_first(pool: Pool, boss: Actor) -> None:
    """P14."""
    ada, bob, cem = [await make(pool, boss, name) for name in ("Ada", "Bob", "Cem")]
    async with pool.acquire() as connection:
        for customer in (ada.id, bob.id, cem.id, ada.id, new_id()):
            await mark_viewed(connection, boss.id, customer)
        assert [each.name for each in await fetch_recent(connection, boss.id)] == ["Ada", "Cem", "Bob"]
        assert [each.name for each in await fetch_recent(connection, boss.id, 1)] == ["Ada"]
        await merge_rows(pool, cem.id, ada.id)
        assert [each.name for each in await fetch_recent(connection, boss.id)] == ["Cem", "Bob"]


async def test_no_more_than_fifty_are_remembered(pool: Pool, boss: Actor) -> None:
    """P14."""
    rows = [(new_id(), f"customer {number}") for number in range(KEPT + 5)]
    await pool.executemany("insert into customer (id, root_id, name) values ($1, $1, $2)", rows)
    async with pool.acquire() as connection:
        for id_, _ in rows:
            await mark_viewed(connection, boss.id, id_)
        await mark_viewed(connection, boss.id, rows[7][0])
        recent = [each.name for each in await fetch_recent(connection, boss.id, 100)]
    assert len(recent) == KEPT
    assert (recent[:2], recent[-1]) == (["customer 7", f"customer {KEPT + 4}"], "customer 5")
    assert await pool.fetchval("select count(*) from viewed") == KEPT
