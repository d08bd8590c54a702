"""A call under its locks: what is known of it, reports that move its legs, and the moves that make it fit again.

Locks in the order of all others: the customer's stream, the contacts, the call, the offer, the agent.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from model.call import CallState
from model.voice_line import VoiceLine
from router.call import CallStepEvent, CallView, LegView, Move, advance, next_move
from router.call_moves import MOVES
from router.holding import lock_contact
from router.voice_lines import read_line
from store.feeds import Transaction
from store.pool import Connection

MOST_MOVES = 12
PUSHED_WITHIN = timedelta(seconds=2)
"""By then the screen that accepted has had the profile and asked for the line; after that it is rung anyway."""

DOUBT = timedelta(seconds=2)
"""How much later than its end the report may come that a line had been in the conference."""

CONTACTS_OF = "select contact_id, consult_id from call where id = $1"
LOCK_CALL = """
select k.*, v.settings::text as line,
       (select c.state_at < clock_timestamp() - $2::interval from contact c
         where c.id = coalesce(k.consult_id, k.contact_id)) as waited,
       (select c.prefer_agent_id is not null from contact c where c.id = k.consult_id) as consult_waits
  from call k left join voice_line v on v.account_id = k.account_id where k.id = $1 for no key update of k
"""
LEGS = """
select *, ended_at > clock_timestamp() - $2::interval as just_ended from call_leg
 where call_id = $1 order by created_at, id
"""


class LockedCall(Struct):
    """A call, its contacts and legs as they are under the locks; `contact` is the row `lock_contact` gives."""

    root: UUID
    contact: Any
    consult: Any
    call: Any
    legs: list[Any]
    line: VoiceLine
    """What is set for the account's calls."""

    @property
    def id(self) -> UUID:
        """The call's."""
        found: UUID = self.call["id"]
        return found

    def leg(self, role: str) -> Any:
        """The newest leg of this role; None where there is none."""
        return next((leg for leg in reversed(self.legs) if leg["role"] == role), None)

    def live(self) -> list[Any]:
        """The legs that may still be on the line."""
        return [leg for leg in self.legs if leg["state"] != "ended"]


async def lock_call(tx: Transaction, call: UUID) -> LockedCall | None:
    """Lock everything a call's change may touch, in order."""
    while True:
        found = await tx.connection.fetchrow(CONTACTS_OF, call)
        if found is None:
            return None
        rows = {}
        for contact in sorted(each for each in (found["contact_id"], found["consult_id"]) if each is not None):
            locked = await lock_contact(tx, contact)
            if locked is None:
                return None
            root, rows[contact] = locked
        row: Any = await tx.connection.fetchrow(LOCK_CALL, call, PUSHED_WITHIN)
        if (row["contact_id"], row["consult_id"]) == (found["contact_id"], found["consult_id"]):
            legs = await tx.connection.fetch(LEGS, call, DOUBT)
            return LockedCall(
                root, rows[row["contact_id"]], rows.get(row["consult_id"]), row, list(legs), read_line(row["line"]).line
            )


def view_of(locked: LockedCall, pushed: bool = False) -> CallView:
    """What decides of it. `pushed`: the holder's screen has the profile."""
    consult = locked.consult
    return CallView(
        locked.call["state"],
        locked.contact["state"],
        locked.contact["agent_id"],
        tuple(_leg_view(leg, locked.call["consult_id"]) for leg in locked.legs),
        consult["state"] if consult is not None else None,
        consult["agent_id"] if consult is not None else None,
        bool(locked.call["consult_waits"]),
        pushed or locked.call["waited"] or locked.call["state"] == "calling",
    )


def _leg_view(leg: Any, consult: UUID | None) -> LegView:
    asked = leg["contact_id"] is not None and leg["contact_id"] == consult
    in_doubt = bool(leg["just_ended"] and leg["served_at"] is not None and leg["reason"] == "completed")
    came = leg["came_order"] is not None
    return LegView(leg["role"], leg["state"], leg["agent_id"], leg["warm"], asked, came, in_doubt)


async def settle(tx: Transaction, call: UUID, pushed: bool = False) -> tuple[LockedCall | None, list[Move]]:
    """Make a call, its contact and its legs fit together; the call as it is then, and what had to be done."""
    done: list[Move] = []
    locked = await lock_call(tx, call)
    while locked is not None and len(done) < MOST_MOVES:
        move = next_move(view_of(locked, pushed))
        if move is None:
            break
        await MOVES[move](tx, locked)
        done.append(move)
        locked = await lock_call(tx, call)
    return locked, done


STEP = """
update call
   set state = $2, state_at = clock_timestamp(),
       queued_at = case when $2 = 'waiting' then coalesce(queued_at, clock_timestamp()) else queued_at end,
       overflow_at = case when $2 = 'waiting' then coalesce(overflow_at, clock_timestamp() + $3::interval)
                          else overflow_at end
 where id = $1
"""
ROUTE = """
update contact set unrouted = true, preview = coalesce($2, preview) where id = $1 and state = 'new' returning id
"""
# Who has another contact of this customer is asked first, alone, for a moment.
PREFER_OWNER = """
update contact c
   set prefer_agent_id = o.agent_id, prefer_until = clock_timestamp() + interval '10 seconds'
  from (select o.agent_id from contact o join customer m on m.id = o.customer_id
               join agent_state s on s.agent_id = o.agent_id
         where m.root_id = $2 and o.id <> $1 and o.agent_id is not null and s.routable and s.used_voice < s.cap_voice
         order by o.arrived_at limit 1) o
 where c.id = $1 and c.prefer_agent_id is null
"""


async def enqueue(tx: Transaction, locked: LockedCall, overflow_in: timedelta) -> bool:
    """The caller waits for an agent from now on: the rules may look at the contact."""
    if advance(locked.call["state"], "enqueued") is None:
        return False
    chosen = locked.call["chosen"]
    await tx.connection.execute(STEP, locked.id, "waiting", overflow_in)
    await tx.connection.execute(ROUTE, locked.contact["id"], chosen[-1] if chosen else None)
    await tx.connection.execute(PREFER_OWNER, locked.contact["id"], locked.root)
    return True


async def take_step(connection: Connection, call: UUID, state: CallState, event: CallStepEvent) -> CallState | None:
    """Write down the state after `event`; None where it means nothing."""
    after = advance(state, event)
    if after is not None:
        await connection.execute(STEP, call, after, None)
    return after


OUT_OF_STEP = """
select k.id from call k join contact c on c.id = k.contact_id
 where k.state <> 'ended'
   and (k.state <> 'voicemail' and c.state in ('abandoned', 'closed', 'wrapping') and not exists (
               select from call_leg l where l.call_id = k.id and l.role = 'outside' and l.state = 'joined')
        or k.state in ('connecting', 'bridged') and c.state in ('new', 'queued', 'offered')
        or k.state = 'waiting' and c.state = 'assigned' and c.state_at < clock_timestamp() - $2::interval
        or k.state in ('connecting', 'bridged', 'calling') and not exists (
               select from call_leg l where l.call_id = k.id and l.role = 'agent' and l.state <> 'ended')
        or exists (select from call_leg l where l.call_id = k.id and l.role = 'customer' and l.state = 'ended'))
union
select k.id from call k join contact c on c.id = k.consult_id
 where k.state <> 'ended'
   and (c.state = 'queued' and c.prefer_agent_id is null or c.state in ('abandoned', 'closed', 'wrapping')
       or c.state = 'assigned' and c.state_at < clock_timestamp() - $2::interval and not exists (
              select from call_leg l where l.contact_id = c.id))
union
select l.call_id from call_leg l join call k on k.id = l.call_id
 where l.state <> 'ended' and k.state = 'ended'
union
select k.id from call k join contact c on c.id in (k.contact_id, k.consult_id)
 where k.state = 'ended' and k.ended_at > clock_timestamp() - interval '1 hour'
   and c.class = 'voice' and c.state not in ('abandoned', 'closed', 'wrapping')
 limit $1
"""


async def out_of_step(connection: Connection, most: int = 200) -> list[UUID]:
    """Calls that something else has changed under them: contacts that ended, were taken or handed back."""
    return [row["id"] for row in await connection.fetch(OUT_OF_STEP, most, PUSHED_WITHIN)]


OVERDUE_LEGS = "select id, call_id from call_leg where due_at <= clock_timestamp() and state <> 'ended' limit $1"
OVERFLOWING = """
select k.id from call k join contact c on c.id = k.contact_id
 where k.state = 'waiting' and k.overflow_at <= clock_timestamp() and c.state in ('new', 'queued') limit $1
"""
TO_ASK = """
update call k set ask_at = clock_timestamp() + interval '60 seconds'
 where k.id in (select o.id from call o where o.state <> 'ended' and o.ask_at <= clock_timestamp()
                 order by o.ask_at limit $1 for no key update skip locked)
returning k.id
"""


class Overdue(Struct, frozen=True):
    """What is due: legs that have not joined, callers who have waited long enough, calls to ask the provider about."""

    legs: tuple[tuple[UUID, UUID], ...]
    overflowing: tuple[UUID, ...]
    to_ask: tuple[UUID, ...]


async def overdue_calls(connection: Connection, most: int = 200) -> Overdue:
    """Nothing here locks for long; every settlement checks again."""
    legs = await connection.fetch(OVERDUE_LEGS, most)
    overflowing = await connection.fetch(OVERFLOWING, most)
    to_ask = await connection.fetch(TO_ASK, most)
    return Overdue(
        tuple((row["id"], row["call_id"]) for row in legs),
        tuple(row["id"] for row in overflowing),
        tuple(row["id"] for row in to_ask),
    )


POSITION = """
select 1 + (select count(*) from contact o
             where o.state in ('queued', 'offered') and o.need_id = c.need_id
               and (o.order_key, o.id) < (c.order_key, c.id))
  from call k join contact c on c.id = k.contact_id where k.id = $1 and c.state in ('new', 'queued', 'offered')
"""


async def fetch_position(connection: Connection, call: UUID) -> int | None:
    """A waiting caller's place in the line; None when they do not wait."""
    found: int | None = await connection.fetchval(POSITION, call)
    return found
