"""Recording inbound messages: once each, in commit order, into one conversation (INV2, INV3, INV6-8)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from gateway.recorder import Poison
from model.inbound import ConsentChange, HandleRef, InboundMessage
from profiles.record import PREFER_OWNER_FOR, Delivery, record
from tests.store.company import Company, open_company
from tests.store.races import OTHER, PHONE, blocked, numbers, recorder, stays_open, text


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        yield company


def consent(opted_out: bool, *, phone: str = PHONE) -> Delivery:
    """An opt-out word, or an opt-in."""
    change = ConsentChange(f"SM{next(numbers)}", HandleRef("phone", phone), "STOP" if opted_out else "START", opted_out)
    return Delivery("sms-main", "sms", change, None, "", None, b"")


async def save(company: Company, *batch: Delivery) -> None:
    """Record a batch as one transaction."""
    async with company.pool.acquire() as connection:
        company.announce((await record(connection, batch)).positions)


async def count(company: Company, table: str) -> int:
    """Rows of a table."""
    found: int = await company.value(f"select count(*) from {table}")
    return found


async def bodies(company: Company) -> list[str]:
    """What the timeline shows, oldest first."""
    return [row["body"] for row in await company.rows("select body from entry order by at")]


async def test_two_messages_of_a_stranger_at_once_are_one_customer_and_one_conversation(company: Company) -> None:
    async with company.pool.acquire() as first, stays_open(first) as tx:
        await record(first, [text("one")])
        second = asyncio.create_task(save(company, text("two")))
        await blocked(company.pool, second)
        await tx.commit()
    await second
    for table in ("handle", "customer", "stream", "link", "conversation", "contact"):
        assert await count(company, table) == 1, table
    assert await bodies(company) == ["one", "two"]
    assert [row["seq"] for row in await company.rows("select seq from event order by seq")] == [1, 2, 3, 4]


async def test_when_the_winner_of_a_race_rolls_back_the_loser_creates_the_customer(company: Company) -> None:
    async with company.pool.acquire() as first, stays_open(first) as tx:
        await record(first, [text("one")])
        second = asyncio.create_task(save(company, text("two")))
        await blocked(company.pool, second)
        await tx.rollback()
    await second
    assert (await count(company, "customer"), await bodies(company)) == (1, ["two"])


async def test_batches_with_the_same_people_in_opposite_order_neither_deadlock_nor_double(company: Company) -> None:
    phones = [f"+1415555{number:04d}" for number in range(40)]

    async def write(order: list[str]) -> None:
        await save(company, *(text(phone, phone=phone) for phone in order))

    await asyncio.gather(*(write(phones[::step]) for step in (1, -1, 1, -1)))
    assert await count(company, "customer") == 40
    assert await count(company, "conversation") == 40
    assert await count(company, "entry") == 160


async def test_the_same_message_on_two_connections_at_once_is_one_entry(company: Company) -> None:
    await save(company, text("hello"))
    async with company.pool.acquire() as first, stays_open(first) as tx:
        await record(first, [text("again", key="SAME")])
        second = asyncio.create_task(save(company, text("again", key="SAME")))
        await blocked(company.pool, second)
        await tx.commit()
    await second
    assert await bodies(company) == ["hello", "again"]
    assert await company.value("select messages from contact") == 2


async def test_a_message_recorded_before_changes_nothing_in_whatever_company_it_comes_again(company: Company) -> None:
    await save(company, text(key="A"), text("other", key="B", phone=OTHER))
    before = await company.rows("select id, seq, last_at from stream order by id")
    await save(company, text(key="A"))
    await save(company, text(key="B", phone=OTHER), text(key="A"))
    assert await company.rows("select id, seq, last_at from stream order by id") == before
    await save(company, text(key="A"), text("new", key="C"))
    assert sorted(await bodies(company)) == ["hello", "new", "other"]
    await save(company, text("another account's", key="A", account="sms-auto"))
    assert await count(company, "entry") == 4


POISON: dict[str, Delivery] = {
    "U+0000": text("nul \x00", phone=OTHER),
    "a lone surrogate": text("half \ud800", phone=OTHER),
    "an account that was removed": text("whose", phone=OTHER, account="gone"),
    "an unknown kind of handle": msgspec.structs.replace(
        text("who"),
        message=InboundMessage("SMx", HandleRef("pigeon", OTHER), "who"),  # type: ignore[arg-type]
    ),
    "a key that no index holds": text("long", phone=OTHER, key="".join(chr(0x4E00 + n) for n in range(4000))),
}


@pytest.mark.parametrize("what", POISON)
async def test_an_event_the_database_refuses_fails_alone(company: Company, what: str) -> None:
    one = recorder(company)
    good = [text(str(n), phone=f"+1415555{n:04d}") for n in range(9)]
    given = [*good[:4], POISON[what], *good[4:]]
    answers = await asyncio.gather(*(one.submit(delivery) for delivery in given), return_exceptions=True)
    assert [type(answer) for answer in answers] == [*[type(None)] * 4, Poison, *[type(None)] * 5]
    assert sorted(await bodies(company)) == [str(n) for n in range(9)]
    assert await company.value("select count(*) from seen where key = $1", POISON[what].message.key[:99]) == 0
    with pytest.raises(Poison):
        await one.submit(POISON[what])


@pytest.mark.parametrize("sent", [("again",), ("again", "and again")], ids=["alone", "in a batch"])
async def test_a_handle_of_somebody_merged_meanwhile_is_recorded_under_the_new_root(
    company: Company, sent: tuple[str, ...]
) -> None:
    await save(company, text("hers"), text("his", phone=OTHER))
    hers, his = [await company.value("select customer_id from handle where value = $1", v) for v in (PHONE, OTHER)]
    await company.value("update conversation set status = 'closed', closed_at = now() where profile_id = $1", hers)
    async with company.pool.acquire() as merging, stays_open(merging) as tx:
        await merging.execute("select from stream order by id for no key update")
        one = recorder(company)
        answered = asyncio.gather(*(one.submit(text(body)) for body in sent))
        await blocked(company.pool)
        await merging.execute("update customer set root_id = $1 where id = $2", his, hers)
        await tx.commit()
    await answered
    row = (await company.rows("select customer_id, conversation_id from entry where body = 'again'"))[0]
    assert row["customer_id"] == hers, "the leaf of the handle it came on"
    assert await company.value("select profile_id from conversation where id = $1", row["conversation_id"]) == his


async def test_the_timeline_is_in_commit_order_whatever_provider_and_transaction_say(company: Company) -> None:
    async with company.pool.acquire() as early, stays_open(early) as tx:
        await early.execute("select now()")  # its clock stands still from here
        late = msgspec.structs.replace(text("first").message, occurred_at=datetime(2031, 1, 1, tzinfo=UTC))
        await save(company, msgspec.structs.replace(text(), message=late))
        await record(early, [text("second")])
        await tx.commit()
    await company.value("update stream set last_at = now() + interval '1 hour' returning id")  # a clock set back
    await save(company, text("third"), text("fourth"))
    await save(company, text("fifth"))
    assert await bodies(company) == ["first", "second", "third", "fourth", "fifth"]
    events = [msgspec.json.decode(row["body"]) for row in await company.rows("select body from event order by seq")]
    told = [event["entry"]["body"] for event in events if event["kind"] == "entry"]
    assert told == ["first", "second", "third", "fourth", "fifth"]
    assert await company.value("select count(distinct at) from entry") == 5


async def test_the_raw_event_is_kept_as_it_came(company: Company) -> None:
    await save(company, text("as it came", key="A"))
    columns = "r.account_id, r.key, r.step, r.query, r.content_type, r.body"
    row = (await company.rows(f"select {columns} from raw_event r join entry e on e.id = r.id"))[0]
    assert tuple(row) == ("sms-main", "A", "step", "a=1", "text/plain", b"as it came")


async def test_why_a_handle_is_whose_is_kept_with_its_evidence_once(company: Company) -> None:
    await save(company, text(key="A"), text(key="B"))
    await save(company, text(key="C"))
    [row] = await company.rows(
        "select l.rule, l.evidence, l.customer_id = h.customer_id and h.main as owned "
        "from link l join handle h on h.id = l.handle_id"
    )
    assert (row["rule"], row["owned"]) == ("first_contact", True)
    assert msgspec.json.decode(row["evidence"]) == {
        "account": "sms-main",
        "key": "A",
        "proven_by": "channel",
        "rivals": [],
    }


# design §7, Joining. `$1` need, `$2` agent; then: state, contacts, fence, whether rules run (again).
JOINING: dict[str, tuple[str, tuple[str, int, int, bool]]] = {
    "new": ("state = 'new'", ("new", 1, 0, True)),
    "queued": ("state = 'queued', unrouted = false, need_id = $1", ("queued", 1, 0, True)),
    "offered": ("state = 'offered', unrouted = false, need_id = $1", ("offered", 1, 0, False)),
    "assigned": ("state = 'assigned', unrouted = false, agent_id = $2", ("assigned", 1, 0, False)),
    "wrapping": ("state = 'wrapping', unrouted = false, agent_id = $2", ("assigned", 1, 0, False)),
    "parked": ("state = 'parked', unrouted = false, agent_id = $2, need_id = $1", ("queued", 1, 1, True)),
    "closed": ("state = 'closed', unrouted = false", ("new", 2, 0, True)),
    "abandoned": ("state = 'abandoned', unrouted = false", ("new", 2, 0, True)),
}


@pytest.mark.parametrize("before", JOINING)
async def test_a_message_joins_the_live_contact_of_the_conversation(company: Company, before: str) -> None:
    agent = await company.hire()
    need = await company.value("insert into need (queue_id, class) values ('general', 'messaging') returning id")
    await save(company, text("first"))
    change, expected = JOINING[before]
    sql = change.replace("$1", str(need)).replace("$2", f"'{agent.id}'")
    await company.value(f"update contact set due_at = now(), unread = 0, {sql}")
    await save(company, text("second"))
    row = await newest_contact(company)
    contacts = await count(company, "contact")
    assert (row["state"], contacts, row["fence"], row["unrouted"]) == expected
    assert (row["preview"], row["unread"], await count(company, "conversation")) == ("second", 1, 1)
    waits = before in ("new", "queued", "offered")
    assert (row["due_at"] is None) != waits, "the clocks of a held contact stop, for the customer has spoken"
    if before == "parked":
        assert (row["prefer_agent_id"], row["agent_id"]) == (agent.id, None)
        assert abs(row["prefer_until"] - row["state_at"] - PREFER_OWNER_FOR) < timedelta(seconds=1)


async def newest_contact(company: Company) -> Any:
    """The contact made last."""
    return (await company.rows("select * from contact order by arrived_at desc, id desc limit 1"))[0]


@pytest.mark.parametrize(("hours", "conversations"), [(71, 1), (73, 2)])
async def test_a_message_within_72_hours_reopens_the_same_conversation(
    company: Company, hours: int, conversations: int
) -> None:
    await save(company, text("first"))
    await company.value("update contact set state = 'closed', unrouted = false")
    await company.value(
        "update conversation set status = 'closed', closed_at = now() - $1 * interval '1 hour'", float(hours)
    )
    await save(company, consent(True))
    assert await company.value("select count(*) from conversation where status <> 'closed'") == 0, (
        "STOP reopens nothing"
    )
    await save(company, text("second"))
    assert await count(company, "conversation") == conversations
    [row] = await company.rows("select status, closed_at, needs_attention from conversation where status <> 'closed'")
    assert tuple(row) == ("open" if conversations == 1 else "new", None, True)


async def test_stop_is_an_entry_and_consent_and_makes_no_contact(company: Company) -> None:
    await save(company, consent(True))
    assert (await count(company, "customer"), await count(company, "contact"), await count(company, "entry")) == (
        1,
        0,
        1,
    )
    assert await count(company, "conversation") == 0
    assert await opted_out(company) is True
    await save(company, consent(False))
    assert await opted_out(company) is False
    await save(company, consent(False), consent(True), text("hello"))
    assert await opted_out(company) is True, "the last word of a batch counts"
    [entry] = await company.rows("select conversation_id from entry where kind = 'message'")
    await save(company, consent(True))
    row = await newest_contact(company)
    assert (row["messages"], row["unread"], row["conversation_id"]) == (1, 1, entry["conversation_id"])


async def opted_out(company: Company, account: str = "sms-main") -> bool | None:
    """Whether the only handle has opted out of this account."""
    found: bool | None = await company.value("select opted_out from consent where account_id = $1", account)
    return found
