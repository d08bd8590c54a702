"""REST of customers as they are read: found, shown, their timeline and conversations."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from gateway.problems import bad_request, from_refused
from gateway.rest_call import (
    Call,
    Cursor,
    Endpoint,
    Limit,
    Listing,
    ListQuery,
    Moment,
    NoQuery,
    decode_cursor,
    encode_cursor,
    page_of,
)
from gateway.rest_profile import root_of
from model.customer import Conversation, Customer, CustomerSummary
from model.refusal import Refused
from model.timeline import Entry
from model.wire import Timeline
from profiles.conversations import fetch_conversations
from profiles.search import Place, search
from profiles.sections import fetch_customer
from profiles.timeline import fetch_page


class SearchQuery(ListQuery, frozen=True):
    """Which customers: a name, a handle however written, words of company, tags, values, addresses or messages."""

    q: Annotated[str, Meta(max_length=200)] = ""


class TimelineQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of a timeline: before or after an entry, from the opening of a conversation, else the newest."""

    before: UUID | None = None
    after: UUID | None = None
    conversation: UUID | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


async def list_customers(call: Call[SearchQuery]) -> Listing[CustomerSummary]:
    """Customers matching `q`, the best first; without it all, the newest first."""
    after = decode_cursor(call.query.cursor, Place)
    if after and not 1970 <= after[1].year < 9999:
        raise bad_request("The cursor is not one of this list; take `next` of the page before.", "cursor")
    items, following = await search(call.connection, call.query.q, call.query.limit, after)
    return Listing(items, encode_cursor(following) if following else None)


async def show_customer(call: Call[NoQuery]) -> Customer:
    """Who a customer is. A merged one redirects to the profile it is part of."""
    return await fetch_customer(call.connection, await root_of(call))


async def list_entries(call: Call[TimelineQuery]) -> Listing[Entry]:
    """A page of a customer's timeline, newest last; `next` goes on in the direction asked, else to older entries."""
    asked = Timeline(await root_of(call), *_anchor(call.query), limit=call.query.limit)
    page = await fetch_page(call.connection, asked)
    if isinstance(page, Refused):
        raise from_refused(page)
    if not page.more:
        return Listing(page.entries, None)
    forwards = asked.after is not None or asked.conversation is not None
    place = ("after", page.entries[-1].id) if forwards else ("before", page.entries[0].id)
    return Listing(page.entries, encode_cursor(place))


def _anchor(query: TimelineQuery) -> tuple[UUID | None, UUID | None, UUID | None]:
    place = decode_cursor(query.cursor, tuple[Literal["before", "after"], UUID])
    if place is None:
        return query.before, query.after, query.conversation
    if query.before or query.after or query.conversation:
        raise bad_request("The cursor says already from where; leave the other out.", "cursor")
    return (place[1], None, None) if place[0] == "before" else (None, place[1], None)


async def list_conversations(call: Call[ListQuery]) -> Listing[Conversation]:
    """A customer's conversations, newest first."""
    after = decode_cursor(call.query.cursor, Moment)
    rows = await fetch_conversations(call.connection, await root_of(call), call.query.limit + 1, after)
    return page_of(rows, call.query.limit, lambda row: (row.opened_at, row.id))


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "/v1/customers", "customers.read", list_customers, SearchQuery, Listing[CustomerSummary]),
    Endpoint("GET", "/v1/customers/{id}", "customer.read", show_customer, NoQuery, Customer, tagged=True),
    Endpoint("GET", "/v1/customers/{id}/timeline", "customer.read", list_entries, TimelineQuery, Listing[Entry]),
    Endpoint(
        *("GET", "/v1/customers/{id}/conversations", "customer.read"),
        *(list_conversations, ListQuery, Listing[Conversation]),
    ),
)
