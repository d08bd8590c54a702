"""Two transactions, statement by statement, in every order that matters: no deadlock, one legal outcome (F18).

The interleaver holds each connection before every statement. A schedule lets one side make so many steps, then the
other as many as it can, then each to its end; `pg_blocking_pids` says who waits for a lock, not time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID

import msgspec
import pytest

from model.agent import Actor
from model.inbound import HandleRef, InboundMessage
from model.refusal import Refused
from model.wire import Reply
from profiles.record import Delivery, record
from profiles.reply import reply
from router.accept import Accepted, accept_offer
from router.assign import assign
from router.closing import close_conversation
from router.dispatch import dispatch
from router.due import left_contacts, overdue_offers
from router.endings import end_offer, rescind_left
from router.holding import finish, leave_agent, settle_due, shown
from router.needs import Need, intern_need
from router.presence import bury_dead_processes, connect_screen, disconnect_screen, set_presence
from router.routing import fetch_rules, route
from store.feeds import Transaction
from store.ids import new_id
from store.pool import Connection
from tests.store.company import Company, open_company
from tests.store.test_machine import empty, violations

PHONE, OTHER_PHONE = "+14155550100", "+14155550101"
BOUND_SECONDS = 10.0
MOST_STEPS = 40

Work = Callable[[Transaction], Awaitable[object]]


class Side:
    """One connection whose every statement waits for its turn. Offers what the product calls on a connection."""

    def __init__(self, connection: Connection, work: Work, *, whole: bool) -> None:
        self.connection = connection
        self.pid = connection.get_server_pid()
        self._turn = asyncio.Semaphore(0)
        self._ready = asyncio.Event()
        self._running = False
        self.task = asyncio.create_task(self._run(work, whole))

    async def _run(self, work: Work, whole: bool) -> object:
        tx = Transaction(cast(Connection, self))
        if whole:  # a statement that is its own transaction
            return await work(tx)
        await self.execute("begin")
        try:
            done = await work(tx)
        except BaseException:
            await self.connection.execute("rollback")
            raise
        await self.execute("commit")
        return done

    async def _wait(self) -> Connection:
        self._ready.set()
        await self._turn.acquire()
        return self.connection

    async def execute(self, *call: Any) -> Any:
        """As asyncpg's, in turn."""
        return await (await self._wait()).execute(*call)

    async def fetch(self, *call: Any) -> Any:
        """As asyncpg's, in turn."""
        return await (await self._wait()).fetch(*call)

    async def fetchrow(self, *call: Any) -> Any:
        """As asyncpg's, in turn."""
        return await (await self._wait()).fetchrow(*call)

    async def fetchval(self, *call: Any) -> Any:
        """As asyncpg's, in turn."""
        return await (await self._wait()).fetchval(*call)

    async def step(self, watch: Connection) -> bool:
        """Let it run its next statement, or go on with the last; False when it waits for a lock or has ended."""
        if not self._running and not self.task.done():
            await self._ready.wait()
        if self._ready.is_set():
            self._ready.clear()
            self._running = True
            self._turn.release()
        async with asyncio.timeout(BOUND_SECONDS):
            while not self.task.done() and not self._ready.is_set():
                if await watch.fetchval("select cardinality(pg_blocking_pids($1)) > 0", self.pid):
                    return False
        self._running = False
        return not self.task.done()


@asynccontextmanager
async def sides(
    company: Company, first: Work, second: Work, whole: str
) -> AsyncIterator[tuple[Side, Side, Connection]]:
    """The two sides, at rest before their first statement, and a connection that watches them."""
    async with company.pool.acquire() as a, company.pool.acquire() as b, company.pool.acquire() as watch:
        pair = (Side(a, first, whole="a" in whole), Side(b, second, whole="b" in whole))
        try:
            yield (*pair, watch)
        finally:
            for side in pair:
                side.task.cancel()
            await asyncio.gather(*(side.task for side in pair), return_exceptions=True)


async def interleave(
    company: Company, first: Work, second: Work, *, steps: int, whole: str = ""
) -> tuple[object, object, bool]:
    """Let `first` make `steps` statements, then `second` all it can, then both to their end. Both outcomes, and whether
    `first` had ended before its steps were used up: more steps would be the same schedule."""
    async with sides(company, first, second, whole) as (a, b, watch):
        for _ in range(steps):
            if not await a.step(watch):
                break
        spent = a.task.done()
        async with asyncio.timeout(BOUND_SECONDS):
            while await b.step(watch):
                continue
            while not (a.task.done() and b.task.done()):
                await a.step(watch)
                await b.step(watch)
        return a.task.result(), b.task.result(), spent


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        yield company


Prepare = Callable[[Company], Awaitable[tuple[Work, Work]]]
Legal = Callable[[Company, object, object], Awaitable[None]]


async def try_all(company: Company, prepare: Prepare, legal: Legal, whole: str = "", lowered: bool = False) -> int:
    """Every schedule of one interruption, either side first; after each, invariants and the pair's own law."""
    schedules = 0
    for swapped in (False, True):
        for steps in range(MOST_STEPS):
            await empty(company)
            works = await prepare(company)
            first, second = reversed(works) if swapped else works
            flags = whole.translate(str.maketrans("ab", "ba")) if swapped else whole
            one, two, spent = await interleave(company, first, second, steps=steps, whole=flags)
            outcomes = (two, one) if swapped else (one, two)
            where = f"{'second' if swapped else 'first'} side first, {steps} steps: {outcomes}"
            async with company.pool.acquire() as connection:
                agents = [row[0] for row in await connection.fetch("select id from agent")] if lowered else []
                wrong = await violations(connection, agents)
            assert not wrong, f"{where}: {wrong}"
            try:
                await legal(company, *outcomes)
            except AssertionError as error:
                raise AssertionError(f"{where}: {error}") from error
            schedules += 1
            if spent:
                break
    return schedules


async def ringing(company: Company) -> tuple[Actor, UUID, UUID, UUID]:
    """An agent to whom a text rings: the agent, the offer, the contact, the conversation."""
    ines = await company.hire()
    await company.seat(ines)
    await company.text(PHONE)
    await company.drain()
    row = (await company.rows("select o.id, c.id as contact, c.conversation_id from offer o join contact c on true"))[0]
    return ines, row["id"], row["contact"], row["conversation_id"]


async def held(company: Company, *, answered: bool = False) -> tuple[Actor, UUID, UUID]:
    """An agent who holds a text: the agent, the contact, the conversation. `answered`: and it is due to be parked."""
    ines, _, contact, conversation = await ringing(company)
    await company.take(ines)
    if answered:
        await company.value(
            "update contact set preview_direction = 'out', due_at = clock_timestamp() - interval '1 ms' returning id"
        )
    return ines, contact, conversation


def boss() -> Actor:
    return Actor(new_id(), "Ada", "supervisor")


def accepting(offer: UUID, agent: Actor) -> Work:
    return lambda tx: accept_offer(tx.connection, offer, agent)


def writing(phone: str = PHONE) -> Work:
    message = InboundMessage(f"SM-{new_id()}", HandleRef("phone", phone), "one more thing")
    return lambda tx: record(tx.connection, [Delivery("sms-main", "sms", message, None, "", None, b"")])


def code(outcome: object) -> str | None:
    return outcome.code if isinstance(outcome, Refused) else None


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
        async with company.pool.acquire() as connection, connection.transaction():
            await route(connection, await fetch_rules(connection))
        async with company.pool.acquire() as connection, connection.transaction():
            pair = (await dispatch(Transaction(connection))).outright[0]
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


async def connecting(tx: Transaction, agent: Actor, screen: UUID, process: UUID) -> str:
    """Connect a screen; a process that is already buried is told so."""
    try:
        await connect_screen(tx, agent.id, screen, process)
    except Exception as error:
        await tx.connection.execute("rollback")
        return type(error).__name__
    return "connected"


async def test_what_was_found_overdue_is_kept_by_an_agent_who_came_back_in_time(company: Company) -> None:
    ines, contact, _ = await held(company)
    await company.text(OTHER_PHONE)
    await company.drain()
    offer = await company.offer_of(ines)
    assert offer is not None
    await company.value("update screen set id = id returning id")
    screen = await company.value("select id from screen")
    await in_transaction(company, lambda tx: disconnect_screen(tx, ines.id, screen))
    await company.value("update agent_state set gone_at = gone_at - interval '61 s' returning agent_id")
    async with company.pool.acquire() as connection:
        left, offers = await left_contacts(connection), await overdue_offers(connection)
    assert [gone.contact for gone in left] == [contact]
    assert [found.offer for found in offers] == [offer]
    await company.seat(ines)
    await in_transaction(company, lambda tx: leave_agent(tx, contact, ines.id, left[0].why))
    await in_transaction(company, lambda tx: rescind_left(tx, offer, offers[0].reason))
    assert await company.states() == ["assigned", "offered"]


async def test_a_contact_the_rules_moved_meanwhile_is_not_given_outright_by_its_old_queue(company: Company) -> None:
    await company.value("insert into queue (id, name) values ('night', 'Night') returning id")
    rules = {"rules": [{"name": "night", "when": {"field": "text", "contains": "night"}, "queue": "night"}]}
    await company.value(
        "insert into rule_set (body) values ($1::jsonb) returning version", msgspec.json.encode(rules).decode()
    )
    ines = await company.hire()
    await company.seat(ines)
    await company.text(PHONE, account="sms-auto")
    async with company.pool.acquire() as connection, connection.transaction():
        await route(connection, await fetch_rules(connection))
    async with company.pool.acquire() as connection, connection.transaction():
        pair = (await dispatch(Transaction(connection))).outright[0]
    await company.text(PHONE, "a night question", account="sms-auto")
    async with company.pool.acquire() as connection, connection.transaction():
        await route(connection, await fetch_rules(connection))
    await in_transaction(company, lambda tx: assign(tx, pair))
    assert await company.states() == ["queued"], "nobody serves the night"


async def in_transaction(company: Company, work: Work) -> object:
    async with company.pool.acquire() as connection, connection.transaction():
        return await work(Transaction(connection))
