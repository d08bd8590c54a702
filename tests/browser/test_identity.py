"""Who is who, by mouse: a likely duplicate compared, merged and unmerged; and who writes on a shared number."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.desk import Desk
from tests.browser.stage import Stage, random_phone, random_text

pytestmark = pytest.mark.asyncio(loop_scope="session")
FAMILIES = ("Lindqvist", "Haverkamp", "Okafor", "Szymanski", "Delacroix", "Yamamoto", "Castellanos", "Petrosyan")
SUGGESTED_MS = 30_000
"""Likeness is worked out in the background."""


async def known(stage: Stage, text: str, values: dict[str, Any]) -> tuple[str, str]:
    """Somebody who wrote once and is known by these values; their number and id."""
    phone = random_phone()
    await stage.text(phone, text)
    found = await stage.ask("GET", f"customers?q=%2B{phone[1:]}")
    customer: str = found["items"][0]["id"]
    await stage.ask("PATCH", f"customers/{customer}", values)
    return phone, customer


async def twice(stage: Stage) -> tuple[str, tuple[str, str], tuple[str, str]]:
    """One person under two numbers, spelled in two ways: the name, and number and id of each."""
    # Like nobody else's: people of other tests are in the same company.
    family = "".join(random.choice("bdfgklmnprstvz") + random.choice("aeiou") for _ in range(6)).title()
    birth_date = f"{random.randrange(1950, 2000)}-0{random.randrange(1, 10)}-1{random.randrange(10)}"
    both = {"company": f"{family} Interiors", "birth_date": birth_date}
    one = await known(stage, random_text("From my first number"), both | {"name": f"Ingrid {family}"})
    other = await known(stage, random_text("From my second number"), both | {"name": f"Ingird {family}"})
    return family, one, other


async def desk_of(stage: Stage, agent: int, customer: tuple[str, str]) -> Desk:
    """An agent who looks at this customer."""
    desk = await stage.open_desk(agent, available=False)
    await desk.search(customer[0])
    await expect(desk.part("profile")).to_have_attribute("data-customer", customer[1])
    return desk


async def test_a_suggestion_is_compared_merged_and_unmerged_and_both_screens_follow(stage: Stage) -> None:
    family, one, other = await twice(stage)
    first, second = await desk_of(stage, 0, one), await desk_of(stage, 1, other)
    await second.part("mode-note").click()
    await second.part("note-text").fill("A note on whoever this is")
    suggestion = first.part("suggestion").filter(has_text=f"Ingird {family}")
    await expect(suggestion).to_be_visible(timeout=SUGGESTED_MS)
    await suggestion.get_by_test_id("compare").click()
    name = first.part("compare-table").locator('[data-field="name"]')
    await expect(name.get_by_test_id("outcome")).to_contain_text(f"Ingrid {family}")
    await name.get_by_test_id("choose-loser").click()
    await expect(name.get_by_test_id("outcome")).to_contain_text(f"Ingird {family}")
    await name.get_by_test_id("choose-survivor").click()
    await first.part("merge-confirm").click()

    for desk in (first, second):
        await expect(desk.part("profile")).to_have_attribute("data-customer", one[1])
        await expect(desk.part("customer-name")).to_have_text(f"Ingrid {family}")
        await expect(desk.part("handle")).to_have_count(2)
        await expect(desk.said("From my first number")).to_have_count(1)
        await expect(desk.said("From my second number")).to_have_count(1)
        await expect(desk.part("suggestion")).to_have_count(0)
    await expect(first.part("dialog-merge")).to_have_count(0)
    await expect(second.part("note-text")).to_have_value("A note on whoever this is")
    await expect(second.part("note-text")).to_be_focused()
    await expect(first.part("identity-hint")).to_contain_text(f"This came in under Ingird {family}")
    await stage.text(other[0], random_text("Since the merge"))
    await expect(second.said("Since the merge")).to_be_visible()

    await first.part("hint-unmerge").click()
    await expect(first.part("dialog-unmerge")).to_contain_text("Both profiles come back")
    await first.part("unmerge-confirm").click()
    for desk in (first, second):
        await expect(desk.part("handle")).to_have_count(1)
        await expect(desk.said("From my second number")).to_have_count(0)
        await expect(desk.part("merge")).to_have_count(0)
    await second.search(other[0])
    await expect(second.part("customer-name")).to_have_text(f"Ingird {family}")
    await expect(second.said("Since the merge")).to_have_count(1)
    assert not first.faults + second.faults


async def test_no_match_and_never_link_take_the_suggestion_away(stage: Stage) -> None:
    _, one, other = await twice(stage)
    first, second = await desk_of(stage, 0, one), await desk_of(stage, 1, other)
    await expect(first.part("suggestion")).to_have_count(1, timeout=SUGGESTED_MS)
    await first.part("compare").click()
    await first.part("never-link").click()
    for desk in (first, second):
        await expect(desk.part("suggestion")).to_have_count(0)
    refused = await stage.ask("GET", f"merges/preview?survivor={one[1]}&loser={other[1]}")
    assert refused["refused"] is not None
    _, one, other = await twice(stage)
    await second.search(one[0])
    await expect(second.part("suggestion")).to_have_count(1, timeout=SUGGESTED_MS)
    await second.part("no-match").click()
    await expect(second.part("suggestion")).to_have_count(0)


async def shared_number(stage: Stage) -> tuple[str, str, str]:
    """A number that several people write from: itself, who had it first, and their name."""
    name = f"Renate {random.choice(FAMILIES)} {random.randrange(1000)}"
    phone, customer = await known(stage, random_text(), {"name": name})
    handles = await stage.ask("GET", f"customers/{customer}/handles")
    await stage.ask("PATCH", f"handles/{handles['items'][0]['id']}", {"shared": True})
    for contact in await stage.company.every("contacts?state=queued"):
        screen = await stage.admin_screen()
        await screen.ask({"type": "close", "conversation": contact["conversation"]})
        await screen.drop(politely=True)
    return phone, customer, name


async def test_who_writes_on_a_shared_number_is_asked_and_chosen_by_key(stage: Stage) -> None:
    phone, customer, name = await shared_number(stage)
    desk = await stage.open_desk()
    text = random_text("It is me")
    await stage.text(phone, text)
    await desk.accept(text)
    await expect(desk.part("customer-name")).to_have_text("Not known yet")
    await expect(desk.part("identify")).to_contain_text("Who is this?")
    await expect(desk.part("candidate").first).to_contain_text(name)
    await desk.page.keyboard.press("Escape")
    await desk.page.keyboard.press("1")
    await expect(desk.part("profile")).to_have_attribute("data-customer", customer)
    await expect(desk.part("customer-name")).to_have_text(name)
    await expect(desk.said(text)).to_have_count(1)
    await expect(desk.part("identify")).to_have_count(0)
    await expect(desk.part("finish")).to_be_visible()
    await desk.part("unmerge").first.click()
    await desk.part("unmerge-confirm").click()
    await expect(desk.said(text)).to_have_count(0)


async def test_somebody_new_on_a_shared_number_gets_a_profile_of_their_own(stage: Stage) -> None:
    phone, customer, _ = await shared_number(stage)
    desk = await stage.open_desk()
    text, name = random_text("We never met"), f"Otto {random.choice(FAMILIES)}"
    await stage.text(phone, text)
    await desk.accept(text)
    await desk.part("somebody-new").click()
    await desk.part("new-name").fill(name)
    await desk.part("new-save").click()
    await expect(desk.part("customer-name")).to_have_text(name)
    await expect(desk.part("profile")).not_to_have_attribute("data-customer", customer)
    await expect(desk.said(text)).to_have_count(1)
    await expect(desk.part("identify")).to_have_count(0)
    await expect(desk.page).to_have_title(re.compile(name))
