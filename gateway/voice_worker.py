"""What goes on by itself with calls, in every process: ring, hang up and ask as calls want it, and what time does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import structlog

from adapters.registry import adapter_for
from adapters.voice.base import VoiceAdapter
from gateway.accounts import Accounts
from gateway.voice_calls import Calls
from model.call import (
    AskLeg,
    ChangeRecording,
    CommandDone,
    CommandFailed,
    CommandOutcome,
    DialLeg,
    EndLeg,
    HoldLeg,
    StartRecording,
)
from router.call_legs import (
    MOST_ATTEMPTS,
    Wanted,
    claim_commands,
    finish_command,
    hang_up,
    move_leg,
    name_leg,
    recover_commands,
    want,
)
from router.calls import LockedCall, out_of_step, overdue_calls
from store.feeds import Transaction
from store.pool import Pool

ASK_SECONDS = 10.0
SWEEP_SECONDS = 0.25
AT_ONCE = 16
DIAL_ATTEMPTS = 3
ASKED_WITHIN = timedelta(seconds=10)

log = structlog.get_logger()


class VoiceWorker:
    """The loops of one process. `wake()` when a call wants something of its provider."""

    def __init__(self, pool: Pool, accounts: Accounts, calls: Calls) -> None:
        self._pool = pool
        self._accounts = accounts
        self._calls = calls
        self._woken = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Look for commands now."""
        self._woken.set()

    async def run(self) -> None:
        """Run until cancelled. What fails is logged and tried again soon."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._every(self._drain, self._wait))
                group.create_task(self._every(self.sweep, _pause))
        finally:
            for task in self._under_way:
                task.cancel()

    async def _every(self, work: Callable[[], Awaitable[None]], wait: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except Exception as error:  # the loops outlive every failure of a single round
                log.warning("voice_round_failed", step=work.__name__, error=type(error).__name__)
            await wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(SWEEP_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            return

    # --- commands ---

    async def _drain(self) -> None:
        self._woken.clear()
        while len(self._under_way) < AT_ONCE:
            async with self._pool.acquire() as connection:
                wanted = await claim_commands(connection, AT_ONCE - len(self._under_way))
            for each in wanted:
                task = asyncio.create_task(self._carry_out(each))
                self._under_way.add(task)
                task.add_done_callback(self._done)
            if not wanted:
                return

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self.wake()
        if not task.cancelled() and (error := task.exception()) is not None:  # its lease runs out, and it is taken up
            log.warning("voice_command_lost", error=type(error).__name__)

    async def _carry_out(self, wanted: Wanted) -> None:
        account = await self._accounts.get(wanted.account)
        outcome: CommandOutcome = CommandFailed("the account is not configured any more")
        if account is not None:
            adapter = cast(VoiceAdapter, adapter_for(account.provider, account.channel))
            outcome = await adapter.carry_out(account, wanted.command, ASK_SECONDS)

        async def finish(tx: Transaction, locked: LockedCall) -> None:
            leg = next(leg for leg in locked.legs if leg["id"] == wanted.leg)
            if isinstance(outcome, CommandDone):
                await finish_command(tx.connection, wanted.id, None)
                await _did(tx, locked, leg, wanted, outcome)
            else:
                await _failed(tx, leg, wanted, outcome)

        await self._calls.change(wanted.call, finish)

    # --- time ---

    async def sweep(self) -> None:
        """What is due, and what something else has changed under a call; each in a transaction of its own."""
        async with self._pool.acquire() as connection:
            await recover_commands(connection)
            overdue = await overdue_calls(connection)
            unfit = await out_of_step(connection)
        for leg, call in overdue.legs:
            await self._one(call, lambda tx, locked, leg=leg: _overdue(tx, locked, leg))
        for call in overdue.overflowing:
            await self._calls.overflow(call)
        for call in overdue.to_ask:
            await self._one(call, _ask)
        for call in unfit:
            await self._one(call, None)

    async def _one(self, call: UUID, work: Any) -> None:
        try:
            await self._calls.change(call, work)
        except Exception as error:  # one that fails never keeps the others from being settled
            log.warning("voice_settle_failed", error=type(error).__name__)


async def _pause() -> None:
    await asyncio.sleep(SWEEP_SECONDS)


async def _did(tx: Transaction, locked: LockedCall, leg: Any, wanted: Wanted, outcome: CommandDone) -> None:
    """The provider has done it."""
    connection = tx.connection
    match wanted.command:
        case DialLeg() if outcome.sid is not None:
            await name_leg(connection, leg["id"], outcome.sid)
            await move_leg(connection, leg["id"], "dialing")
            if leg["state"] == "ended":
                await want(connection, locked.id, leg["id"], EndLeg(outcome.sid))
        case AskLeg() if outcome.state == "answered" and leg["served_at"] is not None:
            await move_leg(connection, leg["id"], "joined")
        case StartRecording() if outcome.sid is not None:
            await connection.execute(SET_RECORDING, locked.id, outcome.sid, "running")
        case ChangeRecording(state=state):
            await connection.execute(SET_RECORDING, locked.id, outcome.sid, state)
        case HoldLeg(on=on):
            await connection.execute(SET_HOLD, locked.id, on)
    if outcome.state == "ended":
        await move_leg(connection, leg["id"], "ended", outcome.reason)


SET_RECORDING = """
update call set recording = coalesce(recording, $2), recording_state = $3
 where id = $1 and recording_state is distinct from 'done'
"""
SET_HOLD = "update call set on_hold = $2 and state = 'bridged' where id = $1"


async def _failed(tx: Transaction, leg: Any, wanted: Wanted, outcome: CommandFailed) -> None:
    """The provider has not done it: again where that can help, and where a leg cannot be rung, it has failed."""
    dials = isinstance(wanted.command, DialLeg)
    if outcome.again and wanted.attempts < (DIAL_ATTEMPTS if dials else MOST_ATTEMPTS):
        seconds = outcome.after_seconds or min(0.5 * 2 ** (wanted.attempts - 1), 30.0)
        await finish_command(tx.connection, wanted.id, outcome.error, timedelta(seconds=seconds))
        return
    await finish_command(tx.connection, wanted.id, outcome.error)
    log.warning("voice_command_failed", command=type(wanted.command).__name__, error=outcome.error)
    # One whose answer was lost may ring all the same: its reports tell, or its time is over.
    if dials and (outcome.again or not outcome.error.startswith("no answer")):
        await move_leg(tx.connection, leg["id"], "ended", "failed")


ASKED = "update call_leg set asked = true, due_at = clock_timestamp() + $2 where id = $1"
STILL_DUE = "select due_at <= clock_timestamp() from call_leg where id = $1"


async def _overdue(tx: Transaction, locked: LockedCall, leg_id: UUID) -> None:
    """A leg has not joined in its time. One that was sent in is asked about first: its report may have been lost."""
    leg = next((leg for leg in locked.live() if leg["id"] == leg_id), None)
    if leg is None or not await tx.connection.fetchval(STILL_DUE, leg_id):
        return
    if leg["served_at"] is not None and leg["sid"] is not None and not leg["asked"]:
        await tx.connection.execute(ASKED, leg_id, ASKED_WITHIN)
        await want(tx.connection, locked.id, leg_id, AskLeg(leg["sid"]))
    else:
        await hang_up(tx.connection, leg, "no_answer")


async def _ask(tx: Transaction, locked: LockedCall) -> None:
    """A call of which nothing was heard for long: where are its legs?"""
    for leg in locked.live():
        if leg["sid"] is not None:
            await want(tx.connection, locked.id, leg["id"], AskLeg(leg["sid"]))
