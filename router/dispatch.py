"""Hold waiting contacts out to free agents. Any number of processes at once: every claim skips what another has locked.

First the special lane (a preferred agent, a recent decline), each contact judged alone; then the heads of every need
that some free agent serves, so that a contact nobody can take never blocks those behind it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from model.event import FeedId
from router.claims import (
    OpenNeeds,
    claim_agents,
    claim_heads,
    claim_special,
    fetch_waiting,
    servable,
)
from router.rank import Pair, Waiting, rank
from store.feeds import Transaction
from store.ids import new_id

BATCH = 50


class Dispatched(Struct, frozen=True):
    """What one round did: offers made, and pairs to be assigned outright, each in its own transaction.

    `steps_due`: nothing, for the plan of some contact that waits has a step to take first. `goes_back`: a contact waits
    for another agent by now, whom the next round asks.
    """

    offered: int
    outright: tuple[Pair, ...]
    steps_due: bool = False
    goes_back: bool = False


PLAIN_AGAIN = """
update contact
   set prefer_agent_id = case when id = any ($1) then then_agent_id else prefer_agent_id end,
       prefer_until = case when id = any ($1) then case when then_agent_id is not null
                                                        then clock_timestamp() + interval '20 seconds' end
                           else prefer_until end,
       then_agent_id = case when id = any ($1) then null else then_agent_id end,
       prefer_by_rule = prefer_by_rule and id <> all ($1),
       declined_by = case when id = any ($2) then '{}' else declined_by end,
       declined_until = case when id = any ($2) then null else declined_until end
 where id = any ($1::uuid[] || $2::uuid[])
"""
# What an agent is told of an offer `o` of a contact `c` in the queue `q`: the root customer `r`, their handle `h`.
OFFER_CARD = """
    json_build_object('kind', 'offer', 'offer', o.id, 'contact', c.id, 'customer', r.id,
        'customer_name', coalesce(r.shown_name, r.name), 'handle', h.value, 'channel', c.channel,
        'account', c.account_id, 'queue', q.name, 'preview', c.preview, 'messages', c.messages,
        'waiting_since', json_time(c.arrived_at), 'offered_at', json_time(o.created_at),
        'expires_at', json_time(o.expires_at),
        'handed_by', (select b.name from agent b where b.id = c.handed_by), 'note', c.handed_note)::text
"""
# Who is locked since they were claimed is locked until COMMIT, so that what is counted here cannot rise. $8: some have
# limits beyond those of a class.
OFFER = f"""
with i as (
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::int[], $6::int[], $7::boolean[])
           with ordinality i(contact, agent, offer, weight, seat, seats, counts, o)),
u as (
    update contact c set state = 'offered', state_at = clock_timestamp()
     where c.id = any ($1::uuid[]) and c.state = 'queued'
    returning c.id, c.fence, c.class, c.channel, c.account_id, c.queue_id, c.customer_id, c.handle_id, c.preview,
              c.messages, c.arrived_at, c.handed_by, c.handed_note),
c as (select u.*, i.agent, i.offer, i.weight, i.seat, i.seats, i.counts, i.o from u join i on i.contact = u.id),
n as (
    select agent, count(*) as offers, coalesce(sum(weight) filter (where class = 'voice'), 0) as voice,
           coalesce(sum(weight) filter (where class = 'messaging'), 0) as messaging,
           coalesce(sum(weight) filter (where class = 'mail'), 0) as mail,
           coalesce(sum(weight) filter (where class = 'voicemail'), 0) as voicemail,
           coalesce(sum(weight) filter (where counts), 0) as total
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
       and (not $8::boolean
            or case when s.cap_total is null or n.total = 0 then true
                    else live_weight(s.agent_id) + n.total <= s.cap_total end
               and not exists (
                   select from agent_queue q
                    where q.agent_id = s.agent_id and q.most is not null
                      and q.queue_id in (select c.queue_id from c where c.agent = s.agent_id)
                      and live_of_queue(q.agent_id, q.queue_id) + (
                          select count(*) from c where c.agent = q.agent_id and c.queue_id = q.queue_id) > q.most))
    returning s.agent_id, s.seq - n.offers as first_seq, s.seq),
o as (
    insert into offer (id, contact_id, agent_id, seat, seats, fence, class, weight, created_at, expires_at)
    select c.offer, c.id, c.agent, c.seat, c.seats, c.fence, c.class, c.weight, clock_timestamp(),
           clock_timestamp() + q.offer_seconds * interval '1 second'
      from c join g on g.agent_id = c.agent join queue q on q.id = c.queue_id
    returning id, contact_id, agent_id, created_at, expires_at),
e as (
    insert into event (slot, kind, id, seq, at, body)
    select event_slot(now()), 3, o.agent_id,
           g.first_seq + row_number() over (partition by o.agent_id order by c.o), now(),
           {OFFER_CARD}
      from o join c on c.offer = o.id join g on g.agent_id = o.agent_id join queue q on q.id = c.queue_id
             join customer m on m.id = c.customer_id join customer r on r.id = m.root_id
             join handle h on h.id = c.handle_id)
select (select count(*) from u) as claimed, (select count(*) from o) as offered,
       array(select g.agent_id from g) as agents, array(select g.seq from g) as seqs
"""  # noqa: S608  # put together from constants


class CapacityMoved(RuntimeError):
    """A guard refused what the locks should have assured: the round rolls back and nothing was offered."""


async def dispatch(tx: Transaction, batch: int = BATCH, *, heed_steps: bool = True) -> Dispatched:
    """One round: pair up to `batch` free agents with waiting contacts. Inside a transaction that holds no locks yet.

    `heed_steps`: do nothing while a plan has a step that is due.
    """
    lane = await fetch_waiting(tx.connection)
    needs = lane.needs
    if lane.steps_due and heed_steps:
        return Dispatched(0, (), steps_due=True)
    if not needs:
        return Dispatched(0, ())
    claimed = await claim_agents(tx.connection, lane, batch)
    if not claimed.agents:
        return Dispatched(0, ())
    served = servable(needs, claimed.agents)
    special = await claim_special(tx.connection, claimed.agents, served) if lane.special else []
    contacts = [contact for row in special if (contact := _judge(row, needs)) is not None]
    outright_ids = {row["id"] for row in special if _is_outright(row, needs)}
    goes_back = await _make_plain(tx, special)
    slots = sum(sum(agent.room.free.values()) for agent in claimed.agents)
    heads = await claim_heads(tx.connection, needs, served, min(2 * batch, slots), batch) if served else []
    contacts += heads
    outright_ids |= {head.id for head in heads if needs[head.need].outright}
    pairs = rank(contacts, claimed.agents)
    outright = tuple(pair for pair in pairs if pair.contact.id in outright_ids)
    offers = [pair for pair in pairs if pair.contact.id not in outright_ids]
    return Dispatched(await _offer(tx, offers, limited=claimed.limited), outright, goes_back=goes_back)


def _is_outright(row: Any, needs: OpenNeeds) -> bool:
    """A call is always taken by hand, for a line rings; and so is what somebody hands on: it may be declined.

    What waits for its owner is theirs; an agent whom a rule prefers is asked as any other.
    """
    if row["class"] == "voice" or row["then_agent_id"]:
        return False
    owned = row["prefer_agent_id"] and row["wait_for_owner"] and not row["prefer_by_rule"]
    return bool(owned or (row["need_id"] in needs and needs[row["need_id"]].outright))


def _judge(row: Any, needs: OpenNeeds) -> Waiting | None:
    """A contact of the special lane as rank shall see it: for its owner alone, or for all but those who declined.

    None where neither holds any more: it is made plain, and found again among the heads. None also where it began to
    wait after the needs were read: the next round sees it.
    """
    if row["need_id"] not in needs or not (row["wait_for_owner"] or row["exclude"]):
        return None
    return needs[row["need_id"]].contact(
        row,
        declined_by=frozenset(row["declined_by"]) if row["exclude"] else frozenset(),
        preferred=row["prefer_agent_id"] if row["wait_for_owner"] else None,
    )


async def _make_plain(tx: Transaction, special: Sequence[Any]) -> bool:
    """Contacts whose preference or exclusion is over go back to the general lane; whether one goes back to an agent."""
    over = [row for row in special if row["prefer_agent_id"] and not row["wait_for_owner"]]
    unpreferred = [row["id"] for row in over]
    forgiven = [row["id"] for row in special if row["declined_by"] and not row["exclude"]]
    if unpreferred or forgiven:
        await tx.connection.execute(PLAIN_AGAIN, unpreferred, forgiven)
    return any(row["then_agent_id"] for row in over)


GIVEN = """
update agent_queue q set given_at = clock_timestamp() from unnest($1::uuid[], $2::text[]) i(agent, queue)
 where q.agent_id = i.agent and q.queue_id = i.queue
"""


async def _offer(tx: Transaction, pairs: list[Pair], *, limited: bool) -> int:
    if not pairs:
        return 0
    seats = Counter(pair.contact.id for pair in pairs)
    row = await tx.connection.fetchrow(
        OFFER,
        [pair.contact.id for pair in pairs],
        [pair.agent for pair in pairs],
        [new_id() for _ in pairs],
        [pair.contact.weight for pair in pairs],
        [pair.seat for pair in pairs],
        [seats[pair.contact.id] for pair in pairs],
        [not pair.contact.interruptible for pair in pairs],
        limited,
    )
    if row is None or row["claimed"] != len(seats) or row["offered"] != len(pairs):
        raise CapacityMoved("a claimed contact or agent changed under its lock")
    for agent, seq in zip(row["agents"], row["seqs"], strict=True):
        tx.written[FeedId("agent", UUID(int=agent.int))] = seq
    await mark_given(tx, pairs)
    return len(pairs)


async def mark_given(tx: Transaction, pairs: Iterable[Pair]) -> None:
    """Where a queue goes round, whose turn it was. The agents are locked."""
    round_robin = [pair for pair in pairs if pair.contact.selection == "round_robin"]
    if round_robin:
        agents, queues = [pair.agent for pair in round_robin], [pair.contact.queue for pair in round_robin]
        await tx.connection.execute(GIVEN, agents, queues)
