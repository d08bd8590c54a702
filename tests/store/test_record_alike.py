"""A message alone and a message in a batch leave the same rows: two functions, one behaviour."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest

from model.inbound import HandleRef, InboundMessage
from profiles import record as recording
from profiles.record import PREFER_OWNER_FOR, REOPEN_WITHIN, Delivery
from store.ids import new_id
from tests.store.company import Company, open_company
from tests.store.merged import check_folds, merge

ALONE, BATCHED = "+14155550101", "+14155550102"


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        yield company


# What both customers' rows are made to say before the second message arrives.
BEFORE = {
    "new": "update contact set unrouted = unrouted",
    "queued": "update contact set state = 'queued', unrouted = false, need_id = $1, queue_id = 'general', "
    "order_key = 5",
    "offered": "update contact set state = 'offered', unrouted = false, need_id = $1, queue_id = 'general'",
    "assigned": "update contact set state = 'assigned', agent_id = $2, unread = 0, due_at = now()",
    "unshown": "update contact set state = 'assigned', agent_id = $2, shown = false, due_at = '2100-01-01'",
    "wrapping": "update contact set state = 'wrapping', agent_id = $2, due_at = now()",
    "parked": "update contact set state = 'parked', agent_id = $2, need_id = $1",
    "ended": "update contact set state = 'closed'",
    "answered": "update conversation set status = 'waiting', needs_attention = false",
    "reopened": "update conversation set status = 'closed', closed_at = now(), needs_attention = false",
    "long ago": "update conversation set status = 'closed', closed_at = now() - interval '73 hours'",
}
ROWS = {
    "contact": """
        select c.state, c.fence, c.unrouted, c.preview, c.preview_direction, c.messages, c.unread, c.agent_id, c.shown,
               c.prefer_agent_id, c.prefer_until is null, c.due_at is null, c.order_key is null, c.order_key = 5,
               c.handle_id = h.id, c.conversation_id = (select max(v.id::text)::uuid from conversation v
                                                         where v.profile_id = c.customer_id and v.status <> 'closed')
          from contact c join handle h on h.customer_id = c.customer_id
         where h.value = $1 order by c.arrived_at, c.id""",
    "conversation": """
        select v.status, v.needs_attention, v.closed_at is null, v.folded_into::text
          from conversation v join handle h on h.customer_id = v.customer_id where h.value = $1 order by v.opened_at""",
    "entry": """
        select e.kind, e.channel, e.direction, e.body, e.conversation_id is null, e.account_id
          from entry e join handle h on h.customer_id = e.customer_id where h.value = $1 order by e.at""",
    "event": """
        select e.seq, e.body from event e join handle h on h.customer_id = e.id where h.value = $1 order by e.seq""",
    "position": """
        select s.seq from stream s join handle h on h.customer_id = s.id where h.value = $1""",
}


async def rows(company: Company, phone: str) -> dict[str, list[tuple[object, ...]]]:
    """Everything about this customer, with ids, times and their phone made alike."""

    def plain(value: object) -> object:
        if not isinstance(value, str):
            return value
        text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", re.sub(r"\+1415555\d{4}", "PHONE", value))
        return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)

    return {
        name: [tuple(plain(value) for value in row) for row in await company.rows(sql, phone)]
        for name, sql in ROWS.items()
    }


async def write(
    company: Company, phone: str, body: str, key: str, *, alone: bool, name: str | None = None
) -> list[str]:
    """One message by one of the two functions; returns what they announced."""
    message = InboundMessage(key, HandleRef("phone", phone), body, name_hint=name)
    row = recording._row(Delivery("sms-main", "sms", message, None, "", None, b"raw"))
    values = row if alone else tuple([value] for value in row)
    sql = recording.RECORD_ONE if alone else recording.RECORD
    async with company.pool.acquire() as connection:
        extra = () if alone else (False,)
        told = await connection.fetch(sql, *values, REOPEN_WITHIN, PREFER_OWNER_FOR, *extra)
    return sorted(each["what"] for each in told)


@pytest.mark.parametrize("before", BEFORE)
async def test_alone_and_batched_leave_the_same_rows(company: Company, before: str) -> None:
    agent = await company.hire()
    need = await company.value("insert into need (queue_id, class) values ('general', 'messaging') returning id")
    for phone in (ALONE, BATCHED):
        await write(company, phone, "first", f"first-{phone}", alone=False)
    await change(company, BEFORE[before], need, agent.id)
    alone = await write(company, ALONE, "second", "a", alone=True)
    batched = await write(company, BATCHED, "second", "b", alone=False)
    assert alone == batched
    assert await rows(company, ALONE) == await rows(company, BATCHED)
    again = await write(company, ALONE, "second", "a", alone=True)
    assert again == []
    assert await rows(company, ALONE) == await rows(company, BATCHED)


async def change(company: Company, sql: str, need: int, agent: UUID) -> None:
    """Bring both customers' rows into the state; unused parameters are spelled out for PostgreSQL."""
    literal = sql.replace("$1", str(need)).replace("$2", f"'{agent}'")
    async with company.pool.acquire() as connection:
        await connection.execute(literal)
        if "'offered'" in sql:
            await connection.execute(
                "insert into offer (id, contact_id, agent_id, fence, class, weight, expires_at) "
                "select gen_random_uuid(), id, $1, 0, 'messaging', 1, now() + interval '1 hour' from contact",
                agent,
            )


async def test_a_stranger_alone_is_recorded_like_one_in_a_batch(company: Company) -> None:
    assert await write(company, ALONE, "hello", "a", alone=True) == await write(
        company, BATCHED, "hello", "b", alone=False
    )
    assert await rows(company, ALONE) == await rows(company, BATCHED)


# What the handle of both customers is made to say before the second message, which then says something new of it.
HANDLES = {
    "told by hand": "update handle set verified = false",
    "shared": "update handle set shared = true, speaks_as = customer_id, customer_id = null",
    "written otherwise": "update handle set form = 'written otherwise'",
    "nothing new": "update handle set names = '{Ada}'",
}
OF_THE_HANDLE = """
select h.verified, h.shared, h.form, h.names, h.main, h.customer_id is null, h.speaks_as is null,
       array(select l.rule from link l where l.handle_id = h.id order by l.at, l.id)
  from handle h where h.value = $1
"""


@pytest.mark.parametrize("before", HANDLES)
async def test_what_a_message_says_of_its_handle_is_kept_alike(company: Company, before: str) -> None:
    for phone in (ALONE, BATCHED):
        await write(company, phone, "first", f"first-{phone}", alone=False)
    await change(company, HANDLES[before], 0, new_id())
    alone = await write(company, ALONE, "second", "a", alone=True, name="Ada")
    assert alone == await write(company, BATCHED, "second", "b", alone=False, name="Ada")
    assert await company.rows(OF_THE_HANDLE, ALONE) == await company.rows(OF_THE_HANDLE, BATCHED)
    [(verified, shared, form, names, *_, rules)] = await company.rows(OF_THE_HANDLE, ALONE)
    assert (verified, shared, form, names) == (True, before == "shared", None, ["Ada"])
    assert rules == ["first_contact"] + ["proven_by_channel"] * (before == "told by hand")


# How long ago each conversation was closed before the merge; the other's is the older.
OTHERS = {ALONE: "+14155550201", BATCHED: "+14155550202"}
END = """
with v as (
    update conversation v
       set status = 'closed', closed_at = now() - $2::interval, needs_attention = false
      from handle h where h.customer_id = v.customer_id and h.value = $1 returning v.id)
update contact c set state = 'closed' from v where v.id = c.conversation_id returning c.id
"""
ENDED = {
    "both open": (None, None),
    "its own ended": (timedelta(hours=73), None),
    "the other's ended": (None, timedelta(hours=73)),
    "both ended": (timedelta(hours=73), timedelta(hours=73)),
    "its own ended just now": (timedelta(0), None),
    "both ended just now": (timedelta(minutes=1), timedelta(0)),
}


@pytest.mark.parametrize("ended", ENDED)
@pytest.mark.parametrize("survives", [True, False])
async def test_in_a_group_alone_and_batched_leave_the_same_rows(company: Company, ended: str, survives: bool) -> None:
    for phone, other in OTHERS.items():
        for each in (other, phone):
            await write(company, each, "first", f"first-{each}", alone=False)
        for each, ago in zip((phone, other), ENDED[ended], strict=True):
            if ago is not None:
                await company.value(END, each, ago)
        await merge(company, *((phone, other) if survives else (other, phone)))
    alone = await write(company, ALONE, "second", "a", alone=True)
    assert alone == await write(company, BATCHED, "second", "b", alone=False)
    for one, same in ((ALONE, BATCHED), (OTHERS[ALONE], OTHERS[BATCHED])):
        assert await rows(company, one) == await rows(company, same)
    await check_folds(company)
