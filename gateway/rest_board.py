"""REST of supervisors: the board, and what they do with the work of others."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from gateway.problems import bad_request
from gateway.rest_call import Call, Endpoint, NoQuery
from gateway.rest_write import Write
from gateway.supervise import Act, supervise
from model.agent import PresenceStatus
from model.board import Board
from model.refusal import Refused
from model.wire_board import Reassign, SetPresenceOf, TakeBack
from router.board import Wish, fetch_board
from router.rules.checking import zone_of


class BoardQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """In which zone a day begins, and within how many seconds an answer is in time."""

    time_zone: Annotated[str, Meta(min_length=1, max_length=64)] = "UTC"
    within_seconds: Annotated[int, Meta(ge=1, le=3600)] = 20


class NewHolder(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom it is given to."""

    agent: UUID


class NewPresence(Struct, frozen=True, forbid_unknown_fields=True):
    """A presence; `reason`: one of those defined for away."""

    status: PresenceStatus
    reason: Annotated[str, Meta(max_length=200)] | None = None


async def show_board(call: Call[BoardQuery]) -> Board:
    """Queues and agents as they are now; screens get it live by the frame `watch`."""
    if zone_of(call.query.time_zone) is None:
        raise bad_request("Name a time zone as Europe/Berlin.", "time_zone")
    return await fetch_board(call.connection, Wish(call.query.time_zone, call.query.within_seconds))


async def take_back(call: Write[None]) -> Refused | None:
    """Take a contact from who has it, or for whom it rings: it goes back to its queue with its age."""
    return await _act(call, TakeBack(call.id))


async def reassign(call: Write[NewHolder]) -> Refused | None:
    """Give a contact to an agent who is there and has room, whoever has it or whether it waits."""
    return await _act(call, Reassign(call.id, call.body.agent))


async def set_presence(call: Write[NewPresence]) -> Refused | None:
    """Choose the presence of an agent; what rings for them stops unless they are available."""
    return await _act(call, SetPresenceOf(call.id, call.body.status, call.body.reason))


async def _act(call: Write[None] | Write[NewHolder] | Write[NewPresence], act: Act) -> Refused | None:
    refused = await supervise(call.tx, call.actor, act)
    if refused is None:
        call.after.append(call.parts.wake)
    return refused


_CONTACT, _PRESENCE = "/v1/contacts/{id}", "/v1/agents/{id}/presence"

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "/v1/board", "board.read", show_board, BoardQuery, Board),
    Endpoint("POST", f"{_CONTACT}/take-back", "supervise", take_back, NoQuery, None, status=204),
    Endpoint("POST", f"{_CONTACT}/reassign", "supervise", reassign, NoQuery, None, NewHolder, status=204),
    Endpoint("PUT", _PRESENCE, "supervise", set_presence, NoQuery, None, NewPresence, status=204),
)
