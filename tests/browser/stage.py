"""What the browser tests play on: the demo, its carrier, a browser, and a company swept clean between two tests."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx2
from playwright.async_api import Browser, BrowserContext

from tests.browser.desk import Desk
from tests.outside.company import Agent, Company
from tests.outside.screen import Screen

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LIVE = ("new", "queued", "offered", "assigned", "wrapping", "parked")
CARRIER_TRIES = 100
HURRIED_BILLING = "update queue set offer_seconds = 5, park_after_seconds = 1 where id = 'billing'"
"""Texts about an invoice go to billing, where neither agents nor customers have time."""

WORDS = (
    "parcel",
    "table",
    "sofa",
    "guarantee",
    "delivery",
    "colour",
    "leg",
    "fabric",
    "lamp",
    "chair",
    "shelf",
    "porch",
)


def random_text(beginning: str = "Hello") -> str:
    """A text nobody has sent before."""
    return f"{beginning}, about the {' '.join(random.sample(WORDS, 3))}, number {random.randrange(10**6):06}"


_unknown = iter(random.sample(range(2000, 10000), 8000))
"""Without repetition: of a hundred numbers drawn one by one, two would be the same person every other run."""


def random_phone() -> str:
    """A number of somebody the company does not know."""
    return f"+1415555{next(_unknown):04}"


class Stage:
    """A running demo seen from outside. Customers write through `text`, agents work in the desks of `open_desk`."""

    def __init__(self, browser: Browser, company: Company, demo_pid: int) -> None:
        self.browser, self.company, self._demo_pid = browser, company, demo_pid
        self._described: dict[str, Any] = json.loads(company.path.read_text())
        self.admin = Agent(**self._described["admin"])
        self._contexts: list[BrowserContext] = []

    @property
    def url(self) -> str:
        """The address of the desk."""
        return f"{self.company.urls[0]}/desk/"

    async def prepare(self) -> None:
        """Make the billing queue impatient, so that timeouts take seconds."""
        async with self.database() as connection:
            await connection.execute(HURRIED_BILLING)

    async def text(self, sender: str, body: str) -> None:
        """Write as a customer: a webhook signed by the carrier, sent again until the gateway has taken it."""
        account = self.company.account
        message = {"url": account.public_url, "from": sender, "to": account.address, "body": body}
        message["sid"] = f"SM{uuid4().hex}"
        async with httpx2.AsyncClient(trust_env=False, timeout=20) as http:
            for _ in range(CARRIER_TRIES):
                answer = await http.post(f"{self._described['carrier_url']}/control/inbound", json=message)
                if answer.json()["status"] == 200:
                    return
                await asyncio.sleep(0.1)  # the gateway is down; a carrier tries again
        raise AssertionError(f"the gateway did not take the webhook; it wrote:\n{self.last_words()}")

    @asynccontextmanager
    async def database(self) -> AsyncIterator[asyncpg.Connection]:
        """What the demo keeps its company in: for what no page can set up in time."""
        connection = await asyncpg.connect(self.company.database_url)
        try:
            yield connection
        finally:
            await connection.close()

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """A request of REST by the administrator."""
        headers = {"Authorization": f"Bearer {self.admin.token}"}
        async with httpx2.AsyncClient(trust_env=False, timeout=20, headers=headers) as http:
            answer = await http.request(method, f"{self.company.urls[0]}/v1/{path}", json=body)
            assert answer.status_code < 400, answer.text
            return answer.json() if answer.content else None

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Kill the gateway; it is started again only when the block ends, however long the page takes to notice."""
        os.kill(self._demo_pid, signal.SIGSTOP)
        try:
            os.kill(self.company.pids[0], signal.SIGKILL)
            yield
        finally:
            os.kill(self._demo_pid, signal.SIGCONT)

    def last_words(self) -> str:
        """The end of the gateway's log."""
        logs = self.company.path.parent.glob("gateway-*.log")
        return "\n".join(log.read_text(errors="replace")[-2000:] for log in logs)

    async def new_desk(self, **options: Any) -> Desk:
        """The page as it opens, in a browser of its own that nobody has signed in with."""
        context = await self.browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB", **options)
        self._contexts.append(context)
        return Desk(await context.new_page(), self.url)

    async def open_desk(self, agent: int | Agent = 0, *, available: bool = True, **options: Any) -> Desk:
        """The desk of an agent who has signed in."""
        desk = await self.new_desk(**options)
        await desk.load()
        await desk.sign_in((self.company.agents[agent] if isinstance(agent, int) else agent).token)
        if available:
            await desk.become("available")
        return desk

    async def admin_screen(self) -> Screen:
        """A screen of the administrator without a page, who may close anybody's conversation."""
        screen = Screen(self.company, self.admin)
        await screen.connect()
        return screen

    async def sweep(self) -> None:
        """Close every page and every conversation, and send the agents home, without the page's help."""
        for context in self._contexts:
            await context.close()
        self._contexts.clear()
        for agent in self.company.agents:
            screen = Screen(self.company, agent)
            await screen.connect()
            await screen.present("offline")
            await screen.drop(politely=True)
        admin = await self.admin_screen()
        for state in LIVE:
            for contact in await self.company.every(f"contacts?state={state}"):
                await admin.ask({"type": "close", "conversation": contact["conversation"]})
        await admin.drop(politely=True)


def built_page() -> Path:
    """Where the build of `web/` has to be."""
    return Path(__file__).resolve().parents[2] / "gateway" / "desk_dist" / "index.html"
