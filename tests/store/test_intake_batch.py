"""One webhook of many events: all committed before the answer, and one that cannot be kept leaves the others alone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from adapters.base import WebhookRequest
from adapters.registry import adapter_for
from gateway.accounts import Accounts
from gateway.intake import Intake
from model.inbound import (
    DeliveryReceipt,
    HandleRef,
    Ignored,
    InboundEvent,
    InboundMessage,
    MessageEchoed,
    MessageReacted,
    Unreadable,
)
from tests.store.company import Company, open_company
from tests.store.races import recorder

ADA = HandleRef("phone", "+14155550100")
BEN = HandleRef("phone", "+14155550101")
REQUEST = WebhookRequest("POST", "/hooks/sms-main", "", (), b"raw")


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        yield company


async def take(company: Company, *events: InboundEvent) -> list[Unreadable]:
    """As the intake records what an adapter has read; returns what cannot be kept."""
    accounts = Accounts(company.pool)
    account = await accounts.get("sms-main")
    assert account is not None
    intake = Intake(company.pool, accounts, recorder(company), company.announce)
    return await intake.record(list(events), REQUEST, account, adapter_for("twilio", "sms"))


async def test_all_are_recorded_in_their_order_and_each_that_is_poison_is_told(company: Company) -> None:
    events: tuple[InboundEvent, ...] = (
        InboundMessage("m1", ADA, "one", provider_id="w1"),
        InboundMessage("m2", BEN, "nul \x00"),
        InboundMessage("m3", ADA, "two"),
        Unreadable("not a kind known here", "messages[3].type"),
        MessageReacted("r1", ADA, "w1", "👍"),
        MessageReacted("r2", ADA, "w1", "\x00"),
        MessageEchoed("e1", ADA, "from the app", provider_id="w2"),
        DeliveryReceipt("d1", "w2", "read"),
        DeliveryReceipt("d\x00", "w2", "read"),
        Ignored("i1", "nothing to keep"),
        InboundMessage("m4", ADA, "three"),
    )
    unread = await take(company, *events)
    assert len(unread) == 4
    assert unread[0] == Unreadable("not a kind known here", "messages[3].type")
    assert all("\x00" not in each.reason for each in unread)
    rows = await company.rows("select body from entry order by at")
    assert [row["body"] for row in rows] == ["one", "two", "from the app", "three"]
    assert await company.value("select state from outbox") == "read"
    assert await company.value("select count(*) from entry_change where entry_id is not null") == 1
    keys = await company.rows("select key from seen order by key")
    assert [row["key"] for row in keys] == ["d1", "e1", "m1", "m3", "m4", "r1"]
    assert len(await take(company, *events)) == 4
    assert await company.value("select count(*) from entry") == 4
