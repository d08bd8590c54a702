"""A handle that many people use belongs to none of them: noticed by the names seen with it, in the background."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from model.inbound import HandleKind
from profiles.audit import audit
from profiles.edit import json_of, tell_customer
from profiles.handle_edits import MAIN_ANEW, SHARE
from profiles.handles import classify
from profiles.names import count_people
from store.feeds import Transaction, lock_customer
from store.ids import new_id
from store.pool import Connection

MANY: Final = 4
"""Clearly different names on one handle: a reception, a family's telephone, an address people make up."""

SEEN = """
select h.id, h.kind, h.value, h.names from customer m join handle h on h.customer_id = m.id where m.root_id = $1
"""


async def find_used_by_many(connection: Connection, root: UUID) -> list[UUID]:
    """Handles of a profile that cannot be one person's."""
    return [row["id"] for row in await connection.fetch(SEEN, root) if _rule(row["kind"], row["value"], row["names"])]


def _rule(kind: HandleKind, value: str, names: list[str]) -> str | None:
    if classify(kind, value) == "placeholder":
        return "means_nobody"
    return "seen_with_many_names" if count_people(names) >= MANY else None


LOCK_HANDLE = "select id, kind, value, names, customer_id, main from handle where id = $1 for no key update"
LINK = "insert into link (id, handle_id, customer_id, rule, evidence) values ($1, $2, $3, $4, $5)"


async def share_by_itself(tx: Transaction, handle: UUID) -> bool:
    """Make a handle nobody's own, if it still has to be. Its owner so far stays among the candidates of who writes.

    An exchange that is going on stays where it is: the next message is of the same person.
    """
    row = await tx.connection.fetchrow(LOCK_HANDLE, handle)
    rule = _rule(row["kind"], row["value"], row["names"]) if row and row["customer_id"] else None
    if row is None or rule is None:
        return False
    root = await lock_customer(tx, row["customer_id"])
    if root is None:
        return False
    await tx.connection.execute(SHARE, handle, row["customer_id"])
    await tx.connection.execute(MAIN_ANEW, root)
    why = json_of({"proven_by": "names", "names": len(row["names"]), "rivals": []})
    await tx.connection.execute(LINK, new_id(), handle, row["customer_id"], rule, why)
    await audit(tx.connection, None, "handle_shared", root, {"handle": handle})
    await tell_customer(tx, root)
    return True
