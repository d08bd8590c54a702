"""Why a profile is made of what it is made of: every decision about its handles, every merge, every claim."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from model.inbound import HandleKind
from model.timeline import Author
from profiles.claims import Claim, fetch_claims
from profiles.merge_log import MergeRecord, fetch_merge
from store.pool import Connection

MOST = 200
MOST_MERGES = 50


class LinkDecision(Struct, frozen=True):
    """One decision about a handle: to whom it was linked, by which rule, on what evidence, and who else it could be."""

    id: UUID
    handle: UUID
    kind: HandleKind
    scope: str
    value: str
    customer: UUID
    """The leaf it was linked to, or taken from."""
    rule: str
    rivals: tuple[UUID, ...]
    """The other profiles between which it was decided."""
    evidence: dict[str, Any]
    at: datetime
    by: Author | None
    """Null: by the product itself."""


class Identity(Struct, frozen=True):
    """Why a profile is who it is. Newest decisions first; merges with those that were undone, newest first."""

    decisions: tuple[LinkDecision, ...]
    merges: tuple[MergeRecord, ...]
    claims: tuple[Claim, ...]
    """What is said to be theirs and is not linked."""


LINKS = """
select l.id, l.handle_id, h.kind, h.scope, h.value, l.customer_id, l.rule, l.evidence::text as evidence, l.at,
       a.id as agent_id, a.name as agent_name
  from customer m join link l on l.customer_id = m.id join handle h on h.id = l.handle_id
       left join agent a on a.id = l.by_agent
 where m.root_id = $1 order by l.at desc, l.id desc limit $2
"""
MERGES = """
select g.id from merge g
 where g.survivor_id in (select m.id from customer m where m.root_id = $1)
    or g.loser_id in (select m.id from customer m where m.root_id = $1)
 order by g.at desc, g.id desc limit $2
"""


async def fetch_identity(connection: Connection, root: UUID) -> Identity:
    """Everything that was decided about who this profile is."""
    decisions = []
    for row in await connection.fetch(LINKS, root, MOST):
        evidence: dict[str, Any] = msgspec.json.decode(row["evidence"])
        rivals = tuple(UUID(str(rival)) for rival in evidence.pop("rivals", ()))
        decisions.append(
            LinkDecision(
                id=row["id"],
                handle=row["handle_id"],
                kind=row["kind"],
                scope=row["scope"],
                value=row["value"],
                customer=row["customer_id"],
                rule=row["rule"],
                rivals=rivals,
                evidence=evidence,
                at=row["at"],
                by=Author(row["agent_id"], row["agent_name"]) if row["agent_id"] else None,
            )
        )
    rows = await connection.fetch(MERGES, root, MOST_MERGES)
    merges = tuple([merge for row in rows if (merge := await fetch_merge(connection, row["id"])) is not None])
    return Identity(tuple(decisions), merges, await fetch_claims(connection, root))
