"""Merge and unmerge on open screens: whoever shows one of the two is shown, once, what is now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from model.agent import Actor
from model.customer import MergeView
from model.event import FeedId
from profiles.merge import MergeOrder, merge
from profiles.unmerge import undo
from store.feeds import transaction
from tests.flow.screen_world import Agent, Frame, Gateway, Screen, World, until


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with World.opened(database_url) as world:
        yield world


async def join(gateway: Gateway, survivor: FeedId, loser: FeedId, by: Agent) -> UUID:
    async with transaction(gateway.pool, gateway.hub.announce) as tx:
        done = await merge(tx, MergeOrder(survivor.id, loser.id, by=Actor(by.id, "Bo", "agent")))
    assert isinstance(done, MergeView), done
    return done.id


async def part(gateway: Gateway, merged: UUID, by: Agent) -> None:
    async with transaction(gateway.pool, gateway.hub.announce) as tx:
        assert isinstance(await undo(tx, merged, Actor(by.id, "Bo", "agent")), MergeView)


async def shown(screen: Screen, customer: FeedId) -> Frame:
    await screen.send(type="open", customer=str(customer.id), ref="open")
    return await screen.next("profile")


def profiles(screen: Screen) -> list[tuple[str, str]]:
    """Reason and feed of every profile so far."""
    return [(each["reason"], each["feed"]) for each in screen.frames if each["type"] == "profile"]


async def test_screens_that_follow_either_are_shown_the_survivor_and_after_the_undoing_it_alone(world: World) -> None:
    one, two = await world.agent(), await world.agent()
    async with (
        world.gateway() as gateway,
        gateway.connect(one.token) as first,
        gateway.connect(two.token) as second,
    ):
        ada, bea = await world.write(gateway.hub, 1), await world.write(gateway.hub, 2)
        with_ada, with_bea = Screen(first), Screen(second)
        await with_ada.hello()
        await with_bea.hello()
        await shown(with_ada, ada)
        await shown(with_bea, bea)
        merged = await join(gateway, bea, ada, one)
        for screen, told_on in ((with_ada, ada), (with_bea, bea)):
            profile = await screen.next("profile")
            assert (profile["reason"], profile["feed"]) == ("merged", str(bea))
            assert profile["customer"]["id"] == str(bea.id)
            assert {entry["body"] for entry in profile["timeline"]} == {"message 1", "message 2"}
            assert [each["id"] for each in profile["merges"]] == [str(merged)]
            event = next(f for f in screen.frames if f["type"] == "event" and f["event"]["kind"] == "merged")
            assert (event["feed"], event["event"]["merge"]["survivor"]) == (str(told_on), str(bea.id))
        await world.write(gateway.hub, 1)
        for screen in (with_ada, with_bea):
            await screen.events(bea, 1)
        await part(gateway, merged, two)
        for screen in (with_ada, with_bea):
            profile = await screen.next("profile")
            assert (profile["reason"], profile["feed"]) == ("unmerged", str(bea))
            assert {entry["body"] for entry in profile["timeline"]} == {"message 2"}
        profile = await shown(with_ada, ada)
        assert {entry["body"] for entry in profile["timeline"]} == {"message 1", "message 3"}


async def test_a_screen_that_follows_both_is_shown_the_survivor_once(world: World) -> None:
    agent = await world.agent()
    async with world.gateway() as gateway, gateway.connect(agent.token) as connection:
        ada, bea = await world.write(gateway.hub, 1), await world.write(gateway.hub, 2)
        for survivor, loser in ((ada, bea), (bea, ada)):
            screen = Screen(connection)
            if not screen.frames and survivor == ada:
                await screen.hello()
            await shown(screen, ada)
            await shown(screen, bea)
            merged = await join(gateway, survivor, loser, agent)
            await screen.next("profile")
            await world.write(gateway.hub, 1)
            await screen.events(survivor, 1)
            await screen.quiet()
            assert profiles(screen)[2:] == [("merged", str(survivor))]
            assert {str(ada), str(bea)} == {
                frame["feed"]
                for frame in screen.frames
                if frame["type"] == "event" and frame["event"]["kind"] == "merged"
            }, "both feeds say it"
            await part(gateway, merged, agent)
            assert (await screen.next("profile"))["reason"] == "unmerged"


async def test_a_screen_that_was_away_during_the_merge_is_shown_the_survivor_when_it_resumes(world: World) -> None:
    agent = await world.agent()
    async with world.gateway() as gateway:
        ada, bea = await world.write(gateway.hub, 1), await world.write(gateway.hub, 2)
        async with gateway.connect(agent.token) as connection:
            screen = Screen(connection)
            epoch = (await screen.hello())["epoch"]
            seen = {str(feed): (await shown(screen, feed))["seq"] for feed in (ada, bea)}
        merged = await join(gateway, bea, ada, agent)
        await world.write(gateway.hub, 2)
        for resume in (seen, {str(ada): seen[str(ada)]}, {str(bea): seen[str(bea)]}):
            async with gateway.connect(agent.token) as connection:
                screen = Screen(connection)
                await screen.hello(epoch, resume)
                profile = await screen.next("profile")
                assert (profile["reason"], profile["feed"]) == ("merged", str(bea))
                assert len(profile["timeline"]) == 3
                await world.write(gateway.hub, 1)
                await screen.events(bea, 1)
                await screen.quiet()
                assert profiles(screen) == [("merged", str(bea))]
            await gateway.pool.execute("delete from entry where body not in ('message 1', 'message 2', 'message 3')")
        await part(gateway, merged, agent)


async def test_a_screen_cut_off_before_the_profile_resumes_before_the_merge(world: World) -> None:
    agent = await world.agent()
    async with world.gateway() as gateway, gateway.connect(agent.token) as connection:
        ada, bea = await world.write(gateway.hub, 1), await world.write(gateway.hub, 2)
        screen = Screen(connection)
        await screen.hello()
        seq = (await shown(screen, ada))["seq"]
        gateway.desk.broken = True  # the profile cannot be read: the screen is closed, and comes back
        await join(gateway, bea, ada, agent)
        code, _ = await screen.closed()
        assert code == 4500
        assert not [each for each in screen.frames if each["type"] == "event" and each["seq"] > seq]


async def test_what_was_made_ready_before_a_merge_is_read_anew_at_accept(world: World) -> None:
    agent = await world.agent()
    async with world.gateway() as gateway, gateway.connect(agent.token) as connection:
        screen = Screen(connection)
        await screen.hello()
        ada = await world.write(gateway.hub, 1)
        await gateway.worker.drain()
        offer = await screen.offer()
        await until(lambda: gateway.desk.snapshots == 1)
        bea = await world.write(gateway.hub, 2)
        await join(gateway, bea, ada, agent)
        await screen.send(type="accept", offer=offer["offer"], ref="a")
        profile = await screen.next("profile")
        assert (profile["reason"], profile["feed"], profile["offer"]) == ("accepted", str(bea), offer["offer"])
        assert profile["contact"]["state"] == "assigned"
        assert len([entry for entry in profile["timeline"] if entry["kind"] == "message"]) == 2


async def test_what_was_made_ready_for_the_survivor_is_read_anew_too(world: World) -> None:
    agent, other = await world.agent(), await world.agent()
    async with (
        world.gateway() as gateway,
        gateway.connect(agent.token) as connection,
        gateway.connect(other.token) as beside,
    ):
        screen, watching = Screen(connection), Screen(beside)
        await screen.hello()
        ada = await world.write(gateway.hub, 1)
        await gateway.worker.drain()
        offer = await screen.offer()
        await until(lambda: gateway.desk.snapshots == 1)
        await watching.hello()
        await shown(watching, ada)
        bea = await world.write(gateway.hub, 2)
        await join(gateway, ada, bea, agent)
        # One hub tells both at once: what this screen has heard, the profile that was made ready has heard.
        assert (await watching.next("profile"))["reason"] == "merged"
        await screen.send(type="accept", offer=offer["offer"], ref="a")
        profile = await screen.next("profile")
        assert (profile["reason"], profile["feed"]) == ("accepted", str(ada))
        assert len([entry for entry in profile["timeline"] if entry["kind"] == "message"]) == 2


async def told_to_hold(screen: Screen, count: int) -> list[str]:
    """Whose contacts the screen was told it holds, once it was told so often."""
    while True:
        events = [each["event"] for each in screen.frames if each["type"] == "event"]
        held = [event["held"]["customer"] for event in events if event["kind"] == "held"]
        if len(held) >= count:
            return held
        await screen.next()


async def test_who_holds_a_contact_of_the_loser_is_told_whose_it_is_now(world: World) -> None:
    agent = await world.agent()
    async with world.gateway() as gateway, gateway.connect(agent.token) as connection:
        screen = Screen(connection)
        await screen.hello()
        ada = await world.write(gateway.hub, 1)
        await gateway.worker.drain()
        await screen.send(type="accept", offer=(await screen.offer())["offer"], ref="a")
        await screen.next("profile")
        assert await told_to_hold(screen, 1) == [str(ada.id)]
        bea = await world.write(gateway.hub, 2)
        merged = await join(gateway, bea, ada, agent)
        await screen.next("profile")
        await part(gateway, merged, agent)
        assert (await screen.next("profile"))["feed"] == str(bea)
        assert await told_to_hold(screen, 3) == [str(ada.id), str(bea.id), str(ada.id)]
        await screen.quiet()
        assert len(await told_to_hold(screen, 3)) == 3
