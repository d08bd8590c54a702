"""Hand a contact on: to an agent, a queue, an outside number; blind, or a call warm while the sender stays.

Blind to an agent: the sender is released, and the other alone is asked for 20 s, then the sender again, then the queue.
Warm to an agent: they get a contact of their own for the same call, and the sender's lasts until the sender hangs up.
Of everything but calls, warm is `router.handover`.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import Struct

from model.agent import Actor
from model.call import DialLeg
from model.refusal import Refused
from model.timeline import Author
from router.call_legs import NewLeg, add_leg, want
from router.calls import LockedCall
from router.holding import Change, new_entry, step
from router.needs import Need, intern_need
from store.feeds import Transaction, append_to_customer
from store.ids import new_id

RING_OUTSIDE_SECONDS = 30
NO_AGENT = Refused("not_found", "There is no such agent.", "to.agent")
NOT_FREE = Refused("wrong_state", "This agent is not there, or busy. Choose another, or a queue.", "to.agent")
NO_QUEUE = Refused("not_found", "There is no such queue.", "to.queue")


class Order(Struct, frozen=True):
    """Whom it goes to: exactly one of them. `number`: in E.164."""

    agent: UUID | None = None
    queue: str | None = None
    number: str | None = None
    warm: bool = False
    note: str | None = None
    """For who takes it: on the offer, and a note on the timeline."""


FREE = """
select a.active, s.routable and case $2 when 'voice' then s.used_voice < s.cap_voice
                                        when 'messaging' then s.used_messaging < s.cap_messaging
                                        when 'mail' then s.used_mail < s.cap_mail
                                        else s.used_voicemail < s.cap_voicemail end as free
  from agent a join agent_state s on s.agent_id = a.id where a.id = $1
"""
# Whom an agent hands it to is theirs to choose: what the rules had planned for it is over.
PREFER = """
update contact
   set prefer_agent_id = $2, prefer_until = clock_timestamp() + interval '20 seconds', then_agent_id = $3,
       steps = null, step_at = null, handed_by = $4, handed_note = $5
 where id = $1
"""
TO_QUEUE = """
update contact
   set queue_id = $2, need_id = $3, handed = true, steps = null, step_at = null, handed_by = $4, handed_note = $5
 where id = $1
"""
QUEUE_IS_THERE = "select true from queue where id = $1 and retired_at is null"


async def hand_over(tx: Transaction, root: UUID, contact: Any, order: Order, actor: Actor) -> Refused | None:
    """Blind, to an agent or a queue: the sender is released. The contact is locked and held."""
    if contact["state"] not in ("assigned", "parked"):
        return Refused("wrong_state", f"The contact is {contact['state']}; nobody holds it.", "contact")
    sender, by = contact["agent_id"], Author(actor.id, actor.name)
    if order.agent is not None:
        refused = await refused_agent(tx, order.agent, contact["class"], actor)
        if refused is not None:
            return refused
        await step(tx, root, contact, Change("handed_back", "transferred", "transferred", actor=by, note=order.note))
        await tx.connection.execute(PREFER, contact["id"], order.agent, sender, actor.id, order.note)
        return None
    if not await tx.connection.fetchval(QUEUE_IS_THERE, order.queue):
        return NO_QUEUE
    need = await intern_need(tx.connection, Need(str(order.queue), contact["class"]))
    change = Change("handed_back", "transferred", "transferred", pass_over=sender, actor=by, note=order.note)
    await step(tx, root, contact, change)
    await tx.connection.execute(TO_QUEUE, contact["id"], order.queue, need, actor.id, order.note)
    return None


async def refused_agent(tx: Transaction, agent: UUID, work_class: str, actor: Actor) -> Refused | None:
    """Why this agent cannot be handed work of this class now."""
    if agent == actor.id:
        return Refused("invalid", "You cannot hand it to yourself.", "to.agent")
    row = await tx.connection.fetchrow(FREE, agent, work_class)
    if row is None or not row["active"]:
        return NO_AGENT
    return None if row["free"] else NOT_FREE


async def transfer_call(tx: Transaction, locked: LockedCall, order: Order, actor: Actor) -> Refused | None:
    """Hand a call on."""
    if locked.contact["agent_id"] != actor.id and actor.role not in ("supervisor", "admin"):
        return Refused("not_holder", "Only the agent who holds this call may hand it on.", "contact")
    if locked.call["state"] != "bridged":
        return Refused("wrong_state", "Nobody talks on this call now.", "contact")
    if locked.consult is not None or any(leg["role"] == "outside" for leg in locked.live()):
        return Refused("wrong_state", "You are handing it on already. Cancel that first.", "contact")
    if order.number is not None:
        await _outside(tx, locked, order)
        await _leave_note(tx, locked, order, actor)
        return None
    if not order.warm:
        return await hand_over(tx, locked.root, locked.contact, order, actor)
    if order.agent is None:
        return Refused("invalid", "A warm transfer goes to an agent or a number.", "warm")
    return await _ask(tx, locked, order, order.agent, actor)


async def _leave_note(tx: Transaction, locked: LockedCall, order: Order, actor: Actor) -> None:
    if order.note is not None:
        note = new_entry(locked.root, locked.contact, "note", order.note, Author(actor.id, actor.name))
        await append_to_customer(tx, locked.root, [note])


async def _outside(tx: Transaction, locked: LockedCall, order: Order) -> None:
    number = str(order.number)
    leg = await add_leg(tx.connection, NewLeg(locked.id, "outside", number, RING_OUTSIDE_SECONDS, warm=order.warm))
    await want(
        *(tx.connection, locked.id, leg),
        DialLeg(number, f"agent?leg={leg}", f"leg?leg={leg}", RING_OUTSIDE_SECONDS),
    )


# Nobody serves this need: whom it is for is asked, and nobody else.
ONLY_NEED = """
with i as (
    insert into need (queue_id, class, weight, skills)
    select id, 'voice', weight, '{only}' from queue where id = $1
    on conflict do nothing returning id)
select id from i
union all
select id from need where queue_id = $1 and class = 'voice' and skills = '{only}' and levels = '{}' limit 1
"""
ADD_CONSULT = """
insert into contact (id, customer_id, conversation_id, account_id, handle_id, channel, class, state, unrouted,
                     queue_id, need_id, priority, order_key, prefer_agent_id, prefer_until, arrived_at,
                     preview, preview_direction, handed_by, handed_note)
select $2, c.customer_id, c.conversation_id, c.account_id, c.handle_id, c.channel, 'voice', 'queued', false, c.queue_id,
       $3, c.priority, c.order_key, $4, clock_timestamp() + interval '20 seconds', clock_timestamp(),
       left($5 || ' asks you to take over', 160), 'in', $6, $7
  from contact c where c.id = $1
"""
SET_CONSULT = "update call set consult_id = $2 where id = $1"
QUEUE_OF = "select queue_id from contact where id = $1"


async def _ask(tx: Transaction, locked: LockedCall, order: Order, agent: UUID, actor: Actor) -> Refused | None:
    refused = await refused_agent(tx, agent, "voice", actor)
    if refused is not None:
        return refused
    queue = await tx.connection.fetchval(QUEUE_OF, locked.contact["id"])
    if queue is None:
        return Refused("wrong_state", "A call that came through no queue can be handed on blind only.", "warm")
    consult, need = new_id(), await tx.connection.fetchval(ONLY_NEED, queue)
    row = (locked.contact["id"], consult, need, agent, actor.name, actor.id, order.note)
    await tx.connection.execute(ADD_CONSULT, *row)
    await tx.connection.execute(SET_CONSULT, locked.id, consult)
    await _leave_note(tx, locked, order, actor)
    return None
