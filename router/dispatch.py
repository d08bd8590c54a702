"""Hold waiting contacts out to free agents. Any number of processes at once: every claim skips what another has locked.

First the special lane (a preferred agent, a recent decline), each contact judged alone; then the heads of every need
that some free agent serves, so that a contact nobody can take never blocks those behind it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args
from uuid import UUID

from msgspec import Struct

from model.agent import WorkClass
from model.event import FeedId
from router.rank import FreeAgent, Pair, Waiting, rank
from store.feeds import Transaction
from store.ids import new_id

BATCH = 50
SPECIAL_BATCH = 200
CLASSES: tuple[WorkClass, ...] = get_args(WorkClass)


class Dispatched(Struct, frozen=True):
    """What one round did: offers made, and pairs to be assigned outright, each in its own transaction."""

    offered: int
    outright: tuple[Pair, ...]


WAITING = """
select n.id, n.class from need n
 where exists (select from contact c where c.need_id = n.id and c.state = 'queued'
                                       and c.prefer_agent_id is null and c.declined_until is null)
    or exists (select from contact c where c.need_id = n.id and c.state = 'queued'
                                       and (c.prefer_agent_id is not null or c.declined_until is not null))
"""
OWNERS = "select distinct prefer_agent_id from contact where state = 'queued' and prefer_agent_id is not null"
# Only agents whom something that waits could go to: the rest would hide them behind the limit.
CLAIM_AGENTS = """
select agent_id, idle_since, needs, cap_voice - used_voice as voice, cap_messaging - used_messaging as messaging,
       cap_mail - used_mail as mail, cap_voicemail - used_voicemail as voicemail
  from agent_state
 where routable
   and (used_voice < cap_voice and (needs && $2::int[] or agent_id = any ($6::uuid[]))
        or used_messaging < cap_messaging and (needs && $3::int[] or agent_id = any ($6::uuid[]))
        or used_mail < cap_mail and (needs && $4::int[] or agent_id = any ($6::uuid[]))
        or used_voicemail < cap_voicemail and (needs && $5::int[] or agent_id = any ($6::uuid[])))
 order by idle_since limit $1 for no key update skip locked
"""
CLAIM_SPECIAL = """
with c as (
    select c.* from contact c
     where c.state = 'queued' and c.need_id is not null
       and case when c.prefer_agent_id is null then c.declined_until is not null and c.need_id = any ($3::int[])
                else c.prefer_agent_id = any ($2::uuid[]) or c.prefer_until <= clock_timestamp()
                     or exists (select from agent_state s
                                 where s.agent_id = c.prefer_agent_id and s.presence = 'offline') end
     order by c.order_key, c.id limit $1 for no key update skip locked)
select c.id, c.need_id, c.class, n.weight, c.order_key, c.declined_by, c.prefer_agent_id, c.then_agent_id,
       q.auto_accept,
       c.prefer_until > clock_timestamp() and exists (
           select from agent_state s
            where s.agent_id = c.prefer_agent_id and s.presence <> 'offline') as wait_for_owner,
       c.declined_until > clock_timestamp() and not (
           exists (select from agent_state s
                    where s.routable and c.need_id = any (s.needs) and s.agent_id = any (c.declined_by)
                      and cardinality(c.declined_by) > 1)
           and not exists (
               select from agent_state s
                where s.routable and c.need_id = any (s.needs) and s.agent_id <> all (c.declined_by))) as exclude
  from c join need n on n.id = c.need_id join queue q on q.id = c.queue_id
"""
PLAIN_AGAIN = """
update contact
   set prefer_agent_id = case when id = any ($1) then then_agent_id else prefer_agent_id end,
       prefer_until = case when id = any ($1) then case when then_agent_id is not null
                                                        then clock_timestamp() + interval '20 seconds' end
                           else prefer_until end,
       then_agent_id = case when id = any ($1) then null else then_agent_id end,
       declined_by = case when id = any ($2) then '{}' else declined_by end,
       declined_until = case when id = any ($2) then null else declined_until end
 where id = any ($1::uuid[] || $2::uuid[])
"""
CLAIM_HEADS = """
select c.id, c.need_id, c.class, w.weight, c.order_key, w.auto_accept
  from (select n.id, n.weight, q.auto_accept from need n join queue q on q.id = n.queue_id where n.id = any ($1)) w
 cross join lateral (
    select c.id, c.need_id, c.class, c.order_key from contact c
     where c.need_id = w.id and c.state = 'queued' and c.prefer_agent_id is null and c.declined_until is null
     order by c.order_key, c.id limit $2 for no key update skip locked) c
"""
OFFER = """
with i as (
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[])
           with ordinality i(contact, agent, offer, weight, o)),
c as (
    update contact c set state = 'offered', state_at = clock_timestamp()
      from i where c.id = i.contact and c.state = 'queued'
    returning c.id, c.fence, c.class, c.channel, c.account_id, c.queue_id, c.customer_id, c.handle_id, c.preview,
              c.messages, c.arrived_at, i.agent, i.offer, i.weight, i.o),
n as (
    select agent, count(*) as offers, coalesce(sum(weight) filter (where class = 'voice'), 0) as voice,
           coalesce(sum(weight) filter (where class = 'messaging'), 0) as messaging,
           coalesce(sum(weight) filter (where class = 'mail'), 0) as mail,
           coalesce(sum(weight) filter (where class = 'voicemail'), 0) as voicemail
      from c group by agent),
g as (
    update agent_state s
       set used_voice = s.used_voice + n.voice, used_messaging = s.used_messaging + n.messaging,
           used_mail = s.used_mail + n.mail, used_voicemail = s.used_voicemail + n.voicemail,
           seq = s.seq + n.offers, idle_since = clock_timestamp()
      from n
     where s.agent_id = n.agent and s.routable
       and (n.voice = 0 or s.used_voice + n.voice <= s.cap_voice)
       and (n.messaging = 0 or s.used_messaging + n.messaging <= s.cap_messaging)
       and (n.mail = 0 or s.used_mail + n.mail <= s.cap_mail)
       and (n.voicemail = 0 or s.used_voicemail + n.voicemail <= s.cap_voicemail)
    returning s.agent_id, s.seq - n.offers as first_seq, s.seq),
o as (
    insert into offer (id, contact_id, agent_id, fence, class, weight, created_at, expires_at)
    select c.offer, c.id, c.agent, c.fence, c.class, c.weight, clock_timestamp(),
           clock_timestamp() + q.offer_seconds * interval '1 second'
      from c join g on g.agent_id = c.agent join queue q on q.id = c.queue_id
    returning id, contact_id, agent_id, created_at, expires_at),
e as (
    insert into event (slot, kind, id, seq, at, body)
    select event_slot(now()), 3, o.agent_id,
           g.first_seq + row_number() over (partition by o.agent_id order by c.o), now(),
           json_build_object('kind', 'offer', 'offer', o.id, 'contact', c.id, 'customer', r.id,
               'customer_name', coalesce(r.shown_name, r.name), 'handle', h.value, 'channel', c.channel,
               'account', c.account_id, 'queue', q.name, 'preview', c.preview, 'messages', c.messages,
               'waiting_since', json_time(c.arrived_at), 'offered_at', json_time(o.created_at),
               'expires_at', json_time(o.expires_at))::text
      from o join c on c.id = o.contact_id join g on g.agent_id = o.agent_id join queue q on q.id = c.queue_id
             join customer m on m.id = c.customer_id join customer r on r.id = m.root_id
             join handle h on h.id = c.handle_id)
select (select count(*) from c) as claimed, (select count(*) from o) as offered,
       array(select g.agent_id from g) as agents, array(select g.seq from g) as seqs
"""


class CapacityMoved(RuntimeError):
    """A guard refused what the locks should have assured: the round rolls back and nothing was offered."""


async def dispatch(tx: Transaction, batch: int = BATCH) -> Dispatched:
    """One round: pair up to `batch` free agents with waiting contacts. Inside a transaction that holds no locks yet."""
    agents = await _claim_agents(tx, batch)
    if not agents:
        return Dispatched(0, ())
    served = _served(agents)
    special = await tx.connection.fetch(CLAIM_SPECIAL, SPECIAL_BATCH, [agent.id for agent in agents], served)
    contacts = [contact for row in special if (contact := _judge(row)) is not None]
    outright_ids = {row["id"] for row in special if _is_outright(row)}
    await _make_plain(tx, special)
    slots = sum(max(agent.free.values()) for agent in agents)
    heads = await tx.connection.fetch(CLAIM_HEADS, served, min(batch, max(slots, 1)))
    contacts += [_waiting(row) for row in heads]
    outright_ids |= {row["id"] for row in heads if row["auto_accept"] and row["class"] != "voice"}
    pairs = rank(contacts, agents)
    outright = tuple(pair for pair in pairs if pair.contact.id in outright_ids)
    offers = [pair for pair in pairs if pair.contact.id not in outright_ids]
    return Dispatched(await _offer(tx, offers), outright)


def _is_outright(row: Any) -> bool:
    """A call is always taken by hand, for a line rings; and so is what somebody hands on: it may be declined."""
    if row["class"] == "voice" or row["then_agent_id"]:
        return False
    return bool(row["auto_accept"] or (row["prefer_agent_id"] and row["wait_for_owner"]))


async def _claim_agents(tx: Transaction, batch: int) -> list[FreeAgent]:
    """Agents with a free slot for something that waits, longest idle first; locked."""
    waiting = await tx.connection.fetch(WAITING)
    if not waiting:
        return []
    needs = [[row["id"] for row in waiting if row["class"] == work_class] for work_class in CLASSES]
    owners = [row["prefer_agent_id"] for row in await tx.connection.fetch(OWNERS)]
    return [_free_agent(row) for row in await tx.connection.fetch(CLAIM_AGENTS, batch, *needs, owners)]


def _free_agent(row: Any) -> FreeAgent:
    free = {work_class: max(row[work_class], 0) for work_class in CLASSES}
    return FreeAgent(row["agent_id"], row["idle_since"], frozenset(row["needs"]), free)


def _waiting(row: Any) -> Waiting:
    return Waiting(row["id"], row["need_id"], row["class"], row["weight"], row["order_key"] or 0)


def _judge(row: Any) -> Waiting | None:
    """A contact of the special lane as rank shall see it: for its owner alone, or for all but those who declined.

    None where neither holds any more: it is made plain, and found again among the heads.
    """
    if not row["wait_for_owner"] and not row["exclude"]:
        return None
    return Waiting(
        row["id"],
        row["need_id"],
        row["class"],
        row["weight"],
        row["order_key"] or 0,
        frozenset(row["declined_by"]) if row["exclude"] else frozenset(),
        row["prefer_agent_id"] if row["wait_for_owner"] else None,
    )


async def _make_plain(tx: Transaction, special: Iterable[Any]) -> None:
    """Contacts whose preference or exclusion is over go back to the general lane."""
    unpreferred = [row["id"] for row in special if row["prefer_agent_id"] and not row["wait_for_owner"]]
    forgiven = [row["id"] for row in special if row["declined_by"] and not row["exclude"]]
    if unpreferred or forgiven:
        await tx.connection.execute(PLAIN_AGAIN, unpreferred, forgiven)


def _served(agents: Iterable[FreeAgent]) -> list[int]:
    return sorted({need for agent in agents for need in agent.needs})


async def _offer(tx: Transaction, pairs: list[Pair]) -> int:
    if not pairs:
        return 0
    row = await tx.connection.fetchrow(
        OFFER,
        [pair.contact.id for pair in pairs],
        [pair.agent for pair in pairs],
        [new_id() for _ in pairs],
        [pair.contact.weight for pair in pairs],
    )
    if row is None or row["claimed"] != len(pairs) or row["offered"] != len(pairs):
        raise CapacityMoved("a claimed contact or agent changed under its lock")
    for agent, seq in zip(row["agents"], row["seqs"], strict=True):
        tx.written[FeedId("agent", UUID(int=agent.int))] = seq
    return len(pairs)
