"""A call from ringing to hang-up, through the front door: Twilio's webhooks, the screens, Twilio's REST API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.flow.house import event
from tests.flow.voice_world import VoiceWorld, take, voice_world


@pytest_asyncio.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[VoiceWorld]:
    async with voice_world(database_url, tmp_path) as world:
        yield world


async def test_a_caller_waits_is_offered_and_talks_to_the_agent_who_has_the_profile_first(world: VoiceWorld) -> None:
    await world.set_line(greeting="Welcome to Acme.")
    agent = await world.hire()
    sid = await world.call(talk=20)
    profile = await take(agent)
    call = await world.until_call(lambda call: call["state"] == "bridged")
    assert profile["reason"] == "accepted"
    assert profile["timeline"][0]["kind"] == "call"
    told = await world.wish("calls")
    legs = {line["to"]: line for line in told["lines"]}
    assert sorted([sid, legs[agent.client]["sid"]]) in told["rooms"][0]["met"]
    assert legs["+15005550007"]["heard"][0] == "Welcome to Acme."
    ended = await world.until_call(lambda call: call["state"] == "ended")
    assert (ended["outcome"], ended["contact_state"]) == ("answered", "closed")
    assert call["answered_at"] == ended["answered_at"]
    await world.free(agent)
    last = None
    while last is None or last["content"][0]["state"] != "ended":
        last = (await event(agent.screen, "entry_changed"))["entry"]
    assert last["content"][0]["outcome"] == "answered"
    assert last["content"][0]["agents"] == ["Bo"]
