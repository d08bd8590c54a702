"""The console: rules as text and as a form, published from there; versions, decisions, the board, queues."""

from __future__ import annotations

import random
import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.stage import Stage, random_phone, random_text

pytestmark = pytest.mark.asyncio(loop_scope="session")

RULES = """\
# Who asks about money goes to billing.
rules:
  # Invoices first.
  - name: Invoices # agreed in May
    when:
      all:
        - {field: text, contains: invoice} # any language
        - {field: channel, is: sms}
    queue: billing # two people
    priority: 5

  # Everybody else.
  - name: Rest
    queue: general
cases:
  - name: an invoice
    given: {text: my invoice, channel: sms}
    queue: billing # as agreed
  - name: a sofa
    given: {text: my sofa}
    queue: general
"""


class Console:
    """The page of an administrator, signed in."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda said: self.faults.append(said.text) if "Content Security" in said.text else None)

    def part(self, name: str) -> Locator:
        """The elements with this `data-test`."""
        return self.page.get_by_test_id(name)

    async def write(self, text: str) -> None:
        """Put this into the text editor in place of what stands there."""
        await self.part("rules-text").fill(text)

    async def text(self) -> str:
        """What stands in the text editor."""
        return "\n".join(await self.part("rules-text").locator(".cm-line").all_inner_texts())


async def open_console(stage: Stage, view: str = "rules", **options: object) -> Console:
    """The console of the administrator."""
    desk = await stage.new_desk(**options)
    console = Console(desk.page)
    answer = await console.page.goto(f"{stage.company.urls[0]}/console/#/{view}")
    assert answer is not None
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    await console.part("token").fill(stage.admin.token)
    await console.part("sign-in").click()
    await expect(console.part("nav-rules")).to_be_visible()
    return console


async def comments_of(console: Console) -> list[str]:
    return sorted(re.findall("#.*", await console.text()))


async def test_the_form_changes_the_text_and_the_text_the_form_and_no_comment_is_lost(stage: Stage) -> None:
    console = await open_console(stage)
    await console.write(RULES)
    before = await comments_of(console)
    await expect(console.part("rule")).to_have_count(2)
    await console.part("rule").filter(has_text="Invoices").click()
    await console.part("operator").first.select_option("starts")
    await console.part("value").first.fill("Invoice")
    await console.part("priority").fill("7")
    await console.part("queue").select_option("vip")
    await console.part("add-tags").click()
    await console.part("tags").locator("input").fill("money")
    await console.part("tags").locator("input").press("Enter")
    await console.part("add-condition").first.click()
    await console.part("rule-down").click()
    text = await console.text()
    for said in (
        "{field: text, starts: Invoice} # any",
        "priority: 7",
        "vip # two people",
        "tags: [money]",
        "field: channel",
    ):
        assert said in text
    assert text.index("name: Rest") < text.index("name: Invoices # agreed in May")
    assert await comments_of(console) == before
    await console.write(text.replace("name: Rest", "name: All the rest"))
    await expect(console.part("rule").first).to_contain_text("All the rest")
    await console.write(text.replace("rules:", "rules: ["))
    await expect(console.part("fault")).to_contain_text("cannot be read")
    await console.write(text)
    await expect(console.part("rule-form")).to_be_visible()
    assert not console.faults


async def test_a_failing_case_blocks_publishing_and_what_is_published_decides_about_the_next_contact(
    stage: Stage,
) -> None:
    versions = await stage.ask("GET", "rules/versions?limit=1")
    console = await open_console(stage)
    word = f"gondola{random.randrange(10**9)}"
    await console.write(RULES.replace("contains: invoice", f"contains: {word}"))
    await expect(console.part("case").filter(has_text="an invoice")).to_have_attribute("data-passed", "false")
    await expect(console.part("publish")).to_be_disabled()
    await expect(console.part("why-not")).to_contain_text("an invoice")
    await console.write(RULES.replace("contains: invoice", "holds: invoice"))
    await expect(console.part("errors")).to_be_visible()
    await expect(console.part("why-not")).to_contain_text("lint error")
    good = RULES.replace("contains: invoice", f"contains: {word}").replace("my invoice", word)
    await console.write(good.replace("queue: billing # two people", "queue: biling"))
    await console.part("finding").filter(has_text="biling").click()
    await expect(console.part("rules-text")).to_be_focused()
    await expect(console.part("rules-text").locator(".cm-activeLine")).to_contain_text("queue: biling")
    await console.write(good)
    await expect(console.part("publish")).to_be_enabled()
    await console.part("publish").click()
    await console.part("confirm-yes").click()
    await expect(console.part("said")).to_contain_text("is in force")
    phone = random_phone()
    await stage.text(phone, f"Where is {word}?")
    found = await stage.ask("GET", f"customers?q=%2B{phone[1:]}")
    talks = await stage.ask("GET", f"customers/{found['items'][0]['id']}/conversations")
    [contact] = talks["items"][0]["contacts"]
    assert (await stage.ask("GET", f"contacts/{contact['id']}"))["queue"] == "billing"

    # Why: by the contact, then the decision.
    await console.page.goto(f"{stage.company.urls[0]}/console/#/decisions/{contact['id']}")
    await console.part("open-decision").first.click()
    await expect(console.part("decided-rule")).to_have_text("Invoices")
    await expect(console.part("trace-step").first).to_contain_text(f"text contains {word}")

    # Back to what was in force, from the list of versions.
    await console.part("nav-versions").click()
    await expect(console.part("diff")).to_contain_text(word)
    await console.page.locator(f'[data-version="{versions["items"][0]["version"]}"]').click()
    await console.part("roll-back").click()
    await console.part("confirm-yes").click()
    await expect(console.part("said")).to_contain_text("in force again")
    after = await stage.ask("GET", "rules/versions?limit=1")
    assert after["items"][0]["restores"] == versions["items"][0]["version"]
    assert not console.faults


async def test_two_who_write_the_draft_are_told_and_nothing_is_overwritten(stage: Stage) -> None:
    console = await open_console(stage)
    await console.write(RULES)
    await console.part("save").click()
    await expect(console.part("draft-state")).to_contain_text("saved")
    theirs = {"rules": [{"name": "Theirs", "queue": "vip"}]}
    await stage.ask("PUT", "rules/draft", theirs)
    await console.write(RULES.replace("Rest", "Mine"))
    await console.part("save").click()
    await expect(console.part("conflict")).to_contain_text("nothing was overwritten")
    assert (await stage.ask("GET", "rules/draft"))["rules"][0]["name"] == "Theirs"
    assert "name: Mine" in await console.text()
    await expect(console.part("publish")).to_be_disabled()
    await console.part("take-theirs").click()
    await expect(console.part("rule")).to_have_count(1)
    await expect(console.part("rule")).to_contain_text("Theirs")
    await console.part("drop").click()
    await console.part("confirm-yes").click()
    await expect(console.part("draft-state")).to_contain_text("As in force")
    assert not console.faults


async def test_the_board_follows_and_says_when_it_is_old_and_a_queue_is_set(stage: Stage) -> None:
    console = await open_console(stage, "board")
    general = console.part("board-queues").locator('[data-queue="general"]')
    await expect(console.part("freshness")).to_have_attribute("data-stale", "false")
    waiting = int(await general.get_by_test_id("waiting").inner_text())
    await stage.text(random_phone(), random_text())
    await expect(general.get_by_test_id("waiting")).to_have_text(str(waiting + 1))
    await general.get_by_role("button").click()
    await expect(console.part("waiting-contact")).to_have_count(waiting + 1)
    first, second = await stage.open_desk(0), await stage.open_desk(1)
    await expect(general.get_by_test_id("waiting")).to_have_text("0")
    await (
        console.part("board-agents")
        .get_by_text("Ringing")
        .first.locator("xpath=ancestor::tr")
        .get_by_role("button")
        .click()
    )
    ringing = 0 if await first.offer.count() else 1
    await console.part("give").first.select_option(label=stage.company.agents[1 - ringing].name)
    await expect((first, second)[1 - ringing].held).to_have_count(1)
    await console.page.route("**/v1/board*", lambda route: route.abort())
    await expect(console.part("freshness")).to_contain_text("Not live. As it was at")
    await expect(console.part("problem")).to_contain_text("did not answer")

    await console.part("nav-queues").click()
    await console.part("line").filter(has_text="billing").click()
    await console.part("field-offer_seconds").fill("2000")
    await console.part("record-save").click()
    await expect(console.part("record-problem")).to_contain_text("120")
    await console.part("field-offer_seconds").fill("6")
    await console.part("record-save").click()
    await expect(console.part("said")).to_contain_text("Saved")
    assert (await stage.ask("GET", "queues/billing"))["offer_seconds"] == 6
    assert not console.faults


async def test_an_agent_is_told_that_the_console_is_not_theirs(stage: Stage) -> None:
    desk = await stage.new_desk()
    await desk.page.goto(f"{stage.company.urls[0]}/console/")
    await desk.part("token").fill(stage.company.agents[0].token)
    await desk.part("sign-in").click()
    await expect(desk.part("sign-in-error")).to_contain_text("for supervisors and administrators")
