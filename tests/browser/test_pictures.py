"""The pictures of the documentation: taken in every run, kept there only when asked by `--pictures`."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.desk import Desk
from tests.browser.stage import Stage, random_phone

pytestmark = pytest.mark.asyncio(loop_scope="session")
PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
MOST_BYTES = 300_000
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
    """A picture of the page as it stands."""
    await desk.page.mouse.move(0, 0)
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
    await desk.reply_box.fill("I have kept 14:00 to 15:30 for you, with the goods lift.")
    await take(desk, gallery / "desk-profile.png")
