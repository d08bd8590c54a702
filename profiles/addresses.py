"""Postal addresses of a profile; one of them is the main one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from uuid import UUID

import asyncpg
from msgspec import UNSET, Struct, UnsetType, structs

from model.agent import Actor
from model.customer import Address, Customer
from model.refusal import Refused
from profiles.audit import audit
from profiles.details import lock_owner
from profiles.edit import NO_CUSTOMER, tell_customer
from profiles.sections import fetch_customer
from profiles.values import LINE, check_line, invalid
from store.feeds import Transaction, lock_customer
from store.ids import new_id

MOST = 50
NO_ADDRESS = Refused("not_found", "There is no such address; it may have been removed.", "address")
PARTS = ("label", "street", "city", "postal_code", "region", "country")
COUNTRY = re.compile(r"[A-Z]{2}")


class NewAddress(Struct, frozen=True, forbid_unknown_fields=True):
    """A postal address. `country`: ISO 3166-1, two letters."""

    label: str | None = None
    street: str | None = None
    city: str | None = None
    postal_code: str | None = None
    region: str | None = None
    country: str | None = None
    main: bool = False


class AddressChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of an address, and the revision of the one that was seen."""

    revision: int
    label: str | UnsetType | None = UNSET
    street: str | UnsetType | None = UNSET
    city: str | UnsetType | None = UNSET
    postal_code: str | UnsetType | None = UNSET
    region: str | UnsetType | None = UNSET
    country: str | UnsetType | None = UNSET
    main: bool | UnsetType = UNSET


def _check(given: NewAddress) -> NewAddress | Refused:
    """The address in the form in which it is kept."""
    kept: dict[str, str | None] = {}
    for part in PARTS:
        # A street may have two lines; printed, they are one with a comma.
        value = getattr(given, part)
        line = check_line(value.replace("\r", "").replace("\n", ", ") if value else None, part, LINE)
        if isinstance(line, Refused):
            return line
        kept[part] = line
    country = kept["country"] = kept["country"].upper() if kept["country"] else None
    if country and not COUNTRY.fullmatch(country):
        return invalid("country", "is two letters such as DE (ISO 3166-1)")
    if not any(kept[part] for part in PARTS[1:]):
        return invalid("street", "or another part of the address must not be empty")
    return NewAddress(**kept, main=given.main)


COUNT = """
select count(*) from customer m join address a on a.customer_id = m.id where m.root_id = $1 and a.removed_at is null
"""
INSERT_ADDRESS = """
insert into address (id, customer_id, label, street, city, postal_code, region, country, main, by_agent)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""


async def add_address(tx: Transaction, actor: Actor, customer: UUID, new: NewAddress) -> Address | Refused:
    """Add an address; the first is the main one."""
    address = _check(new)
    if isinstance(address, Refused):
        return address
    root = await lock_customer(tx, customer)
    if root is None:
        return NO_CUSTOMER
    count = await tx.connection.fetchval(COUNT, root)
    if count >= MOST:
        return invalid("address", f"may be one of at most {MOST} of a profile")
    id_ = new_id()
    await _insert(tx, actor, root, id_, structs.replace(address, main=address.main or count == 0))
    return _find(await _changed(tx, actor, root, id_, "address_added"), id_)


async def _insert(tx: Transaction, actor: Actor, root: UUID, id_: UUID, address: NewAddress) -> None:
    parts = (getattr(address, part) for part in PARTS)
    await tx.connection.execute(INSERT_ADDRESS, id_, root, *parts, address.main, actor.id)
    if address.main:
        await tx.connection.execute(ONLY_MAIN, root, id_)


def check_addresses(given: Sequence[NewAddress], field: str) -> list[NewAddress] | Refused:
    """The addresses of a new customer in the form in which they are kept; one is the main one."""
    if len(given) > MOST:
        return invalid("addresses", f"are at most {MOST}")
    kept: list[NewAddress] = []
    for place, each in enumerate(given):
        address = _check(each)
        if isinstance(address, Refused):
            return Refused(address.code, address.message, f"{field.format(place)}.{address.field}")
        kept.append(address)
    main = next((place for place, each in enumerate(kept) if each.main), 0)
    return [structs.replace(each, main=place == main) for place, each in enumerate(kept)]


async def insert_addresses(tx: Transaction, actor: Actor, root: UUID, addresses: Sequence[NewAddress]) -> None:
    """Write addresses that were checked."""
    for address in addresses:
        await _insert(tx, actor, root, new_id(), address)


ONLY_MAIN = """
update address a set main = false from customer m
 where m.root_id = $1 and a.customer_id = m.id and a.main and a.id <> $2 and a.removed_at is null
"""
CUSTOMER_OF = "select customer_id from address where id = $1"
STANDING = """
select a.*, g.name as by_name from address a left join agent g on g.id = a.by_agent
 where a.id = $1 and a.removed_at is null
"""
CHANGE_ADDRESS = """
update address set label = $2, street = $3, city = $4, postal_code = $5, region = $6, country = $7, main = $8,
                   revision = revision + 1, at = clock_timestamp(), by_agent = $9
 where id = $1
"""


async def change_address(tx: Transaction, actor: Actor, id_: UUID, change: AddressChange) -> Address | Refused:
    """Change parts of an address, or make it the main one."""
    root = await lock_owner(tx, CUSTOMER_OF, id_)
    row = await tx.connection.fetchrow(STANDING, id_) if root else None
    if root is None or row is None:
        return NO_ADDRESS
    if row["revision"] != change.revision:
        message = f"{row['by_name'] or 'Somebody'} changed it on {row['at']:%d %b %Y at %H:%M} UTC; read it again."
        return Refused("conflict", message, "revision")
    new = _check(_altered(row, change))
    if isinstance(new, Refused):
        return new
    parts = [getattr(new, part) for part in PARTS]
    if parts != [row[part] for part in PARTS] or new.main != row["main"]:
        await tx.connection.execute(CHANGE_ADDRESS, id_, *parts, new.main, actor.id)
        if new.main:
            await tx.connection.execute(ONLY_MAIN, root, id_)
        return _find(await _changed(tx, actor, root, id_, "address_changed"), id_)
    return _find(await fetch_customer(tx.connection, root), id_)


def _altered(row: asyncpg.Record, change: AddressChange) -> NewAddress:
    given = {part: getattr(change, part) for part in (*PARTS, "main")}
    return NewAddress(**{part: row[part] if value is UNSET else value for part, value in given.items()})


REMOVE_ADDRESS = "update address set removed_at = now(), main = false where id = $1 and removed_at is null returning id"


async def remove_address(tx: Transaction, actor: Actor, id_: UUID) -> Refused | None:
    """Take an address off the profile."""
    root = await lock_owner(tx, CUSTOMER_OF, id_)
    if root is None or await tx.connection.fetchval(REMOVE_ADDRESS, id_) is None:
        return NO_ADDRESS
    await _changed(tx, actor, root, id_, "address_removed")
    return None


async def _changed(tx: Transaction, actor: Actor, root: UUID, id_: UUID, action: str) -> Customer:
    await audit(tx.connection, actor.id, action, root, {"address": id_})
    return await tell_customer(tx, root)


def _find(customer: Customer, id_: UUID) -> Address | Refused:
    return next((address for address in customer.addresses if address.id == id_), NO_ADDRESS)
