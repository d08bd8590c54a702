"""The gateway is killed and starts again: the page says so, and nothing is lost or doubled."""

from __future__ import annotations

import os
import signal

import pytest
from playwright.async_api import expect

from tests.browser.stage import Stage, random_phone, random_text

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_killed_gateway_costs_neither_truth_nor_text_nor_draft(stage: Stage) -> None:
    desk = await stage.open_desk()
    phone, text, draft, meanwhile = random_phone(), random_text(), random_text("A draft"), random_text("Meanwhile")
    await stage.text(phone, text)
    await desk.accept(text)
    await expect(desk.held).to_have_count(1)  # the line of My Customers follows the profile
    await expect(desk.part("finish")).to_be_enabled()
    with stage.outage():
        await desk.is_("offline")
        await expect(desk.part("connection")).to_contain_text("Offline since")
        await expect(desk.part("banner")).to_contain_text("You see the screen as it was")
        await expect(desk.part("finish")).to_be_disabled()
        await desk.reply_box.fill(draft)
        await expect(desk.part("send")).to_be_disabled()
    await stage.text(phone, meanwhile)
    await desk.is_("live")
    await expect(desk.part("banner")).to_have_count(0)
    await expect(desk.said(meanwhile)).to_have_count(1)
    await expect(desk.said(text)).to_have_count(1)
    await expect(desk.held).to_have_count(1)
    await expect(desk.part("presence")).to_contain_text("Available")
    await expect(desk.reply_box).to_have_value(draft)
    await desk.part("send").click()
    await expect(desk.receipt(draft)).to_have_text("Delivered")
    assert len(await stage.company.sent_with(draft)) == 1
    assert not desk.faults


async def test_a_reply_the_gateway_died_over_is_sent_once(stage: Stage) -> None:
    desk = await stage.open_desk()
    phone, text, answer = random_phone(), random_text(), random_text("On its way")
    await stage.text(phone, text)
    await desk.accept(text)
    os.kill(stage.company.pids[0], signal.SIGSTOP)  # the reply leaves the page and is read by nobody
    await desk.reply(answer)
    await expect(desk.receipt(answer)).to_have_attribute("data-status", "pending")
    with stage.outage():
        await desk.is_("offline")
        await expect(desk.receipt(answer)).to_contain_text("Kept here")
    await desk.is_("live")
    await expect(desk.receipt(answer)).to_have_text("Delivered")
    await expect(desk.said(answer)).to_have_count(1)
    assert len(await stage.company.sent_with(answer)) == 1


async def test_a_draft_and_the_open_profile_survive_a_reload(stage: Stage) -> None:
    desk = await stage.open_desk()
    text, draft = random_text(), random_text("Not yet sent")
    await stage.text(random_phone(), text)
    await desk.accept(text)
    await desk.reply_box.fill(draft)
    await desk.page.reload()
    await desk.is_("live")
    await expect(desk.said(text)).to_have_count(1)
    await expect(desk.reply_box).to_have_value(draft)
