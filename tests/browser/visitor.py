"""A company's own page with the chat on it, and a visitor who uses it: another origin, a policy as strict as can be."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import html
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import uuid4

import httpx2
from playwright.async_api import BrowserContext, Locator, Page, expect

from tests.browser.stage import Stage

SECRET = "f0c9ab2e847563d10a0c4d9e17f6b5a2"
OTHER_SECRET = "7a1f5c0c9ab2e84756a0c4d9e17f6b5a"
ADD_ACCOUNT = """
insert into account (id, channel, provider, address, secrets, region, public_url, settings, queue_id)
values ($1, 'chat', 'screenpop', $1, array[$2], 'US', $3, $4::jsonb, 'general')
"""
SAID = """
select body from entry where account_id = $1 and body = any ($2) and direction = 'in' and kind = 'message' order by at
"""
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Oak table</title>
<h1>Oak table</h1><p>Seats six.</p>
<script src="{gateway}/chat/{account}/widget.js"{identity} async></script></html>
"""


class Site:
    """The company's pages: one server, one chat account that lets them embed it."""

    def __init__(self, stage: Stage, origin: str) -> None:
        self.stage, self.origin = stage, origin
        self.gateway = stage.company.urls[0]
        self.account = f"chat-{uuid4().hex[:12]}"
        self.identity: str | None = None
        """What the page's server says who is logged in, if anybody."""

    async def found(self) -> None:
        """Configure the account."""
        settings = {"origins": self.origin, "title": "Ask us", "greeting": "Hello! We usually answer within minutes."}
        async with self.stage.database() as connection:
            url = f"{self.gateway}/hooks/{self.account}"
            await connection.execute(ADD_ACCOUNT, self.account, SECRET, url, json.dumps(settings))
        await self.up()

    @asynccontextmanager
    async def another_secret(self) -> AsyncIterator[str]:
        """Another secret for the account while the block lasts: what the old one signed is nothing any more."""
        await self._set_secret(OTHER_SECRET)
        try:
            yield OTHER_SECRET
        finally:
            await self._set_secret(SECRET)

    async def _set_secret(self, secret: str) -> None:
        async with self.stage.database() as connection:
            await connection.execute("update account set secrets = array[$2] where id = $1", self.account, secret)
        url, asked = f"{self.gateway}/chat/{self.account}/session", {"identity": self.signed(secret=secret, id="u-0")}
        async with httpx2.AsyncClient(trust_env=False) as http, asyncio.timeout(20):
            while True:
                answer = await http.post(url, json=asked)
                if answer.status_code == 200:
                    return
                await asyncio.sleep(0.1)

    async def up(self) -> None:
        """Wait until the gateway serves the widget: an account nobody knew is looked up every two seconds."""
        async with httpx2.AsyncClient(trust_env=False) as http, asyncio.timeout(20):
            while True:
                with suppress(httpx2.TransportError):
                    answer = await http.get(f"{self.gateway}/chat/{self.account}/widget.js")
                    if answer.status_code == 200:
                        return
                await asyncio.sleep(0.1)

    def signed(self, *, secret: str = SECRET, **said: Any) -> str:
        """What the site signs, by docs/reference/chat.md."""
        payload = json.dumps({"exp": int(time.time()) + 3600, **said}).encode()
        encoded = base64.urlsafe_b64encode(payload).rstrip(b"=").decode()
        signed = f"screenpop-identity\n{self.account}\n{encoded}".encode()
        return f"{encoded}.{hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"

    async def said(self, *lines: str) -> list[str]:
        """Which of these lines the gateway has, as often and in the order it has them."""
        async with self.stage.database() as connection:
            return [row["body"] for row in await connection.fetch(SAID, self.account, list(lines))]

    async def has(self, *lines: str) -> None:
        """Wait until it has all of them: each once, in this order."""
        async with asyncio.timeout(20):
            while True:
                found = await self.said(*lines)
                if len(found) >= len(lines):
                    break
                await asyncio.sleep(0.05)
        assert found == list(lines)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request with the page."""
        await reader.readuntil(b"\r\n\r\n")
        identity = f' data-identity="{html.escape(self.identity)}"' if self.identity else ""
        body = PAGE.format(gateway=self.gateway, account=self.account, identity=identity).encode()
        policy = f"default-src 'none'; script-src {self.gateway}; connect-src {self.gateway}; img-src {self.gateway}"
        policy += "; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\nCache-Control: no-store\r\n"
        )
        writer.write(f"{head}Connection: close\r\nContent-Security-Policy: {policy}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    async def visitor(self, context: BrowserContext) -> Visitor:
        """A tab with the page."""
        visitor = Visitor(await context.new_page(), self.origin)
        await visitor.load()
        return visitor


@asynccontextmanager
async def site_of(stage: Stage) -> AsyncIterator[Site]:
    """The company's pages while the block lasts."""
    site: list[Site] = []
    server = await asyncio.start_server(lambda *connection: site[0].serve(*connection), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        site.append(Site(stage, f"http://127.0.0.1:{port}"))
        await site[0].found()
        yield site[0]


class Visitor:
    """One tab. `faults`: what the page's code threw or its policy refused; `told`: what its console said."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.faults: list[str] = []
        self.told: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda message: self.told.append(message.text))

    async def load(self) -> None:
        """The page, until the chat's button is there."""
        await self.page.goto(self.url)
        await expect(self.launch).to_be_visible()

    @property
    def writing(self) -> Locator:
        """The mark of an agent who is writing."""
        return self.page.locator(".writing")

    @property
    def launch(self) -> Locator:
        """The button in the corner."""
        return self.page.locator(".launch")

    @property
    def panel(self) -> Locator:
        """The open chat."""
        return self.page.get_by_role("dialog")

    @property
    def text(self) -> Locator:
        """Where a line is written."""
        return self.page.get_by_label("Your message")

    @property
    def lines(self) -> Locator:
        """Every line's words."""
        return self.page.locator(".line .bubble")

    def on_its_way(self, text: str) -> Locator:
        """A line the gateway has not confirmed."""
        return self.page.locator("[data-pending]").filter(has_text=text)

    def line(self, text: str) -> Locator:
        """A line the gateway has."""
        return self.page.locator("[data-line]").filter(has_text=text)

    async def open(self) -> None:
        """Open the chat."""
        await self.launch.click()
        await expect(self.text).to_be_focused()

    async def write(self, text: str) -> None:
        """Write and send by the keyboard."""
        await self.text.fill(text)
        await self.text.press("Enter")

    async def attach(self, *files: Any) -> None:
        """Choose files, as a path or as `name`, `mimeType` and `buffer`."""
        await self.page.locator('input[type="file"]').set_input_files(files)

    async def sees(self, *lines: str) -> None:
        """Exactly these lines, all of them confirmed."""
        await expect(self.lines).to_have_text(list(lines))
        await expect(self.page.locator("[data-pending]")).to_have_count(0)
