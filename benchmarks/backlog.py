"""A company of agents and waiting contacts in the product's own tables, in bulk: no message is recorded for it."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg
from msgspec import Struct

SERVED = 10
"""Queues that somebody serves; each agent serves two of them. One more is nobody's."""
KINDS = SERVED // 2
"""Agents of one kind serve the same two."""
FOUND = """
insert into queue (id, name) select 'q' || g, 'Queue ' || g from generate_series(0, 10) g;
insert into account (id, channel, provider, address, secrets, region, public_url, queue_id)
values ('sms-main', 'sms', 'twilio', '+15005550006', '{secret}', 'US', 'http://localhost/hooks/sms-main', 'q0');
insert into need (queue_id, class) select 'q' || g, 'messaging' from generate_series(0, 10) g;
insert into need (queue_id, class) select 'q' || g, 'mail' from generate_series(0, 10) g
"""
HIRE = """
with a as (
    insert into agent (id, name, role) select gen_random_uuid(), 'Agent ' || g, 'agent'
      from generate_series(1, $1::int) g returning id),
n as (select id, row_number() over ()::int as n from a),
q as (
    insert into agent_queue (agent_id, queue_id)
    select n.id, 'q' || x from n cross join lateral unnest(array[n.n % $2, n.n % $2 + 5]) x),
p as (
    insert into gateway_process (id, expires_at) values (gen_random_uuid(), now() + interval '1 day') returning id),
s as (
    insert into agent_state (agent_id, presence, connected, cap_messaging, needs)
    select n.id, 'available', true, 1,
           (select array_agg(d.id order by d.id) from need d
             where d.queue_id in ('q' || (n.n % $2), 'q' || (n.n % $2 + 5)))
      from n)
insert into screen (id, agent_id, process_id) select gen_random_uuid(), n.id, p.id from n, p
"""
WAIT = """
with g as (
    select gen_random_uuid() as customer, gen_random_uuid() as handle, gen_random_uuid() as conversation,
           gen_random_uuid() as contact, n, 'q' || ($1::int + n % $2::int) as queue,
           (extract(epoch from clock_timestamp()) * 1000000)::bigint + n as key
      from generate_series(1, $3::int) n),
c as (insert into customer (id, root_id, name) select customer, customer, 'Customer ' || n from g),
s as (insert into stream (kind, id) select 1, customer from g),
h as (
    insert into handle (id, kind, value, customer_id) select handle, 'phone', '+' || key || n, customer from g),
v as (
    insert into conversation (id, customer_id, profile_id, status, opened_at)
    select conversation, customer, customer, 'new', now() from g)
insert into contact (id, customer_id, conversation_id, account_id, handle_id, channel, class, state, unrouted,
                     queue_id, need_id, order_key, arrived_at, preview, preview_direction, messages)
select contact, customer, conversation, 'sms-main', handle, 'sms', 'messaging', 'queued', false, g.queue, d.id, key,
       now(), repeat('x', 80), 'in', 1
  from g join need d on d.queue_id = g.queue and d.class = 'messaging'
"""
ARRIVE = """
with g as (
    select gen_random_uuid() as customer, gen_random_uuid() as handle, gen_random_uuid() as conversation,
           (extract(epoch from clock_timestamp()) * 1000000)::bigint as key),
c as (insert into customer (id, root_id, name) select customer, customer, 'Customer ' || key from g),
s as (insert into stream (kind, id) select 1, customer from g),
h as (insert into handle (id, kind, value, customer_id) select handle, 'phone', '+' || key, customer from g),
v as (
    insert into conversation (id, customer_id, profile_id, status, opened_at)
    select conversation, customer, customer, 'new', now() from g)
insert into contact (id, customer_id, conversation_id, account_id, handle_id, channel, class, arrived_at, preview,
                     preview_direction, messages)
select gen_random_uuid(), customer, conversation, 'sms-main', handle, 'sms', 'messaging', now(), repeat('x', 80),
       'in', 1
  from g
"""
"""One more contact, which the rules have not seen yet; their account's queue is the first."""
RELEASE = """
with o as (
    update offer set state = 'accepted', ended_at = now(), released_at = now() where state = 'pending'
    returning contact_id, agent_id),
c as (update contact c set state = 'closed' from o where c.id = o.contact_id)
update agent_state s set used_messaging = 0, idle_since = clock_timestamp() from o where s.agent_id = o.agent_id
"""
SETTLE = ("vacuum analyze contact", "vacuum analyze agent_state", "vacuum analyze offer", "checkpoint")


class Wait(Struct, frozen=True):
    """So many contacts that wait, spread over `queues` queues from the first on."""

    count: int
    first: int = 0
    queues: int = SERVED


NOBODYS = SERVED
"""The queue that nobody serves."""


async def load(url: str, agents: int, waits: Sequence[Wait], kinds: int) -> None:
    """Found the company: agents who are there and free, of so many kinds, and contacts in the order given."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("set synchronous_commit = off")
        await connection.execute(FOUND)
        await connection.execute(HIRE, agents, kinds)
        for wait in waits:
            await connection.execute(WAIT, wait.first, wait.queues, wait.count)
        for statement in SETTLE:
            await connection.execute(statement)
    finally:
        await connection.close()
