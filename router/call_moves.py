"""The moves of a call, each carried out under its locks: what `router.call.next_move` says has to be done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from model.call import CallOutcome, DialLeg, HoldLeg, StartRecording
from router.call import Move, outcome_of
from router.call_legs import NewLeg, add_leg, hang_up, want
from router.contact import ENDED
from router.endings import rescind_offer_of
from router.finishing import end_talk
from router.holding import Change, lock_contact, step
from router.presence import change_presence
from router.voice_lines import fetch_agent_line
from store.feeds import Transaction

if TYPE_CHECKING:
    from router.calls import LockedCall

SET_STATE = """
update call set state = $2, state_at = clock_timestamp(),
       answered_at = case when $2 = 'bridged' then coalesce(answered_at, clock_timestamp()) else answered_at end,
       on_hold = on_hold and $2 = 'bridged'
 where id = $1
"""


async def ring_agent(tx: Transaction, locked: LockedCall, agent: UUID, role: str, contact: UUID | None = None) -> UUID:
    """Ring an agent's line into the conference of a call."""
    line = await fetch_agent_line(tx.connection, agent)
    assert line is not None, "agents stay"  # noqa: S101  # a foreign key of who holds the contact
    seconds = locked.line.ring_seconds
    known: Any = role
    new = NewLeg(locked.id, known, line.address, seconds, line.kind, agent, contact=contact)
    leg = await add_leg(tx.connection, new)
    await want(tx.connection, locked.id, leg, DialLeg(line.address, f"agent?leg={leg}", f"leg?leg={leg}", seconds))
    return leg


async def connect(tx: Transaction, locked: LockedCall) -> None:
    """Ring the holder's line."""
    if locked.call["state"] == "waiting":
        await tx.connection.execute(SET_STATE, locked.id, "connecting")
    await ring_agent(tx, locked, locked.contact["agent_id"], "agent")


async def call_customer(tx: Transaction, locked: LockedCall) -> None:
    """A call of ours: the agent is on the line, so the customer's rings."""
    address = await tx.connection.fetchval(CUSTOMER_ADDRESS, locked.id)
    leg = await add_leg(tx.connection, NewLeg(locked.id, "customer", address, RING_CUSTOMER_SECONDS))
    await want(
        *(tx.connection, locked.id, leg),
        DialLeg(address, f"agent?leg={leg}", f"leg?leg={leg}", RING_CUSTOMER_SECONDS),
    )


RING_CUSTOMER_SECONDS = 30
CUSTOMER_ADDRESS = "select coalesce(h.form, h.value) from call k join handle h on h.id = k.handle_id where k.id = $1"
CALM = """
update conversation v set needs_attention = false
  from contact c where c.id = $1 and v.id = c.conversation_id and v.status <> 'closed'
"""


async def bridge(tx: Transaction, locked: LockedCall) -> None:
    """Both are in the conference: they talk."""
    first = locked.call["answered_at"] is None
    if not first:
        await hold_customer(tx, locked, on=False)
    await tx.connection.execute(SET_STATE, locked.id, "bridged")
    if first:
        await tx.connection.execute(CALM, locked.contact["id"])
    customer = locked.leg("customer")
    if first and locked.line.record and customer["sid"] is not None:
        await want(
            *(tx.connection, locked.id, customer["id"]),
            StartRecording(customer["sid"], f"recording?call={locked.id}&kind=call"),
        )


async def fail_leg(tx: Transaction, locked: LockedCall) -> None:
    """The holder's line failed: the contact is another's, and the holder must say that they are back."""
    agent = locked.contact["agent_id"]
    change = Change("handed_back", "leg_failed", "leg_failed", pass_over=agent)
    await step(tx, locked.root, locked.contact, change)
    await tx.connection.execute(SET_STATE, locked.id, "waiting")
    await change_presence(tx, agent, "away", "leg_failed", only_if="available")


async def send_back(tx: Transaction, locked: LockedCall) -> None:
    """Nobody holds it any more: who was on the line for us is off it, and the caller hears the music again."""
    await tx.connection.execute(SET_STATE, locked.id, "waiting")
    if locked.call["state"] == "bridged":
        await hold_customer(tx, locked, on=True)
    for leg in locked.live():
        if leg["role"] in ("agent", "consult"):
            await hang_up(tx.connection, leg)
    if locked.consult is not None:
        await drop_consult(tx, locked)


async def hold_customer(tx: Transaction, locked: LockedCall, *, on: bool) -> bool:
    """Music for the caller instead of the conference, which has begun and would be silent; or the conference again."""
    customer, conference = locked.leg("customer"), locked.call["conference"]
    if customer is None or customer["sid"] is None or conference is None:
        return False
    sound = f"wait?call={locked.id}"
    await want(tx.connection, locked.id, customer["id"], HoldLeg(conference, customer["sid"], on, sound))
    return True


async def release(tx: Transaction, locked: LockedCall) -> None:
    """The outside number is on the line: the holder's line ends, and with it their work."""
    await hang_up(tx.connection, locked.leg("agent"), "completed")


async def consult(tx: Transaction, locked: LockedCall) -> None:
    """Whom the holder asks has said yes: their line rings into the conference."""
    await ring_agent(tx, locked, locked.consult["agent_id"], "consult", locked.consult["id"])


NO_CONSULT = "update call set consult_id = null where id = $1"


async def drop_consult(tx: Transaction, locked: LockedCall) -> None:
    """Whom the holder asked will not: the holder keeps the call."""
    await tx.connection.execute(NO_CONSULT, locked.id)
    for leg in locked.live():
        if leg["role"] == "consult":
            await hang_up(tx.connection, leg)
    contact = locked.consult
    if contact["state"] in ENDED or contact["state"] == "wrapping":
        return
    if contact["state"] == "offered":
        await rescind_offer_of(tx, contact["id"], "withdrawn")
    await step(tx, locked.root, contact, Change("closed", "withdrawn"))


TO_CONSULTANT = "update call set contact_id = consult_id, consult_id = null where id = $1"
BECOMES_AGENT = "update call_leg set role = 'agent' where id = $1"


async def pass_on(tx: Transaction, locked: LockedCall) -> None:
    """The holder left to whom they had asked: that one's contact is the call's from now on."""
    await tx.connection.execute(TO_CONSULTANT, locked.id)
    asked = next(leg for leg in reversed(locked.legs) if leg["contact_id"] == locked.consult["id"])
    await tx.connection.execute(BECOMES_AGENT, asked["id"])
    await end_talk(tx, locked.root, locked.contact, "transferred")


async def hand_on(tx: Transaction, locked: LockedCall) -> None:
    """The holder left to an outside number: their work is done, the call goes on."""
    await end_talk(tx, locked.root, locked.contact, "transferred")


END = """
update call set state = 'ended', ended_at = clock_timestamp(), state_at = clock_timestamp(), on_hold = false,
       outcome = coalesce($2, outcome),
       recording_state = case when recording_state in ('running', 'paused') then 'running' else recording_state end
 where id = $1
"""
MISSED = """
update conversation v set needs_attention = true
  from contact c where c.id = $1 and v.id = c.conversation_id and v.status <> 'closed'
"""


async def end(tx: Transaction, locked: LockedCall, outcome: CallOutcome | None = None) -> None:
    """It is over: every leg, every contact, every line that rings."""
    call = locked.call
    recorded = call["voicemail_id"] is not None
    ended = outcome or outcome_of(
        call["direction"], call["state"], answered=call["answered_at"] is not None, recorded=recorded
    )
    await tx.connection.execute(END, locked.id, ended)
    await end_legs(tx, locked)
    if ended == "abandoned":
        await tx.connection.execute(MISSED, locked.contact["id"])
    await end_contact(tx, locked)
    await _let_texts_go(tx, locked)


async def end_legs(tx: Transaction, locked: LockedCall) -> None:
    """Hang up whoever is on the line."""
    for leg in locked.live():
        await hang_up(tx.connection, leg)


# What was written during the call waited for it: now it is work of its own, for who spoke with them first.
TEXTS = """
select c.id, v.needs_attention from customer m join contact c on c.customer_id = m.id
       join conversation v on v.id = c.conversation_id
 where m.root_id = $1 and c.class = 'messaging' and c.state = 'new' and not c.unrouted order by c.id
"""
LET_GO = """
update contact set unrouted = true, prefer_agent_id = $2,
       prefer_until = case when $2::uuid is not null then clock_timestamp() + interval '60 seconds' end
 where id = $1
"""


async def _let_texts_go(tx: Transaction, locked: LockedCall) -> None:
    """An answered one needs nobody any more."""
    for text in await tx.connection.fetch(TEXTS, locked.root):
        if text["needs_attention"]:
            await tx.connection.execute(LET_GO, text["id"], locked.contact["agent_id"])
        elif (found := await lock_contact(tx, text["id"])) is not None:
            await step(tx, found[0], found[1], Change("closed", "answered"))


async def end_contact(tx: Transaction, locked: LockedCall) -> None:
    """Its contacts end with a call: talked to, or given up."""
    for contact in (locked.contact, locked.consult):
        if contact is None or contact["state"] in ENDED or contact["state"] == "wrapping":
            continue
        if contact["state"] == "offered":
            await rescind_offer_of(tx, contact["id"], "abandoned")
        if contact["state"] in ("assigned", "parked") and (
            locked.call["answered_at"] is not None or locked.call["direction"] == "out"
        ):
            await end_talk(tx, locked.root, contact, "finished")
        else:
            await step(tx, locked.root, contact, Change("hung_up", "abandoned", "abandoned"))


MOVES: dict[Move, Callable[[Transaction, LockedCall], Awaitable[None]]] = {
    "connect": connect,
    "call_customer": call_customer,
    "bridge": bridge,
    "fail_leg": fail_leg,
    "return": send_back,
    "pass_on": pass_on,
    "hand_on": hand_on,
    "release": release,
    "consult": consult,
    "drop_consult": drop_consult,
    "end": end,
    "end_legs": end_legs,
    "end_contact": end_contact,
}
