"""The offers of a contact, each with every agent as of its moment, from what the database kept. Reading only.

What an agent was like: the last row of `agent_history` before. What they had: offers not ended by then. Since when they
were idle: since that row, or since the last contact that came or went after it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from model.agent import WorkClass
from router.claims import CLASSES
from router.explaining import AsOf, ExplainedOffer, explain
from router.rank import FreeAgent, Room, Waiting
from router.skills import SkillLevel
from store.pool import Connection

MOST = 50
"""Offers told of one decision: the oldest."""

OFFERS = """
select o.id, o.contact_id, o.agent_id, o.state, o.seat, o.seats, o.class, o.weight, o.created_at, o.need_id,
       o.order_key, o.prefer_id, o.declined_by, o.selection, o.interruptible, o.round_at, n.queue_id, n.skills,
       n.levels, n.prefers, n.prefer_levels
  from offer o left join need n on n.id = o.need_id
 where o.contact_id = $1 and o.created_at >= $2
   and o.created_at <= (select case when c.state in ('abandoned', 'closed') then c.state_at else 'infinity' end
                          from contact c where c.id = $1)
 order by o.created_at, o.id limit $3
"""


async def fetch_explained_offers(connection: Connection, contact: UUID, since: datetime) -> tuple[ExplainedOffer, ...]:
    """The contact's offers since then, the oldest first, with every agent and the reason for or against them."""
    rows = await connection.fetch(OFFERS, contact, since, MOST)
    return tuple([await _asked(connection, row, rows) for row in rows])


async def _asked(connection: Connection, row: Any, rows: Iterable[Any]) -> ExplainedOffer:
    kept = row["need_id"] is not None and row["round_at"] is not None
    agents = await _agents(connection, row) if kept else []
    too = frozenset(each["agent_id"] for each in rows if each["round_at"] == row["round_at"]) - {row["agent_id"]}
    candidates = explain(_waiting(row), row["agent_id"], agents, too) if kept else ()
    return ExplainedOffer(row["id"], row["agent_id"], row["created_at"], row["state"], candidates)


def _waiting(row: Any) -> Waiting:
    """The contact as `rank` saw it. What only one agent by name may have requires a skill without a level."""
    return Waiting(
        *(row["contact_id"], row["need_id"], row["class"], row["weight"], row["order_key"] or 0),
        declined_by=frozenset(row["declined_by"] or ()),
        preferred=row["prefer_id"],
        queue=row["queue_id"],
        skills=tuple(map(SkillLevel, row["skills"], row["levels"])),
        prefers=tuple(map(SkillLevel, row["prefers"], row["prefer_levels"])),
        selection=row["selection"],
        interruptible=row["interruptible"],
        seats=row["seats"],
    )


AGENTS = """
select a.name, h.* from agent a cross join lateral (
       select * from agent_history h where h.agent_id = a.id and h.at <= $1 order by h.at desc, h.id desc limit 1) h
 where h.active
"""
# $1: the moment; $2: the round, of which only what came before this contact counts, in the order in which `rank` pairs.
HAD = """
with o as (
    select * from offer where created_at > $1::timestamptz - interval '24 hours'
                          and created_at < $1::timestamptz + interval '10 seconds'
    union all
    select * from offer where released_at - created_at > interval '24 hours'
                          and released_at > $1::timestamptz - interval '24 hours'
                          and created_at <= $1::timestamptz - interval '24 hours'
    union all
    select * from offer where state = 'accepted' and released_at is null
                          and created_at <= $1::timestamptz - interval '24 hours')
select o.agent_id, o.contact_id, o.class, o.weight, coalesce(o.interruptible, false) as interruptible, n.queue_id,
       o.need_id, o.created_at, o.round_at is not distinct from $2 as in_round,
       case when o.state = 'accepted' then o.released_at end as released_at,
       coalesce(case when o.state = 'accepted' then o.released_at else o.ended_at end, 'infinity') > $1 as live
  from o left join need n on n.id = o.need_id
 where o.id <> $3
   and case when o.round_at = $2
            then (o.seat > 0, coalesce(o.order_key, 0), o.contact_id, o.seat)
                 < ($4::smallint > 0, $5::bigint, $6::uuid, $4)
            else o.created_at <= $1 end
 order by o.seat > 0, o.order_key, o.contact_id, o.seat
"""
TURNS = """
select distinct on (o.agent_id) o.agent_id, o.created_at from offer o join need n on n.id = o.need_id
 where o.selection = 'round_robin' and n.queue_id = $1 and o.created_at <= $2 and o.round_at <> $3
 order by o.agent_id, o.created_at desc
"""


async def _agents(connection: Connection, row: Any) -> list[AsOf]:
    """Every agent who worked here as of the offer."""
    at, of = row["created_at"], row["round_at"]
    place = (row["id"], row["seat"], row["order_key"] or 0, row["contact_id"])
    had: defaultdict[UUID, list[Any]] = defaultdict(list)
    for each in await connection.fetch(HAD, at, of, *place):
        had[each["agent_id"]].append(each)
    turns: dict[UUID, datetime] = {}
    if row["selection"] == "round_robin":
        turns = {
            each["agent_id"]: each["created_at"] for each in await connection.fetch(TURNS, row["queue_id"], at, of)
        }
    return [_as_of(each, had[each["agent_id"]], row, turns) for each in await connection.fetch(AGENTS, at)]


def _as_of(row: Any, had: list[Any], offer: Any, turns: dict[UUID, datetime]) -> AsOf:
    before = [each for each in had if not each["in_round"]]
    live = [each for each in before if each["live"]]
    slots: dict[WorkClass, int] = {each: row[f"cap_{each}"] for each in CLASSES}
    free = {each: max(slots[each] - sum(o["weight"] for o in live if o["class"] == each), 0) for each in CLASSES}
    total = row["cap_total"]
    if total is not None:
        total -= sum(each["weight"] for each in live if not each["interruptible"])
    limits = dict(zip(row["queues"], row["most"], strict=True))
    left = {
        queue: most - sum(each["queue_id"] == queue for each in live)
        for queue, most in limits.items()
        if most is not None
    }
    moments = [moment for each in before for moment in (each["created_at"], each["released_at"]) if moment is not None]
    nobody = len(offer["levels"]) < len(offer["skills"])
    agent = FreeAgent(
        row["agent_id"],
        max([row["idle_since"], *(moment for moment in moments if moment <= offer["created_at"])]),
        Room(free, total, left),
        needs=frozenset() if nobody else None,
        queues={queue: turns.get(row["agent_id"]) if queue == offer["queue_id"] else None for queue in limits},
        skills=dict(zip(row["skills"], row["levels"], strict=True)),
        slots=slots,
        presence=row["presence"],
        connected=row["connected"],
    )
    given = tuple(_given(each) for each in had if each["in_round"])
    return AsOf(agent, row["name"], given, row["reason"])


def _given(row: Any) -> Waiting:
    """What the same round had given them before: what it takes of their room, and of which queue it was."""
    return Waiting(
        *(row["contact_id"], row["need_id"] or 0, row["class"], row["weight"], 0),
        queue=row["queue_id"] or "",
        interruptible=row["interruptible"],
    )
