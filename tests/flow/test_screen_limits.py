"""Screens that misbehave, are slow, or lose their server or their right (INV19, INV21, INV22; T18, T24, T27)."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.auth import hash_of, issue_ticket, issue_token
from gateway.screen_limits import Limits
from pushers.bus.redis import RedisBus
from pushers.hub import Pace
from tests.contract.test_bus import Valkey
from tests.flow.screen_world import SECONDS, SUBPROTOCOL, Screen, World, until

NEVER_CHECK = Pace(check_seconds=3_600, follow_seconds=0.05)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with World.opened(database_url) as world:
        yield world


async def test_frames_that_are_wrong_are_answered_and_three_in_a_row_close_the_screen(world: World) -> None:
    agent = await world.agent()
    async with world.gateway() as gateway, gateway.connect(agent.token) as connection:
        screen = Screen(connection)
        await screen.send(type="seen", contact=str(agent.id), ref="early")
        assert (await screen.next("error"))["code"] == "hello_first"
        await screen.hello()
        await screen.send(type="wave", ref="w")
        error = await screen.next("error")
        assert (error["code"], error["ref"], error["field"]) == ("unknown_frame", "w", "type")
        await connection.send("not json")
        await connection.send(b"\x00\x01")
        await screen.send(type="accept", offer=5)
        assert await screen.closed() == (4400, "bad_frames")
        assert [frame["code"] for frame in screen.frames[-3:]] == ["bad_frame"] * 3


async def test_a_frame_over_64_kib_closes_with_1009_and_invalid_utf_8_with_1007(world: World) -> None:
    agent = await world.agent()
    async with world.gateway() as gateway:
        async with gateway.connect(agent.token) as connection:
            await connection.send(" " * (64 * 1024 + 1))
            assert (await Screen(connection).closed())[0] == 1009
        async with gateway.connect(agent.token) as connection:
            await connection.send(b"\xff\xfe", text=True)
            assert (await Screen(connection).closed())[0] == 1007
        await until(lambda: gateway.screens.count == 0)


async def test_a_screen_that_says_no_hello_is_closed(world: World) -> None:
    agent = await world.agent()
    async with (
        world.gateway(limits=Limits(hello_seconds=0.1, sweep_seconds=0.05)) as gateway,
        gateway.connect(agent.token) as connection,
    ):
        assert await Screen(connection).closed() == (4501, "hello_timeout")


async def test_a_failing_desk_is_unavailable_and_what_it_says_stays_here(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    agent = await world.agent()
    customer = await world.write(None)
    async with world.gateway() as gateway, gateway.connect(agent.token) as connection:
        screen = Screen(connection)
        await screen.hello()
        gateway.desk.broken = True
        with caplog.at_level(logging.DEBUG):
            await screen.send(type="open", customer=str(customer.id), ref="o")
            error = await screen.next("error")
        assert (error["code"], error["ref"]) == ("unavailable", "o")
        assert "secret" not in caplog.text + error["message"]
        gateway.desk.broken = False
        await screen.send(type="open", customer=str(customer.id), ref="o")
        assert (await screen.next("profile"))["ref"] == "o"


async def test_a_screen_that_does_not_read_is_closed_as_slow_and_resumes_complete(world: World) -> None:
    agent = await world.agent()
    async with world.gateway() as gateway:
        customer = await world.write(gateway.hub)
        small = socket.create_connection(("127.0.0.1", gateway.port))
        async with gateway.connect(agent.token, sock=small, max_queue=None) as connection:
            screen = Screen(connection)
            epoch = (await screen.hello())["epoch"]
            await screen.send(type="open", customer=str(customer.id))
            profile = await screen.next("profile")
            connection.transport.pause_reading()
            long = '{"kind":"entry","entry":"' + "x" * 60_000 + '"}'
            for step in range(1, 101):
                await world.pool.execute(
                    "with s as (update stream set seq = seq + 1 where id = $1 returning seq) "
                    "insert into event (slot, kind, id, seq, at, body) "
                    "select event_slot(now()), 1, $1, seq, now(), $2 from s",
                    customer.id,
                    long,
                )
                gateway.hub.announce({customer: profile["seq"] + step})
            await until(lambda: gateway.screens.slow == 1)
            # Others are not held up by it.
            async with gateway.connect(agent.token) as quick:
                assert (await Screen(quick).hello())["type"] == "welcome"
            connection.transport.resume_reading()
            assert await screen.closed() == (4508, "slow")
        seen = [profile["seq"], *(frame["seq"] for frame in screen.frames if frame["type"] == "event")]
        seen = [seq for seq in seen if seq >= profile["seq"]]
        assert len(seen) < 100
        async with gateway.connect(agent.token, max_size=None) as connection:
            screen = Screen(connection)
            await screen.hello(epoch, {str(customer): seen[-1]})
            rest = await screen.events(customer, profile["seq"] + 100 - seen[-1])
    assert seen + rest == list(range(profile["seq"], profile["seq"] + 101))


async def test_a_screen_that_never_reads_again_is_cut_off(world: World) -> None:
    agent = await world.agent()
    async with world.gateway(limits=Limits(send_seconds=0.2, close_seconds=0.2)) as gateway:
        customer = await world.write(gateway.hub)
        small = socket.create_connection(("127.0.0.1", gateway.port))
        async with gateway.connect(agent.token, sock=small, max_queue=1, ping_interval=None) as connection:
            screen = Screen(connection)
            await screen.hello()
            await screen.send(type="open", customer=str(customer.id))
            await screen.next("profile")
            connection.transport.pause_reading()
            [mine] = gateway.screens.of_agent(agent.id)
            while mine.closed_with is None:
                mine.send(b'"%b"' % (b"x" * 500_000))
                await asyncio.sleep(0)
            # Without being cut off, the server's socket would stay until the peer has read everything.
            await until(lambda: not gateway.connections)
            connection.transport.abort()


async def test_two_processes_over_redis_show_each_other_s_events_and_go_on_when_it_stops(
    world: World, tmp_path: Path
) -> None:
    agent, valkey = await world.agent(), Valkey(tmp_path)
    await valkey.start()
    buses = [RedisBus(valkey.url) for _ in range(2)]
    try:
        async with (
            world.gateway(buses[0], pace=NEVER_CHECK) as here,
            world.gateway(buses[1], pace=NEVER_CHECK) as there,
        ):
            await until(lambda: all(bus.healthy for bus in buses))
            async with there.connect(agent.token) as connection:
                screen = Screen(connection)
                await screen.hello()
                customer = await world.write(here.hub)
                await screen.send(type="open", customer=str(customer.id))
                seq = (await screen.next("profile"))["seq"]
                await world.write(here.hub, bodies=3)
                assert await screen.events(customer, 3) == [seq + 1, seq + 2, seq + 3]
                await valkey.kill()
                await until(lambda: not any(bus.healthy for bus in buses))
                await world.write(here.hub, bodies=2)
                assert await screen.events(customer, 2) == [seq + 4, seq + 5]
                await valkey.start()
                await until(lambda: all(bus.healthy for bus in buses))
                await world.write(None)
                await world.write(here.hub)
                await asyncio.gather(world.write(here.hub), world.write(there.hub))
                assert await screen.events(customer, 4) == [seq + n for n in (6, 7, 8, 9)]
    finally:
        await valkey.kill()


async def test_a_stopping_server_asks_every_screen_to_come_back(world: World) -> None:
    agent = await world.agent()
    async with world.gateway() as gateway, gateway.connect(agent.token) as connection:
        screen = Screen(connection)
        await screen.hello()
        _, end = await asyncio.gather(gateway.screens.close_all(), screen.closed())
        assert end == (1012, "restart")
        assert gateway.screens.count == 0
        assert await world.pool.fetchval("select count(*) from screen") == 0


async def test_a_screen_that_went_while_the_database_was_away_is_signed_off_later(world: World) -> None:
    agent = await world.agent()
    async with world.gateway() as gateway:
        async with gateway.connect(agent.token) as connection:
            await Screen(connection).hello()
            gateway.desk.broken = True
        await until(lambda: gateway.screens.count == 0)
        assert await world.pool.fetchval("select connected from agent_state")
        gateway.desk.broken = False
        async with asyncio.timeout(SECONDS):
            while await world.pool.fetchval("select connected from agent_state"):  # noqa: ASYNC110  # a database's
                await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("change", "end"),
    [
        ("update token set revoked_at = now()", (4401, "signed_out")),
        ("update agent set active = false", (4401, "signed_out")),
        ("update agent set role = 'supervisor'", (4510, "rights_changed")),
        ("update agent set role = 'service'", (4401, "signed_out")),
    ],
)
async def test_a_right_that_is_withdrawn_closes_the_screen(world: World, change: str, end: tuple[int, str]) -> None:
    agent = await world.agent()
    async with (
        world.gateway(limits=Limits(recheck_seconds=0.1, sweep_seconds=0.05)) as gateway,
        gateway.connect(agent.token) as connection,
    ):
        screen = Screen(connection)
        await screen.hello()
        await world.pool.execute(change)
        assert await screen.closed() == end


async def test_a_screen_opened_by_a_ticket_ends_with_the_token_the_ticket_was_got_with(world: World) -> None:
    agent = await world.agent()
    async with world.pool.acquire() as connection:
        await issue_token(connection, agent.id)  # another one, which stays good
        ticket = await issue_ticket(connection, agent.token)
    assert ticket is not None
    offered = (SUBPROTOCOL, f"ticket.{ticket.ticket}")
    async with (
        world.gateway(limits=Limits(recheck_seconds=0.1, sweep_seconds=0.05)) as gateway,
        gateway.connect(None, *offered) as opened,
    ):
        screen = Screen(opened)
        await screen.hello()
        await world.pool.execute("update token set revoked_at = now() where hash = $1", hash_of(agent.token))
        assert await screen.closed() == (4401, "signed_out")
