"""Every order of the statements of two connections: a schedule is played, and the last choice that was open is turned.

Unlike in `interleaver.try_all`, which tries one interruption of either side, turns change wherever there is a choice.
Where one side waits for a lock of the other there is none.
"""

from __future__ import annotations

import asyncio

from msgspec import Struct

from store.pool import Connection
from tests.store.company import Company
from tests.store.interleaver import BOUND_SECONDS, Legal, Prepare, Side, Work, sides
from tests.store.invariants import empty, violations


class Pair(Struct, frozen=True):
    """Two who meet: what each does, and what may come of it. `whole`: `a` or `b` is one statement of its own."""

    prepare: Prepare
    legal: Legal
    whole: str = ""
    lowered: bool = False


class Tried(Struct, frozen=True):
    """How many schedules there were; `complete`: no other order is possible with so many changes of turn."""

    schedules: int
    complete: bool


class Turn(Struct, frozen=True):
    """Both sides could go on: whose turn it was, and whose it is without a plan, who had it before."""

    chosen: int
    usual: int


class _Played(Struct):
    """One schedule: the outcomes, and every choice there was."""

    outcomes: tuple[object, object]
    turns: list[Turn]


async def _play(company: Company, works: tuple[Work, Work], whole: str, plan: list[int], turns: int) -> _Played:
    async with sides(company, *works, whole) as (a, b, watch):
        pair = (a, b)
        for side, name in zip(pair, "ab", strict=True):
            if name not in whole:
                await side.step(watch)  # its `begin`, which nobody else can tell from nothing
        chosen: list[Turn] = []
        stuck: set[int] = set()
        last, changes = -1, 0
        async with asyncio.timeout(BOUND_SECONDS * 3):
            while not (a.task.done() and b.task.done()):
                able = [place for place, side in enumerate(pair) if not side.task.done() and place not in stuck]
                if len(able) == 2 and (last < 0 or changes < turns):
                    usual = max(last, 0)
                    place = plan[len(chosen)] if len(chosen) < len(plan) else usual
                    chosen.append(Turn(place, usual))
                elif len(able) == 2:
                    place = last
                else:
                    place = able[0] if able else await _freed(pair, watch)
                changes += place != last and last >= 0 and len(able) == 2
                last = place
                went_on = await pair[place].step(watch)
                stuck = set() if went_on or pair[place].task.done() else {*stuck, place}
        return _Played((a.task.result(), b.task.result()), chosen)


async def _freed(pair: tuple[Side, Side], watch: Connection) -> int:
    """Neither was able to go on a moment ago: whoever is, or will be when the server has ended a deadlock."""
    while True:
        for place, side in enumerate(pair):
            if not side.task.done() and (await side.step(watch) or side.task.done()):
                return place
        if all(side.task.done() for side in pair):
            return 0


async def try_orders(company: Company, pair: Pair, *, turns: int = 1_000, most: int = 100_000) -> Tried:
    """Every schedule with at most so many changes of turn that were open; after each, invariants and the pair's law."""
    plan: list[int] = []
    for number in range(1, most + 1):
        await empty(company)
        played = await _play(company, await pair.prepare(company), pair.whole, plan, turns)
        where = f"turns {[turn.chosen for turn in played.turns]}: {played.outcomes}"
        async with company.pool.acquire() as connection:
            agents = [row[0] for row in await connection.fetch("select id from agent")] if pair.lowered else []
            wrong = await violations(connection, agents)
        assert not wrong, f"{where}: {wrong}"
        try:
            await pair.legal(company, *played.outcomes)
        except AssertionError as error:
            raise AssertionError(f"{where}: {error}") from error
        plan = _next(played.turns)
        if not plan:
            return Tried(number, True)
    return Tried(most, False)


def _next(turns: list[Turn]) -> list[int]:
    """The plan of the next schedule: the last choice that went its usual way is turned. Empty: there is none."""
    for place in range(len(turns) - 1, -1, -1):
        if turns[place].chosen == turns[place].usual:
            return [*(turn.chosen for turn in turns[:place]), 1 - turns[place].usual]
    return []
