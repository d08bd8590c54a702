"""A handover, and what else may befall its contact at that moment: no deadlock, one holder, no slot lost (F18).

Played by `run.py prove routing --only interleavings`: a minute and a half. `test_interleavings` plays the first in CI.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from model.agent import Actor
from profiles.merge import MergeOrder, merge
from router.assign import Given
from router.closing import close_conversation
from router.finishing import finish
from router.handover import (
    DueHandover,
    accept_handover,
    ask_to_take,
    cancel_handover,
    decline_handover,
    settle_handover,
)
from router.holding import lock_contact
from router.supervising import take_back
from router.transfer import Order, hand_over
from store.feeds import Transaction
from tests.store.company import Company, open_company
from tests.store.interleaver import OTHER_PHONE, PHONE, Work, boss, code, held, in_transaction, try_all, writing

THIRD_PHONE = "+14155550102"
ROOT = "select m.root_id from handle h join customer m on m.id = h.customer_id where h.value = $1"


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        yield company


async def asked(company: Company) -> tuple[Actor, Actor, UUID, UUID, UUID]:
    """One who holds a text has asked another to take it over: both, the handover, the contact, the conversation."""
    ines, contact, conversation = await held(company)
    omar = await company.hire("Omar")
    await company.seat(omar)

    assert await in_transaction(company, asking(contact, omar, ines)) is None
    return ines, omar, await company.value("select id from handover"), contact, conversation


def asking(contact: UUID, whom: Actor, by: Actor) -> Work:
    async def work(tx: Transaction) -> object:
        locked = await lock_contact(tx, contact)
        assert locked is not None
        return await ask_to_take(tx, *locked, Order(whom.id, warm=True), by)

    return work


def blind(contact: UUID, to: UUID, by: Actor) -> Work:
    async def work(tx: Transaction) -> object:
        locked = await lock_contact(tx, contact)
        assert locked is not None
        if locked[1]["agent_id"] != by.id:
            return "not theirs"
        return await hand_over(tx, *locked, Order(to), by)

    return work


AGAINST: dict[str, tuple[Any, set[str]]] = {
    "close": (lambda i, o, h, c, v: lambda tx: close_conversation(tx, v, boss()), {"closed"}),
    "finish": (lambda i, o, h, c, v: lambda tx: finish(tx, c, i), {"closed", "assigned"}),
    "take_back": (lambda i, o, h, c, v: lambda tx: take_back(tx, c, boss()), {"queued"}),
    "blind": (lambda i, o, h, c, v: blind(c, o.id, i), {"queued", "assigned"}),
    "cancel": (lambda i, o, h, c, v: lambda tx: cancel_handover(tx, h, i), {"assigned"}),
    "decline": (lambda i, o, h, c, v: lambda tx: decline_handover(tx, h, None, o), {"assigned"}),
    "expire": (lambda i, o, h, c, v: lambda tx: settle_handover(tx, DueHandover(h, "late")), {"assigned"}),
    "write": (lambda i, o, h, c, v: writing(PHONE), {"assigned"}),
    "again": (lambda i, o, h, c, v: lambda tx: accept_handover(tx, h, o), {"assigned"}),
}


@pytest.mark.parametrize("what", AGAINST)
@pytest.mark.parametrize("late", [False, True])
async def test_accept_handover_against(company: Company, what: str, late: bool) -> None:
    await accept_against(company, what, late=late)


async def accept_against(company: Company, what: str, *, late: bool) -> None:
    """Accept, beside this: every order, each outcome judged."""
    make, states = AGAINST[what]

    async def prepare(company: Company) -> tuple[Work, Work]:
        parts = await asked(company)
        if late:
            await company.value("update handover set expires_at = clock_timestamp() - interval '1 ms' returning id")
        return (lambda tx: accept_handover(tx, parts[2], parts[1])), make(*parts)

    async def legal(company: Company, accepted: object, other: object) -> None:
        row = (await company.rows("select outcome, told from handover"))[0]
        assert isinstance(accepted, Given) or code(accepted) == "gone"
        assert (row["outcome"] == "accepted") == isinstance(accepted, Given), (row, accepted)
        if late:
            assert code(accepted) == "gone"
        assert set(await company.states()) <= states, await company.states()

    assert await try_all(company, prepare, legal) > 5


async def test_two_who_ask_each_other_and_accept(company: Company) -> None:
    """Each takes over what the other holds: the same two agents, locked in the same order."""

    async def prepare(company: Company) -> tuple[Work, Work]:
        ines, omar, first, _, _ = await asked(company)
        await company.text("+14155550177")
        await company.value("update agent_state set presence = 'away' where agent_id = $1 returning seq", ines.id)
        await company.drain()
        await company.take(omar)
        await company.value("update agent_state set presence = 'available' where agent_id = $1 returning seq", ines.id)
        contact = await company.value("select id from contact where agent_id = $1", omar.id)

        assert await in_transaction(company, asking(contact, ines, omar)) is None
        second = await company.value("select id from handover where agent_id = $1 and ended_at is null", ines.id)
        return (lambda tx: accept_handover(tx, first, omar)), (lambda tx: accept_handover(tx, second, ines))

    async def legal(company: Company, one: object, two: object) -> None:
        assert isinstance(one, Given)
        assert isinstance(two, Given)

    assert await try_all(company, prepare, legal) > 5


async def merge_while_asking(company: Company) -> None:
    """Omar, who came first, is asked for one of two that Ines holds, and for the other while the first is merged."""

    async def prepare(company: Company) -> tuple[Work, Work]:
        omar = await company.hire("Omar")
        ines, first, _ = await held(company)
        await company.text(THIRD_PHONE)
        await company.drain()
        other = (await company.take(ines)).contact.id
        await company.seat(omar)
        assert await in_transaction(company, asking(first, omar, ines)) is None
        await company.text(OTHER_PHONE)
        order = MergeOrder(await company.value(ROOT, PHONE), await company.value(ROOT, OTHER_PHONE), by=ines)
        return lambda tx: merge(tx, order), asking(other, omar, ines)

    async def legal(company: Company, _: object, asked: object) -> None:
        assert asked is None
        assert await company.value("select count(*) from handover where ended_at is null") == 2
        assert await company.value("select count(distinct root_id) from customer") == 2

    assert await try_all(company, prepare, legal) > 5
