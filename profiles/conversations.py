"""The conversations of a profile: visible ones, with the contacts and topics of those folded into them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from model.contact import ProfileContact
from model.customer import Conversation, ConversationTopic
from model.sla import SlaClock
from model.timeline import Author
from store.pool import Connection

# Completes a query that begins `with recursive` and whose CTE `v` holds visible conversations: `w`, `k` and `y` are one
# row of parallel arrays each. A conversation reopened again and again keeps its id, so its contacts are bounded too.
CONVERSATION_ARRAYS = """
w as (
    select array_agg(x.id) as v_id, array_agg(x.status) as v_status, array_agg(x.opened_at) as v_opened_at,
           array_agg(x.closed_at) as v_closed_at, array_agg(x.needs_attention) as v_needs_attention,
           array_agg(case when x.sla then (
               select json_agg(json_build_object(
                          'measure', s.measure, 'policy', s.policy_id, 'due_at', json_time(s.due_at),
                          'warn_at', json_time(s.warn_at), 'met_at', json_time(s.met_at),
                          'warned_at', json_time(s.warned_at), 'breached_at', json_time(s.breached_at))
                          order by s.measure)::text
                 from sla_clock s where s.conversation_id = x.id) end) as v_sla
      from (select v.* from v order by v.opened_at desc, v.id desc) x),
vf as materialized (
    select v.id as shown, v.id from v
     union all
    select v.id, f.id from v join conversation f on f.folded_into = v.id),
k as (
    select array_agg(x.id) as k_id, array_agg(x.shown) as k_conversation, array_agg(x.channel) as k_channel,
           array_agg(x.class) as k_class, array_agg(x.state) as k_state, array_agg(x.agent_id) as k_agent_id,
           array_agg(x.agent_name) as k_agent_name, array_agg(x.arrived_at) as k_arrived_at,
           array_agg(x.due_at) as k_due_at
      from (select c.id, vf.shown, c.channel, c.class, c.agent_id, a.name as agent_name, c.arrived_at,
                   case when c.state in ('new', 'queued', 'offered') then 'waiting' else c.state end as state,
                   case when c.state = 'wrapping' then c.due_at end as due_at
              from vf cross join lateral (
                   select * from contact c where c.conversation_id = vf.id
                    order by c.arrived_at desc, c.id desc limit 20) c
              left join agent a on a.id = c.agent_id
             order by c.arrived_at, c.id) x),
yt as materialized (
    select distinct vf.shown, x.topic_id as id from vf join conversation_topic x on x.conversation_id = vf.id),
yp as (
    select t.id, t.parent_id, array[t.name] as path from (select distinct yt.id from yt) d join topic t on t.id = d.id
     union all
    select yp.id, t.parent_id, t.name || yp.path from yp join topic t on t.id = yp.parent_id),
y as (
    select array_agg(x.shown) as y_conversation, array_agg(x.id) as y_id, array_agg(x.path) as y_path
      from (select yt.shown, yt.id, array_to_json(yp.path)::text as path
              from yt join yp on yp.id = yt.id where yp.parent_id is null order by yp.path, yt.id) x)
"""

CONVERSATIONS = f"""
with recursive m as (
    select c.id from customer c join customer r on c.root_id = r.root_id where r.id = $1),
v as (
    select v.* from m cross join lateral (
        select v.* from conversation v
         where v.customer_id = m.id and v.folded_into is null
           and ($2::timestamptz is null or (v.opened_at, v.id) < ($2, $3::uuid))
         order by v.opened_at desc, v.id desc limit $4) v
     order by v.opened_at desc, v.id desc limit $4),
{CONVERSATION_ARRAYS}
select w.*, k.*, y.* from w, k, y
"""  # noqa: S608  # put together from constants


async def fetch_conversations(
    connection: Connection, customer: UUID, limit: int, after: tuple[datetime, UUID] | None = None
) -> tuple[Conversation, ...]:
    """A customer's conversations, newest first, after the one with this `opened_at` and id."""
    row = await connection.fetchrow(CONVERSATIONS, customer, *(after or (None, None)), limit)
    return read_conversations(row) if row else ()


CONVERSATION = f"""
with recursive v as (
    select s.* from conversation v join conversation s on s.id = coalesce(v.folded_into, v.id) where v.id = $1),
{CONVERSATION_ARRAYS}
select w.*, k.*, y.* from w, k, y
"""  # noqa: S608  # put together from constants


async def fetch_conversation(connection: Connection, conversation: UUID) -> Conversation | None:
    """The conversation that is shown for this id: itself, or the one it is folded into."""
    row = await connection.fetchrow(CONVERSATION, conversation)
    found = read_conversations(row) if row else ()
    return found[0] if found else None


_read_sla = msgspec.json.Decoder(tuple[SlaClock, ...]).decode


def read_conversations(row: asyncpg.Record) -> tuple[Conversation, ...]:
    """The conversations in the columns of `CONVERSATION_ARRAYS`."""
    contacts: dict[UUID, list[ProfileContact]] = {}
    for contact in _read_contacts(row):
        contacts.setdefault(contact.conversation, []).append(contact)
    topics = _read_topics(row)
    names = ("id", "status", "opened_at", "closed_at", "needs_attention", "sla")
    columns = (row[f"v_{name}"] or () for name in names)
    return tuple(
        Conversation(
            *(id_, status, opened_at, closed_at, attention, tuple(contacts.get(id_, ())), topics.get(id_, ())),
            () if sla is None else _read_sla(sla),
        )
        for id_, status, opened_at, closed_at, attention, sla in zip(*columns, strict=True)
    )


def _read_contacts(row: asyncpg.Record) -> list[ProfileContact]:
    names = ("id", "conversation", "channel", "class", "state", "agent_id", "agent_name", "arrived_at", "due_at")
    columns = (row[f"k_{name}"] or () for name in names)
    return [
        ProfileContact(
            id_,
            talk,
            channel,
            class_,
            state,
            None if agent_id is None else Author(agent_id, agent_name),
            arrived_at,
            due_at,
        )
        for id_, talk, channel, class_, state, agent_id, agent_name, arrived_at, due_at in zip(*columns, strict=True)
    ]


def _read_topics(row: asyncpg.Record) -> dict[UUID, tuple[ConversationTopic, ...]]:
    if row["y_id"] is None:
        return {}
    topics: dict[UUID, tuple[ConversationTopic, ...]] = {}
    for talk, id_, path in zip(row["y_conversation"], row["y_id"], row["y_path"], strict=True):
        topics[talk] = (*topics.get(talk, ()), ConversationTopic(id_, tuple(msgspec.json.decode(path, type=list[str]))))
    return topics
