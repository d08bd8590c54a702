"""The bare assignment: one agent who is free takes the first contact that waits for what they serve, in one statement.

Prepared, SKIP LOCKED at both ends, with the durable writes of an offer. No preference, no decline, no fairness among
agents beyond the longest idle, one contact a transaction.
"""

from __future__ import annotations

ASSIGN = """
with a as (
    select id, needs from agent_state where routable and used < cap order by idle_since limit 1
       for no key update skip locked),
h as (
    select c.id, a.id as agent from a cross join lateral unnest(a.needs) n cross join lateral (
        select id, order_key from contact where need_id = n and state = 'queued' order by order_key, id limit 1
           for no key update skip locked) c
     order by c.order_key limit 1),
c as (
    update contact c set state = 'offered', agent_id = h.agent, state_at = clock_timestamp() from h where c.id = h.id
    returning c.id, c.agent_id, c.fence),
g as (
    update agent_state s set used = s.used + 1, seq = s.seq + 1, idle_since = clock_timestamp()
      from c where s.id = c.agent_id returning s.id, s.seq),
o as (
    insert into offer (id, contact_id, agent_id, fence, expires_at)
    select gen_random_uuid(), c.id, c.agent_id, c.fence, clock_timestamp() + interval '20 seconds' from c returning id),
e as (
    insert into event (slot, kind, id, seq, body)
    select 0, 3, g.id, g.seq, '{"kind":"offer","offer":"' || o.id || '","contact":"' || c.id || repeat('.', 400) || '"}'
      from g, o, c)
select id, agent_id from c
"""
AGENTS = """
insert into agent_state (id, cap, needs) select gen_random_uuid(), 1, array[g % $2 + 1, g % $2 + 6]
  from generate_series(1, $1::int) g
"""
WAIT = """
insert into contact (id, conversation_id, need_id, order_key, state, preview)
select gen_random_uuid(), gen_random_uuid(), $1 + g % $2::int, extract(epoch from clock_timestamp()) * 1000000 + g,
       'queued', repeat('x', 80)
  from generate_series(1, $3::int) g
"""
RELEASE = """
with o as (
    update offer set state = 'accepted', ended_at = now(), released_at = now() where state = 'pending'
    returning contact_id, agent_id),
c as (update contact c set state = 'closed', agent_id = null from o where c.id = o.contact_id)
update agent_state s set used = 0, idle_since = clock_timestamp() from o where s.id = o.agent_id
"""
