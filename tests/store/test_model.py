"""Random work against a small model of it on real PostgreSQL (F17): after every step the two agree, no invariant is
broken, and what a screen made of the events is what it would be shown anew (INV18).

Which agent dispatch chooses is left to it: the model says which choices are legal, and takes over the one made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar, cast
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from model.agent import Actor, PresenceStatus
from model.contact import ContactState
from model.refusal import Refused
from model.wire import Reply
from profiles.profile import Snapshot
from profiles.reply import reply
from router.accept import Accepted, accept_offer
from router.closing import close_conversation
from router.endings import end_offer
from router.holding import finish, shown, wrap_up
from router.presence import connect_screen, disconnect_screen, set_presence
from store.feeds import Transaction, transaction
from store.ids import new_id
from tests.store.company import Company, open_company
from tests.store.invariants import WAITS_IN_VAIN, empty, follow, violations
from tests.store.work_model import LIVE, TALKS, Held, Seat, settle, take_over

T = TypeVar("T")
PHONES = tuple(f"+1415555010{number}" for number in range(4))
PICK = st.integers(0, 11)
PASSES = "update contact set due_at = clock_timestamp() - interval '1 ms' where id = $1 returning id"
EXPIRES = "update offer set expires_at = clock_timestamp() - interval '1 ms' where id = $1 returning id"
CAPACITY = "update agent_state set cap_messaging = $2 where agent_id = $1 returning seq"
SEATS = "select agent_id, presence, connected from agent_state"
LONG_GONE = "update agent_state set gone_at = clock_timestamp() - interval '61 s' where agent_id = $1 returning seq"


class Work(RuleBasedStateMachine):
    """What customers, agents, supervisors and time do, one at a time."""

    def __init__(self, company: Company, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        super().__init__()
        self.company, self._run = company, run
        self.live: dict[str, Held] = {}
        self.said: dict[str, int] = {}
        self.closed: set[str] = set()
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
        return {row["phone"]: row for row in self.wait(self.company.rows(sql))}

    def those(self, *states: ContactState) -> list[tuple[str, Held]]:
        return sorted((phone, held) for phone, held in self.live.items() if held.state in states)

    def nth(self, pick: int, *states: ContactState) -> Held:
        return self.those(*states)[pick % len(self.those(*states))][1]

    def seat(self, agent: UUID | None) -> Seat:
        return next(seat for seat in self.seats if seat.actor.id == agent)

    def ringing(self, pick: int) -> tuple[Held, UUID, Seat]:
        held = self.nth(pick, "offered")
        assert held.offer is not None
        return held, held.offer, self.seat(held.agent)

    @rule(phone=st.sampled_from(PHONES), auto=st.sampled_from((False, False, True)), routed=st.booleans())
    def write(self, phone: str, auto: bool, routed: bool) -> None:
        self.said[phone] = self.said.get(phone, 0) + 1
        self.last = (f"SM-{phone}-{self.said[phone]}", phone, auto)
        self.wait(self.company.text(phone, account="sms-auto" if auto else "sms-main", key=self.last[0]))
        self.closed.discard(phone)
        if phone in self.live:
            self.live[phone].hear()
        else:
            row = self.rows(LIVE)[phone]
            self.live[phone] = Held(row["id"], row["conversation_id"], auto)
        if routed:
            self.drain()

    @precondition(lambda self: self.said)
    @rule()
    def write_the_same_again(self) -> None:
        key, phone, auto = self.last
        self.wait(self.company.text(phone, "again", account="sms-auto" if auto else "sms-main", key=key))

    @precondition(lambda self: self.those("offered"))
    @rule(pick=PICK)
    def accept(self, pick: int) -> None:
        held, offer, seat = self.ringing(pick)
        for _ in range(2):  # a repeated accept is the same answer
            done = self.accepting(offer, seat.actor)
            assert done == "gone" if held.over else isinstance(done, Accepted), done
        if not held.over:
            held.become("assigned")

    def accepting(self, offer: UUID, actor: Actor) -> Accepted | str:
        async def within() -> Accepted | Refused:
            async with self.company.pool.acquire() as connection:
                return await accept_offer(connection, offer, actor)

        done = self.wait(within())
        return done.code if isinstance(done, Refused) else done

    @precondition(lambda self: self.those("offered"))
    @rule(pick=PICK)
    def accept_what_is_not_theirs(self, pick: int) -> None:
        _, offer, seat = self.ringing(pick)
        other = next(each for each in self.seats if each is not seat)
        assert self.accepting(offer, other.actor) == "forbidden"
        assert self.accepting(new_id(), seat.actor) == "gone"

    @precondition(lambda self: self.those("offered"))
    @rule(pick=PICK)
    def decline(self, pick: int) -> None:
        held, offer, seat = self.ringing(pick)
        assert self.do(lambda tx: end_offer(tx, offer, "declined", agent=seat.actor.id)) is None
        held.become("queued")

    @precondition(lambda self: self.live)
    @rule(pick=PICK, who=st.integers(0, 2), mine=st.booleans())
    def answer(self, pick: int, who: int, mine: bool) -> None:
        held, actor = self.one(pick, who, mine)
        frame = Reply(conversation=held.talk, body="here", id=new_id(), ref="r")
        done = self.do(lambda tx: reply(tx, actor, frame))
        if held.state == "offered" or held.agent != actor.id:
            assert isinstance(done, Refused)
            return
        assert done == frame.id
        held.answered = True
        if held.state == "assigned" and held.shown:
            held.deadline, held.over = True, False

    def one(self, pick: int, who: int, mine: bool) -> tuple[Held, Actor]:
        """A live contact, one that is held where there is any, and its agent (`mine`) or another."""
        found = self.those("assigned", "wrapping", "parked") or sorted(self.live.items())
        held = found[pick % len(found)][1]
        return held, (self.seat(held.agent) if mine and held.agent else self.seats[who]).actor

    @precondition(lambda self: self.those("assigned"))
    @rule(pick=PICK)
    def look(self, pick: int) -> None:
        held = self.nth(pick, "assigned")
        assert self.do(lambda tx: shown(tx, held.id, self.seat(held.agent).actor)) is None
        if not held.shown:
            held.shown, held.deadline, held.over = True, held.answered, False

    @precondition(lambda self: self.live)
    @rule(pick=PICK, who=st.integers(0, 2), mine=st.booleans())
    def end(self, pick: int, who: int, mine: bool) -> None:
        held, actor = self.one(pick, who, mine)
        done = self.do(lambda tx: finish(tx, held.id, actor))
        if held.state == "offered" or held.agent != actor.id:
            assert isinstance(done, Refused)
        elif held.state != "wrapping":
            held.become("wrapping" if held.state == "assigned" and not held.auto else "closed")

    @precondition(lambda self: self.those("wrapping"))
    @rule(pick=PICK)
    def end_wrap_up(self, pick: int) -> None:
        held = self.nth(pick, "wrapping")
        assert self.do(lambda tx: wrap_up(tx, held.id, self.seat(held.agent).actor)) is None
        held.become("closed")

    @precondition(lambda self: self.live)
    @rule(pick=PICK, who=st.integers(0, 3))
    def close(self, pick: int, who: int) -> None:
        phone, held = sorted(self.live.items())[pick % len(self.live)]
        actor = self.boss if who == 3 else self.seats[who].actor
        done = self.do(lambda tx: close_conversation(tx, held.talk, actor))
        if who != 3 and held.agent not in (None, actor.id):
            assert isinstance(done, Refused)
        else:
            held.become("closed")
            self.closed.add(phone)

    @precondition(lambda self: self.those("offered", "assigned", "wrapping"))
    @rule(who=st.integers(0, 2), status=st.sampled_from(("available", "available", "away", "offline")))
    def choose(self, who: int, status: PresenceStatus) -> None:
        assert self.do(lambda tx: set_presence(tx, self.seats[who].actor.id, status, None)) is None
        self.seats[who].presence = status

    @precondition(lambda self: not all(seat.routable for seat in self.seats))
    @rule(who=st.integers(0, 2))
    def connect(self, who: int) -> None:
        seat, screen = self.seats[who], new_id()
        self.do(lambda tx: connect_screen(tx, seat.actor.id, screen, self.company.process))
        seat.screens.append(screen)
        seat.long_gone = False
        self.choose(who, "available")

    @precondition(lambda self: self.those("offered", "assigned", "wrapping"))
    @rule(who=st.integers(0, 2), long=st.booleans())
    def disconnect(self, who: int, long: bool) -> None:
        seat = self.seats[who]
        while seat.screens:
            screen = seat.screens.pop()
            self.do(lambda tx, s=screen: disconnect_screen(tx, seat.actor.id, s))  # type: ignore[misc]
        if long:
            self.wait(self.company.value(LONG_GONE, seat.actor.id))
            seat.long_gone = True

    @rule(who=st.integers(0, 2), slots=st.integers(0, 3))
    def change_capacity(self, who: int, slots: int) -> None:
        self.wait(self.company.value(CAPACITY, self.seats[who].actor.id, slots))

    @precondition(lambda self: any(held.deadline or held.offer for held in self.live.values()))
    @rule(pick=PICK, swept=st.booleans())
    def time_passes(self, pick: int, swept: bool) -> None:
        waiting = [held for _, held in sorted(self.live.items()) if held.deadline or held.offer]
        held = waiting[pick % len(waiting)]
        self.wait(self.company.value(EXPIRES if held.offer else PASSES, held.offer or held.id))
        held.over = True
        if swept:
            self.settle()

    @rule()
    def settle(self) -> None:
        self.wait(self.company.worker.settle())
        settle([held for _, held in self.those("offered", "assigned", "wrapping")], self.seats)

    @rule()
    def drain(self) -> None:
        waiting = self.those("new", "queued")
        self.wait(self.company.drain())
        live = self.rows(LIVE)
        for phone, held in waiting:
            take_over(held, live[phone], self.seats)
        assert not self.wait(self.company.rows(WAITS_IN_VAIN)), "waits beside a free agent"

    @invariant()
    def the_model_and_the_database_agree(self) -> None:
        self.live = {phone: held for phone, held in self.live.items() if held.state != "closed"}
        stored = {phone: tuple(row.values())[1:8] for phone, row in self.rows(LIVE).items()}
        assert stored == {
            phone: (held.id, held.state, held.agent, held.shown, held.deadline, held.answered, held.offer)
            for phone, held in self.live.items()
        }
        there = {row["agent_id"]: (row["presence"], row["connected"]) for row in self.wait(self.company.rows(SEATS))}
        there.pop(self.boss.id)
        assert there == {seat.actor.id: (seat.presence, bool(seat.screens)) for seat in self.seats}
        talks = {phone: (row["said"], row["talks"], row["open"]) for phone, row in self.rows(TALKS).items()}
        assert talks == {phone: (said, 1, phone not in self.closed) for phone, said in self.said.items()}

    @invariant()
    def nothing_is_found_that_must_never_be(self) -> None:
        async def find() -> list[str]:
            async with self.company.pool.acquire() as connection:
                return await violations(connection, [seat.actor.id for seat in self.seats])

        assert self.wait(find()) == []

    @invariant()
    def a_screen_that_followed_shows_what_a_new_one_would(self) -> None:
        for row in self.rows(TALKS).values():
            customer = row["customer_id"]
            self.mirrors[customer] = self.wait(self.followed(customer))

    async def followed(self, customer: UUID) -> Snapshot:
        async with self.company.pool.acquire() as connection:
            return await follow(connection, customer, self.mirrors.get(customer))


BOUNDED = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.timeout(400)  # 16 s alone; it empties every table between examples, which a busy disk makes slow
def test_random_work_agrees_with_the_model(database_url: str) -> None:
    with asyncio.Runner() as runner:
        opened = open_company(database_url)
        company = runner.run(opened.__aenter__())
        runner.run(company.value("update queue set wrap_up_seconds = 30 where id = 'general' returning id"))
        run_state_machine_as_test(cast(Any, lambda: Work(company, runner.run)), settings=BOUNDED)
        runner.run(opened.__aexit__(None, None, None))
