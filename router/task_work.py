"""Tasks as work: those of a queue are given to agents of it when they are due, apart from contacts and their slots.

What is written here are the rows alone; who tells the screens holds the customer's lock.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from router.presence import HELD_GRACE
from store.pool import Connection

BATCH: Final = 50


class WaitingTask(Struct, frozen=True):
    """A due task of a queue that nobody has. `passed_by`: who gave it back a moment ago."""

    task: UUID
    customer: UUID
    queue: str
    due_at: datetime
    passed_by: frozenset[UUID] = frozenset()


class FreeForTasks(Struct, frozen=True):
    """An agent who may be given tasks, and how many more."""

    agent: UUID
    idle_since: datetime
    queues: frozenset[str]
    room: int


class TaskPair(Struct, frozen=True):
    """Who is to be given which task."""

    task: WaitingTask
    agent: UUID


def pair_tasks(tasks: Iterable[WaitingTask], agents: Iterable[FreeForTasks]) -> list[TaskPair]:
    """Those due first first, each to whom has been given least, then to the longest idle. Pure.

    Who gave a task back gets it again only where nobody else serves its queue.
    """
    agents = sorted(agents, key=lambda agent: (agent.idle_since, agent.agent))
    room = {agent.agent: agent.room for agent in agents}
    pairs = []
    for task in sorted(tasks, key=lambda task: (task.due_at, task.task)):
        serving = [agent for agent in agents if task.queue in agent.queues]
        others = [agent for agent in serving if agent.agent not in task.passed_by]
        free = [agent for agent in others or serving if room[agent.agent] > 0]
        if free:
            agent = max(free, key=lambda each: room[each.agent]).agent
            room[agent] -= 1
            pairs.append(TaskPair(task, agent))
    return pairs


class DueTask(Struct, frozen=True):
    """A task that has become due. `agent` None: it is a queue's."""

    task: UUID
    customer: UUID
    agent: UUID | None


DUE = """
select id, customer_id, agent_id from task
 where state = 'open' and due_told_at is null and due_at <= clock_timestamp() order by due_at limit $1
"""


async def fetch_due_tasks(connection: Connection) -> list[DueTask]:
    """Tasks that have become due since anybody looked."""
    return [DueTask(*row) for row in await connection.fetch(DUE, BATCH)]


TELL = """
update task set due_told_at = clock_timestamp()
 where id = $1 and state = 'open' and due_told_at is null and due_at <= clock_timestamp()
returning agent_id, queue_id, due_at
"""
WAIT = "insert into task_work (task_id, queue_id, due_at) values ($1, $2, $3) on conflict (task_id) do nothing"


async def begin_task(connection: Connection, task: UUID) -> UUID | None:
    """It is due: a queue's waits for an agent from now on. Gives the agent whose it is and who is to be told."""
    row = await connection.fetchrow(TELL, task)
    if row is None:
        return None
    if row["queue_id"] is not None:
        await connection.execute(WAIT, task, row["queue_id"], row["due_at"])
    agent: UUID | None = row["agent_id"]
    return agent


WAITING = """
select w.task_id, t.customer_id, w.queue_id, w.due_at,
       case when w.passed_until > clock_timestamp() then w.passed_by else '{}' end as passed_by
  from task_work w join task t on t.id = w.task_id
 where w.agent_id is null
   and exists (select from agent_queue q join agent_state s on s.agent_id = q.agent_id
                where q.queue_id = w.queue_id and s.routable
                  and s.cap_tasks > (select count(*) from task_work x where x.agent_id = s.agent_id))
 order by w.due_at, w.task_id limit $1
"""
FREE = """
select s.agent_id, s.idle_since, q.queues, s.cap_tasks - has.tasks as room
  from agent_state s join agent a on a.id = s.agent_id and a.active
 cross join lateral (select array_agg(q.queue_id) as queues from agent_queue q where q.agent_id = s.agent_id) q
 cross join lateral (select count(*)::int as tasks from task_work w where w.agent_id = s.agent_id) has
 where s.routable and q.queues && $1::text[]
"""


async def fetch_task_pairs(connection: Connection) -> list[TaskPair]:
    """Who could be given which task now; each is looked at again when it is given."""
    rows = await connection.fetch(WAITING, BATCH)
    if not rows:
        return []
    tasks = [
        WaitingTask(row["task_id"], row["customer_id"], row["queue_id"], row["due_at"], frozenset(row["passed_by"]))
        for row in rows
    ]
    free = await connection.fetch(FREE, list({task.queue for task in tasks}))
    agents = [FreeForTasks(row["agent_id"], row["idle_since"], frozenset(row["queues"]), row["room"]) for row in free]
    return pair_tasks(tasks, agents)


LOCK_AGENT = "select true from agent_state where agent_id = $1 for no key update"
# A statement of its own: the one that waited for the lock cannot see what they were given meanwhile.
TAKES = """
select s.routable and s.cap_tasks > (select count(*) from task_work w where w.agent_id = s.agent_id)
       and exists (select from agent_queue q where q.agent_id = s.agent_id and q.queue_id = $2)
  from agent_state s where s.agent_id = $1
"""
GIVE = """
update task_work set agent_id = $2, passed_by = '{}', passed_until = null
 where task_id = $1 and agent_id is null and queue_id = $3 returning true
"""
MAKE_THEIRS = "update task set agent_id = $2, queue_id = null, revision = revision + 1 where id = $1"


async def give_task(connection: Connection, pair: TaskPair) -> bool:
    """Give it, if both are still free for each other. The task's customer is locked."""
    task, agent, queue = pair.task.task, pair.agent, pair.task.queue
    await connection.execute(LOCK_AGENT, agent)
    if not await connection.fetchval(TAKES, agent, queue) or not await connection.fetchval(GIVE, task, agent, queue):
        return False
    await connection.execute(MAKE_THEIRS, task, agent)
    return True


class LeftTask(Struct, frozen=True):
    """A task of a queue whose agent is not there any more."""

    task: UUID
    customer: UUID
    agent: UUID


GONE = "(s.presence = 'offline' or s.gone_at < clock_timestamp() - $2::interval)"
LEFT = f"""
select w.task_id, t.customer_id, w.agent_id
  from task_work w join task t on t.id = w.task_id join agent_state s on s.agent_id = w.agent_id
 where {GONE} limit $1
"""  # noqa: S608  # put together from constants


async def fetch_left_tasks(connection: Connection) -> list[LeftTask]:
    """Tasks of queues whose agents logged off, or vanished a while ago."""
    return [LeftTask(*row) for row in await connection.fetch(LEFT, BATCH, HELD_GRACE)]


STILL_LEFT = f"select true from agent_state s where s.agent_id = $1 and {GONE} for no key update"  # noqa: S608
TAKE_BACK = "update task_work set agent_id = null where task_id = $1 and agent_id = $2 returning queue_id"
MAKE_ITS = "update task set agent_id = null, queue_id = $2, revision = revision + 1 where id = $1"


async def take_back_task(connection: Connection, left: LeftTask) -> bool:
    """Back to its queue, if the agent is still away. The task's customer is locked."""
    if not await connection.fetchval(STILL_LEFT, left.agent, HELD_GRACE):
        return False
    queue = await connection.fetchval(TAKE_BACK, left.task, left.agent)
    if queue is None:
        return False
    await connection.execute(MAKE_ITS, left.task, queue)
    return True


AT_ONCE = "select cap_tasks from agent_state where agent_id = $1"
SET_AT_ONCE = "update agent_state set cap_tasks = $2 where agent_id = $1 returning cap_tasks"


async def fetch_tasks_at_once(connection: Connection, agent: UUID) -> int | None:
    """How many tasks queues may give this agent at once; None: there is no such agent."""
    found: int | None = await connection.fetchval(AT_ONCE, agent)
    return found


async def set_tasks_at_once(connection: Connection, agent: UUID, most: int) -> bool:
    """So many from now on; those they have stay theirs."""
    return await connection.fetchval(SET_AT_ONCE, agent, most) is not None
