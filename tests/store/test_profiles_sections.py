"""INV18 for every section of a profile, and what merged profiles show of each other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import pytest

from model.agent import Actor
from model.conditions import Condition
from model.customer import CardLine, Provenance
from model.event import CardChanged, SuggestionsChanged
from profiles import details, relationships, sections, tasks, topics
from profiles.addresses import NewAddress, add_address
from profiles.cards import Answered, Question, add_source, begin_asking, keep_answer
from profiles.conversations import fetch_conversation, fetch_conversations
from profiles.edit import Change, edit
from profiles.fields import NewField, define_field
from profiles.profile import Snapshot
from profiles.relationship_types import NewRelationshipType, define_type
from profiles.segments import NewSegment, define_segment
from store.feeds import Transaction, append_to_customer, lock_customer, transaction
from store.ids import new_id
from store.pool import Pool, open_pool
from tests.store.edit_seed import done, merge_rows, read
from tests.store.profile_seed import (
    ADA,
    BOB,
    add_account,
    add_agent,
    conversation_of,
    customer_of,
    events_after,
    say,
    say_nothing,
)
from tests.store.test_profiles_snapshot import after_event, snapshot_of

DUE = datetime(2026, 12, 1, 9, tzinfo=UTC)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url, size=4)
    await add_account(opened, "sms-main")
    yield opened
    await opened.close()


async def mirrored(pool: Pool, before: Snapshot) -> Snapshot:
    """What a screen that was shown `before` shows by now."""
    for logged in await events_after(pool, before.customer_id, before.seq):
        before = after_event(before, logged)
    return before


async def two_who_wrote(pool: Pool) -> tuple[Actor, UUID, UUID]:
    actor = await add_agent(pool, "Mia", "admin")
    await say(pool, "from ada")
    await say(pool, "from bob", phone=BOB)
    return actor, await customer_of(pool), await customer_of(pool, BOB)


async def fill(pool: Pool, actor: Actor, customer: UUID, other: UUID) -> None:
    """Something in every section, by the product's own functions."""
    await done(pool, define_field, actor, NewField("limit", "Credit limit", "money", currency="EUR"))
    await done(pool, define_segment, actor, NewSegment("vips", "VIPs", Condition(field="tags", has="vip")))
    await done(pool, define_type, actor, NewRelationshipType("family", "mother", "child"))
    shop = await done(pool, topics.define_topic, actor, topics.NewTopic("Shop"))
    parcel = await done(pool, topics.define_topic, actor, topics.NewTopic("Parcel", shop.id))
    changes = [Change("tags", ["vip"]), Change("fields.limit", "100"), Change("name", "Ada"), Change("plan", "gold")]
    await done(pool, edit, actor, customer, changes)
    await done(pool, add_address, actor, customer, NewAddress(city="Lisbon"))
    for number in range(3):
        await done(pool, details.add_detail, actor, customer, new_id(), f"detail {number}")
    await done(pool, relationships.relate, actor, customer, "family", other)
    entry = await pool.fetchval("select id from entry where customer_id = $1", other)
    await done(pool, relationships.pin, actor, customer, entry)
    await done(pool, topics.set_topics, actor, await conversation_of(pool), [parcel.id, shop.id])
    first, second = new_id(), new_id()
    for id_, due in ((first, None), (second, DUE), (new_id(), DUE)):
        await done(pool, tasks.add_task, actor, tasks.NewTask(id_, customer, "call back", due))
    for id_ in (first, second):
        await done(pool, tasks.end_task, actor, id_, "done")


async def be_suggested(tx: Transaction, customer: UUID, other: UUID) -> None:
    """A suggestion as the background writes it, from the lower id's point of view."""
    low, high = sorted((customer, other))
    matched = f'[{{"field": "name", "ours": "{low}", "theirs": "{high}", "how": "same", "weight": 1}}]'
    await tx.connection.execute(
        "insert into suggestion (id, low_id, high_id, score, matched) values ($1, $2, $3, 0.5, $4)",
        *(new_id(), low, high, matched),
    )
    root = await lock_customer(tx, customer)
    assert root is not None
    found = await sections.fetch_suggestions(tx.connection, root)
    await append_to_customer(tx, root, [SuggestionsChanged(found)])


async def answer_card(pool: Pool, customer: UUID) -> None:
    async with pool.acquire() as connection:
        await add_source(connection, "shop", ("Orders", "https://shop.example/{customer}", "s" * 16, 500, 60, 0, True))
    question = Question(customer, "shop", "https://shop.example/1", "s" * 16, 0.5)
    async with transaction(pool, say_nothing) as tx:
        assert await begin_asking(tx, question)
    async with transaction(pool, say_nothing) as tx:
        await keep_answer(tx, question, Answered((CardLine("Order 7", status="sent", tone="good"),), 2))


async def test_every_section_of_a_snapshot_with_the_events_after_it_is_that_of_a_later_one(pool: Pool) -> None:
    actor, ada, bob = await two_who_wrote(pool)
    before = await snapshot_of(pool, ada)
    assert (before.details, before.tasks, before.cards, before.customer.fields) == ((), (), (), ())
    await fill(pool, actor, ada, bob)
    async with transaction(pool, say_nothing) as tx:
        await be_suggested(tx, ada, bob)
    await answer_card(pool, ada)
    later = await snapshot_of(pool, ada)
    # The definitions are nobody's event: a screen has them with the first change of a value.
    assert await mirrored(pool, before) == later
    assert [detail.body for detail in later.details] == ["detail 2", "detail 1", "detail 0"]
    assert [(task.state, task.due_at) for task in later.tasks] == [("open", DUE), ("done", DUE), ("done", None)]
    assert later.customer.open_tasks == 1
    assert [(count.path, count.contacts) for count in later.customer.topics] == [
        (("Shop",), 1),
        (("Shop", "Parcel"), 1),
    ]
    assert [topic.path for topic in later.conversations[0].topics] == [("Shop",), ("Shop", "Parcel")]
    assert later.customer.segments == ("VIPs",)
    assert [(field.key, field.value) for field in later.customer.fields] == [("limit", "100.00")]
    assert [card.lines[0].title for card in later.cards] == ["Order 7"]
    assert any(isinstance(each.event, CardChanged) for each in await events_after(pool, ada))


async def test_the_section_readers_give_what_the_snapshot_shows(pool: Pool) -> None:
    actor, ada, bob = await two_who_wrote(pool)
    await fill(pool, actor, ada, bob)
    await answer_card(pool, ada)
    async with transaction(pool, say_nothing) as tx:
        await be_suggested(tx, ada, bob)
    snapshot = await snapshot_of(pool, ada)
    async with pool.acquire() as connection:
        assert await sections.fetch_customer(connection, ada) == snapshot.customer
        assert await sections.fetch_details(connection, ada) == snapshot.details
        assert await sections.fetch_relationships(connection, ada) == snapshot.relationships
        assert await sections.fetch_pins(connection, ada) == snapshot.pins
        assert await sections.fetch_tasks(connection, ada) == snapshot.tasks
        assert await sections.fetch_suggestions(connection, ada) == snapshot.suggestions
        assert await sections.fetch_cards(connection, ada) == snapshot.cards
        assert await sections.fetch_merges(connection, ada) == snapshot.merges == ()
        assert await sections.fetch_candidates(connection, ada) == snapshot.candidates == ()
        assert await fetch_conversations(connection, ada, 50) == snapshot.conversations
        with pytest.raises(LookupError):
            await sections.fetch_customer(connection, new_id())


async def test_a_relationship_reads_from_either_side_and_a_pin_shows_the_entry_as_its_own_timeline_does(
    pool: Pool,
) -> None:
    actor, ada, bob = await two_who_wrote(pool)
    await fill(pool, actor, ada, bob)
    ours, theirs = await snapshot_of(pool, ada), await snapshot_of(pool, bob)
    [forth], [back] = ours.relationships, theirs.relationships
    assert (forth.label, forth.customer, back.label, back.customer, back.name) == ("mother", bob, "child", ada, "Ada")
    [pin] = ours.pins
    assert pin.customer == bob
    assert pin.entry == theirs.timeline[0]
    assert theirs.pins == ()


async def test_a_suggestion_is_shown_on_both_profiles_each_from_its_own_side(pool: Pool) -> None:
    _, ada, bob = await two_who_wrote(pool)
    async with transaction(pool, say_nothing) as tx:
        await be_suggested(tx, ada, bob)
    for us, them in ((ada, bob), (bob, ada)):
        [suggestion] = (await snapshot_of(pool, us)).suggestions
        [matched] = suggestion.matched
        assert (suggestion.customer, matched.ours, matched.theirs) == (them, str(us), str(them))
    await merge_rows(pool, ada, bob)
    assert (await snapshot_of(pool, ada)).suggestions == ()


async def test_merged_profiles_are_put_together_and_say_what_stands_beside(pool: Pool) -> None:
    actor, ada, bob = await two_who_wrote(pool)
    await done(pool, edit, actor, ada, [Change("plan", "gold"), Change("tags", ["vip"])])
    await done(pool, edit, actor, bob, [Change("plan", "silver"), Change("tags", ["new"]), Change("company", "Acme")])
    alone = await read(pool, bob)
    await merge_rows(pool, ada, bob)
    merged = await snapshot_of(pool, bob)
    who = merged.customer
    assert (who.id, who.plan, who.tags, who.company) == (ada, "gold", ("vip", "new"), "Acme")
    assert who.provenance["plan"].beside == ("silver",)
    assert [(view.survivor, view.leaf) for view in merged.merges] == [(ada, bob)]
    assert [handle.main for handle in who.handles] == [True, False]
    assert [handle.leaf for handle in who.handles] == [None, bob]
    assert [entry.leaf for entry in merged.timeline] == [None, bob]
    after = await done(pool, edit, actor, ada, [Change("plan", None, who.provenance["plan"].revision)])
    assert (after.plan, after.provenance["plan"].beside) == (None, ("silver",))
    await pool.execute("update merge set undone_at = now()")
    await pool.execute("update customer set root_id = id")
    assert await read(pool, bob) == alone
    assert (await read(pool, ada)).plan is None


async def test_what_was_said_in_a_folded_conversation_is_shown_in_the_visible_one(pool: Pool) -> None:
    actor, ada, bob = await two_who_wrote(pool)
    shown, folded = await conversation_of(pool), await conversation_of(pool, BOB)
    topic = await done(pool, topics.define_topic, actor, topics.NewTopic("Parcel"))
    await done(pool, topics.set_topics, actor, folded, [topic.id])
    await merge_rows(pool, ada, bob)
    await pool.execute("update conversation set folded_into = $1, profile_id = $2 where id = $3", shown, ada, folded)
    snapshot = await snapshot_of(pool, ada)
    [conversation] = snapshot.conversations
    assert conversation.id == shown
    assert [contact.conversation for contact in conversation.contacts] == [shown, shown]
    assert [each.id for each in conversation.topics] == [topic.id]
    assert [entry.conversation for entry in snapshot.timeline] == [shown, shown]
    assert [count.contacts for count in snapshot.customer.topics] == [2]
    async with pool.acquire() as connection:
        assert await fetch_conversation(connection, folded) == conversation
        assert await fetch_conversation(connection, new_id()) is None


async def test_while_nobody_knows_who_writes_those_ever_linked_to_the_handle_are_named(pool: Pool) -> None:
    _, ada, bob = await two_who_wrote(pool)
    handle = await pool.fetchval("select id from handle where value = $1", ADA)
    link = "insert into link (id, handle_id, customer_id, rule, evidence) values ($1, $2, $3, 'by_agent', '{}')"
    await pool.execute(link, new_id(), handle, bob)
    await pool.execute("update handle set shared = true, customer_id = null where id = $1", handle)
    await pool.execute("insert into customer (id, root_id, placeholder) values ($1, $1, true)", nobody := new_id())
    await pool.execute("insert into stream (kind, id) values (1, $1)", nobody)
    await pool.execute(link, new_id(), handle, nobody)
    snapshot = await snapshot_of(pool, nobody)
    assert snapshot.customer.placeholder
    assert [(one.customer, one.why) for one in snapshot.candidates] == [(bob, "by agent"), (ada, "first contact")]


async def test_a_value_without_a_fact_came_with_the_first_contact(pool: Pool) -> None:
    _, ada, _ = await two_who_wrote(pool)
    await pool.execute("update customer set name = 'Ada' where id = $1", ada)
    customer = await read(pool, ada)
    assert customer.provenance == {"name": Provenance("channel", customer.created_at)}


async def test_a_condition_that_is_not_understood_leaves_out_its_segment_and_not_the_profile(pool: Pool) -> None:
    _, ada, _ = await two_who_wrote(pool)
    await pool.execute("""insert into segment values ('odd', 'Odd', '{"weather": "fine"}'),
                                                     ('all', 'Here', '{"field": "contacts_30_days", "at_least": 1}')""")
    assert (await read(pool, ada)).segments == ("Here",)
