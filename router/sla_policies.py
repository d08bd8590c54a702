"""Policies of first response and resolution, and whose default each is: kept, read back, taken away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import asyncpg
import msgspec
from msgspec import Struct

from model.voice_line import Hours
from router.sla import PriorityTarget, Targets
from router.voice_lines import Flaw, flaws_of_hours
from store.pool import Connection

WorkOrder = Literal["arrival", "sla_due"]
_encode = msgspec.json.Encoder().encode
_read_hours = msgspec.json.Decoder(Hours).decode
_read_priorities = msgspec.json.Decoder(tuple[PriorityTarget, ...]).decode


class Policy(Targets, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A policy as it is kept."""

    id: str


class QueueSla(Struct, frozen=True, forbid_unknown_fields=True):
    """Which policy the contacts of a queue have where their rule names none, and who of them goes first."""

    policy: str | None = None
    order: WorkOrder = "arrival"


class AccountSla(Struct, frozen=True, forbid_unknown_fields=True):
    """Which policy the contacts of an account have where neither their rule nor their queue names one."""

    policy: str | None = None


def flaws_of(targets: Targets) -> Iterator[Flaw]:
    """What no clock could run by: each thing that is wrong, by its place."""
    rows = targets.by_priority
    promised = ((each.first_response_seconds, each.resolution_seconds) for each in rows)
    if not any(any(pair) for pair in ((targets.first_response_seconds, targets.resolution_seconds), *promised)):
        yield "first_response_seconds", "Nothing is promised; give this or `resolution_seconds`."
    if len({row.priority for row in rows}) < len(rows):
        yield "by_priority", "A priority stands there twice; name each once."
    if targets.hours is not None:
        yield from flaws_of_hours(targets.hours)
        if not any(targets.hours.open.values()):
            yield "hours.open", "It is never open, so that nothing would ever be due; give a day its times."


COLUMNS = """
select id, name, first_response_seconds, resolution_seconds, warn_before_seconds, hours::text as hours,
       by_priority::text as by_priority from sla_policy
"""


def _read(row: asyncpg.Record) -> Policy:
    return Policy(
        id=row["id"],
        name=row["name"],
        first_response_seconds=row["first_response_seconds"],
        resolution_seconds=row["resolution_seconds"],
        warn_before_seconds=row["warn_before_seconds"],
        hours=None if row["hours"] is None else _read_hours(row["hours"]),
        by_priority=_read_priorities(row["by_priority"]),
    )


PAGE = f"{COLUMNS} where $2::text is null or id > $2 order by id limit $1"


async def fetch_policies(connection: Connection, limit: int, after: str | None = None) -> list[Policy]:
    """Policies by id."""
    return [_read(row) for row in await connection.fetch(PAGE, limit, after)]


SOME = f"{COLUMNS} where id = any ($1)"


async def fetch_policies_of(connection: Connection, ids: Iterable[str]) -> list[Policy]:
    """Those of these that there are."""
    return [_read(row) for row in await connection.fetch(SOME, list(ids))]


ONE = f"{COLUMNS} where id = $1"


async def fetch_policy(connection: Connection, id_: str, *, lock: bool = False) -> Policy | None:
    """One policy; `lock`: nobody else changes it before this transaction ends."""
    row = await connection.fetchrow(f"{ONE} for no key update" if lock else ONE, id_)
    return None if row is None else _read(row)


KEEP = """
insert into sla_policy (id, name, first_response_seconds, resolution_seconds, warn_before_seconds, hours, by_priority)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (id) do update
   set name = $2, first_response_seconds = $3, resolution_seconds = $4, warn_before_seconds = $5, hours = $6,
       by_priority = $7, changed_at = now()
"""
# Clocks that run are set anew; one that rests will be when it runs again.
LOOK = "insert into sla_turn (conversation_id) select distinct conversation_id from sla_clock where policy_id = $1"
LOOK_RUNNING = f"{LOOK} and since is not null"


async def keep_policy(connection: Connection, id_: str, targets: Targets) -> None:
    """Promise this from now on, also to those whose clocks run already."""
    await connection.execute(
        *(KEEP, id_, targets.name, targets.first_response_seconds, targets.resolution_seconds),
        targets.warn_before_seconds,
        None if targets.hours is None else _encode(targets.hours).decode(),
        _encode(targets.by_priority).decode(),
    )
    await connection.execute(LOOK_RUNNING, id_)


USERS = """
select 'the queue ' || id from queue where sla_id = $1
 union all select 'the account ' || id from account where sla_id = $1
 order by 1 limit 1
"""


async def user_of(connection: Connection, id_: str) -> str | None:
    """Whose default this policy is, in words; None: nobody's."""
    user: str | None = await connection.fetchval(USERS, id_)
    return user


FORGET = "delete from sla_policy where id = $1"


async def drop_policy(connection: Connection, id_: str) -> None:
    """Promise it to nobody any more: its clocks end when their conversations are looked at."""
    await connection.execute(LOOK, id_)
    await connection.execute(FORGET, id_)


QUEUE = "select sla_id, work_order from queue where id = $1"
ACCOUNT = "select sla_id from account where id = $1"


async def fetch_queue_sla(connection: Connection, queue: str, *, lock: bool = False) -> QueueSla | None:
    """What a queue's contacts are promised; None: there is no such queue."""
    row = await connection.fetchrow(f"{QUEUE} for no key update" if lock else QUEUE, queue)
    return None if row is None else QueueSla(row["sla_id"], row["work_order"])


async def fetch_account_sla(connection: Connection, account: str, *, lock: bool = False) -> AccountSla | None:
    """What an account's contacts are promised; None: there is no such account."""
    row = await connection.fetchrow(f"{ACCOUNT} for no key update" if lock else ACCOUNT, account)
    return None if row is None else AccountSla(row["sla_id"])


# Contacts before their queue, as everywhere: those that come meanwhile see the queue as it was, and are looked at.
LOCK_WAITING = (
    "select id from contact where queue_id = $1 and state in ('queued', 'offered') order by id for no key update"
)


async def lock_waiting(connection: Connection, queue: str) -> None:
    """Who waits in a queue is about to be ordered anew. First of all locks."""
    await connection.execute(LOCK_WAITING, queue)


SET_QUEUE = "update queue set sla_id = $2, work_order = $3 where id = $1"
SET_ACCOUNT = "update account set sla_id = $2 where id = $1"
REORDER = """
update contact c
   set order_key = order_of($2, c.arrived_at, c.sla_due_at, c.priority, q.priority_bonus_seconds)
  from queue q where q.id = $1 and c.queue_id = q.id and c.state in ('queued', 'offered')
"""
LOOK_AT_QUEUE = """
insert into sla_turn (conversation_id)
select distinct conversation_id from contact where queue_id = $1 and state not in ('abandoned', 'closed')
"""
LOOK_AT_ACCOUNT = """
insert into sla_turn (conversation_id)
select distinct conversation_id from contact where account_id = $1 and state not in ('abandoned', 'closed')
"""


async def set_queue_sla(connection: Connection, queue: str, sla: QueueSla) -> None:
    """From now on, also for those who wait already."""
    await connection.execute(SET_QUEUE, queue, sla.policy, sla.order)
    await connection.execute(REORDER, queue, sla.order)
    await connection.execute(LOOK_AT_QUEUE, queue)


async def set_account_sla(connection: Connection, account: str, sla: AccountSla) -> None:
    """From now on, also for those who wait already."""
    await connection.execute(SET_ACCOUNT, account, sla.policy)
    await connection.execute(LOOK_AT_ACCOUNT, account)
