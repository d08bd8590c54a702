"""How contacts end: a tree of dispositions, each for some queues or for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from model.refusal import Refused
from router.reasons import Label, Position
from store.pool import Connection

DEEPEST = 5


class Disposition(Struct, frozen=True):
    """How a contact may end. `queues`: whose contacts it is for, together with those above it; none: all."""

    id: str
    label: str
    parent: str | None = None
    position: int = 0
    queues: tuple[str, ...] = ()
    archived: bool = False


class NewDisposition(Struct, frozen=True, forbid_unknown_fields=True):
    """A disposition as it shall be; archived before, it is offered again."""

    label: Label
    parent: Annotated[str, Meta(max_length=63)] | None = None
    position: Position = 0
    queues: Annotated[tuple[str, ...], Meta(max_length=200)] = ()


ALL = """
select d.id, d.label, d.parent_id as parent, d.position,
       array(select q.queue_id from disposition_queue q where q.disposition_id = d.id order by q.queue_id) as queues,
       d.archived
  from disposition d order by d.position, d.label, d.id
"""


async def fetch_dispositions(connection: Connection) -> tuple[Disposition, ...]:
    """Each after the one above it, archived ones too."""
    rows = await connection.fetch(ALL)
    found = [
        Disposition(row["id"], row["label"], row["parent"], row["position"], tuple(row["queues"]), row["archived"])
        for row in rows
    ]
    below: dict[str | None, list[Disposition]] = {}
    for each in found:
        below.setdefault(each.parent, []).append(each)
    tree: list[Disposition] = []
    waiting = list(reversed(below.get(None, [])))
    while waiting:
        tree.append(waiting.pop())
        waiting += reversed(below.get(tree[-1].id, []))
    return tuple(tree)


def of_queue(tree: Sequence[Disposition], queue: str) -> tuple[Disposition, ...]:
    """Of a tree, parents first, what fits this queue together with everything above it; nothing archived."""
    kept: dict[str, Disposition] = {}
    for each in tree:
        fits = not each.archived and (not each.queues or queue in each.queues)
        if fits and (each.parent is None or each.parent in kept):
            kept[each.id] = each
    return tuple(kept.values())


LOCK_TREE = "lock table disposition in share row exclusive mode"
ABOVE = """
with recursive a as (
    select id, parent_id, archived, 1 as depth from disposition where id = $1
    union all
    select d.id, d.parent_id, d.archived, a.depth + 1 from a join disposition d on d.id = a.parent_id
     where a.depth < 20)
select id, archived from a
"""
HEIGHT = """
with recursive b as (
    select id, 1 as depth from disposition where id = $1
    union all
    select d.id, b.depth + 1 from b join disposition d on d.parent_id = b.id where b.depth < 20)
select coalesce(max(depth), 1) from b
"""
UNKNOWN_QUEUES = """
select u.id from unnest($1::text[]) u(id)
 where not exists (select from queue q where q.id = u.id and q.retired_at is null) limit 1
"""
PUT = """
insert into disposition (id, label, parent_id, position) values ($1, $2, $3, $4)
on conflict (id) do update set label = excluded.label, parent_id = excluded.parent_id, position = excluded.position,
                               archived = false
"""
CLEAR_QUEUES = "delete from disposition_queue where disposition_id = $1"
SET_QUEUES = "insert into disposition_queue (disposition_id, queue_id) select distinct $1, q from unnest($2::text[]) q"


async def put_disposition(connection: Connection, id_: str, new: NewDisposition) -> Disposition | Refused:
    """Add it, or change it. Inside a transaction."""
    await connection.execute(LOCK_TREE)
    refused = await _flaw_of_place(connection, id_, new.parent) if new.parent is not None else None
    if refused is not None:
        return refused
    unknown = await connection.fetchval(UNKNOWN_QUEUES, list(new.queues))
    if unknown is not None:
        return Refused("not_found", f"There is no queue {unknown!r}; `GET /v1/queues` lists them.", "queues")
    await connection.execute(PUT, id_, new.label, new.parent, new.position)
    await connection.execute(CLEAR_QUEUES, id_)
    await connection.execute(SET_QUEUES, id_, list(new.queues))
    return Disposition(id_, new.label, new.parent, new.position, tuple(sorted(set(new.queues))))


async def _flaw_of_place(connection: Connection, id_: str, parent: str) -> Refused | None:
    above = await connection.fetch(ABOVE, parent)
    if not above or above[0]["archived"]:
        return Refused("not_found", f"There is no disposition {parent!r} to stand below.", "parent")
    if id_ in {row["id"] for row in above}:
        return Refused("invalid", "A disposition cannot stand below itself.", "parent")
    if len(above) + await connection.fetchval(HEIGHT, id_) > DEEPEST:
        return Refused("invalid", f"At most {DEEPEST} dispositions may stand below each other.", "parent")
    return None


ARCHIVE = """
with recursive b as (
    select id from disposition where id = $1 and not archived
    union select d.id from b join disposition d on d.parent_id = b.id)
update disposition d set archived = true from b where d.id = b.id returning d.id
"""


async def archive_disposition(connection: Connection, id_: str) -> Refused | None:
    """Offer it and those below it no more; contacts that ended so stay as they are."""
    if await connection.fetch(ARCHIVE, id_):
        return None
    return Refused("not_found", f"There is no disposition {id_!r}.", "disposition")


# From the root of the tree down to it, with whether each is for this queue.
PATH = """
with recursive a as (
    select id, parent_id, label, archived, 1 as depth from disposition where id = $1
    union all
    select d.id, d.parent_id, d.label, d.archived, a.depth + 1 from a join disposition d on d.id = a.parent_id
     where a.depth < 20)
select a.label, a.archived,
       exists (select from disposition d where d.parent_id = $1 and not d.archived) as has_below,
       not exists (select from disposition_queue q where q.disposition_id = a.id)
       or exists (select from disposition_queue q where q.disposition_id = a.id and q.queue_id = $2) as fits
  from a order by a.depth desc
"""


async def ended_as(connection: Connection, id_: str, queue: str | None) -> str | Refused:
    """The labels of a disposition, from the top, where a contact of this queue may end so."""
    path = await connection.fetch(PATH, id_, queue)
    if not path or any(row["archived"] for row in path):
        told = f"There is no disposition {id_[:80]!r}; `GET /v1/dispositions` lists them."
        return Refused("not_found", told, "disposition")
    if not all(row["fits"] for row in path):
        return Refused("invalid", "This disposition is not for this queue; choose another.", "disposition")
    if path[0]["has_below"]:
        return Refused("invalid", "This disposition is a group; choose one below it.", "disposition")
    return " / ".join(row["label"] for row in path)
