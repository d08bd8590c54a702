"""What happens to calls, each in one transaction: where profiles, router and the feeds meet."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from model.call import (
    CallOutcome,
    ConferenceMoved,
    LegMoved,
    LegRole,
    RecordingMoved,
    SendLeg,
    StepAsked,
    Transcribed,
)
from model.voice_line import VoiceLine
from profiles.call_course import show_call
from profiles.calls import NewCall, add_voicemail, record_call
from router.call_conference import judge, note_conference
from router.call_legs import move_leg, name_leg, want
from router.call_moves import end
from router.calls import LockedCall, enqueue, lock_call, settle, take_step
from router.holding import Change, step
from router.voice_lines import fetch_line
from store.feeds import Announce, Transaction, transaction
from store.pool import Connection, Pool

ATTEMPTS = 5
log = structlog.get_logger()
LOST = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)

Work = Callable[[Transaction, LockedCall], Awaitable[Any]]
CALL_OF_LEG = """
select l.call_id, l.id from call_leg l join call k on k.id = l.call_id
 where k.account_id = $1 and (l.id = $2 or $2::uuid is null and l.sid = $3)
"""
LIVE_CALL = "select id from call where (contact_id = $1 or consult_id = $1) and state <> 'ended'"
CALL_OF_ACCOUNT = "select id from call where id = $1 and account_id = $2"


class Calls:
    """Every change of a call. `wake`: work may flow; `wake_lines`: the provider has something to do."""

    def __init__(
        self, pool: Pool, announce: Announce, wake: Callable[[], None], wake_lines: Callable[[], None]
    ) -> None:
        self.pool = pool
        self._announce = announce
        self._wake = wake
        self._wake_lines = wake_lines
        self._told: dict[str, str] = {}

    async def line(self, connection: Connection, account: str) -> VoiceLine:
        """What callers of this account hear. One that cannot be read is as if nothing were set, and told once."""
        found = await fetch_line(connection, account)
        if found.problem is None:
            self._told.pop(account, None)
        elif self._told.get(account) != found.problem:
            self._told[account] = found.problem
            log.error("voice_line_alert", account=account, problem=found.problem)
        return found.line

    async def run(self, work: Callable[[Transaction], Awaitable[Any]]) -> Any:
        """Run in a transaction; one that lost to a deadlock or a merge runs again."""
        for attempt in range(ATTEMPTS):
            try:
                async with transaction(self.pool, self._announce) as tx:
                    done = await work(tx)
            except LOST:
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                self._wake()
                self._wake_lines()
                return done
        raise AssertionError("unreachable")

    async def change(self, call: UUID, work: Work | None = None, *, pushed: bool = False) -> Any:
        """Change a call under its locks, make everything fit again, and show what became of it."""

        async def changing(tx: Transaction) -> Any:
            locked = await lock_call(tx, call)
            if locked is None:
                return None
            done = await work(tx, locked) if work is not None else None
            settled, _moves = await settle(tx, call, pushed)
            await judge(tx.connection, call)
            if settled is not None:
                await show_call(tx, settled.root, call)
            return done

        return await self.run(changing)

    # --- what the provider asks and reports ---

    async def arrived(self, new: NewCall, line: VoiceLine, way: str) -> tuple[UUID, bool]:
        """Record a call, and send its caller where they go first."""

        async def arriving(tx: Transaction) -> tuple[UUID, bool]:
            call, is_new = await record_call(tx, new)
            if is_new and way != "menu":
                locked = await lock_call(tx, call)
                if locked is not None:
                    await _go(tx, locked, line, way)
                    await show_call(tx, locked.root, call)
            return call, is_new

        found: tuple[UUID, bool] = await self.run(arriving)
        async with self.pool.acquire() as connection:
            over = await connection.fetchval(TAKE_EARLY, new.account, new.key)
        if over:
            await self.caller_over(found[0])
        return found

    async def of_account(self, call: UUID, account: str) -> bool:
        """Whether there is such a call of this account."""
        async with self.pool.acquire() as connection:
            return await connection.fetchval(CALL_OF_ACCOUNT, call, account) is not None

    async def leg_moved(self, account: str, event: LegMoved) -> bool:
        """A report of where a leg is; False when no leg of this account is meant."""
        async with self.pool.acquire() as connection:
            row = await connection.fetchrow(CALL_OF_LEG, account, event.leg, event.sid)
            if row is None and event.leg is None and event.state == "ended":
                # Each writes before it looks for the other: one of them sees it.
                await connection.execute(KEEP_EARLY, account, event.sid)
                row = await connection.fetchrow(CALL_OF_LEG, account, event.leg, event.sid)
        if row is None:
            return False

        async def moving(tx: Transaction, _locked: LockedCall) -> None:
            await name_leg(tx.connection, row["id"], event.sid)
            if event.state == "ended" and event.reason == "completed" and _never_joined(_locked, row["id"]):
                await move_leg(tx.connection, row["id"], "ended", "no_digit", event.sid)
            await move_leg(tx.connection, row["id"], event.state, event.reason, event.sid)

        await self.change(row["call_id"], moving)
        return True

    async def caller_over(self, call: UUID) -> None:
        """The caller has hung up."""

        async def gone(tx: Transaction, locked: LockedCall) -> None:
            leg = locked.leg("customer")
            if leg is not None:
                await move_leg(tx.connection, leg["id"], "ended", "completed")

        await self.change(call, gone)

    async def conference_moved(self, event: ConferenceMoved) -> None:
        """Somebody came into the conference or left it. That a leg left does not end it: its own report does."""

        async def moving(tx: Transaction, locked: LockedCall) -> None:
            await note_conference(tx.connection, locked, event)

        await self.change(event.call, moving)

    async def recording_moved(self, event: RecordingMoved) -> None:
        """A recording goes on, or is there: of a voicemail that makes it one."""

        async def recorded(tx: Transaction, locked: LockedCall) -> None:
            await tx.connection.execute(
                *(SET_RECORDING, locked.id, event.recording, event.state, event.url or None, event.seconds)
            )
            spoken = event.kind == "voicemail" and event.state == "done" and event.seconds > 0
            if spoken and await add_voicemail(tx, locked.root, locked.id):
                await tx.connection.execute(SET_LEFT, locked.id)

        await self.change(event.call, recorded)

    async def transcribed(self, event: Transcribed) -> None:
        """What was said in a recording."""

        async def written(tx: Transaction, locked: LockedCall) -> None:
            await tx.connection.execute(SET_TRANSCRIPT, locked.id, event.text)

        await self.change(event.call, written)

    async def chosen(self, event: StepAsked, line: VoiceLine, chosen: Any) -> None:
        """A digit of the menu."""

        async def choosing(tx: Transaction, locked: LockedCall) -> None:
            if locked.call["state"] != "menu":
                return
            await tx.connection.execute(
                *(SET_MENU, locked.id, chosen.path, chosen.tries, list(chosen.titles), chosen.queue)
            )
            if chosen.way != "menu":
                again = await lock_call(tx, locked.id)
                if again is not None:
                    await _go(tx, again, line, chosen.way)

        if event.call is not None:
            await self.change(event.call, choosing)

    async def connect(self, contact: UUID) -> None:
        """The screen of who took this contact has the profile: their line may ring."""
        async with self.pool.acquire() as connection:
            call = await connection.fetchval(LIVE_CALL, contact)
        if call is not None:
            await self.change(call, pushed=True)

    # --- what time does ---

    async def overflow(self, call: UUID) -> None:
        """Nobody was there in time: the voicemail."""

        async def overflowing(tx: Transaction, locked: LockedCall) -> None:
            if locked.contact["state"] in ("new", "queued") and await _to_voicemail(tx, locked):
                customer = locked.leg("customer")
                await want(
                    *(tx.connection, locked.id, customer["id"]),
                    SendLeg(customer["sid"], f"voicemail?call={locked.id}"),
                )

        await self.change(call, overflowing)


KEEP_EARLY = "insert into call_early (account_id, sid) values ($1, $2) on conflict do nothing"
TAKE_EARLY = "delete from call_early where account_id = $1 and sid = $2 returning true"
# A report may come late: what is done stays done.
SET_RECORDING = """
update call
   set recording = $2, recording_state = $3, recording_url = coalesce($4, recording_url),
       recorded_seconds = case when $3 = 'done' then $5 else recorded_seconds end
 where id = $1 and (recording is null or recording = $2)
   and recording_state is distinct from 'done'
"""
SET_LEFT = "update call set outcome = 'voicemail' where id = $1 and state = 'ended' and outcome = 'abandoned'"
SET_TRANSCRIPT = "update call set transcript = coalesce($2, transcript) where id = $1"
# A queue that is not there is as if none were chosen: the caller goes where everybody goes.
SET_MENU = """
update call set menu_path = $2, menu_tries = $3, chosen = $4, queue_id = (select q.id from queue q where q.id = $5)
 where id = $1
"""


async def _go(tx: Transaction, locked: LockedCall, line: VoiceLine, way: str) -> None:
    """Out of the menu: to the queue, the voicemail, or the end."""
    if way == "queue":
        await enqueue(tx, locked, timedelta(seconds=line.overflow_seconds))
    elif way == "voicemail":
        await _to_voicemail(tx, locked)
    elif way == "turned_away":
        outcome: CallOutcome = "turned_away"
        # What they hear ends by itself; an order to hang up would cut the words short.
        await move_leg(tx.connection, locked.leg("customer")["id"], "ended")
        await end(tx, locked, outcome)


async def _to_voicemail(tx: Transaction, locked: LockedCall) -> bool:
    """The caller may leave word; the call itself no longer asks for an agent."""
    if await take_step(tx.connection, locked.id, locked.call["state"], "overflowed") is None:
        return False
    await step(tx, locked.root, locked.contact, Change("closed", "voicemail", "voicemail"))
    return True


def _never_joined(locked: LockedCall, leg: UUID) -> bool:
    """Whether a telephone was answered and nobody pressed the digit."""
    row = next((row for row in locked.legs if row["id"] == leg), None)
    ours: tuple[LegRole, ...] = ("agent", "consult", "supervisor")
    return row is not None and row["role"] in ours and row["kind"] == "phone" and row["served_at"] is None
