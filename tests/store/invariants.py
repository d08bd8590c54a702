"""What must never be found in the database, as SQL after any step, and waiting work beside agents who could take it."""

from __future__ import annotations

from uuid import UUID

import msgspec

from model.customer import Conversation
from profiles.profile import PAGE, Snapshot, fetch_snapshot
from router.presence import register_process
from store.pool import Connection
from tests.store.company import Company
from tests.store.profile_seed import events_after
from tests.store.test_profiles_snapshot import after_event

EMPTIED = (
    *("customer", "stream", "handle", "link", "consent", "seen", "raw_event", "conversation", "entry", "outbox"),
    *("receipt_early", "contact", "offer", "decision", "event", "handover", "agent", "agent_state", "agent_queue"),
    *("screen", "gateway_process", "rule_set"),
)
# Deleted by one statement, which asks after references at its end. To truncate fifty tables costs more than the work of
# an example, and has every plan made anew.
EMPTYING = """
with recursive emptied as (
    select unnest($1::text[])::regclass::oid as id
    union select c.conrelid from pg_constraint c join emptied e on e.id = c.confrelid where c.contype = 'f')
select 'with ' || string_agg(format('d%s as (delete from %s)', id, id::regclass), ', ') || ' select' from emptied
 where not exists (select from pg_inherits i where i.inhrelid = id)
"""


async def empty(company: Company) -> None:
    """As on the first day, but for queues, accounts and needs."""
    async with company.pool.acquire() as connection:
        await connection.execute(await connection.fetchval(EMPTYING, EMPTIED))
        await register_process(connection, company.process)


# Each line a sentence of what must never be found. $1: agents whose capacity was lowered under what they hold.
VIOLATIONS = """
with live as (
    select o.agent_id, o.class, sum(o.weight) as weight from offer o
     where o.state = 'pending' or (o.state = 'accepted' and o.released_at is null) group by 1, 2),
used as (
    select s.agent_id, k.* from agent_state s
     cross join lateral (values ('voice', s.used_voice, s.cap_voice), ('messaging', s.used_messaging, s.cap_messaging),
                                ('mail', s.used_mail, s.cap_mail),
                                ('voicemail', s.used_voicemail, s.cap_voicemail)) k(class, used, cap)),
logs as (select e.kind, e.id, count(*) as lines, min(e.seq) as low, max(e.seq) as high from event e group by 1, 2),
heads as (select 1 as kind, id, seq from stream union all select 3, agent_id, seq from agent_state),
said as (
    select e.id, e.seq, (e.body::jsonb -> 'entry' ->> 'at')::timestamptz as at from event e
     where e.kind = 1 and e.body::jsonb ->> 'kind' = 'entry')
select 'used is not the sum of live weights' as what, u.agent_id as id
  from used u left join live l using (agent_id, class) where u.used <> coalesce(l.weight, 0)
union all
select 'used is beyond capacity', agent_id from used where used > cap and agent_id <> all ($1::uuid[])
union all
select 'done by rule and not to be found, or in the name of somebody', d.contact_id
  from done_by_rule d left join entry e on e.id = d.entry_id where e.id is null or e.author_id is not null
union all
select 'asked to take over what is not held by who asks', h.contact_id
  from handover h join contact c on c.id = h.contact_id
 where h.ended_at is null and (c.agent_id is distinct from h.by_agent_id or c.state not in ('assigned', 'parked'))
union all
select 'several live offers of one seat, or to one agent', contact_id from offer where state = 'pending'
 group by contact_id having count(*) > least(count(distinct seat), count(distinct agent_id), max(seats))
union all
select 'has limits, or has none, and is not known for it', agent_id from agent_state
 where limited <> (cap_total is not null or has_queue_limits(agent_id))
union all
select 'beyond the limit over all classes', agent_id from agent_state
 where live_weight(agent_id) > cap_total and agent_id <> all ($1::uuid[])
union all
select 'beyond the limit of a queue', agent_id from agent_queue
 where live_of_queue(agent_id, queue_id) > most and agent_id <> all ($1::uuid[])
union all
select 'known needs are not those that are served', s.agent_id from agent_state s
 where array(select unnest(s.needs) order by 1) <> array(
       select n.id from need n join agent_queue q on q.queue_id = n.queue_id and q.agent_id = s.agent_id
        where not exists (select from unnest(n.skills, n.levels) r(skill, level) left join agent_skill k
                            on k.agent_id = s.agent_id and k.skill_id = r.skill and k.level >= r.level
                           where k.skill_id is null) order by 1)
union all
select 'how an agent is, is not what is kept of them', s.agent_id
  from agent_state s join agent a on a.id = s.agent_id
  left join lateral (
       select h.* from agent_history h where h.agent_id = s.agent_id order by h.at desc, h.id desc limit 1) h on true
 where (h.active, h.presence, h.reason, h.connected, h.cap_voice, h.cap_messaging, h.cap_mail, h.cap_voicemail,
        h.cap_total) is distinct from
       (a.active, s.presence, s.reason, s.connected, s.cap_voice, s.cap_messaging, s.cap_mail, s.cap_voicemail,
        s.cap_total)
    or (select jsonb_object_agg(k.queue, k.most) from unnest(h.queues, h.most) k(queue, most))
       is distinct from (select jsonb_object_agg(k.queue_id, k.most) from agent_queue k where k.agent_id = s.agent_id)
    or (select jsonb_object_agg(k.skill, k.level) from unnest(h.skills, h.levels) k(skill, level))
       is distinct from (select jsonb_object_agg(k.skill_id, k.level) from agent_skill k where k.agent_id = s.agent_id)
union all
select 'a preference by rule that is none, or one of a held contact', id from contact
 where prefer_by_rule and (prefer_agent_id is null or agent_id is not null)
union all
select 'several holders', contact_id from offer
 where state = 'accepted' and released_at is null group by contact_id having count(*) > 1
union all
select 'offered without an offer of its fence, or the reverse', c.id from contact c
 where (c.state = 'offered') <> exists (select from offer o where o.contact_id = c.id and o.state = 'pending')
    or exists (select from offer o where o.contact_id = c.id and o.state = 'pending' and o.fence <> c.fence)
union all
select 'held without a hold, or the reverse', c.id from contact c
 where (c.state in ('assigned', 'wrapping')) <> exists (
       select from offer o where o.contact_id = c.id and o.state = 'accepted' and o.released_at is null)
    or (c.state in ('assigned', 'wrapping') and not exists (
       select from offer o where o.contact_id = c.id and o.state = 'accepted' and o.released_at is null
                             and o.agent_id = c.agent_id))
union all
select 'several open conversations', m.root_id from conversation v join customer m on m.id = v.customer_id
 where v.status <> 'closed' and v.folded_into is null group by m.root_id having count(*) > 1
union all
select 'live in a closed conversation', c.id from contact c join conversation v on v.id = c.conversation_id
 where v.status = 'closed' and c.state not in ('abandoned', 'closed')
union all
select 'waits for a deadline it does not have', id from contact
 where due_at is null and (state = 'wrapping' and coalesce(wrap_up, 'timed') = 'timed'
                           or state = 'assigned' and not shown)
union all
select 'a deadline that nothing settles', id from contact
 where due_at is not null and state not in ('assigned', 'wrapping', 'parked')
   and not (state = 'queued' and need_id in (select n.id from need n where n.skills = '{only}' and n.levels = '{}'))
union all
select 'required wrap-up that a timer ends', id from contact
 where state = 'wrapping' and wrap_up = 'required' and due_at is not null
union all
select 'a screen or none, and `connected` says otherwise', s.agent_id from agent_state s
 where s.connected <> exists (select from screen x where x.agent_id = s.agent_id)
    or (s.gone_at is not null and s.connected)
union all
select 'a task given to somebody and not theirs, or waiting and not its queue''s', w.task_id
  from task_work w join task t on t.id = w.task_id
 where t.state <> 'open' or t.agent_id is distinct from w.agent_id
    or (w.agent_id is null and t.queue_id is distinct from w.queue_id)
union all
select 'a clock that runs for a customer who waits for nothing, and nobody will look', k.conversation_id
  from sla_clock k join conversation v on v.id = k.conversation_id
 where k.since is not null and (v.status = 'closed' or v.folded_into is not null
                                or v.status = 'waiting' and k.measure = 'resolution')
   and not exists (select from sla_turn t where t.conversation_id = v.id)
union all
select 'a hole in a feed', h.id from heads h left join logs l on l.kind = h.kind and l.id = h.id
 where (coalesce(l.lines, 0), coalesce(l.low, 1), coalesce(l.high, 0)) <> (h.seq, 1, h.seq)
union all
select 'entries out of commit order', id
  from (select id, at, lag(at) over (partition by id order by seq) as before from said) x where at <= before
"""


async def violations(connection: Connection, lowered: list[UUID] | None = None) -> list[str]:
    """What the database holds against INV3, INV7, INV9 to INV12, INV16 and INV20."""
    return [f"{row['what']}: {row['id']}" for row in await connection.fetch(VIOLATIONS, lowered or [])]


# A contact that waits although somebody could be asked at once (INV11, with the exceptions design §7 makes).
WAITS_IN_VAIN = """
select c.id, s.agent_id from contact c join need n on n.id = c.need_id cross join agent_state s
 where c.state = 'queued' and s.routable
   and case c.class when 'voice' then s.used_voice + n.weight <= s.cap_voice
                    when 'messaging' then s.used_messaging + n.weight <= s.cap_messaging
                    when 'mail' then s.used_mail + n.weight <= s.cap_mail
                    else s.used_voicemail + n.weight <= s.cap_voicemail end
   and (s.cap_total is null or live_weight(s.agent_id) + n.weight <= s.cap_total
        or (select q.interruptible from queue q where q.id = c.queue_id))
   and not exists (select from agent_queue q where q.agent_id = s.agent_id and q.queue_id = c.queue_id
                                               and q.most <= live_of_queue(s.agent_id, c.queue_id))
   and (c.need_id = any (s.needs) or s.agent_id = c.prefer_agent_id)
   and (c.declined_until is null or c.declined_until < clock_timestamp() or s.agent_id <> all (c.declined_by))
   and (c.prefer_agent_id is null or c.prefer_until < clock_timestamp() or s.agent_id = c.prefer_agent_id
        or (select p.presence = 'offline' or c.prefer_by_rule and not p.routable
              from agent_state p where p.agent_id = c.prefer_agent_id))
union all
select c.id, null from contact c where c.state = 'new' or (c.unrouted and c.state = 'queued')
"""


async def check(company: Company) -> None:
    """Nothing is wrong, and nobody waits beside a free agent who could be asked."""
    async with company.pool.acquire() as connection:
        waits = await connection.fetch(WAITS_IN_VAIN)
        assert not waits, f"waits beside a free agent: {[tuple(row) for row in waits]}"
        assert await violations(connection) == []


async def follow(connection: Connection, customer: UUID, mirror: Snapshot | None) -> Snapshot:
    """INV18: what a screen made of `mirror` and the events after it is what a new one is shown now. The new mirror."""
    now = await fetch_snapshot(connection, customer)
    assert now is not None
    mirror = mirror or now
    for logged in await events_after(connection, customer, mirror.seq):
        mirror = after_event(mirror, logged)
    mirror = msgspec.structs.replace(mirror, timeline=mirror.timeline[-PAGE:])
    assert (mirror.seq, mirror.timeline) == (now.seq, now.timeline)
    assert without_deadlines(mirror.conversations) == without_deadlines(now.conversations)
    return mirror


def without_deadlines(conversations: tuple[Conversation, ...]) -> list[Conversation]:
    """Deadlines left out: tests let time pass by moving them in the database, which no screen is told."""
    replace = msgspec.structs.replace
    return [
        replace(each, contacts=tuple(replace(contact, due_at=None) for contact in each.contacts))
        for each in conversations
    ]
