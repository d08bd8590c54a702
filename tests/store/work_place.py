"""What random work stands on: the company, and the book that is kept of what happens in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar, cast
from uuid import UUID

from hypothesis.stateful import RuleBasedStateMachine

from model.agent import Actor
from model.contact import ContactState
from profiles.profile import Snapshot
from store.feeds import Transaction, transaction
from store.pool import Connection
from tests.store.company import Company
from tests.store.invariants import empty
from tests.store.work_model import Held, Seat

T = TypeVar("T")
PHONES = tuple(f"+1415555010{number}" for number in range(5))


class Place(RuleBasedStateMachine):
    """A company of three agents on its first day, and what the model knows of it.

    `eye` is the one connection all looking is done by: taking one from the pool costs as much as a look.
    """

    def __init__(
        self,
        company: Company,
        eye: Connection,
        run: Callable[[Coroutine[Any, Any, Any]], Any],
        counts: Counter[str],
    ) -> None:
        super().__init__()
        self.company, self.eye, self._run, self.counts = company, eye, run, counts
        self.deck: list[str] = []
        self.step = 0
        self.live: dict[str, Held] = {}
        self.said: dict[str, list[tuple[int, str]]] = {}
        self.groups: dict[str, int] = {phone: number for number, phone in enumerate(PHONES)}
        self.closed: set[str] = set()
        self.published: str | None = None
        self.mirrors: dict[UUID, Snapshot] = {}
        self.wait(empty(company))
        self.boss = self.wait(company.hire("Ada", messaging=0, role="supervisor"))
        self.seats = [Seat(self.wait(company.hire(name, messaging=2))) for name in ("Ines", "Marek", "Olu")]
        for seat in self.seats:
            seat.screens.append(self.wait(company.seat(seat.actor)))

    def wait(self, work: Awaitable[T]) -> T:
        return cast(T, self._run(cast("Coroutine[Any, Any, T]", work)))

    def do(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        async def within() -> T:
            async with transaction(self.company.pool, self.company.announce) as tx:
                return await work(tx)

        return self.wait(within())

    def rows(self, sql: str) -> dict[str, Any]:
        return {row["phone"]: row for row in self.wait(self.eye.fetch(sql))}

    def those(self, *states: ContactState) -> list[tuple[str, Held]]:
        return sorted((phone, held) for phone, held in self.live.items() if held.state in states)

    def nth(self, pick: int, *states: ContactState) -> Held:
        return self.those(*states)[pick % len(self.those(*states))][1]

    def seat(self, agent: UUID | None) -> Seat:
        return next(seat for seat in self.seats if seat.actor.id == agent)

    def group(self, phone: str) -> list[str]:
        """The numbers of one customer."""
        return [each for each in PHONES if self.groups[each] == self.groups[phone]]

    def of_group(self, phone: str) -> list[Held]:
        """The live contacts of this customer."""
        return [held for each, held in self.live.items() if each in self.group(phone)]

    def ringing(self, pick: int) -> tuple[Held, UUID, Seat]:
        held = self.nth(pick, "offered")
        assert held.offer is not None
        return held, held.offer, self.seat(held.agent)

    def one(self, pick: int, who: int, mine: bool) -> tuple[Held, Actor]:
        """A live contact, one that is held where there is any, and its agent (`mine`) or another."""
        found = self.those("assigned", "wrapping", "parked") or sorted(self.live.items())
        held = found[pick % len(found)][1]
        return held, (self.seat(held.agent) if mine and held.agent else self.seats[who]).actor
