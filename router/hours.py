"""Business hours by name, written once: policies and lines of calls that have them get a copy, which follows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from model.refusal import Refused
from model.voice_line import Hours
from router.sla_policies import fetch_policies_of, keep_policy
from router.voice_lines import keep_line, lock_line
from store.pool import Connection

Key = Annotated[str, Meta(max_length=63)]
_encode = msgspec.json.Encoder().encode
_read = msgspec.json.Decoder(Hours).decode


class NewHours(Struct, frozen=True, forbid_unknown_fields=True):
    """Hours to be. `policies`: service levels counted in them; `accounts`: of calls that are answered in them."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    hours: Hours
    policies: Annotated[tuple[Key, ...], Meta(max_length=200)] = ()
    accounts: Annotated[tuple[Key, ...], Meta(max_length=200)] = ()


class NamedHours(NewHours, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """Hours as they are kept."""

    id: str


COLUMNS = """
select h.id, h.name, h.hours::text as hours,
       array(select p.id from sla_policy p where p.hours_id = h.id order by p.id) as policies,
       array(select l.account_id from voice_line l where l.hours_id = h.id order by l.account_id) as accounts
  from business_hours h
"""
PAGE = f"{COLUMNS} where $2::text is null or h.id > $2 order by h.id limit $1"
ONE = f"{COLUMNS} where h.id = $1"
LOCK = "select id from business_hours where id = $1 for no key update"


async def fetch_hours(connection: Connection, limit: int, after: str | None = None) -> list[NamedHours]:
    """Hours by id."""
    return [_named(row) for row in await connection.fetch(PAGE, limit, after)]


async def fetch_these(connection: Connection, key: str, *, lock: bool = False) -> NamedHours | None:
    """One of them; `lock`: nobody else changes it before this transaction ends."""
    if lock:
        await connection.execute(LOCK, key)
    rows = await connection.fetch(ONE, key)
    return _named(rows[0]) if rows else None


def _named(row: Any) -> NamedHours:
    return NamedHours(
        id=row["id"],
        name=row["name"],
        hours=_read(row["hours"]),
        policies=tuple(row["policies"]),
        accounts=tuple(row["accounts"]),
    )


KEEP = """
insert into business_hours (id, name, hours) values ($1, $2, $3::text::jsonb)
on conflict (id) do update set name = $2, hours = $3::text::jsonb
"""
LEAVE_POLICIES = "update sla_policy set hours_id = null where hours_id = $1"
LEAVE_LINES = "update voice_line set hours_id = null where hours_id = $1"
JOIN_POLICIES = "update sla_policy set hours_id = $1 where id = any ($2)"
JOIN_LINES = "update voice_line set hours_id = $1 where account_id = any ($2)"


async def keep_hours(connection: Connection, key: str, new: NewHours) -> Refused | None:
    """Those named have these hours from now on; who is named no more keeps what they had. Inside a transaction."""
    await connection.execute(LEAVE_POLICIES, key)
    await connection.execute(LEAVE_LINES, key)
    await connection.execute(KEEP, key, new.name, _encode(new.hours).decode())
    refused = await _give_policies(connection, new) or await _give_lines(connection, new)
    if refused is None:
        await connection.execute(JOIN_POLICIES, key, list(new.policies))
        await connection.execute(JOIN_LINES, key, list(new.accounts))
    return refused


async def _give_policies(connection: Connection, new: NewHours) -> Refused | None:
    found = {policy.id: policy for policy in await fetch_policies_of(connection, new.policies)}
    for place, key in enumerate(new.policies):
        if key not in found:
            return Refused(
                "invalid", f"There is no policy {key!r}; `GET /v1/sla/policies` lists them.", _at("policies", place)
            )
    if found and not any(new.hours.open.values()):
        return Refused("invalid", "It is never open, so that nothing would ever be due.", "hours.open")
    for key in sorted(found):
        if found[key].hours != new.hours:
            await keep_policy(connection, key, replace(found[key], hours=new.hours))
    return None


async def _give_lines(connection: Connection, new: NewHours) -> Refused | None:
    for place, key in sorted(enumerate(new.accounts), key=lambda each: each[1]):
        line = await lock_line(connection, key)
        if line is None:
            told = f"There is no account of calls {key!r}; `GET /v1/accounts` lists those of the channel voice."
            return Refused("invalid", told, _at("accounts", place))
        if line.problem is not None:
            return Refused(
                "wrong_state", f"What callers of {key!r} hear cannot be read; PUT it anew.", _at("accounts", place)
            )
        await keep_line(connection, key, replace(line.line, hours=new.hours))
    return None


def _at(field: str, place: int) -> str:
    return f"{field}[{place}]"


FORGET = "delete from business_hours where id = $1"


async def drop_hours(connection: Connection, hours: NamedHours) -> Refused | None:
    """Remove hours nobody has."""
    users: Iterable[str] = (
        *(f"the policy {each}" for each in hours.policies),
        *(f"the line of {each}" for each in hours.accounts),
    )
    used = ", ".join(users)
    if used:
        return Refused("conflict", f"In use: {used}. Leave these out first.")
    await connection.execute(FORGET, hours.id)
    return None
