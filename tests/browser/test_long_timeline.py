"""A customer with a hundred thousand entries: a jump far back, pages both ways, and few rows in the page."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from playwright.async_api import expect

from tests.browser.desk import Desk
from tests.browser.stage import Stage, random_phone, random_text

pytestmark = pytest.mark.asyncio(loop_scope="session")
TALKS, EACH = 40, 2_500
FAR = 3
"""The conversation about samples, counted from the oldest."""
MOST_ROWS = 400
SECONDS_APART = 97
OWNER = "select customer_id, id from handle where value = $1"
ABOUT = "insert into conversation_topic (conversation_id, topic_id) select $1, id from topic where name = 'Samples'"


async def fill(connection: asyncpg.Connection, phone: str) -> None:
    """Closed conversations before the one of today, all of this customer."""
    owner = await connection.fetchrow(OWNER, phone)
    assert owner is not None
    customer, handle = owner
    talks = [(uuid4(), datetime.now(UTC) - timedelta(days=8 * (TALKS - each))) for each in range(TALKS)]
    closed = [(id_, customer, customer, "closed", at, at + timedelta(days=6)) for id_, at in talks]
    columns = ["id", "customer_id", "profile_id", "status", "opened_at", "closed_at"]
    await connection.copy_records_to_table("conversation", records=closed, columns=columns)
    columns = ["id", "customer_id", "conversation_id", "at", "kind", "channel", "direction", "body", "handle_id"]
    columns.append("account_id")
    for number, (id_, at) in enumerate(talks):
        rows = [entry(number, place, id_, at, customer, handle) for place in range(EACH)]
        await connection.copy_records_to_table("entry", records=rows, columns=columns)
    await connection.execute(ABOUT, talks[FAR][0])


def entry(number: int, place: int, talk: UUID, began: datetime, customer: UUID, handle: UUID) -> tuple[object, ...]:
    """Customer and company in turn."""
    at = began + timedelta(seconds=1 + SECONDS_APART * place)
    direction = "in" if place % 3 else "out"
    body = f"Message {place} of conversation {number}"
    return (uuid4(), customer, talk, at, "message", "sms", direction, body, handle, "sms-main")


async def rows_are_few(desk: Desk) -> None:
    """However long the timeline, the page stays small."""
    assert 0 < await desk.part("timeline").locator("[data-row]").count() < MOST_ROWS
    assert await desk.part("entry").count() < MOST_ROWS


async def test_a_jump_by_topic_through_a_hundred_thousand_entries_and_back(stage: Stage) -> None:
    phone, text, meanwhile = random_phone(), random_text(), random_text("Meanwhile")
    await stage.text(phone, text)
    async with stage.database() as connection:
        await fill(connection, phone)
    desk = await stage.open_desk(available=False)
    await desk.search(phone)
    await expect(desk.said(text)).to_be_in_viewport()
    await rows_are_few(desk)

    await desk.part("earlier-conversations").click()
    far = desk.part("topic-group").filter(has_text="Samples").get_by_test_id("conversation")
    await far.click()
    await expect(desk.said(f"Message 0 of conversation {FAR}")).to_be_in_viewport()
    await expect(desk.part("timeline").locator(".start").filter(has_text="Product › Samples")).to_be_in_viewport()
    await rows_are_few(desk)
    await scroll_until_seen(desk, -600, f"Message {EACH - 80} of conversation {FAR - 1}")
    await scroll_until_seen(desk, 900, f"Message 150 of conversation {FAR}")
    await rows_are_few(desk)

    await stage.text(phone, meanwhile)
    await expect(desk.part("newest")).to_contain_text("1 new, go to newest")
    await expect(desk.said(meanwhile)).to_have_count(0)
    await desk.part("newest").click()
    await expect(desk.said(meanwhile)).to_be_in_viewport()
    await expect(desk.part("newest")).to_have_count(0)
    assert not desk.faults


async def scroll_until_seen(desk: Desk, step: int, text: str) -> None:
    """Turn the wheel until an entry comes into view; pages are loaded on the way."""
    await desk.part("timeline").hover()
    wanted = desk.part("timeline").locator('[data-test="entry"]').filter(has_text=re.compile(rf"^{text}\b"))
    for _ in range(120):
        if await wanted.count() and await wanted.first.is_visible():
            break
        await desk.page.mouse.wheel(0, step)
        await desk.page.wait_for_timeout(30)
    await expect(wanted).to_have_count(1)


async def test_the_end_of_what_is_loaded_leads_on_to_the_newest(stage: Stage) -> None:
    phone = random_phone()
    await stage.text(phone, random_text())
    desk = await stage.open_desk(available=False)
    await desk.search(phone)
    for number in range(30):
        await stage.text(phone, f"Line {number} of a long talk")
    last = desk.said("Line 29 of a long talk")
    await expect(last).to_be_in_viewport()
    await desk.part("timeline").focus()
    await desk.page.keyboard.press("Home")
    await expect(last).not_to_be_in_viewport()
    await stage.text(phone, "One more")
    await expect(desk.part("newest")).to_contain_text("1 new")
    await desk.page.keyboard.press("End")
    await expect(desk.said("One more")).to_be_in_viewport()
    await expect(desk.said("One more")).to_be_focused()
