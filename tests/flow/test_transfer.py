"""Messages handed on: to an agent, who may decline; to a queue; and what cannot be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest_asyncio

from tests.flow.house import denied, granted
from tests.flow.voice_world import Agent, VoiceWorld, take, voice_world


@pytest_asyncio.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[VoiceWorld]:
    async with voice_world(database_url, tmp_path) as world:
        yield world


async def held(world: VoiceWorld, agent: Agent) -> str:
    """A contact that this agent holds."""
    await world.text("+15551230001", "hello")
    contact: str = (await take(agent))["contact"]["id"]
    return contact


async def test_a_message_handed_to_an_agent_rings_there_alone_and_declined_comes_back(world: VoiceWorld) -> None:
    sender = await world.hire(name="Sender")
    contact = await held(world, sender)
    other, third = await world.hire(name="Other"), await world.hire(name="Third")
    await granted(sender.screen, type="transfer", contact=contact, to={"agent": str(other.id)})
    assert (await sender.screen.next("contact_ended"))["reason"] == "transferred"
    offer = await other.screen.offer()
    assert offer["contact"] == contact
    await other.screen.send(type="decline", offer=offer["offer"], ref="no")
    back = await sender.screen.next("profile")
    assert (back["reason"], back["contact"]["id"]) == ("routed", contact)
    assert [frame for frame in await third.screen.quiet() if frame["type"] == "offer"] == []


async def test_a_message_goes_to_another_queue(world: VoiceWorld) -> None:
    sender, bills = await world.hire(name="Sender"), await world.hire("billing", name="Bills")
    contact = await held(world, sender)
    await granted(sender.screen, type="transfer", contact=contact, to={"queue": "billing"})
    offer = await bills.screen.offer()
    assert (offer["contact"], offer["queue"]) == (contact, "Billing")


async def test_a_message_handed_to_a_queue_stays_there_when_the_customer_writes_again(world: VoiceWorld) -> None:
    sender = await world.hire(name="Sender")
    contact = await held(world, sender)
    await granted(sender.screen, type="transfer", contact=contact, to={"queue": "billing"})
    await world.text("+15551230001", "are you there?")
    waits = "select unrouted or messages < 2 from contact where id = $1"
    async with asyncio.timeout(30):
        while await world.pool.fetchval(waits, UUID(contact)):  # noqa: ASYNC110  # a database's
            await asyncio.sleep(0.05)
    bills = await world.hire("billing", name="Bills")
    offer = await bills.screen.offer()
    assert (offer["contact"], offer["queue"], offer["preview"]) == (contact, "Billing", "are you there?")
    assert [frame for frame in await sender.screen.quiet() if frame["type"] in ("offer", "profile")] == []


async def test_what_cannot_be_handed_on_says_why(world: VoiceWorld) -> None:
    sender, other = await world.hire(name="Sender"), await world.hire(name="Other")
    await world.pool.execute("update agent_state set presence = 'away' where agent_id = $1", other.id)
    contact = await held(world, sender)

    async def refused(to: object, **more: object) -> tuple[str, str | None]:
        return await denied(sender.screen, type="transfer", contact=contact, to=to, **more)

    assert await refused({"agent": str(other.id)}) == ("wrong_state", "to.agent")
    assert await refused({"agent": str(sender.id)}) == ("invalid", "to.agent")
    assert await refused({"agent": contact}) == ("not_found", "to.agent")
    assert await refused({"queue": "nowhere"}) == ("not_found", "to.queue")
    assert await refused({"number": "+15558880001"}) == ("invalid", "to.number")
    assert await refused({"number": "call me"}) == ("invalid", "to.number")
    assert await refused({"queue": "billing"}, warm=True) == ("invalid", "warm")
    assert await refused({}) == ("invalid", "to")
    assert await refused({"queue": "billing", "number": "+15558880001"}) == ("invalid", "to")
    answer = await denied(other.screen, type="transfer", contact=contact, to={"queue": "billing"})
    assert answer == ("not_holder", "contact")
