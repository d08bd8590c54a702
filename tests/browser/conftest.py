"""One browser and one demo for all browser tests; nothing held and nobody available at the end of each."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from tests.browser.stage import ARGUMENTS, CHROMIUM, Stage, built_page
from tests.outside.demo import Demo

PATIENCE_MS = 20_000


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest tests/browser/test_pictures.py --pictures` takes the pictures of the documentation anew."""
    parser.addoption("--pictures", action="store_true", help="write docs/pictures/*.png")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    if CHROMIUM is None:
        pytest.skip("NOT RUN (needs chromium)")
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        playwright.selectors.set_test_id_attribute("data-test")
        running = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield running
        await running.close()


@pytest.fixture(scope="session")
def demo_folder() -> Iterator[Path]:
    """A folder for the demo, which nothing else uses."""
    folder = Path(tempfile.mkdtemp(prefix="screenpop-browser-"))
    folder.chmod(0o711)  # as root the database server is another user, who has to enter
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def theatre(browser: Browser, demo_folder: Path) -> AsyncIterator[Stage]:
    """The one stage of this run, on a demo of its own. Asks for the browser first: without one nothing need start."""
    if not built_page().is_file():
        pytest.skip("NOT RUN (needs the desk page: npm run build in web/)")
    demo = Demo(demo_folder, processes=1)
    try:
        company = await demo.start()
        stage = Stage(browser, company, demo.pid)
        await stage.prepare()
        yield stage
        demo.remember(company)
    finally:
        await demo.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def stage(theatre: Stage) -> AsyncIterator[Stage]:
    """The stage, swept after the test."""
    yield theatre
    await theatre.sweep()
