"""What an agent's screen asks of calls, each carried out in one transaction."""

from __future__ import annotations

from uuid import UUID

from adapters import phones
from gateway.voice_calls import Calls
from model.agent import Actor
from model.refusal import Refused
from model.wire_calls import CallAction, CancelHandover, DeclineHandover, Dial, Transfer
from profiles.call_course import show_call
from profiles.calls import begin_call
from router.call_orders import fetch_call_of, give_order
from router.calls import LockedCall, settle
from router.dialing import take_line
from router.handover import ask_to_take, cancel_handover, decline_handover
from router.holding import lock_contact
from router.transfer import Order, hand_over, transfer_call
from store.feeds import Transaction

NO_CALL = Refused("not_found", "There is no such call.", "contact")
NO_CONTACT = Refused("not_found", "There is no such contact.", "contact")


async def call_action(calls: Calls, actor: Actor, contact: UUID, action: CallAction) -> Refused | None:
    """Hold, recording, hang up; listen, coach, join."""
    call = await _call_of(calls, contact)
    if call is None:
        return NO_CALL

    async def ordering(tx: Transaction, locked: LockedCall) -> Refused | None:
        return await give_order(tx, locked, actor, action)

    refused: Refused | None = await calls.change(call, ordering)
    return refused


class _Undone(Exception):
    """The transaction is rolled back: the agent's line is not free."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.code)
        self.refused = refused


async def dial(calls: Calls, actor: Actor, frame: Dial) -> Refused | None:
    """Call a customer: the agent's line first."""

    async def dialing(tx: Transaction) -> Refused | None:
        begun = await begin_call(tx, actor, frame)
        if begun is None or isinstance(begun, Refused):
            return begun
        refused = await take_line(tx, begun, actor)
        if refused is not None:
            raise _Undone(refused)
        locked, _moves = await settle(tx, frame.id)
        if locked is not None:
            await show_call(tx, locked.root, frame.id)
        return None

    try:
        answer: Refused | None = await calls.run(dialing)
    except _Undone as undone:
        return undone.refused
    return answer


async def transfer(calls: Calls, actor: Actor, frame: Transfer) -> Refused | None:
    """Hand a contact on: a call as its machine allows, other work to an agent or a queue; warm, an agent is asked."""
    order = await _order(calls, frame)
    if isinstance(order, Refused):
        return order
    call = await _call_of(calls, frame.contact)
    if call is None:
        return await _hand_over(calls, actor, frame, order)

    async def handing(tx: Transaction, locked: LockedCall) -> Refused | None:
        return await transfer_call(tx, locked, order, actor)

    refused: Refused | None = await calls.change(call, handing)
    return refused


async def _hand_over(calls: Calls, actor: Actor, frame: Transfer, order: Order) -> Refused | None:
    if order.number is not None:
        return Refused("invalid", "Only calls go to outside numbers.", "to.number")

    async def handing(tx: Transaction) -> Refused | None:
        locked = await lock_contact(tx, frame.contact)
        if locked is None:
            return NO_CONTACT
        root, row = locked
        if row["agent_id"] != actor.id and actor.role not in ("supervisor", "admin"):
            return Refused("not_holder", "Only the agent who holds this contact may hand it on.", "contact")
        return await (ask_to_take if order.warm else hand_over)(tx, root, row, order, actor)

    refused: Refused | None = await calls.run(handing)
    return refused


async def end_handover(tx: Transaction, actor: Actor, frame: DeclineHandover | CancelHandover) -> Refused | None:
    """Refuse to take over, or ask no longer."""
    if isinstance(frame, DeclineHandover):
        return await decline_handover(tx, frame.handover, frame.reason, actor)
    return await cancel_handover(tx, frame.handover, actor)


REGION = "select a.region from contact c join account a on a.id = c.account_id where c.id = $1"


async def _order(calls: Calls, frame: Transfer) -> Order | Refused:
    to = frame.to
    if sum(each is not None for each in (to.agent, to.queue, to.number)) != 1:
        return Refused("invalid", "Name one of agent, queue and number.", "to")
    number = None
    if to.number is not None:
        async with calls.pool.acquire() as connection:
            region = await connection.fetchval(REGION, frame.contact)
        number = phones.normalise(to.number, region or "US")
        if number is None:
            return Refused("invalid", "This is no telephone number; write it as +49 30 1234567.", "to.number")
    return Order(to.agent, to.queue, number, frame.warm, frame.note)


async def _call_of(calls: Calls, contact: UUID) -> UUID | None:
    async with calls.pool.acquire() as connection:
        found: UUID | None = await fetch_call_of(connection, contact)
    return found
