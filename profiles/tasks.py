"""Tasks: follow-ups for an agent or a queue, each from a profile and an entry of its timeline."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType, structs

from model.agent import Actor
from model.customer import Task, TaskState
from model.event import CustomerChanged, TaskChanged
from model.refusal import Refused
from model.timeline import Author, Entry
from profiles.audit import audit
from profiles.details import lock_owner
from profiles.edit import NO_CUSTOMER
from profiles.sections import fetch_customer
from profiles.task_list import fetch_task
from profiles.values import check_text, invalid
from store.feeds import NewEntry, Transaction, append_to_agent, append_to_customer, lock_customer
from store.pool import Connection

LONGEST = 2_000
MOST_OPEN = 200
YEARS = (2000, 2200)
NO_TASK = Refused("not_found", "There is no such task.", "task")


class NewTask(Struct, frozen=True):
    """A task that is asked for. For the sender where neither an agent nor a queue is named."""

    id: UUID
    customer: UUID
    body: str
    due_at: datetime | None = None
    agent: UUID | None = None
    queue: str | None = None
    conversation: UUID | None = None


class TaskChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a task, and the revision of the one that was seen."""

    revision: int
    body: str | UnsetType = UNSET
    due_at: datetime | UnsetType | None = UNSET
    agent: UUID | UnsetType = UNSET
    queue: str | UnsetType = UNSET
    state: TaskState | UnsetType = UNSET


class _Standing(Struct, frozen=True):
    """What of a task can change, in the form in which it is kept."""

    body: str
    due_at: datetime | None
    agent: UUID | None
    queue: str | None
    state: TaskState = "open"


KNOWN = "select m.root_id, t.by_agent from task t join customer m on m.id = t.customer_id where t.id = $1"
ENTRY_EXISTS = "select true from entry where id = $1"
COUNT_OPEN = """
select count(*) from customer m join task t on t.customer_id = m.id where m.root_id = $1 and t.state = 'open'
"""
INSERT_TASK = """
insert into task (id, customer_id, conversation_id, body, due_at, agent_id, queue_id, by_agent)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""


async def add_task(tx: Transaction, actor: Actor | None, new: NewTask) -> Task | Refused:
    """Add a follow-up: on the profile, on the timeline, and on the screens of the agent it is for.

    `new.id` is the sender's: the same again adds nothing. `actor` None: a rule adds it.
    """
    by = actor.id if actor else None
    root = await lock_customer(tx, new.customer)
    if root is None:
        return NO_CUSTOMER
    known = await tx.connection.fetchrow(KNOWN, new.id)
    if known is not None and (known["root_id"], known["by_agent"]) == (root, by):
        return await fetch_task(tx.connection, new.id) or NO_TASK
    if known is not None or await tx.connection.fetchval(ENTRY_EXISTS, new.id):
        return Refused("taken", "This id belongs to something else; take a new one.", "id")
    own = by if new.agent is None and new.queue is None and actor and actor.role != "service" else new.agent
    standing = _words(_Standing(new.body, new.due_at, own, new.queue))
    if isinstance(standing, Refused):
        return standing
    refused = await _for_nobody(tx.connection, standing)
    if refused is None and await tx.connection.fetchval(COUNT_OPEN, root) >= MOST_OPEN:
        refused = Refused("invalid", f"A customer has at most {MOST_OPEN} open tasks; end some.", "customer")
    conversation = refused or await _conversation(tx.connection, root, new.conversation)
    if isinstance(conversation, Refused):
        return conversation
    row = (new.id, root, conversation, standing.body, standing.due_at, standing.agent, standing.queue, by)
    await tx.connection.execute(INSERT_TASK, *row)
    await audit(tx.connection, by, "task_added", root, {"task": new.id})
    entry = NewEntry(_entry(actor, new.id, conversation, standing.body), root)
    return await tell_task(tx, root, new.id, {standing.agent}, entry)


def _entry(actor: Actor | None, id_: UUID, conversation: UUID | None, body: str) -> Entry:
    """The task on the timeline, under the task's own id."""
    return Entry(
        id=id_,
        kind="task",
        channel=None,
        direction=None,
        body=body,
        at=datetime.min.replace(tzinfo=UTC),  # until `append_to_customer` gives it its place
        status=None,
        conversation=conversation,
        author=Author(actor.id, actor.name) if actor else None,
    )


AGENT = "select true from agent where id = $1 and active and role <> 'service'"
QUEUE = "select true from queue where id = $1 and retired_at is null"


def _words(asked: _Standing) -> _Standing | Refused:
    """What is to be done and by when, in the form in which it is kept."""
    text = check_text(asked.body, "body", LONGEST)
    if isinstance(text, Refused):
        return text
    if asked.due_at is not None and (asked.due_at.tzinfo is None or not YEARS[0] <= asked.due_at.year < YEARS[1]):
        return invalid("due_at", "is a time with its offset such as 2026-11-26T17:00:00Z")
    return structs.replace(asked, body=text)


async def _for_nobody(connection: Connection, asked: _Standing) -> Refused | None:
    """A task is for an agent who can do it, or for a queue."""
    if (asked.agent is None) == (asked.queue is None):
        return invalid("agent", "or queue says whom the task is for: one of them, not both")
    if asked.agent is not None and not await connection.fetchval(AGENT, asked.agent):
        return invalid("agent", "is none who could do it")
    if asked.queue is not None and not await connection.fetchval(QUEUE, asked.queue):
        return invalid("queue", "is none that exists")
    return None


CONVERSATION = """
select coalesce(v.folded_into, v.id) as id, m.root_id from conversation v join customer m on m.id = v.customer_id
 where v.id = $1
"""


async def _conversation(connection: Connection, root: UUID, conversation: UUID | None) -> UUID | Refused | None:
    """The conversation that is shown for the one named; None for none."""
    if conversation is None:
        return None
    row = await connection.fetchrow(CONVERSATION, conversation)
    if row is None or row["root_id"] != root:
        return Refused("invalid", "There is no such conversation of this customer.", "conversation")
    found: UUID = row["id"]
    return found


CUSTOMER_OF = "select customer_id from task where id = $1"
CHANGE_TASK = """
update task
   set body = $2, due_at = $3, agent_id = $4, queue_id = $5, state = $6, revision = revision + 1,
       ended_at = case when $6 = 'open' then null else coalesce(ended_at, clock_timestamp()) end,
       ended_by = case when $6 = 'open' then null when ended_at is null then $7::uuid else ended_by end
 where id = $1
"""


async def change_task(tx: Transaction, actor: Actor, id_: UUID, change: TaskChange) -> Task | Refused:
    """Change a task, give it to somebody else, end it, or open it again."""
    root = await lock_owner(tx, CUSTOMER_OF, id_)
    old = await fetch_task(tx.connection, id_) if root else None
    if root is None or old is None:
        return NO_TASK
    if old.revision != change.revision:
        return Refused("conflict", "The task was changed meanwhile; read it again.", "revision")
    return await _change(tx, actor, root, old, change)


async def end_task(
    tx: Transaction, actor: Actor, id_: UUID, state: Literal["done", "cancelled"] = "done"
) -> Task | Refused:
    """A task is done, or not to be done after all; one that ended so already stays as it is."""
    root = await lock_owner(tx, CUSTOMER_OF, id_)
    old = await fetch_task(tx.connection, id_) if root else None
    if root is None or old is None:
        return NO_TASK
    if old.state not in ("open", state):
        return Refused("wrong_state", f"The task is {old.state} already; open it again first.", "state")
    return await _change(tx, actor, root, old, TaskChange(old.revision, state=state))


async def _change(tx: Transaction, actor: Actor, root: UUID, old: Task, change: TaskChange) -> Task | Refused:
    was = _Standing(old.body, old.due_at, old.agent.id if old.agent else None, old.queue, old.state)
    new = _words(_altered(was, change))
    if isinstance(new, Refused):
        return new
    if new == was:
        return old
    # Whoever it is for may have left since: that is no reason not to end it.
    refused = await _for_nobody(tx.connection, new) if (new.agent, new.queue) != (was.agent, was.queue) else None
    if refused is not None:
        return refused
    row = (old.id, new.body, new.due_at, new.agent, new.queue, new.state, actor.id)
    await tx.connection.execute(CHANGE_TASK, *row)
    await audit(tx.connection, actor.id, "task_changed", root, {"task": old.id, "state": new.state})
    return await tell_task(tx, root, old.id, {was.agent, new.agent})


def _altered(was: _Standing, change: TaskChange) -> _Standing:
    """Naming an agent takes it from its queue, naming a queue from its agent."""
    agent = was.agent if change.agent is UNSET else change.agent
    queue = was.queue if change.queue is UNSET else change.queue
    if change.agent is not UNSET and change.queue is UNSET:
        queue = None
    if change.queue is not UNSET and change.agent is UNSET:
        agent = None
    return _Standing(
        body=was.body if change.body is UNSET else change.body,
        due_at=was.due_at if change.due_at is UNSET else change.due_at,
        agent=agent,
        queue=queue,
        state=was.state if change.state is UNSET else change.state,
    )


async def tell_task(tx: Transaction, root: UUID, id_: UUID, agents: set[UUID | None], *first: NewEntry) -> Task:
    """Show the task on the profile, with how many are open, and to the agents it is and was for."""
    task = await fetch_task(tx.connection, id_)
    assert task is not None, "its customer's stream is locked"  # noqa: S101  # tasks are never deleted under it
    customer = await fetch_customer(tx.connection, root)
    await append_to_customer(tx, root, [*first, TaskChanged(task), CustomerChanged(customer)])
    for agent in sorted(agent for agent in agents if agent is not None):
        await append_to_agent(tx, agent, [TaskChanged(task)])
    return task
