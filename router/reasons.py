"""Why agents are away, and why they decline: lists that administrators define."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from model.refusal import Refused
from store.pool import Connection

Label = Annotated[str, Meta(min_length=1, max_length=80)]
Position = Annotated[int, Meta(ge=0, le=10_000)]


class AwayReason(Struct, frozen=True):
    """Why an agent is away. `works`: they may still take the next contact themselves."""

    id: str
    label: str
    works: bool = False
    position: int = 0


class NewAwayReason(Struct, frozen=True, forbid_unknown_fields=True):
    """An away reason as it shall be."""

    label: Label
    works: bool = False
    position: Position = 0


OF_SERVER = frozenset({"missed_offer", "leg_failed", "idle", "deactivated"})
"""Reasons the server gives by itself: nobody defines or chooses them."""

AWAY_REASONS = "select id, label, works, position from away_reason order by position, label, id"


async def fetch_away_reasons(connection: Connection) -> tuple[AwayReason, ...]:
    """In the order in which a menu shows them."""
    return tuple(AwayReason(*row) for row in await connection.fetch(AWAY_REASONS))


PUT_AWAY = """
insert into away_reason (id, label, works, position) values ($1, $2, $3, $4)
on conflict (id) do update set label = excluded.label, works = excluded.works, position = excluded.position
"""


async def put_away_reason(connection: Connection, id_: str, new: NewAwayReason) -> AwayReason | Refused:
    """Add it, or change it."""
    if id_ in OF_SERVER:
        return Refused("taken", f"{id_!r} is a reason the server gives; take another id.", "id")
    await connection.execute(PUT_AWAY, id_, new.label, new.works, new.position)
    return AwayReason(id_, new.label, new.works, new.position)


DROP_AWAY = "delete from away_reason where id = $1 returning id"


async def drop_away_reason(connection: Connection, id_: str) -> Refused | None:
    """Offer it no more; who is away for it stays so."""
    if await connection.fetchval(DROP_AWAY, id_):
        return None
    return Refused("not_found", f"There is no away reason {id_!r}.", "id")


class DeclineReason(Struct, frozen=True):
    """Why an agent declines an offer."""

    id: str
    label: str
    position: int = 0


class NewDeclineReason(Struct, frozen=True, forbid_unknown_fields=True):
    """A reason to decline as it shall be."""

    label: Label
    position: Position = 0


DECLINE_REASONS = "select id, label, position from decline_reason order by position, label, id"


async def fetch_decline_reasons(connection: Connection) -> tuple[DeclineReason, ...]:
    """In the order in which a menu shows them."""
    return tuple(DeclineReason(*row) for row in await connection.fetch(DECLINE_REASONS))


PUT_DECLINE = """
insert into decline_reason (id, label, position) values ($1, $2, $3)
on conflict (id) do update set label = excluded.label, position = excluded.position
"""


async def put_decline_reason(connection: Connection, id_: str, new: NewDeclineReason) -> DeclineReason:
    """Add it, or change it."""
    await connection.execute(PUT_DECLINE, id_, new.label, new.position)
    return DeclineReason(id_, new.label, new.position)


DROP_DECLINE = "delete from decline_reason where id = $1 returning id"


async def drop_decline_reason(connection: Connection, id_: str) -> Refused | None:
    """Offer it no more; offers that were declined for it stay as they are."""
    if await connection.fetchval(DROP_DECLINE, id_):
        return None
    return Refused("not_found", f"There is no reason {id_!r} to decline.", "id")


async def flaw_of_decline(connection: Connection, reason: str | None) -> Refused | None:
    """Whether an agent may decline for this: any words while no reasons are defined, then one of these."""
    if reason is None:
        return None
    known = await fetch_decline_reasons(connection)
    if not known or reason in {each.id for each in known}:
        return None
    return Refused("invalid", f"Decline for one of these: {', '.join(each.id for each in known)}.", "reason")


KNOWN_AWAY = "select works from away_reason where id = $1"


async def flaw_of_away(connection: Connection, reason: str) -> Refused | None:
    """Whether an agent may be away for this."""
    if await connection.fetchval(KNOWN_AWAY, reason) is not None:
        return None
    known = [each.id for each in await fetch_away_reasons(connection)]
    told = f"Be away for one of these: {', '.join(known)}." if known else "No away reasons are defined; leave it out."
    return Refused("invalid", told, "reason")


async def works_while_away(connection: Connection, reason: str | None) -> bool:
    """Whether who is away for this may still take the next contact."""
    return reason is not None and bool(await connection.fetchval(KNOWN_AWAY, reason))
