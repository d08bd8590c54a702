"""Custom fields of a profile, defined by administrators."""

from __future__ import annotations

import re

import asyncpg
from msgspec import UNSET, Struct, UnsetType

from model.agent import Actor
from model.customer import FieldType
from model.refusal import Refused
from profiles.audit import audit
from profiles.values import FieldDefinition, check_line, invalid
from store.feeds import Transaction
from store.pool import Connection

MOST_FIELDS = 200
MOST_CHOICES = 100
KEY = re.compile(r"[a-z][a-z0-9_]{0,62}")
CURRENCY = re.compile(r"[A-Z]{3}")
NO_FIELD = Refused("not_found", "There is no such field.", "key")

DEFINITIONS = """
select key, label, type, choices, currency, position, archived_at is not null as archived from field
 order by position, key
"""


async def fetch_definitions(connection: Connection) -> dict[str, FieldDefinition]:
    """All fields by key, archived ones too, in the order in which a profile shows them."""
    return {row["key"]: _read(row) for row in await connection.fetch(DEFINITIONS)}


DEFINITION = """
select key, label, type, choices, currency, position, archived_at is not null as archived from field where key = $1
"""


async def fetch_definition(connection: Connection, key: str) -> FieldDefinition | None:
    """One field."""
    row = await connection.fetchrow(DEFINITION, key)
    return _read(row) if row else None


def _read(row: asyncpg.Record) -> FieldDefinition:
    return FieldDefinition(
        key=row["key"],
        label=row["label"],
        type=row["type"],
        choices=tuple(row["choices"]),
        currency=row["currency"],
        position=row["position"],
        archived=row["archived"],
    )


class NewField(Struct, frozen=True, forbid_unknown_fields=True):
    """A custom field to define. `choices` of type choice, `currency` of type money."""

    key: str
    label: str
    type: FieldType
    choices: tuple[str, ...] = ()
    currency: str | None = None
    position: int = 0


class FieldChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a definition. Its type stays, for it says what the values are that exist."""

    label: str | UnsetType = UNSET
    choices: tuple[str, ...] | UnsetType = UNSET
    """A choice that is gone stays where it was chosen, and cannot be chosen any more."""
    position: int | UnsetType = UNSET
    archived: bool | UnsetType = UNSET


INSERT_FIELD = """
insert into field (key, label, type, choices, currency, position) values ($1, $2, $3, $4, $5, $6)
on conflict do nothing returning key
"""
COUNT_FIELDS = "select count(*) from field"


async def define_field(tx: Transaction, actor: Actor, new: NewField) -> FieldDefinition | Refused:
    """Define a field. Screens show it when they read a profile next."""
    if not KEY.fullmatch(new.key):
        return invalid("key", "is of a-z, 0-9 and _, and begins with a letter")
    if (new.type == "money") != (new.currency is not None) or (new.currency and not CURRENCY.fullmatch(new.currency)):
        return invalid("currency", "is three letters such as EUR, of a field of type money and of no other")
    checked = _check(new.label, new.choices, new.position, new.type)
    if isinstance(checked, Refused):
        return checked
    if await tx.connection.fetchval(COUNT_FIELDS) >= MOST_FIELDS:
        return Refused("conflict", f"There are {MOST_FIELDS} fields already; remove some.", "key")
    label, choices = checked
    row = (new.key, label, new.type, choices, new.currency, new.position)
    if await tx.connection.fetchval(INSERT_FIELD, *row) is None:
        return Refused("taken", "There is a field of this key; take another, or change that one.", "key")
    return await _defined(tx, actor, new.key, "field_defined")


def _check(label: object, choices: tuple[str, ...], position: int, kind: FieldType) -> tuple[str, list[str]] | Refused:
    """The label and the choices in the form in which they are kept."""
    line = check_line(label, "label", 100)
    if not isinstance(line, str):
        return line or invalid("label", "must not be empty")
    if (kind == "choice") != bool(choices) or len(choices) > MOST_CHOICES:
        return invalid("choices", f"are 1 to {MOST_CHOICES} of a field of type choice, and none of another")
    kept: list[str] = []
    for choice in choices:
        text = check_line(choice, "choices", 100)
        if not isinstance(text, str) or text in kept:
            return text if isinstance(text, Refused) else invalid("choices", "differ, and none is empty")
        kept.append(text)
    return (line, kept) if abs(position) < 10_000 else invalid("position", "is a small number")


CHANGE_FIELD = """
update field set label = $2, choices = $3, position = $4,
       archived_at = case when $5 then coalesce(archived_at, now()) end
 where key = $1
"""
LOCK_FIELD = "select key from field where key = $1 for no key update"


async def change_field(tx: Transaction, actor: Actor, key: str, change: FieldChange) -> FieldDefinition | Refused:
    """Change a definition."""
    await tx.connection.execute(LOCK_FIELD, key)
    old = await fetch_definition(tx.connection, key)
    if old is None:
        return NO_FIELD
    label = old.label if change.label is UNSET else change.label
    choices = old.choices if change.choices is UNSET else change.choices
    position = old.position if change.position is UNSET else change.position
    archived = old.archived if change.archived is UNSET else change.archived
    checked = _check(label, choices, position, old.type)
    if isinstance(checked, Refused):
        return checked
    await tx.connection.execute(CHANGE_FIELD, key, *checked, position, archived)
    return await _defined(tx, actor, key, "field_changed")


async def archive_field(tx: Transaction, actor: Actor, key: str) -> Refused | None:
    """Show a field no more; its values stay, and come back with it."""
    done = await change_field(tx, actor, key, FieldChange(archived=True))
    return done if isinstance(done, Refused) else None


async def _defined(tx: Transaction, actor: Actor, key: str, action: str) -> FieldDefinition:
    await audit(tx.connection, actor.id, action, None, {"field": key})
    found = await fetch_definition(tx.connection, key)
    assert found is not None, "it was written in this transaction"  # noqa: S101  # cannot happen under the row's lock
    return found
