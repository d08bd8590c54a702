"""What an agent's page does around a contact: reasons, taking the next, handing on with a note, and how it ended."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.stage import Stage, random_phone, random_text

pytestmark = pytest.mark.asyncio(loop_scope="session")

AFTER = "queues/general/after-work"
CODES = (("sales", None, "Sales"), ("sold", "sales", "Sold"), ("lost", "sales", "Not interested"))


@pytest_asyncio.fixture(loop_scope="session")
async def defined(stage: Stage) -> AsyncIterator[Stage]:
    """An administrator asks how contacts end, and why agents are away and decline."""
    before = await stage.ask("GET", AFTER)
    await stage.ask("PUT", AFTER, {"wrap_up_mode": "required"})
    for position, (id_, parent, label) in enumerate(CODES):
        await stage.ask("PUT", f"dispositions/{id_}", {"label": label, "parent": parent, "position": position})
    await stage.ask("PUT", "presence/reasons/paperwork", {"label": "Paperwork", "works": True})
    await stage.ask("PUT", "decline-reasons/not-mine", {"label": "Not my field"})
    yield stage
    await stage.ask("PUT", AFTER, before)
    await stage.ask("DELETE", "presence/reasons/paperwork")
    await stage.ask("DELETE", "decline-reasons/not-mine")
    await stage.ask("DELETE", "dispositions/sales")


async def test_the_next_is_taken_while_away_and_ends_with_a_code(defined: Stage) -> None:
    desk = await defined.open_desk(available=False)
    phone, text, note = random_phone(), random_text("A shelf"), random_text("Wants oak")
    await expect(desk.part("next")).to_have_count(0)
    await desk.become("away-paperwork")
    await expect(desk.part("presence")).to_contain_text("Away · Paperwork")
    await desk.part("next").click()
    await expect(desk.part("notice")).to_contain_text("Nothing waits")
    await defined.text(phone, text)
    async with defined.database() as connection:
        waits = "select exists (select from contact where state = 'queued')"
        while not await connection.fetchval(waits):
            await desk.page.wait_for_timeout(50)
    await desk.page.keyboard.press("n")
    await expect(desk.said(text)).to_be_visible()
    await desk.part("finish").click()
    await expect(desk.part("wrap-up")).to_have_attribute("data-mode", "required")
    await expect(desk.part("wrap-up-done")).to_be_disabled()
    await expect(desk.part("wrap-up-why")).to_contain_text("how it ended")
    await expect(desk.part("code").first).to_have_text(re.compile("Sold.*Sales"))
    await expect(desk.part("code").nth(1)).to_have_text(re.compile("Not interested.*Sales"))
    await desk.part("wrap-up-note").fill(note)
    await desk.page.keyboard.press("Escape")
    await desk.page.keyboard.press("1")
    await expect(desk.page.locator('[data-code="sold"]')).to_have_attribute("aria-checked", "true")
    await desk.part("wrap-up-done").click()
    await expect(desk.held).to_have_count(0)
    await expect(desk.said("Ended as Sales / Sold")).to_have_count(1)
    await expect(desk.said(note)).to_have_attribute("data-kind", "note")
    assert not desk.faults


async def test_what_is_handed_on_comes_with_its_note_and_is_declined_for_a_reason(defined: Stage) -> None:
    first, second = await defined.open_desk(0), await defined.open_desk(1, available=False)
    text, note = random_text("The lamp"), random_text("Speaks French")
    await defined.text(random_phone(), text)
    await first.accept(text)
    await second.become("available")
    await first.part("transfer").click()
    await first.part("transfer-to").select_option(label=defined.company.agents[1].name)
    await first.part("transfer-note").fill(note)
    await first.part("transfer-confirm").click()
    await expect(second.part("offer-handed")).to_contain_text(f"From {defined.company.agents[0].name}: {note}")
    await second.part("decline").click()
    await second.part("decline-not-mine").click()
    await expect(second.offer).to_have_count(0)
    await expect(first.held).to_have_count(1)
    await expect(first.said(note)).to_have_attribute("data-kind", "note")
    offers = await defined.company.every("offers?state=declined")
    assert offers[0]["reason"] == "not-mine"
    assert not first.faults + second.faults


async def test_a_colleague_is_asked_first_and_it_is_whose_it_was_until_they_take_it(defined: Stage) -> None:
    first, second = await defined.open_desk(0), await defined.open_desk(1, available=False)
    names = [agent.name for agent in defined.company.agents[:2]]
    text, note = random_text("The sofa"), random_text("Knows sofas")
    phone, more = random_phone(), random_text("The sofa again")
    await defined.text(phone, text)
    await first.accept(text)
    await second.become("available")

    async def ask() -> None:
        await first.part("transfer").click()
        await first.part("transfer-to").select_option(label=names[1])
        await first.part("transfer-warm").check()
        await first.part("transfer-note").fill(note)
        await first.part("transfer-confirm").click()
        await expect(second.part("handover-asked")).to_contain_text(f"{names[0]} asks you to take over: {note}")
        await expect(first.part("handover-asking")).to_contain_text(f"You asked {names[1]}")
        await expect(first.held).to_have_count(1)

    await ask()
    await second.part("handover-decline").click()
    await second.page.get_by_role("menuitem", name="Not my field").click()
    await expect(second.part("handover-asked")).to_have_count(0)
    await expect(first.part("notice")).to_contain_text(f"{names[1]} declined")
    await ask()
    await first.part("handover-cancel").click()
    await expect(second.part("handover-asked")).to_have_count(0)
    await ask()
    await defined.text(phone, more)
    await expect(second.part("handover-asked")).to_contain_text(more)
    if picture := os.environ.get("SCREENPOP_PICTURE"):
        await second.page.screenshot(path=picture)
    await second.part("handover-accept").click()
    await expect(second.said(text)).to_be_visible()
    await expect(second.part("handovers")).to_have_count(0)
    await expect(first.held).to_have_count(0)
    await expect(first.part("notice")).to_contain_text(f"{names[1]} has taken it over")
    assert not first.faults + second.faults
