"""Requirements of waiting work, interned, and which agents can serve them.

The queue's row is the lock between "a new need" and "an agent's queues changed": whoever comes second sees the other.
"""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from model.agent import WorkClass
from store.pool import Connection


class Need(Struct, frozen=True):
    """What a contact requires of an agent."""

    queue: str
    work_class: WorkClass
    weight: int = 1


FIND_NEED = "select id from need where queue_id = $1 and class = $2 and weight = $3 and skills = '{}'"
LOCK_QUEUES = "select id from queue where id = any ($1) order by id for no key update"
INSERT_NEED = """
insert into need (queue_id, class, weight) values ($1, $2, $3)
on conflict (queue_id, class, weight, skills) do nothing
"""
LOCK_AGENTS = """
select s.agent_id from agent_state s
 where s.agent_id in (select q.agent_id from agent_queue q where q.queue_id = any ($1)) or s.agent_id = $2
 order by s.agent_id for no key update
"""
# A statement of its own: the one that waited for the locks cannot see the needs interned meanwhile.
REFRESH_AGENTS = """
update agent_state s set needs = coalesce((
           select array_agg(n.id order by n.id)
             from need n join agent_queue q on q.queue_id = n.queue_id and q.agent_id = s.agent_id
            where n.skills <> '{only}'), '{}')
 where s.agent_id = any ($1)
"""


async def _refresh(connection: Connection, queues: list[str], agent: UUID | None) -> None:
    agents = [row["agent_id"] for row in await connection.fetch(LOCK_AGENTS, queues, agent)]
    await connection.execute(REFRESH_AGENTS, agents)


async def intern_need(connection: Connection, need: Need) -> int:
    """The id of this requirement; a new one becomes known to every agent who serves its queue. Inside a transaction.

    Several in one transaction: in the order of their queues, which are locked.
    """
    found: int | None = await connection.fetchval(FIND_NEED, need.queue, need.work_class, need.weight)
    if found is not None:
        return found
    await connection.execute(LOCK_QUEUES, [need.queue])
    await connection.execute(INSERT_NEED, need.queue, need.work_class, need.weight)
    await _refresh(connection, [need.queue], None)
    made: int = await connection.fetchval(FIND_NEED, need.queue, need.work_class, need.weight)
    return made


LOCK_ALL_QUEUES = "select id from queue order by id for no key update"
CLEAR_QUEUES = "delete from agent_queue where agent_id = $1"
SET_QUEUES = "insert into agent_queue (agent_id, queue_id) select $1, unnest($2::text[])"


async def set_agent_queues(connection: Connection, agent: UUID, queues: list[str]) -> None:
    """The queues this agent serves, from now on. Inside a transaction."""
    await connection.execute(LOCK_ALL_QUEUES)
    await connection.execute(CLEAR_QUEUES, agent)
    await connection.execute(SET_QUEUES, agent, queues)
    await _refresh(connection, [], agent)
