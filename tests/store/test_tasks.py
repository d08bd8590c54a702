"""Tasks: on the profile, on the timeline and on the screens of the agents they are and were for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from model.agent import Actor
from model.customer import Customer, Task
from model.event import AgentEvent, CustomerChanged, EntryAdded, TaskChanged
from model.refusal import Refused
from profiles.sections import fetch_tasks
from profiles.task_list import TaskFilter, fetch_task, fetch_tasks_where
from profiles.tasks import NewTask, TaskChange, add_task, change_task, end_task
from router.desk import fetch_desk
from store.ids import new_id
from store.pool import Pool, open_pool
from tests.store.edit_seed import do, done, in_turn, make, read, refused, seq_of
from tests.store.profile_seed import add_account, add_agent, conversation_of, customer_of, events_after, say

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url, size=6)
    await add_account(opened, "sms-main")  # with the queue `support`
    yield opened
    await opened.close()


@pytest.fixture
async def mia(pool: Pool) -> Actor:
    return await add_agent(pool, "Mia")


@pytest.fixture
async def noah(pool: Pool) -> Actor:
    return await add_agent(pool, "Noah")


@pytest.fixture
async def ada(pool: Pool, mia: Actor) -> Customer:
    return await make(pool, mia, "Ada")


async def add(pool: Pool, actor: Actor, customer: Customer, body: str = "call back", **values: object) -> Task:
    new = msgspec.structs.replace(NewTask(new_id(), customer.id, body), **values)
    return await done(pool, add_task, actor, new)


async def told(pool: Pool, agent: Actor) -> list[Task]:
    """What an agent's feed says of tasks."""
    rows = await pool.fetch("select body from event where kind = 3 and id = $1 order by seq", agent.id)
    events = [msgspec.json.decode(row["body"], type=AgentEvent) for row in rows]
    return [event.task for event in events if isinstance(event, TaskChanged)]


async def on_desk(pool: Pool, agent: Actor) -> tuple[Task, ...]:
    async with pool.acquire() as connection:
        desk = await fetch_desk(connection, agent.id)
    assert desk is not None
    return desk.tasks


async def on_profile(pool: Pool, customer: Customer) -> tuple[Task, ...]:
    async with pool.acquire() as connection:
        return await fetch_tasks(connection, customer.id)


async def test_a_task_is_on_the_profile_the_timeline_and_the_agents_screen(
    pool: Pool, mia: Actor, noah: Actor, ada: Customer
) -> None:
    """P13, P12, P9."""
    at = await seq_of(pool, ada.id)
    task = await add(pool, mia, ada, " call back\n", agent=noah.id, due_at=NOON)
    assert (task.customer, task.customer_name, task.body, task.due_at) == (ada.id, "Ada", "call back", NOON)
    assert (task.agent.name if task.agent else None, task.queue, task.state, task.revision) == ("Noah", None, "open", 1)
    entry, shown, counted = (each.event for each in await events_after(pool, ada.id, at))
    assert isinstance(entry, EntryAdded)
    assert (entry.entry.id, entry.entry.kind, entry.entry.body) == (task.id, "task", "call back")
    assert (entry.entry.direction, entry.entry.author.name if entry.entry.author else None) == (None, "Mia")
    assert await pool.fetchval("select at from entry where id = $1", task.id) == entry.entry.at
    assert shown == TaskChanged(task)
    now = await read(pool, ada.id)
    assert counted == CustomerChanged(now)
    assert now.open_tasks == 1
    assert await told(pool, noah) == [task]
    assert await told(pool, mia) == []
    assert await on_desk(pool, noah) == (task,)
    assert await on_profile(pool, ada) == (task,)


async def test_a_task_for_nobody_is_the_senders_own_and_one_for_a_queue_is_on_nobodys_desk(
    pool: Pool, mia: Actor, ada: Customer
) -> None:
    """P13."""
    own = await add(pool, mia, ada)
    for_queue = await add(pool, mia, ada, queue="support")
    assert own.agent is not None
    assert (own.agent.id, for_queue.agent, for_queue.queue) == (mia.id, None, "support")
    assert await on_desk(pool, mia) == (own,)


async def test_a_desk_shows_tasks_by_when_they_are_due(pool: Pool, mia: Actor, ada: Customer) -> None:
    """P12, P13."""
    whenever = await add(pool, mia, ada)
    later = await add(pool, mia, ada, due_at=NOON + timedelta(days=1))
    first = await add(pool, mia, ada, due_at=NOON)
    assert [task.id for task in await on_desk(pool, mia)] == [first.id, later.id, whenever.id]


async def test_a_task_names_the_conversation_it_is_from(pool: Pool, mia: Actor, ada: Customer) -> None:
    """P13."""
    await say(pool, "hello")
    conversation, writer = await conversation_of(pool), await read(pool, await customer_of(pool))
    task = await add(pool, mia, writer, conversation=conversation)
    assert task.conversation == conversation
    assert await pool.fetchval("select conversation_id from entry where id = $1", task.id) == conversation
    of_another = NewTask(new_id(), ada.id, "x", conversation=conversation)
    assert (await refused(pool, add_task, mia, of_another)).field == "conversation"


async def test_the_same_task_sent_twice_is_one(pool: Pool, mia: Actor, noah: Actor, ada: Customer) -> None:
    """P13: a screen that reconnects sends it again."""
    new = NewTask(new_id(), ada.id, "call back")
    outcomes = await asyncio.gather(*(do(pool, add_task, mia, new) for _ in range(3)))
    assert len(set(map(str, outcomes))) == 1
    assert await pool.fetchval("select count(*) from task") == 1
    assert len(await told(pool, mia)) == 1
    outcome = await refused(pool, add_task, noah, new)
    assert (outcome.code, outcome.field) == ("taken", "id")
    await say(pool, "hello")
    of_an_entry = NewTask(await pool.fetchval("select id from entry where kind = 'message'"), ada.id, "x")
    assert (await refused(pool, add_task, mia, of_an_entry)).field == "id"


async def test_a_task_given_to_another_leaves_the_first_agents_desk(
    pool: Pool, mia: Actor, noah: Actor, ada: Customer
) -> None:
    """P13."""
    task = await add(pool, mia, ada, agent=mia.id)
    changed = await done(pool, change_task, mia, task.id, TaskChange(1, agent=noah.id, due_at=NOON))
    assert changed.revision == 2
    assert (await told(pool, mia))[-1] == (await told(pool, noah))[-1] == changed
    assert (await on_desk(pool, mia), await on_desk(pool, noah)) == ((), (changed,))
    queued = await done(pool, change_task, mia, task.id, TaskChange(2, queue="support"))
    assert (queued.agent, queued.queue) == (None, "support")
    assert (await told(pool, noah))[-1] == queued
    assert await on_desk(pool, noah) == ()


async def test_a_task_that_ended_says_who_ended_it_and_can_be_opened_again(
    pool: Pool, mia: Actor, noah: Actor, ada: Customer
) -> None:
    """P13, P9."""
    task = await add(pool, mia, ada)
    ended = await done(pool, end_task, noah, task.id)
    assert (ended.state, ended.ended_by.name if ended.ended_by else None, ended.revision) == ("done", "Noah", 2)
    assert (await read(pool, ada.id)).open_tasks == 0
    assert (await told(pool, mia))[-1] == ended
    assert await on_desk(pool, mia) == ()
    at = await seq_of(pool, ada.id)
    assert await done(pool, end_task, mia, task.id) == ended
    assert await seq_of(pool, ada.id) == at
    outcome = await refused(pool, end_task, mia, task.id, "cancelled")
    assert (outcome.code, outcome.field) == ("wrong_state", "state")
    again = await done(pool, change_task, mia, task.id, TaskChange(2, state="open"))
    assert (again.state, again.ended_at, again.ended_by) == ("open", None, None)
    cancelled = await done(pool, end_task, mia, task.id, "cancelled")
    assert await on_profile(pool, ada) == (cancelled,)


async def test_a_task_is_changed_by_revision(pool: Pool, mia: Actor, noah: Actor, ada: Customer) -> None:
    """P13: nothing is silently overwritten."""
    task = await add(pool, mia, ada)
    won, lost = await in_turn(
        pool,
        lambda tx: change_task(tx, noah, task.id, TaskChange(1, body="one")),
        lambda tx: change_task(tx, noah, task.id, TaskChange(1, body="two")),
    )
    assert isinstance(won, Task)
    assert isinstance(lost, Refused)
    assert (lost.code, lost.field) == ("conflict", "revision")
    assert await on_profile(pool, ada) == (won,)
    at = await seq_of(pool, ada.id)
    assert await done(pool, change_task, mia, task.id, TaskChange(2, body=f" {won.body} ")) == won
    assert await seq_of(pool, ada.id) == at


async def test_a_task_of_an_agent_who_left_can_still_be_ended(
    pool: Pool, mia: Actor, noah: Actor, ada: Customer
) -> None:
    """P13."""
    task = await add(pool, mia, ada, agent=noah.id)
    await pool.execute("update agent set active = false where id = $1", noah.id)
    assert (await done(pool, end_task, mia, task.id)).state == "done"


async def test_what_makes_no_task_is_refused(pool: Pool, mia: Actor, ada: Customer) -> None:
    """P13: bad input."""
    crm = await add_agent(pool, "CRM", "service")
    gone = await add_agent(pool, "Gone")
    await pool.execute("update agent set active = false where id = $1", gone.id)
    bad: list[tuple[dict[str, object], str]] = [
        ({"body": " "}, "body"),
        ({"body": "x" * 2001}, "body"),
        ({"body": "nul\x00"}, "body"),
        ({"due_at": datetime(2026, 12, 1, 12)}, "due_at"),  # noqa: DTZ001  # without an offset is what is refused
        ({"due_at": NOON.replace(year=9000)}, "due_at"),
        ({"agent": new_id()}, "agent"),
        ({"agent": gone.id}, "agent"),
        ({"agent": crm.id}, "agent"),
        ({"queue": "nowhere"}, "queue"),
        ({"agent": mia.id, "queue": "support"}, "agent"),
        ({"conversation": new_id()}, "conversation"),
        ({"customer": new_id()}, "customer"),
    ]
    for values, field in bad:
        new = msgspec.structs.replace(NewTask(new_id(), ada.id, "call back"), **values)
        assert (await refused(pool, add_task, mia, new)).field == field, values
    assert (await refused(pool, add_task, crm, NewTask(new_id(), ada.id, "x"))).field == "agent"
    task = await add(pool, mia, ada)
    changes = [
        (TaskChange(1, body=""), "body"),
        (TaskChange(1, agent=gone.id), "agent"),
        (TaskChange(1, agent=mia.id, queue="support"), "agent"),
        (TaskChange(1, queue="nowhere"), "queue"),
    ]
    for change, field in changes:
        assert (await refused(pool, change_task, mia, task.id, change)).field == field
    assert (await refused(pool, change_task, mia, new_id(), TaskChange(1))).code == "not_found"
    assert (await refused(pool, end_task, mia, new_id())).code == "not_found"


async def test_tasks_are_found_by_state_agent_queue_customer_and_due_date_page_by_page(
    pool: Pool, mia: Actor, noah: Actor, ada: Customer
) -> None:
    """P13."""
    bob = await make(pool, mia, "Bob")
    due = [await add(pool, mia, ada, due_at=NOON + timedelta(days=day)) for day in range(3)]
    never = [await add(pool, noah, bob), await add(pool, noah, bob, queue="support")]
    await done(pool, end_task, mia, due[0].id)

    async def found(which: TaskFilter) -> set[UUID]:
        async with pool.acquire() as connection:
            return {task.id for task in await fetch_tasks_where(connection, which, 50)}

    assert await found(TaskFilter()) == {task.id for task in [*due, *never]}
    assert await found(TaskFilter(state="open", agent=mia.id)) == {due[1].id, due[2].id}
    assert await found(TaskFilter(queue="support")) == {never[1].id}
    assert await found(TaskFilter(customer=bob.id)) == {task.id for task in never}
    assert await found(TaskFilter(due_before=NOON + timedelta(days=1))) == {due[0].id}
    pages: list[UUID] = []
    after: tuple[datetime | None, UUID] | None = None
    async with pool.acquire() as connection:
        for _ in range(3):
            page = await fetch_tasks_where(connection, TaskFilter(), 2, after)
            pages += [task.id for task in page]
            after = (page[-1].due_at, page[-1].id)
        assert await fetch_task(connection, due[1].id) == due[1]
    assert pages == [*(task.id for task in due), *sorted(task.id for task in never)]
