"""The pairs of which every order is tried: who meets whom, and what may come of it."""

from __future__ import annotations

from typing import Any, Final

import asyncpg

from gateway.voice_calls import Calls
from gateway.voice_desk import transfer
from model.refusal import Refused
from model.wire_calls import Target, Transfer
from profiles.merge import MergeOrder, merge
from router.accept import Accepted
from router.closing import close_conversation
from router.dispatch import dispatch
from router.endings import end_offer
from router.presence import disconnect_screen
from store.feeds import Transaction
from tests.store.board_pairs import BOARD_PAIRS
from tests.store.company import Company
from tests.store.interleaver import OTHER_PHONE, PHONE, Work, accepting, boss, code, held, ringing, writing
from tests.store.lone_pairs import LONE_PAIRS
from tests.store.orders import Pair

ATTEMPTS: Final = 3
CAPACITY = "update agent_state set cap_messaging = 0"
OVER = "update offer set expires_at = clock_timestamp() - interval '1 ms' returning id"


async def _accept_and_timeout(company: Company) -> tuple[Work, Work]:
    ines, offer, _, _ = await ringing(company)
    await company.value(OVER)
    return accepting(offer, ines), lambda tx: end_offer(tx, offer, "timed_out")


async def _timed_out(company: Company, accepted: object, timed_out: object) -> None:
    assert code(accepted) == "gone"
    assert timed_out is None
    assert await company.states() == ["queued"]


async def _accept_in_time_and_timeout(company: Company) -> tuple[Work, Work]:
    ines, offer, _, _ = await ringing(company)
    return accepting(offer, ines), lambda tx: end_offer(tx, offer, "timed_out")


async def _accepted(company: Company, accepted: object, timed_out: object) -> None:
    assert isinstance(accepted, Accepted)
    assert code(timed_out) == "gone"
    assert await company.states() == ["assigned"]


async def _accept_and_close(company: Company) -> tuple[Work, Work]:
    ines, offer, _, conversation = await ringing(company)
    return accepting(offer, ines), lambda tx: close_conversation(tx, conversation, boss())


async def _closed(company: Company, accepted: object, closed: object) -> None:
    assert closed is None
    assert isinstance(accepted, Accepted) or code(accepted) == "gone"
    assert await company.states() == ["closed"]


async def _offer_and_capacity(company: Company) -> tuple[Work, Work]:
    ines = await company.hire()
    await company.text(PHONE)
    await company.drain()
    await company.seat(ines)
    return dispatch, lambda tx: tx.connection.execute(CAPACITY)


async def _offered_or_not(company: Company, dispatched: Any, _: object) -> None:
    assert await company.states() == [("offered" if dispatched.offered else "queued")]


async def _merge_and_inbound(company: Company) -> tuple[Work, Work]:
    """Who is merged away writes at that moment, with a contact that rings."""
    await ringing(company)
    await company.text(OTHER_PHONE)
    ada = await company.hire("Ada", role="supervisor")
    roots = [row["customer_id"] for row in await company.rows("select customer_id from handle order by value")]

    async def merging(tx: Transaction) -> object:
        return await merge(tx, MergeOrder(roots[1], roots[0], by=ada))

    return writing_again(PHONE), merging


async def _both_there(company: Company, _: object, merged: object) -> None:
    assert not isinstance(merged, Refused)
    assert await company.value("select count(*) from entry where kind = 'message'") == 3
    assert await company.value("select count(distinct root_id) from customer") == 1
    assert await company.value("select sum(messages) from contact") == 3
    assert sorted(await company.states()) == ["new", "offered"]
    await company.drain()
    assert await company.states() == ["offered", "offered"]


async def _transfer_and_disconnect(company: Company) -> tuple[Work, Work]:
    """Ines hands her contact to Marek while his last screen goes."""
    ines, contact, _ = await held(company)
    marek = await company.hire("Marek")
    screen = await company.seat(marek)
    order = Transfer(contact=contact, to=Target(agent=marek.id), ref="r")

    async def handing(tx: Transaction) -> object:
        calls = Calls(company.pool, company.announce, lambda: None, lambda: None)
        calls.run = lambda work: work(tx)  # type: ignore[method-assign, assignment, return-value]  # in what is played
        return await transfer(calls, ines, order)

    return handing, lambda tx: disconnect_screen(tx, marek.id, screen)


async def _kept_or_waits(company: Company, handed: object, _: object) -> None:
    assert await company.states() == [("assigned" if isinstance(handed, Refused) else "queued")]
    await company.drain()
    # who is only cut off may be back in a moment: it waits for Marek, and then goes back
    assert await company.value("select prefer_agent_id is not null or state = 'assigned' from contact")
    await company.value("update contact set prefer_until = clock_timestamp() - interval '1 ms' returning id")
    for _ in range(2):  # a sweep makes it Ines's, the next one gives it to her
        await company.drain()
    assert await company.states() == ["assigned"], "back with Ines"


def writing_again(phone: str) -> Work:
    """As intake does: what lost to a merge is recorded once more."""
    once = writing(phone)

    async def work(tx: Transaction) -> object:
        for attempt in range(ATTEMPTS):
            try:
                return await once(tx)
            except asyncpg.SerializationError:
                if attempt == ATTEMPTS - 1:
                    raise
        return None

    return work


PAIRS: Final = {
    "accept in time / timeout": Pair(_accept_in_time_and_timeout, _accepted, whole="a"),
    "accept late / timeout": Pair(_accept_and_timeout, _timed_out, whole="a"),
    "accept / close": Pair(_accept_and_close, _closed, whole="a"),
    "offer / capacity change": Pair(_offer_and_capacity, _offered_or_not, lowered=True),
    "merge / inbound": Pair(_merge_and_inbound, _both_there, whole="a"),
    "transfer / disconnect": Pair(_transfer_and_disconnect, _kept_or_waits),
    **BOARD_PAIRS,
    **LONE_PAIRS,
}
