"""Who changed what: one append-only row per change, in the change's own transaction. Ids and field names, no values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from model.timeline import Author
from store.ids import new_id
from store.pool import Connection

APPEND_AUDIT = "insert into audit (id, actor_id, action, customer_id, subject) values ($1, $2, $3, $4, $5)"

_encode = msgspec.json.Encoder().encode


async def audit(
    connection: Connection, actor_id: UUID | None, action: str, customer: UUID | None, subject: Mapping[str, object]
) -> None:
    """Note that the actor (None: the product by itself, by policy) did this to a customer."""
    await connection.execute(APPEND_AUDIT, new_id(), actor_id, action, customer, _encode(subject).decode())


class AuditEntry(Struct, frozen=True):
    """Who did what to whom. `actor` null: the product by itself, by policy. `subject`: ids and field names."""

    id: UUID
    at: datetime
    actor: Author | None
    action: str
    customer: UUID | None
    subject: dict[str, Any]


AUDIT = """
select a.id, a.at, g.id as actor_id, g.name as actor_name, a.action, a.customer_id, a.subject::text as subject
  from audit a left join agent g on g.id = a.actor_id
 where $1::timestamptz is null or (a.at, a.id) < ($1, $2::uuid)
 order by a.at desc, a.id desc limit $3
"""
# Of whoever is merged into the profile too, member by member for the index.
AUDIT_OF = """
select a.id, a.at, g.id as actor_id, g.name as actor_name, a.action, a.customer_id, a.subject::text as subject
  from customer r join customer m on m.root_id = r.root_id
 cross join lateral (
       select a.* from audit a
        where a.customer_id = m.id and ($2::timestamptz is null or (a.at, a.id) < ($2, $3::uuid))
        order by a.at desc, a.id desc limit $4) a
  left join agent g on g.id = a.actor_id
 where r.id = $1
 order by a.at desc, a.id desc limit $4
"""


async def fetch_audit(
    connection: Connection, customer: UUID | None, after: tuple[datetime, UUID] | None, limit: int
) -> list[AuditEntry]:
    """What was done, the newest first; to one profile where a customer is given."""
    place = (*(after or (None, None)), limit)
    rows = await (connection.fetch(AUDIT_OF, customer, *place) if customer else connection.fetch(AUDIT, *place))
    return [
        AuditEntry(
            row["id"],
            row["at"],
            Author(row["actor_id"], row["actor_name"]) if row["actor_id"] else None,
            row["action"],
            row["customer_id"],
            msgspec.json.decode(row["subject"]),
        )
        for row in rows
    ]
