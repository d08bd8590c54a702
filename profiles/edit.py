"""Change values of a profile, each known by the revision it was seen at, so that nobody overwrites what they never saw.

A change is written to the root's own row; what the merged leaves say stays with them (`profiles.survivorship`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from model.agent import Actor
from model.customer import Customer, FieldValue, Provenance, Source
from model.event import CustomerChanged, TaskChanged
from model.refusal import Refused
from model.timeline import Author
from profiles.audit import audit
from profiles.fields import fetch_definitions
from profiles.sections import fetch_customer, fetch_tasks
from profiles.values import CHECKS, FieldDefinition, Given, Kept, check_custom, check_value, invalid
from store.feeds import Transaction, append_to_agent, append_to_customer, lock_customer
from store.pool import Connection

NOW = "select clock_timestamp()"
NO_CUSTOMER = Refused("not_found", "There is no such customer.", "customer")
CUSTOM = "fields."
OPPOSITES = ("preferred_channels", "refused_channels")


_encode = msgspec.json.Encoder().encode


def json_of(value: object) -> str:
    """A parameter of type jsonb."""
    return _encode(value).decode()


class Change(Struct, frozen=True):
    """A field's new value. `revision`: of the value it replaces, as it was seen; None: whatever it is by now."""

    field: str
    value: Given
    revision: int | None = None


async def edit(tx: Transaction, actor: Actor, customer: UUID, changes: Sequence[Change]) -> Customer | Refused:
    """Change values of a profile, all or none; gives the profile as it is now. What changes nothing is no event."""
    root = await lock_customer(tx, customer)
    if root is None:
        return NO_CUSTOMER
    at = await tx.connection.fetchval(NOW)
    now = await fetch_customer(tx.connection, root)
    checked = await check_changes(tx.connection, changes, at)
    if isinstance(checked, Refused):
        return checked
    refused = _conflict(changes, now) or contradiction(checked, {field: value_of(now, field) for field in OPPOSITES})
    if refused is not None:
        return refused
    new = {field: value for field, value in checked.items() if value != value_of(now, field)}
    if not new:
        return now
    facts = {field: provenance(actor, at, _revision(now, field) + 1) for field in new}
    refused = await save_values(tx.connection, root, new, facts)
    if refused is not None:
        return refused
    await audit(tx.connection, actor.id, "edit", root, {"fields": sorted(new)})
    if "name" in new:
        await tell_agents_the_name(tx, root)
    return await tell_customer(tx, root)


async def tell_customer(tx: Transaction, root: UUID) -> Customer:
    """Show who the customer is by now on all screens, and have it looked at for whom they may be."""
    await tx.connection.execute(LOOK_AGAIN, root)
    customer = await fetch_customer(tx.connection, root)
    await append_to_customer(tx, root, [CustomerChanged(customer)])
    return customer


LOOK_AGAIN = "insert into likeness_due (customer_id) values ($1) on conflict do nothing"


async def check_changes(connection: Connection, changes: Sequence[Change], at: datetime) -> dict[str, Kept] | Refused:
    """The values in the form in which they are kept, by field."""
    custom = any(change.field.startswith(CUSTOM) for change in changes)
    definitions = await fetch_definitions(connection) if custom else {}
    values: dict[str, Kept] = {}
    for change in changes:
        if change.field in values:
            return Refused("invalid", f"{change.field} is given twice; give it once.", change.field)
        value = _check(change, definitions, at.date())
        if isinstance(value, Refused):
            return value
        values[change.field] = value
    return values


def _check(change: Change, definitions: Mapping[str, FieldDefinition], today: date) -> Kept | Refused:
    if change.field in CHECKS:
        return check_value(change.field, change.value, today)
    definition = definitions.get(change.field.removeprefix(CUSTOM)) if change.field.startswith(CUSTOM) else None
    if definition is None or definition.archived:
        return Refused("invalid", "There is no such field; `GET /v1/fields` lists those defined here.", change.field)
    return check_custom(definition, change.value)


def _conflict(changes: Sequence[Change], now: Customer) -> Refused | None:
    for change in changes:
        if change.revision is not None and change.revision != _revision(now, change.field):
            fact = now.provenance.get(change.field)
            who = fact.by.name if fact and fact.by else "somebody"
            when = f" on {fact.at:%d %b %Y at %H:%M} UTC" if fact else ""
            message = f"{who} changed {change.field}{when}, after you had read it; read it again."
            return Refused("conflict", message, change.field)
    return None


def contradiction(new: Mapping[str, Kept], old: Mapping[str, Kept]) -> Refused | None:
    """A channel cannot be preferred and refused at once."""
    preferred, refused = (_channels(new[field] if field in new else old.get(field)) for field in OPPOSITES)
    both = sorted(preferred & refused)
    field = next((field for field in OPPOSITES if field in new), None)
    return invalid(field, f"and its opposite both hold {', '.join(both)}") if both and field else None


def _channels(value: Kept) -> set[str]:
    return set(value) if isinstance(value, list) else set()


def value_of(customer: Customer, field: str) -> Kept:
    """The value a profile has for a field, in the form in which it is kept."""
    if field.startswith(CUSTOM):
        key = field.removeprefix(CUSTOM)
        return next((custom.value for custom in customer.fields if custom.key == key), None)
    value = getattr(customer, field)
    return list(value) if isinstance(value, tuple) else value


def _revision(customer: Customer, field: str) -> int:
    fact = customer.provenance.get(field)
    return fact.revision if fact else 0


def provenance(actor: Actor, at: datetime, revision: int = 1) -> Provenance:
    """Where a value comes from that this actor gives: another system knows it, a colleague was told."""
    source: Source = "service" if actor.role == "service" else "agent"
    by = Author(actor.id, actor.name)
    return Provenance(source, at, by, verified=source == "service", revision=revision)


# `shown_name` is what a merge decided; a name given after it wins. Custom values are kept apart from the columns.
SAVE_VALUES = """
update customer c
   set name = case when $2::jsonb ? 'name' then $2 ->> 'name' else c.name end,
       shown_name = case when $2 ? 'name' then null else c.shown_name end,
       company = case when $2 ? 'company' then $2 ->> 'company' else c.company end,
       location = case when $2 ? 'location' then $2 ->> 'location' else c.location end,
       language = case when $2 ? 'language' then $2 ->> 'language' else c.language end,
       time_zone = case when $2 ? 'time_zone' then $2 ->> 'time_zone' else c.time_zone end,
       plan = case when $2 ? 'plan' then $2 ->> 'plan' else c.plan end,
       birth_date = case when $2 ? 'birth_date' then ($2 ->> 'birth_date')::date else c.birth_date end,
       external_id = case when $2 ? 'external_id' then $2 ->> 'external_id' else c.external_id end,
       tags = case when $2 ? 'tags'
                   then array(select jsonb_array_elements_text($2 -> 'tags')) else c.tags end,
       preferred_channels = case when $2 ? 'preferred_channels'
                                 then array(select jsonb_array_elements_text($2 -> 'preferred_channels'))
                                 else c.preferred_channels end,
       refused_channels = case when $2 ? 'refused_channels'
                               then array(select jsonb_array_elements_text($2 -> 'refused_channels'))
                               else c.refused_channels end,
       fields = jsonb_strip_nulls(c.fields || $3::jsonb),
       facts = c.facts || $4::jsonb
 where c.id = $1
"""


async def save_values(
    connection: Connection, customer: UUID, new: Mapping[str, Kept], facts: Mapping[str, Provenance]
) -> Refused | None:
    """Write checked values to a customer's own row, each with where it comes from."""
    refused = await taken(connection, customer, new.get("external_id"))
    if refused is not None:
        return refused
    columns = {field: value for field, value in new.items() if not field.startswith(CUSTOM)}
    custom = {field.removeprefix(CUSTOM): value for field, value in new.items() if field.startswith(CUSTOM)}
    try:
        # A transaction within: another may take the same external id between the look and the write.
        async with connection.transaction():
            await connection.execute(SAVE_VALUES, customer, *(json_of(each) for each in (columns, custom, facts)))
    except asyncpg.UniqueViolationError:
        return Refused("taken", "Another customer has this external id; merge the two instead.", "external_id")
    return None


OWNER_OF_EXTERNAL_ID = "select c.id, c.root_id from customer c where c.external_id = $1"


async def taken(connection: Connection, customer: UUID, external_id: Kept) -> Refused | None:
    """Why this customer cannot have this external id: it is another's."""
    owner = await connection.fetchrow(OWNER_OF_EXTERNAL_ID, external_id) if external_id is not None else None
    if owner is None or owner["id"] == customer:
        return None
    if owner["root_id"] == customer:
        message = "A merged part of this profile has this external id and keeps it; undo that merge first."
    else:
        message = f"Customer {owner['root_id']} has this external id; merge the two instead."
    return Refused("taken", message, "external_id")


# A held line and a task say the customer's name: those of other agents are not on this customer's feed.
HELD_LINES = """
select c.agent_id, held_line(c, false) as line
  from (select c.* from customer m cross join lateral (
            select c.* from contact c where c.customer_id = m.id and c.agent_id is not null
             order by c.id limit 20) c
         where m.root_id = $1) c
 order by c.agent_id, c.id
"""


async def tell_agents_the_name(tx: Transaction, root: UUID) -> None:
    """Show a customer's new name in My Customers and among the tasks of whoever has them there."""
    news: dict[UUID, list[TaskChanged | str]] = {}
    for row in await tx.connection.fetch(HELD_LINES, root):
        news.setdefault(row["agent_id"], []).append(row["line"])
    for task in await fetch_tasks(tx.connection, root):
        if task.agent is not None and task.state == "open":
            news.setdefault(task.agent.id, []).append(TaskChanged(task))
    for agent in sorted(news):
        await append_to_agent(tx, agent, news[agent])


def custom_changes(fields: Mapping[str, FieldValue | None], revisions: Mapping[str, int]) -> list[Change]:
    """Custom values by key, as changes."""
    return [Change(f"{CUSTOM}{key}", value, revisions.get(f"{CUSTOM}{key}")) for key, value in fields.items()]
