"""The pictures of the documentation: taken in every run, kept there only when asked by `--pictures`."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.desk import Desk
from tests.browser.stage import Stage, random_phone, random_text
from tests.browser.test_identity import SUGGESTED_MS, shared_number
from tests.browser.visitor import site_of

pytestmark = pytest.mark.asyncio(loop_scope="session")
PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
MOST_BYTES = 400_000
"""The whole profile, drawn on a tall page, is the largest."""
WHOLE = {"width": 1280, "height": 1720}
TABLET = {"width": 1000, "height": 768}
ADAEZE, GIORGOS, LAYLA = "+12125550118", "+13125550133", "+15145550142"


def random_thing() -> str:
    """Something a customer may have ordered, which nobody has asked about before."""
    wood, thing = random.choice(("oak", "walnut", "ash")), random.choice(("table", "chair", "shelf", "bench"))
    return f"the {wood} {thing} of order {random.randrange(10_000, 100_000)}"


@pytest.fixture
def gallery(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where pictures go."""
    return PICTURES if request.config.getoption("--pictures", default=False) else tmp_path


async def take(desk: Desk, path: Path) -> None:
    """A picture of the page as it stands, nothing pointed at and no more loading."""
    await desk.page.mouse.move(0, 0)
    await expect(desk.page.locator(".spinner")).to_have_count(0)
    assert len(await desk.page.screenshot(path=path)) < MOST_BYTES


async def attend(stage: Stage, desk: Desk, phone: str, text: str, answer: str) -> None:
    """One customer writes, is taken and answered."""
    await stage.text(phone, text)
    await desk.accept(text)
    await desk.reply(answer)
    await expect(desk.receipt(answer)).to_have_text("Delivered")


async def test_the_desk_is_pictured_while_it_rings_and_with_the_profile_that_opened(
    stage: Stage, gallery: Path
) -> None:
    desk = await stage.open_desk(color_scheme="light", reduced_motion="reduce")
    await attend(stage, desk, GIORGOS, "Did the petrol swatch leave you?", "It did, this morning. Two days to Chicago.")
    await attend(stage, desk, ADAEZE, "The sample set is here!", "Glad to read that. Which one do you like?")
    await stage.text(ADAEZE, "Sand, I think. May I keep the others?")
    await expect(desk.said("Sand, I think")).to_be_visible()
    await desk.part("home").click()
    text = f"Hi, it is Layla. Is {random_thing()} still coming this week?"
    other = f"Good morning, {random_thing()} arrived with a scratch. What can we do?"
    await stage.text(LAYLA, text)
    await expect(desk.offer).to_have_count(1)
    await stage.text(random_phone(), other)
    await expect(desk.offer).to_have_count(2)
    await stage.text(GIORGOS, "Wonderful, thank you.")
    await expect(desk.held.locator(".pill")).to_have_count(1)
    await expect(desk.offer.locator(".countdown").first).to_have_text(re.compile("^1[0-8]$"))
    await take(desk, gallery / "desk-offer.png")

    await desk.offer.filter(has_text=other).get_by_test_id("decline").click()
    await expect(desk.offer).to_have_count(1)
    await desk.accept(text)
    await expect(desk.offer).to_have_count(0)
    answer = "Good morning Layla. It cleared customs at 08:05; may we bring it on Saturday?"
    await desk.reply(answer)
    await expect(desk.receipt(answer)).to_have_text("Delivered")
    await desk.part("topic-picker").click()
    await desk.part("topic-choice").filter(has_text="Late parcel").click()
    await expect(desk.part("topic")).to_contain_text("Late parcel")
    await desk.reply_box.fill("I have kept 14:00 to 15:30 for you, with the goods lift.")
    await take(desk, gallery / "desk-profile.png")


async def looking_at(stage: Stage, name: str, theme: str, size: dict[str, int] | None = None) -> Desk:
    """A desk of this theme and size with a customer open."""
    desk = await stage.open_desk(available=False, color_scheme=theme, reduced_motion="reduce")
    if size:
        await desk.page.set_viewport_size({"width": size["width"], "height": size["height"]})
    await desk.search(name)
    await expect(desk.part("card")).to_have_attribute("data-state", "fresh")
    return desk


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_whole_profile_is_pictured_in_both_themes(stage: Stage, tmp_path: Path, theme: str) -> None:
    desk = await looking_at(stage, "layla", theme, WHOLE)
    await expect(desk.part("topic-group")).not_to_have_count(0)
    await take(desk, tmp_path / f"profile-{theme}.png")


async def test_a_tablet_and_the_search_palette_are_pictured(stage: Stage, tmp_path: Path) -> None:
    desk = await looking_at(stage, "layla", "light", TABLET)
    await take(desk, tmp_path / "tablet.png")
    await desk.page.keyboard.press("Escape")
    await desk.page.keyboard.press("/")
    await desk.part("search-field").fill("scratch on one leg")
    await expect(desk.part("excerpt")).to_have_count(1)
    await take(desk, tmp_path / "search.png")


async def test_the_merge_dialog_and_what_follows_are_pictured(stage: Stage, gallery: Path, tmp_path: Path) -> None:
    values = {"company": "Lindholm Interiors", "birth_date": "1979-05-21"}
    first = {"name": "Nora Lindholm", "plan": "Business", "tags": ["trade"], "language": "sv"} | values
    await introduce(stage, "Hi, Nora Lindholm here. Is the linen still in stock?", first)
    other = {"name": "Nora Lindhlom", "location": "Malmö", "tags": ["showroom"]} | values
    await introduce(stage, "Nora again, from my other phone. Two metres, please.", other)
    desk = await stage.open_desk(available=False, color_scheme="dark", reduced_motion="reduce")
    await desk.search("Nora Lindholm")
    await expect(desk.part("suggestion")).to_have_count(1, timeout=SUGGESTED_MS)
    await desk.part("compare").click()
    await expect(desk.part("compare-table")).to_be_visible()
    await take(desk, gallery / "desk-merge.png")
    await desk.part("merge-confirm").click()
    await expect(desk.part("identity-hint")).to_be_visible()
    await take(desk, tmp_path / "merged.png")
    await desk.part("hint-unmerge").click()
    await take(desk, tmp_path / "unmerge.png")


async def introduce(stage: Stage, text: str, values: Mapping[str, object]) -> None:
    """Somebody writes once, and a colleague writes down who it is."""
    phone = random_phone()
    await stage.text(phone, text)
    found = await stage.ask("GET", f"customers?q=%2B{phone[1:]}")
    await stage.ask("PATCH", f"customers/{found['items'][0]['id']}", dict(values))


async def test_the_question_who_writes_is_pictured(stage: Stage, tmp_path: Path) -> None:
    phone, _, _ = await shared_number(stage)
    desk = await stage.open_desk(color_scheme="light", reduced_motion="reduce")
    text = random_text("It is me")
    await stage.text(phone, text)
    await desk.accept(text)
    await expect(desk.part("identify")).to_be_visible()
    await take(desk, tmp_path / "identify.png")


async def test_the_chat_of_a_visitor_is_pictured(stage: Stage, gallery: Path) -> None:
    question, answer = (
        f"Hello! Could I have {random_thing()} with round legs?",
        "Yes, at no extra cost. Shall I change it?",
    )
    context = await stage.browser.new_context(viewport={"width": 620, "height": 560}, locale="en-GB")
    async with site_of(stage) as site:
        desk, visitor = await stage.open_desk(), await site.visitor(context)
        await visitor.open()
        await visitor.write(question)
        await desk.accept(question)
        await desk.reply(answer)
        await visitor.write("Please do. When will it be here?")
        await expect(visitor.line("When will it")).to_contain_text("Received")
        await visitor.page.mouse.move(0, 0)
        assert len(await visitor.page.screenshot(path=gallery / "chat.png")) < MOST_BYTES
    await context.close()
