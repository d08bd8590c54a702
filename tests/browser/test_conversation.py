"""Working with a customer: replies, receipts, unread counts, wrap-up, parking, search."""

from __future__ import annotations

import json
import re

import pytest
from playwright.async_api import WebSocketRoute, expect

from tests.browser.stage import Stage, random_phone, random_text

pytestmark = pytest.mark.asyncio(loop_scope="session")
LAYLA = "+15145550142"


async def test_a_reply_is_delivered_once_and_the_next_text_arrives_by_itself(stage: Stage) -> None:
    desk = await stage.open_desk()
    phone, text, answer, more = random_phone(), random_text(), random_text("Sure"), random_text("Great")
    await stage.text(phone, text)
    await desk.accept(text)
    await desk.reply(answer)
    await expect(desk.receipt(answer)).to_have_text("Delivered")
    await expect(desk.said(answer)).to_have_attribute("data-direction", "out")
    await expect(desk.reply_box).to_have_value("")
    sent = await stage.company.sent_with(answer)
    assert [line["to"] for line in sent] == [phone]
    await stage.text(phone, more)
    await expect(desk.said(more)).to_be_in_viewport()
    await expect(desk.said(more)).to_have_count(1)
    await expect(desk.said(text)).to_have_count(1)


async def test_my_customers_counts_what_is_unread_until_it_is_looked_at(stage: Stage) -> None:
    desk = await stage.open_desk()
    phone, text = random_phone(), random_text()
    await stage.text(phone, text)
    await desk.accept(text)
    await desk.part("home").click()
    for count in ("1", "2"):
        last = random_text(f"Number {count}")
        await stage.text(phone, last)
        await expect(desk.part("group-attention").locator(".pill")).to_have_text(count)
        await expect(desk.held).to_contain_text(last)
    await desk.held.click()
    await expect(desk.said(last)).to_be_in_viewport()
    await expect(desk.held.locator(".pill")).to_have_count(0)
    await expect(desk.part("group-open")).to_be_visible()


async def test_finishing_ends_the_work_and_says_so_in_the_timeline(stage: Stage) -> None:
    desk = await stage.open_desk()
    text = random_text()
    await stage.text(random_phone(), text)
    await desk.accept(text)
    await expect(desk.said("You took this contact")).to_have_count(1)
    await desk.part("finish").click()
    await expect(desk.held).to_have_count(0)
    await expect(desk.said("You finished this contact")).to_be_in_viewport()
    await expect(desk.part("finish")).to_have_count(0)
    await expect(desk.part("capacity-messaging")).to_have_attribute("data-used", "0")


async def test_a_vip_comes_with_her_history_and_leaves_through_wrap_up(stage: Stage) -> None:
    desk = await stage.open_desk()
    text, answer, note = random_text(), random_text("Bonjour"), random_text("For colleagues")
    await stage.text(LAYLA, text)
    await expect(desk.offer).to_contain_text("Layla Haddad")
    await expect(desk.offer).to_contain_text("VIP")
    await desk.accept(text)
    await expect(desk.part("details")).to_contain_text("Studio Haddad")
    await expect(desk.said("Any news about the second table?")).to_have_count(1)
    await desk.reply(answer)
    await expect(desk.receipt(answer)).to_have_text("Delivered")
    await desk.part("finish").click()
    await expect(desk.part("wrap-up")).to_contain_text(re.compile(r"0:(20|1\d)"))
    await expect(desk.part("presence")).to_contain_text(re.compile(r"^.*Wrap-up 0:\d\d · Available$"))
    # The bar is taller than the reply box; the newest entry stays in sight.
    await expect(desk.said("You finished this contact")).to_be_in_viewport()
    await desk.part("wrap-up-note").fill(note)
    await desk.part("wrap-up-done").click()
    await expect(desk.held).to_have_count(0)
    await expect(desk.said(note)).to_have_attribute("data-kind", "note")
    await expect(desk.reply_box).to_be_visible()
    assert await stage.company.sent_with(note, seconds=0) == []


async def test_a_parked_customer_who_writes_comes_back_to_their_agent_by_themselves(stage: Stage) -> None:
    desk = await stage.open_desk()
    phone, text, answer, again = random_phone(), random_text("My invoice"), random_text("Done"), random_text("Thanks")
    await stage.text(phone, text)
    await desk.accept(text)
    await desk.reply(answer)
    await expect(desk.part("group-parked").get_by_test_id("my-customer")).to_have_count(1)
    await expect(desk.part("capacity-messaging")).to_have_attribute("data-used", "0")
    await desk.part("home").click()
    await stage.text(phone, again)
    await expect(desk.said(again)).to_be_visible()
    await expect(desk.offer).to_have_count(0)
    await expect(desk.held).to_have_count(1)
    await expect(desk.held).to_have_attribute("data-state", "assigned")


async def test_a_reply_refused_for_its_rate_waits_and_is_sent_once(stage: Stage) -> None:
    desk = await stage.new_desk()
    refused: list[str] = []

    def between(page: WebSocketRoute) -> None:
        server = page.connect_to_server()

        def from_page(message: str | bytes) -> None:
            frame = json.loads(message)
            if frame["type"] == "reply" and len(refused) < 2:
                refused.append(frame["id"])
                page.send(
                    json.dumps({"type": "error", "code": "rate_limited", "message": "Slow.", "ref": frame["ref"]})
                )
            else:
                server.send(message)

        page.on_message(from_page)

    await desk.page.route_web_socket(re.compile("/v1/screen$"), between)
    await desk.load()
    await desk.sign_in(stage.company.agents[0].token)
    await desk.become("available")
    text, answer = random_text(), random_text("Of course")
    await stage.text(random_phone(), text)
    await desk.accept(text)
    await desk.reply(answer)
    await expect(desk.receipt(answer)).to_have_attribute("data-status", "pending")
    await expect(desk.receipt(answer)).to_have_text("Delivered")
    assert len(refused) == 2
    assert refused[0] == refused[1]
    await expect(desk.part("reply-error")).to_have_count(0)
    await expect(desk.said(answer)).to_have_count(1)
    assert len(await stage.company.sent_with(answer)) == 1


async def test_a_customer_who_opts_out_cannot_be_written_to_from_that_moment(stage: Stage) -> None:
    desk = await stage.open_desk()
    phone, text = random_phone(), random_text()
    await stage.text(phone, text)
    await desk.accept(text)
    await desk.reply_box.fill("A last word")
    await stage.text(phone, "STOP")
    await expect(desk.part("reply-why")).to_contain_text("opted out of sms-main")
    await expect(desk.part("send")).to_be_disabled()
    await stage.text(phone, "START")
    await expect(desk.part("send")).to_be_enabled()


async def test_searching_opens_a_profile_with_its_history_and_its_counts_move_with_new_contacts(stage: Stage) -> None:
    desk = await stage.open_desk(available=False)
    await desk.search("beneš")
    await expect(desk.part("customer-name")).to_have_text("Tomáš Beneš")
    await expect(desk.said("Our invoice 2026-1182 shows the old address.")).to_have_count(1)
    contacts = desk.part("details").locator(".glance dd").first
    before = int(await contacts.inner_text())
    text = random_text()
    await stage.text("+14155550171", text)
    await expect(desk.said(text)).to_be_in_viewport()
    await expect(contacts).to_have_text(str(before + 1))
    await expect(desk.part("waiting")).to_be_visible()
