"""REST of tasks: follow-ups for an agent or a queue, each from a profile."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from gateway.problems import bad_request, not_found
from gateway.rest_call import Call, Endpoint, Listing, ListQuery, Name, NoQuery, decode_cursor, page_of
from gateway.rest_profile import root_of
from gateway.rest_write import Write, check_if_match
from model.customer import Task, TaskState
from model.refusal import Refused
from profiles.audit import audit
from profiles.task_list import TaskFilter, fetch_task, fetch_tasks_where
from profiles.tasks import NewTask, TaskChange, add_task, change_task
from router.task_work import fetch_tasks_at_once, set_tasks_at_once
from store.ids import new_id

Due = tuple[Annotated[datetime, Meta(tz=True)] | None, UUID]
"""The keyset of tasks: when each is due, if it is."""
Instant = Annotated[datetime, Meta(tz=True)]


class TasksQuery(ListQuery, frozen=True):
    """Which tasks."""

    state: TaskState | None = None
    agent: UUID | None = None
    queue: Name | None = None
    customer: UUID | None = None
    due_before: Instant | None = None


class TaskStateQuery(ListQuery, frozen=True):
    """Which tasks of a customer."""

    state: TaskState | None = None


class TaskBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A task for an agent or a queue; the sender's own where neither is named. `id`: the sender's, if it has one."""

    customer: UUID
    body: str
    due_at: Instant | None = None
    agent: UUID | None = None
    queue: str | None = None
    conversation: UUID | None = None
    id: UUID | None = None


async def list_tasks(call: Call[TasksQuery]) -> Listing[Task]:
    """Tasks, those due first first, those without a date last."""
    query = call.query
    if query.due_before is not None and not 1970 <= query.due_before.year < 9999:
        raise bad_request("The time is out of range.", "due_before")
    which = TaskFilter(query.state, query.agent, query.queue, query.customer, query.due_before)
    return await _page(call, which)


async def list_tasks_of_customer(call: Call[TaskStateQuery]) -> Listing[Task]:
    """A customer's tasks, those due first first."""
    return await _page(call, TaskFilter(call.query.state, customer=await root_of(call)))


async def _page(call: Call[TasksQuery] | Call[TaskStateQuery], which: TaskFilter) -> Listing[Task]:
    after = decode_cursor(call.query.cursor, Due)
    rows = await fetch_tasks_where(call.connection, which, call.query.limit + 1, after)
    return page_of(rows, call.query.limit, lambda row: (row.due_at, row.id))


async def show_task(call: Call[NoQuery]) -> Task:
    """One task."""
    task = await fetch_task(call.connection, call.id)
    if task is None:
        raise not_found("There is no such task.")
    return task


async def create_task(call: Write[TaskBody]) -> Task | Refused:
    """Add a task to a customer's profile and timeline."""
    body = call.body
    new = NewTask(
        id=body.id or new_id(),
        customer=body.customer,
        body=body.body,
        due_at=body.due_at,
        agent=body.agent,
        queue=body.queue,
        conversation=body.conversation,
    )
    return await add_task(call.tx, call.actor, new)


async def patch_task(call: Write[TaskChange]) -> Task | Refused:
    """Change a task, give it to somebody else, end it, or open it again."""
    return await change_task(call.tx, call.actor, call.id, call.body)


class TaskWork(Struct, frozen=True, forbid_unknown_fields=True):
    """How many due tasks of their queues an agent has at once; 0: none."""

    at_once: Annotated[int, Meta(ge=0, le=100)]


_NO_AGENT = "There is no such agent; `GET /v1/agents` lists them."


async def show_task_work(call: Call[NoQuery]) -> TaskWork:
    """How many due tasks of their queues an agent is given at once."""
    return await _task_work(call)


async def put_task_work(call: Write[TaskWork]) -> TaskWork:
    """Give an agent so many due tasks of their queues at once from now on."""
    check_if_match(call, await _task_work(call))
    await set_tasks_at_once(call.tx.connection, call.id, call.body.at_once)
    await audit(call.tx.connection, call.actor.id, "task_work.change", None, {"agent": call.id})
    return call.body


async def _task_work(call: Call[NoQuery] | Write[TaskWork]) -> TaskWork:
    found = await fetch_tasks_at_once(call.connection, call.id)
    if found is None:
        raise not_found(_NO_AGENT)
    return TaskWork(found)


_WORK = "/v1/agents/{id}/task-work"

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "/v1/tasks", "tasks.read", list_tasks, TasksQuery, Listing[Task]),
    Endpoint("POST", "/v1/tasks", "task.edit", create_task, NoQuery, Task, TaskBody, 201),
    Endpoint("GET", "/v1/tasks/{id}", "tasks.read", show_task, NoQuery, Task),
    Endpoint("PATCH", "/v1/tasks/{id}", "task.edit", patch_task, NoQuery, Task, TaskChange),
    Endpoint("GET", "/v1/customers/{id}/tasks", "tasks.read", list_tasks_of_customer, TaskStateQuery, Listing[Task]),
    Endpoint("GET", _WORK, "agents.read", show_task_work, NoQuery, TaskWork, tagged=True),
    Endpoint("PUT", _WORK, "task_work.edit", put_task_work, NoQuery, TaskWork, TaskWork, tagged=True),
)
