"""How customers relate to each other, seen from both; and entries of one timeline kept in view on another's profile."""

from __future__ import annotations

from uuid import UUID

from model.agent import Actor
from model.customer import Pin, Relationship
from model.event import RelationshipsChanged
from model.refusal import Refused
from profiles.audit import audit
from profiles.edit import NO_CUSTOMER
from profiles.sections import fetch_pins, fetch_relationships
from store.feeds import Transaction, append_to_customer, lock_customer, lock_customers
from store.ids import new_id

MOST_RELATIONSHIPS = 200
MOST_PINS = 100
NO_RELATIONSHIP = Refused("not_found", "There is no such relationship; it may have been removed.", "relationship")
NO_PIN = Refused("not_found", "There is no such pin; it may have been removed.", "pin")

TYPE = "select label, back from relationship_type where id = $1 and archived_at is null"
# Both may be merged, so what counts is which roots the two rows belong to now. Where a type reads the same both ways,
# so does the relationship.
KNOWN = """
select r.id from relationship r
  join customer a on a.id = r.customer_id join customer b on b.id = r.other_id
  join relationship_type t on t.id = r.type_id
 where r.type_id = $3 and r.removed_at is null
   and ((a.root_id = $1 and b.root_id = $2) or (t.label = t.back and a.root_id = $2 and b.root_id = $1))
 limit 1
"""
INSERT_RELATIONSHIP = """
insert into relationship (id, customer_id, other_id, type_id, by_agent) values ($1, $2, $3, $4, $5)
"""


async def relate(tx: Transaction, actor: Actor, customer: UUID, type_: str, other: UUID) -> Relationship | Refused:
    """The other customer is to this one what the type's label says; the other's profile shows the reverse."""
    roots = await _lock_both(tx, customer, other)
    if isinstance(roots, Refused):
        return roots
    root, other_root = roots
    if root == other_root:
        return Refused("invalid", "A customer cannot relate to themselves; name another customer.", "customer")
    if await tx.connection.fetchrow(TYPE, type_) is None:
        message = "There is no such type; `GET /v1/relationship-types` lists those defined here."
        return Refused("invalid", message, "type")
    if await tx.connection.fetchval(KNOWN, root, other_root, type_) is not None:
        return Refused("taken", "The two are related in this way already.", "type")
    if len(await fetch_relationships(tx.connection, root)) >= MOST_RELATIONSHIPS:
        return Refused("invalid", f"A profile has at most {MOST_RELATIONSHIPS} relationships.", "customer")
    id_ = new_id()
    await tx.connection.execute(INSERT_RELATIONSHIP, id_, root, other_root, type_, actor.id)
    await audit(tx.connection, actor.id, "related", root, {"relationship": id_, "other": other_root})
    await _tell(tx, other_root)
    relationships = await _tell(tx, root)
    return next((each for each in relationships if each.id == id_), NO_RELATIONSHIP)


EXISTS = "select true from customer where id = $1"


async def _lock_both(tx: Transaction, customer: UUID, other: UUID) -> tuple[UUID, UUID] | Refused:
    roots = await lock_customers(tx, [customer, other])
    if roots is not None:
        return roots[customer], roots[other]
    if not await tx.connection.fetchval(EXISTS, customer):
        return NO_CUSTOMER
    return Refused("invalid", "There is no such customer to relate to.", "customer")


ENDS = "select customer_id, other_id from relationship where id = $1"
REMOVE_RELATIONSHIP = """
update relationship set removed_at = now() where id = $1 and removed_at is null returning id
"""


async def unrelate(tx: Transaction, actor: Actor, id_: UUID) -> Refused | None:
    """End a relationship, on both profiles."""
    ends = await tx.connection.fetchrow(ENDS, id_)
    if ends is None:
        return NO_RELATIONSHIP
    roots = await _lock_both(tx, ends["customer_id"], ends["other_id"])
    if isinstance(roots, Refused) or await tx.connection.fetchval(REMOVE_RELATIONSHIP, id_) is None:
        return NO_RELATIONSHIP
    await audit(tx.connection, actor.id, "unrelated", roots[0], {"relationship": id_, "other": roots[1]})
    for root in sorted(set(roots)):
        await _tell(tx, root)
    return None


async def _tell(tx: Transaction, root: UUID) -> tuple[Relationship, ...]:
    relationships = await fetch_relationships(tx.connection, root)
    pins = await fetch_pins(tx.connection, root)
    await append_to_customer(tx, root, [RelationshipsChanged(relationships, pins)])
    return relationships


OWNER_OF_ENTRY = "select m.root_id from entry e join customer m on m.id = e.customer_id where e.id = $1"
PINNED = "select p.id from pin p join customer m on m.id = p.customer_id where m.root_id = $1 and p.entry_id = $2"
INSERT_PIN = "insert into pin (id, customer_id, entry_id, by_agent) values ($1, $2, $3, $4)"


async def pin(tx: Transaction, actor: Actor, customer: UUID, entry: UUID) -> Pin | Refused:
    """Keep an entry of another customer's timeline in view on this one's profile."""
    root = await lock_customer(tx, customer)
    if root is None:
        return NO_CUSTOMER
    owner = await tx.connection.fetchval(OWNER_OF_ENTRY, entry)
    if owner is None:
        return Refused("invalid", "There is no such entry.", "entry")
    if owner == root:
        return Refused("invalid", "The entry is on this timeline already; pin those of others.", "entry")
    if await tx.connection.fetchval(PINNED, root, entry) is not None:
        return Refused("taken", "The entry is pinned here already.", "entry")
    if len(await fetch_pins(tx.connection, root)) >= MOST_PINS:
        return Refused("invalid", f"A profile has at most {MOST_PINS} pins; remove some.", "entry")
    id_ = new_id()
    await tx.connection.execute(INSERT_PIN, id_, root, entry, actor.id)
    await audit(tx.connection, actor.id, "pinned", root, {"pin": id_, "entry": entry})
    await _tell(tx, root)
    return next((each for each in await fetch_pins(tx.connection, root) if each.id == id_), NO_PIN)


OWNER_OF_PIN = "select customer_id, entry_id from pin where id = $1"
REMOVE_PIN = "delete from pin where id = $1 returning id"


async def unpin(tx: Transaction, actor: Actor, id_: UUID) -> Refused | None:
    """Take a pinned entry off the profile; it stays on its own timeline."""
    owner = await tx.connection.fetchrow(OWNER_OF_PIN, id_)
    root = await lock_customer(tx, owner["customer_id"]) if owner else None
    if root is None or await tx.connection.fetchval(REMOVE_PIN, id_) is None:
        return NO_PIN
    await audit(tx.connection, actor.id, "unpinned", root, {"pin": id_})
    await _tell(tx, root)
    return None
