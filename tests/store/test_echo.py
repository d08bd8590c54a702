"""What was said for us elsewhere, and what is reported of everything up to a time."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from model.content import Template
from model.inbound import DeliveryReceipt, HandleRef, InboundMessage, MessageEchoed, MessageReacted, ReadUpTo
from profiles.echo import TooEarly
from profiles.profile import fetch_snapshot
from profiles.receipt import apply_receipt
from profiles.record import Delivery
from store.feeds import transaction
from store.ids import new_id
from tests.store.company import Company, open_company
from tests.store.races import recorder

ADA = HandleRef("social", "ada", "page")
BEN = HandleRef("social", "ben", "page")
keys = itertools.count(1)
# A reply of ours, as the sender left it.
OURS = """
with e as (
    insert into entry (id, customer_id, conversation_id, at, kind, channel, direction, body, handle_id, account_id)
    select $1, c.id, v.id, clock_timestamp(), 'message', 'messenger', 'out', $2, h.id, 'page'
      from handle h join customer c on c.id = h.customer_id left join conversation v on v.customer_id = c.id
     where h.value = $5 returning *)
insert into outbox (entry_id, customer_id, conversation_id, account_id, to_address, body, at, state, provider_id,
                    lease_until, left_at)
select id, customer_id, conversation_id, 'page', $5, body, at, $3, $4,
       case when $3 = 'sending' then now() + interval '30 s' end, at from e returning entry_id
"""


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        await company.rows(
            "insert into account (id, channel, provider, address, secrets, region, public_url, queue_id)"
            " values ('page', 'messenger', 'meta', '1', '{secret}', 'US', 'http://localhost/hooks/page', 'general')"
        )
        yield company


def came(event: Any) -> Delivery:
    """An event of the page, as it goes to the recorder."""
    return Delivery("page", "messenger", event, None, "", None, b"raw")


def hello(by: HandleRef = ADA) -> Delivery:
    """A customer writes."""
    return came(InboundMessage(f"m{next(keys)}", by, "hello"))


def echo(body: str = "from the app", provider_id: str = "out-1", **more: Any) -> Delivery:
    """What somebody of ours wrote in the provider's own app."""
    return came(MessageEchoed(f"echo{next(keys)}", ADA, body, provider_id=provider_id, **more))


async def ours(company: Company, body: str, state: str, provider_id: str | None = None, to: str = "ada") -> UUID:
    """A reply written here."""
    id_ = new_id()
    await company.rows(OURS, id_, body, state, provider_id, to)
    return id_


async def timeline(company: Company) -> list[Any]:
    """Ada's, as a screen shows it."""
    customer = await company.value("select customer_id from handle where value = 'ada'")
    async with company.pool.acquire() as connection:
        snapshot = await fetch_snapshot(connection, customer)
    assert snapshot is not None
    return [each for each in snapshot.timeline if each.kind == "message"]


async def test_an_echo_is_an_entry_of_ours_that_was_sent_and_takes_receipts(company: Company) -> None:
    one = recorder(company)
    await one.submit(hello())
    before = await company.rows("select status, needs_attention from conversation")
    await one.submit(echo(content=(Template("welcome", "en"),)))
    [_, entry] = await timeline(company)
    assert (entry.direction, entry.status, entry.body, entry.handle) == ("out", "sent", "from the app", "ada")
    assert entry.content == (Template("welcome", "en"),)
    assert entry.conversation is not None
    assert await company.rows("select status, needs_attention from conversation") == before
    assert await company.value("select messages from contact") == 1
    async with transaction(company.pool, company.announce) as tx:
        assert await apply_receipt(tx, "page", DeliveryReceipt("r1", "out-1", "read"))
    assert (await timeline(company))[-1].status == "read"


async def test_an_echo_to_somebody_unknown_opens_nothing(company: Company) -> None:
    await recorder(company).submit(echo())
    assert [entry.body for entry in await timeline(company)] == ["from the app"]
    for table in ("conversation", "contact"):
        assert await company.value(f"select count(*) from {table}") == 0


async def test_the_echo_of_what_was_sent_from_here_is_nothing(company: Company) -> None:
    one = recorder(company)
    await one.submit(hello())
    await ours(company, "from here", "delivered", "out-1")
    await one.submit(echo("from here"))
    await one.submit(echo("again under another key"))
    assert [entry.body for entry in await timeline(company)] == ["hello", "from here"]


async def test_an_echo_while_we_are_sending_comes_again(company: Company) -> None:
    one = recorder(company)
    await one.submit(hello())
    entry = await ours(company, "from here", "sending")
    early = echo("from here")
    with pytest.raises(TooEarly):
        await one.submit(early)
    assert await company.value("select count(*) from seen where key like 'echo%'") == 0
    await company.rows(
        "update outbox set state = 'sent', lease_until = null, provider_id = 'out-1' where entry_id = $1", entry
    )
    await one.submit(early)
    assert [each.body for each in await timeline(company)] == ["hello", "from here"]


async def test_an_echo_settles_what_nobody_knew_whether_it_left(company: Company) -> None:
    one = recorder(company)
    await one.submit(hello())
    await ours(company, "from here", "unknown")
    await one.submit(echo("from here"))
    [_, entry] = await timeline(company)
    assert (entry.body, entry.status) == ("from here", "sent")
    await one.submit(echo("something else", provider_id="out-2"))
    assert len(await timeline(company)) == 3


async def test_a_reaction_to_a_reply_finds_it_by_the_providers_id(company: Company) -> None:
    one = recorder(company)
    await one.submit(hello())
    await ours(company, "from here", "sent", "out-1")
    await one.submit(came(MessageReacted("r", ADA, "out-1", "👍")))
    [_, entry] = await timeline(company)
    assert [each.emoji for each in entry.reactions] == ["👍"]


async def test_read_up_to_moves_what_was_sent_until_then_and_only_forward(company: Company) -> None:
    one = recorder(company)
    await one.submit(hello())
    await one.submit(hello(BEN))
    states = {}
    for state in ("sent", "delivered", "read", "failed", "unknown", "queued", "sending"):
        states[await ours(company, state, state)] = state
    others = await ours(company, "to Ben", "sent", to="ben")
    until = datetime.now(UTC) + timedelta(seconds=1)
    later = await ours(company, "later", "sent")
    await company.rows("update outbox set left_at = $2 where entry_id = $1", later, until + timedelta(seconds=1))
    report = ReadUpTo("read-1", ADA, "read", until)
    await one.submit(came(report))
    await one.submit(came(report))
    becomes = {"sent": "read", "delivered": "read"}
    for entry, was in states.items():
        state = await company.value("select state from outbox where entry_id = $1", entry)
        assert state == becomes.get(was, was), was
    for entry in (others, later):
        assert await company.value("select state from outbox where entry_id = $1", entry) == "sent"
    await one.submit(came(ReadUpTo("delivered-1", ADA, "delivered", until + timedelta(hours=1))))
    assert await company.value("select count(*) from outbox where state = 'read'") == 3
    assert await company.value("select state from outbox where entry_id = $1", later) == "delivered"
    assert await company.value("select count(*) from event where body like '%\"receipt\"%'") == 3


async def test_a_report_about_nobody_changes_nothing(company: Company) -> None:
    await recorder(company).submit(came(ReadUpTo("read-1", ADA, "read", datetime.now(UTC))))
    assert await company.value("select count(*) from handle") == 0
