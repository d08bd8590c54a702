"""REST of the company's work: who asks, contacts, offers, dead letters, and what is configured."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct, structs

from gateway.accounts import fetch_accounts, limits_of
from gateway.auth import Ticket, issue_ticket
from gateway.problems import Problem, not_found, unauthorized
from gateway.rest_call import (
    Call,
    Endpoint,
    Listing,
    ListQuery,
    Moment,
    Name,
    NoQuery,
    PlainId,
    decode_cursor,
    page_of,
)
from gateway.rest_write import Write
from model.agent import Actor
from model.contact import Contact, ContactState
from model.limits import ReplyLimits
from model.offer import Offer, OfferState
from profiles.audit import audit
from profiles.dead_letters import (
    DeadLetter,
    Replayed,
    ReplayedMany,
    WholeDeadLetter,
    fetch_dead_letter,
    fetch_dead_letters,
    letters_of,
)
from router import reads

MOST_REPLAYED = 100


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


async def create_ticket(call: Write[None]) -> Ticket:
    """A one-use ticket for the screen's websocket, good for 30 s."""
    ticket = await issue_ticket(call.connection, call.token)
    if ticket is None:
        raise unauthorized("The token was withdrawn a moment ago.")
    return ticket


async def show_me(call: Call[NoQuery]) -> Actor:
    """Whose token this is."""
    return call.actor


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


class ReplayQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose dead letters; `after`: the last of the answer before."""

    account: PlainId
    after: UUID | None = None


async def replay_dead_letter(call: Write[None]) -> Replayed:
    """Take a dead letter once more, as it would be read and recorded today; what is recorded already stays single."""
    return await _replay(call, call.id)


async def replay_dead_letters(call: Write[None]) -> ReplayedMany:
    """Take up to 100 dead letters of an account once more, oldest first."""
    query: ReplayQuery = call.query
    letters = await letters_of(call.connection, query.account, MOST_REPLAYED + 1, query.after)
    items = tuple([await _replay(call, letter) for letter in letters[:MOST_REPLAYED]])
    return ReplayedMany(items, len(letters) > MOST_REPLAYED)


async def _replay(call: Write[None], letter: UUID) -> Replayed:
    if call.parts.replay is None:
        raise Problem(503, "This process takes no webhooks; ask one that does.", headers={"Retry-After": "5"})
    replayed = await call.parts.replay(letter)
    if replayed is None:
        raise not_found("There is no such dead letter.")
    await audit(call.connection, call.actor.id, "dead_letter.replay", None, {"dead_letter": letter})
    return replayed


class Account(reads.AccountView, frozen=True):
    """One of our addresses, and what a reply from it may be; null where no adapter serves it."""

    limits: ReplyLimits | None = None


async def list_accounts(call: Call[ListQuery]) -> Listing[Account]:
    """Our addresses on the providers, without secrets, with what a reply from each may be."""
    rows = await reads.fetch_account_views(
        call.connection, call.query.limit + 1, decode_cursor(call.query.cursor, PlainId)
    )
    known = await fetch_accounts(call.connection)
    accounts = [
        Account(**structs.asdict(row), limits=limits_of(known[row.id]) if row.id in known else None) for row in rows
    ]
    return page_of(accounts, call.query.limit, lambda row: row.id)


async def list_queues(call: Call[ListQuery]) -> Listing[reads.QueueView]:
    """Queues by id."""
    rows = await reads.fetch_queues(call.connection, call.query.limit + 1, decode_cursor(call.query.cursor, PlainId))
    return page_of(rows, call.query.limit, lambda row: row.id)


async def list_agents(call: Call[ListQuery]) -> Listing[reads.AgentView]:
    """Agents by id, with presence, slots and queues."""
    rows = await reads.fetch_agents(call.connection, call.query.limit + 1, decode_cursor(call.query.cursor, UUID))
    return page_of(rows, call.query.limit, lambda row: row.id)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("POST", "/v1/tickets", "ticket.create", create_ticket, NoQuery, Ticket, secret=True),
    Endpoint("GET", "/v1/me", "me.read", show_me, NoQuery, Actor),
    Endpoint("GET", "/v1/contacts", "contacts.read", list_contacts, ContactsQuery, Listing[Contact]),
    Endpoint("GET", "/v1/contacts/{id}", "contacts.read", show_contact, NoQuery, Contact),
    Endpoint("GET", "/v1/offers", "offers.read", list_offers, OffersQuery, Listing[Offer]),
    Endpoint("GET", "/v1/offers/{id}", "offers.read", show_offer, NoQuery, Offer),
    Endpoint("GET", "/v1/dead-letters", "dead_letters.read", list_dead_letters, ListQuery, Listing[DeadLetter]),
    Endpoint("GET", "/v1/dead-letters/{id}", "dead_letters.open", show_dead_letter, NoQuery, WholeDeadLetter),
    Endpoint(
        *("POST", "/v1/dead-letters/{id}/replay", "dead_letters.replay", replay_dead_letter, NoQuery, Replayed),
    ),
    Endpoint(
        *("POST", "/v1/dead-letters/replay", "dead_letters.replay", replay_dead_letters, ReplayQuery, ReplayedMany),
    ),
    Endpoint("GET", "/v1/accounts", "accounts.read", list_accounts, ListQuery, Listing[Account]),
    Endpoint("GET", "/v1/queues", "queues.read", list_queues, ListQuery, Listing[reads.QueueView]),
    Endpoint("GET", "/v1/agents", "agents.read", list_agents, ListQuery, Listing[reads.AgentView]),
)
