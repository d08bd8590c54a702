"""REST of who is who, as people decide it: merges, who is never merged, whose a conversation is; the audit trail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from gateway.rest_call import Call, Cursor, Endpoint, Limit, Listing, Moment, NoQuery, decode_cursor, page_of
from gateway.rest_write import Write
from model.customer import MergeView
from model.refusal import Refused
from profiles.audit import AuditEntry, fetch_audit
from profiles.identify import Identified, identify
from profiles.merge import MergeOrder, merge
from profiles.merge_log import MergeRecord, fetch_merge
from profiles.move import move
from profiles.never_link import NeverLink, fetch_never_links, forget_never_link, never_link
from profiles.preview import MergePreview, preview
from profiles.unmerge import NO_MERGE, undo

PairMoment = tuple[Annotated[datetime, Meta(tz=True)], UUID, UUID]


class PreviewQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which two, and whose id answers."""

    survivor: UUID
    loser: UUID


class CustomerListQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of a list, of one profile where a customer is given."""

    customer: UUID | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class NewMerge(Struct, frozen=True, forbid_unknown_fields=True):
    """Which two become one. `choices`: by field (custom ones as `fields.<key>`), `survivor` or `loser`."""

    survivor: UUID
    loser: UUID
    choices: Annotated[dict[str, str], Meta(max_length=200)] = {}


class NewNeverLink(Struct, frozen=True, forbid_unknown_fields=True):
    """Two customers who are not one person."""

    customers: Annotated[tuple[UUID, ...], Meta(min_length=2, max_length=2)]


class WhoIsIt(Struct, frozen=True, forbid_unknown_fields=True):
    """The customer who writes on a shared handle, or else the name of somebody new."""

    customer: UUID | None = None
    name: str | None = None


class WhoseIsIt(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose conversation it is. `with_handle`: what comes by its handle from now on is theirs too."""

    customer: UUID
    with_handle: bool = False


def _soon(call: Write[Any], *customers: UUID) -> None:
    """After COMMIT: contacts may want routing, and other systems know another customer now."""
    call.after.append(call.parts.wake)
    call.after.extend(_want(call.parts.want, customer) for customer in customers)


def _want(want: Callable[[UUID], None], customer: UUID) -> Callable[[], None]:
    return lambda: want(customer)


async def preview_merge(call: Call[PreviewQuery]) -> MergePreview | Refused:
    """What a merge would make of two customers, and whether it would be refused."""
    return await preview(call.connection, call.query.survivor, call.query.loser)


async def merge_customers(call: Write[NewMerge]) -> MergeRecord | Refused:
    """Merge two customers; the loser's id keeps answering with the survivor. It can be undone at any time."""
    body = call.body
    done = await merge(call.tx, MergeOrder(body.survivor, body.loser, body.choices, by=call.actor))
    if isinstance(done, Refused):
        return done
    _soon(call, done.survivor)
    return await fetch_merge(call.connection, done.id) or NO_MERGE


async def show_merge(call: Call[NoQuery]) -> MergeRecord | Refused:
    """A merge, live or undone."""
    return await fetch_merge(call.connection, call.id) or NO_MERGE


async def undo_merge(call: Write[None]) -> MergeRecord | Refused:
    """Take a merge back: both are what they were, with what arrived since by their own handles."""
    done = await undo(call.tx, call.id, call.actor)
    if isinstance(done, Refused):
        return done
    _soon(call, done.survivor, done.leaf)
    return await fetch_merge(call.connection, done.id) or NO_MERGE


async def add_never_link(call: Write[NewNeverLink]) -> NeverLink | Refused:
    """Keep two customers apart: neither merged by policy nor suggested; merging by hand is refused until withdrawn."""
    one, other = call.body.customers
    return await never_link(call.tx, call.actor, one, other)


async def list_never_links(call: Call[CustomerListQuery]) -> Listing[NeverLink]:
    """Pairs that are kept apart, the newest first."""
    after = decode_cursor(call.query.cursor, PairMoment)
    found = await fetch_never_links(call.connection, call.query.customer, after, call.query.limit + 1)
    return page_of(found, call.query.limit, lambda each: (each.at, *each.customers))


async def remove_never_link(call: Write[None]) -> Refused | None:
    """Two customers may be one person after all."""
    return await forget_never_link(call.tx, call.actor, call.uuid("low"), call.uuid("high"))


async def identify_conversation(call: Write[WhoIsIt]) -> Identified | Refused:
    """Say who writes on a shared handle."""
    done = await identify(call.tx, call.actor, call.id, call.body.customer, call.body.name)
    if isinstance(done, Identified):
        _soon(call, done.customer)
    return done


async def move_conversation(call: Write[WhoseIsIt]) -> MergeView | Refused:
    """Move a conversation to the customer it belongs to; undoing the merge takes it out again."""
    done = await move(call.tx, call.actor, call.id, call.body.customer, with_handle=call.body.with_handle)
    if isinstance(done, MergeView):
        _soon(call, done.survivor)
    return done


async def list_audit(call: Call[CustomerListQuery]) -> Listing[AuditEntry]:
    """Who did what, the newest first."""
    after = decode_cursor(call.query.cursor, Moment)
    found = await fetch_audit(call.connection, call.query.customer, after, call.query.limit + 1)
    return page_of(found, call.query.limit, lambda each: (each.at, each.id))


_NEVER = "/v1/never-links"

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "/v1/merges/preview", "identity.read", preview_merge, PreviewQuery, MergePreview),
    Endpoint("POST", "/v1/merges", "merge", merge_customers, NoQuery, MergeRecord, NewMerge, 201),
    Endpoint("GET", "/v1/merges/{id}", "identity.read", show_merge, NoQuery, MergeRecord),
    Endpoint("POST", "/v1/merges/{id}/undo", "unmerge", undo_merge, NoQuery, MergeRecord),
    Endpoint("POST", _NEVER, "never_link", add_never_link, NoQuery, NeverLink, NewNeverLink, 201),
    Endpoint("GET", _NEVER, "identity.read", list_never_links, CustomerListQuery, Listing[NeverLink]),
    Endpoint("DELETE", f"{_NEVER}/{{low}}/{{high}}", "never_link", remove_never_link, NoQuery, None, status=204),
    Endpoint(
        "POST", "/v1/conversations/{id}/identify", "identify", identify_conversation, NoQuery, Identified, WhoIsIt
    ),
    Endpoint("POST", "/v1/conversations/{id}/move", "move", move_conversation, NoQuery, MergeView, WhoseIsIt),
    Endpoint("GET", "/v1/audit", "audit.read", list_audit, CustomerListQuery, Listing[AuditEntry]),
)
