"""A customer made by hand or by another system, before any contact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from model.agent import Actor
from model.customer import Customer, FieldValue
from model.refusal import Refused
from profiles.addresses import NewAddress, check_addresses, insert_addresses
from profiles.audit import audit
from profiles.edit import (
    NOW,
    Change,
    check_changes,
    contradiction,
    custom_changes,
    provenance,
    save_values,
    taken,
    tell_customer,
)
from profiles.handle_claims import NewHandle, Parsed, lock_free_handles, own_handles, parse_handles
from profiles.values import CHECKS, Kept, invalid
from store.feeds import Transaction
from store.ids import new_id
from store.pool import Connection

MOST_HANDLES = 50


class NewCustomer(Struct, frozen=True, forbid_unknown_fields=True):
    """A customer to create: a name, a handle or an external id at least."""

    name: str | None = None
    handles: tuple[NewHandle, ...] = ()
    company: str | None = None
    location: str | None = None
    language: str | None = None
    time_zone: str | None = None
    plan: str | None = None
    birth_date: str | None = None
    external_id: str | None = None
    tags: tuple[str, ...] = ()
    preferred_channels: tuple[str, ...] = ()
    refused_channels: tuple[str, ...] = ()
    fields: dict[str, FieldValue | None] = {}
    addresses: tuple[NewAddress, ...] = ()


INSERT_CUSTOMER = """
insert into customer (id, root_id, external_id) values ($1, $1, $2)
on conflict (external_id) where external_id is not null do nothing returning id
"""
INSERT_STREAM = "insert into stream (kind, id) values (1, $1)"


async def create_customer(tx: Transaction, actor: Actor, new: NewCustomer) -> Customer | Refused:
    """Create a customer with handles nobody has yet. Refused with `taken` and the other's id when one is somebody's."""
    at: datetime = await tx.connection.fetchval(NOW)
    values = await _values(tx.connection, new, at)
    addresses = check_addresses(new.addresses, "addresses[{}]")
    handles = await parse_handles(tx.connection, new.handles, "handles[{}]")
    if isinstance(values, Refused):
        return values
    if isinstance(addresses, Refused):
        return addresses
    if isinstance(handles, Refused):
        return handles
    id_ = new_id()
    refused = await taken(tx.connection, id_, values.get("external_id")) or _too_little(values, handles)
    ids = refused or await lock_free_handles(tx, handles)
    if isinstance(ids, Refused):
        return ids
    if await tx.connection.fetchval(INSERT_CUSTOMER, id_, values.get("external_id")) is None:
        return Refused("taken", "Another customer was given this external id just now; read it first.", "external_id")
    await tx.connection.execute(INSERT_STREAM, id_)
    await save_values(tx.connection, id_, values, {field: provenance(actor, at) for field in values})
    await own_handles(tx, actor, id_, handles, ids)
    await insert_addresses(tx, actor, id_, addresses)
    await audit(tx.connection, actor.id, "customer_created", id_, {"handles": sorted(ids.values())})
    return await tell_customer(tx, id_)


async def _values(connection: Connection, new: NewCustomer, at: datetime) -> dict[str, Kept] | Refused:
    """What was given, by field, in the form in which it is kept."""
    changes = [Change(field, getattr(new, field)) for field in CHECKS]
    checked = await check_changes(connection, [*changes, *custom_changes(new.fields, {})], at)
    if isinstance(checked, Refused):
        return checked
    values: dict[str, Kept] = {field: value for field, value in checked.items() if value not in (None, [])}
    return contradiction(values, {}) or values


def _too_little(values: Mapping[str, Kept], handles: Sequence[Parsed]) -> Refused | None:
    if len(handles) > MOST_HANDLES:
        return invalid("handles", f"are at most {MOST_HANDLES}")
    if not handles and "name" not in values and "external_id" not in values:
        return invalid("name", "or a handle or an external_id says who it is")
    return None
