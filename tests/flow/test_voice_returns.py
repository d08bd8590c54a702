"""Calls that do not go straight: declined, rung in vain, hung up at any moment, reports late and twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.auth import issue_token
from tests.flow.gateway_process import SECONDS
from tests.flow.voice_world import Agent, VoiceWorld, take, voice_world


@pytest_asyncio.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[VoiceWorld]:
    async with voice_world(database_url, tmp_path) as world:
        yield world


async def test_a_declined_call_goes_to_another_while_its_caller_hears_the_music(world: VoiceWorld) -> None:
    await world.set_line(hold_music=["https://music.example.com/a.mp3"])
    first = await world.hire(name="First")
    sid = await world.call(talk=10)
    offer = await first.screen.offer()
    second = await world.hire(name="Second")
    await first.screen.send(type="decline", offer=offer["offer"], ref="no")
    await take(second)
    await world.until_call(lambda call: call["state"] == "ended" and call["outcome"] == "answered")
    line = await world.line(sid)
    assert {"You are next.", "https://music.example.com/a.mp3"} <= set(line["heard"])
    assert [what for _, what in line["history"]].count("joined") == 1
    assert not await world.pool.fetchval("select used_voice from agent_state where agent_id = $1", first.id)


@pytest.mark.parametrize("answer", ["no-answer", "busy", "failed"])
async def test_a_line_that_fails_sends_the_call_to_another_and_its_agent_away(world: VoiceWorld, answer: str) -> None:
    first = await world.hire(name="First")
    await world.wish("line", address=first.client, person={"answer": answer})
    sid = await world.call(talk=10)
    await take(first)
    assert (await first.screen.next("contact_ended"))["reason"] == "leg_failed"
    chosen: Any = await world.pool.fetchrow("select presence, reason from agent_state where agent_id = $1", first.id)
    assert tuple(chosen) == ("away", "leg_failed")
    second = await world.hire(name="Second")
    await take(second)
    ended = await world.until_call(lambda call: call["state"] == "ended")
    assert ended["outcome"] == "answered"
    assert "application error" not in [what for _, what in (await world.line(sid))["history"]]
    await world.free(first)
    await world.free(second)


async def test_a_telephone_takes_a_call_by_a_pressed_digit_only(world: VoiceWorld) -> None:
    mailbox = await world.hire(name="Mailbox", kind="phone", address="+15557770001")
    await world.wish("line", address="+15557770001", person={"digits": ""})
    await world.call(talk=10)
    await take(mailbox)
    assert (await mailbox.screen.next("contact_ended"))["reason"] == "leg_failed"
    present = await world.hire(name="Present", kind="phone", address="+15557770002")
    await world.wish("line", address="+15557770002", person={"digits": "1"})
    await take(present)
    ended = await world.until_call(lambda call: call["state"] == "ended")
    assert ended["outcome"] == "answered"
    reasons = await world.pool.fetch("select reason from call_leg where role = 'agent' order by created_at")
    assert reasons[0]["reason"] == "no_digit"


@pytest.mark.parametrize("late", [0.0, 0.6])
@pytest.mark.parametrize("moment", ["waiting", "offered", "connecting"])
async def test_hanging_up_before_the_bridge_is_a_missed_call_and_nobody_stays_busy(
    world: VoiceWorld, moment: str, late: float
) -> None:
    await world.wish("pace", late=late, twice=0.5 if late else 0.0)
    agent = await world.hire() if moment != "waiting" else None
    sid = await world.call()
    if agent is not None:
        await world.wish("line", address=agent.client, person={"after": 10.0})
        if moment == "offered":
            await agent.screen.offer()
        else:
            await take(agent)
            await world.until_call(lambda call: call["state"] == "connecting")
    else:
        await world.until_call(lambda call: call["state"] == "waiting")
    await world.wish("hang_up", sid=sid)
    ended = await world.until_call(lambda call: call["state"] == "ended")
    assert (ended["outcome"], ended["contact_state"]) == ("abandoned", "abandoned")
    entry = await world.pool.fetchval("select content::text from entry_state where entry_id = $1", ended["entry_id"])
    assert '"abandoned"' in entry
    if agent is not None:
        await world.free(agent)
        told = await world.wish("calls")
        assert all(not room["met"] for room in told["rooms"])


async def test_calls_outlive_a_process_that_is_killed(world: VoiceWorld) -> None:
    await world.wish("pace", pace=0.2)
    await world.set_line(hold_seconds=120)  # so long that nobody asks what to hear while the process is away
    agent = await world.hire()
    talks = await world.call("+15551230001")
    await take(agent)
    await world.until_call(lambda call: call["state"] == "bridged")
    waits = await world.call("+15551230002")
    async with asyncio.timeout(SECONDS):
        while not any("next" in words for words in (await world.line(waits))["heard"]):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await world.gateway.killed_and_started_again()
    assert [call["state"] for call in await world.calls()] == ["bridged", "waiting"]
    async with world.pool.acquire() as connection:
        back = Agent(agent.id, await world.screen(await issue_token(connection, agent.id)))
    await world.wish("hang_up", sid=talks)
    assert (await world.until_call(lambda call: call["state"] == "ended", 0))["outcome"] == "answered"
    await take(back)
    await world.until_call(lambda call: call["state"] == "bridged")
    await world.wish("hang_up", sid=waits)
    await world.until_call(lambda call: call["state"] == "ended")
    await world.free(agent)
    calls = await world.calls()
    assert [(call["outcome"], call["contact_state"]) for call in calls] == [("answered", "closed")] * 2
    assert await world.pool.fetchval("select count(*) from call_leg where state <> 'ended'") == 0


async def test_the_menu_leads_to_a_queue_by_digits_and_to_anybody_without(world: VoiceWorld) -> None:
    deep = {"prompt": "One for new.", "options": {"1": {"title": "New", "queue": "billing"}}}
    options = {"1": {"title": "Sales", "queue": "general"}, "2": {"title": "Bills", "menu": deep}}
    await world.set_line(menu={"prompt": "Press one or two.", "options": options})
    agent = await world.hire("billing")
    await world.call(digits="21", talk=10)
    offer = await agent.screen.offer()
    assert (offer["queue"], offer["preview"]) == ("Billing", "New")
    call = (await world.calls())[0]
    assert list(call["chosen"]) == ["Bills", "New"]
    silent = await world.call("+15551230002", digits="9")
    other = await world.hire("general")
    assert (await other.screen.offer())["queue"] == "General"
    assert (await world.line(silent))["heard"].count("Press one or two.") == 2


async def test_reports_late_twice_and_in_any_order_end_in_the_same_call(world: VoiceWorld) -> None:
    await world.wish("pace", late=0.8, twice=0.7)
    agent = await world.hire()
    await world.call(talk=30)
    await take(agent)
    ended = await world.until_call(lambda call: call["state"] == "ended")
    assert ended["outcome"] == "answered"
    await world.free(agent)
    assert await world.pool.fetchval("select count(*) from call") == 1
    assert await world.pool.fetchval("select count(*) from entry where kind = 'call'") == 1
