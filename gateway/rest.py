"""REST under /v1: one table of endpoints, from which the routes are made and the OpenAPI document can be.

Lists answer `{"items": […], "next": cursor | null}`; errors are problem details. Times are RFC 3339 in UTC with `Z` and
microseconds; msgspec leaves the fraction out when it is exactly zero, which SQL's `json_time` writes as `.000000`: the
same instant. 600 requests a minute are taken per token and process.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.auth import Ticket, issue_ticket
from gateway.problems import bad_request, from_refused, not_found, problem_of, problem_response, unauthorized
from gateway.rest_call import (
    Call,
    Endpoint,
    Listing,
    Moment,
    Moved,
    PlainId,
    RateLimit,
    decode_cursor,
    encode_cursor,
    json_response,
    moved_response,
    open_call,
    page_of,
)
from model.agent import Actor
from model.contact import Contact, ContactState
from model.customer import Conversation, Customer, CustomerSummary
from model.offer import Offer, OfferState
from model.refusal import Refused
from model.timeline import Entry
from model.wire import Timeline
from profiles.dead_letters import DeadLetter, WholeDeadLetter, fetch_dead_letter, fetch_dead_letters
from profiles.profile import Snapshot, fetch_conversations, fetch_snapshot
from profiles.search import search
from profiles.timeline import fetch_page
from router import reads
from store.pool import Pool

Limit = Annotated[int, Meta(ge=1, le=200)]
Name = Annotated[str, Meta(max_length=63)]
Cursor = Annotated[str, Meta(max_length=200)]


class NoQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """No parameters."""


class ListQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of a list."""

    limit: Limit = 50
    cursor: Cursor | None = None


class SearchQuery(ListQuery, frozen=True):
    """Which customers: part of a name, company or tag, a phone number however written, or the start of a handle."""

    q: Annotated[str, Meta(max_length=200)] = ""


class TimelineQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of a timeline: before or after an entry, from the opening of a conversation, else the newest."""

    before: UUID | None = None
    after: UUID | None = None
    conversation: UUID | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class ContactsQuery(ListQuery, frozen=True):
    """Which contacts."""

    state: ContactState | None = None
    queue: Name | None = None
    agent: UUID | None = None


class OffersQuery(ListQuery, frozen=True):
    """Which offers."""

    state: OfferState | None = None
    contact: UUID | None = None
    agent: UUID | None = None


async def create_ticket(call: Call[NoQuery]) -> Ticket:
    """A one-use ticket for the screen's websocket, good for 30 s."""
    ticket = await issue_ticket(call.connection, call.token)
    if ticket is None:
        raise unauthorized("The token was withdrawn a moment ago.")
    return ticket


async def show_me(call: Call[NoQuery]) -> Actor:
    """Whose token this is."""
    return call.actor


async def list_customers(call: Call[SearchQuery]) -> Listing[CustomerSummary]:
    """Customers matching `q`, newest first."""
    after = decode_cursor(call.query.cursor, Moment)
    items, following = await search(call.connection, call.query.q, call.query.limit, after)
    return Listing(items, encode_cursor(following) if following else None)


async def _snapshot(call: Call[NoQuery]) -> Snapshot:
    snapshot = await fetch_snapshot(call.connection, call.id)
    if snapshot is None:
        raise not_found("There is no such customer.")
    if snapshot.customer_id != call.id:
        raise Moved(snapshot.customer_id)
    return snapshot


ROOT = "select root_id from customer where id = $1"


async def _root(call: Call[TimelineQuery] | Call[ListQuery]) -> UUID:
    root = await call.connection.fetchval(ROOT, call.id)
    if root is None:
        raise not_found("There is no such customer.")
    if root != call.id:
        raise Moved(root)
    return call.id


async def show_customer(call: Call[NoQuery]) -> Customer:
    """Who a customer is. A merged one redirects to the profile it is part of."""
    return (await _snapshot(call)).customer


async def list_entries(call: Call[TimelineQuery]) -> Listing[Entry]:
    """A page of a customer's timeline, newest last; `next` goes on in the direction asked, else to older entries."""
    asked = Timeline(await _root(call), *_anchor(call.query), limit=call.query.limit)
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
    rows = await fetch_conversations(call.connection, await _root(call), call.query.limit + 1, after)
    return page_of(rows, call.query.limit, lambda row: (row.opened_at, row.id))


async def list_contacts(call: Call[ContactsQuery]) -> Listing[Contact]:
    """Contacts, newest first."""
    query = call.query
    which = reads.ContactFilter(query.state, query.queue, query.agent)
    after = decode_cursor(query.cursor, UUID)
    rows = await reads.fetch_contacts(call.connection, which, query.limit + 1, after)
    return page_of(rows, query.limit, lambda row: row.id)


async def show_contact(call: Call[NoQuery]) -> Contact:
    """One contact."""
    contact = await reads.fetch_contact(call.connection, call.id)
    if contact is None:
        raise not_found("There is no such contact.")
    return contact


async def list_offers(call: Call[OffersQuery]) -> Listing[Offer]:
    """Offers, newest first."""
    query = call.query
    which = reads.OfferFilter(query.state, query.contact, query.agent)
    after = decode_cursor(query.cursor, Moment)
    rows = await reads.fetch_offers(call.connection, which, query.limit + 1, after)
    return page_of(rows, query.limit, lambda row: (row.created_at, row.id))


async def show_offer(call: Call[NoQuery]) -> Offer:
    """One offer."""
    offer = await reads.fetch_offer(call.connection, call.id)
    if offer is None:
        raise not_found("There is no such offer.")
    return offer


async def list_dead_letters(call: Call[ListQuery]) -> Listing[DeadLetter]:
    """Webhooks that could not be read or recorded, newest first."""
    after = decode_cursor(call.query.cursor, Moment)
    rows = await fetch_dead_letters(call.connection, call.query.limit + 1, after)
    return page_of(rows, call.query.limit, lambda row: (row.received_at, row.id))


async def show_dead_letter(call: Call[NoQuery]) -> WholeDeadLetter:
    """One dead letter with the request as it arrived, its body in base64."""
    letter = await fetch_dead_letter(call.connection, call.id)
    if letter is None:
        raise not_found("There is no such dead letter.")
    return letter


async def list_accounts(call: Call[ListQuery]) -> Listing[reads.AccountView]:
    """Our addresses on the providers, without secrets."""
    rows = await reads.fetch_account_views(
        call.connection, call.query.limit + 1, decode_cursor(call.query.cursor, PlainId)
    )
    return page_of(rows, call.query.limit, lambda row: row.id)


async def list_queues(call: Call[ListQuery]) -> Listing[reads.QueueView]:
    """Queues by id."""
    rows = await reads.fetch_queues(call.connection, call.query.limit + 1, decode_cursor(call.query.cursor, PlainId))
    return page_of(rows, call.query.limit, lambda row: row.id)


async def list_agents(call: Call[ListQuery]) -> Listing[reads.AgentView]:
    """Agents by id, with presence, slots and queues."""
    rows = await reads.fetch_agents(call.connection, call.query.limit + 1, decode_cursor(call.query.cursor, UUID))
    return page_of(rows, call.query.limit, lambda row: row.id)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("POST", "/v1/tickets", "ticket.create", create_ticket, NoQuery, Ticket),
    Endpoint("GET", "/v1/me", "me.read", show_me, NoQuery, Actor),
    Endpoint("GET", "/v1/customers", "customers.read", list_customers, SearchQuery, Listing[CustomerSummary]),
    Endpoint("GET", "/v1/customers/{id}", "customer.read", show_customer, NoQuery, Customer),
    Endpoint("GET", "/v1/customers/{id}/timeline", "customer.read", list_entries, TimelineQuery, Listing[Entry]),
    Endpoint(
        *("GET", "/v1/customers/{id}/conversations", "customer.read"),
        *(list_conversations, ListQuery, Listing[Conversation]),
    ),
    Endpoint("GET", "/v1/contacts", "contacts.read", list_contacts, ContactsQuery, Listing[Contact]),
    Endpoint("GET", "/v1/contacts/{id}", "contacts.read", show_contact, NoQuery, Contact),
    Endpoint("GET", "/v1/offers", "offers.read", list_offers, OffersQuery, Listing[Offer]),
    Endpoint("GET", "/v1/offers/{id}", "offers.read", show_offer, NoQuery, Offer),
    Endpoint("GET", "/v1/dead-letters", "dead_letters.read", list_dead_letters, ListQuery, Listing[DeadLetter]),
    Endpoint("GET", "/v1/dead-letters/{id}", "dead_letters.open", show_dead_letter, NoQuery, WholeDeadLetter),
    Endpoint("GET", "/v1/accounts", "accounts.read", list_accounts, ListQuery, Listing[reads.AccountView]),
    Endpoint("GET", "/v1/queues", "queues.read", list_queues, ListQuery, Listing[reads.QueueView]),
    Endpoint("GET", "/v1/agents", "agents.read", list_agents, ListQuery, Listing[reads.AgentView]),
)


def rest_routes(limit: RateLimit | None = None) -> list[Route]:
    """The routes of `ENDPOINTS`, for an application that keeps its `Pool` as `app.state.pool`."""
    shared = limit or RateLimit()
    return [Route(each.path, _answering(each, shared), methods=[each.method]) for each in ENDPOINTS]


def _answering(endpoint: Endpoint, limit: RateLimit) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        pool: Pool = request.app.state.pool
        try:
            async with pool.acquire() as connection:
                call = await open_call(request, endpoint, connection, limit)
                return json_response(await endpoint.handler(call))
        except Moved as moved:
            return moved_response(request, moved.root)
        except Exception as failure:  # the edge: whatever it is, it is answered as a problem
            return problem_response(problem_of(failure, endpoint.path))

    return answer
