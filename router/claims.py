"""What a round of dispatch works on: needs, free agents and waiting contacts, claimed past what others have locked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args
from uuid import UUID

from msgspec import Struct

from model.agent import WorkClass
from router.rank import FreeAgent, Room, Waiting, short_of
from router.skills import SkillLevel
from store.pool import Connection

CLASSES: tuple[WorkClass, ...] = get_args(WorkClass)
SPECIAL_BATCH = 200


class OpenNeed(Struct, frozen=True):
    """A need that contacts wait with. `model`: a contact of it, without what is its own.

    `outright`: they are given without an offer.
    """

    model: Waiting
    outright: bool
    anybody: bool = True
    """Some of what waits is for whoever serves the need, not for one agent alone."""

    @property
    def looks_closer(self) -> bool:
        """Whether choosing among agents takes more than who they are and how long they are idle."""
        return bool(self.model.prefers) or self.model.selection == "round_robin"

    def contact(
        self, row: Any, *, declined_by: frozenset[UUID] = frozenset(), preferred: UUID | None = None
    ) -> Waiting:
        """This contact."""
        of = self.model
        return Waiting(
            *(row["id"], of.need, of.work_class, of.weight, row["order_key"] or 0, declined_by, preferred),
            *(of.queue, of.skills, of.prefers, of.selection, of.interruptible, 1 if preferred else of.seats),
        )


OpenNeeds = Mapping[int, OpenNeed]

WAITING = """
with w as materialized (
    select n.id, true as anybody from need n cross join lateral (
           select from contact c
            where c.need_id = n.id and c.state = 'queued' and c.prefer_agent_id is null and c.declined_until is null
            order by c.order_key, c.id limit 1) c
    union all
    select c.need_id, c.prefer_agent_id is null or c.prefer_until <= clock_timestamp() or exists (
           select from agent_state s
            where s.agent_id = c.prefer_agent_id and (s.presence = 'offline' or c.prefer_by_rule and not s.routable))
      from contact c
     where c.state = 'queued' and (c.prefer_agent_id is not null or c.declined_until is not null)),
x as (select id, bool_or(anybody) as anybody from w group by id)
select n.id, n.queue_id, n.class, n.weight, n.prefers, n.prefer_levels, q.selection, q.interruptible, q.offer_to,
       q.auto_accept, x.anybody,
       exists (select from contact c where c.state = 'queued' and c.step_at <= clock_timestamp()) as steps_due,
       exists (select from contact c where c.state = 'queued' and (
               c.prefer_agent_id is not null or c.declined_until is not null)) as special
  from x join need n on n.id = x.id join queue q on q.id = n.queue_id
"""


class Lane(Struct, frozen=True):
    """What waits: the needs; whether a step of some plan is due; whether anything has to be judged alone."""

    needs: OpenNeeds
    steps_due: bool
    special: bool


async def fetch_waiting(connection: Connection) -> Lane:
    """What contacts wait with."""
    rows = await connection.fetch(WAITING)
    needs = {row["id"]: _open_need(row) for row in rows}
    return Lane(needs, any(row["steps_due"] for row in rows), any(row["special"] for row in rows))


def _open_need(row: Any) -> OpenNeed:
    prefers = tuple(map(SkillLevel, row["prefers"], row["prefer_levels"]))
    outright = row["auto_accept"] and row["class"] != "voice"  # a line rings: a call is taken by hand
    model = Waiting(
        UUID(int=0),
        *(row["id"], row["class"], row["weight"], 0),
        queue=row["queue_id"],
        prefers=prefers,
        selection=row["selection"],
        interruptible=row["interruptible"],
        seats=1 if outright else row["offer_to"],
    )
    return OpenNeed(model, outright, row["anybody"])


AGENT = """
select s.agent_id, s.idle_since, s.needs, s.cap_voice, s.used_voice, s.cap_messaging, s.used_messaging, s.cap_mail,
       s.used_mail, s.cap_voicemail, s.used_voicemail, s.limited
  from agent_state s
 where s.routable
   and (s.used_voice < s.cap_voice or s.used_messaging < s.cap_messaging or s.used_mail < s.cap_mail
        or s.used_voicemail < s.cap_voicemail)
"""
# Only agents whom something that waits could go to: the rest would hide them behind the limit. $6: whether it takes a
# closer look, for some of what waits needs more than one slot; agents with limits get one in any case.
CLAIM_AGENTS = f"""{AGENT}   and (s.used_voice < s.cap_voice and s.needs && $2::int[]
        or s.used_messaging < s.cap_messaging and s.needs && $3::int[]
        or s.used_mail < s.cap_mail and s.needs && $4::int[]
        or s.used_voicemail < s.cap_voicemail and s.needs && $5::int[])
   and (not $6::boolean and not s.limited
        or exists (
           select from need n join queue q on q.id = n.queue_id
                  left join agent_queue a on a.queue_id = n.queue_id and a.agent_id = s.agent_id
            where n.id = any ($2::int[] || $3::int[] || $4::int[] || $5::int[]) and n.id = any (s.needs)
              and n.weight <= case n.class when 'voice' then s.cap_voice - s.used_voice
                                           when 'messaging' then s.cap_messaging - s.used_messaging
                                           when 'mail' then s.cap_mail - s.used_mail
                                           else s.cap_voicemail - s.used_voicemail end
              and case when s.cap_total is null or q.interruptible then true
                       else live_weight(s.agent_id) + n.weight <= s.cap_total end
              and case when a.most is null then true else live_of_queue(s.agent_id, n.queue_id) < a.most end))
 order by s.idle_since limit $1 for no key update of s skip locked
"""
# Whom contacts wait for by name: however many others are free, and idle longer.
CLAIM_PREFERRED = f"""{AGENT}
   and s.agent_id <> all ($2::uuid[])
   and s.agent_id in (
       select c.prefer_agent_id from contact c where c.state = 'queued' and c.prefer_agent_id is not null)
 order by s.idle_since limit $1 for no key update of s skip locked
"""  # noqa: S608  # put together from constants
# Read when their rows are locked: what they have at once cannot rise any more.
CLOSER = """
select s.agent_id, case when s.cap_total is not null then s.cap_total - live_weight(s.agent_id) end as total,
       q.queues, q.given, q.room, k.skills, k.levels
  from agent_state s
 cross join lateral (
       select array_agg(a.queue_id) as queues, array_agg(a.given_at) as given,
              array_agg(case when a.most is not null then a.most - live_of_queue(a.agent_id, a.queue_id) end) as room
         from agent_queue a where a.agent_id = s.agent_id) q
 cross join lateral (
       select array_agg(k.skill_id) as skills, array_agg(k.level) as levels
         from agent_skill k where k.agent_id = s.agent_id) k
 where s.agent_id = any ($1)
"""


class Claimed(Struct, frozen=True):
    """Free agents, locked, longest idle first. `limited`: some have limits beyond those of a class."""

    agents: Sequence[FreeAgent]
    limited: bool


async def claim_agents(connection: Connection, lane: Lane, most: int) -> Claimed:
    """Agents with a free slot for something that waits."""
    needs = lane.needs
    of_class = [
        [id_ for id_, need in needs.items() if need.anybody and need.model.work_class == each] for each in CLASSES
    ]
    heavy = any(need.model.weight > 1 for need in needs.values())
    rows = await connection.fetch(CLAIM_AGENTS, most, *of_class, heavy)
    if lane.special:
        rows += await connection.fetch(CLAIM_PREFERRED, SPECIAL_BATCH, [row["agent_id"] for row in rows])
    limited = any(row["limited"] for row in rows)
    closer: dict[UUID, Any] = {}
    if rows and (limited or any(need.looks_closer for need in needs.values())):
        found = await connection.fetch(CLOSER, [row["agent_id"] for row in rows])
        closer = {row["agent_id"]: row for row in found}
    return Claimed([_free_agent(row, closer.get(row["agent_id"])) for row in rows], limited)


def _free_agent(row: Any, closer: Any | None) -> FreeAgent:
    slots: dict[WorkClass, int] = {each: row[f"cap_{each}"] for each in CLASSES}
    free: dict[WorkClass, int] = {each: max(slots[each] - row[f"used_{each}"], 0) for each in CLASSES}
    needs = frozenset(row["needs"])
    if closer is None:
        return FreeAgent(row["agent_id"], row["idle_since"], Room(free), needs, slots=slots)
    queues = closer["queues"] or ()
    left = {queue: room for queue, room in zip(queues, closer["room"] or (), strict=True) if room is not None}
    return FreeAgent(
        *(row["agent_id"], row["idle_since"], Room(free, closer["total"], left), needs),
        queues=dict(zip(queues, closer["given"] or (), strict=True)),
        skills=dict(zip(closer["skills"] or (), closer["levels"] or (), strict=True)),
        slots=slots,
    )


# $2 to $5: agents with room for each class; $6: needs that somebody has room for.
CLAIM_SPECIAL = """
with c as (
    select c.* from contact c
     where c.state = 'queued' and c.need_id is not null
       and (c.prefer_agent_id is not null or c.declined_until is not null)
       and case when c.prefer_agent_id is null then c.declined_until is not null and c.need_id = any ($6::int[])
                else c.prefer_agent_id = any (case c.class when 'voice' then $2::uuid[] when 'messaging' then $3::uuid[]
                                                           when 'mail' then $4::uuid[] else $5::uuid[] end)
                     or c.prefer_until <= clock_timestamp()
                     or exists (select from agent_state s
                                 where s.agent_id = c.prefer_agent_id
                                   and (s.presence = 'offline' or c.prefer_by_rule and not s.routable)) end
     order by c.order_key, c.id limit $1 for no key update skip locked)
select c.id, c.need_id, c.class, c.order_key, c.declined_by, c.prefer_agent_id, c.prefer_by_rule, c.then_agent_id,
       c.prefer_until > clock_timestamp() and exists (
           select from agent_state s
            where s.agent_id = c.prefer_agent_id
              and case when c.prefer_by_rule then s.routable else s.presence <> 'offline' end) as wait_for_owner,
       c.declined_until > clock_timestamp() and not (
           exists (select from agent_state s
                    where s.routable and c.need_id = any (s.needs) and s.agent_id = any (c.declined_by)
                      and cardinality(c.declined_by) > 1)
           and not exists (
               select from agent_state s
                where s.routable and c.need_id = any (s.needs) and s.agent_id <> all (c.declined_by))) as exclude
  from c
"""


async def claim_special(connection: Connection, agents: Sequence[FreeAgent], served: Sequence[int]) -> list[Any]:
    """Contacts with a preferred agent or a fresh decline whom these agents could take, or who are plain by now."""
    with_room = [[agent.id for agent in agents if agent.room.free[each] > 0] for each in CLASSES]
    return await connection.fetch(CLAIM_SPECIAL, SPECIAL_BATCH, *with_room, served)


# The oldest of these needs, as many as are wanted, past those that others have locked: since these may be as many for
# each of them, more are looked at than wanted.
CLAIM_HEADS = """
select c.id, c.need_id, c.order_key
  from (select h.id, h.need_id, h.order_key from unnest($1::int[]) w(need) cross join lateral (
               select c.id, c.need_id, c.order_key from contact c
                where c.need_id = w.need and c.state = 'queued'
                  and c.prefer_agent_id is null and c.declined_until is null
                order by c.order_key, c.id limit $2) h
         order by h.order_key, h.id limit $2) h
       join contact c on c.id = h.id
 where c.state = 'queued' and c.need_id = h.need_id and c.prefer_agent_id is null and c.declined_until is null
 order by h.order_key, h.id limit $3 for no key update of c skip locked
"""


async def claim_heads(
    connection: Connection, needs: OpenNeeds, served: Sequence[int], wanted: int, batch: int
) -> list[Waiting]:
    """The oldest contacts that these needs wait with."""
    rows = await connection.fetch(CLAIM_HEADS, served, wanted + 2 * batch, wanted)
    return [needs[row["need_id"]].contact(row) for row in rows]


def servable(needs: OpenNeeds, agents: Iterable[FreeAgent]) -> list[int]:
    """Those of these needs that one of the agents serves and has room for."""
    agents = list(agents)
    return sorted(
        id_
        for id_, need in needs.items()
        if any(agent.needs and id_ in agent.needs and short_of(need.model, agent.room) is None for agent in agents)
    )
