"""Handles nobody has yet: read, locked and given to a customer; refused with whose it is when it is somebody's."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg
from msgspec import Struct

from model.agent import Actor
from model.inbound import HandleKind, HandleRef
from model.refusal import Refused
from profiles.edit import json_of
from profiles.handles import parse_handle
from profiles.values import check_line, invalid
from store.feeds import Transaction
from store.ids import new_id
from store.pool import Connection

LABEL = 60


class NewHandle(Struct, frozen=True, forbid_unknown_fields=True):
    """A handle to add. `scope`: of a social id, the page or app it means something in."""

    kind: HandleKind
    value: str
    label: str | None = None
    scope: str = ""
    main: bool = False
    textable: bool = True


class Parsed(Struct, frozen=True):
    """A handle to add, in its normal form."""

    ref: HandleRef
    label: str | None
    main: bool
    textable: bool
    field: str

    @property
    def key(self) -> tuple[str, str, str]:
        """By what it is unique."""
        return self.ref.kind, self.ref.scope, self.ref.value


Ids = dict[tuple[str, str, str], UUID]
"""Handles by what each is unique by."""

FIRST_REGION = "select region from account order by created_at, id limit 1"
SCOPE = 200


async def parse_handles(connection: Connection, handles: Sequence[NewHandle], field: str) -> list[Parsed] | Refused:
    """The handles in their normal form; `field` with the place of each is what a refusal names.

    A phone without its country code is one of where our first account is.
    """
    region = await connection.fetchval(FIRST_REGION) if any(new.kind == "phone" for new in handles) else None
    parsed: dict[tuple[str, str, str], Parsed] = {}
    for place, new in enumerate(handles):
        one = _parse(new, region, field.format(place))
        if isinstance(one, Refused):
            return one
        if one.key in parsed:
            return invalid(one.field, "is given twice")
        parsed[one.key] = one
    return list(parsed.values())


def _parse(new: NewHandle, region: str | None, field: str) -> Parsed | Refused:
    scope = check_line(new.scope, "scope", SCOPE)
    label = check_line(new.label, "label", LABEL)
    if isinstance(scope, Refused):
        return scope
    if isinstance(label, Refused):
        return label
    if new.kind == "phone" and region is None and "+" not in new.value:
        return invalid(field, "needs + and its country code, as there is no account to say where it is")
    ref = parse_handle(new.kind, new.value, region, scope or "")
    if isinstance(ref, Refused):
        return Refused(ref.code, ref.message, field)
    return Parsed(ref, label, new.main, new.textable, field)


# Without a customer it is shared, or nobody's: its row was left behind.
FIND_HANDLES = """
select h.id, h.kind, h.scope, h.value, h.shared, c.root_id
  from unnest($1::text[], $2::text[], $3::text[]) u(kind, scope, value)
  join handle h on h.kind = u.kind and h.scope = u.scope and h.value = u.value
  left join customer c on c.id = h.customer_id
"""
INSERT_HANDLES = """
insert into handle (id, kind, scope, value, form)
select u.id, u.kind, u.scope, u.value, u.form
  from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[]) u(id, kind, scope, value, form)
 order by u.kind, u.scope, u.value
on conflict (kind, scope, value) do nothing
"""
LOCK_HANDLES = """
select h.id from unnest($1::text[], $2::text[], $3::text[]) u(kind, scope, value)
  join handle h on h.kind = u.kind and h.scope = u.scope and h.value = u.value
 order by h.kind, h.scope, h.value for no key update of h
"""


async def lock_free_handles(tx: Transaction, handles: Sequence[Parsed]) -> Ids | Refused:
    """Lock the handles, born where they were unknown, and give their ids; refused when one is somebody's.

    Before any customer is locked. Looked at twice: first so that a refusal leaves nothing behind, then under the locks,
    because the loser of a race for a new handle waits in the insert.
    """
    keys = [[getattr(each.ref, part) for each in handles] for part in ("kind", "scope", "value")]
    taken = _taken(handles, await tx.connection.fetch(FIND_HANDLES, *keys))
    if taken is not None:
        return taken
    ids = [new_id() for _ in handles]
    await tx.connection.execute(INSERT_HANDLES, ids, *keys, [each.ref.form for each in handles])
    await tx.connection.execute(LOCK_HANDLES, *keys)
    found = await tx.connection.fetch(FIND_HANDLES, *keys)
    taken = _taken(handles, found)
    if taken is not None:
        return taken
    by_key = {(row["kind"], row["scope"], row["value"]): row["id"] for row in found}
    return {each.key: by_key[each.key] for each in handles}


def _taken(handles: Sequence[Parsed], found: Sequence[asyncpg.Record]) -> Refused | None:
    by_key = {(row["kind"], row["scope"], row["value"]): row for row in found}
    for each in handles:
        row = by_key.get(each.key)
        if row is not None and row["shared"]:
            message = f"Several people share it; PATCH /v1/handles/{row['id']} makes it one customer's own."
            return Refused("taken", message, each.field)
        if row is not None and row["root_id"] is not None:
            message = f"It belongs to customer {row['root_id']}; merge the two, remove it there, or mark it shared."
            return Refused("taken", message, each.field)
    return None


# Only one handle of a kind is the main one; the first of its kind is, whoever asked.
OWN_HANDLE = """
update handle h
   set customer_id = $2, label = $3, textable = $5, verified = h.verified or $6,
       main = $4 or not exists (select from customer m join handle o on o.customer_id = m.id
                                 where m.root_id = $2 and o.kind = h.kind and o.main)
 where h.id = $1 returning main
"""
ONLY_MAIN = """
update handle o set main = false from customer m, handle h
 where h.id = $1 and m.root_id = $2 and o.customer_id = m.id and o.kind = h.kind and o.id <> h.id and o.main
"""
LINK = "insert into link (id, handle_id, customer_id, rule, evidence, by_agent) values ($1, $2, $3, $4, $5, $6)"


async def own_handles(tx: Transaction, actor: Actor, root: UUID, handles: Sequence[Parsed], ids: Ids) -> None:
    """Give locked, free handles to a customer. What another system says counts as proven, what one is told does not."""
    proven = actor.role == "service"
    rule = "told_by_a_service" if proven else "added_by_hand"
    for each in handles:
        id_ = ids[each.key]
        main = await tx.connection.fetchval(OWN_HANDLE, id_, root, each.label, each.main, each.textable, proven)
        if main:
            await tx.connection.execute(ONLY_MAIN, id_, root)
        await link_handle(tx.connection, actor, id_, root, rule)


async def link_handle(connection: Connection, actor: Actor, handle: UUID, customer: UUID, rule: str) -> None:
    """Note who decided whose a handle is."""
    evidence = json_of({"proven_by": "service" if rule == "told_by_a_service" else None, "rivals": []})
    await connection.execute(LINK, new_id(), handle, customer, rule, evidence, actor.id)
