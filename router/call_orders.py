"""What an agent or a supervisor does with a call: hold, recording, hang up, listen, coach, join.

Each is asked under the call's locks, and refused where it means nothing.
"""

from __future__ import annotations

from typing import Any

from model.agent import Actor
from model.call import ChangeRecording, CoachLeg, LegMode
from model.refusal import Refused
from model.wire_calls import CallAction
from router.call_legs import hang_up, want
from router.call_moves import drop_consult, hold_customer, ring_agent
from router.calls import LockedCall
from store.feeds import Transaction
from store.pool import Connection

NOT_THERE_YET = Refused("unavailable", "The call is just being put together. Try again in a moment.", "action")
NOT_BRIDGED = Refused("wrong_state", "Nobody talks on this call now.", "contact")


async def give_order(tx: Transaction, locked: LockedCall, actor: Actor, action: CallAction) -> Refused | None:
    """Do it, or say why not."""
    refused = _may(locked, actor, action)
    if refused is not None:
        return refused
    match action:
        case "hold" | "unhold":
            if locked.call["state"] != "bridged":
                return NOT_BRIDGED
            return None if await hold_customer(tx, locked, on=action == "hold") else NOT_THERE_YET
        case "pause_recording" | "resume_recording":
            return await _record(tx, locked, "paused" if action == "pause_recording" else "running")
        case "hang_up":
            return await _hang_up(tx, locked)
        case "cancel_transfer":
            return await _cancel(tx, locked)
        case "listen" | "coach" | "join":
            return await _listen(tx, locked, actor, action)
        case "leave":
            for leg in _of_supervisor(locked, actor):
                await hang_up(tx.connection, leg, "completed")
            return None


def _may(locked: LockedCall, actor: Actor, action: CallAction) -> Refused | None:
    leads = actor.role in ("supervisor", "admin")
    if action in ("listen", "coach", "join", "leave"):
        return None if leads else Refused("forbidden", "Only supervisors may listen, coach and join.", "action")
    if locked.contact["agent_id"] == actor.id or (leads and action == "hang_up"):
        return None
    return Refused("not_holder", "Only the agent who holds this call may do that.", "contact")


async def _record(tx: Transaction, locked: LockedCall, state: Any) -> Refused | None:
    customer, recording = locked.leg("customer"), locked.call["recording"]
    if locked.call["recording_state"] == state:
        return None
    if locked.call["recording_state"] not in ("running", "paused") or customer is None or customer["sid"] is None:
        return Refused("wrong_state", "This call is not being recorded.", "action")
    await want(tx.connection, locked.id, customer["id"], ChangeRecording(customer["sid"], recording, state))
    return None


async def _hang_up(tx: Transaction, locked: LockedCall) -> Refused | None:
    """The agent leaves the line: to whom they asked, to the outside number, or it is over. A call of ours is over."""
    if locked.consult is not None and not _asked_joined(locked):
        return Refused("wrong_state", "You are asking somebody to take over. Cancel that first.", "action")
    if locked.call["state"] == "calling":
        legs = locked.live()
    else:
        legs = [leg for leg in locked.live() if leg["role"] == "agent"]
    if not legs:
        return NOT_BRIDGED
    for leg in legs:
        await hang_up(tx.connection, leg, "completed")
    return None


def _asked_joined(locked: LockedCall) -> bool:
    return any(leg["contact_id"] == locked.consult["id"] and leg["state"] == "joined" for leg in locked.legs)


async def _cancel(tx: Transaction, locked: LockedCall) -> Refused | None:
    """Whoever was asked, here or outside, is not asked any more."""
    outside = [leg for leg in locked.live() if leg["role"] == "outside"]
    if locked.consult is None and not outside:
        return Refused("wrong_state", "You are not handing this call on.", "action")
    if locked.consult is not None:
        await drop_consult(tx, locked)
    for leg in outside:
        await hang_up(tx.connection, leg)
    return None


SET_MODE = "update call_leg set mode = $2 where id = $1"


async def _listen(tx: Transaction, locked: LockedCall, actor: Actor, mode: LegMode) -> Refused | None:
    agent = locked.leg("agent")
    if locked.call["state"] != "bridged" or agent is None:
        return NOT_BRIDGED
    if agent["agent_id"] == actor.id:
        return Refused("wrong_state", "You are on this call already.", "contact")
    theirs = _of_supervisor(locked, actor)
    if not theirs:
        leg = await ring_agent(tx, locked, actor.id, "supervisor")
        await tx.connection.execute(SET_MODE, leg, mode)
        return None
    leg = theirs[-1]
    await tx.connection.execute(SET_MODE, leg["id"], mode)
    if leg["state"] == "joined" and locked.call["conference"] is not None:
        heard = agent["sid"] if mode == "coach" else None
        order = CoachLeg(locked.call["conference"], leg["sid"], mode == "listen", heard)
        await want(tx.connection, locked.id, leg["id"], order)
    return None


def _of_supervisor(locked: LockedCall, actor: Actor) -> list[Any]:
    return [leg for leg in locked.live() if leg["role"] == "supervisor" and leg["agent_id"] == actor.id]


CALL_OF = """
select id from call where contact_id = $1 or consult_id = $1 order by (state <> 'ended') desc, started_at desc limit 1
"""


async def fetch_call_of(connection: Connection, contact: Any) -> Any:
    """The call of this contact, a live one first; None where it is no call."""
    return await connection.fetchval(CALL_OF, contact)
