"""A supervisor and whoever has the contact, or is about to: pairs of which every order is tried."""

from __future__ import annotations

from typing import Final

from router.accept import Accepted
from router.finishing import finish
from router.supervising import reassign, take_back
from tests.store.company import Company
from tests.store.interleaver import Work, accepting, boss, code, held, ringing
from tests.store.orders import Pair

HOLDER = "select name from agent a join contact c on c.agent_id = a.id"


async def _accept_and_take_back(company: Company) -> tuple[Work, Work]:
    ines, offer, contact, _ = await ringing(company)
    return accepting(offer, ines), lambda tx: take_back(tx, contact, boss())


async def _waits_for_others(company: Company, accepted: object, taken: object) -> None:
    assert taken is None
    assert isinstance(accepted, Accepted) or code(accepted) == "gone"
    assert await company.states() == ["queued"]
    assert await company.value("select fence from contact") > 0
    assert await company.value("select cardinality(declined_by) from contact") == 1, "others are tried first"


async def _finish_and_take_back(company: Company) -> tuple[Work, Work]:
    ines, contact, _ = await held(company)
    return lambda tx: finish(tx, contact, ines), lambda tx: take_back(tx, contact, boss())


async def _one_of_them(company: Company, finished: object, taken: object) -> None:
    assert (code(finished), code(taken)) in {(None, "wrong_state"), ("not_holder", None)}
    assert await company.states() == ["closed" if taken else "queued"]


async def _accept_and_reassign(company: Company) -> tuple[Work, Work]:
    ines, offer, contact, _ = await ringing(company)
    marek = await company.hire("Marek")
    await company.seat(marek)
    return accepting(offer, ines), lambda tx: reassign(tx, contact, marek.id, boss())


async def _marek_has_it(company: Company, _: object, given: object) -> None:
    assert given is None
    await company.drain()
    assert await company.value(HOLDER) == "Marek"


async def _reassign_and_reassign(company: Company) -> tuple[Work, Work]:
    _, contact, _ = await held(company)
    marek, eve = await company.hire("Marek"), await company.hire("Eve")
    await company.seat(marek)
    await company.seat(eve)
    return lambda tx: reassign(tx, contact, marek.id, boss()), lambda tx: reassign(tx, contact, eve.id, boss())


async def _one_has_it(company: Company, one: object, two: object) -> None:
    assert (one, two) == (None, None)
    await company.drain()
    assert await company.states() == ["assigned"]
    assert await company.value(HOLDER) in {"Marek", "Eve"}


BOARD_PAIRS: Final = {
    "accept / take back": Pair(_accept_and_take_back, _waits_for_others, whole="a"),
    "finish / take back": Pair(_finish_and_take_back, _one_of_them),
    "accept / reassign": Pair(_accept_and_reassign, _marek_has_it, whole="a"),
    "reassign / reassign": Pair(_reassign_and_reassign, _one_has_it),
}
