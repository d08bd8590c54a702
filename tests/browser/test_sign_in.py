"""Signing in with a token."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_wrong_token_is_refused_in_words_and_a_right_one_opens_the_desk(stage: Stage) -> None:
    agent = stage.company.agents[0]
    desk = await stage.new_desk()
    await desk.load()
    await desk.part("token").fill("sp_not-a-token")
    await desk.part("sign-in").click()
    await expect(desk.part("sign-in-error")).to_contain_text("This token is not accepted")
    await expect(desk.part("token")).to_be_focused()
    await desk.sign_in(agent.token)
    await expect(desk.part("presence")).to_contain_text(agent.name)
    await expect(desk.part("presence")).to_contain_text("Offline")
    await desk.part("go-available").click()
    await expect(desk.part("presence")).to_contain_text("Available")
    assert agent.token not in desk.page.url
    assert not desk.faults


async def test_a_reload_stays_signed_in_and_signing_out_forgets_everything(stage: Stage) -> None:
    desk = await stage.open_desk(available=False)
    await desk.page.reload()
    await desk.is_("live")
    await desk.part("presence").click()
    await desk.part("sign-out").click()
    await expect(desk.part("token")).to_be_visible()
    assert stage.company.agents[0].token not in await desk.page.evaluate("JSON.stringify(sessionStorage)")
    await desk.page.reload()
    await expect(desk.part("token")).to_be_visible()
