"""Profiles whose likeness to others has to be looked at: leased, so that a process that dies loses nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from store.pool import Connection

CLAIM_DUE = """
with d as (
    delete from likeness_due where ctid = any (array(
        select ctid from likeness_due order by at limit $1 for no key update skip locked))
    returning customer_id),
r as (select distinct c.root_id as id from d join customer c on c.id = d.customer_id)
insert into likeness_lease (customer_id, lease_until) select r.id, clock_timestamp() + $2 from r order by r.id
on conflict (customer_id) do update set lease_until = excluded.lease_until returning customer_id
"""
FINISH_DUE = """
with f as (delete from likeness_lease where customer_id = any ($1))
insert into likeness_due (customer_id) select unnest($2::uuid[])
"""
RESTORE_DUE = """
with l as (delete from likeness_lease where lease_until < clock_timestamp() returning customer_id)
insert into likeness_due (customer_id) select customer_id from l
"""


async def claim_due(connection: Connection, most: int, lease: timedelta) -> list[UUID]:
    """Profiles to look at, leased to the caller."""
    return [row["customer_id"] for row in await connection.fetch(CLAIM_DUE, most, lease)]


async def finish_due(connection: Connection, roots: Sequence[UUID], again: Sequence[UUID] = ()) -> None:
    """These have been looked at; `again`: but for these."""
    await connection.execute(FINISH_DUE, roots, again)


async def restore_due(connection: Connection) -> None:
    """Take up again what somebody leased and never finished."""
    await connection.execute(RESTORE_DUE)
