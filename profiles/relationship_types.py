"""Which relationships there can be, defined by administrators: `label` one way, `back` the other (mother / child)."""

from __future__ import annotations

import re

import asyncpg
from msgspec import UNSET, Struct, UnsetType

from model.agent import Actor
from model.refusal import Refused
from profiles.audit import audit
from profiles.values import check_line, invalid
from store.feeds import Transaction
from store.pool import Connection

LABEL = 60
ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
NO_TYPE = Refused("not_found", "There is no such relationship type.", "id")


class RelationshipType(Struct, frozen=True):
    """`label`: what the other is to the customer it is added on; `back`: what that customer is to the other."""

    id: str
    label: str
    back: str
    archived: bool = False


class NewRelationshipType(Struct, frozen=True, forbid_unknown_fields=True):
    """A type to define. Without `back` it reads the same both ways: colleague, neighbour."""

    id: str
    label: str
    back: str | None = None


class RelationshipTypeChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a type."""

    label: str | UnsetType = UNSET
    back: str | UnsetType = UNSET
    archived: bool | UnsetType = UNSET


TYPES = "select id, label, back, archived_at is not null as archived from relationship_type order by label, id"


async def fetch_types(connection: Connection) -> tuple[RelationshipType, ...]:
    """All types by label."""
    return tuple(_read(row) for row in await connection.fetch(TYPES))


def _read(row: asyncpg.Record) -> RelationshipType:
    return RelationshipType(row["id"], row["label"], row["back"], row["archived"])


INSERT_TYPE = """
insert into relationship_type (id, label, back) values ($1, $2, $3) on conflict do nothing
returning id, label, back, false as archived
"""


async def define_type(tx: Transaction, actor: Actor, new: NewRelationshipType) -> RelationshipType | Refused:
    """Define a type."""
    if not ID.fullmatch(new.id):
        return invalid("id", "is of a-z, 0-9 and -")
    labels = _labels(new.label, new.label if new.back is None else new.back)
    if isinstance(labels, Refused):
        return labels
    row = await tx.connection.fetchrow(INSERT_TYPE, new.id, *labels)
    if row is None:
        return Refused("taken", "There is a type of this id; take another, or change that one.", "id")
    await audit(tx.connection, actor.id, "relationship_type_defined", None, {"type": new.id})
    return _read(row)


def _labels(label: object, back: object) -> tuple[str, str] | Refused:
    kept: list[str] = []
    for field, value in (("label", label), ("back", back)):
        line = check_line(value, field, LABEL)
        if not isinstance(line, str):
            return line or invalid(field, "must not be empty")
        kept.append(line)
    return kept[0], kept[1]


LOCK_TYPE = """
select id, label, back, archived_at is not null as archived from relationship_type where id = $1 for no key update
"""
CHANGE_TYPE = """
update relationship_type set label = $2, back = $3, archived_at = case when $4 then coalesce(archived_at, now()) end
 where id = $1 returning id, label, back, archived_at is not null as archived
"""


async def change_type(
    tx: Transaction, actor: Actor, id_: str, change: RelationshipTypeChange
) -> RelationshipType | Refused:
    """Change how a type reads. Screens show it when they read a profile next."""
    row = await tx.connection.fetchrow(LOCK_TYPE, id_)
    if row is None:
        return NO_TYPE
    old = _read(row)
    labels = _labels(
        *(kept if new is UNSET else new for new, kept in ((change.label, old.label), (change.back, old.back)))
    )
    if isinstance(labels, Refused):
        return labels
    archived = old.archived if change.archived is UNSET else change.archived
    row = await tx.connection.fetchrow(CHANGE_TYPE, id_, *labels, archived)
    await audit(tx.connection, actor.id, "relationship_type_changed", None, {"type": id_})
    return _read(row) if row else NO_TYPE


async def archive_type(tx: Transaction, actor: Actor, id_: str) -> Refused | None:
    """Offer a type no more; the relationships of it stay."""
    done = await change_type(tx, actor, id_, RelationshipTypeChange(archived=True))
    return done if isinstance(done, Refused) else None
