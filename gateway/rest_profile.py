"""REST of a profile: create, patch, handles, addresses, details, relationships, pins; what an agent works with."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.problems import not_found
from gateway.rest_call import Call, Endpoint, Listing, Moved, NoQuery
from gateway.rest_write import Write, check_if_match
from model.contact import HeldContact
from model.customer import (
    Address,
    Customer,
    CustomerSummary,
    Detail,
    FieldValue,
    HandleView,
    Pin,
    Relationship,
    Task,
)
from model.refusal import Refused
from profiles import addresses, details, handle_edits, relationships
from profiles.create import NewCustomer, create_customer
from profiles.edit import Change, custom_changes, edit
from profiles.handle_claims import NewHandle
from profiles.sections import fetch_customer, fetch_details, fetch_pins, fetch_relationships
from profiles.values import CHECKS
from profiles.viewed import KEPT, fetch_recent
from router.desk import fetch_desk
from store.feeds import lock_customer
from store.ids import new_id


class CustomerPatch(Struct, frozen=True, forbid_unknown_fields=True):
    """The values to change; null or an empty list removes one.

    `revisions`: by field (custom ones as `fields.<key>`), that of the value seen; a field somebody changed since is
    refused, and with it everything else of the request.
    """

    name: str | UnsetType | None = UNSET
    company: str | UnsetType | None = UNSET
    location: str | UnsetType | None = UNSET
    language: str | UnsetType | None = UNSET
    time_zone: str | UnsetType | None = UNSET
    plan: str | UnsetType | None = UNSET
    birth_date: str | UnsetType | None = UNSET
    external_id: str | UnsetType | None = UNSET
    tags: tuple[str, ...] | UnsetType | None = UNSET
    preferred_channels: tuple[str, ...] | UnsetType | None = UNSET
    refused_channels: tuple[str, ...] | UnsetType | None = UNSET
    fields: dict[str, FieldValue | None] = {}
    revisions: dict[str, int] = {}


class NewDetail(Struct, frozen=True, forbid_unknown_fields=True):
    """A note on the person. `id` is the sender's, where the same may be sent twice."""

    body: str
    id: UUID | None = None


class NewRelationship(Struct, frozen=True, forbid_unknown_fields=True):
    """The other customer, and what they are to this one: the type's label."""

    type: str
    customer: UUID


class NewPin(Struct, frozen=True, forbid_unknown_fields=True):
    """An entry of another customer's timeline."""

    entry: UUID


class Relationships(Struct, frozen=True):
    """Who a customer relates to, and what is pinned of others' timelines."""

    relationships: tuple[Relationship, ...]
    pins: tuple[Pin, ...]


class MyCustomers(Struct, frozen=True):
    """What an agent has on their desk: contacts they hold or parked, and their open tasks, those due first first."""

    contacts: tuple[HeldContact, ...]
    tasks: tuple[Task, ...]


class RecentQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """How many."""

    limit: Annotated[int, Meta(ge=1, le=KEPT)] = 20


async def add_customer(call: Write[NewCustomer]) -> Customer | Refused:
    """Create a customer. A handle or external id that is another's is refused with 409 and the other's id."""
    return await create_customer(call.tx, call.actor, call.body)


async def change_customer(call: Write[CustomerPatch]) -> Customer | Refused:
    """Change values of a customer, all or none."""
    body = call.body
    given = [(field, getattr(body, field)) for field in CHECKS]
    changes = [Change(field, value, body.revisions.get(field)) for field, value in given if value is not UNSET]
    changes += custom_changes(body.fields, body.revisions)
    unknown = next((field for field in body.revisions if not any(each.field == field for each in changes)), None)
    if unknown is not None:
        return Refused("invalid", "A revision is of a field that is changed; leave the other out.", "revisions")
    if call.if_match is not None:
        root = await lock_customer(call.tx, call.id)
        if root is not None:
            check_if_match(call, await fetch_customer(call.connection, root))
    return await edit(call.tx, call.actor, call.id, changes)


ROOT = "select root_id from customer where id = $1"


async def root_of(call: Call[Any]) -> UUID:
    """The customer in the path, who answers for themselves; a merged one redirects."""
    root = await call.connection.fetchval(ROOT, call.id)
    if root is None:
        raise not_found("There is no such customer.")
    if root != call.id:
        raise Moved(root)
    return call.id


async def list_handles(call: Call[NoQuery]) -> Listing[HandleView]:
    """A customer's handles, main ones first."""
    return Listing((await fetch_customer(call.connection, await root_of(call))).handles, None)


async def add_handle(call: Write[NewHandle]) -> HandleView | Refused:
    """Add a handle nobody else has."""
    return await handle_edits.add_handle(call.tx, call.actor, call.id, call.body)


async def change_handle(call: Write[handle_edits.HandleChange]) -> HandleView | Refused:
    """Relabel a handle, make it the first to use, say whether it takes text, or whether it is shared."""
    return await handle_edits.change_handle(call.tx, call.actor, call.id, call.body)


async def remove_handle(call: Write[None]) -> Refused | None:
    """Take a handle off its profile."""
    return await handle_edits.remove_handle(call.tx, call.actor, call.id)


async def add_address(call: Write[addresses.NewAddress]) -> Address | Refused:
    """Add a postal address."""
    return await addresses.add_address(call.tx, call.actor, call.id, call.body)


async def change_address(call: Write[addresses.AddressChange]) -> Address | Refused:
    """Change a postal address."""
    return await addresses.change_address(call.tx, call.actor, call.id, call.body)


async def remove_address(call: Write[None]) -> Refused | None:
    """Take a postal address off its profile."""
    return await addresses.remove_address(call.tx, call.actor, call.id)


async def list_details(call: Call[NoQuery]) -> Listing[Detail]:
    """The notes on a person, newest first."""
    return Listing(await fetch_details(call.connection, await root_of(call)), None)


async def add_detail(call: Write[NewDetail]) -> Detail | Refused:
    """Add a note on the person."""
    return await details.add_detail(call.tx, call.actor, call.id, call.body.id or new_id(), call.body.body)


async def change_detail(call: Write[details.DetailChange]) -> Detail | Refused:
    """Write a note on the person anew."""
    return await details.change_detail(call.tx, call.actor, call.id, call.body)


async def remove_detail(call: Write[None]) -> Refused | None:
    """Remove a note on the person."""
    return await details.remove_detail(call.tx, call.actor, call.id)


async def list_relationships(call: Call[NoQuery]) -> Relationships:
    """Who a customer relates to, and what is pinned of others' timelines."""
    root = await root_of(call)
    related = await fetch_relationships(call.connection, root)
    return Relationships(related, await fetch_pins(call.connection, root))


async def relate_customers(call: Write[NewRelationship]) -> Relationship | Refused:
    """Say what another customer is to this one; the other's profile shows the reverse."""
    return await relationships.relate(call.tx, call.actor, call.id, call.body.type, call.body.customer)


async def end_relationship(call: Write[None]) -> Refused | None:
    """End a relationship, on both profiles."""
    return await relationships.unrelate(call.tx, call.actor, call.id)


async def pin_entry(call: Write[NewPin]) -> Pin | Refused:
    """Keep an entry of another customer's timeline in view."""
    return await relationships.pin(call.tx, call.actor, call.id, call.body.entry)


async def unpin_entry(call: Write[None]) -> Refused | None:
    """Take a pinned entry off the profile."""
    return await relationships.unpin(call.tx, call.actor, call.id)


async def list_recent(call: Call[RecentQuery]) -> Listing[CustomerSummary]:
    """The customers this agent looked at, the last one first."""
    return Listing(await fetch_recent(call.connection, call.actor.id, call.query.limit), None)


async def show_my_customers(call: Call[NoQuery]) -> MyCustomers:
    """The contacts this agent holds or parked, and their open tasks."""
    desk = await fetch_desk(call.connection, call.actor.id)
    return MyCustomers(desk.contacts, desk.tasks) if desk else MyCustomers((), ())


_READ, _EDIT = "customer.read", "customer.edit"
_CUSTOMER = "/v1/customers/{id}"

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("POST", "/v1/customers", "customer.create", add_customer, NoQuery, Customer, NewCustomer, 201, True),
    Endpoint("PATCH", _CUSTOMER, _EDIT, change_customer, NoQuery, Customer, CustomerPatch, tagged=True),
    Endpoint("GET", f"{_CUSTOMER}/handles", _READ, list_handles, NoQuery, Listing[HandleView]),
    Endpoint("POST", f"{_CUSTOMER}/handles", _EDIT, add_handle, NoQuery, HandleView, NewHandle, 201),
    Endpoint("PATCH", "/v1/handles/{id}", _EDIT, change_handle, NoQuery, HandleView, handle_edits.HandleChange),
    Endpoint("DELETE", "/v1/handles/{id}", _EDIT, remove_handle, NoQuery, None, status=204),
    Endpoint("POST", f"{_CUSTOMER}/addresses", _EDIT, add_address, NoQuery, Address, addresses.NewAddress, 201),
    Endpoint("PATCH", "/v1/addresses/{id}", _EDIT, change_address, NoQuery, Address, addresses.AddressChange),
    Endpoint("DELETE", "/v1/addresses/{id}", _EDIT, remove_address, NoQuery, None, status=204),
    Endpoint("GET", f"{_CUSTOMER}/details", _READ, list_details, NoQuery, Listing[Detail]),
    Endpoint("POST", f"{_CUSTOMER}/details", _EDIT, add_detail, NoQuery, Detail, NewDetail, 201),
    Endpoint("PATCH", "/v1/details/{id}", _EDIT, change_detail, NoQuery, Detail, details.DetailChange),
    Endpoint("DELETE", "/v1/details/{id}", _EDIT, remove_detail, NoQuery, None, status=204),
    Endpoint("GET", f"{_CUSTOMER}/relationships", _READ, list_relationships, NoQuery, Relationships),
    Endpoint(
        "POST", f"{_CUSTOMER}/relationships", _EDIT, relate_customers, NoQuery, Relationship, NewRelationship, 201
    ),
    Endpoint("DELETE", "/v1/relationships/{id}", _EDIT, end_relationship, NoQuery, None, status=204),
    Endpoint("POST", f"{_CUSTOMER}/pins", _EDIT, pin_entry, NoQuery, Pin, NewPin, 201),
    Endpoint("DELETE", "/v1/pins/{id}", _EDIT, unpin_entry, NoQuery, None, status=204),
    Endpoint("GET", "/v1/recent", "recent.read", list_recent, RecentQuery, Listing[CustomerSummary]),
    Endpoint("GET", "/v1/my-customers", "my_customers.read", show_my_customers, NoQuery, MyCustomers),
)
