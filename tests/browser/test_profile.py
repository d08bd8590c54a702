"""The customer's profile: what an agent edits, a colleague's open screen follows."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, expect

from tests.browser.desk import Desk
from tests.browser.stage import Stage, random_phone, random_text

pytestmark = pytest.mark.asyncio(loop_scope="session")


def value(desk: Desk, field: str) -> Locator:
    """A value of the Fields section."""
    return desk.part("details").locator(f'[data-test="value"][data-field="{field}"]')


async def edit(desk: Desk, field: str, text: str) -> None:
    """Type a value in its place and save it."""
    await value(desk, field).get_by_test_id("value-edit").click()
    await value(desk, field).get_by_test_id("value-input").fill(text)
    await value(desk, field).get_by_test_id("value-form-save").click()


async def two_desks(stage: Stage, phone: str) -> tuple[Desk, Desk]:
    """Two agents look at one customer."""
    first, second = await stage.open_desk(0, available=False), await stage.open_desk(1, available=False)
    for desk in (first, second):
        await desk.search(phone)
        await expect(desk.part("profile")).to_be_visible()
    return first, second


async def known_phone(stage: Stage) -> str:
    """A customer who has written once."""
    phone = random_phone()
    await stage.text(phone, random_text())
    return phone


async def test_a_value_edited_in_its_place_is_on_a_colleagues_screen(stage: Stage) -> None:
    first, second = await two_desks(stage, await known_phone(stage))
    await first.part("all-fields").click()
    await edit(first, "name", "Noa Berg")
    for desk in (first, second):
        await expect(desk.part("customer-name")).to_have_text("Noa Berg")
    await edit(first, "fields.lifetime_value", "1250.50")
    await expect(value(second, "fields.lifetime_value")).to_contain_text("$1,250.50")
    await edit(first, "tags", "vip, trade")
    await expect(second.part("details").locator(".tags")).to_contain_text("VIP")
    await expect(value(first, "name").get_by_test_id("value-edit")).to_have_attribute("title", re.compile("Edited by"))
    assert not first.faults + second.faults


async def test_a_conflict_says_who_was_quicker_and_keeps_what_was_typed(stage: Stage) -> None:
    first, second = await two_desks(stage, await known_phone(stage))
    for desk in (first, second):
        await desk.part("all-fields").click()
    await value(first, "company").get_by_test_id("value-edit").click()
    await value(first, "company").get_by_test_id("value-input").fill("Berg & Co")
    await edit(second, "company", "Berg Interiors")
    await expect(first.part("details").locator(".who-sub")).to_have_text("Berg Interiors")
    await value(first, "company").get_by_test_id("value-form-save").click()
    colleague = stage.company.agents[1].name
    await expect(first.part("conflict")).to_contain_text(f"{colleague} changed this to “Berg Interiors”")
    await expect(value(first, "company").get_by_test_id("value-input")).to_have_value("Berg & Co")
    await first.part("save-mine").click()
    await expect(value(second, "company")).to_contain_text("Berg & Co")
    await expect(first.part("conflict")).to_have_count(0)


async def test_a_wrong_value_is_refused_in_its_place(stage: Stage) -> None:
    desk = await stage.open_desk(available=False)
    await desk.search(await known_phone(stage))
    await desk.part("all-fields").click()
    await edit(desk, "time_zone", "Mars/Olympus")
    await expect(value(desk, "time_zone").get_by_test_id("problem")).to_be_visible()
    await expect(value(desk, "time_zone").get_by_test_id("value-input")).to_have_value("Mars/Olympus")
    await desk.page.keyboard.press("Escape")
    await expect(value(desk, "time_zone").get_by_test_id("value-edit")).to_contain_text("–")


async def test_details_are_added_changed_and_removed_with_their_author(stage: Stage) -> None:
    first, second = await two_desks(stage, await known_phone(stage))
    await first.part("add-details").click()
    await first.part("detail-text").fill("Third floor, ring reception.")
    await first.part("detail-form-save").click()
    await expect(second.part("detail")).to_contain_text("Third floor, ring reception.")
    await expect(second.part("detail")).to_contain_text(stage.company.agents[0].name)
    await second.part("detail-edit").click()
    await second.part("detail-text").fill("Fourth floor, ring reception.")
    await second.part("detail-form-save").click()
    await expect(first.part("detail")).to_contain_text("Fourth floor")
    await first.part("detail-edit").click()
    await first.part("detail-remove").click()
    await expect(second.part("detail")).to_have_count(0)


async def test_handles_and_addresses_are_kept_on_the_profile(stage: Stage) -> None:
    first, second = await two_desks(stage, await known_phone(stage))
    address = f"{random_phone()[1:]}@berg.example"
    await first.part("add-contact").click()
    await first.part("add-email").click()
    await first.part("handle-value").fill(address)
    await first.part("handle-label-input").fill("office")
    await first.part("handle-form-save").click()
    added = second.part("handle").filter(has_text=address)
    await expect(added).to_contain_text("office")
    await expect(added).to_contain_text("claimed")
    await first.part("add-contact").click()
    await first.part("add-address").click()
    await first.part("address-street").fill("5420 rue Clark")
    await first.part("address-city").fill("Montréal")
    await first.part("address-form-save").click()
    await expect(second.part("address")).to_contain_text("5420 rue Clark, Montréal")
    row = first.part("handle").filter(has_text=address)
    await row.hover()
    await row.get_by_test_id("handle-menu").click()
    await first.part("handle-remove").click()
    await expect(added).to_have_count(0)


async def test_a_task_is_added_in_the_reply_box_seen_due_today_and_done(stage: Stage) -> None:
    first, second = await two_desks(stage, await known_phone(stage))
    task = random_text("Call back")
    await first.page.keyboard.press("Escape")
    await first.page.keyboard.press("k")
    await first.part("task-text").fill(task)
    await first.part("reply-box").get_by_test_id("task-due").fill("2020-01-01T09:00")
    await first.part("task-text").press("Control+Enter")
    await expect(first.part("due-task").filter(has_text=task)).to_be_visible()
    await expect(first.part("reply-box")).to_have_attribute("data-mode", "reply")
    row = second.part("task").filter(has_text=task)
    await expect(row).to_contain_text(stage.company.agents[0].name)
    await expect(second.part("open-tasks")).to_have_text("1")
    await row.get_by_test_id("task-done").check()
    await expect(first.part("due-task").filter(has_text=task)).to_have_count(0)
    await expect(first.part("task").filter(has_text=task)).to_have_attribute("data-state", "done")


async def test_a_topic_is_chosen_by_keyboard_and_taken_back_by_mouse(stage: Stage) -> None:
    first, second = await two_desks(stage, await known_phone(stage))
    await first.page.keyboard.press("Escape")
    await first.page.keyboard.press("t")
    await first.part("topic-find").fill("damage")
    await first.page.keyboard.press("Enter")
    await expect(second.part("topic")).to_have_text("Delivery › Damage")
    await expect(second.part("topic-group")).to_have_attribute("data-topic", "Damage")
    await second.part("topic").hover()
    await second.part("topic-remove").click()
    await expect(first.part("topic")).to_have_count(0)


async def test_a_relationship_is_added_by_search_leads_to_the_other_and_pins_what_they_said(stage: Stage) -> None:
    first, second = await two_desks(stage, await known_phone(stage))
    await first.part("add-relationships").click()
    await first.part("relationship-type").select_option(label="employer")
    await first.part("relationship-form").get_by_test_id("search-field").fill("beneš")
    await first.part("relationship-form").get_by_test_id("search-result").filter(has_text="Tomáš").click()
    await expect(second.part("relationship")).to_contain_text("Tomáš Beneš")
    await expect(second.part("relationship")).to_contain_text("employer")
    await second.part("relationship-open").click()
    await expect(second.part("customer-name")).to_have_text("Tomáš Beneš")
    await expect(second.part("relationship").filter(has_text="employee")).to_have_count(1)
    said = second.said("Our invoice 2026-1182 shows the old address.")
    await said.hover()
    await said.get_by_test_id("pin-entry").click()
    await second.part("pin-to").filter(has_text="employee").click()
    await expect(first.part("pin")).to_contain_text("Our invoice 2026-1182")
    await expect(first.part("pin")).to_contain_text("Tomáš Beneš")
    row = first.part("relationship")
    await row.hover()
    await row.get_by_test_id("relationship-remove").click()
    await expect(second.part("relationship").filter(has_text="employee")).to_have_count(0)


async def test_the_search_palette_finds_words_of_a_message_and_says_where(stage: Stage) -> None:
    desk = await stage.open_desk(available=False)
    word = f"zirkon{random_phone()[-4:]}"
    await stage.text(random_phone(), f"Do you have the {word} handle in brass?")
    await desk.page.keyboard.press("/")
    found = desk.part("search-result")
    await desk.part("search-field").fill(word)
    await expect(found).to_have_count(1)
    await expect(found).to_have_attribute("data-matched", "message")
    await expect(desk.part("excerpt").locator("mark")).to_have_text(word)
    await found.click()
    await expect(desk.said(word)).to_be_visible()
    await desk.part("home").click()
    await expect(desk.part("recently-viewed")).to_contain_text(re.compile(r"\+1 415"))
