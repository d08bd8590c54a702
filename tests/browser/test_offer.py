"""What rings, and what becomes of it."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.browser.stage import Stage, random_phone, random_text

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_text_rings_with_preview_and_countdown_and_accepting_opens_its_profile(stage: Stage) -> None:
    desk = await stage.open_desk()
    phone, text = random_phone(), random_text()
    await stage.text(phone, text)
    await expect(desk.offer).to_contain_text(text)
    await expect(desk.offer.locator(".countdown")).to_have_text(re.compile(r"^([1-9]|1\d|20)$"))
    await expect(desk.page).to_have_title(re.compile(r"^\(1\) "))
    await desk.part("accept").click()
    await expect(desk.part("customer-name")).to_contain_text(phone[-4:])
    await expect(desk.said(text)).to_have_count(1)
    await expect(desk.reply_box).to_be_focused()
    await expect(desk.offer).to_have_count(0)
    await expect(desk.held).to_have_attribute("data-state", "assigned")
    await expect(desk.part("capacity-messaging")).to_have_attribute("data-used", "1")
    assert not desk.faults


async def test_the_keyboard_alone_takes_an_offer_but_never_out_of_a_text_field(stage: Stage) -> None:
    desk = await stage.open_desk()
    first, second = random_text("First"), random_text("Second")
    await stage.text(random_phone(), first)
    await expect(desk.offer).to_be_visible()
    await desk.page.keyboard.press("a")
    await expect(desk.said(first)).to_be_visible()
    await stage.text(random_phone(), second)
    await expect(desk.offer).to_contain_text(second)
    await expect(desk.reply_box).to_be_focused()
    await desk.page.keyboard.type("a draft")
    await expect(desk.reply_box).to_have_value("a draft")
    await expect(desk.offer).to_have_attribute("data-phase", "ringing")
    await desk.page.keyboard.press("Escape")
    await desk.page.keyboard.press("a")
    await expect(desk.said(second)).to_be_visible()
    await expect(desk.held.filter(has_text="Draft")).to_have_count(1)


async def test_a_declined_offer_leaves_and_rings_at_the_colleague(stage: Stage) -> None:
    desk = await stage.open_desk(0)
    text = random_text()
    await stage.text(random_phone(), text)
    await expect(desk.offer).to_contain_text(text)
    colleague = await stage.open_desk(1)
    await desk.part("decline").click()
    await expect(desk.offer).to_have_count(0)
    await expect(colleague.offer).to_contain_text(text)
    await colleague.accept(text)
    await expect(desk.held).to_have_count(0)


async def test_an_offer_nobody_answers_says_so_and_leaves_and_the_agent_is_away(stage: Stage) -> None:
    desk = await stage.open_desk()
    await stage.text(random_phone(), random_text("My invoice"))
    await expect(desk.offer).to_be_visible()
    await expect(desk.part("offer-ended")).to_have_text("Time ran out")
    await expect(desk.part("accept")).to_have_count(0)
    await expect(desk.part("presence")).to_contain_text("Away · missed an offer")
    await expect(desk.offer).to_have_count(0)


async def test_a_conversation_closed_while_it_rings_is_said_on_the_card(stage: Stage) -> None:
    desk = await stage.open_desk()
    supervisor = await stage.open_desk(stage.admin, available=False)
    phone = random_phone()
    await stage.text(phone, random_text())
    await expect(desk.offer).to_be_visible()
    await supervisor.search(phone)
    await expect(supervisor.part("waiting")).to_be_visible()
    await supervisor.part("more-actions").click()
    await supervisor.part("close-conversation").click()
    await expect(desk.part("offer-ended")).to_have_text("The conversation was closed")
    await expect(supervisor.said("You closed the conversation")).to_be_visible()


async def test_accepting_on_one_screen_ends_the_ringing_on_the_other(stage: Stage) -> None:
    here = await stage.open_desk()
    there = await stage.open_desk(available=False)
    text = random_text()
    await stage.text(random_phone(), text)
    await expect(here.offer).to_contain_text(text)
    await expect(there.offer).to_contain_text(text)
    await here.accept(text)
    await expect(there.offer).to_have_count(0)
    await expect(there.held).to_have_count(1)
    await expect(there.part("idle")).to_be_visible()
    await there.held.click()
    await expect(there.said(text)).to_have_count(1)
