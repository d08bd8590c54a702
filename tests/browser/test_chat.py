"""The web chat in real Chromium, on a page of another origin with a strict policy; its agent at the desk (C7).

The network goes away, the gateway is killed, answers are lost, tabs are two: what was written is there once, in order.
"""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Route, expect

from gateway.chat_widget import SCRIPT
from tests.browser.stage import Stage, random_phone, random_text
from tests.browser.visitor import Site, Visitor, site_of

pytestmark = pytest.mark.asyncio(loop_scope="session")
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cfc0f01f00050001ff"
    "56c72f0d0000000049454e44ae426082"
)
MOST_PACKED = 20_000
TOO_LARGE = 25 * 1024 * 1024 + 1
SMALL = {"width": 360, "height": 640}
ROOTS = """
select count(distinct c.root_id) from entry e join customer c on c.id = e.customer_id where e.body = any ($1)
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site(theatre: Stage) -> AsyncIterator[Site]:
    """The company's page."""
    async with site_of(theatre) as site:
        yield site


@pytest_asyncio.fixture(loop_scope="session")
async def context(stage: Stage, site: Site) -> AsyncIterator[BrowserContext]:
    """A browser that has not been here."""
    site.identity = None
    context = await stage.browser.new_context(viewport={"width": 1000, "height": 720}, locale="en-GB")
    yield context
    await context.close()


def picture(name: str) -> dict[str, object]:
    """A picture somebody chooses."""
    return {"name": name, "mimeType": "image/png", "buffer": PNG}


def quiet(*visitors: Visitor) -> None:
    """No page threw, and no content policy was in the way."""
    assert [fault for visitor in visitors for fault in visitor.faults] == []
    assert [text for visitor in visitors for text in visitor.told if "Content Security" in text] == []


async def test_a_talk_there_and_back_over_a_reload_with_files_and_receipts(
    stage: Stage, site: Site, context: BrowserContext
) -> None:
    desk, visitor = await stage.open_desk(), await site.visitor(context)
    await visitor.open()
    await expect(visitor.panel).to_contain_text("We usually answer within minutes")
    question, answer, later = random_text("Is it oak"), random_text("Yes"), random_text("By the way")
    await visitor.page.get_by_label("Name (optional)").fill("Mina Sol")
    await visitor.write(question)
    await expect(visitor.line(question)).to_contain_text("Received")
    await desk.accept(question)
    await desk.reply(answer)
    await expect(visitor.line(answer)).to_be_visible()
    await expect(desk.receipt(answer)).to_contain_text("Read")

    await visitor.page.keyboard.press("Escape")
    await expect(visitor.panel).to_have_count(0)
    await desk.reply(later)
    await expect(visitor.launch).to_have_attribute("aria-label", "Open the chat, 1 new message")
    await expect(desk.receipt(later)).to_contain_text("Delivered")
    await visitor.load()
    await expect(visitor.launch).to_have_attribute("aria-label", "Open the chat, 1 new message")
    await visitor.open()
    await visitor.sees(question, answer, later)
    await expect(desk.receipt(later)).to_contain_text("Read")

    await visitor.attach(picture("scratch.png"))
    await expect(desk.part("timeline").locator("img")).to_have_count(1)
    await expect(visitor.panel.get_by_role("img", name="scratch.png")).to_have_js_property("complete", True)
    await desk.part("attach-input").set_input_files(
        {"name": "oil.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4"}
    )
    await desk.reply_box.fill(random_text("How to oil it"))
    await expect(desk.part("send")).to_be_enabled()  # the file is up
    await desk.reply_box.press("Control+Enter")
    await expect(visitor.panel.get_by_role("link", name="oil.pdf")).to_be_visible()
    await site.has(question)
    quiet(visitor)


async def test_who_is_writing_is_seen_on_the_other_side_until_the_line_comes(
    stage: Stage, site: Site, context: BrowserContext
) -> None:
    desk, visitor = await stage.open_desk(), await site.visitor(context)
    await visitor.open()
    question, more, answer = random_text("Is it oak"), random_text("And the legs"), random_text("Yes")
    await visitor.write(question)
    await desk.accept(question)
    await expect(desk.part("aware")).to_be_empty()
    await visitor.text.press_sequentially(more)
    await expect(desk.part("aware")).to_contain_text("is typing")
    await visitor.text.press("Enter")
    await expect(desk.said(more)).to_be_visible()
    await expect(desk.part("aware")).to_be_empty()

    await expect(visitor.writing).to_be_hidden()
    await desk.reply_box.press_sequentially(answer)
    await expect(visitor.writing).to_be_visible()
    await expect(visitor.panel.locator(".away[role=status]")).to_have_text("Writing…")
    await desk.reply_box.press("Control+Enter")
    await expect(visitor.line(answer)).to_be_visible()
    await expect(visitor.writing).to_be_hidden()
    await visitor.sees(question, more, answer)
    quiet(visitor)


async def test_a_colleague_who_looks_sees_who_is_writing_a_note(stage: Stage) -> None:
    phone, text = random_phone(), random_text()
    desk, colleague = await stage.open_desk(), await stage.open_desk(1, available=False)
    await stage.text(phone, text)
    await desk.accept(text)
    await colleague.search(phone)
    await expect(colleague.said(text)).to_be_visible()
    await desk.part("mode-note").click()
    await desk.part("note-text").press_sequentially("Knows the shop")
    aware = colleague.part("aware")
    await expect(aware).to_have_text(re.compile(rf"{stage.company.agents[0].name} is typing a note$"))
    assert await aware.evaluate("line => line.closest('[aria-live], [role=status], [role=log]')") is None
    await expect(desk.part("aware")).to_be_empty()
    await desk.part("note-text").press("Control+Enter")
    await expect(colleague.said("Knows the shop")).to_be_visible()
    await expect(aware).to_be_empty()
    assert not desk.faults + colleague.faults


async def test_what_is_written_without_network_arrives_once_and_in_order(
    stage: Stage, site: Site, context: BrowserContext
) -> None:
    visitor = await site.visitor(context)
    await visitor.open()
    first, *unsent = [random_text(f"Line {number}") for number in range(5)]
    await visitor.write(first)
    await visitor.sees(first)
    await context.set_offline(True)
    await expect(visitor.panel).to_contain_text("You are offline")
    for line in unsent[:2]:
        await visitor.write(line)
        await expect(visitor.on_its_way(line)).to_contain_text("Waiting to be sent")
    lost = asyncio.Event()

    async def lose_the_answer(route: Route) -> None:
        await route.fetch()
        await route.abort()
        lost.set()

    await visitor.page.route("**/hooks/**", lose_the_answer, times=1)
    await visitor.page.route("**/stream", lambda route: route.abort(), times=2)  # which would tell that it was taken
    await context.set_offline(False)
    await asyncio.wait_for(lost.wait(), 10)
    await visitor.sees(first, *unsent[:2])
    with stage.outage():
        for line in unsent[2:]:
            await visitor.write(line)
        await expect(visitor.panel).to_contain_text("You are offline")
        await visitor.page.close()
    await site.up()
    again = await site.visitor(context)
    await again.open()
    await again.sees(first, *unsent)
    await site.has(first, *unsent)
    quiet(visitor, again)


async def test_two_tabs_that_open_at_once_are_one_visitor(stage: Stage, site: Site, context: BrowserContext) -> None:
    one, two = await site.visitor(context), await site.visitor(context)
    await one.page.evaluate("screenpopChat.open()")
    await two.page.evaluate("screenpopChat.open()")
    lines = [random_text("From the first tab"), random_text("From the second"), random_text("From the first again")]
    for tab, line in zip((one, two, one), lines, strict=True):
        await tab.write(line)
        await expect(one.line(line)).to_have_count(1)
        await expect(two.line(line)).to_have_count(1)
    await one.sees(*lines)
    await two.sees(*lines)
    async with stage.database() as connection:
        assert await connection.fetchval(ROOTS, lines) == 1
    quiet(one, two)


async def test_whom_the_site_signs_is_the_customer_we_know_and_nobody_after_logging_out(
    stage: Stage, site: Site, context: BrowserContext
) -> None:
    phone, texted, before, signed = random_phone(), random_text(), random_text("Anonymous"), random_text("Logged in")
    await stage.text(phone, texted)
    visitor = await site.visitor(context)
    await visitor.open()
    await visitor.write(before)
    await visitor.sees(before)
    site.identity = site.signed(id=f"u-{phone}", name="Rosa Keller", phone=phone)
    await visitor.load()
    await visitor.open()
    await visitor.sees(before)
    await expect(visitor.page.get_by_label("Name (optional)")).to_be_hidden()
    await visitor.write(signed)
    await visitor.sees(before, signed)
    async with stage.database() as connection:
        assert await connection.fetchval(ROOTS, [texted, before, signed]) == 1
    await visitor.load()
    await visitor.open()
    await visitor.sees(before, signed)
    await visitor.page.evaluate("screenpopChat.identify()")
    await visitor.sees()
    await visitor.page.evaluate("identity => screenpopChat.identify(identity)", site.identity)
    await visitor.sees(before, signed)
    quiet(visitor)


async def test_whose_identity_ends_in_the_middle_is_not_told_as_somebody_else(
    stage: Stage, site: Site, context: BrowserContext
) -> None:
    person = {"id": random_phone(), "name": "Tom Abel"}
    site.identity = site.signed(**person)
    visitor = await site.visitor(context)
    await visitor.open()
    before, after = random_text("Signed in"), random_text("Signed out meanwhile")
    await visitor.write(before)
    await visitor.sees(before)
    site.identity = None
    async with site.another_secret() as secret:
        await visitor.write(after)
        await expect(visitor.panel).to_contain_text("You were signed out")
        await expect(visitor.on_its_way(after)).to_contain_text("Waiting to be sent")
        assert await site.said(after) == []
        await visitor.page.evaluate(
            "identity => screenpopChat.identify(identity)", site.signed(secret=secret, **person)
        )
        await visitor.sees(before, after)
        await site.has(before, after)


async def test_an_identity_that_is_not_the_sites_is_told_to_its_developer(site: Site, context: BrowserContext) -> None:
    site.identity = site.signed(id="u-1", phone="+14155550123", secret="0" * 32)
    visitor = await site.visitor(context)
    await visitor.open()
    line = random_text("Nobody in particular")
    await expect(visitor.page.get_by_label("Name (optional)")).to_be_visible()
    await visitor.write(line)
    await visitor.sees(line)
    assert any("data-identity is not signed for this account" in text for text in visitor.told)
    quiet(visitor)


async def test_what_is_refused_says_so_beside_it_and_can_be_tried_again(
    site: Site, context: BrowserContext, tmp_path: Path
) -> None:
    visitor = await site.visitor(context)
    await visitor.open()
    large = tmp_path / "film.mov"
    with large.open("wb") as film:
        film.truncate(TOO_LARGE)
    await visitor.attach(str(large))
    await expect(visitor.panel.get_by_role("alert")).to_contain_text(
        "film.mov cannot be sent: a file may have up to 25 MB"
    )
    await expect(visitor.lines).to_have_count(0)
    line = random_text("Refused at first")
    await visitor.page.route(
        "**/hooks/**", lambda route: route.fulfill(status=400, headers={"Access-Control-Allow-Origin": "*"}), times=2
    )
    await visitor.write(line)
    await expect(visitor.on_its_way(line).get_by_role("alert")).to_contain_text("Not sent.")
    await visitor.load()  # it is still there
    await visitor.open()
    await visitor.on_its_way(line).get_by_role("button", name="Try again").click()
    await visitor.sees(line)
    await site.has(line)


async def test_it_is_used_by_the_keyboard_alone_on_a_small_screen(site: Site, context: BrowserContext) -> None:
    visitor = await site.visitor(context)
    await visitor.page.set_viewport_size(SMALL)  # type: ignore[arg-type]
    keys = visitor.page.keyboard
    await keys.press("Tab")
    await expect(visitor.launch).to_be_focused()
    await keys.press("Enter")
    await expect(visitor.text).to_be_focused()
    box = await visitor.panel.bounding_box()
    assert box is not None
    assert (round(box["width"]), round(box["height"])) == (SMALL["width"], SMALL["height"])
    line = random_text("Typed")
    await keys.type(f"{line}")
    await keys.press("Shift+Enter")
    await keys.type("second row")
    await keys.press("Enter")
    await expect(visitor.line(line)).to_contain_text("second row")
    assert re.search(rf"You:\s+{line}", await visitor.page.get_by_role("log").inner_text())
    await keys.press("Escape")
    await expect(visitor.launch).to_be_focused()
    quiet(visitor)


async def test_the_demo_has_a_page_to_try_it(stage: Stage, context: BrowserContext) -> None:
    visitor = Visitor(await context.new_page(), f"{stage.company.urls[0]}/chat/chat-main/demo")
    await visitor.load()
    await visitor.open()
    await expect(visitor.panel).to_contain_text("Ask us")
    quiet(visitor)


async def test_the_script_is_small() -> None:
    if not SCRIPT.is_file():
        pytest.skip("NOT RUN (needs the widget: npm run build in web/)")
    assert len(gzip.compress(SCRIPT.read_bytes(), 9)) < MOST_PACKED
