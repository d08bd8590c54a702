"""Tasks as they are read: one, or those that meet a filter, in the order in which they are due."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import asyncpg
from msgspec import Struct

from model.customer import Task, TaskState
from model.timeline import Author
from store.pool import Connection

TASK_COLUMNS = """
select t.id, m.root_id, coalesce(r.shown_name, r.name) as customer_name, t.body, t.due_at,
       (select coalesce(v.folded_into, v.id) from conversation v where v.id = t.conversation_id) as conversation_id,
       t.agent_id, a.name as agent_name, t.queue_id, t.state, t.revision, t.at, t.by_agent, b.name as by_name,
       t.ended_at, t.ended_by, e.name as ended_name
  from task t join customer m on m.id = t.customer_id join customer r on r.id = m.root_id
  left join agent a on a.id = t.agent_id left join agent b on b.id = t.by_agent left join agent e on e.id = t.ended_by
"""
TASK = f"{TASK_COLUMNS} where t.id = $1"


async def fetch_task(connection: Connection, id_: UUID) -> Task | None:
    """One task."""
    row = await connection.fetchrow(TASK, id_)
    return _read(row) if row else None


def _read(row: asyncpg.Record) -> Task:
    def author(id_: UUID | None, name: str | None) -> Author | None:
        return None if id_ is None else Author(id_, name or "")

    return Task(
        id=row["id"],
        customer=row["root_id"],
        customer_name=row["customer_name"],
        conversation=row["conversation_id"],
        body=row["body"],
        due_at=row["due_at"],
        agent=author(row["agent_id"], row["agent_name"]),
        queue=row["queue_id"],
        state=row["state"],
        revision=row["revision"],
        at=row["at"],
        by=author(row["by_agent"], row["by_name"]),
        ended_at=row["ended_at"],
        ended_by=author(row["ended_by"], row["ended_name"]),
    )


NEVER = datetime(3000, 1, 1, tzinfo=UTC)
"""Stands for no due date in the order of tasks: after all that have one."""


class TaskFilter(Struct, frozen=True):
    """Which tasks."""

    state: TaskState | None = None
    agent: UUID | None = None
    queue: str | None = None
    customer: UUID | None = None
    due_before: datetime | None = None


TASKS = f"""
{TASK_COLUMNS}
 where ($1::text is null or t.state = $1) and ($2::uuid is null or t.agent_id = $2)
   and ($3::text is null or t.queue_id = $3)
   and ($4::uuid is null or m.root_id = (select c.root_id from customer c where c.id = $4))
   and ($5::timestamptz is null or t.due_at < $5)
   and ($6::timestamptz is null or (coalesce(t.due_at, '3000-01-01T00:00:00Z'), t.id) > ($6, $7::uuid))
 order by coalesce(t.due_at, '3000-01-01T00:00:00Z'), t.id limit $8
"""  # noqa: S608  # put together from constants


async def fetch_tasks_where(
    connection: Connection, which: TaskFilter, limit: int, after: tuple[datetime | None, UUID] | None = None
) -> tuple[Task, ...]:
    """Tasks, those due first first, those without a date last; `after`: the due date and id of one."""
    due = None if after is None else after[0] or NEVER
    rows = await connection.fetch(
        *(TASKS, which.state, which.agent, which.queue, which.customer, which.due_before),
        *(due, after[1] if after else None, limit),
    )
    return tuple(_read(row) for row in rows)
