"""One page of an agent. Everything is found by `data-test`, everything awaited by Playwright's `expect`."""

from __future__ import annotations

import re
from typing import Literal

from playwright.async_api import Locator, Page, expect

BACK_MS = 20_000
"""A gateway starts anew and the page finds it: the longest wait of these tests."""


class Desk:
    """Signs in, answers offers, writes; what is then to be seen is asked of its parts."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.faults: list[str] = []
        """What the page's own code threw."""
        page.on("pageerror", lambda error: self.faults.append(str(error)))

    def part(self, name: str) -> Locator:
        """The elements with this `data-test`."""
        return self.page.get_by_test_id(name)

    @property
    def offer(self) -> Locator:
        """What rings."""
        return self.part("offer")

    @property
    def held(self) -> Locator:
        """The lines of My Customers."""
        return self.part("my-customer")

    @property
    def reply_box(self) -> Locator:
        """Where a reply is written."""
        return self.part("reply-text")

    def said(self, text: str) -> Locator:
        """Entries of the open timeline that say this."""
        return self.part("timeline").locator('[data-test="entry"]').filter(has_text=text)

    def receipt(self, text: str) -> Locator:
        """What became of a reply."""
        return self.said(text).get_by_test_id("receipt")

    async def load(self) -> None:
        """Open the page."""
        await self.page.goto(self.url)

    async def sign_in(self, token: str) -> None:
        """Enter a token and wait until the desk is live."""
        await self.part("token").fill(token)
        await self.part("sign-in").click()
        await self.is_("live")

    async def is_(self, state: Literal["live", "offline"]) -> None:
        """Wait for what the connection chip says."""
        await expect(self.part("connection")).to_have_attribute("data-state", state, timeout=BACK_MS)

    async def become(self, status: str) -> None:
        """Choose a presence; `status` as in the menu's `data-test`."""
        await self.part("presence").click()
        await self.part(f"presence-{status}").click()
        await expect(self.part("presence")).to_contain_text(re.compile(status.split("-")[0], re.IGNORECASE))

    async def accept(self, text: str) -> None:
        """Take the offer that previews `text` and wait for its profile."""
        await self.offer.filter(has_text=text).get_by_test_id("accept").click()
        await expect(self.said(text)).to_be_visible()

    async def reply(self, text: str) -> None:
        """Write and send."""
        await self.reply_box.fill(text)
        await self.reply_box.press("Control+Enter")

    async def search(self, text: str, customer: str | None = None) -> None:
        """Look for a customer and open this one, or the first found; whoever was writing leaves the text first."""
        await self.page.keyboard.press("Escape")
        await self.page.keyboard.press("/")
        palette = self.part("dialog-search")
        await palette.get_by_test_id("search-field").fill(text)
        found = palette.get_by_test_id("search-result")
        await (palette.locator(f'[data-customer="{customer}"]') if customer else found).first.click()
