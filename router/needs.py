"""Requirements of waiting work, interned, and which agents can serve them.

The queue's row is the lock between "a new need" and "an agent's queues or skills changed": whoever comes second sees
the other. What a need weighs is its queue's business: a trigger keeps it there.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from msgspec import Struct

from model.agent import WorkClass
from router.skills import SkillLevel
from router.steps import Ask
from store.pool import Connection


class Need(Struct, frozen=True, order=True):
    """What a contact requires of an agent; `prefers`: who of those goes first. Skills sorted."""

    queue: str
    work_class: WorkClass
    skills: tuple[SkillLevel, ...] = ()
    prefers: tuple[SkillLevel, ...] = ()


def need_of(ask: Ask, work_class: WorkClass) -> Need:
    """What a contact of this class requires that asks for so much."""
    return Need(ask.queue, work_class, ask.skills, ask.prefers)


FIND_NEED = """
select id from need
 where queue_id = $1 and class = $2 and skills = $3 and levels = $4 and prefers = $5 and prefer_levels = $6
"""
LOCK_QUEUES = "select id from queue where id = any ($1) order by id for no key update"
INSERT_NEED = """
insert into need (queue_id, class, weight, skills, levels, prefers, prefer_levels)
select q.id, $2, q.weight, $3::text[], $4::smallint[], $5::text[], $6::smallint[] from queue q where q.id = $1
on conflict do nothing
"""
# What nobody is asked for but by name has a skill without a level: no agent's is as high.
SERVES = """
    not exists (select from unnest(n.skills, n.levels) r(skill, level)
                 where not exists (select from agent_skill k
                                    where k.agent_id = s.agent_id and k.skill_id = r.skill and k.level >= r.level))
"""
LOCK_SERVING = f"""
select s.agent_id
  from agent_state s join agent_queue q on q.agent_id = s.agent_id join need n on n.queue_id = q.queue_id
 where n.id = $1 and {SERVES} order by s.agent_id for no key update of s
"""  # noqa: S608  # put together from constants
ADD_NEED = """
update agent_state set needs = array_append(needs, $2::int) where agent_id = any ($1) and $2::int <> all (needs)
"""


async def intern_need(connection: Connection, need: Need) -> int:
    """The id of this requirement; a new one becomes known to every agent who can serve it. Inside a transaction.

    Several in one transaction: in their order, for their queues are locked.
    """
    return await _intern(
        connection,
        *(need.queue, need.work_class, [each.skill for each in need.skills], [each.level for each in need.skills]),
        *([each.skill for each in need.prefers], [each.level for each in need.prefers]),
    )


async def intern_nobody(connection: Connection, queue: str, work_class: WorkClass) -> int:
    """The id of the requirement that no agent meets, whatever their skills. Inside a transaction."""
    return await _intern(connection, queue, work_class, ["only"], [], [], [])


async def _intern(connection: Connection, *row: object) -> int:
    found: int | None = await connection.fetchval(FIND_NEED, *row)
    if found is not None:
        return found
    await connection.execute(LOCK_QUEUES, row[:1])
    await connection.execute(INSERT_NEED, *row)
    made: int = await connection.fetchval(FIND_NEED, *row)
    serving = [each["agent_id"] for each in await connection.fetch(LOCK_SERVING, made)]
    await connection.execute(ADD_NEED, serving, made)
    return made


LOCK_ALL_QUEUES = "select id from queue order by id for no key update"
LOCK_AGENT = "select agent_id from agent_state where agent_id = $1 for no key update"
# A statement of its own: the one that waited for the locks cannot see the needs interned meanwhile.
REFRESH_AGENT = f"""
update agent_state s set needs = coalesce((
           select array_agg(n.id order by n.id)
             from need n join agent_queue q on q.queue_id = n.queue_id and q.agent_id = s.agent_id
            where {SERVES}), '{{}}')
 where s.agent_id = $1
"""  # noqa: S608  # put together from constants


async def lock_what_agents_serve(connection: Connection, agent: UUID) -> None:
    """What this agent serves is about to change: every queue, then the agent. Inside a transaction."""
    await connection.execute(LOCK_ALL_QUEUES)
    await connection.execute(LOCK_AGENT, agent)


async def refresh_agent(connection: Connection, agent: UUID) -> None:
    """What this agent serves has changed."""
    await connection.execute(REFRESH_AGENT, agent)


LEAVE_QUEUES = "delete from agent_queue where agent_id = $1 and queue_id <> all ($2::text[])"
SET_QUEUES = """
insert into agent_queue (agent_id, queue_id) select $1, unnest($2::text[]) on conflict (agent_id, queue_id) do nothing
"""
SET_LIMITS = """
update agent_queue q set most = i.most
  from (select * from unnest($2::text[], $3::int[])) i(queue, most)
 where q.agent_id = $1 and q.queue_id = i.queue
"""


async def set_agent_queues(
    connection: Connection, agent: UUID, queues: list[str], most: Mapping[str, int | None] | None = None
) -> None:
    """The queues this agent serves, from now on. Inside a transaction.

    `most`: live contacts at once, of those it names; None there: as many as fit. What it leaves out stays.
    """
    await lock_what_agents_serve(connection, agent)
    await connection.execute(LEAVE_QUEUES, agent, queues)
    await connection.execute(SET_QUEUES, agent, queues)
    if most:
        await connection.execute(SET_LIMITS, agent, list(most), list(most.values()))
    await refresh_agent(connection, agent)
