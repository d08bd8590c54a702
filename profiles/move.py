"""Move a conversation to the customer it belongs to, where it was recorded with the wrong one.

It goes to a customer of its own of whom nothing is known, and that one is merged into the right one: undoing the merge
takes the conversation out again, and asks who it is. The only place where an entry changes its leaf.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from model.agent import Actor
from model.customer import MergeView
from model.event import Unmerged
from model.refusal import Refused
from profiles.audit import audit
from profiles.edit import json_of
from profiles.folding import refold
from profiles.holders import tell_holders
from profiles.merge import LOOK_AGAIN, MergeOrder, merge
from store.feeds import Transaction, append_to_customer, lock_customers
from store.ids import new_id
from store.pool import Connection

# The one that is shown, first, and those folded into it.
TALKS = """
select v.id, v.customer_id as leaf, v.folded_into from conversation v
 where v.id = (select coalesce(n.folded_into, n.id) from conversation n where n.id = $1)
    or v.folded_into = (select coalesce(n.folded_into, n.id) from conversation n where n.id = $1)
 order by v.folded_into is not null, v.opened_at, v.id
"""
HANDLES_OF = """
select h.id from handle h
 where h.id in (select c.handle_id from contact c where c.conversation_id = any ($1)
                 union
                select e.handle_id from unnest($1::uuid[], $2::uuid[]) u(id, leaf)
                       join entry e on e.customer_id = u.leaf and e.conversation_id = u.id)
 order by h.kind, h.scope, h.value for no key update
"""
IS_PLACEHOLDER = "select placeholder from customer where id = $1"


async def move(
    tx: Transaction, actor: Actor, conversation: UUID, customer: UUID, *, with_handle: bool = False
) -> MergeView | Refused:
    """Move a conversation, with what is folded into it. `with_handle`: who writes by its handle next is theirs too."""
    talks = await tx.connection.fetch(TALKS, conversation)
    if not talks:
        return Refused("not_found", "There is no such conversation.", "conversation")
    handles = await _lock_handles(tx.connection, talks)
    roots = await lock_customers(tx, [talks[0]["leaf"], customer])
    if roots is None:
        return Refused("not_found", "There is no such customer.", "customer")
    if await tx.connection.fetch(TALKS, conversation) != talks:
        raise asyncpg.SerializationError("the conversation was moved or folded meanwhile, move again")
    source, target = roots[UUID(int=talks[0]["leaf"].int)], roots[customer]
    if source == target:
        return Refused("wrong_state", "The conversation is this customer's already.", "customer")
    if await tx.connection.fetchval(IS_PLACEHOLDER, source):
        return Refused("wrong_state", "Nobody knows yet who writes here; identify them instead.", "conversation")
    done = await _move_all(tx, actor, talks, (source, target))
    if isinstance(done, Refused):
        return done
    if with_handle:
        await _move_handles(tx.connection, actor, handles, (source, target))
    await refold(tx.connection, [source])
    await tx.connection.execute(LOOK_AGAIN, [source, target])
    moved = handles if with_handle else []
    subject = {"conversation": conversation, "merge": done.id, "from": source, "handles": moved}
    await audit(tx.connection, actor.id, "move", target, subject)
    # It left this profile as what is unmerged does: screens read it again.
    await append_to_customer(tx, source, [Unmerged(done)])
    await tell_holders(tx, [source, target])
    return done


async def _lock_handles(connection: Connection, talks: Sequence[asyncpg.Record]) -> list[UUID]:
    ids, leaves = [talk["id"] for talk in talks], [talk["leaf"] for talk in talks]
    return [row["id"] for row in await connection.fetch(HANDLES_OF, ids, leaves)]


NOBODY = "insert into customer (id, root_id, placeholder) values ($1, $1, true)"
NOBODYS_STREAM = "insert into stream (kind, id) values (1, $1)"
# Under which customer a row stands: the conversation's leaf or, where no handle brought it, the root of its time.
MOVE_ROWS = (
    """
    update conversation
       set customer_id = $3, profile_id = $3, folded_into = case when status = 'closed' then folded_into end
     where id = $1 and customer_id = any ($2)
    """,
    "update entry set customer_id = $3 where customer_id = any ($2) and conversation_id = $1",
    "update outbox set customer_id = $3 where customer_id = any ($2) and conversation_id = $1",
    "update contact set customer_id = $3 where customer_id = any ($2) and conversation_id = $1",
    "update task set customer_id = $3 where customer_id = any ($2) and conversation_id = $1",
    """
    update handle set speaks_as = $3
     where shared and speaks_as = any ($2) and id in (select c.handle_id from contact c where c.conversation_id = $1)
    """,
)
MEMBERS = "select array_agg(id) from customer where root_id = $1"


async def _move_all(
    tx: Transaction, actor: Actor, talks: Sequence[asyncpg.Record], ends: tuple[UUID, UUID]
) -> MergeView | Refused:
    """Each to a leaf of its own, which are one and then the target's."""
    source, target = ends
    members = await tx.connection.fetchval(MEMBERS, source)
    first, *others = [await _set_apart(tx.connection, talk["id"], members) for talk in talks]
    evidence = {"conversation": talks[0]["id"], "proven_by": "agent"}
    for other in others:
        done = await merge(tx, MergeOrder(first, other, rule="moved", by=actor, evidence=evidence))
        if isinstance(done, Refused):
            return done
    return await merge(tx, MergeOrder(target, first, rule="moved", by=actor, evidence=evidence))


async def _set_apart(connection: Connection, talk: UUID, members: Sequence[UUID]) -> UUID:
    leaf = new_id()
    await connection.execute(NOBODY, leaf)
    await connection.execute(NOBODYS_STREAM, leaf)
    for move_rows in MOVE_ROWS:
        await connection.execute(move_rows, talk, members, leaf)
    return leaf


OWN_HANDLES = """
update handle h
   set customer_id = $2, main = not exists (select from customer m join handle o on o.customer_id = m.id
                                             where m.root_id = $2 and o.kind = h.kind and o.main)
  from customer m
 where h.id = any ($1) and m.id = h.customer_id and m.root_id = $3
returning h.id
"""
# Where a kind has lost its main handle, the oldest takes its place.
MAIN_ANEW = """
update handle h set main = true
 where h.id in (
       select distinct on (o.kind) o.id from customer m join handle o on o.customer_id = m.id
        where m.root_id = any ($1)
          and not exists (select from customer n join handle p on p.customer_id = n.id
                           where n.root_id = m.root_id and p.kind = o.kind and p.main)
        order by o.kind, o.created_at, o.id)
"""
LINK = "insert into link (id, handle_id, customer_id, rule, evidence, by_agent) values ($1, $2, $3, 'moved', $4, $5)"


async def _move_handles(connection: Connection, actor: Actor, handles: Sequence[UUID], ends: tuple[UUID, UUID]) -> None:
    source, target = ends
    for handle in handles:
        if await connection.fetchval(OWN_HANDLES, [handle], target, source):
            evidence = json_of({"proven_by": "agent", "rivals": [source]})
            await connection.execute(LINK, new_id(), handle, target, evidence, actor.id)
    await connection.execute(MAIN_ANEW, [source])
