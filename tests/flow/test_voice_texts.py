"""Text during a call: on the timeline at once, no second contact while they talk, and none if it was answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest_asyncio

from tests.flow.house import event, granted
from tests.flow.voice_world import VoiceWorld, take, voice_world

PHONE = "+15551230001"
STATES = "select state, unrouted from contact where class = 'messaging'"


@pytest_asyncio.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[VoiceWorld]:
    async with voice_world(database_url, tmp_path) as world:
        yield world


async def test_who_writes_while_they_talk_waits_for_the_call_and_then_for_the_same_agent(world: VoiceWorld) -> None:
    agent = await world.hire()
    sid = await world.call(PHONE)
    profile = await take(agent)
    await world.until_call(lambda call: call["state"] == "bridged")
    other = await world.hire(name="Other")
    await world.text(PHONE, "my order is 4711")
    while (await event(agent.screen, "entry", profile["feed"]))["entry"]["body"] != "my order is 4711":
        pass
    assert await world.pool.fetchval("select needs_attention from conversation")
    await world.pool.fetchval("select pg_sleep(1.5)")  # longer than the sweep that routes
    assert [tuple(row) for row in await world.pool.fetch(STATES)] == [("new", False)]
    await world.wish("hang_up", sid=sid)
    held = await event(agent.screen, "held")
    while held["held"]["work_class"] != "messaging":
        held = await event(agent.screen, "held")
    assert [frame for frame in await other.screen.quiet() if frame["type"] == "offer"] == []


async def test_what_was_answered_while_they_talked_is_no_work_any_more(world: VoiceWorld) -> None:
    agent = await world.hire()
    sid = await world.call(PHONE)
    profile = await take(agent)
    await world.until_call(lambda call: call["state"] == "bridged")
    await world.text(PHONE, "which number?")
    talk = profile["conversations"][0]["id"]
    while (await event(agent.screen, "entry", profile["feed"]))["entry"]["body"] != "which number?":
        pass
    await granted(
        agent.screen, type="reply", conversation=talk, body="4711", id=str(uuid4()), channel="sms", account="sms-main"
    )
    await world.wish("hang_up", sid=sid)
    await world.until_call(lambda call: call["state"] == "ended")
    assert [row["state"] for row in await world.pool.fetch(STATES)] == ["closed"]
