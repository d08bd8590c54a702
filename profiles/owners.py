"""What is known of the handles of a contact: whose each is, and what could keep two profiles apart."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import Struct

from model.inbound import HandleRef
from profiles.identity import Evidence, Owner, Policy, key_of, linking
from store.ids import new_id
from store.pool import Connection


class OwnerRow(Struct, frozen=True):
    """A handle (or an external id) as it stands in the database."""

    id: UUID | None
    verified: bool
    owner: Owner


POLICY = "select settings -> 'auto_merge' = 'false'::jsonb from account where id = $1"


async def fetch_policy(connection: Connection, account: str | None) -> Policy:
    """What an account's setting `auto_merge` allows; without one, customers proven to be one are merged."""
    forbidden = await connection.fetchval(POLICY, account) if account is not None else False
    return Policy(auto_merge=not forbidden)


BEAR_HANDLES = """
insert into handle (id, kind, scope, value, form)
select u.id, u.kind, u.scope, u.value, u.form
  from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[]) u(id, kind, scope, value, form)
 where not exists (select from handle h where h.kind = u.kind and h.scope = u.scope and h.value = u.value)
 order by u.kind, u.scope, u.value
on conflict (kind, scope, value) do nothing
"""
LOCK_HANDLES = """
select h.id from unnest($1::text[], $2::text[], $3::text[]) u(kind, scope, value)
  join handle h on h.kind = u.kind and h.scope = u.scope and h.value = u.value
 order by h.kind, h.scope, h.value for no key update of h
"""


async def lock_handles(connection: Connection, evidence: Evidence) -> None:
    """Lock what may say who it is. Unknown handles are born ownerless; the loser of a race for one waits here."""
    born = linking(evidence.proven)
    await connection.execute(BEAR_HANDLES, [new_id() for _ in born], *_columns(born), [ref.form for ref in born])
    replaced = [evidence.replaces] if evidence.replaces else []
    await connection.execute(LOCK_HANDLES, *_columns([*born, *replaced]))


def _columns(refs: Iterable[HandleRef]) -> tuple[list[str], list[str], list[str]]:
    keys = sorted({key_of(ref) for ref in refs})
    return [key[0] for key in keys], [key[1] for key in keys], [key[2] for key in keys]


# `who`: what could keep two profiles apart. A pair that must never be one is kept by the ids they had then.
WHO = """
select r.id as root, r.created_at as since, r.placeholder,
       array(select m.external_id from customer m
              where m.root_id = r.id and m.external_id is not null order by 1) as external_ids,
       array(select m.name from customer m where m.root_id = r.id and m.name is not null order by 1) as names,
       array(select distinct m.birth_date from customer m
              where m.root_id = r.id and m.birth_date is not null order by 1) as birth_dates,
       array(select distinct o.root_id
               from customer m
               join lateral (select n.high_id as id from never_link n where n.low_id = m.id
                              union all select n.low_id from never_link n where n.high_id = m.id) n on true
               join customer o on o.id = n.id
              where m.root_id = r.id order by 1) as never
"""
READ_HANDLES = f"""
select h.id, h.kind, h.scope, h.value, h.shared, h.verified, h.customer_id as leaf, who.*,
       case when h.shared then array(
           select x.root_id from (
               select c.root_id, max(l.at) as at from link l join customer c on c.id = l.customer_id
                 join customer o on o.id = c.root_id and not o.placeholder
                where l.handle_id = h.id group by c.root_id) x
            order by x.at desc, x.root_id limit 20) else '{{}}' end as candidates
  from unnest($1::text[], $2::text[], $3::text[]) u(kind, scope, value)
  join handle h on h.kind = u.kind and h.scope = u.scope and h.value = u.value
  left join customer c on c.id = h.customer_id
  left join lateral ({WHO} from customer r where r.id = c.root_id) who on true
 order by h.kind, h.scope, h.value
"""  # noqa: S608  # put together from constants
READ_EXTERNAL_ID = f"""
select c.id as leaf, who.* from customer c cross join lateral ({WHO} from customer r where r.id = c.root_id) who
 where c.external_id = $1
"""  # noqa: S608  # put together from constants


async def fetch_owners(connection: Connection, evidence: Evidence) -> list[OwnerRow]:
    """What is known of every handle of the evidence, and of its external id."""
    replaced = [evidence.replaces] if evidence.replaces else []
    refs = {key_of(ref): ref for ref in [*evidence.claims, *replaced, *evidence.proven]}
    rows = []
    for row in await connection.fetch(READ_HANDLES, *_columns(refs.values())):
        ref = refs[row["kind"], row["scope"], row["value"]]
        rows.append(OwnerRow(row["id"], row["verified"], _owner(ref, row, tuple(row["candidates"]))))
    if evidence.external_id is not None:
        found = await connection.fetchrow(READ_EXTERNAL_ID, evidence.external_id)
        if found is not None:
            rows.append(OwnerRow(None, True, _owner(None, found, ())))
    return rows


def _owner(ref: HandleRef | None, row: asyncpg.Record, candidates: tuple[UUID, ...]) -> Owner:
    if row["root"] is None:
        return Owner(ref, shared=row["shared"], candidates=candidates)
    since: datetime = row["since"]
    ids, never = frozenset(row["external_ids"]), frozenset(row["never"])
    names, births = tuple(row["names"]), tuple(row["birth_dates"])
    return Owner(ref, row["leaf"], row["root"], False, (), ids, names, since, never, row["placeholder"], births)
