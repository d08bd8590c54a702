"""What an agent passes on or puts right: tasks for others, a conversation of somebody else, what was seen at accept."""

from __future__ import annotations

import random
import re

import pytest
from playwright.async_api import expect

from tests.browser.stage import Stage, random_phone, random_text
from tests.browser.test_identity import known
from tests.browser.test_profile import known_phone, two_desks

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_task_goes_to_a_colleague_then_a_queue_and_a_conflict_keeps_what_was_typed(stage: Stage) -> None:
    first, second = await two_desks(stage, await known_phone(stage))
    me, colleague = stage.company.agents[0].name, stage.company.agents[1].name
    body = random_text("Measure")
    await first.part("add-tasks").click()
    form = first.part("task-form")
    await expect(form.get_by_test_id("task-for").locator("option:checked")).to_have_text("Me")
    await form.get_by_test_id("task-body").fill(body)
    await form.get_by_test_id("task-for").select_option(label=colleague)
    await form.get_by_test_id("task-due").fill("2020-01-01T09:00")
    await first.part("task-form-save").click()
    await expect(first.part("task").filter(has_text=body)).to_contain_text(colleague)
    await expect(second.part("due-task").filter(has_text=body)).to_be_visible()
    await expect(first.part("due-task").filter(has_text=body)).to_have_count(0)

    await second.part("task-edit").click()
    await second.part("task-form").get_by_test_id("task-due").fill("2031-05-06T10:30")
    await first.part("task-edit").click()
    await form.get_by_test_id("task-body").fill(f"{body}, twice")
    await form.get_by_test_id("task-for").select_option(label="Billing")
    await first.part("task-form-save").click()
    await expect(second.part("due-task").filter(has_text=body)).to_have_count(0)
    await second.part("task-form-save").click()
    await expect(second.part("conflict")).to_contain_text(f"“{body}, twice”")
    await expect(second.part("task-form").get_by_test_id("task-due")).to_have_value("2031-05-06T10:30")
    await second.part("save-mine").click()
    for desk in (first, second):
        await expect(desk.part("task").filter(has_text=f"{body}, twice")).to_contain_text(
            re.compile("6 May.*queue billing")
        )

    row = first.part("task").filter(has_text=body)
    await row.hover()
    await row.get_by_test_id("task-cancel").click()
    await expect(second.part("task").filter(has_text=body)).to_contain_text(f"Dropped by {me}")
    assert not first.faults + second.faults


async def test_a_conversation_is_moved_with_its_handle_and_taken_out_again(stage: Stage) -> None:
    name = f"Odile Marchetti {random.randrange(10_000)}"
    await known(stage, random_text("I am Odile"), {"name": name})
    desk = await stage.open_desk(available=False)
    phone, text = random_phone(), random_text("Not mine")
    await stage.text(phone, text)
    await desk.search(phone)
    wrong = await desk.part("profile").get_attribute("data-customer")
    await desk.part("more-actions").click()
    await desk.part("move-conversation").click()
    dialog = desk.part("dialog-move")
    await expect(desk.part("move-confirm")).to_be_disabled()
    await dialog.get_by_test_id("search-field").fill(name)
    await expect(dialog.get_by_test_id("search-result")).to_contain_text(name)
    await desk.page.keyboard.press("Enter")
    await expect(dialog).to_contain_text("You can undo this at any time")
    await desk.part("with-handle").check()
    await desk.page.keyboard.press("Control+Enter")
    await expect(dialog).to_have_count(0)
    await expect(desk.part("notice")).to_contain_text(f"Moved to {name}")
    await expect(desk.part("customer-name")).to_have_text(name)
    await expect(desk.said(text)).to_have_count(1)
    await expect(desk.part("handle")).to_have_count(2)
    await stage.text(phone, random_text("And later"))
    await expect(desk.said("And later")).to_be_visible()
    await desk.part("unmerge").click()
    await desk.part("unmerge-confirm").click()
    await expect(desk.said(text)).to_have_count(0)
    await expect(desk.part("handle")).to_have_count(2)
    await expect(desk.part("profile")).not_to_have_attribute("data-customer", wrong or "")
    assert not desk.faults


async def test_what_was_on_the_screen_at_accept_is_shown_as_it_was(stage: Stage) -> None:
    phone, text = random_phone(), random_text("Before")
    desk = await stage.open_desk()
    await stage.text(phone, text)
    await desk.accept(text)
    customer = await desk.part("profile").get_attribute("data-customer")
    await stage.ask("PATCH", f"customers/{customer}", {"name": "Amara Since", "tags": ["vip"]})
    await expect(desk.part("customer-name")).to_have_text("Amara Since")
    await desk.part("conversation-menu").click()
    await desk.part("seen-at-accept").click()
    dialog = desk.part("dialog-seen")
    await expect(dialog).to_contain_text("As you saw it at accept")
    await expect(desk.part("seen-entry").filter(has_text=text)).to_have_count(1)
    await expect(desk.part("seen-name")).to_contain_text("+1 415")
    await expect(dialog).not_to_contain_text("VIP")
    await desk.page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await desk.part("home").click()
    await desk.search(await known_phone(stage))
    await desk.part("more-actions").click()
    await desk.part("seen-at-accept").click()
    await expect(desk.part("seen-none")).to_contain_text("Nothing was kept")
    assert not desk.faults
