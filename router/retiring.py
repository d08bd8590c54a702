"""Agents and queues that are no more: nothing of theirs is stranded.

Neither is deleted, for what happened names them. The sweep (`router.due`) finds what they leave behind, piece by piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from model.refusal import Refused
from router.needs import Need, intern_need, lock_what_agents_serve, refresh_agent, set_agent_queues
from router.presence import LIVE_CALL, change_presence
from router.skills import SkillLevel
from store.feeds import Transaction
from store.ids import new_id
from store.pool import Connection

DEACTIVATED = "deactivated"
"""Why their presence is offline: their screens are closed when they hear of it."""

FIND_AGENT = "select active from agent where id = $1 for no key update"
DEACTIVATE = "update agent set active = false where id = $1"
REVOKE = "update token set revoked_at = clock_timestamp() where agent_id = $1 and revoked_at is null"
HAS_STATE = "select true from agent_state where agent_id = $1"
# Two who are about to retire each other wait for one another at the queues.
LEAVES_NO_LEADER = """
select exists (select from agent where id = $1 and role = 'admin' and active)
   and not exists (select from agent where id <> $1 and role = 'admin' and active)
"""


async def retire_agent(tx: Transaction, agent: UUID) -> Refused | None:
    """The agent works here no more: no token, no queue, no offer; what they hold goes back to its queues.

    Refused on a live call, and for the last administrator. Again changes nothing. They come back by `active = true`,
    queues and a new token.
    """
    connection = tx.connection
    await lock_what_agents_serve(connection, agent)
    active = await connection.fetchval(FIND_AGENT, agent)
    if active is None:
        return Refused("not_found", "There is no such agent.", "agent")
    if await connection.fetchval(LEAVES_NO_LEADER, agent):
        return Refused("conflict", "Nobody else is an administrator; make somebody one first.", "agent")
    if await connection.fetchval(LIVE_CALL, agent):
        return Refused("wrong_state", "The agent is on a call. Wait for its end, or hand it on.", "agent")
    await connection.execute(DEACTIVATE, agent)
    await connection.execute(REVOKE, agent)
    await set_agent_queues(connection, agent, [])
    if await connection.fetchval(HAS_STATE, agent):
        await change_presence(tx, agent, "offline", DEACTIVATED)
    return None


LOCK_QUEUES = "select id from queue where id = any ($1) and retired_at is null order by id for no key update"
WHO_USES = """
select (select string_agg(a.id, ', ' order by a.id) from account a where a.queue_id = $1) as accounts,
       exists (select from task t where t.queue_id = $1 and t.state = 'open')
           or exists (select from task_work w where w.queue_id = $1) as tasks,
       exists (select from (select body from rule_set order by version desc limit 1) r
                where jsonb_path_exists(r.body, '$.rules[*].queue ? (@ == $id)', jsonb_build_object('id', $1::text))
                   or jsonb_path_exists(r.body, '$.rules[*].steps[*].queue ? (@ == $id)',
                                        jsonb_build_object('id', $1::text))
                   or jsonb_path_exists(r.body, '$.rules[*].task.queue ? (@ == $id)',
                                        jsonb_build_object('id', $1::text))) as rules
"""
RETIRE = "update queue set retired_at = clock_timestamp(), moved_to = $2 where id = $1"
MOVE_ACCOUNTS = "update account set queue_id = $2 where queue_id = $1"
SERVED_BY = "select agent_id from agent_queue where queue_id = $1 order by agent_id"
# Agents before what they serve, as in a round of dispatch.
LOCK_AGENTS = "select agent_id from agent_state where agent_id = any ($1) order by agent_id for no key update"
NOBODY_SERVES = "delete from agent_queue where queue_id = $1"


async def lock_queues(connection: Connection, queues: Sequence[str | None]) -> frozenset[str]:
    """Lock these queues, in the order in which everybody does; which of them there are."""
    return frozenset(row["id"] for row in await connection.fetch(LOCK_QUEUES, list(queues)))


async def retire_queue(tx: Transaction, queue: str, move_to: str | None = None) -> Refused | None:
    """Nobody serves this queue any more; what waits in it goes to its account's default queue, with an alert.

    `move_to`: it goes to this one instead with what it requires, and so does what comes back later; accounts that fall
    back on it fall back there. Refused while an account falls back on it otherwise, the rules in force name it, or it
    has open tasks. What agents hold of it stays theirs.
    """
    connection = tx.connection
    there = await lock_queues(connection, [queue, move_to])
    if queue not in there:
        return Refused("not_found", f"There is no queue {queue!r}.", "queue")
    if move_to is not None and (move_to == queue or move_to not in there):
        return Refused("invalid", f"Name another queue than {move_to!r}, one that there is.", "move_to")
    if move_to is not None:
        await connection.execute(MOVE_ACCOUNTS, queue, move_to)
    uses = await connection.fetchrow(WHO_USES, queue)
    if uses is not None and uses["accounts"]:
        told = f"{queue!r} is the default queue of {uses['accounts']}. Give these another first, or `move_to`."
        return Refused("conflict", told, "queue")
    if uses is not None and uses["tasks"]:
        return Refused(
            "conflict", f"Open tasks are {queue!r}'s, or were given out by it. End them, or move them.", "queue"
        )
    if uses is not None and uses["rules"]:
        return Refused("conflict", f"The rules in force name {queue!r}. Publish rules without it first.", "queue")
    agents = [each["agent_id"] for each in await connection.fetch(SERVED_BY, queue)]
    await connection.execute(LOCK_AGENTS, agents)
    await connection.execute(RETIRE, queue, move_to)
    await connection.execute(NOBODY_SERVES, queue)
    for agent in agents:
        await refresh_agent(connection, agent)
    return None


LOCK_STRANDED = """
select c.id, c.class, c.priority, c.queue_id, coalesce(q.moved_to, a.queue_id) as goes_to,
       q.moved_to is not null and cardinality(n.skills) = cardinality(n.levels) as keeps, n.skills, n.levels, n.prefers,
       n.prefer_levels
  from contact c join queue q on q.id = c.queue_id join account a on a.id = c.account_id
       join need n on n.id = c.need_id
 where c.id = $1 and c.state = 'queued' and q.retired_at is not null for no key update of c skip locked
"""
MOVE = """
update contact c
   set queue_id = $2, need_id = $3, decision_id = $4, steps = case when $5 then steps end,
       step_at = case when $5 then step_at end, handed = false,
       order_key = (extract(epoch from c.arrived_at) * 1000000)::bigint
                   - c.priority::bigint * q.priority_bonus_seconds * 1000000
  from queue q where c.id = $1 and q.id = $2
"""
SAY_WHY = """
insert into decision (id, contact_id, version, rule, queue_id, priority, inputs, alert)
values ($1, $2, null, null, $3, $4, $5, $6)
"""
NOTHING_SEEN = msgspec.json.encode({"facts": {}}).decode()


async def move_stranded(tx: Transaction, contact: UUID) -> bool:
    """A contact waits in a queue that is no more: the one said then takes it, or its account's default queue.

    The decision says why. Only where somebody has said which is what it requires kept.
    """
    row = await tx.connection.fetchrow(LOCK_STRANDED, contact)
    if row is None:
        return False
    requires: tuple[tuple[SkillLevel, ...], ...] = ()
    if row["keeps"]:
        requires = (_levels(row["skills"], row["levels"]), _levels(row["prefers"], row["prefer_levels"]))
    need = await intern_need(tx.connection, Need(row["goes_to"], row["class"], *requires))
    decision, alert = new_id(), f"the queue {row['queue_id']} is no more"
    await tx.connection.execute(SAY_WHY, decision, contact, row["goes_to"], row["priority"], NOTHING_SEEN, alert)
    await tx.connection.execute(MOVE, contact, row["goes_to"], need, decision, row["keeps"])
    return True


def _levels(skills: list[str], levels: list[int]) -> tuple[SkillLevel, ...]:
    return tuple(map(SkillLevel, skills, levels))
