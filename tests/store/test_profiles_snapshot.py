"""INV18: a snapshot and the events after it are what a later snapshot shows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from model.agent import Actor
from model.contact import ProfileContact
from model.customer import Conversation, HandleView, Task
from model.event import (
    CardChanged,
    ConsentChanged,
    ContactChanged,
    ConversationChanged,
    CustomerChanged,
    CustomerEvent,
    DetailsChanged,
    EntryAdded,
    ReceiptChanged,
    RelationshipsChanged,
    SlaChanged,
    SuggestionsChanged,
    TaskChanged,
    TopicsChanged,
)
from model.inbound import DeliveryReceipt
from model.timeline import Entry, Media
from model.wire import Note
from profiles.profile import Snapshot, fetch_snapshot
from profiles.receipt import apply_receipt
from profiles.reply import note, retry
from store.feeds import transaction
from store.ids import new_id
from store.pool import Pool, open_pool
from tests.store.profile_seed import (
    BOB,
    Logged,
    add_account,
    add_agent,
    added_entries,
    answer,
    conversation_of,
    customer_of,
    events_after,
    hold,
    opt,
    say,
    say_nothing,
)

replace = msgspec.structs.replace


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url, size=4)
    await add_account(opened, "sms-main")
    yield opened
    await opened.close()


async def snapshot_of(pool: Pool, customer: UUID) -> Snapshot:
    async with pool.acquire() as connection:
        snapshot = await fetch_snapshot(connection, customer)
    assert snapshot is not None
    return snapshot


def after_event(snapshot: Snapshot, logged: Logged) -> Snapshot:
    """What a screen does with an event."""
    assert logged.seq == snapshot.seq + 1
    return replace(applied(snapshot, logged.event), seq=logged.seq)


def applied(snapshot: Snapshot, event: CustomerEvent) -> Snapshot:
    match event:
        case EntryAdded():
            return replace(snapshot, timeline=(*snapshot.timeline, event.entry))
        case ReceiptChanged():
            changed = (
                replace(entry, status=event.status, error=event.error) if entry.id == event.entry else entry
                for entry in snapshot.timeline
            )
            return replace(snapshot, timeline=tuple(changed))
        case ConversationChanged():
            known = [each for each in snapshot.conversations if each.id == event.conversation]
            shown = Conversation(
                *(event.conversation, event.status, event.opened_at, event.closed_at, event.needs_attention),
                known[0].contacts if known else (),
                sla=known[0].sla if known else (),
            )
            others = [each for each in snapshot.conversations if each.id != event.conversation]
            return replace(snapshot, conversations=by_newest([shown, *others]))
        case ContactChanged():
            return with_contact(snapshot, event.contact)
        case ConsentChanged():
            handles = tuple(with_consent(handle, event) for handle in snapshot.customer.handles)
            return replace(snapshot, customer=replace(snapshot.customer, handles=handles))
        case _:
            return with_section(snapshot, event)


def with_section(snapshot: Snapshot, event: CustomerEvent) -> Snapshot:
    """A section is replaced by the one the event carries. After a merge the profile is read anew."""
    match event:
        case CustomerChanged():
            return replace(snapshot, customer=event.customer)
        case DetailsChanged():
            return replace(snapshot, details=event.details)
        case RelationshipsChanged():
            return replace(snapshot, relationships=event.relationships, pins=event.pins)
        case SuggestionsChanged():
            return replace(snapshot, suggestions=event.suggestions)
        case TopicsChanged():
            talks = (
                replace(each, topics=event.topics) if each.id == event.conversation else each
                for each in snapshot.conversations
            )
            return replace(snapshot, conversations=tuple(talks))
        case SlaChanged():
            talks = (
                replace(each, sla=event.sla) if each.id == event.conversation else each
                for each in snapshot.conversations
            )
            return replace(snapshot, conversations=tuple(talks))
        case TaskChanged():
            return replace(snapshot, tasks=with_task(snapshot.tasks, event.task))
        case CardChanged():
            others = [card for card in snapshot.cards if card.source != event.card.source]
            return replace(snapshot, cards=tuple(sorted([*others, event.card], key=lambda card: card.source)))
    raise AssertionError(f"the profile has to be read anew: {event}")


def with_task(tasks: tuple[Task, ...], task: Task) -> tuple[Task, ...]:
    """Open ones by their due date, those without one last; then the ended ones, the last first."""
    tasks = (*(each for each in tasks if each.id != task.id), task)
    never = datetime.max.replace(tzinfo=UTC)
    running = sorted(
        (each for each in tasks if each.ended_at is None), key=lambda each: (each.due_at or never, each.id)
    )
    ended = sorted((each for each in tasks if each.ended_at), key=lambda each: each.ended_at or never, reverse=True)
    return (*running, *ended)


def with_consent(handle: HandleView, event: ConsentChanged) -> HandleView:
    others = {account for account in handle.opted_out if account != event.account}
    if handle.value != event.handle:
        return handle
    return replace(handle, opted_out=tuple(sorted(others | ({event.account} if event.opted_out else set()))))


def with_contact(snapshot: Snapshot, contact: ProfileContact) -> Snapshot:
    conversations = []
    fresh = True
    for each in snapshot.conversations:
        others = [other for other in each.contacts if other.id != contact.id]
        fresh = fresh and len(others) == len(each.contacts)
        if each.id == contact.conversation:
            others = sorted([*others, contact], key=lambda one: (one.arrived_at, one.id))
        conversations.append(replace(each, contacts=tuple(others)))
    arrivals = [one.arrived_at for each in conversations for one in each.contacts]
    customer = replace(
        snapshot.customer,
        contacts_30_days=snapshot.customer.contacts_30_days + fresh,
        first_contact_at=min(arrivals),
        last_contact_at=max(arrivals),
    )
    return replace(snapshot, conversations=by_newest(conversations), customer=customer)


def by_newest(conversations: list[Conversation]) -> tuple[Conversation, ...]:
    return tuple(sorted(conversations, key=lambda each: (each.opened_at, each.id), reverse=True))


async def tell(pool: Pool, receipt: DeliveryReceipt) -> None:
    async with transaction(pool, say_nothing) as tx:
        await apply_receipt(tx, "sms-main", receipt)


async def live_through_a_day(pool: Pool, actor: Actor) -> None:
    """Messages with and without media, replies, a note, receipts in a bad order, a failure sent again, a reopening."""
    conversation = await conversation_of(pool)
    await say(pool, "my order?", media=[Media("https://example.com/1.jpg", "image/jpeg")])
    first = await answer(pool, actor, "it is on its way")
    second = await answer(pool, actor, "arriving today")
    async with transaction(pool, say_nothing) as tx:
        assert isinstance(await note(tx, actor, Note(conversation, "was friendly", new_id())), UUID)
    await tell(pool, DeliveryReceipt("r1", "P1", "delivered", first))
    await tell(pool, DeliveryReceipt("r2", "P1", "sent", first))
    await tell(pool, DeliveryReceipt("r3", "P2", "failed", second, "unreachable"))
    async with transaction(pool, say_nothing) as tx:
        assert await retry(tx, actor, second) == second
    await say(pool, "thanks")
    await pool.execute("update contact set state = 'closed', agent_id = null where conversation_id = $1", conversation)


async def test_a_snapshot_with_the_events_after_it_equals_a_later_snapshot(pool: Pool) -> None:
    actor = await add_agent(pool, "Mia")
    await say(pool, "hello")
    await hold(pool, actor)
    customer = await customer_of(pool)
    before = await snapshot_of(pool, customer)
    await live_through_a_day(pool, actor)
    # The contact ended above by hand, so without an event; the message that follows makes another one.
    mirrored = before
    for logged in await events_after(pool, customer, before.seq):
        mirrored = after_event(mirrored, logged)
    ended = replace(mirrored.conversations[0].contacts[0], state="closed", agent=None)
    mirrored = replace(mirrored, conversations=(replace(mirrored.conversations[0], contacts=(ended,)),))
    middle = await snapshot_of(pool, customer)
    assert mirrored == middle
    await say(pool, "one more thing")
    await opt(pool, "STOP", True)
    for logged in await events_after(pool, customer, middle.seq):
        middle = after_event(middle, logged)
    later = await snapshot_of(pool, customer)
    assert later == middle
    assert later.customer.contacts_30_days == 2
    assert [entry.status for entry in later.timeline] == [None, None, "delivered", "queued", None, None, None, None]
    assert later.customer.handles[0].opted_out == ("sms-main",)


async def test_an_entry_of_the_snapshot_is_the_entry_of_its_event(pool: Pool) -> None:
    actor = await add_agent(pool, "Mia")
    await say(pool, "look", media=[Media("https://example.com/1.jpg", "image/jpeg")])
    await hold(pool, actor)
    await answer(pool, actor, "nice")
    customer = await customer_of(pool)
    shown = (await snapshot_of(pool, customer)).timeline
    assert shown == tuple(added.entry for added in await added_entries(pool, customer))
    [photo] = shown[0].media
    assert (photo.url, photo.content_type, photo.state) == ("https://example.com/1.jpg", "image/jpeg", "pending")
    assert shown[1].author is not None
    assert (shown[1].author.name, shown[1].handle, shown[1].account) == ("Mia", "+12065550134", "sms-main")


async def test_a_reply_being_sent_is_shown_as_queued(pool: Pool) -> None:
    actor = await add_agent(pool, "Mia")
    await say(pool, "hello")
    await hold(pool, actor)
    entry = await answer(pool, actor, "hi")
    await pool.execute("update outbox set state = 'sending', lease_until = now() where entry_id = $1", entry)
    assert (await snapshot_of(pool, await customer_of(pool))).timeline[-1].status == "queued"


async def test_what_waits_is_shown_as_waiting_and_who_holds_it_by_name(pool: Pool) -> None:
    actor = await add_agent(pool, "Mia")
    await say(pool, "hello")
    customer = await customer_of(pool)
    waiting = (await snapshot_of(pool, customer)).conversations[0].contacts[0]
    assert (waiting.state, waiting.agent) == ("waiting", None)
    await hold(pool, actor)
    held = (await snapshot_of(pool, customer)).conversations[0].contacts[0]
    assert held.state == "assigned"
    assert held.agent is not None
    assert held.agent.name == "Mia"


async def test_the_handle_is_shown_for_reading_with_its_source_and_what_it_opted_out_of(pool: Pool) -> None:
    await say(pool, "hello")
    await opt(pool, "STOP", True)
    [handle] = (await snapshot_of(pool, await customer_of(pool))).customer.handles
    assert (handle.display, handle.main, handle.opted_out) == ("+1 206-555-0134", True, ("sms-main",))
    at = handle.added_at
    assert handle.source == f"first contact on sms-main, {at.day} {at:%b %Y}"
    await opt(pool, "START", False)
    [handle] = (await snapshot_of(pool, await customer_of(pool))).customer.handles
    assert handle.opted_out == ()


async def test_the_page_is_the_newest_fifty_entries_in_order_and_says_there_are_more(pool: Pool) -> None:
    for number in range(50):
        await say(pool, str(number))
    customer = await customer_of(pool)
    exact = await snapshot_of(pool, customer)
    assert not exact.more
    await say(pool, "50")
    full = await snapshot_of(pool, customer)
    assert full.more
    assert [entry.body for entry in full.timeline] == [str(number) for number in range(1, 51)]


async def test_conversations_are_the_newest_twenty_and_those_of_the_entries_shown(pool: Pool) -> None:
    await say(pool, "long ago")
    customer = await customer_of(pool)
    oldest = (await snapshot_of(pool, customer)).conversations[0].id
    newer = [new_id() for _ in range(25)]
    for place, conversation in enumerate(newer):
        await pool.execute(
            "insert into conversation (id, customer_id, profile_id, status, opened_at, closed_at)"
            " values ($1, $2, $2, 'closed', now() + $3 * interval '1 hour', now())",
            *(conversation, customer, place),
        )
    shown = (await snapshot_of(pool, customer)).conversations
    assert [each.id for each in shown] == [*newer[:4:-1], oldest]


async def test_a_merged_profile_shows_the_entries_handles_and_contacts_of_all_its_members(pool: Pool) -> None:
    await say(pool, "from ada")
    await say(pool, "from bob", phone=BOB)
    await say(pool, "again from ada")
    ada, bob = await customer_of(pool), await customer_of(pool, BOB)
    await pool.execute("update customer set root_id = $1 where id = $2", ada, bob)
    snapshot = await snapshot_of(pool, bob)
    assert snapshot.customer_id == snapshot.customer.id == ada
    assert [entry.body for entry in snapshot.timeline] == ["from ada", "from bob", "again from ada"]
    assert in_order(snapshot.timeline)
    assert {handle.value for handle in snapshot.customer.handles} == {"+12065550134", BOB}
    assert snapshot.customer.contacts_30_days == 2


def in_order(timeline: tuple[Entry, ...]) -> bool:
    places = [(entry.at, entry.id) for entry in timeline]
    return places == sorted(places)


async def test_the_snapshot_of_nobody_is_none(pool: Pool) -> None:
    async with pool.acquire() as connection:
        assert await fetch_snapshot(connection, new_id()) is None
