"""What random identity work stands on: the company, what was written and by whom, which groups were touched when."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar, cast
from uuid import UUID

from hypothesis.stateful import RuleBasedStateMachine

from model.agent import Actor
from model.inbound import HandleRef, InboundMessage
from profiles.apart import record_apart
from profiles.record import Delivery
from profiles.sections import fetch_customer
from store.feeds import Transaction, transaction
from store.pool import Connection
from tests.store.company import Company
from tests.store.identity_facts import ALL_OF_IT, MEMBERS, OWNER, Counts
from tests.store.invariants import empty

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, Any]], Any]


class Place(RuleBasedStateMachine):
    """A company on its first day, and the book that is kept of what happens in it.

    `eye` is the one connection all looking is done by: taking one from the pool costs as much as a look.
    """

    def __init__(self, company: Company, eye: Connection, run: Run, counts: Counts) -> None:
        super().__init__()
        self.company, self.eye, self._run, self.counts = company, eye, run, counts
        self.step = 0
        self.leaf_of: dict[str, UUID] = {}
        self.arrived: list[tuple[int, UUID, str]] = []
        self.touched: dict[UUID, int] = {}
        self._names: dict[UUID, str | None] = {}
        self._checked = 0
        self.wait(empty(company))
        self.actor = self.wait(company.hire("Ada", role="supervisor"))

    def wait(self, work: Awaitable[T]) -> T:
        return cast(T, self._run(cast("Coroutine[Any, Any, T]", work)))

    def do(self, work: Callable[[Transaction, Actor], Awaitable[T]]) -> T:
        async def within() -> T:
            async with transaction(self.company.pool, self.company.announce) as tx:
                return await work(tx, self.actor)

        return self.wait(within())

    def value(self, sql: str, *arguments: object) -> Any:
        return self.wait(self.eye.fetchval(sql, *arguments))

    def rows(self, sql: str, *arguments: object) -> list[Any]:
        return self.wait(self.eye.fetch(sql, *arguments))

    def ran(self, name: str) -> None:
        self.step += 1
        self.counts.rules[name] += 1

    def customers(self) -> list[UUID]:
        return [row["id"] for row in self.rows("select id from customer order by created_at, id")]

    def pair(self, one: int, other: int) -> tuple[UUID, UUID]:
        """Two customers, now and then the same twice."""
        found = self.customers()
        first = one % len(found)
        step = 1 + other % (len(found) - 1) if len(found) > 1 and other else 0
        return found[first], found[(first + step) % len(found)]

    def two_people(self, one: int, other: int) -> tuple[UUID, UUID]:
        """Two different profiles where there are any."""
        found = [row["id"] for row in self.rows("select id from customer where root_id = id order by created_at, id")]
        if len(found) < 2:
            return self.pair(one, other)
        first = one % len(found)
        return found[first], found[(first + 1 + other % (len(found) - 1)) % len(found)]

    def members(self, *customers: UUID) -> tuple[UUID, ...]:
        return tuple(row["id"] for row in self.rows(MEMBERS, list(customers)))

    def touch(self, *customers: UUID) -> None:
        """Something other than a message changed these groups: a merge of before can no longer be compared whole."""
        for member in self.members(*customers):
            self.touched[member] = self.step

    def came(self, body: str, phone: str) -> None:
        """It is recorded with the leaf of its handle."""
        leaf = self.value(OWNER, phone)
        assert self.value("select customer_id from entry where body = $1", body) == leaf
        self.leaf_of[body] = leaf
        self.arrived.append((self.step, leaf, body))

    def send(self, phone: str, **more: Any) -> None:
        body = f"message {self.step}"
        message = InboundMessage(f"k{self.step}", HandleRef("phone", phone), body, **more)
        self.do(lambda tx, _: record_apart(tx, Delivery("sms-main", "sms", message, None, "", None, b"")))
        self.came(body, phone)

    def look_at_all(self) -> None:
        """No entry lost or doubled, nothing found that must never be, names in lists those of the profiles."""
        entries: list[tuple[str, UUID]] = []
        names: dict[UUID, str | None] = {}
        wrong = []
        for what, text, id_ in self.rows(ALL_OF_IT):
            if what == "entry":
                entries.append((text, id_))
            elif what == "name":
                names[id_] = text
            else:
                wrong.append((what, text))
        assert not wrong, wrong
        assert len(entries) == len(self.leaf_of)
        assert dict(entries) == self.leaf_of
        changed = {root for root, step in self.touched.items() if step > self._checked} & names.keys()
        changed |= {root for root, name in names.items() if self._names.get(root, root) != name}
        self._look_at_names({root: names[root] for root in changed})
        self._names, self._checked = names, self.step

    def look_at_all_names(self) -> None:
        """Also of those whom nothing seems to have changed."""
        self._look_at_names(self._names)

    def _look_at_names(self, listed: dict[UUID, str | None]) -> None:
        async def composed() -> dict[UUID, str | None]:
            return {root: (await fetch_customer(self.eye, root)).name for root in listed}

        if listed:
            assert listed == self.wait(composed())
