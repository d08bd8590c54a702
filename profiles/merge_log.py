"""Merges as they are kept: live ones are the links that make one person of several customers, undone ones history."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from model.customer import MergeView, Provenance
from model.timeline import Author
from profiles.survivorship import Choice, Leaf, MergeLink, compose
from store.pool import Connection


class MergeRecord(Struct, frozen=True):
    """A merge with all that was decided. `moved`: who answers under the survivor since; `loser` leaves when undone."""

    id: UUID
    survivor: UUID
    loser: UUID
    loser_name: str | None
    moved: tuple[UUID, ...]
    choices: dict[str, Choice]
    rule: str
    at: datetime
    by: Author | None
    """Null: by policy."""
    undone_at: datetime | None
    undone_by: Author | None

    @property
    def view(self) -> MergeView:
        """As a profile shows it."""
        return MergeView(self.id, self.survivor, self.loser, self.loser_name, self.rule, self.at, self.by)


MERGE = """
select json_build_object(
           'id', g.id, 'survivor', g.survivor_id, 'loser', g.loser_id, 'loser_name', coalesce(c.shown_name, c.name),
           'moved', g.moved_ids, 'choices', g.choices, 'rule', g.rule, 'at', json_time(g.at),
           'by', case when a.id is not null then json_build_object('id', a.id, 'name', a.name) end,
           'undone_at', json_time(g.undone_at),
           'undone_by', case when u.id is not null then json_build_object('id', u.id, 'name', u.name) end)::text
  from merge g join customer c on c.id = g.loser_id left join agent a on a.id = g.by_agent
       left join agent u on u.id = g.undone_by
 where g.id = $1
"""
_record = msgspec.json.Decoder(MergeRecord).decode
_fact = msgspec.json.Decoder(Provenance).decode
_choices = msgspec.json.Decoder(dict[str, Choice]).decode


async def fetch_merge(connection: Connection, merge: UUID) -> MergeRecord | None:
    """A merge, live or undone."""
    text = await connection.fetchval(MERGE, merge)
    return _record(text) if text else None


NAMES = """
select c.id, c.name, c.shown_name, (c.facts -> 'name')::text as fact, c.created_at from customer c
 where c.root_id = any ($1)
"""
LINKS = """
select g.survivor_id, g.loser_id, g.at, g.choices::text as choices
  from customer c join merge g on g.loser_id = c.id and g.undone_at is null where c.root_id = any ($1)
"""
SHOW_NAMES = """
update customer c set shown_name = u.shown_name from unnest($1::uuid[], $2::text[]) u(id, shown_name) where c.id = u.id
"""


async def name_groups(connection: Connection, *roots: UUID) -> None:
    """Keep `shown_name`: what each member of these groups is called with what was merged into it, where that differs.

    Of all of them, not of the root alone: undoing a merge in the middle changes what its survivor brings along.
    """
    rows = await connection.fetch(NAMES, list(roots))
    facts = {row["id"]: {"name": _fact(row["fact"])} if row["fact"] else {} for row in rows}
    leaves = [Leaf(row["id"], {"name": row["name"]}, facts[row["id"]], row["created_at"]) for row in rows]
    links = [
        MergeLink(row["survivor_id"], row["loser_id"], row["at"], _choices(row["choices"]))
        for row in await connection.fetch(LINKS, list(roots))
    ]
    changed: dict[UUID, str | None] = {}
    for row in rows:
        composed = compose(row["id"], leaves, links).get("name")
        name = composed.value if composed else None
        shown = name if isinstance(name, str) and name != row["name"] else None
        if shown != row["shown_name"]:
            changed[row["id"]] = shown
    if changed:
        await connection.execute(SHOW_NAMES, list(changed), list(changed.values()))
