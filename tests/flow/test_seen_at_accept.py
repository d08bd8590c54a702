"""P16: the profile as it was on the screen at accept is kept, byte for byte, and read by REST."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from gateway.actions import Actions
from gateway.rest_call import RateLimit
from model.agent import Actor
from profiles import seen
from store.ids import new_id
from tests.flow.rest_client import client_of
from tests.flow.screen_world import SECONDS, Screen, World


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with World.opened(database_url) as world:
        yield world


async def kept(world: World, contact: UUID) -> tuple[seen.SeenAtAccept, ...]:
    """What is kept of a contact, once it is."""
    async with asyncio.timeout(SECONDS):
        while True:
            async with world.pool.acquire() as connection:
                if found := await seen.fetch_seen(connection, contact):
                    return found
            await asyncio.sleep(0.01)


async def test_the_very_frame_of_the_accept_is_kept_and_stays_as_it_was(world: World) -> None:
    agent = await world.agent()
    async with world.gateway() as gateway, gateway.connect(agent.token) as connection:
        screen = Screen(connection)
        await screen.hello()
        await world.write(gateway.hub)
        await gateway.worker.drain()
        offer = (await screen.offer())["offer"]
        await screen.send(type="accept", offer=offer, ref="a")
        profile = await screen.next("profile")
        [shown] = await kept(world, UUID(profile["contact"]["id"]))
        await world.write(gateway.hub)
        await screen.send(type="accept", offer=offer, ref="again")
        assert (await screen.next("profile"))["seq"] > profile["seq"]
    async with client_of(world.pool, RateLimit()) as client:
        path = f"/v1/contacts/{profile['contact']['id']}/seen-at-accept"
        [read] = (await client.get(path, headers={"Authorization": f"Bearer {agent.token}"})).json()["items"]
    assert (str(shown.offer), shown.agent.id) == (offer, agent.id)
    assert read["profile"] == profile
    assert (read["offer"], read["contact"]) == (offer, profile["contact"]["id"])


async def test_what_cannot_be_kept_is_tried_again_once_and_logged_without_what_it_says(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    agent = await world.agent()
    async with world.gateway() as gateway:
        desk: Actions = gateway.desk
        await world.pool.execute("alter table seen_at_accept rename to elsewhere")
        await desk.keep_seen(Actor(agent.id, "Mia", "agent"), new_id(), b'{"customer": "Ana"}')
        assert [record.getMessage() for record in caplog.records] == [
            "not kept what an agent was shown at accept: UndefinedTableError"
        ] * 2
