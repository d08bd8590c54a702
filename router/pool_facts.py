"""What rules look at beside the contact and its profile: how queues stand, what other systems said, agents by name."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from router.rules.acting import AS_AGENT, agent_id
from router.rules.fields import EXTERNAL, POOL, Fact, Facts, queue_of
from store.pool import Connection

# Offered is still waiting: nobody has taken it yet. What waits stands in two lanes, each with an index of its own; its
# state alone would read every contact there ever was.
STANDING = """
select q.id,
       (select count(*) from need n join contact c on c.need_id = n.id and c.state = 'queued'
               and c.prefer_agent_id is null and c.declined_until is null
         where n.queue_id = q.id)
       + (select count(*) from contact c
           where c.state = 'queued' and (c.prefer_agent_id is not null or c.declined_until is not null)
             and c.queue_id = q.id)
       + (select count(distinct c.id) from offer o join contact c on c.id = o.contact_id
           where o.state = 'pending' and c.queue_id = q.id) as waiting,
       (select count(*) from agent_queue g join agent_state s on s.agent_id = g.agent_id
         where g.queue_id = q.id and s.routable) as available
  from queue q where q.id = any ($1)
"""
Standing = dict[str, dict[str, int]]
"""By queue, what `fields.POOL_FACTS` names."""


async def read_pool(connection: Connection, reads: Collection[str]) -> Standing:
    """How the queues stand that these facts are about; empty where they are about none."""
    queues = {found[0] for field in reads if (found := queue_of(field)) is not None}
    if not queues:
        return {}
    rows = await connection.fetch(STANDING, sorted(queues))
    return {row["id"]: {"waiting": row["waiting"], "available": row["available"]} for row in rows}


def pool_of(standing: Standing, row: Any) -> dict[str, Fact]:
    """The facts of a contact's row: one that waits already does not count itself."""
    own = row["queue_id"] if row["state"] == "queued" else None
    return {
        f"{POOL}{queue}.{name}": number - (name == "waiting" and queue == own)
        for queue, numbers in standing.items()
        for name, number in numbers.items()
    }


# As it was last answered: nothing is asked, and nothing waited for.
SAID = """
select m.root_id, k.source_id, array(
           select x.line ->> p.name
             from jsonb_array_elements(k.body -> 'lines') with ordinality x(line, n)
                  cross join (values (1, 'title'), (2, 'text'), (3, 'status'), (4, 'amount')) p(o, name)
            where x.n <= 50 and x.line ->> p.name is not null order by x.n, p.o) as said
  from card k join customer m on m.id = k.customer_id
 where k.source_id = any ($2) and m.root_id = any ($1) and k.state in ('fresh', 'stale')
"""


async def read_external(connection: Connection, roots: list[UUID], reads: Collection[str]) -> dict[UUID, Facts]:
    """What other systems said of these customers, of those that are read."""
    sources = [field.removeprefix(EXTERNAL) for field in reads if field.startswith(EXTERNAL)]
    said: dict[UUID, dict[str, Fact]] = {}
    for row in await connection.fetch(SAID, roots, sources) if sources else ():
        said.setdefault(row["root_id"], {})[f"{EXTERNAL}{row['source_id']}"] = tuple(row["said"])
    return dict(said)


NAMED = """
select id::text as id, lower(name) as name from agent
 where active and role <> 'service' and (id = any ($1) or lower(name) = any (select lower(n) from unnest($2::text[]) n))
"""


async def name_agents(connection: Connection, facts: list[Facts], reads: Collection[str]) -> list[Facts]:
    """The same, with which agent each field names that is read as one: by id, or by a name that only one has."""
    fields = [field.removesuffix(AS_AGENT) for field in reads if field.endswith(AS_AGENT)]
    said = {str(value) for seen in facts for field in fields if (value := seen.get(field))}
    if not said:
        return facts
    ids = [found for text in said if (found := agent_id(text)) is not None]
    by_name: dict[str, list[str]] = {}
    for row in await connection.fetch(NAMED, ids, sorted(said)):
        by_name.setdefault(row["name"], []).append(row["id"])
        by_name.setdefault(row["id"], []).append(row["id"])
    return [{**seen, **_named(seen, fields, by_name)} for seen in facts]


def _named(seen: Facts, fields: list[str], by_name: dict[str, list[str]]) -> dict[str, Fact]:
    named: dict[str, Fact] = {}
    for field in fields:
        found = by_name.get(str(seen.get(field) or "").strip().lower(), [])
        if len(found) == 1:
            named[f"{field}{AS_AGENT}"] = found[0]
    return named
