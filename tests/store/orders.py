"""Every order of the statements of two connections: a schedule is played, and the last choice that was open is turned.

Unlike in `interleaver.try_all`, which tries one interruption of either side, turns change wherever there is a choice.
Where one side waits for a lock of the other there is none, nor where two statements do the same in either order: of the
orders that differ by such exchanges alone, the one is played in which the first side comes as early as it can.
"""

from __future__ import annotations

import asyncio
from typing import Final

from msgspec import Struct

from store.pool import Connection
from tests.store.company import Company
from tests.store.footprints import Footprint, commute
from tests.store.interleaver import BOUND_SECONDS, Legal, Prepare, Side, Work, sides
from tests.store.invariants import empty, violations

EVERY: Final = 1_000
"""More changes of turn than there are."""


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
    """Both sides could go on: whose turn it was, and whose it is without a plan, who had it before.

    `same`: the other choice would be an order that is played anyway.
    """

    chosen: int
    usual: int
    same: bool


class _Played(Struct):
    """One schedule: the outcomes, and every choice there was. No outcomes: it is another one, played before."""

    outcomes: tuple[object, object] | None
    turns: list[Turn]


class _Known:
    """What the first side's statements touch, as far as they were seen: by their place and their text."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, str], Footprint] = {}

    def early(self, a: Side, b: Side) -> bool:
        """Whether the next statement of `a` would do the same before the last one of `b`."""
        return a.prints is not None and self.was_early(len(a.prints.steps), a.next, b)

    def was_early(self, place: int, text: str, b: Side) -> bool:
        """Whether the statement of `a` that was, or would be, carried out there does."""
        mine = self._seen.get((place, text))
        return mine is not None and b.prints is not None and bool(b.prints.steps) and commute(mine, b.prints.steps[-1])

    def learn(self, a: Side, place: int, text: str) -> None:
        """Its statement of this place was carried out, or failed."""
        if a.prints is not None and len(a.prints.steps) > place:
            self._seen[place, text] = a.prints.steps[place]


async def _play(
    company: Company, works: tuple[Work, Work], whole: str, plan: list[int], turns: int, known: _Known
) -> _Played:
    async with sides(company, *works, whole, noted=turns == EVERY) as (a, b, watch):
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
                same = last == 1 and known.early(a, b)
                if len(able) == 2 and (last < 0 or changes < turns):
                    usual = max(last, 0)
                    place = plan[len(chosen)] if len(chosen) < len(plan) else usual
                    chosen.append(Turn(place, usual, same))
                elif len(able) == 2:
                    place = last
                else:
                    place = able[0] if able else await _freed(pair, watch)
                    stuck.discard(place)
                changes += place != last and last >= 0 and len(able) == 2
                back = (last, place) == (1, 0) and place in able
                at, text, last = len(a.prints.steps) if a.prints else 0, a.next, place
                if not await pair[place].step(watch) and not pair[place].task.done():
                    stuck.add(place)
                # Who waits goes on when the lock is free, and has no say before.
                stuck = {each for each in stuck if not await pair[each].rest(watch)}
                if place == 0:
                    known.learn(a, at, text)
                if back and known.was_early(at, text, b):
                    return _Played(None, chosen)
        return _Played((a.task.result(), b.task.result()), chosen)


async def _freed(pair: tuple[Side, Side], watch: Connection) -> int:
    """Each waits for the other: who goes on when the server has ended the deadlock."""
    while True:
        for place, side in enumerate(pair):
            if not side.task.done() and await side.rest(watch):
                return place


async def try_orders(company: Company, pair: Pair, *, turns: int = EVERY, most: int = 100_000) -> Tried:
    """Every schedule with at most so many changes of turn that were open; after each, invariants and the pair's law."""
    plan: list[int] = []
    known, number = _Known(), 0
    while number < most:
        await empty(company)
        played = await _play(company, await pair.prepare(company), pair.whole, plan, turns, known)
        plan = _next(played.turns)
        if played.outcomes is None:
            if not plan:
                return Tried(number, True)
            continue
        number += 1
        where = f"turns {[turn.chosen for turn in played.turns]}: {played.outcomes}"
        async with company.pool.acquire() as connection:
            agents = [row[0] for row in await connection.fetch("select id from agent")] if pair.lowered else []
            wrong = await violations(connection, agents)
        assert not wrong, f"{where}: {wrong}"
        try:
            await pair.legal(company, *played.outcomes)
        except AssertionError as error:
            raise AssertionError(f"{where}: {error}") from error
        if not plan:
            return Tried(number, True)
    return Tried(most, False)


def _next(turns: list[Turn]) -> list[int]:
    """The plan of the next schedule: the last choice that went its usual way is turned. Empty: there is none."""
    for place in range(len(turns) - 1, -1, -1):
        if turns[place].chosen == turns[place].usual and not turns[place].same:
            return [*(turn.chosen for turn in turns[:place]), 1 - turns[place].usual]
    return []
