"""Every fixture of every provider by webhook, then the desk in real Chromium: each entry is there, and pictured.

The pictures go to `.screenpop/pictures/`: they are to be looked at.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import defaultdict
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
from msgspec.structs import replace
from playwright.async_api import Browser, async_playwright, expect
from playwright.async_api import Error as BrowserError

from tests.browser.desk import Desk
from tests.browser.stage import ARGUMENTS, CHROMIUM, built_page
from tests.contract.channels.harness import HarnessBase, harnesses
from tests.contract.channels.post import post
from tests.contract.channels.runner import account_id, add
from tests.outside.company import Company
from tests.outside.verdict import Verdict, compare, missing
from tests.prove_first_light.stage import Stage

PICTURES = Path(__file__).resolve().parents[2] / ".screenpop" / "pictures"
TALL = {"width": 1280, "height": 2400}
ACCOUNTS_KNOWN_SECONDS, READ_SECONDS = 3.0, 8.0
SOON_MS = 6_000
MOST_PAGES = 30
# Whom to look for: the handle that brought what the customer said, and the longest of their words.
CAME = """
select e.account_id as account, k.root_id::text as root, count(*) as entries,
       (array_agg(coalesce(nullif(h.form, ''), h.value) order by h.kind <> 'phone'))[1] as handle,
       (array_agg(left(split_part(e.body, E'\\n', 1), 40) order by length(e.body) desc))[1] as words
  from entry e join customer k on k.id = e.customer_id join handle h on h.id = e.handle_id
 where e.account_id = any ($1) group by 1, 2 order by 1, 3 desc
"""


READ = "all => all.map(one => [one.dataset.entry, one.innerText.trim() || one.querySelector('img, audio, video')?.src])"


async def show(stage: Stage) -> list[Verdict]:
    """Post everything, open everybody, count what is shown."""
    if CHROMIUM is None or not built_page().is_file():
        return [missing("every kind of entry on the desk", "chromium and the built desk")]
    company = await stage.demo(processes=1).start()
    providers = harnesses()
    await _post(company, providers)
    shutil.rmtree(PICTURES, ignore_errors=True)
    PICTURES.mkdir(parents=True)
    connection = await asyncpg.connect(company.database_url)
    try:
        rows = await connection.fetch(CAME, [account_id(name) for name in providers])
    finally:
        await connection.close()
    async with async_playwright() as playwright:
        playwright.selectors.set_test_id_attribute("data-test")
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        try:
            return await _look(browser, company, [dict(row) for row in rows])
        finally:
            await browser.close()


async def _post(company: Company, providers: dict[str, HarnessBase]) -> None:
    connection = await asyncpg.connect(company.database_url)
    try:
        for name, harness in providers.items():
            await add(connection, replace(harness.account, id=account_id(name)))
    finally:
        await connection.close()
    await asyncio.sleep(ACCOUNTS_KNOWN_SECONDS)
    for name, harness in providers.items():
        for request in harness.requests().values():
            await post(company.urls[0], account_id(name), request)
    await asyncio.sleep(READ_SECONDS)  # mail is read after it was answered, files are fetched


async def _look(browser: Browser, company: Company, rows: list[dict[str, object]]) -> list[Verdict]:
    context = await browser.new_context(viewport=TALL, color_scheme="light", reduced_motion="reduce")  # type: ignore[arg-type]
    origin = urlsplit(company.urls[0])
    desk = Desk(await context.new_page(), f"{origin.scheme}://{origin.netloc}/desk/")
    desk.page.set_default_timeout(SOON_MS)
    await desk.load()
    await desk.sign_in(company.admin.token)
    wrong: dict[str, list[str]] = defaultdict(list)
    seen: dict[str, int] = defaultdict(int)
    for number, row in enumerate(rows):
        account = str(row["account"])
        try:
            seen[account] += await _open(desk, company, row, PICTURES / f"{account}-{number}")
        except (AssertionError, BrowserError) as error:
            wrong[account].append(f"{row['handle']}: {str(error).splitlines()[0]}")
    await context.close()
    accounts = sorted({str(row["account"]) for row in rows})
    verdicts = [
        compare(
            f"{account}: every entry is on the desk", f"{seen[account]} entries", wrong[account], "shown and pictured"
        )
        for account in accounts
    ]
    faults = compare("the page threw nothing", f"{len(rows)} customers opened", desk.faults, "nothing")
    return [*verdicts, faults, Verdict("pictures to look at", str(len(rows)), str(PICTURES), True)]


async def _open(desk: Desk, company: Company, row: dict[str, object], picture: Path) -> int:
    """Open a customer by search; how many entries of theirs the page shows. AssertionError: not all of them."""
    expected = {item["id"] for item in await company.every(f"customers/{row['root']}/timeline")}
    try:
        await desk.search(str(row["handle"]), str(row["root"]))
    except BrowserError:  # an address nobody has proven is found by what was said
        await desk.search(str(row["words"]), str(row["root"]))
    await expect(desk.part("timeline").locator("[data-entry]").first).to_be_visible()
    shown: set[str] = set()
    for page in range(MOST_PAGES):
        await desk.page.screenshot(path=f"{picture}-{page}.png")
        found = await desk.part("timeline").locator("[data-entry]").evaluate_all(READ)
        assert all(text for _, text in found), "an entry shows nothing"
        shown |= {entry for entry, _ in found}
        if expected <= shown:
            return len(expected)
        await desk.part("timeline").hover()
        await desk.page.mouse.wheel(0, -TALL["height"] / 2)
        await asyncio.sleep(0.5)
    raise AssertionError(f"{len(expected - shown)} of {len(expected)} entries are not on the page")
