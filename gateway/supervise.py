"""What supervisors do with the work of others, for REST and screens alike: done, and kept who did it."""

from __future__ import annotations

from model.agent import Actor
from model.refusal import Refused
from model.wire_board import Reassign, SetPresenceOf, TakeBack
from profiles.audit import audit
from router.supervising import reassign, set_presence_of, take_back
from store.feeds import Transaction

Act = TakeBack | Reassign | SetPresenceOf


async def supervise(tx: Transaction, actor: Actor, act: Act) -> Refused | None:
    """Carry it out in this transaction."""
    subject: dict[str, object]
    match act:
        case TakeBack():
            refused = await take_back(tx, act.contact, actor)
            action, subject = "contact.take_back", {"contact": act.contact}
        case Reassign():
            refused = await reassign(tx, act.contact, act.agent, actor)
            action, subject = "contact.reassign", {"contact": act.contact, "agent": act.agent}
        case SetPresenceOf():
            refused = await set_presence_of(tx, act.agent, act.status, act.reason)
            action, subject = "agent.presence", {"agent": act.agent, "status": act.status}
    if refused is None:
        await audit(tx.connection, actor.id, action, None, subject)
    return refused
