"""REST of agents' days: why they are away and decline, how contacts end, and what comes after them in a queue."""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

from msgspec import Struct

from gateway.problems import not_found
from gateway.rest_call import Call, Endpoint, Listing, Name, NoQuery
from gateway.rest_write import Write, check_if_match
from model.refusal import Refused
from profiles.audit import audit
from router import dispositions, queue_after_work, reasons
from router.dispositions import Disposition, NewDisposition
from router.queue_after_work import AfterWork
from router.reasons import AwayReason, DeclineReason, NewAwayReason, NewDeclineReason

_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_NOT_AN_ID: Final = Refused("invalid", "An id is small letters, digits, - and _, at most 63.", "id")
_NO_QUEUE: Final = "There is no such queue; `GET /v1/queues` lists them."


Done = TypeVar("Done")


class DispositionsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """`queue`: only those with which a contact of this queue may end, and the groups above them; none archived."""

    queue: Name | None = None


async def list_away_reasons(call: Call[NoQuery]) -> Listing[AwayReason]:
    """Why agents may be away, in the order of their menu."""
    return Listing(await reasons.fetch_away_reasons(call.connection), None)


async def put_away_reason(call: Write[NewAwayReason]) -> AwayReason | Refused:
    """Add a reason to be away, or change it; with `works`, agents who are away for it may still take the next."""
    id_ = call.path["key"]
    if not _ID.fullmatch(id_):
        return _NOT_AN_ID
    done = await reasons.put_away_reason(call.tx.connection, id_, call.body)
    return await _audited(call, "away_reason.change", done)


async def drop_away_reason(call: Write[None]) -> Refused | None:
    """Offer a reason no more; who is away for it stays so."""
    return await _audited(
        call, "away_reason.remove", await reasons.drop_away_reason(call.tx.connection, call.path["key"])
    )


async def list_decline_reasons(call: Call[NoQuery]) -> Listing[DeclineReason]:
    """Why agents may decline an offer. While there are none, they may decline in any words."""
    return Listing(await reasons.fetch_decline_reasons(call.connection), None)


async def put_decline_reason(call: Write[NewDeclineReason]) -> DeclineReason | Refused:
    """Add a reason to decline, or change it."""
    id_ = call.path["key"]
    if not _ID.fullmatch(id_):
        return _NOT_AN_ID
    done = await reasons.put_decline_reason(call.tx.connection, id_, call.body)
    return await _audited(call, "decline_reason.change", done)


async def drop_decline_reason(call: Write[None]) -> Refused | None:
    """Offer a reason no more; offers that were declined for it stay as they are."""
    return await _audited(
        call, "decline_reason.remove", await reasons.drop_decline_reason(call.tx.connection, call.path["key"])
    )


async def list_dispositions(call: Call[DispositionsQuery]) -> Listing[Disposition]:
    """How contacts end: a tree, each after the one above it; archived ones too, unless a queue is asked for."""
    found = await dispositions.fetch_dispositions(call.connection)
    return Listing(found if call.query.queue is None else dispositions.of_queue(found, call.query.queue), None)


async def put_disposition(call: Write[NewDisposition]) -> Disposition | Refused:
    """Add a disposition, or change it; one that was archived is offered again."""
    id_ = call.path["key"]
    if not _ID.fullmatch(id_):
        return _NOT_AN_ID
    done = await dispositions.put_disposition(call.tx.connection, id_, call.body)
    return await _audited(call, "disposition.change", done)


async def archive_disposition(call: Write[None]) -> Refused | None:
    """Offer a disposition and those below it no more; contacts that ended so stay as they are."""
    return await _audited(
        call,
        "disposition.archive",
        await dispositions.archive_disposition(call.tx.connection, call.path["key"]),
    )


async def show_after_work(call: Call[NoQuery]) -> AfterWork:
    """What comes after a contact of this queue."""
    return await _after_work(call, lock=False)


async def put_after_work(call: Write[AfterWork]) -> AfterWork | Refused:
    """Say how contacts of this queue are wrapped up, and what becomes of work whose agent vanished."""
    check_if_match(call, await _after_work(call, lock=True))
    await queue_after_work.keep_after_work(call.tx.connection, call.path["key"], call.body)
    return await _audited(call, "queue.after_work", call.body)


async def _after_work(call: Call[Any], *, lock: bool) -> AfterWork:
    found = await queue_after_work.fetch_after_work(call.connection, call.path["key"], lock=lock)
    if found is None:
        raise not_found(_NO_QUEUE)
    return found


async def _audited(call: Write[Any], what: str, done: Done) -> Done:
    if not isinstance(done, Refused):
        await audit(call.tx.connection, call.actor.id, what, None, {"id": call.path["key"]})
    return done


_READ, _EDIT = "definitions.read", "definitions.edit"
_AWAY, _DECLINE, _CODE = "/v1/presence/reasons", "/v1/decline-reasons", "/v1/dispositions"
_AFTER = "/v1/queues/{key}/after-work"

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", _AWAY, _READ, list_away_reasons, NoQuery, Listing[AwayReason]),
    Endpoint("PUT", f"{_AWAY}/{{key}}", _EDIT, put_away_reason, NoQuery, AwayReason, NewAwayReason),
    Endpoint("DELETE", f"{_AWAY}/{{key}}", _EDIT, drop_away_reason, NoQuery, None, status=204),
    Endpoint("GET", _DECLINE, _READ, list_decline_reasons, NoQuery, Listing[DeclineReason]),
    Endpoint("PUT", f"{_DECLINE}/{{key}}", _EDIT, put_decline_reason, NoQuery, DeclineReason, NewDeclineReason),
    Endpoint("DELETE", f"{_DECLINE}/{{key}}", _EDIT, drop_decline_reason, NoQuery, None, status=204),
    Endpoint("GET", _CODE, _READ, list_dispositions, DispositionsQuery, Listing[Disposition]),
    Endpoint("PUT", f"{_CODE}/{{key}}", _EDIT, put_disposition, NoQuery, Disposition, NewDisposition),
    Endpoint("DELETE", f"{_CODE}/{{key}}", _EDIT, archive_disposition, NoQuery, None, status=204),
    Endpoint("GET", _AFTER, _READ, show_after_work, NoQuery, AfterWork, tagged=True),
    Endpoint("PUT", _AFTER, _EDIT, put_after_work, NoQuery, AfterWork, AfterWork, tagged=True),
)
