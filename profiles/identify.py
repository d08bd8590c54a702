"""Say who writes on a shared handle: a customer we know, or somebody new. Undoing its merge gives the question back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import asyncpg
from msgspec import Struct, structs

from model.agent import Actor
from model.customer import Candidate
from model.refusal import Refused
from profiles.audit import audit
from profiles.edit import NOW, json_of, provenance, save_values, tell_agents_the_name, tell_customer
from profiles.merge import MergeOrder, merge
from profiles.sections import fetch_candidates
from profiles.values import check_value
from store.feeds import Transaction, lock_customers
from store.ids import new_id


class Identified(Struct, frozen=True):
    """Whose conversation it is now. `merge`: what undoes it; null for somebody new."""

    customer: UUID
    merge: UUID | None = None


NO_CONVERSATION = Refused("not_found", "There is no such conversation.", "conversation")
LEAF_OF = "select customer_id from conversation where id = $1"
IS_PLACEHOLDER = "select placeholder from customer where id = $1"


async def identify(
    tx: Transaction, actor: Actor, conversation: UUID, customer: UUID | None, name: str | None
) -> Identified | Refused:
    """The customer this is, or else the name of somebody new."""
    if (customer is None) == (name is None):
        message = "Name the customer who writes, or else the name of somebody new, not both."
        return Refused("invalid", message, "customer")
    leaf = await tx.connection.fetchval(LEAF_OF, conversation)
    if leaf is None:
        return NO_CONVERSATION
    roots = await lock_customers(tx, [leaf, customer] if customer else [leaf])
    if roots is None:
        return Refused("not_found", "There is no such customer.", "customer")
    if await tx.connection.fetchval(LEAF_OF, conversation) != leaf:
        raise asyncpg.SerializationError("the conversation was moved meanwhile, identify again")
    root = roots[UUID(int=leaf.int)]
    if not await tx.connection.fetchval(IS_PLACEHOLDER, root):
        message = "It is known who writes here; move the conversation if it is somebody else's."
        return Refused("wrong_state", message, "conversation")
    if customer is None:
        return await _somebody_new(tx, actor, (conversation, root), name)
    return await _somebody_known(tx, actor, (conversation, root), roots[customer])


async def _somebody_known(
    tx: Transaction, actor: Actor, asked: tuple[UUID, UUID], customer: UUID
) -> Identified | Refused:
    conversation, root = asked
    rivals = await fetch_candidates(tx.connection, root)
    evidence = {"conversation": conversation, "proven_by": "agent"}
    done = await merge(tx, MergeOrder(customer, root, rule="identified", by=actor, evidence=evidence))
    if isinstance(done, Refused):
        return structs.replace(done, field="customer")
    await _remember(tx, actor, (conversation, customer), rivals)
    await audit(tx.connection, actor.id, "identify", customer, {"conversation": conversation, "merge": done.id})
    return Identified(customer, done.id)


KNOWN_NOW = "update customer set placeholder = false where id = $1"


async def _somebody_new(
    tx: Transaction, actor: Actor, asked: tuple[UUID, UUID], name: str | None
) -> Identified | Refused:
    conversation, root = asked
    checked = check_value("name", name, date.min)
    if isinstance(checked, Refused):
        return checked
    if checked is None:
        return Refused("invalid", "The name is empty; say what they are called.", "name")
    await _remember(tx, actor, asked, await fetch_candidates(tx.connection, root))
    at = await tx.connection.fetchval(NOW)
    await tx.connection.execute(KNOWN_NOW, root)
    await save_values(tx.connection, root, {"name": checked}, {"name": provenance(actor, at)})
    await audit(tx.connection, actor.id, "identify", root, {"conversation": conversation})
    await tell_agents_the_name(tx, root)
    await tell_customer(tx, root)
    return Identified(root)


# Candidates of the next conversation on this handle: who was identified last comes first.
REMEMBER = """
insert into link (id, handle_id, customer_id, rule, evidence, by_agent, at)
select $1, h.id, $3, 'identified', $4::jsonb, $5, clock_timestamp()
  from contact c join handle h on h.id = c.handle_id
 where c.conversation_id = $2 and h.shared
 order by c.arrived_at desc, c.id desc limit 1
"""


async def _remember(tx: Transaction, actor: Actor, said: tuple[UUID, UUID], asked: Sequence[Candidate]) -> None:
    conversation, customer = said
    rivals = [each.customer for each in asked if each.customer != customer]
    evidence = json_of({"conversation": conversation, "proven_by": "agent", "rivals": rivals})
    await tx.connection.execute(REMEMBER, new_id(), conversation, customer, evidence, actor.id)
