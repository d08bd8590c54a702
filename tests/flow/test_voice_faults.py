"""What a caller must never hear: our own failures. What must change nothing: forged, foreign, repeated requests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from gateway.demo.outside.twilio_twiml import read
from tests.flow.gateway_process import ACCOUNT_SID, Cable
from tests.flow.voice_world import NUMBER, VoiceWorld, take, voice_world

ROWS = "select (select count(*) from call) + (select count(*) from entry) + (select count(*) from contact)"


@pytest_asyncio.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[VoiceWorld]:
    async with voice_world(database_url, tmp_path) as world:
        yield world


def fields(**changes: str) -> dict[str, str]:
    """An incoming call."""
    form = {"CallSid": f"CA{uuid4().hex}", "AccountSid": ACCOUNT_SID, "From": "+15551230009", "To": NUMBER}
    return {**form, "CallStatus": "ringing", "Direction": "inbound", **changes}


async def test_the_same_call_delivered_again_is_the_same_and_hears_the_same(world: VoiceWorld) -> None:
    form = fields()
    answers = [await world.post("voice-main", form) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({answer.text for answer in answers}) == 1
    assert await world.pool.fetchval("select count(*) from call") == 1
    over = {**form, "CallStatus": "completed"}
    for _ in range(2):
        assert (await world.post("voice-main/status", over)).status_code == 200
    rows = await world.pool.fetchval(ROWS)
    assert (await world.post("voice-main/status", {**form, "CallStatus": "ringing"})).status_code == 200
    assert (await world.calls())[0]["outcome"] == "abandoned"
    assert await world.pool.fetchval("select state from call_leg") == "ended"
    assert await world.commands() == []
    assert await world.pool.fetchval(ROWS) == rows


async def test_settings_that_cannot_be_read_are_told_once_and_callers_hear_the_defaults(world: VoiceWorld) -> None:
    await world.set_line(greeting="Hello.", ring_seconds="soon")
    agent = await world.hire()
    caller = await world.call()
    await take(agent)
    await world.until_call(lambda call: call["state"] == "bridged")
    assert "Hello." not in str(await world.line(caller))
    await world.wish("hang_up", sid=caller)
    await world.free(agent)
    alerts = [line for line in world.gateway.log.read_text().splitlines() if "voice_line_alert" in line]
    assert len(alerts) == 1
    assert "ring_seconds" in alerts[0]


async def test_a_hang_up_that_is_reported_before_the_call_ends_it(world: VoiceWorld) -> None:
    form = fields()
    assert (await world.post("voice-main/status", {**form, "CallStatus": "completed"})).status_code == 200
    assert await world.pool.fetchval("select count(*) from call") == 0
    await world.post("voice-main", form)
    assert (await world.calls())[0]["outcome"] == "abandoned"
    assert await world.pool.fetchval("select count(*) from call_early") == 0


async def test_who_hung_up_before_the_agent_came_in_was_not_answered_whatever_is_reported_first(
    world: VoiceWorld,
) -> None:
    await world.wish("pace", pace=1.0)  # the agent's line rings on while the reports are made by hand
    agent = await world.hire()
    await world.wish("line", address=agent.client, person={"after": 60.0})
    await world.post("voice-main", form := fields())
    await take(agent)
    await world.until("select exists (select from call_leg where role = 'agent' and sid is not null)")
    call = (await world.calls())[0]["id"]
    leg = await world.pool.fetchrow("select id, sid from call_leg where role = 'agent'")
    assert leg is not None
    room = {"AccountSid": ACCOUNT_SID, "ConferenceSid": f"CF{uuid4().hex}"}
    mine = {**room, "CallSid": leg["sid"]}
    await world.post(f"voice-main/agent?leg={leg['id']}", {**mine, "CallStatus": "in-progress"})
    came = {**mine, "StatusCallbackEvent": "participant-join", "SequenceNumber": "4"}
    gone = {**room, "CallSid": form["CallSid"], "StatusCallbackEvent": "participant-leave", "SequenceNumber": "3"}
    await world.post(f"voice-main/events?call={call}", came)
    assert (await world.calls())[0]["state"] == "bridged"
    await world.post("voice-main/status", {**form, "CallStatus": "completed"})
    await world.post(f"voice-main/events?call={call}", gone)
    ended = (await world.calls())[0]
    assert (ended["state"], ended["outcome"], ended["answered_at"]) == ("ended", "abandoned", None)
    await world.free(agent)


@pytest.mark.parametrize("step", ["", "/menu?call=x", "/status", "/events?call=x", "/agent?leg=x"])
async def test_what_is_not_proved_to_be_twilios_is_403_and_changes_nothing(world: VoiceWorld, step: str) -> None:
    for signature in ("", "AAAA"):
        assert (await world.post(f"voice-main{step}", fields(), signature)).status_code == 403
    assert await world.pool.fetchval(ROWS) == 0


async def test_steps_of_a_call_that_is_not_there_hang_up_and_make_nothing(world: VoiceWorld) -> None:
    for step in ("menu", "wait", "after", "voicemail"):
        answer = await world.post(f"voice-main/{step}?call={uuid4()}", fields(CallStatus="in-progress"))
        assert [verb.name for verb in read(answer.text)] == ["Hangup"]
    for step in (f"agent?leg={uuid4()}", f"pressed?leg={uuid4()}"):
        answer = await world.post(f"voice-main/{step}", fields(CallStatus="in-progress", Digits="1"))
        assert [verb.name for verb in read(answer.text)] == ["Hangup"]
    assert await world.pool.fetchval(ROWS) == 0


async def test_what_is_genuine_and_unreadable_is_kept_and_lets_the_caller_go(world: VoiceWorld) -> None:
    answer = await world.post("voice-main", fields(To="+15005550999"))
    assert answer.status_code == 200
    assert [verb.name for verb in read(answer.text)] == ["Hangup"]
    assert await world.pool.fetchval("select field from dead_letter") == "To"


async def test_while_the_database_is_away_callers_hear_silence_and_go_on_where_they_were(
    database_url: str, tmp_path: Path
) -> None:
    cable = Cable(database_url)
    await cable.mend()
    async with voice_world(database_url, tmp_path, through=cable.url) as world:
        agent = await world.hire()
        first = await world.post("voice-main", form := fields())
        await cable.cut()
        for step in ("", f"/wait?call={uuid4()}", f"/menu?call={uuid4()}&at=.0", f"/agent?leg={uuid4()}"):
            answer = await world.post(f"voice-main{step}", {**form, "CallStatus": "in-progress"})
            assert answer.status_code == 200
            pause, redirect = read(answer.text)
            assert (pause.name, redirect.text) == ("Pause", f"{world.gateway.url}/hooks/voice-main{step}")
        assert (await world.post("voice-main/status", {**form, "CallStatus": "completed"})).status_code == 503
        await cable.mend()
        await world.gateway.up()
        again = await world.post("voice-main", {**form, "CallStatus": "in-progress"})
        assert again.text == first.text
        assert (await take(agent))["reason"] == "accepted"
    await cable.cut()
