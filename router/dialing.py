"""An agent calls a customer: the contact is theirs from the first, and takes their line before anything rings."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from model.agent import Actor
from model.refusal import Refused
from router.assign import HOLD
from store.feeds import Transaction, append_to_agent
from store.ids import new_id

# Away or not: who calls decides for themselves; but a line carries one call.
RESERVE = """
update agent_state set used_voice = used_voice + 1, idle_since = clock_timestamp()
 where agent_id = $1 and used_voice < cap_voice returning agent_id
"""
TAKE = """
update contact set state = 'assigned', agent_id = $2, state_at = clock_timestamp(), unrouted = false, shown = true,
                   queue_id = (select a.queue_id from account a where a.id = contact.account_id)
 where id = $1 and state = 'new'
"""
HELD_LINE = "select held_line(c, false) from contact c where c.id = $1"
BUSY = Refused("wrong_state", "You are on a call. End it before you make another.", "customer")


async def take_line(tx: Transaction, contact: UUID, actor: Actor) -> Refused | None:
    """Give the contact of a call of ours to who makes it. The customer's stream is locked."""
    await tx.connection.execute(TAKE, contact, actor.id)
    held: Any = await tx.connection.fetchval(RESERVE, actor.id)
    if held is None:
        return BUSY
    await tx.connection.execute(HOLD, new_id(), contact, actor.id, 0, "voice", 1)
    await append_to_agent(tx, actor.id, [await tx.connection.fetchval(HELD_LINE, contact)])
    return None
