"""Screens over a real websocket: handshake, hello and resume, profiles, offers, limits (INV17-INV22, T16, T18, T27)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from websockets.exceptions import InvalidStatus

from gateway.auth import issue_ticket
from gateway.screen_limits import Limits
from model.event import FeedId
from pushers.hub import Pace
from store.ids import new_id
from tests.flow.screen_world import SUBPROTOCOL, Screen, World, until


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with World.opened(database_url) as world:
        yield world


async def refused(attempt: object) -> int:
    with pytest.raises(InvalidStatus) as refusal:
        async with attempt:  # type: ignore[attr-defined]
            pass
    return refusal.value.response.status_code


async def test_who_may_open_a_screen_and_from_where(world: World) -> None:
    agent, service = await world.agent(), await world.agent("service")
    async with world.gateway() as gateway:
        assert await refused(gateway.connect(None)) == 401
        assert await refused(gateway.connect("sp_wrong")) == 401
        assert await refused(gateway.connect(None, SUBPROTOCOL, "ticket.wrong")) == 401
        assert await refused(gateway.connect(agent.token, "screen.v0+json")) == 400
        assert await refused(gateway.connect(service.token)) == 403
        assert await refused(gateway.connect(agent.token, origin="https://evil.example")) == 403
        for origin in ("https://desk.example.com", f"http://127.0.0.1:{gateway.port}"):
            async with gateway.connect(agent.token, origin=origin) as connection:
                assert connection.subprotocol == SUBPROTOCOL
        await world.pool.execute("update token set revoked_at = now()")
        assert await refused(gateway.connect(agent.token)) == 401


async def test_a_ticket_opens_one_screen(world: World) -> None:
    agent = await world.agent()
    async with world.pool.acquire() as connection:
        ticket = await issue_ticket(connection, agent.token)
    assert ticket is not None
    offered = (SUBPROTOCOL, f"ticket.{ticket.ticket}")
    async with world.gateway() as gateway:
        async with gateway.connect(None, *offered) as connection:
            assert connection.subprotocol == SUBPROTOCOL
            assert (await Screen(connection).hello())["agent"]["id"] == str(agent.id)
        assert await refused(gateway.connect(None, *offered)) == 401


async def test_a_full_process_answers_503_and_the_oldest_screen_of_an_agent_gives_way(world: World) -> None:
    agent = await world.agent()
    async with world.gateway(limits=Limits(screens=3, screens_per_agent=2)) as gateway:
        connections = [await gateway.connect(agent.token) for _ in range(3)]
        assert await Screen(connections[0]).closed() == (4409, "replaced")
        await until(lambda: gateway.screens.count == 2)
        connections.append(await gateway.connect((await world.agent()).token))
        assert await refused(gateway.connect((await world.agent()).token)) == 503
        for connection in connections:
            await connection.close()


async def test_welcome_shows_the_agent_and_hello_counts_as_being_there(world: World) -> None:
    agent = await world.agent()
    async with world.gateway() as gateway:
        async with gateway.connect(agent.token) as connection:
            assert not await world.pool.fetchval("select connected from agent_state")
            welcome = await Screen(connection).hello()
            assert welcome["presence"]["connected"]
            assert welcome["feeds"] == {str(agent.feed): await world.head(agent.feed)}
        await until(lambda: gateway.screens.count == 0)
    assert not await world.pool.fetchval("select connected from agent_state")


async def test_an_opened_profile_is_followed_until_it_is_left(world: World) -> None:
    agent = await world.agent()
    async with world.gateway() as gateway, gateway.connect(agent.token) as connection:
        screen = Screen(connection)
        await screen.hello()
        customer = await world.write(gateway.hub)
        await screen.send(type="open", customer=str(customer.id), ref="o1")
        profile = await screen.next("profile")
        assert (profile["reason"], profile["ref"], profile["feed"]) == ("opened", "o1", str(customer))
        assert profile["seq"] == await world.head(customer)
        assert [entry["body"] for entry in profile["timeline"]] == ["message 1"]
        await world.write(gateway.hub)
        frame = await screen.next("event")
        assert (frame["feed"], frame["seq"]) == (str(customer), profile["seq"] + 1)
        assert frame["event"]["entry"]["body"] == "message 2"
        await screen.send(type="leave", customer=str(customer.id), ref="l")
        await screen.next("result")
        await world.write(gateway.hub)
        assert await screen.quiet() == []
        await screen.send(type="open", customer=str(new_id()), ref="o2")
        assert (await screen.next("error"))["code"] == "not_found"


async def test_what_is_committed_while_the_snapshot_is_read_arrives_after_it_once(world: World) -> None:
    agent = await world.agent()
    customer = await world.write(None)
    async with world.gateway(pace=Pace(3_600, 0.01)) as gateway, gateway.connect(agent.token) as connection:
        screen = Screen(connection)
        await screen.hello()
        gateway.desk.meanwhile = lambda: world.write(gateway.hub, bodies=3)
        await screen.send(type="open", customer=str(customer.id))
        profile = await screen.next("profile")
        assert len(profile["timeline"]) == 1
        assert await screen.events(customer, 3) == [profile["seq"] + n for n in (1, 2, 3)]
        assert await screen.quiet() == []


async def test_a_screen_follows_fifty_customers_and_the_longest_unused_gives_way(world: World) -> None:
    agent = await world.agent()
    customers = [await world.write(None, who) for who in range(3)]
    async with world.gateway(limits=Limits(followed=2)) as gateway, gateway.connect(agent.token) as connection:
        screen = Screen(connection)
        await screen.hello()
        for customer in customers:
            await screen.send(type="open", customer=str(customer.id))
            await screen.next("profile")
        error = await screen.next("error")
        assert (error["code"], error["field"]) == ("gone", str(customers[0]))
        for who in range(3):
            await world.write(gateway.hub, who)
        heard = [(await screen.next("event"))["feed"] for _ in range(2)]
        assert sorted(heard) == sorted(str(customer) for customer in customers[1:])
        assert await screen.quiet() == []


async def test_a_resume_brings_exactly_what_was_missed(world: World) -> None:
    agent = await world.agent()
    customer = await world.write(None, bodies=3)
    async with world.gateway() as gateway:
        async with gateway.connect(agent.token) as connection:
            epoch = (await Screen(connection).hello())["epoch"]
        await until(lambda: gateway.screens.count == 0)
        head, own = await world.head(customer), await world.head(agent.feed)
        for behind in (0, 1, 3):
            async with gateway.connect(agent.token) as connection:
                screen = Screen(connection)
                at = {str(customer): head - behind, str(agent.feed): own}
                welcome = await screen.hello(epoch, at)
                assert welcome["feeds"] == at
                now = await world.head(agent.feed)
                missed = await screen.events(agent.feed, now - own)
                assert missed == list(range(own + 1, now + 1))
                await screen.quiet()
                seqs = [f["seq"] for f in screen.frames if f["type"] == "event" and f["feed"] == str(customer)]
                assert seqs == list(range(head - behind + 1, head + 1))
                assert not [frame for frame in screen.frames if frame["type"] in ("resync", "profile", "error")]
                await world.write(gateway.hub)
                assert await screen.events(customer, 1) == [head + 1]
                head += 1


@pytest.mark.parametrize("position", [-1, -(2**70), 10**6, 2**70, 0])
async def test_a_position_that_cannot_be_resumed_is_answered_by_resync_and_profile(world: World, position: int) -> None:
    agent = await world.agent()
    customer = await world.write(None)
    await world.pool.execute("delete from event where seq = 1")  # so that 0 is before the log
    async with world.gateway() as gateway, gateway.connect(agent.token) as connection:
        epoch = (await gateway.hub.resume([]))[0]
        screen = Screen(connection)
        welcome = await screen.hello(epoch, {str(agent.feed): 10**7, str(customer): position})
        assert screen.frames[0] == {"type": "resync", "feed": str(agent.feed)}
        assert welcome["feeds"] == {str(agent.feed): await world.head(agent.feed)}
        assert await screen.next() == {"type": "resync", "feed": str(customer)}
        profile = await screen.next()
        assert (profile["type"], profile["reason"], profile["seq"]) == ("profile", "resync", await world.head(customer))
        await world.write(gateway.hub)
        assert await screen.events(customer, 1) == [profile["seq"] + 1]


async def test_more_than_three_hundred_missed_events_or_another_epoch_is_a_resync(world: World) -> None:
    agent = await world.agent()
    customer = await world.write(None, bodies=301)
    head = await world.head(customer)
    async with world.gateway() as gateway:
        epoch = (await gateway.hub.resume([]))[0]
        for said, behind, resumed in ((epoch, 301, False), (epoch, 300, True), ("another", 0, False)):
            async with gateway.connect(agent.token, max_queue=None) as connection:
                screen = Screen(connection)
                await screen.hello(said, {str(customer): head - behind})
                first = await screen.next()
                assert first["type"] == ("event" if resumed else "resync")


async def test_feeds_that_are_not_ones_own_or_not_there_are_refused_and_the_rest_is_resumed(world: World) -> None:
    agent, other = await world.agent(), await world.agent()
    customer, nobody = await world.write(None), FeedId("customer", new_id())
    async with world.gateway() as gateway, gateway.connect(agent.token) as connection:
        epoch = (await gateway.hub.resume([]))[0]
        head = await world.head(customer)
        screen = Screen(connection)
        welcome = await screen.hello(epoch, {str(other.feed): 0, "desk:1": 0, str(nobody): 0, str(customer): head})
        assert set(welcome["feeds"]) == {str(agent.feed), str(customer)}
        await screen.quiet()
        errors = [(f["code"], f["field"]) for f in screen.frames if f["type"] == "error"]
        assert errors == [
            ("forbidden", f"resume.{other.feed}"),
            ("bad_frame", "resume.desk:1"),
            ("not_found", f"resume.{nobody}"),
        ]
        async with gateway.connect(other.token) as theirs:
            await Screen(theirs).hello()
            assert await screen.quiet() == []  # nothing of the other agent's feed
