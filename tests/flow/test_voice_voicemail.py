"""Voicemail: nobody was there in time, or nobody is there at all; what is left is work of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.flow.house import event
from tests.flow.voice_world import VoiceWorld, voice_world

NEVER = {"time_zone": "Europe/Berlin", "open": {}}


@pytest_asyncio.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[VoiceWorld]:
    async with voice_world(database_url, tmp_path) as world:
        yield world


async def test_who_waits_too_long_leaves_word_which_is_offered_with_recording_and_transcript(world: VoiceWorld) -> None:
    await world.set_line(overflow_seconds=5)
    sid = await world.call(speaks=8)
    ended = await world.until_call(lambda call: call["outcome"] == "voicemail")
    assert "Please leave a message after the tone." in (await world.line(sid))["heard"]
    assert ended["contact_state"] == "closed"
    agent = await world.hire()
    offer = await agent.screen.offer()
    await agent.screen.send(type="accept", offer=offer["offer"], ref="take")
    profile = await agent.screen.next("profile")
    word = next(entry for entry in profile["timeline"] if entry["kind"] == "voicemail")
    while word["content"][0]["transcript"] is None:
        word = (await event(agent.screen, "entry_changed"))["entry"]
    assert word["content"][0]["transcript"].startswith("Please call me back")
    assert word["content"][0]["recorded_seconds"] == 8
    assert word["media"][0]["content_type"] == "audio/mpeg"
    assert profile["contact"]["work_class"] == "voicemail"
    used: Any = await world.pool.fetchrow(
        "select used_voice, used_voicemail from agent_state where agent_id = $1", agent.id
    )
    assert tuple(used) == (0, 1)


async def test_a_rule_has_a_caller_leave_word_though_agents_are_free(world: VoiceWorld) -> None:
    rules = '{"rules": [{"name": "night", "voicemail": true}]}'
    await world.pool.execute("insert into rule_set (body) values ($1)", rules)
    agent = await world.hire()
    sid = await world.call(speaks=4)
    ended = await world.until_call(lambda call: call["outcome"] == "voicemail")
    assert "Please leave a message after the tone." in (await world.line(sid))["heard"]
    assert ended["contact_state"] == "closed"
    offers = await world.pool.fetch(
        "select c.class from offer o join contact c on c.id = o.contact_id where o.agent_id = $1", agent.id
    )
    assert "voice" not in [row["class"] for row in offers]


async def test_outside_business_hours_the_voicemail_answers(world: VoiceWorld) -> None:
    await world.set_line(hours=NEVER, closed="We are closed.")
    sid = await world.call(speaks=4)
    await world.until_call(lambda call: call["outcome"] == "voicemail")
    assert (await world.line(sid))["heard"][0] == "We are closed."


async def test_who_hangs_up_at_the_tone_has_left_nothing(world: VoiceWorld) -> None:
    await world.set_line(hours=NEVER)
    await world.call(speaks=0, patience=2)
    ended = await world.until_call(lambda call: call["state"] == "ended")
    assert ended["outcome"] == "abandoned"
    assert await world.pool.fetchval("select count(*) from contact where class = 'voicemail'") == 0


async def test_where_nothing_can_be_left_callers_are_told_to_the_end_and_turned_away(world: VoiceWorld) -> None:
    await world.set_line(hours=NEVER, closed_voicemail=False)
    sid = await world.call()
    ended = await world.until_call(lambda call: call["state"] == "ended")
    assert (ended["outcome"], ended["contact_state"]) == ("turned_away", "abandoned")
    await world.until_over(sid)
    assert (await world.line(sid))["heard"] == ["We are closed at the moment."]
    ordered = await world.pool.fetchval("select count(*) from call_command")
    assert ordered == 0, "an order to hang up cuts the words short"
