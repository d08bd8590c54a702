"""Who is there: reasons to be away and to decline, idle screens, dead networks, and taking the next contact."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
import pytest_asyncio

from gateway.serve import PING_SECONDS, PONG_SECONDS
from gateway.settings import SettingsError, read_settings
from gateway.worker import Worker
from router.needs import Need, intern_need
from router.presence import LEASE
from tests.flow.house import House, ask, denied, event, granted
from tests.flow.rest_client import Api
from tests.flow.screen_world import SUBPROTOCOL, Gateway, Screen, World
from tests.store.invariants import violations

PRESENCE = "select presence, reason from agent_state where agent_id = $1"
IDLE = timedelta(minutes=10)


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with World.opened(database_url) as world, House.opened(world) as house:
        yield house


async def presence(house: House, agent: Api) -> tuple[str, str | None]:
    row = await house.world.pool.fetchrow(PRESENCE, agent.actor.id)
    assert row is not None
    return row["presence"], row["reason"]


async def writes(house: House, *customers: int) -> None:
    """They write, one after the other, and their contacts wait in their queue."""
    for who in customers:
        await house.world.write(house.gateway.hub, who)
    await house.gateway.worker.drain()


async def test_agents_are_away_for_the_reasons_that_are_defined(house: House) -> None:
    admin, agent = await house.hire("Ada", "admin"), await house.hire("Ines")
    screen = await house.screen(agent)
    await admin.put("presence/reasons/paperwork", {"label": "Paperwork", "works": True, "position": 9})
    await granted(screen, type="presence", status="away", reason="paperwork")
    assert await presence(house, agent) == ("away", "paperwork")
    answer = await ask(screen, type="presence", status="away", reason="fishing")
    assert (answer["code"], answer["field"]) == ("invalid", "reason")
    assert "paperwork" in answer["message"]
    assert "missed_offer" not in answer["message"]
    assert await denied(screen, type="presence", status="away", reason="missed_offer") == ("invalid", "reason")
    assert await denied(screen, type="presence", status="available", reason="paperwork") == ("invalid", "reason")
    assert [each["id"] for each in (await agent.get("presence/reasons"))["items"]][-1] == "paperwork"
    await agent.problem("presence/reasons/x", 403, method="PUT", body={"label": "x"})
    assert (await admin.problem("presence/reasons/idle", 409, method="PUT", body={"label": "x"}))["field"] == "id"
    assert (await admin.problem("presence/reasons/A%20B", 422, method="PUT", body={"label": "x"}))["field"] == "id"
    await admin.delete("presence/reasons/paperwork")
    assert await presence(house, agent) == ("away", "paperwork")
    assert await denied(screen, type="presence", status="away", reason="paperwork") == ("invalid", "reason")


async def test_a_decline_says_why_in_the_words_that_are_defined(house: House) -> None:
    admin, agent = await house.hire("Ada", "admin"), await house.hire("Ines")
    screen = await house.screen(agent)
    await admin.put("decline-reasons/not-mine", {"label": "Not my field"})
    await writes(house, 1)
    offer = (await screen.offer())["offer"]
    answer = await ask(screen, type="decline", offer=offer, reason="no time")
    assert (answer["code"], answer["field"]) == ("invalid", "reason")
    assert "not-mine" in answer["message"]
    await granted(screen, type="decline", offer=offer, reason="not-mine")
    assert (await admin.get(f"offers/{offer}"))["reason"] == "not-mine"


async def test_who_does_nothing_at_any_screen_is_away(house: House) -> None:
    pool, gateway = house.world.pool, house.gateway
    idle = Worker(pool, gateway.hub.announce, gateway.process, gateway._never, IDLE)
    agents = [await house.hire(name) for name in ("Idle", "Holds", "Moves", "Came")]
    screens = [await house.screen(agent) for agent in agents]
    await pool.execute("update agent_state set presence_at = now() - $1::interval, idle_since = now() - $1", 2 * IDLE)
    await pool.execute("update screen set active_at = now() - $1::interval", 2 * IDLE)
    await pool.execute("update agent_state set used_messaging = 1 where agent_id = $1", agents[1].actor.id)
    await granted(screens[2], type="active")
    second = await house.screen(agents[3])  # the first of their screens lies there
    kept = "select count(*) from screen where active_at > now() - interval '1 min'"
    async with asyncio.timeout(10):
        while await pool.fetchval(kept) < 2:  # noqa: ASYNC110  # it is kept beside the answer
            await asyncio.sleep(0.01)
    await idle.send_idle_away()
    assert [await presence(house, agent) for agent in agents] == [("away", "idle"), *[("available", None)] * 3]
    assert (await event(screens[0], "presence"))["presence"]["reason"] == "idle"
    assert second is not screens[3]


def test_the_setting_of_idle_is_read_and_refused() -> None:
    assert read_settings({}).idle_away_seconds is None
    assert read_settings({"SCREENPOP_IDLE_AWAY_SECONDS": "900"}).idle_away_seconds == 900
    with pytest.raises(SettingsError, match="SCREENPOP_IDLE_AWAY_SECONDS"):
        read_settings({"SCREENPOP_IDLE_AWAY_SECONDS": "5"})


async def test_a_network_that_dies_silently_is_seen_by_pings(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    assert timedelta(seconds=PING_SECONDS + PONG_SECONDS) <= LEASE
    monkeypatch.setattr("tests.flow.screen_world.PINGS", {"ws_ping_interval": 0.05, "ws_ping_timeout": 0.1})
    agent = await house.hire("Ines")
    connected = "select connected from agent_state where agent_id = $1"
    async with house.world.gateway() as gateway:
        reader, writer = await _mute(gateway, agent.token)
        writer.write(_masked(b'{"type":"hello"}'))
        assert b"welcome" in await reader.readuntil(b"welcome")
        assert await house.world.pool.fetchval(connected, agent.actor.id)
        async with asyncio.timeout(10):
            while await house.world.pool.fetchval(connected, agent.actor.id):  # noqa: ASYNC110  # a database's
                await asyncio.sleep(0.01)
        writer.close()


async def _mute(gateway: Gateway, token: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A websocket client that answers no ping."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    key = base64.b64encode(os.urandom(16)).decode()
    lines = (
        "GET /v1/screen HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\nAuthorization: Bearer {token}\r\n\r\n",
    )
    writer.write("\r\n".join(lines).encode())
    assert b"101" in await reader.readuntil(b"\r\n\r\n")
    return reader, writer


def _masked(text: bytes) -> bytes:
    return bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text


async def take_next(screen: Screen, **more: str) -> tuple[str, str]:
    """Ask for the next; the contact and the name of the reason for the profile."""
    await screen.send(type="next", ref="next", **more)
    frame = await screen.next("profile")
    assert frame["ref"] == "next"
    return frame["contact"]["id"], frame["reason"]


async def test_the_next_is_what_waits_longest_of_what_the_agent_may_have(house: House) -> None:
    pool = house.world.pool
    admin, agent, other = await house.hire("Ada", "admin"), await house.hire("Ines"), await house.hire("Marek")
    await admin.put("presence/reasons/paperwork", {"label": "Paperwork", "works": True})
    screen, theirs = await house.screen(agent), await house.screen(other)
    await pool.execute("update agent_state set presence = 'away', reason = 'break'")
    await writes(house, 1, 2, 3)
    assert await denied(screen, type="next") == ("wrong_state", "presence")
    await granted(screen, type="presence", status="away", reason="paperwork")
    assert await denied(screen, type="next", queue="nowhere") == ("not_found", "queue")
    await pool.execute("insert into queue (id, name) values ('billing', 'Billing')")
    assert await denied(screen, type="next", queue="billing") == ("nothing_waiting", None)
    waiting = [str(row["id"]) for row in await pool.fetch("select id from contact order by arrived_at")]
    await pool.execute(
        "update contact set prefer_agent_id = $2, prefer_until = now() + interval '1 h' where id = $1",
        UUID(waiting[0]),
        other.actor.id,
    )
    assert await take_next(screen, queue="support") == (waiting[1], "accepted")
    entries = "select body, author_id from entry where kind = 'status'"
    assert [tuple(row) for row in await pool.fetch(entries)] == [("accepted", agent.actor.id)]
    await pool.execute("update agent_state set cap_messaging = 1 where agent_id = $1", agent.actor.id)
    assert await denied(screen, type="next") == ("wrong_state", None)
    await pool.execute("update agent_state set reason = 'paperwork' where agent_id = $1", other.actor.id)
    assert await take_next(theirs) == (waiting[0], "accepted")
    assert await take_next(theirs) == (waiting[2], "accepted")
    assert await denied(theirs, type="next") == ("nothing_waiting", None)
    used = "select used_messaging from agent_state where agent_id = any ($1) order by 1"
    assert [row["used_messaging"] for row in await pool.fetch(used, [agent.actor.id, other.actor.id])] == [1, 2]


async def test_the_last_that_waits_goes_to_one_of_two_who_ask(house: House) -> None:
    agents = [await house.hire(name) for name in ("Ines", "Marek")]
    await house.world.pool.execute("update agent_state set presence = 'away', reason = 'paperwork'")
    admin = await house.hire("Ada", "admin")
    await admin.put("presence/reasons/paperwork", {"label": "Paperwork", "works": True})
    screens = [await house.screen(agent) for agent in agents]

    async def asks(screen: Screen, round_: int) -> str:
        await screen.send(type="next", ref=f"{round_}")
        while True:
            frame = await screen.next()
            if frame.get("ref") == f"{round_}" and frame["type"] != "profile":
                return str(frame.get("code", frame["type"]))

    for round_ in range(3):
        await writes(house, round_)
        answers = await asyncio.gather(*(asks(screen, round_) for screen in screens))
        assert sorted(answers) == ["nothing_waiting", "result"]
    held = "select agent_id, count(*) over () as held from contact where state = 'assigned'"
    assert (await house.world.pool.fetch(held))[0]["held"] == 3


async def test_what_rings_at_the_same_moment_is_taken_once(house: House) -> None:
    pool, worker = house.world.pool, house.gateway.worker
    admin, asks, waits = await house.hire("Ada", "admin"), await house.hire("Ines"), await house.hire("Marek")
    await admin.put("presence/reasons/paperwork", {"label": "Paperwork", "works": True})
    screen, _ringing = await house.screen(asks), await house.screen(waits)
    away = "update agent_state set presence = 'away', reason = 'paperwork' where agent_id = $1"
    await pool.execute(away, asks.actor.id)
    await pool.execute("update agent_state set cap_messaging = 100")
    for who in range(1, 7):
        await house.world.write(house.gateway.hub, who)
        await worker._routing.route_waiting()
        await asyncio.gather(ask(screen, type="next"), worker.drain())
    await worker.drain()  # each may have left the last one to the other: the worker looks once more, for that
    async with pool.acquire() as connection:
        assert await violations(connection) == []
    there = "select count(*) filter (where state in ('assigned', 'offered')), count(*) from contact"
    taken, all_ = await pool.fetchrow(there) or (0, 6)
    assert (taken, all_) == (6, 6)


async def test_the_next_call_rings_the_agents_line_once_the_profile_has_left(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, rung = house.world.pool, asyncio.Event()
    agent = await house.hire("Ines")
    screen = await house.screen(agent)
    async with pool.acquire() as connection, connection.transaction():
        need = await intern_need(connection, Need("support", "voice"))
    await house.world.write(house.gateway.hub)
    calls = "update contact set class = 'voice', state = 'queued', queue_id = 'support', need_id = $1, unrouted = false"
    await pool.execute(calls, need)
    monkeypatch.setattr(house.gateway.desk.calls, "connect", lambda _contact: _set(rung))
    contact, _reason = await take_next(screen)
    async with asyncio.timeout(10):
        await rung.wait()
    assert str(await pool.fetchval("select id from contact where agent_id = $1", agent.actor.id)) == contact


async def _set(rung: asyncio.Event) -> None:
    rung.set()
