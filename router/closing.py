"""Close a conversation and those folded into it: every contact in them ends, unless another agent has one live."""

from __future__ import annotations

from uuid import UUID

from model.agent import Actor
from model.event import ConversationChanged, CustomerEvent
from model.refusal import Refused
from model.timeline import Author, Entry
from router.endings import lock_agents, rescind_offer_of
from router.holding import Change, step
from store.feeds import NewEntry, Transaction, append_to_customer, lock_customer
from store.ids import new_id

# Asked again under the customer's lock: it may have been folded, or moved to another customer, while we waited.
SHOWN = "select customer_id, coalesce(folded_into, id) as id from conversation where id = $1"
LOCK_LIVE = """
select id from contact
 where conversation_id in (select id from conversation where id = $1 or folded_into = $1)
   and state not in ('abandoned', 'closed')
 order by id for no key update
"""
# A statement of its own: the one that waited for the locks cannot see an offer made meanwhile.
READ_LIVE = """
select c.id, c.state, c.fence, c.class, c.agent_id, c.conversation_id, coalesce(v.folded_into, v.id) as shown_id,
       c.channel, c.arrived_at,
       array(select o.agent_id from offer o where o.contact_id = c.id and o.state = 'pending' order by 1) as offered_to
  from contact c join conversation v on v.id = c.conversation_id
 where c.id = any ($1) and c.state not in ('abandoned', 'closed')
 order by c.id
"""
# Who holds it must say how it ended; a supervisor closes without.
UNCODED = """
select c.id from contact c join queue q on q.id = c.queue_id
 where c.id = any ($1) and c.agent_id is not null and c.disposition_id is null
   and case c.state when 'wrapping' then c.wrap_up else q.wrap_up_mode end = 'required'
"""
NEEDS_CODE = Refused(
    "wrong_state", "Finish its contact with a disposition first; its queue requires one.", "conversation"
)
STAYS_UNCODED = "update contact set wrap_up = 'required' where id = any ($1)"
CLOSE = """
with v as (
    update conversation v set status = 'closed', closed_at = x.at, needs_attention = false
      from (select clock_timestamp() as at) x
     where (v.id = $1 or v.folded_into = $1) and v.status <> 'closed' returning v.id, v.opened_at, v.closed_at)
select opened_at, closed_at from v where id = $1
"""


async def close_conversation(tx: Transaction, conversation: UUID, actor: Actor) -> Refused | None:
    """Close; closing what is closed changes nothing. `contacts_live`: another agent has, or is offered, one."""
    found = await _lock_shown(tx, conversation)
    if found is None:
        return Refused("not_found", "There is no such conversation.", "conversation")
    root, shown = found
    locked = [row["id"] for row in await tx.connection.fetch(LOCK_LIVE, shown)]
    live = await tx.connection.fetch(READ_LIVE, locked)
    having = [agent for row in live for agent in (row["agent_id"], *row["offered_to"]) if agent is not None]
    if actor.role == "agent" and any(agent != actor.id for agent in having):
        return Refused(
            "contacts_live",
            "Another agent has a live contact in this conversation. Ask them to finish it.",
            "conversation",
        )
    uncoded = await tx.connection.fetch(UNCODED, locked)
    if uncoded and actor.role == "agent":
        return NEEDS_CODE
    if uncoded:
        await tx.connection.execute(STAYS_UNCODED, [row["id"] for row in uncoded])
    by = Author(actor.id, actor.name)
    if len(having) > 1:
        await lock_agents(tx, having)
    for row in live:
        if row["offered_to"]:
            await rescind_offer_of(tx, row["id"], "closed")
        await step(tx, root, row, Change("closed", "closed", actor=by))
    closed = await tx.connection.fetchrow(CLOSE, shown)
    if closed is None:
        return None
    entry = Entry(
        id=new_id(),
        kind="status",
        channel=None,
        direction=None,
        body="closed",
        at=closed["closed_at"],
        status=None,
        conversation=shown,
        author=by,
    )
    changes: list[CustomerEvent | NewEntry] = [
        NewEntry(entry, root),
        ConversationChanged(shown, "closed", closed["opened_at"], closed["closed_at"], False),
    ]
    await append_to_customer(tx, root, changes)
    return None


async def _lock_shown(tx: Transaction, conversation: UUID) -> tuple[UUID, UUID] | None:
    """The locked root, and the conversation that is shown for this one."""
    row = await tx.connection.fetchrow(SHOWN, conversation)
    while row is not None:
        root = await lock_customer(tx, row["customer_id"])
        again = await tx.connection.fetchrow(SHOWN, conversation)
        if root is None or again is None or again["customer_id"] == row["customer_id"]:
            return (root, again["id"]) if root is not None and again is not None else None
        row = again
    return None
