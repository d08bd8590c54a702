"""REST of business hours: time zone, spans of each day, holidays; and who has them."""

from __future__ import annotations

import re
from typing import Final

from gateway.problems import bad_request, not_found
from gateway.rest_call import Call, Endpoint, Listing, ListQuery, NoQuery, PlainId, decode_cursor, page_of
from gateway.rest_write import Write, check_if_match
from model.refusal import Refused
from profiles.audit import audit
from router import hours
from router.hours import NamedHours, NewHours
from router.voice_lines import flaws_of_hours

_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_NO_HOURS: Final = "There are no such hours; `GET /v1/hours` lists them."


async def list_hours(call: Call[ListQuery]) -> Listing[NamedHours]:
    """Business hours by id."""
    rows = await hours.fetch_hours(call.connection, call.query.limit + 1, decode_cursor(call.query.cursor, PlainId))
    return page_of(rows, call.query.limit, lambda row: row.id)


async def show_hours(call: Call[NoQuery]) -> NamedHours:
    """Business hours, and who has them."""
    return await _these(call, lock=False)


async def put_hours(call: Write[NewHours]) -> NamedHours | Refused:
    """Add business hours or change them, for everybody who has them; who is left out keeps what they had."""
    connection, key = call.tx.connection, call.path["key"]
    if not _ID.fullmatch(key):
        raise bad_request("An id is made of small letters, digits and hyphens, at most 63 of them.", "key")
    before = await hours.fetch_these(connection, key, lock=True)
    if before is not None:
        check_if_match(call, before)
    elif call.if_match is not None:
        raise not_found(_NO_HOURS)
    flaw = next(flaws_of_hours(call.body.hours), None)
    if flaw is not None:
        return Refused("invalid", flaw[1], flaw[0])
    refused = await hours.keep_hours(connection, key, call.body)
    if refused is not None:
        return refused
    await audit(connection, call.actor.id, "hours.change", None, {"hours": key})
    after = await hours.fetch_these(connection, key)
    return after or Refused("conflict", "They were removed meanwhile; send them again.")


async def drop_hours(call: Write[None]) -> Refused | None:
    """Remove business hours that nobody has."""
    before = await _these(call, lock=True)
    check_if_match(call, before)
    refused = await hours.drop_hours(call.tx.connection, before)
    if refused is None:
        await audit(call.tx.connection, call.actor.id, "hours.remove", None, {"hours": before.id})
    return refused


async def _these(call: Call[NoQuery] | Write[None], *, lock: bool) -> NamedHours:
    found = await hours.fetch_these(call.connection, call.path["key"], lock=lock)
    if found is None:
        raise not_found(_NO_HOURS)
    return found


_HOURS = "/v1/hours/{key}"

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "/v1/hours", "hours.read", list_hours, ListQuery, Listing[NamedHours]),
    Endpoint("GET", _HOURS, "hours.read", show_hours, NoQuery, NamedHours, tagged=True),
    Endpoint("PUT", _HOURS, "hours.edit", put_hours, NoQuery, NamedHours, NewHours, tagged=True),
    Endpoint("DELETE", _HOURS, "hours.edit", drop_hours, NoQuery, None, status=204, tagged=True),
)
