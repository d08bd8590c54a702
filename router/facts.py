"""What rules look at, read for a batch of contacts: only what the rules in force do look at is asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

from router.pool_facts import name_agents, pool_of, read_external, read_pool
from router.rules.fields import CUSTOM, Fact, Facts
from store.pool import Connection

ProfileFacts = Callable[[Connection, UUID], Awaitable[Facts]]
"""Facts that a profile holds, of the customer of this root: what `OF_PROFILE` and custom fields name."""
OF_PROFILE: Final = frozenset(
    {"name", "location", "time_zone", "segments", "contacts_30_days", "open_tasks", "first_contact_at"}
)
_OF_PAST: Final = frozenset({"previous_contact_at", "last_agent", "last_agent_at"})

LONGEST_TEXT: Final = 2000
"""Characters of one message that rules look at: what they ask of a text takes time, and everybody waits for it."""
LONGEST_PREVIEW: Final = 160

# Of merged customers: what only one of them has holds for all; tags are joined, unless edited since the last merge.
CLAIM_UNROUTED = f"""
with c as (
    select c.id, c.state, c.queue_id, c.priority, c.account_id, c.channel, c.class, c.customer_id, c.conversation_id,
           c.preview, c.preview_at, c.preview_direction, c.arrived_at, c.decision_id, c.handed, c.handle_id, c.messages
      from contact c
     where c.unrouted and c.state in ('new', 'queued') and ($2::uuid is null or c.id = $2)
     order by c.arrived_at, c.id limit $1 for no key update skip locked)
select c.*, coalesce((select k.queue_id from call k where k.contact_id = c.id and c.class = 'voice'),
                     a.queue_id) as default_queue, known.tags, known.plan, known.language, known.company, known.known,
       (select k.chosen from call k where k.contact_id = c.id) as menu, m.root_id, m.xmin as customer_written,
       coalesce(r.shown_name, r.name) as customer_name, h.value as handle,
       d.rule as decided_rule, d.queue_id as decided_queue, d.priority as decided_priority,
       d.chosen::text as decided_chosen, said.text, said.entries,
       (select e.id
          from customer l cross join lateral (
               select e.id, e.at from entry e
                where e.customer_id = l.id and e.at > c.preview_at - interval '1 minute'
                  and e.direction = c.preview_direction and left(e.body, {LONGEST_PREVIEW}) = c.preview
                order by e.at desc, e.id desc limit 1) e
         where l.root_id = m.root_id order by e.at desc, e.id desc limit 1) as shown_entry,
       clock_timestamp() as now
  from c join account a on a.id = c.account_id
         join customer m on m.id = c.customer_id join customer r on r.id = m.root_id join handle h on h.id = c.handle_id
         left join decision d on d.id = c.decision_id
         cross join lateral (
         select coalesce(array_agg(distinct g.tag) filter (where g.tag is not null), '{{}}') as tags,
                coalesce(r.plan, min(l.plan)) as plan, coalesce(r.language, min(l.language)) as language,
                coalesce(r.company, min(l.company)) as company,
                coalesce(r.shown_name, r.name, min(l.name)) is not null as known
           from customer l left join lateral unnest(l.tags) g(tag) on l.id = r.id or not coalesce(
                (r.facts -> 'tags' ->> 'at')::timestamptz > (
                    select max(j.at) from merge j where j.survivor_id = r.id and j.undone_at is null), false)
          where l.root_id = r.id) known
         cross join lateral (
         select string_agg(e.body, E'\\n' order by e.at) as text, array_agg(e.id order by e.at) as entries
           from (select e.id, e.at, e.body from customer l cross join lateral (
                        select e.id, e.at, left(e.body, {LONGEST_TEXT}) as body from entry e
                         where e.customer_id = l.id and e.at >= c.arrived_at and e.kind = 'message'
                           and e.direction = 'in'
                         order by e.at desc limit 20) e
                  where l.root_id = r.id order by e.at desc limit 20) e) said
 order by c.arrived_at, c.id
"""  # noqa: S608  # put together from constants


async def claim_unrouted(connection: Connection, limit: int, only: UUID | None = None) -> list[Any]:
    """Rows of contacts that wait for the rules, oldest first, locked; what another process has locked is left out."""
    return await connection.fetch(CLAIM_UNROUTED, limit, only)


# The last two hundred entries of each leaf: who answered before that is nobody's last agent.
PAST = """
select c.id, p.at as previous_contact_at, w.author_id, w.at as answered_at
  from contact c join customer m on m.id = c.customer_id
       cross join lateral (
       select max(p.arrived_at) as at from customer l join contact p on p.customer_id = l.id
        where l.root_id = m.root_id and p.id <> c.id and p.arrived_at < c.arrived_at) p
       left join lateral (
       select e.author_id, e.at from customer l cross join lateral (
              select e.author_id, e.at, e.kind from entry e where e.customer_id = l.id order by e.at desc limit 200) e
        where l.root_id = m.root_id and e.author_id is not null and e.kind in ('message', 'call')
        order by e.at desc limit 1) w on true
 where c.id = any ($1)
"""


async def read_facts(
    connection: Connection, rows: list[Any], reads: frozenset[str], profile_of: ProfileFacts
) -> list[Facts]:
    """The facts of each row, in order, no others than those that are read."""
    pool = await read_pool(connection, reads)
    external = await read_external(connection, [row["root_id"] for row in rows], reads)
    past: dict[UUID, Any] = {}
    if reads & _OF_PAST:
        past = {row["id"]: row for row in await connection.fetch(PAST, [row["id"] for row in rows])}
    of_profile = bool(reads & OF_PROFILE) or any(field.startswith(CUSTOM) for field in reads)
    facts: list[Facts] = []
    for row in rows:
        known = _of_row(row)
        if row["id"] in past:
            known |= _of_past(past[row["id"]])
        if of_profile:
            known |= await profile_of(connection, row["root_id"])
        if pool:
            known |= pool_of(pool, row)
        known |= external.get(row["root_id"], {})
        facts.append({field: value for field, value in known.items() if field in reads})
    return await name_agents(connection, facts, reads)


def _of_row(row: Any) -> dict[str, Fact]:
    return {
        "account": row["account_id"],
        "channel": row["channel"],
        "class": row["class"],
        "text": row["text"] or row["preview"],
        "preview": row["preview"],
        "menu": tuple(row["menu"] or ()),
        "known": row["known"],
        "company": row["company"],
        "language": row["language"],
        "plan": row["plan"],
        "tags": tuple(row["tags"]),
        "now": row["now"],
    }


def _of_past(row: Any) -> dict[str, Fact]:
    return {
        "previous_contact_at": row["previous_contact_at"],
        "last_agent": str(row["author_id"]) if row["author_id"] else None,
        "last_agent_at": row["answered_at"],
    }
