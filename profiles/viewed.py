"""Which customers an agent looked at last."""

from __future__ import annotations

from uuid import UUID

from model.customer import CustomerSummary
from store.pool import Connection

KEPT = 50

# Beyond 50 they are forgotten: what somebody looked at is nobody's history.
MARK_VIEWED = f"""
with w as (
    insert into viewed (agent_id, customer_id) select $1, c.root_id from customer c where c.id = $2
    on conflict (agent_id, customer_id) do update set at = clock_timestamp() returning agent_id, customer_id)
delete from viewed v using w
 where v.agent_id = w.agent_id
   and v.customer_id in (select o.customer_id from viewed o
                          where o.agent_id = w.agent_id and o.customer_id <> w.customer_id
                          order by o.at desc offset {KEPT - 1})
"""  # noqa: S608  # put together from constants


async def mark_viewed(connection: Connection, agent: UUID, customer: UUID) -> None:
    """The agent looks at this customer now; harmless when there is none of this id."""
    await connection.execute(MARK_VIEWED, agent, customer)


RECENT = """
with v as (
    select c.root_id as id, max(v.at) as at from viewed v join customer c on c.id = v.customer_id
     where v.agent_id = $1 group by c.root_id order by 2 desc limit $2)
select r.id, coalesce(r.shown_name, r.name) as name, r.company, r.plan, r.tags,
       array(select h.value from customer m join handle h on h.customer_id = m.id
              where m.root_id = r.id order by h.main desc, h.created_at, h.id limit 10) as handles
  from v join customer r on r.id = v.id
 order by v.at desc
"""


async def fetch_recent(connection: Connection, agent: UUID, limit: int = 20) -> tuple[CustomerSummary, ...]:
    """The customers an agent looked at, the last one first; merged ones once, as the profile they are part of."""
    return tuple(
        CustomerSummary(row["id"], row["name"], row["company"], row["plan"], tuple(row["tags"]), tuple(row["handles"]))
        for row in await connection.fetch(RECENT, agent, limit)
    )
