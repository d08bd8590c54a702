"""Warm transfer of all but calls: somebody is asked to take a held contact over, and its holder keeps it until then.

Who is asked reserves nothing: their slot is taken by the accept, with the guard of every assignment. However the
contact leaves its holder meanwhile, a trigger of the database ends the asking in the same transaction;
`settle_handover` tells both. Locks: the customer's stream (where the contact moves), the contact, the handover, both
agents sorted.
"""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from model.agent import Actor
from model.contact import ProfileContact
from model.event import HandoverEnded
from model.handover import HandoverOutcome
from model.refusal import Refused
from model.timeline import Author
from router.assign import Given, give, reserve
from router.endings import lock_agents
from router.holding import Change, lock_contact, new_entry, step
from router.presence import OFFER_GRACE
from router.reasons import flaw_of_decline
from router.transfer import Order, refused_agent
from store.feeds import Transaction, append_to_agent, append_to_customer
from store.ids import new_id
from store.pool import Connection

ASK_SECONDS = 60
"""How long who is asked may think about it: longer than an offer rings, for nobody waits without an agent."""

ASKED_OF = """
select a.name from handover h join agent a on a.id = h.agent_id where h.contact_id = $1 and h.ended_at is null
"""
ADD = """
insert into handover (id, contact_id, by_agent_id, agent_id, note, expires_at)
values ($1, $2, $3, $4, $5, clock_timestamp() + $6 * interval '1 second')
returning handover_line(handover)
"""


async def ask_to_take(tx: Transaction, root: UUID, contact: Any, order: Order, actor: Actor) -> Refused | None:
    """Ask an agent; the contact is locked, and the actor may hand it on. A supervisor asks in the holder's name."""
    if order.agent is None:
        return Refused("invalid", "A warm transfer goes to an agent.", "warm")
    if contact["state"] not in ("assigned", "parked"):
        return Refused("wrong_state", f"The contact is {contact['state']}; nobody holds it.", "contact")
    if order.agent == contact["agent_id"] != actor.id:
        return Refused("wrong_state", "They have it already.", "to.agent")
    refused = await refused_agent(tx, order.agent, contact["class"], actor)
    if refused is not None:
        return refused
    asked = await tx.connection.fetchval(ASKED_OF, contact["id"])
    if asked is not None:
        return Refused("wrong_state", f"{asked} is asked already. Cancel that first.", "contact")
    holder = contact["agent_id"]
    if order.note is not None:
        note = new_entry(root, contact, "note", order.note, Author(actor.id, actor.name))
        await append_to_customer(tx, root, [note])
    await lock_agents(tx, [holder, order.agent])
    row = (new_id(), contact["id"], holder, order.agent, order.note, ASK_SECONDS)
    line = await tx.connection.fetchval(ADD, *row)
    for agent in (holder, order.agent):
        await append_to_agent(tx, agent, [line])
    return None


FIND = """
select h.id, h.contact_id, h.by_agent_id, b.name as by_name, h.agent_id, h.outcome,
       h.expires_at <= clock_timestamp() as late
  from handover h join agent b on b.id = h.by_agent_id where h.id = $1
"""
LOCK_CONTACT = "select id from contact where id = $1 for no key update"
END = """
update handover set ended_at = clock_timestamp(), outcome = $2, reason = $3, told = true
 where id = $1 and ended_at is null
"""
NONE = Refused("gone", "Nobody is asked that any more.", "handover")
GONE: dict[HandoverOutcome, str] = {
    "accepted": "It has been taken over already.",
    "declined": "It was declined.",
    "timed_out": "The time to answer was over.",
    "cancelled": "It was cancelled: they keep it themselves.",
    "withdrawn": "The contact has ended, or is somebody else's by now.",
}


async def _end(tx: Transaction, asked: Any, outcome: HandoverOutcome, reason: str | None = None) -> None:
    """End it, and tell both. The contact is locked, and the handover live."""
    await tx.connection.execute(END, asked["id"], outcome, reason)
    await _tell(tx, asked, outcome, reason)


async def _tell(tx: Transaction, asked: Any, outcome: HandoverOutcome, reason: str | None) -> None:
    await lock_agents(tx, [asked["by_agent_id"], asked["agent_id"]])
    ended = HandoverEnded(asked["id"], asked["contact_id"], outcome, reason)
    for agent in (asked["by_agent_id"], asked["agent_id"]):
        await append_to_agent(tx, agent, [ended])


# $2: who takes it. Read anew after the step, which raised the fence.
TO_GIVE = """
select c.id, c.fence, c.class, c.channel, coalesce(v.folded_into, v.id) as shown_id, c.arrived_at, c.conversation_id,
       coalesce(n.weight, 1) as weight, c.queue_id, coalesce(q.interruptible, false) as interruptible
  from contact c join conversation v on v.id = c.conversation_id left join need n on n.id = c.need_id
       left join queue q on q.id = c.queue_id
 where c.id = $1
"""
# What the rules had planned for it is over, and who looks at the decision later sees that it was for one alone.
FOR_THEM = "update contact set prefer_agent_id = $2, steps = null, step_at = null where id = $1"
FULL = Refused("wrong_state", "You have no free slot for this now. Finish something, then accept.", "handover")


async def accept_handover(tx: Transaction, handover: UUID, actor: Actor) -> Given | Refused:
    """It is theirs: freed for its holder and taken by who was asked at once. Again by who has it: the same answer."""
    asked = await tx.connection.fetchrow(FIND, handover)
    if asked is None:
        return NONE
    if asked["agent_id"] != actor.id:
        return Refused("forbidden", "Another agent is asked.", "handover")
    locked = await lock_contact(tx, asked["contact_id"])
    asked = await tx.connection.fetchrow(FIND, handover)
    if locked is None or asked is None:
        return NONE
    root, row = locked
    if asked["outcome"] == "accepted" and row["agent_id"] == actor.id:
        return await _as_it_is(tx, root, row, actor)
    if asked["outcome"] is not None or asked["late"]:
        return Refused("gone", GONE[asked["outcome"] or "timed_out"], "handover")
    await lock_agents(tx, [asked["by_agent_id"], actor.id])
    if await reserve(tx, actor.id, await tx.connection.fetchrow(TO_GIVE, row["id"]), pulled=True) is None:
        return FULL
    await _end(tx, asked, "accepted")
    by = Author(asked["by_agent_id"], asked["by_name"])
    await step(tx, root, row, Change("handed_back", "transferred", "transferred", actor=by))
    await tx.connection.execute(FOR_THEM, row["id"], actor.id)
    to_give = await tx.connection.fetchrow(TO_GIVE, row["id"])
    return await give(tx, root, to_give, Author(actor.id, actor.name), pulled=True)


HOLD_OF = """
select o.id, s.seq from offer o cross join stream s
 where o.contact_id = $1 and o.agent_id = $2 and o.state = 'accepted' and s.kind = 1 and s.id = $3
 order by o.created_at desc limit 1
"""


async def _as_it_is(tx: Transaction, root: UUID, row: Any, actor: Actor) -> Given | Refused:
    hold = await tx.connection.fetchrow(HOLD_OF, row["id"], actor.id, root)
    if hold is None:
        return NONE
    contact = ProfileContact(
        *(row["id"], row["shown_id"], row["channel"], row["class"], row["state"]),
        *(Author(actor.id, actor.name), row["arrived_at"]),
    )
    return Given(contact, hold["id"], root, hold["seq"])


async def decline_handover(tx: Transaction, handover: UUID, reason: str | None, actor: Actor) -> Refused | None:
    """Who is asked will not: for one of the reasons that are defined, if any are. The holder keeps it."""
    refused = await flaw_of_decline(tx.connection, reason)
    if refused is not None:
        return refused
    asked = await tx.connection.fetchrow(FIND, handover)
    if asked is not None and asked["agent_id"] != actor.id:
        return Refused("forbidden", "Another agent is asked.", "handover")
    return await _end_live(tx, asked, "declined", reason)


async def cancel_handover(tx: Transaction, handover: UUID, actor: Actor) -> Refused | None:
    """Who asked, or a supervisor, asks no longer."""
    asked = await tx.connection.fetchrow(FIND, handover)
    if asked is not None and asked["by_agent_id"] != actor.id and actor.role not in ("supervisor", "admin"):
        return Refused("not_holder", "Only the agent who asked may cancel that.", "handover")
    return await _end_live(tx, asked, "cancelled", None)


async def _end_live(tx: Transaction, asked: Any, outcome: HandoverOutcome, reason: str | None) -> Refused | None:
    """End it, if that is still to be done under the contact's lock."""
    asked = await _locked(tx, asked)
    if asked is None:
        return NONE
    if asked["outcome"] is not None:
        return Refused("gone", GONE[asked["outcome"]], "handover")
    await _end(tx, asked, outcome, reason)
    return None


async def _locked(tx: Transaction, asked: Any) -> Any:
    """The handover as it is under its contact's lock; None where there is none."""
    if asked is None:
        return None
    await tx.connection.execute(LOCK_CONTACT, asked["contact_id"])
    return await tx.connection.fetchrow(FIND, asked["id"])


class DueHandover(Struct, frozen=True):
    """One to settle: its time is over, who is asked went away or vanished, or nobody has been told how it ended."""

    handover: UUID
    what: Literal["late", "left", "untold"]


LIMIT = 200
DUE = """
select h.id, 'late' as what from handover h where h.ended_at is null and h.expires_at <= clock_timestamp()
union all
select h.id, 'left' from handover h join agent_state s on s.agent_id = h.agent_id
 where h.ended_at is null and h.expires_at > clock_timestamp()
   and (s.presence <> 'available' or s.gone_at < clock_timestamp() - $2::interval)
union all
select h.id, 'untold' from handover h where h.ended_at is not null and not h.told
 limit $1
"""


async def due_handovers(connection: Connection) -> list[DueHandover]:
    """What there is to settle, found without a lock."""
    return [DueHandover(row["id"], row["what"]) for row in await connection.fetch(DUE, LIMIT, OFFER_GRACE)]


LEFT = """
select case when presence = 'available' then 'vanished' else presence end from agent_state
 where agent_id = $1 and (presence <> 'available' or gone_at < clock_timestamp() - $2::interval)
"""
TOLD = """
update handover set told = true where id = $1 and ended_at is not null and not told
returning id, contact_id, by_agent_id, agent_id, outcome, reason
"""


async def settle_handover(tx: Transaction, due: DueHandover) -> bool:
    """Settle one, looked at again under its locks; False when there is nothing to do any more."""
    if due.what == "untold":
        ended = await tx.connection.fetchrow(TOLD, due.handover)
        if ended is not None:
            await _tell(tx, ended, ended["outcome"], ended["reason"])
        return ended is not None
    asked = await _locked(tx, await tx.connection.fetchrow(FIND, due.handover))
    if asked is None or asked["outcome"] is not None:
        return False
    if asked["late"]:
        await _end(tx, asked, "timed_out")
        return True
    await lock_agents(tx, [asked["by_agent_id"], asked["agent_id"]])
    left = await tx.connection.fetchval(LEFT, asked["agent_id"], OFFER_GRACE)
    if left is not None:
        await _end(tx, asked, "withdrawn", left)
    return left is not None
