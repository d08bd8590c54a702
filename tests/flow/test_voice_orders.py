"""What agents and supervisors do with a call: hold, recording, handing on, listening in, and calls of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.flow.house import denied, event, granted
from tests.flow.voice_world import Agent, VoiceWorld, take, voice_world


@pytest_asyncio.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[VoiceWorld]:
    async with voice_world(database_url, tmp_path) as world:
        yield world


async def talking(world: VoiceWorld, agent: Agent, **person: Any) -> tuple[str, str]:
    """A caller who talks to this agent: the sid of their line, and the contact."""
    sid = await world.call(**person)
    contact = (await take(agent))["contact"]["id"]
    await world.until_call(lambda call: call["state"] == "bridged" and call["conference"] is not None)
    return sid, contact


async def seat(world: VoiceWorld, sid: str) -> Any:
    """How a line sits in its conference; None while it is in none."""
    for room in (await world.wish("calls"))["rooms"]:
        if sid in room["there"]:
            return room["there"][sid]
    return None


async def until_seat(world: VoiceWorld, sid: str, **as_is: Any) -> None:
    """Return when this line sits so."""
    async with asyncio.timeout(20):
        while True:
            there = await seat(world, sid)
            if there is not None and as_is.items() <= there.items():
                return
            await asyncio.sleep(0.02)


async def line_to(world: VoiceWorld, address: str) -> Any:
    """The newest line to this address."""
    async with asyncio.timeout(20):
        while True:
            found = [line for line in (await world.wish("calls"))["lines"] if line["to"] == address]
            if found:
                return found[-1]
            await asyncio.sleep(0.02)


async def test_a_caller_on_hold_hears_music_until_the_agent_is_back(world: VoiceWorld) -> None:
    agent = await world.hire()
    sid, contact = await talking(world, agent)
    await granted(agent.screen, type="call", contact=contact, action="hold")
    await until_seat(world, sid, hold=True)
    await world.until_call(lambda call: call["on_hold"])
    await granted(agent.screen, type="call", contact=contact, action="unhold")
    await until_seat(world, sid, hold=False)
    await granted(agent.screen, type="call", contact=contact, action="hang_up")
    ended = await world.until_call(lambda call: call["state"] == "ended")
    assert ended["outcome"] == "answered"
    await world.until_over(sid)


async def test_a_call_is_recorded_from_the_bridge_with_pauses_and_can_be_heard_on_the_timeline(
    world: VoiceWorld,
) -> None:
    await world.set_line(record=True)
    agent = await world.hire()
    sid, contact = await talking(world, agent)
    await world.until_call(lambda call: call["recording_state"] == "running")
    await granted(agent.screen, type="call", contact=contact, action="pause_recording")
    await world.until_call(lambda call: call["recording_state"] == "paused")
    await granted(agent.screen, type="call", contact=contact, action="resume_recording")
    await world.until_call(lambda call: call["recording_state"] == "running")
    history = [what for _, what in (await world.line(sid))["history"]]
    assert [what for what in history if what.startswith("recording")] == ["recording paused", "recording in-progress"]
    await world.wish("hang_up", sid=sid)
    await world.until_call(lambda call: call["recording_state"] == "done")
    entry: Any = None
    while entry is None or not entry["media"]:
        entry = (await event(agent.screen, "entry_changed"))["entry"]
    while entry["media"][0]["state"] == "pending":
        entry = (await event(agent.screen, "entry_changed"))["entry"]
    assert (entry["media"][0]["content_type"], entry["media"][0]["state"]) == ("audio/mpeg", "stored")


async def test_a_blind_transfer_rings_the_other_while_the_caller_hears_music(world: VoiceWorld) -> None:
    sender = await world.hire(name="Sender")
    sid, contact = await talking(world, sender)
    other = await world.hire(name="Other")
    await granted(sender.screen, type="transfer", contact=contact, to={"agent": str(other.id)})
    await until_seat(world, sid, hold=True)
    await world.free(sender)
    await take(other)
    await world.until_call(lambda call: call["state"] == "bridged" and call["agent_id"] == other.id)
    await until_seat(world, sid, hold=False)
    told = await world.wish("calls")
    theirs = (await line_to(world, other.client))["sid"]
    assert sorted([sid, theirs]) in told["rooms"][-1]["met"]


async def test_a_blind_transfer_that_is_declined_comes_back_to_its_sender(world: VoiceWorld) -> None:
    sender = await world.hire(name="Sender")
    _, contact = await talking(world, sender)
    other, third = await world.hire(name="Other"), await world.hire(name="Third")
    await granted(sender.screen, type="transfer", contact=contact, to={"agent": str(other.id)})
    offer = await other.screen.offer()
    await other.screen.send(type="decline", offer=offer["offer"], ref="no")
    await other.screen.next("offer_ended")
    pending = "select agent_id from offer where state = 'pending' and contact_id = $1::text::uuid"
    await world.until(f"select exists ({pending})", contact)
    assert await world.pool.fetchval(pending, contact) == sender.id
    assert [frame for frame in await third.screen.quiet() if frame["type"] == "offer"] == []


async def test_a_call_goes_to_another_queue_or_an_outside_number(world: VoiceWorld) -> None:
    sender, billing = await world.hire(name="Sender"), await world.hire("billing", name="Bills")
    _, contact = await talking(world, sender)
    await granted(sender.screen, type="transfer", contact=contact, to={"queue": "billing"})
    await take(billing)
    await world.until_call(lambda call: call["state"] == "bridged" and call["agent_id"] == billing.id)
    to, note = {"number": "+1 555 888 0001"}, "Ask for the forwarder."
    await granted(billing.screen, type="transfer", contact=contact, to=to, note=note)
    assert await world.pool.fetchval("select body from entry where kind = 'note'") == note
    await world.free(billing)
    call = await world.until_call(lambda call: call["contact_state"] == "closed")
    assert call["state"] == "bridged"
    outside = (await line_to(world, "+15558880001"))["sid"]
    await world.wish("hang_up", sid=outside)
    ended = await world.until_call(lambda call: call["state"] == "ended")
    assert ended["outcome"] == "answered"


async def test_warm_the_sender_stays_until_the_other_is_there(world: VoiceWorld) -> None:
    sender, other = await world.hire(name="Sender"), await world.hire("billing", name="Other")
    sid, contact = await talking(world, sender)
    await granted(sender.screen, type="transfer", contact=contact, to={"agent": str(other.id)}, warm=True)
    theirs = (await take(other))["contact"]["id"]
    await until_seat(world, (await line_to(world, other.client))["sid"])
    assert await seat(world, sid) is not None
    assert (await world.calls())[-1]["agent_id"] == sender.id
    await granted(sender.screen, type="call", contact=contact, action="hang_up")
    passed = await world.until_call(lambda call: call["agent_id"] == other.id)
    assert (passed["state"], str(passed["contact_id"])) == ("bridged", theirs)
    await world.free(sender)
    await granted(other.screen, type="call", contact=theirs, action="hang_up")
    await world.until_call(lambda call: call["state"] == "ended")
    await world.free(other)


async def test_warm_and_declined_the_sender_keeps_the_call_and_nobody_else_is_asked(world: VoiceWorld) -> None:
    sender, other = await world.hire(name="Sender"), await world.hire(name="Other")
    third = await world.hire(name="Third")
    await world.pool.execute("update agent_state set presence = 'away' where agent_id = any ($1)", [other.id, third.id])
    _, contact = await talking(world, sender)
    await world.pool.execute(
        "update agent_state set presence = 'available' where agent_id = any ($1)", [other.id, third.id]
    )
    more = {"warm": True, "note": "An old friend."}
    await granted(sender.screen, type="transfer", contact=contact, to={"agent": str(other.id)}, **more)
    offer = await other.screen.offer()
    assert (offer["handed_by"], offer["note"]) == ("Sender", "An old friend.")
    await other.screen.send(type="decline", offer=offer["offer"], ref="no")
    await world.until_call(lambda call: call["consult_id"] is None)
    assert (await world.calls())[-1]["state"] == "bridged"
    assert [frame for frame in await third.screen.quiet() if frame["type"] == "offer"] == []
    await granted(sender.screen, type="transfer", contact=contact, to={"agent": str(third.id)}, warm=True)
    await third.screen.offer()
    await granted(sender.screen, type="call", contact=contact, action="cancel_transfer")
    assert (await third.screen.next("offer_ended"))["outcome"] == "rescinded"
    await world.free(third)


async def test_a_supervisor_listens_coaches_and_joins_and_an_agent_may_not(world: VoiceWorld) -> None:
    agent, boss = await world.hire(), await world.boss()
    _, contact = await talking(world, agent)
    assert await denied(agent.screen, type="call", contact=contact, action="listen") == ("forbidden", "action")
    await granted(boss.screen, type="call", contact=contact, action="listen")
    mine = (await line_to(world, boss.client))["sid"]
    await until_seat(world, mine, muted=True, coach=None)
    theirs = (await line_to(world, agent.client))["sid"]
    await world.until("select state = 'joined' from call_leg where sid = $1", mine)
    await granted(boss.screen, type="call", contact=contact, action="coach")
    await until_seat(world, mine, muted=False, coach=theirs)
    await granted(boss.screen, type="call", contact=contact, action="join")
    await until_seat(world, mine, muted=False, coach=None)
    await granted(boss.screen, type="call", contact=contact, action="leave")
    await world.until("select state = 'ended' from call_leg where sid = $1", mine)
    assert (await world.calls())[-1]["state"] == "bridged"


async def test_an_agent_calls_a_customer_from_their_profile(world: VoiceWorld) -> None:
    agent = await world.hire()
    await world.call(talk=5)
    customer = (await take(agent))["customer"]["id"]
    await world.until_call(lambda call: call["state"] == "ended")
    await world.free(agent)
    await world.wish("line", address="+15551230001", person={"talk": 20})
    mine = "0196f3c2-0000-7000-8000-000000000001"
    await granted(agent.screen, type="dial", customer=customer, to="+15551230001", id=mine)
    await granted(agent.screen, type="dial", customer=customer, to="+15551230001", id=mine)
    assert await denied(
        agent.screen, type="dial", customer=customer, to="+15551230001", id="0196f3c2-0000-7000-8000-000000000002"
    ) == ("wrong_state", "customer")
    ended = await world.until_call(lambda call: call["direction"] == "out" and call["state"] == "ended")
    assert (ended["outcome"], ended["contact_state"]) == ("answered", "closed")
    await world.free(agent)
    await world.wish("line", address="+15551230001", person={"answer": "busy"})
    await granted(
        agent.screen, type="dial", customer=customer, to="+15551230001", id="0196f3c2-0000-7000-8000-000000000003"
    )
    await world.until("select count(*) = 3 from call where state = 'ended'")
    ended = (await world.calls())[-1]
    assert ended["outcome"] == "unanswered"
    await world.free(agent)
    assert await denied(agent.screen, type="dial", customer=customer, to="+15550000000", id=mine[:-1] + "9") == (
        "no_handle",
        "to",
    )
