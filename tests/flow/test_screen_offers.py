"""Offers on a screen: ringing, the profile made ready, accepting (INV9, INV18, INV20)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from pushers.hub import Pace
from tests.flow.screen_world import Screen, World, until


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with World.opened(database_url) as world:
        yield world


async def test_an_offer_rings_live_and_accepting_sends_the_profile_made_ready_then_what_came_since(
    world: World,
) -> None:
    agent = await world.agent()
    async with world.gateway(pace=Pace(3_600, 0.01)) as gateway, gateway.connect(agent.token) as connection:
        screen = Screen(connection)
        await screen.hello()
        customer = await world.write(gateway.hub)
        await gateway.worker.drain()
        offer = await screen.offer()
        record = screen.frames[-2]
        assert (record["type"], record["feed"], record["event"]["kind"]) == ("event", str(agent.feed), "offer")
        assert offer["offer"] == record["event"]["offer"]
        assert "customer" not in offer
        await until(lambda: gateway.desk.snapshots == 1)
        ready = await world.head(customer)
        await world.write(gateway.hub, bodies=2)
        assert (await screen.next("offer_updated"))["messages"] == 2
        assert not [frame for frame in screen.frames if frame["type"] == "profile" or "timeline" in frame]
        await screen.send(type="accept", offer=offer["offer"], ref="a")
        profile = await screen.next("profile")
        assert (profile["reason"], profile["ref"], profile["offer"]) == ("accepted", "a", offer["offer"])
        assert profile["seq"] == ready
        assert profile["contact"]["state"] == "assigned"
        assert profile["contact"]["agent"]["id"] == str(agent.id)
        head = await world.head(customer)
        assert head > ready + 2
        assert await screen.events(customer, head - ready) == list(range(ready + 1, head + 1))
        await screen.quiet()
        assert [f["ref"] for f in screen.frames if f["type"] == "result"] == ["a", "quiet"]
        assert gateway.desk.snapshots == 1
        await screen.send(type="accept", offer=offer["offer"], ref="again")
        assert (await screen.next("profile"))["seq"] == head


async def test_an_offer_that_ended_leaves_nothing_prepared_and_cannot_be_accepted(world: World) -> None:
    agent, other = await world.agent(), await world.agent()
    async with world.gateway() as gateway, gateway.connect(agent.token) as connection:
        screen = Screen(connection)
        await screen.hello()
        await world.write(gateway.hub)
        await gateway.worker.drain()
        offer = (await screen.offer())["offer"]
        assert gateway.screens.prepared == 1
        async with gateway.connect(other.token) as theirs:
            they = Screen(theirs)
            await they.hello()
            await they.send(type="accept", offer=offer, ref="steal")
            assert (await they.next("error"))["code"] == "forbidden"
        await screen.send(type="decline", offer=offer, ref="d")
        assert (await screen.next("offer_ended"))["outcome"] == "declined"
        await screen.send(type="accept", offer=offer, ref="late")
        assert (await screen.next("error"))["code"] == "gone"
        assert gateway.screens.prepared == 0


async def test_an_offer_found_in_welcome_is_prepared_too_and_does_not_ring_again(world: World) -> None:
    agent = await world.agent()
    async with world.gateway() as gateway, gateway.connect(agent.token) as first:
        await Screen(first).hello()
        await world.write(gateway.hub)
        await gateway.worker.drain()
        await Screen(first).offer()
        async with world.gateway() as elsewhere, elsewhere.connect(agent.token) as second:
            screen = Screen(second)
            welcome = await screen.hello((await gateway.hub.resume([]))[0], {str(agent.feed): 0})
            [offer] = welcome["offers"]
            await until(lambda: elsewhere.desk.snapshots == 1)
            await screen.quiet()
            assert "offer" not in {frame["type"] for frame in screen.frames}
            await screen.send(type="accept", offer=offer["offer"])
            assert (await screen.next("profile"))["reason"] == "accepted"
            assert elsewhere.desk.snapshots == 1


async def test_an_offer_made_while_the_welcome_is_put_together_is_in_it_and_does_not_ring_twice(world: World) -> None:
    agent = await world.agent()
    async with world.gateway() as gateway:

        async def ring() -> None:
            await world.write(gateway.hub)
            await gateway.worker.drain()

        gateway.desk.before_state = ring
        async with gateway.connect(agent.token) as connection:
            screen = Screen(connection)
            welcome = await screen.hello((await gateway.hub.resume([]))[0], {str(agent.feed): 0})
            assert len(welcome["offers"]) == 1
            assert await screen.events(agent.feed, 2) == [1, 2]
            await screen.quiet()
            assert "offer" not in {frame["type"] for frame in screen.frames}
            assert gateway.screens.prepared == 1
        await until(lambda: gateway.screens.count == 0)
        assert gateway.screens.prepared == 0  # nobody here would hear that it ended


async def test_a_contact_that_is_routed_without_an_offer_opens_by_itself(world: World) -> None:
    agent = await world.agent()
    await world.pool.execute("update queue set auto_accept = true")
    async with world.gateway() as gateway, gateway.connect(agent.token) as connection:
        screen = Screen(connection)
        await screen.hello()
        customer = await world.write(gateway.hub)
        await gateway.worker.drain()
        profile = await screen.next("profile")
        assert (profile["reason"], profile["feed"]) == ("routed", str(customer))
        assert profile["contact"]["agent"]["id"] == str(agent.id)


async def test_of_several_who_are_asked_the_first_is_shown_the_profile_and_the_others_are_told(world: World) -> None:
    await world.pool.execute("update queue set offer_to = 2")
    one, two = await world.agent(), await world.agent()
    async with (
        world.gateway() as gateway,
        gateway.connect(one.token) as first,
        gateway.connect(two.token) as second,
    ):
        quick, slow = Screen(first), Screen(second)
        await quick.hello()
        await slow.hello()
        await world.write(gateway.hub)
        await gateway.worker.drain()
        mine, theirs = await quick.offer(), await slow.next("offer")
        assert mine["contact"] == theirs["contact"]
        await quick.send(type="accept", offer=mine["offer"], ref="a")
        assert (await quick.next("profile"))["contact"]["agent"]["id"] == str(one.id)
        ended = await slow.next("offer_ended")
        assert (ended["offer"], ended["outcome"], ended["reason"]) == (theirs["offer"], "rescinded", "taken")
        await slow.send(type="accept", offer=theirs["offer"], ref="late")
        assert (await slow.next("error"))["code"] == "gone"
        await world.write(gateway.hub, who=2)
        await gateway.worker.drain()
        assert (await slow.offer())["contact"] != mine["contact"], "free again"
