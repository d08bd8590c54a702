"""Segments: named conditions over the profile, by administrators. Who is in one is found when a profile is read."""

from __future__ import annotations

import re

import asyncpg
import msgspec
from msgspec import UNSET, Struct, UnsetType

from model.agent import Actor
from model.conditions import Condition, check
from model.refusal import Refused
from profiles.audit import audit
from profiles.customer import SEGMENT_FIELDS
from profiles.edit import json_of
from profiles.fields import fetch_definitions
from profiles.values import check_line, invalid
from store.feeds import Transaction
from store.pool import Connection

NAME = 100
MOST = 200
ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
NO_SEGMENT = Refused("not_found", "There is no such segment.", "id")


class Segment(Struct, frozen=True):
    """A name for all profiles that meet a condition."""

    id: str
    name: str
    condition: Condition


class NewSegment(Struct, frozen=True, forbid_unknown_fields=True):
    """A segment to define."""

    id: str
    name: str
    condition: Condition


class SegmentChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a segment."""

    name: str | UnsetType = UNSET
    condition: Condition | UnsetType = UNSET


SEGMENTS = "select id, name, condition from segment order by name, id"


async def fetch_segments(connection: Connection) -> tuple[Segment, ...]:
    """All segments by name."""
    return tuple(_read(row) for row in await connection.fetch(SEGMENTS))


_decode = msgspec.json.Decoder(Condition).decode


def _read(row: asyncpg.Record) -> Segment:
    return Segment(row["id"], row["name"], _decode(row["condition"]))


COUNT_SEGMENTS = "select count(*) from segment"
INSERT_SEGMENT = """
insert into segment (id, name, condition) values ($1, $2, $3) on conflict do nothing returning id, name, condition
"""


async def define_segment(tx: Transaction, actor: Actor, new: NewSegment) -> Segment | Refused:
    """Define a segment."""
    if not ID.fullmatch(new.id):
        return invalid("id", "is of a-z, 0-9 and -")
    name = await _checked(tx.connection, new.name, new.condition)
    if isinstance(name, Refused):
        return name
    if await tx.connection.fetchval(COUNT_SEGMENTS) >= MOST:
        return Refused("conflict", f"There are {MOST} segments already; remove some.", "id")
    row = await tx.connection.fetchrow(INSERT_SEGMENT, new.id, name, json_of(new.condition))
    if row is None:
        return Refused("taken", "There is a segment of this id; take another, or change that one.", "id")
    await audit(tx.connection, actor.id, "segment_defined", None, {"segment": new.id})
    return _read(row)


async def _checked(connection: Connection, name: object, condition: Condition) -> str | Refused:
    """The name in the form in which it is kept, of a condition that can be used."""
    line = check_line(name, "name", NAME)
    if not isinstance(line, str):
        return line or invalid("name", "must not be empty")
    custom = {f"fields.{key}" for key in await fetch_definitions(connection)}
    problem = check(condition, custom.union(SEGMENT_FIELDS))
    if problem is not None:
        place = f"condition.{problem.place}" if problem.place else "condition"
        return Refused("invalid", problem.message, place)
    return line


LOCK_SEGMENT = "select id, name, condition from segment where id = $1 for no key update"
CHANGE_SEGMENT = "update segment set name = $2, condition = $3 where id = $1 returning id, name, condition"


async def change_segment(tx: Transaction, actor: Actor, id_: str, change: SegmentChange) -> Segment | Refused:
    """Rename a segment or give it another condition. Screens show it when they read a profile next."""
    row = await tx.connection.fetchrow(LOCK_SEGMENT, id_)
    if row is None:
        return NO_SEGMENT
    old = _read(row)
    condition = old.condition if change.condition is UNSET else change.condition
    name = await _checked(tx.connection, old.name if change.name is UNSET else change.name, condition)
    if isinstance(name, Refused):
        return name
    row = await tx.connection.fetchrow(CHANGE_SEGMENT, id_, name, json_of(condition))
    await audit(tx.connection, actor.id, "segment_changed", None, {"segment": id_})
    return _read(row) if row else NO_SEGMENT


REMOVE_SEGMENT = "delete from segment where id = $1 returning id"


async def remove_segment(tx: Transaction, actor: Actor, id_: str) -> Refused | None:
    """Remove a segment; nothing of a profile is lost with it."""
    if await tx.connection.fetchval(REMOVE_SEGMENT, id_) is None:
        return NO_SEGMENT
    await audit(tx.connection, actor.id, "segment_removed", None, {"segment": id_})
    return None
