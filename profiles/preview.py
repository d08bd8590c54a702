"""What a merge would make of two customers, field by field with the rule that decides, and what stands against it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from model.customer import Customer, HandleView, Provenance
from model.refusal import Refused
from model.timeline import Author
from profiles.merge import why_not
from profiles.sections import fetch_customer
from profiles.survivorship import Composed, Outcome, combine
from profiles.values import CHECKS
from store.pool import Connection

Shown = str | float | bool | tuple[str, ...] | None
"""A value as JSON shows it."""


class FieldPreview(Struct, frozen=True):
    """A field on both sides and after the merge. `rule`: why; `beside`: what stays to be seen of the other side.

    `choose`: the sides differ, so that `choices` may overrule the rule.
    """

    field: str
    label: str
    survivor: Shown
    loser: Shown
    value: Shown
    rule: str
    beside: tuple[str, ...]
    choose: bool
    survivor_from: Provenance | None = None
    loser_from: Provenance | None = None


class Side(Struct, frozen=True):
    """One of the two. `held_by`: the agents who hold contacts of theirs."""

    customer: UUID
    name: str | None
    placeholder: bool
    external_id: str | None
    handles: tuple[HandleView, ...]
    conversations: int
    open_conversation: UUID | None
    held_by: tuple[Author, ...]
    entries: int
    created_at: datetime
    last_contact_at: datetime | None


class Obstacle(Struct, frozen=True):
    """Why the merge would be refused, and what to do about it."""

    code: str
    message: str
    field: str | None


class MergePreview(Struct, frozen=True):
    """A merge as it would be. `refused`: null where it is possible."""

    survivor: Side
    loser: Side
    fields: tuple[FieldPreview, ...]
    refused: Obstacle | None


ROOT = "select root_id from customer where id = $1"
NOW = "select clock_timestamp()"


async def preview(connection: Connection, survivor: UUID, loser: UUID) -> MergePreview | Refused:
    """Look at a merge beforehand; merged ids mean their roots. Nothing is locked: the merge itself looks again."""
    roots = []
    for field, customer in (("survivor", survivor), ("loser", loser)):
        root = await connection.fetchval(ROOT, customer)
        if root is None:
            return Refused("not_found", f"There is no such customer; correct the id of the {field}.", field)
        roots.append(UUID(int=root.int))
    refused = await why_not(connection, *roots)
    ours, theirs = [await fetch_customer(connection, root) for root in roots]
    if survivor == loser:
        refused = Refused("invalid", "A customer cannot be merged with itself; name another one.", "loser")
    return MergePreview(
        await _side(connection, ours),
        await _side(connection, theirs),
        _fields(ours, theirs, await connection.fetchval(NOW)),
        Obstacle(refused.code, refused.message, refused.field) if refused else None,
    )


COUNTS = """
select (select count(*) from customer m join conversation v on v.customer_id = m.id
         where m.root_id = $1 and v.folded_into is null) as conversations,
       (select v.id from conversation v
         where v.profile_id = $1 and v.status <> 'closed' and v.folded_into is null) as open_conversation,
       (select count(*) from customer m join entry e on e.customer_id = m.id where m.root_id = $1) as entries
"""
HELD_BY = """
select distinct g.id, g.name from customer m join contact c on c.customer_id = m.id join agent g on g.id = c.agent_id
 where m.root_id = $1 order by g.name, g.id
"""


async def _side(connection: Connection, customer: Customer) -> Side:
    counts = await connection.fetchrow(COUNTS, customer.id)
    assert counts is not None, "counts are always one row"  # noqa: S101  # for the type checker
    return Side(
        customer=customer.id,
        name=customer.name,
        placeholder=customer.placeholder,
        external_id=customer.external_id,
        handles=customer.handles,
        conversations=counts["conversations"],
        open_conversation=counts["open_conversation"],
        held_by=tuple(Author(row["id"], row["name"]) for row in await connection.fetch(HELD_BY, customer.id)),
        entries=counts["entries"],
        created_at=customer.created_at,
        last_contact_at=customer.last_contact_at,
    )


def _fields(ours: Customer, theirs: Customer, at: datetime) -> tuple[FieldPreview, ...]:
    ours_by, theirs_by = _outcomes(ours), _outcomes(theirs)
    labels = {field: field.replace("_", " ") for field in CHECKS}
    labels |= {f"fields.{custom.key}": custom.label for custom in ours.fields}
    merged = combine(ours_by, theirs_by, {}, at)
    rows = []
    for field, label in labels.items():
        one, two, both = ours_by.get(field, Outcome()), theirs_by.get(field, Outcome()), merged.get(field, Outcome())
        if _json(one) is None and _json(two) is None:
            continue
        beside = both.provenance.beside if both.provenance else ()
        rows.append(
            FieldPreview(
                field,
                label,
                *(_json(one), _json(two), _json(both), both.rule or ""),
                beside,
                _json(one) != _json(two) and not (field == "name" and None in (one.value, two.value)),
                one.provenance,
                two.provenance,
            )
        )
    return tuple(rows)


def _outcomes(customer: Customer) -> Composed:
    """What a profile says now, as one side of the next merge."""
    values = {field: getattr(customer, field) for field in CHECKS}
    values |= {f"fields.{custom.key}": custom.value for custom in customer.fields}
    return {field: Outcome(value, customer.provenance.get(field)) for field, value in values.items()}


def _json(outcome: Outcome) -> Shown:
    value = outcome.value
    if value is None or value == ():
        return None
    return value if isinstance(value, str | float | bool | tuple) else value.isoformat()
