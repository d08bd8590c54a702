"""The legs of a call, and what the provider is still to do with them.

A command is written in the transaction of the change that wants it and carried out after COMMIT, in order for each leg.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from model.call import CallCommand, EndLeg, EndReason, LegMode, LegRole, LegState
from router.call import LEG_ORDER
from store.ids import new_id
from store.pool import Connection

JOIN_WITHIN = timedelta(seconds=15)
"""A leg that was answered must be in the conference by then: a phone waits for its digit."""
LEASE = timedelta(seconds=30)
MOST_ATTEMPTS = 12

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(CallCommand).decode


class NewLeg(Struct, frozen=True):
    """A leg to be. `seconds`: how long it may ring."""

    call: UUID
    role: LegRole
    address: str
    seconds: float | None = None
    kind: str = "phone"
    agent: UUID | None = None
    mode: LegMode | None = None
    warm: bool = False
    contact: UUID | None = None
    state: LegState = "wanted"
    sid: str | None = None


ADD_LEG = """
insert into call_leg (id, call_id, role, address, kind, agent_id, mode, warm, contact_id, state, sid, due_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, clock_timestamp() + $12::interval)
"""


async def add_leg(connection: Connection, leg: NewLeg) -> UUID:
    """A further leg of a call that is locked."""
    identity = new_id()
    due = timedelta(seconds=leg.seconds) if leg.seconds else None
    await connection.execute(
        *(ADD_LEG, identity, leg.call, leg.role, leg.address, leg.kind, leg.agent, leg.mode, leg.warm),
        *(leg.contact, leg.state, leg.sid, due),
    )
    return identity


MOVE_LEG = """
update call_leg
   set state = $2, reason = case when $2 = 'ended' then $3 end, sid = coalesce(sid, $4),
       ended_at = case when $2 = 'ended' then clock_timestamp() end,
       due_at = case $2 when 'joined' then null when 'ended' then null
                        when 'answered' then clock_timestamp() + $5 else due_at end
 where id = $1 and state = any ($6::text[])
returning id
"""


async def move_leg(
    connection: Connection, leg: UUID, state: LegState, reason: EndReason = "completed", sid: str | None = None
) -> bool:
    """Move a leg forward; False where it was there already, or further. Its call is locked."""
    earlier = list(LEG_ORDER[: LEG_ORDER.index(state)])
    found = await connection.fetchval(MOVE_LEG, leg, state, reason, sid, JOIN_WITHIN, earlier)
    return found is not None


SET_SID = "update call_leg set sid = $2 where id = $1 and sid is null"


async def name_leg(connection: Connection, leg: UUID, sid: str) -> None:
    """What the provider calls it."""
    await connection.execute(SET_SID, leg, sid)


async def hang_up(connection: Connection, leg: Any, reason: EndReason = "canceled") -> None:
    """End a leg: for us it is over now, for the provider once it has been told; without a name yet, when it has one."""
    if await move_leg(connection, leg["id"], "ended", reason):
        await connection.execute(FORGET_COMMANDS, leg["id"])
        if leg["sid"] is not None:
            await want(connection, leg["call_id"], leg["id"], EndLeg(leg["sid"]))


# What was still to be done with it is pointless; a dial that is under way is ended when its answer is there.
FORGET_COMMANDS = (
    "update call_command set state = 'failed', error = 'the leg ended' where leg_id = $1 and state = 'queued'"
)
WANT = "insert into call_command (id, call_id, leg_id, body) values ($1, $2, $3, $4::jsonb)"


async def want(connection: Connection, call: UUID, leg: UUID, command: CallCommand) -> None:
    """Ask the provider for something, after COMMIT."""
    await connection.execute(WANT, new_id(), call, leg, _encode(command).decode())


class Wanted(Struct, frozen=True):
    """A command that was claimed."""

    id: UUID
    call: UUID
    leg: UUID
    account: str
    command: CallCommand
    attempts: int


# The oldest of each leg only: an update must not overtake the dial it is about.
CLAIM = """
with c as (
    select c.id from call_command c
     where c.state = 'queued' and c.due_at <= clock_timestamp()
       and not exists (select from call_command o
                        where o.leg_id = c.leg_id and o.id < c.id and o.state in ('queued', 'doing'))
     order by c.due_at limit $1 for no key update skip locked)
update call_command w set state = 'doing', attempts = w.attempts + 1, lease_until = clock_timestamp() + $2
  from c, call k where w.id = c.id and k.id = w.call_id
returning w.id, w.call_id, w.leg_id, k.account_id, w.body::text as body, w.attempts
"""


async def claim_commands(connection: Connection, most: int) -> list[Wanted]:
    """Take what is to be done now; other processes pass over it."""
    rows = await connection.fetch(CLAIM, most, LEASE)
    return [
        Wanted(row["id"], row["call_id"], row["leg_id"], row["account_id"], _decode(row["body"]), row["attempts"])
        for row in rows
    ]


FINISH = """
update call_command set state = $2, lease_until = null, error = $3, due_at = clock_timestamp() + $4
 where id = $1 and state = 'doing'
"""


async def finish_command(
    connection: Connection, command: UUID, error: str | None, again_in: timedelta | None = None
) -> None:
    """It was done; or not, and is to be tried again in this time; or never."""
    state = "queued" if again_in is not None else "failed" if error else "done"
    await connection.execute(FINISH, command, state, error, again_in or timedelta())


EXPIRED = """
update call_command
   set lease_until = null, state = case when body ->> 'type' = 'dial' then 'failed' else 'queued' end,
       error = 'its process ended meanwhile'
 where state = 'doing' and lease_until < clock_timestamp()
returning id
"""


FORGET_EARLY = "delete from call_early where at < clock_timestamp() - interval '1 hour'"


async def recover_commands(connection: Connection) -> int:
    """Take up what a process left undone. A dial is not made twice: whether it rings, its reports or its time tell."""
    await connection.execute(FORGET_EARLY)
    return len(await connection.fetch(EXPIRED))
