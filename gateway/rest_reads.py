"""REST of what is read beside a profile: cards, a conversation, what was on the screen at an accept."""

from __future__ import annotations

from gateway.problems import not_found
from gateway.rest_call import Call, Endpoint, Listing, NoQuery
from gateway.rest_profile import root_of
from model.customer import Card, Conversation
from profiles.conversations import fetch_conversation
from profiles.sections import fetch_cards
from profiles.seen import SeenAtAccept, fetch_seen
from router import reads


async def list_cards(call: Call[NoQuery]) -> Listing[Card]:
    """What other systems last said about a customer."""
    return Listing(await fetch_cards(call.connection, await root_of(call)), None)


async def show_conversation(call: Call[NoQuery]) -> Conversation:
    """One conversation; a folded one answers as the one that is shown in its place."""
    conversation = await fetch_conversation(call.connection, call.id)
    if conversation is None:
        raise not_found("There is no such conversation.")
    return conversation


async def list_seen(call: Call[NoQuery]) -> Listing[SeenAtAccept]:
    """The profile as it was on the agent's screen at each accept of a contact, the last first."""
    if await reads.fetch_contact(call.connection, call.id) is None:
        raise not_found("There is no such contact.")
    return Listing(await fetch_seen(call.connection, call.id), None)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "/v1/customers/{id}/cards", "cards.read", list_cards, NoQuery, Listing[Card]),
    Endpoint("GET", "/v1/conversations/{id}", "customer.read", show_conversation, NoQuery, Conversation),
    Endpoint(
        *("GET", "/v1/contacts/{id}/seen-at-accept", "seen_at_accept.read", list_seen),
        *(NoQuery, Listing[SeenAtAccept]),
    ),
)
