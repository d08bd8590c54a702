"""After the storm: quiet, what still waits and why, everything served, and what screens and REST show in the end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

import asyncpg

from tests.faults.agents import LOST, RandomAgent
from tests.outside.company import Company
from tests.outside.history import Fact, History
from tests.outside.told import Frame

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
QUIET_SECONDS = 10.0
DRAIN_SECONDS = 180.0
HEAD_SECONDS = 12.0

INBOUND = """
select count(*)::int from entry e join handle h on h.id = e.handle_id where e.kind = 'message' and e.direction = 'in'
"""
WAITING = "select count(*)::int from contact where state in ('new', 'queued')"
UNSERVED = "select count(*)::int from contact where state in ('new', 'queued', 'offered', 'assigned', 'wrapping')"
UNSENT = "select count(*)::int from outbox where state in ('queued', 'sending')"
FREE = "select coalesce(sum(cap_messaging - used_messaging), 0)::int from agent_state where routable"
# An agent who declined it, or is not the one it prefers to wait for, is not free for it yet.
STUCK = """
select c.id::text as contact, c.state, g.name, a.used_messaging, a.cap_messaging
  from contact c
  join account t on t.id = c.account_id
  join agent_queue q on q.queue_id = coalesce(c.queue_id, t.queue_id)
  join agent_state a on a.agent_id = q.agent_id
  join agent g on g.id = a.agent_id
  left join need n on n.id = c.need_id
 where c.state in ('new', 'queued') and a.routable and a.used_messaging + coalesce(n.weight, 1) <= a.cap_messaging
   and not (a.agent_id = any (c.declined_by) and c.declined_until > now())
   and (c.prefer_agent_id is null or c.prefer_agent_id = a.agent_id or c.prefer_until < now())
"""
HEADS = """
select 'customer:' || id as feed, seq from stream where kind = 1
union all select 'agent:' || agent_id, seq from agent_state
"""


async def baseline(connection: Connection, history: History) -> None:
    """What was there before."""
    history.add(Fact(kind="saw", op="baseline", who="storm", count=await connection.fetchval(INBOUND)))


async def settle(company: Company, history: History, agents: Sequence[RandomAgent], connection: Connection) -> None:
    """Quiet, then everything is served, then what is shown is written down."""
    for agent in agents:
        agent.mood = "still"
    await _all(lambda: all(a.screen.connected and a.screen.told.presence == "available" for a in agents), 20)
    for agent in agents:
        await _let_go(agent)
    waiting, free = await connection.fetchval(WAITING), await connection.fetchval(FREE)
    history.add(Fact(kind="saw", op="quiet", who="storm", count=waiting, live=free))
    await asyncio.sleep(QUIET_SECONDS)
    stuck = [
        f"{row['contact']} is {row['state']} beside {row['name']} with {row['used_messaging']}/{row['cap_messaging']}"
        for row in await connection.fetch(STUCK)
    ]
    waiting = await connection.fetchval(WAITING)
    history.add(Fact(kind="saw", op="stuck", who="storm", count=len(stuck), live=waiting, lines=stuck))
    for agent in agents:
        agent.mood = "brisk"
    served = await _every(lambda: _is_zero(connection, UNSERVED), DRAIN_SECONDS)
    history.add(Fact(kind="saw", op="drained", who="storm", count=int(served)))
    await _every(lambda: _is_zero(connection, UNSENT), 30)
    await _write_heads(history, agents, connection)
    await _write_views(company, history, agents)


async def _let_go(agent: RandomAgent) -> None:
    """Finish what is held, so that there is room for what waits."""
    for contact, held in list(agent.screen.told.held.items()):
        if held["state"] in ("assigned", "wrapping"):
            with contextlib.suppress(*LOST):
                await agent.screen.afford(3)
                await agent.screen.finish(contact)


async def _write_heads(history: History, agents: Sequence[RandomAgent], connection: Connection) -> None:
    async def there() -> bool:
        heads = {row["feed"]: row["seq"] for row in await connection.fetch(HEADS)}
        return all(heads[feed] == place.known for a in agents for feed, place in a.screen.follower.places.items())

    await _every(there, HEAD_SECONDS)
    heads = {row["feed"]: row["seq"] for row in await connection.fetch(HEADS)}
    for agent in agents:
        for feed in list(agent.screen.follower.places):
            history.add(Fact(kind="saw", op="head", who=agent.screen.name, feed=feed, seq=heads[feed]))


async def _write_views(company: Company, history: History, agents: Sequence[RandomAgent]) -> None:
    for agent in agents:
        for customer in agent.pinned:
            shown = agent.screen.told.views.get(customer, {}).values()
            who = agent.screen.name
            history.add(Fact(kind="saw", op="view", who=who, customer=customer, lines=_lines(list(shown))))
            read = await company.every(f"customers/{customer}/timeline?limit=200")
            history.add(Fact(kind="saw", op="rest", who="storm", customer=customer, lines=_lines(read)))


def _lines(entries: list[Frame]) -> list[str]:
    """Entries oldest first, by what a person would notice."""
    ordered: list[Any] = sorted(entries, key=lambda entry: (entry["at"], entry["id"]))
    return [f"{entry['id']} {entry['body']} {entry['status']}" for entry in ordered]


async def _is_zero(connection: Connection, sql: str) -> bool:
    return bool(await connection.fetchval(sql) == 0)


async def _every(happened: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    until = asyncio.get_running_loop().time() + seconds
    while not await happened():
        if asyncio.get_running_loop().time() > until:
            return False
        await asyncio.sleep(0.1)
    return True


async def _all(happened: Callable[[], bool], seconds: float) -> bool:
    async def once() -> bool:
        return happened()

    return await _every(once, seconds)
