"""Details: free notes on the person (allergies, the preferred floor), with who wrote them and when."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from model.agent import Actor
from model.customer import Detail
from model.event import DetailsChanged
from model.refusal import Refused
from profiles.audit import audit
from profiles.edit import NO_CUSTOMER
from profiles.sections import fetch_details
from profiles.values import check_text
from store.feeds import Transaction, append_to_customer, lock_customer

LONGEST = 16_000
MOST = 200
NO_DETAIL = Refused("not_found", "There is no such detail; it may have been removed.", "detail")

KNOWN = "select m.root_id, d.by_agent from detail d join customer m on m.id = d.customer_id where d.id = $1"
COUNT = """
select count(*) from customer m join detail d on d.customer_id = m.id where m.root_id = $1 and d.removed_at is null
"""
INSERT_DETAIL = "insert into detail (id, customer_id, body, by_agent) values ($1, $2, $3, $4)"


async def add_detail(tx: Transaction, actor: Actor, customer: UUID, id_: UUID, body: str) -> Detail | Refused:
    """Add a note on the person. `id_` is the writer's: the same again adds nothing."""
    text = check_text(body, "body", LONGEST)
    if isinstance(text, Refused):
        return text
    root = await lock_customer(tx, customer)
    if root is None:
        return NO_CUSTOMER
    known = await tx.connection.fetchrow(KNOWN, id_)
    if known is not None:
        if (known["root_id"], known["by_agent"]) != (root, actor.id):
            return Refused("taken", "This id belongs to another detail; take a new one.", "id")
        return await _find(tx, root, id_) or NO_DETAIL
    if await tx.connection.fetchval(COUNT, root) >= MOST:
        return Refused("invalid", f"A profile has at most {MOST} details; remove some.", "body")
    await tx.connection.execute(INSERT_DETAIL, id_, root, text, actor.id)
    return await _changed(tx, actor, root, id_, "detail_added") or NO_DETAIL


class DetailChange(Struct, frozen=True, forbid_unknown_fields=True):
    """A detail's new text, and the revision of the one it replaces."""

    body: str
    revision: int


CUSTOMER_OF = "select customer_id from detail where id = $1"
STANDING = """
select d.body, d.revision, d.at, a.name from detail d left join agent a on a.id = d.by_agent
 where d.id = $1 and d.removed_at is null
"""
CHANGE_DETAIL = """
update detail set body = $2, revision = revision + 1, at = clock_timestamp(), by_agent = $3 where id = $1
"""


async def change_detail(tx: Transaction, actor: Actor, id_: UUID, change: DetailChange) -> Detail | Refused:
    """Write a detail anew."""
    text = check_text(change.body, "body", LONGEST)
    if isinstance(text, Refused):
        return text
    root = await lock_owner(tx, CUSTOMER_OF, id_)
    old = await tx.connection.fetchrow(STANDING, id_) if root else None
    if root is None or old is None:
        return NO_DETAIL
    if old["revision"] != change.revision:
        message = f"{old['name'] or 'Somebody'} changed it on {old['at']:%d %b %Y at %H:%M} UTC; read it again."
        return Refused("conflict", message, "revision")
    if old["body"] == text:
        return await _find(tx, root, id_) or NO_DETAIL
    await tx.connection.execute(CHANGE_DETAIL, id_, text, actor.id)
    return await _changed(tx, actor, root, id_, "detail_changed") or NO_DETAIL


REMOVE_DETAIL = "update detail set removed_at = now() where id = $1 and removed_at is null returning id"


async def remove_detail(tx: Transaction, actor: Actor, id_: UUID) -> Refused | None:
    """Take a detail off the profile."""
    root = await lock_owner(tx, CUSTOMER_OF, id_)
    if root is None or await tx.connection.fetchval(REMOVE_DETAIL, id_) is None:
        return NO_DETAIL
    await _changed(tx, actor, root, id_, "detail_removed")
    return None


async def lock_owner(tx: Transaction, customer_of: str, id_: UUID) -> UUID | None:
    """Lock the root of the customer a row belongs to; None when there is no such row."""
    customer = await tx.connection.fetchval(customer_of, id_)
    return None if customer is None else await lock_customer(tx, customer)


async def _changed(tx: Transaction, actor: Actor, root: UUID, id_: UUID, action: str) -> Detail | None:
    await audit(tx.connection, actor.id, action, root, {"detail": id_})
    details = await fetch_details(tx.connection, root)
    await append_to_customer(tx, root, [DetailsChanged(details)])
    return next((detail for detail in details if detail.id == id_), None)


async def _find(tx: Transaction, root: UUID, id_: UUID) -> Detail | None:
    return next((detail for detail in await fetch_details(tx.connection, root) if detail.id == id_), None)
