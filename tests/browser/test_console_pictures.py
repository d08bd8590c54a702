"""The pictures of the console in the documentation: taken in every run, kept there only when asked by `--pictures`."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.stage import Stage, random_phone, random_text
from tests.browser.test_console import Console, open_console
from tests.browser.test_pictures import LAYLA, MOST_BYTES, PICTURES

pytestmark = pytest.mark.asyncio(loop_scope="session")
TABLET = {"width": 1000, "height": 768}

RULES = """\
# Whose work goes where. The first rule that holds decides.
rules:
  # Agreed with sales in May.
  - name: VIP and Business
    when:
      any:
        - {field: tags, has_any: [vip]}
        - {field: plan, in: [Business, Trade]} # both are invoiced
    queue: vip
    priority: 80
    agent: {is: last, within: 7d, wait: 60s}
    steps:
      - {after: 2m, queue: general, priority: 90}
    tags: [priority] # shown on the offer

  - name: Money
    when:
      all:
        - {field: text, contains: invoice}
        - {field: channel, in: [sms, email, chat]}
    queue: billing
    priority: 20

  - name: Invoices by text
    when: {field: text, starts: invoice}
    queue: biling

  # Everybody else.
  - name: The rest
    queue: general
cases:
  - name: a VIP
    given: {tags: [vip]}
    queue: vip
  - name: an invoice by mail
    given: {text: "Your invoice 4711", channel: email}
    queue: billing
  - name: a sofa
    given: {text: My sofa has a scratch}
    queue: vip
"""
GOOD = RULES.replace("biling", "billing")


@pytest.fixture
def gallery(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where pictures go."""
    return PICTURES if request.config.getoption("--pictures", default=False) else tmp_path


async def take(console: Console, path: Path) -> None:
    """A picture of the page as it stands, nothing pointed at."""
    await console.page.mouse.move(0, 0)
    assert len(await console.page.screenshot(path=path)) < MOST_BYTES


async def test_the_console_is_pictured_in_both_themes_and_on_a_tablet(
    stage: Stage, gallery: Path, tmp_path: Path
) -> None:
    console = await open_console(stage, color_scheme="light", reduced_motion="reduce")
    await console.write(GOOD)
    await expect(console.part("case")).to_have_count(3)
    await console.part("rule").first.click()
    await take(console, gallery / "console-rules.png")
    await console.write(RULES)
    await expect(console.part("errors")).to_be_visible()
    await console.part("rule").nth(2).click()
    await console.part("theme").click()
    await take(console, tmp_path / "console-rules-dark.png")
    await console.page.set_viewport_size({"width": TABLET["width"], "height": TABLET["height"]})
    await take(console, tmp_path / "console-tablet.png")
    await console.page.set_viewport_size({"width": 1280, "height": 800})
    await console.write(GOOD)
    await console.part("nav-versions").click()
    await expect(console.part("diff")).to_contain_text("VIP and Business")
    await expect(console.part("why-not")).to_contain_text("a sofa")
    await take(console, gallery / "console-versions.png")
    texts = [random_text("A question"), random_text("Hello")]
    desk = await stage.open_desk()
    await stage.text(LAYLA, texts[0])
    await desk.accept(texts[0])
    await stage.text(random_phone(), texts[1])
    await expect(desk.offer.filter(has_text=texts[1])).to_be_visible()
    await console.part("nav-board").click()
    await expect(console.part("board-agents")).to_contain_text("Ringing")
    await (
        console.part("board-agents").get_by_text("Ringing").locator("xpath=ancestor::tr").get_by_role("button").click()
    )
    await take(console, gallery / "console-board.png")
    await console.part("theme").click()
    await take(console, tmp_path / "console-board-light.png")
    for view in ("queues", "agents", "hours", "skills"):
        await console.part(f"nav-{view}").click()
        target = console.part("line").first if view in ("queues", "agents") else console.part("new")
        await target.click()
        await expect(console.part("record").first).to_be_visible()
        await take(console, tmp_path / f"console-{view}.png")
    await console.page.goto(f"{stage.company.urls[0]}/console/#/decisions/layla")
    await console.part("open-decision").first.click()
    await expect(console.part("trace")).to_be_visible()
    await expect(console.part("asked")).to_contain_text("accepted")
    await take(console, tmp_path / "console-decisions.png")
