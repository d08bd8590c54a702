"""Random work against a small model of it on real PostgreSQL (F17): after every step the two agree, no invariant is
broken, and what a screen made of the events is what it would be shown anew (INV18).

Which agent dispatch chooses is left to it: the model says which choices are legal, and takes over the one made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast
from uuid import UUID

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from model.agent import Actor, PresenceStatus
from model.contact import ContactState
from model.refusal import Refused
from model.wire import Reply
from profiles.profile import PAGE, Snapshot, fetch_snapshot
from profiles.reply import reply
from router.accept import Accepted, accept_offer
from router.closing import close_conversation
from router.endings import end_offer
from router.holding import finish, shown, wrap_up
from router.presence import connect_screen, disconnect_screen, set_presence
from store.feeds import Transaction, transaction
from store.ids import new_id
from tests.store.company import Company, open_company
from tests.store.invariants import WAITS_IN_VAIN, empty, violations
from tests.store.profile_seed import events_after
from tests.store.test_profiles_snapshot import after_event

T = TypeVar("T")
PHONES = tuple(f"+1415555010{number}" for number in range(4))
PICK = st.integers(0, 11)
LIVE = """
select h.value as phone, c.id, c.state, coalesce(c.agent_id, o.agent_id) as agent, c.shown,
       c.due_at is not null as deadline, c.preview_direction = 'out' as answered, o.id as offer, c.conversation_id
  from contact c join handle h on h.id = c.handle_id left join offer o on o.contact_id = c.id and o.state = 'pending'
 where c.state not in ('abandoned', 'closed')
"""
TALKS = """
select h.value as phone, h.customer_id, count(distinct e.id) filter (where e.direction = 'in') as said,
       count(distinct v.id) as talks, bool_or(v.status <> 'closed') as open
  from handle h join entry e on e.customer_id = h.customer_id join conversation v on v.customer_id = h.customer_id
 group by h.value, h.customer_id
"""
PASSES = "update contact set due_at = clock_timestamp() - interval '1 ms' where id = $1 returning id"
EXPIRES = "update offer set expires_at = clock_timestamp() - interval '1 ms' where id = $1 returning id"
LONG_GONE = "update agent_state set gone_at = clock_timestamp() - interval '61 s' where agent_id = $1 returning seq"


@dataclass
class Held:
    """A live contact. `agent`: holds it, or it rings there. `owner`: who had it parked. `over`: its time has passed."""

    id: UUID
    talk: UUID
    auto: bool
    state: ContactState = "new"
    agent: UUID | None = None
    owner: UUID | None = None
    offer: UUID | None = None
    shown: bool = True
    answered: bool = False
    deadline: bool = False
    over: bool = False

    def become(self, state: ContactState) -> None:
        """Another state by the hand of an agent or a sweep: wrap-up alone has a deadline."""
        self.state, self.offer, self.shown, self.over = state, None, True, False
        self.deadline = state == "wrapping"
        self.agent = self.agent if state in ("assigned", "wrapping", "parked") else None

    def hear(self) -> None:
        """The customer wrote again."""
        self.answered = False
        if self.state in ("assigned", "wrapping") and self.shown:
            self.deadline = self.over = False
        if self.state == "wrapping":
            self.state = "assigned"
        elif self.state == "parked":
            self.state, self.owner, self.agent = "queued", self.agent, None


@dataclass
class Seat:
    """An agent, what they chose, and their screens."""

    actor: Actor
    presence: PresenceStatus = "available"
    screens: list[UUID] = field(default_factory=list)
    long_gone: bool = False

    @property
    def routable(self) -> bool:
        return self.presence == "available" and bool(self.screens)


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

    def seat(self, agent: UUID | None) -> Seat:
        return next(seat for seat in self.seats if seat.actor.id == agent)

    def ringing(self, pick: int) -> tuple[Held, UUID, Seat]:
        offered = self.those("offered")
        held = offered[pick % len(offered)][1]
        assert held.offer is not None
        return held, held.offer, self.seat(held.agent)

    # --- customers

    @rule(phone=st.sampled_from(PHONES), auto=st.booleans())
    def write(self, phone: str, auto: bool) -> None:
        self.wait(self.company.text(phone, account="sms-auto" if auto else "sms-main", key=self.key(phone, auto)))
        self.said[phone] = self.said.get(phone, 0) + 1
        self.closed.discard(phone)
        if phone in self.live:
            self.live[phone].hear()
        else:
            row = self.rows(LIVE)[phone]
            self.live[phone] = Held(row["id"], row["conversation_id"], auto)

    def key(self, phone: str, auto: bool) -> str:
        self.last = (f"SM-{phone}-{self.said.get(phone, 0)}", phone, auto)
        return self.last[0]

    @precondition(lambda self: self.said)
    @rule()
    def write_the_same_again(self) -> None:
        key, phone, auto = self.last
        self.wait(self.company.text(phone, "again", account="sms-auto" if auto else "sms-main", key=key))

    # --- agents

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
        held = (self.those("assigned", "wrapping", "parked") or self.those(*(h.state for h in self.live.values())))[
            pick % len(self.those("assigned", "wrapping", "parked") or self.live)
        ][1]
        return held, (self.seat(held.agent) if mine and held.agent else self.seats[who]).actor

    @precondition(lambda self: self.those("assigned"))
    @rule(pick=PICK)
    def look(self, pick: int) -> None:
        held = self.those("assigned")[pick % len(self.those("assigned"))][1]
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
        held = self.those("wrapping")[pick % len(self.those("wrapping"))][1]
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

    # --- who is there

    @rule(who=st.integers(0, 2), status=st.sampled_from(("available", "available", "away", "offline")))
    def choose(self, who: int, status: PresenceStatus) -> None:
        assert self.do(lambda tx: set_presence(tx, self.seats[who].actor.id, status, None)) is None
        self.seats[who].presence = status

    @rule(who=st.integers(0, 2))
    def connect(self, who: int) -> None:
        seat, screen = self.seats[who], new_id()
        self.do(lambda tx: connect_screen(tx, seat.actor.id, screen, self.company.process))
        seat.screens.append(screen)
        seat.long_gone = False

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
        sql = "update agent_state set cap_messaging = $2 where agent_id = $1 returning seq"
        self.wait(self.company.value(sql, self.seats[who].actor.id, slots))

    # --- time, and the worker

    @precondition(lambda self: any(held.deadline or held.offer for held in self.live.values()))
    @rule(pick=PICK)
    def time_passes(self, pick: int) -> None:
        waiting = [held for _, held in sorted(self.live.items()) if held.deadline or held.offer]
        held = waiting[pick % len(waiting)]
        self.wait(self.company.value(EXPIRES if held.offer else PASSES, held.offer or held.id))
        held.over = True

    @rule()
    def settle(self) -> None:
        self.wait(self.company.worker.settle())
        missed: list[Seat] = []
        for held in [held for _, held in self.those("offered", "assigned", "wrapping")]:
            seat = self.seat(held.agent)
            left = seat.presence == "offline" or seat.long_gone
            if held.state == "offered":
                if held.over:
                    missed.append(seat)
                if held.over or left or seat.presence != "available":
                    held.become("queued")
            elif held.over or left:
                self.settle_one(held)
        for seat in missed:
            seat.presence = "away" if seat.presence == "available" else seat.presence

    def settle_one(self, held: Held) -> None:
        if held.state == "wrapping":
            held.become("closed")
        elif held.over:
            held.become("parked" if held.shown else "queued")
        else:
            held.become("parked" if held.answered else "queued")

    @rule()
    def drain(self) -> None:
        waiting = self.those("new", "queued")
        self.wait(self.company.drain())
        live = self.rows(LIVE)
        for phone, held in waiting:
            row = live[phone]
            held.state, held.agent, held.offer = row["state"], row["agent"], row["offer"]
            assert held.state in ("queued", "offered", "assigned")
            if held.state != "queued":
                assert self.seat(held.agent).routable, "given to an agent who is not there"
            if held.state == "assigned":
                assert held.auto or held.agent == held.owner, "given outright without a reason"
                held.shown, held.deadline = False, True
            else:
                assert held.state == "queued" or not held.auto, "held out, though its queue gives outright"
            held.owner = held.owner if held.state == "queued" else None
        assert not self.wait(self.company.rows(WAITS_IN_VAIN)), "waits beside a free agent"

    # --- after every step

    @invariant()
    def the_model_and_the_database_agree(self) -> None:
        self.live = {phone: held for phone, held in self.live.items() if held.state != "closed"}
        stored = {phone: tuple(row.values())[1:8] for phone, row in self.rows(LIVE).items()}
        assert stored == {
            phone: (held.id, held.state, held.agent, held.shown, held.deadline, held.answered, held.offer)
            for phone, held in self.live.items()
        }
        there = {row["agent_id"]: (row["presence"], row["connected"]) for row in self.seats_stored()}
        there.pop(self.boss.id)
        assert there == {seat.actor.id: (seat.presence, bool(seat.screens)) for seat in self.seats}
        talks = {phone: (row["said"], row["talks"], row["open"]) for phone, row in self.rows(TALKS).items()}
        assert talks == {phone: (said, 1, phone not in self.closed) for phone, said in self.said.items()}

    def seats_stored(self) -> list[Any]:
        return self.wait(self.company.rows("select agent_id, presence, connected from agent_state"))

    @invariant()
    def nothing_is_found_that_must_never_be(self) -> None:
        async def find() -> list[str]:
            async with self.company.pool.acquire() as connection:
                return await violations(connection, [seat.actor.id for seat in self.seats])

        assert self.wait(find()) == []

    @invariant()
    def a_screen_that_followed_shows_what_a_new_one_would(self) -> None:
        for row in self.rows(TALKS).values():
            self.wait(self.follow(row["customer_id"]))

    async def follow(self, customer: UUID) -> None:
        async with self.company.pool.acquire() as connection:
            now = await fetch_snapshot(connection, customer)
            assert now is not None
            mirror = self.mirrors.setdefault(customer, now)
            for logged in await events_after(cast(Any, connection), customer, mirror.seq):
                mirror = after_event(mirror, logged)
        mirror = msgspec.structs.replace(mirror, timeline=mirror.timeline[-PAGE:])
        assert (mirror.seq, mirror.conversations, mirror.timeline) == (now.seq, now.conversations, now.timeline)
        self.mirrors[customer] = mirror


BOUNDED = settings(
    max_examples=30,
    stateful_step_count=30,
    deadline=None,
    derandomize=False,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


def test_random_work_agrees_with_the_model(database_url: str) -> None:
    with asyncio.Runner() as runner:
        opened = open_company(database_url)
        company = runner.run(opened.__aenter__())
        runner.run(company.value("update queue set wrap_up_seconds = 30 where id = 'general' returning id"))
        run_state_machine_as_test(lambda: Work(company, runner.run), settings=BOUNDED)  # type: ignore[no-untyped-call]
        runner.run(opened.__aexit__(None, None, None))
