"""Handles of a profile changed by hand or by another system: each at one customer at most, or shared.

A handle's row stays when its customer loses it, for the entries that came on it; a row of `link` says who decided what.
"""

from __future__ import annotations

from uuid import UUID

from msgspec import UNSET, Struct, UnsetType, structs

from model.agent import Actor
from model.customer import Customer, HandleView
from model.refusal import Refused
from profiles.audit import audit
from profiles.edit import NO_CUSTOMER, tell_customer
from profiles.handle_claims import (
    LABEL,
    ONLY_MAIN,
    OWN_HANDLE,
    NewHandle,
    link_handle,
    lock_free_handles,
    own_handles,
    parse_handles,
)
from profiles.sections import fetch_customer
from profiles.values import check_line, invalid
from store.feeds import Transaction, lock_customer
from store.pool import Connection

MOST = 100
NO_HANDLE = Refused("not_found", "There is no such handle on a profile; it may have been removed.", "handle")


class HandleChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a handle.

    `shared: true`: several people write on it, it belongs to none of them. `shared: false` with `customer`: it is
    theirs alone from now on.
    """

    label: str | UnsetType | None = UNSET
    main: bool | UnsetType = UNSET
    textable: bool | UnsetType = UNSET
    shared: bool | UnsetType = UNSET
    customer: UUID | None = None


async def add_handle(tx: Transaction, actor: Actor, customer: UUID, new: NewHandle) -> HandleView | Refused:
    """Add a handle nobody else has."""
    parsed = await parse_handles(tx.connection, [new], "value")
    if isinstance(parsed, Refused):
        return parsed
    ids = await lock_free_handles(tx, parsed)
    if isinstance(ids, Refused):
        return ids
    root = await lock_customer(tx, customer)
    if root is None:
        return NO_CUSTOMER
    if len((await fetch_customer(tx.connection, root)).handles) >= MOST:
        return invalid("value", f"may be one of at most {MOST} of a profile")
    await own_handles(tx, actor, root, parsed, ids)
    [id_] = ids.values()
    return _find(await _changed(tx, actor, root, id_, "handle_added"), id_)


async def _changed(tx: Transaction, actor: Actor, root: UUID, id_: UUID, action: str) -> Customer:
    await audit(tx.connection, actor.id, action, root, {"handle": id_})
    return await tell_customer(tx, root)


def _find(customer: Customer, id_: UUID) -> HandleView | Refused:
    return next((handle for handle in customer.handles if handle.id == id_), NO_HANDLE)


LOCK_HANDLE = "select id, customer_id, shared, label, main, textable from handle where id = $1 for no key update"
CHANGE_HANDLE = "update handle set label = $2, textable = $3, main = $4 where id = $1"


async def change_handle(tx: Transaction, actor: Actor, id_: UUID, change: HandleChange) -> HandleView | Refused:
    """Relabel a handle, make it the first to use, say whether it takes text, or that it is shared or no longer."""
    row = await tx.connection.fetchrow(LOCK_HANDLE, id_)
    if row is None or (row["customer_id"] is None and not row["shared"]):
        return NO_HANDLE
    label = row["label"] if change.label is UNSET else check_line(change.label, "label", LABEL)
    if isinstance(label, Refused):
        return label
    if row["shared"]:
        return await _unshare(tx, actor, id_, change)
    if change.shared is True:
        return await _share(tx, actor, id_, change, row["customer_id"])
    root = await lock_customer(tx, row["customer_id"])
    if root is None:
        return NO_HANDLE
    textable = row["textable"] if change.textable is UNSET else change.textable
    main = row["main"] if change.main is UNSET else change.main
    if (label, textable, main) == (row["label"], row["textable"], row["main"]):
        return _find(await fetch_customer(tx.connection, root), id_)
    await tx.connection.execute(CHANGE_HANDLE, id_, label, textable, main)
    if main:
        await tx.connection.execute(ONLY_MAIN, id_, root)
    return _find(await _changed(tx, actor, root, id_, "handle_changed"), id_)


SHARE = """
update handle set customer_id = null, shared = true, main = false, speaks_as = $2 where id = $1 and not shared
"""


async def _share(tx: Transaction, actor: Actor, id_: UUID, change: HandleChange, leaf: UUID) -> HandleView | Refused:
    """Several people write on it: it is nobody's own, and what comes on it is asked about."""
    if not all(each is UNSET for each in (change.label, change.main, change.textable)):
        return Refused("invalid", "Send `shared` alone: a shared handle is nobody's, the rest says nothing.", "shared")
    root = await lock_customer(tx, leaf)
    if root is None:
        return NO_HANDLE
    view = _find(await fetch_customer(tx.connection, root), id_)
    # An exchange that is going on stays where it is: its next message is of the same person.
    await tx.connection.execute(SHARE, id_, leaf)
    await _main_anew(tx.connection, root)
    await link_handle(tx.connection, actor, id_, leaf, "marked_shared")
    await _changed(tx, actor, root, id_, "handle_shared")
    return view if isinstance(view, Refused) else structs.replace(view, shared=True, main=False)


# Where a kind has lost its main handle, the oldest takes its place.
MAIN_ANEW = """
update handle h set main = true
 where h.id in (
       select distinct on (o.kind) o.id from customer m join handle o on o.customer_id = m.id
        where m.root_id = $1
          and not exists (select from customer n join handle p on p.customer_id = n.id
                           where n.root_id = $1 and p.kind = o.kind and p.main)
        order by o.kind, o.created_at, o.id)
"""


async def _main_anew(connection: Connection, root: UUID) -> None:
    await connection.execute(MAIN_ANEW, root)


UNSHARE = "update handle set shared = false, speaks_as = null where id = $1"


async def _unshare(tx: Transaction, actor: Actor, id_: UUID, change: HandleChange) -> HandleView | Refused:
    """It is one customer's own after all."""
    if change.shared is not False or change.customer is None:
        message = "The handle is shared; `shared: false` with `customer` makes it one customer's own."
        return Refused("wrong_state", message, "customer" if change.shared is False else "shared")
    root = await lock_customer(tx, change.customer)
    if root is None:
        return NO_CUSTOMER
    await tx.connection.execute(UNSHARE, id_)
    label = None if change.label is UNSET else change.label
    textable = change.textable is UNSET or change.textable
    await tx.connection.execute(OWN_HANDLE, id_, root, label, change.main is True, textable, False)
    if change.main is True:
        await tx.connection.execute(ONLY_MAIN, id_, root)
    await link_handle(tx.connection, actor, id_, root, "no_longer_shared")
    return _find(await _changed(tx, actor, root, id_, "handle_unshared"), id_)


REMOVE_HANDLE = "update handle set customer_id = null, label = null, main = false where id = $1"


async def remove_handle(tx: Transaction, actor: Actor, id_: UUID) -> Refused | None:
    """Take a handle off the profile. What came on it stays; who writes on it next is somebody new."""
    row = await tx.connection.fetchrow(LOCK_HANDLE, id_)
    root = await lock_customer(tx, row["customer_id"]) if row and row["customer_id"] else None
    if row is None or root is None:
        return NO_HANDLE
    await tx.connection.execute(REMOVE_HANDLE, id_)
    if row["main"]:
        await _main_anew(tx.connection, root)
    await link_handle(tx.connection, actor, id_, row["customer_id"], "removed_by_hand")
    await _changed(tx, actor, root, id_, "handle_removed")
    return None
