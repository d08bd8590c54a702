"""Accept: one prepared statement that makes an offer a hold. Where several were asked it has company in a transaction.

Locks in the order of all others: the customer's stream, the contact, the offer, the agent. In the natural order (offer
first) it would deadlock against closing a conversation and against timeouts. A merge it waited for is seen by
`as_it_stands`, which looks again under the lock: then no row comes back, and it is asked once more.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from model.agent import Actor
from model.contact import ProfileContact
from model.event import FeedId
from model.refusal import Refused
from model.timeline import Author
from router.endings import lock_agents, rescind_offer_of
from store.feeds import Positions, Transaction, lock_customer
from store.ids import new_id
from store.pool import Connection


class Accepted(Struct, frozen=True):
    """The agent holds the contact. `customer` is the root, its feed is at `seq`; `positions`: what this call wrote."""

    contact: ProfileContact
    customer: UUID
    seq: int
    positions: Positions


# $5: how many were asked at once; of one, this is all there is to do.
ACCEPT = """
with t as (
    select o.id, o.contact_id, c.customer_id, c.conversation_id, m.root_id
      from offer o join contact c on c.id = o.contact_id join customer m on m.id = c.customer_id
     where o.id = $1 and o.agent_id = $2 and o.state = 'pending' and o.seats = $5),
l as materialized (
    select t.* from stream s join t on s.kind = 1 and s.id = t.root_id for no key update of s),
k as materialized (
    select l.id, l.root_id, n.shown_id, c.id as contact_id, c.fence
      from l cross join lateral as_it_stands(l.customer_id, l.conversation_id) n join contact c on c.id = l.contact_id
     where c.state = 'offered' and n.root_id = l.root_id and c.customer_id = l.customer_id for no key update of c),
o as (
    update offer o set state = 'accepted', ended_at = clock_timestamp()
      from k
     where o.id = k.id and o.agent_id = $2 and o.state = 'pending' and o.fence = k.fence
       and o.expires_at > clock_timestamp()
    returning o.id, o.contact_id, k.root_id, k.shown_id),
c as (
    update contact c
       set state = 'assigned', agent_id = $2, state_at = clock_timestamp(), unrouted = false, unread = 0, shown = true,
           prefer_agent_id = null, prefer_until = null, then_agent_id = null, prefer_by_rule = false,
           declined_by = '{}',
           declined_until = null,
           -- only when somebody has answered before: then the customer's silence has begun
           due_at = case when c.preview_direction = 'out' then clock_timestamp() + coalesce(
               (select q.park_after_seconds from queue q where q.id = c.queue_id), 900) * interval '1 second' end
      from o where c.id = o.contact_id
    returning c as whole, c.id, c.conversation_id, c.channel, c.class, c.arrived_at, o.root_id, o.shown_id,
              o.id as offer_id),
v as (
    update conversation v set status = 'open' from c
     where (v.id in (c.shown_id, c.conversation_id) or v.folded_into = c.shown_id) and v.status = 'new'
    returning v.id, v.opened_at, v.needs_attention, v.id = c.shown_id as is_shown),
s as (
    update stream s
       set seq = s.seq + 2 + (select count(*) from v where v.is_shown),
           last_at = greatest(clock_timestamp(), s.last_at + interval '1 microsecond')
      from c where s.kind = 1 and s.id = c.root_id
    returning s.id, s.seq, s.last_at),
a as (
    update agent_state a set seq = a.seq + 2 from c where a.agent_id = $2
    returning a.agent_id, a.seq),
e as (
    insert into entry (id, customer_id, conversation_id, at, kind, channel, direction, body, author_id)
    select $4, s.id, c.conversation_id, s.last_at, 'status', c.channel, null, 'accepted', $2 from s, c),
w as (
    insert into event (slot, kind, id, seq, at, body)
    select event_slot(now()), 1, s.id, s.seq - 1, now(),
           '{"kind":"entry","entry":{"id":"' || $4::uuid || '","kind":"status","channel":"' || c.channel
           || '","direction":null,"body":"accepted","status":null,"author":{"id":"' || $2::uuid
           || '","name":' || $3::text
           || '},"handle":null,"account":null,"media":[],"occurred_at":null,"error":null,"content":[],'
           || '"in_reply_to":null,"reactions":[],"edited_at":null,"unsent_at":null,"at":"' || json_time(s.last_at)
           || '","conversation":"' || c.shown_id || '","leaf":null}}'
      from s, c
    union all
    select event_slot(now()), 1, s.id, s.seq, now(),
           '{"kind":"contact","contact":{"id":"' || c.id || '","conversation":"' || c.shown_id || '","channel":"'
           || c.channel || '","work_class":"' || c.class || '","state":"assigned","agent":{"id":"' || $2::uuid
           || '","name":' || $3::text || '},"arrived_at":"' || json_time(c.arrived_at) || '","due_at":null}}'
      from s, c
    union all
    select event_slot(now()), 1, s.id, s.seq - 2, now(),
           '{"kind":"conversation","conversation":"' || v.id || '","status":"open","opened_at":"'
           || json_time(v.opened_at) || '","closed_at":null,"needs_attention":' || v.needs_attention || '}'
      from s, v where v.is_shown
    union all
    select event_slot(now()), 3, a.agent_id, a.seq - 1, now(),
           '{"kind":"offer_ended","offer":"' || c.offer_id || '","contact":"' || c.id
           || '","outcome":"accepted","reason":null}'
      from a, c
    union all
    select event_slot(now()), 3, a.agent_id, a.seq, now(), held_line(c.whole, false) from a, c)
select c.id, c.shown_id, c.channel, c.class, c.arrived_at, s.id as root_id, s.seq, a.seq as agent_seq
  from c, s, a
"""
LOCK_CONTACT = "select id from contact where id = $1 for no key update"
ASKED = "select agent_id from offer where contact_id = $1 and state = 'pending'"
_name = msgspec.json.Encoder().encode
ATTEMPTS = 3
"""A merge at this moment costs one; nobody merges the same customer twice in between."""


async def accept_offer(connection: Connection, offer: UUID, actor: Actor) -> Accepted | Refused:
    """Accept on an idle connection: a transaction of its own. A repeated accept by the winner is the same answer.

    `gone`: the offer ended otherwise, or its time was over by the database's clock. `forbidden`: another agent's offer.
    """
    for _ in range(ATTEMPTS):
        row = await connection.fetchrow(ACCEPT, offer, actor.id, _name(actor.name).decode(), new_id(), 1)
        if row is not None:
            return _accepted(row, actor)
        answer = await _explain(connection, offer, actor)
        if isinstance(answer, _OneOfSeveral):
            taken = await _take_from_others(connection, offer, actor, answer)
            if taken is not None:
                return taken
            answer = await _explain(connection, offer, actor)
        if isinstance(answer, Accepted) or (isinstance(answer, Refused) and answer.code != "unavailable"):
            return answer
    return BUSY


class _OneOfSeveral(Struct, frozen=True):
    """The offer may be accepted, and others ring for the same contact."""

    contact: UUID
    customer: UUID
    seats: int


async def _take_from_others(
    connection: Connection, offer: UUID, actor: Actor, round_: _OneOfSeveral
) -> Accepted | None:
    """Accept, and stop the ringing for the others; None when something else was quicker.

    The same locks in the same order, with all whose offers end, so that two who accept at once never hold one agent
    each.
    """
    async with connection.transaction():
        tx = Transaction(connection)
        await lock_customer(tx, round_.customer)
        await connection.execute(LOCK_CONTACT, round_.contact)
        await lock_agents(tx, [row["agent_id"] for row in await connection.fetch(ASKED, round_.contact)])
        name = _name(actor.name).decode()
        row = await connection.fetchrow(ACCEPT, offer, actor.id, name, new_id(), round_.seats)
        if row is None:
            return None
        await rescind_offer_of(tx, round_.contact, "taken")
    return _accepted(row, actor, tx.written)


def _accepted(row: Any, actor: Actor, written: Positions | None = None) -> Accepted:
    positions = {
        **(written or {}),
        FeedId("customer", row["root_id"]): row["seq"],
        FeedId("agent", actor.id): row["agent_seq"],
    }
    return Accepted(_contact(row, "assigned", actor), row["root_id"], row["seq"], positions)


def _contact(row: Any, state: Any, actor: Actor) -> ProfileContact:
    return ProfileContact(
        id=row["id"],
        conversation=row["shown_id"],
        channel=row["channel"],
        work_class=row["class"],
        state=state,
        agent=Author(actor.id, actor.name),
        arrived_at=row["arrived_at"],
    )


WHY_NOT = """
select o.agent_id, o.state as offer_state, o.reason, o.released_at, o.expires_at <= clock_timestamp() as late, o.seats,
       c.id, c.customer_id, coalesce(v.folded_into, v.id) as shown_id, c.channel, c.class, c.state, c.arrived_at,
       m.root_id, s.seq
  from offer o join contact c on c.id = o.contact_id join customer m on m.id = c.customer_id
         join conversation v on v.id = c.conversation_id
         join stream s on s.kind = 1 and s.id = m.root_id
 where o.id = $1
"""
GONE = {
    "accepted": "You no longer hold this contact.",
    "declined": "You declined this offer.",
    "timed_out": "The offer's time was over before the accept arrived.",
    "rescinded": "The offer was taken back.",
}


TAKEN = "A colleague was quicker."
# The customer was merged, or the statement lost a race that left the offer standing: asking again settles it.
BUSY = Refused("unavailable", "The contact changed at this moment. Accept again.", "offer")


async def _explain(connection: Connection, offer: UUID, actor: Actor) -> Accepted | Refused | _OneOfSeveral:
    row = await connection.fetchrow(WHY_NOT, offer)
    if row is None:
        return Refused("gone", "There is no such offer any more.", "offer")
    if row["agent_id"] != actor.id:
        return Refused("forbidden", "This offer was made to another agent.", "offer")
    if row["offer_state"] == "accepted" and row["released_at"] is None:
        return Accepted(_contact(row, row["state"], actor), row["root_id"], row["seq"], {})
    if row["offer_state"] == "pending" and not row["late"]:
        return BUSY if row["seats"] == 1 else _OneOfSeveral(row["id"], row["customer_id"], row["seats"])
    why = TAKEN if row["reason"] == "taken" else GONE.get(row["offer_state"], GONE["timed_out"])
    return Refused("gone", why, "offer")
