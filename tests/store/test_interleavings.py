"""Two transactions in every order that matters: no deadlock, one legal outcome (F18)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from model.wire import Reply
from profiles.reply import reply
from router.accept import Accepted
from router.assign import assign
from router.closing import close_conversation
from router.dispatch import dispatch
from router.endings import end_offer
from router.finishing import finish
from router.holding import leave_agent, settle_due, shown
from router.needs import Need, intern_need
from router.presence import bury_dead_processes, set_presence
from store.ids import new_id
from tests.store.company import Company, open_company
from tests.store.handover_interleavings import accept_against, merge_while_asking
from tests.store.interleaver import (
    PHONE,
    Work,
    accepting,
    boss,
    code,
    connecting,
    held,
    paired_outright,
    ringing,
    try_all,
    writing,
)
from tests.store.order_pairs import PAIRS
from tests.store.orders import try_orders

LONG = "transfer / disconnect"


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        yield company


async def test_accept_and_timeout_of_an_offer_in_time(company: Company) -> None:
    async def prepare(company: Company) -> tuple[Work, Work]:
        ines, offer, _, _ = await ringing(company)
        return accepting(offer, ines), lambda tx: end_offer(tx, offer, "timed_out")

    async def legal(company: Company, accepted: object, timed_out: object) -> None:
        assert isinstance(accepted, Accepted)
        assert code(timed_out) == "gone"
        assert await company.states() == ["assigned"]

    assert await try_all(company, prepare, legal, whole="a") > 5


async def test_accept_and_timeout_of_an_offer_whose_time_is_over(company: Company) -> None:
    async def prepare(company: Company) -> tuple[Work, Work]:
        ines, offer, _, _ = await ringing(company)
        await company.value("update offer set expires_at = clock_timestamp() - interval '1 ms' returning id")
        return accepting(offer, ines), lambda tx: end_offer(tx, offer, "timed_out")

    async def legal(company: Company, accepted: object, timed_out: object) -> None:
        assert code(accepted) == "gone"
        assert timed_out is None
        assert await company.states() == ["queued"]
        assert await company.value("select presence from agent_state") == "away"

    await try_all(company, prepare, legal, whole="a")


async def test_accept_and_close_by_a_supervisor(company: Company) -> None:
    async def prepare(company: Company) -> tuple[Work, Work]:
        ines, offer, _, conversation = await ringing(company)
        return accepting(offer, ines), lambda tx: close_conversation(tx, conversation, boss())

    async def legal(company: Company, accepted: object, closed: object) -> None:
        assert closed is None
        assert isinstance(accepted, Accepted) or code(accepted) == "gone"
        assert await company.states() == ["closed"]

    await try_all(company, prepare, legal, whole="a")


@pytest.mark.parametrize("outcome", ["declined", "rescinded"])
async def test_accept_and_another_end_of_the_same_offer(company: Company, outcome: Any) -> None:
    async def prepare(company: Company) -> tuple[Work, Work]:
        ines, offer, _, _ = await ringing(company)
        return accepting(offer, ines), lambda tx: end_offer(tx, offer, outcome)

    async def legal(company: Company, accepted: object, ended: object) -> None:
        assert (code(accepted), code(ended)) in {(None, "gone"), ("gone", None)}
        assert await company.states() == [("assigned" if code(ended) else "queued")]

    await try_all(company, prepare, legal, whole="a")


async def test_two_accepts_from_two_screens_of_one_agent(company: Company) -> None:
    async def prepare(company: Company) -> tuple[Work, Work]:
        ines, offer, _, _ = await ringing(company)
        return accepting(offer, ines), accepting(offer, ines)

    async def legal(company: Company, one: object, two: object) -> None:
        assert isinstance(one, Accepted)
        assert isinstance(two, Accepted)
        assert bool(one.positions) != bool(two.positions), "one of them took it, the other is told the same"

    await try_all(company, prepare, legal, whole="ab")


async def test_accept_and_a_message_of_the_same_customer(company: Company) -> None:
    async def prepare(company: Company) -> tuple[Work, Work]:
        ines, offer, _, _ = await ringing(company)
        return accepting(offer, ines), writing()

    async def legal(company: Company, accepted: object, _: object) -> None:
        assert isinstance(accepted, Accepted)
        assert await company.states() == ["assigned"]
        assert await company.value("select messages from contact") == 2

    await try_all(company, prepare, legal, whole="a")


async def test_an_offer_and_a_change_of_capacity(company: Company) -> None:
    async def prepare(company: Company) -> tuple[Work, Work]:
        ines = await company.hire()
        await company.text(PHONE)
        await company.drain()
        await company.seat(ines)
        return dispatch, lambda tx: tx.connection.execute("update agent_state set cap_messaging = 0")

    async def legal(company: Company, dispatched: Any, _: object) -> None:
        assert await company.states() == [("offered" if dispatched.offered else "queued")]

    await try_all(company, prepare, legal, lowered=True)


async def test_an_offer_and_an_agent_who_goes_away(company: Company) -> None:
    async def prepare(company: Company) -> tuple[Work, Work]:
        ines = await company.hire()
        await company.text(PHONE)
        await company.drain()
        await company.seat(ines)
        return dispatch, lambda tx: set_presence(tx, ines.id, "away", None)

    async def legal(company: Company, dispatched: Any, _: object) -> None:
        assert await company.states() == [("offered" if dispatched.offered else "queued")]
        await company.settle()
        assert await company.states() == ["queued"]

    await try_all(company, prepare, legal)


async def test_two_dispatches_share_the_work_and_never_the_agent(company: Company) -> None:
    async def prepare(company: Company) -> tuple[Work, Work]:
        ines, marek = await company.hire("Ines", messaging=1), await company.hire("Marek", messaging=1)
        for number in range(3):
            await company.text(f"+1415555{number:04d}")
        await company.drain()
        await company.seat(ines)
        await company.seat(marek)
        return dispatch, dispatch

    async def legal(company: Company, one: Any, two: Any) -> None:
        await company.drain()
        assert sorted(await company.states()) == ["offered", "offered", "queued"]

    await try_all(company, prepare, legal)


async def test_a_message_and_the_end_of_the_work(company: Company) -> None:
    async def prepare(company: Company) -> tuple[Work, Work]:
        ines, contact, _ = await held(company)
        return writing(), lambda tx: finish(tx, contact, ines)

    async def legal(company: Company, _: object, finished: object) -> None:
        assert finished is None
        assert await company.states() in (["closed"], ["closed", "new"])

    await try_all(company, prepare, legal)


async def test_a_message_and_parking(company: Company) -> None:
    async def prepare(company: Company) -> tuple[Work, Work]:
        _, contact, _ = await held(company, answered=True)
        return writing(), lambda tx: settle_due(tx, contact)

    async def legal(company: Company, _: object, parked: object) -> None:
        assert await company.states() == [("queued" if parked else "assigned")]
        await company.drain()
        assert await company.states() == ["assigned"], "the owner has it, then as before"

    await try_all(company, prepare, legal)


async def test_a_message_and_the_close_of_the_conversation(company: Company) -> None:
    async def prepare(company: Company) -> tuple[Work, Work]:
        ines, _, conversation = await held(company)
        return writing(), lambda tx: close_conversation(tx, conversation, ines)

    async def legal(company: Company, _: object, closed: object) -> None:
        assert closed is None
        assert await company.states() in (["closed"], ["closed", "new"])

    await try_all(company, prepare, legal)


async def test_a_reply_and_parking(company: Company) -> None:
    async def prepare(company: Company) -> tuple[Work, Work]:
        ines, contact, conversation = await held(company, answered=True)
        frame = Reply(conversation=conversation, body="here", id=new_id(), ref="r")
        return lambda tx: reply(tx, ines, frame), lambda tx: settle_due(tx, contact)

    async def legal(company: Company, entry: object, parked: object) -> None:
        assert isinstance(entry, UUID)
        assert await company.states() == [("parked" if parked else "assigned")]

    await try_all(company, prepare, legal)


async def test_finish_and_the_hand_back_of_a_vanished_agents_contact(company: Company) -> None:
    async def prepare(company: Company) -> tuple[Work, Work]:
        ines, contact, _ = await held(company)
        await company.value("update agent_state set gone_at = clock_timestamp() - interval '61 s', connected = false")
        await company.value("delete from screen")
        return lambda tx: finish(tx, contact, ines), lambda tx: leave_agent(tx, contact, ines.id, "vanished")

    async def legal(company: Company, finished: object, left: object) -> None:
        assert (code(finished), left) in {(None, False), ("not_holder", True)}
        assert await company.states() == [("queued" if left else "closed")]

    await try_all(company, prepare, legal)


async def test_shown_and_the_hand_back_of_what_was_not_shown(company: Company) -> None:
    async def prepare(company: Company) -> tuple[Work, Work]:
        ines = await company.hire()
        await company.seat(ines)
        await company.text(PHONE, account="sms-auto")
        await company.drain()
        contact = await company.value("update contact set due_at = clock_timestamp() - interval '1 ms' returning id")
        return lambda tx: shown(tx, contact, ines), lambda tx: settle_due(tx, contact)

    async def legal(company: Company, looked: object, back: object) -> None:
        assert (code(looked), back) in {(None, False), ("not_holder", True)}
        assert await company.states() == [("queued" if back else "assigned")]

    await try_all(company, prepare, legal)


async def test_giving_a_contact_outright_and_closing_its_conversation(company: Company) -> None:
    async def prepare(company: Company) -> tuple[Work, Work]:
        ines = await company.hire()
        await company.seat(ines)
        await company.text(PHONE, account="sms-auto")
        pair = await paired_outright(company)
        conversation = await company.value("select id from conversation")
        return lambda tx: assign(tx, pair), lambda tx: close_conversation(tx, conversation, boss())

    async def legal(company: Company, _: object, closed: object) -> None:
        assert closed is None
        assert await company.states() == ["closed"]

    await try_all(company, prepare, legal)


# --- what these found -------------------------------------------------------------------------------------------------


async def test_two_new_needs_of_one_agent_are_both_known_afterwards(company: Company) -> None:
    await company.hire()

    async def prepare(company: Company) -> tuple[Work, Work]:
        await company.value("truncate need cascade")
        await company.hire()
        return (
            lambda tx: intern_need(tx.connection, Need("general", "messaging")),
            lambda tx: intern_need(tx.connection, Need("auto", "messaging")),
        )

    async def legal(company: Company, one: Any, two: Any) -> None:
        assert sorted(await company.value("select needs from agent_state")) == sorted([one, two])

    await try_all(company, prepare, legal)


async def test_a_screen_that_arrives_while_its_process_is_buried_does_not_stay_connected(company: Company) -> None:
    async def prepare(company: Company) -> tuple[Work, Work]:
        ines = await company.hire()
        screen = new_id()
        await company.value("update gateway_process set expires_at = clock_timestamp() - interval '1 ms' returning id")
        return lambda tx: connecting(tx, ines, screen, company.process), bury_dead_processes

    async def legal(company: Company, _: object, __: object) -> None:
        assert await company.value("select connected from agent_state") is False

    await try_all(company, prepare, legal)


@pytest.mark.parametrize("name", sorted({*PAIRS} - {LONG}))
async def test_two_who_meet_in_every_order(company: Company, name: str) -> None:
    tried = await try_orders(company, PAIRS[name])
    assert tried.complete
    assert tried.schedules > 1


async def test_two_who_meet_in_every_order_with_one_change_of_turn(company: Company) -> None:
    """`run.py prove routing --only interleavings` lets turns change wherever they can."""
    assert (await try_orders(company, PAIRS[LONG], turns=1)).schedules > 5


async def test_taking_over_and_the_close_of_the_conversation(company: Company) -> None:
    await accept_against(company, "close", late=False)


async def test_a_merge_and_somebody_who_is_asked_for_more(company: Company) -> None:
    await merge_while_asking(company)
