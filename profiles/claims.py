"""What a contact says of handles that are not its own, kept until a colleague decides.

A claim is what somebody only told (a form field, a signature), or what a channel proved of a customer who must stay
apart (`why`). The likeness worker makes a suggestion of it as soon as the handle has an owner. The name given with it
is kept too: it may be the only one that is known of whoever claims.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from model.inbound import HandleRef
from profiles.edit import LOOK_AGAIN, json_of
from profiles.identity import Evidence, Kept, Why
from store.ids import new_id
from store.pool import Connection


class Claim(Struct, frozen=True):
    """A handle that is said to be this customer's. `proven`: by the channel, and kept apart for the reason in `why`."""

    kind: str
    """As of a handle, or `external_id`."""
    scope: str
    value: str
    proven: bool
    why: Why | None
    at: datetime


# What was only told is proven later on, and refused: that is what a colleague must read.
KEEP_CLAIM = """
insert into claim (id, customer_id, kind, scope, value, proven, why, evidence) values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (customer_id, kind, scope, value) do update
   set proven = true, why = excluded.why, evidence = excluded.evidence
 where excluded.proven and not claim.proven
returning id
"""


async def keep_claims(
    connection: Connection, customer: UUID, evidence: Evidence, claimed: Sequence[HandleRef], kept: Sequence[Kept] = ()
) -> None:
    """Keep what the evidence says beside what it proves; what is known already is not kept again."""
    rows: list[tuple[str, str, str, bool, Why | None]] = [
        (ref.kind, ref.scope, ref.value, False, None) for ref in claimed
    ]
    for each in kept:
        if each.handle is not None:
            rows.append((each.handle.kind, each.handle.scope, each.handle.value, True, each.why))
        elif evidence.external_id is not None:
            rows.append(("external_id", "", evidence.external_id, True, each.why))
    said_by = {"account": evidence.account, "key": evidence.key, "source": evidence.source, "name": evidence.name}
    source = json_of(said_by)
    new = [await connection.fetchval(KEEP_CLAIM, new_id(), customer, *row, source) for row in rows]
    if any(new):
        await connection.execute(LOOK_AGAIN, customer)


CLAIMS = """
select l.kind, l.scope, l.value, l.proven, l.why, l.at
  from customer m join claim l on l.customer_id = m.id where m.root_id = $1 order by l.at, l.id limit 200
"""


async def fetch_claims(connection: Connection, root: UUID) -> tuple[Claim, ...]:
    """The claims of a profile, oldest first."""
    return tuple(Claim(*row) for row in await connection.fetch(CLAIMS, root))
