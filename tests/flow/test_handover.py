"""Messages handed on warm: a colleague is asked, and their holder keeps them until they are taken over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from gateway.auth import issue_token
from tests.flow.house import denied, granted
from tests.flow.screen_world import Screen
from tests.flow.voice_world import Agent, VoiceWorld, take, voice_world


@pytest_asyncio.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[VoiceWorld]:
    async with voice_world(database_url, tmp_path) as world:
        yield world


class Talk:
    """A contact that one agent holds, and asks another to take over."""

    def __init__(self, world: VoiceWorld, sender: Agent, other: Agent, contact: str) -> None:
        self.world, self.sender, self.other, self.contact = world, sender, other, contact

    async def ask(self, note: str | None = None) -> dict[str, Any]:
        """What rings at the other."""
        to = {"agent": str(self.other.id)}
        await granted(self.sender.screen, type="transfer", contact=self.contact, to=to, warm=True, note=note)
        return await self.other.screen.next("handover")

    async def holder(self) -> tuple[str, UUID | None]:
        """The state of the contact, and who has it."""
        row = await self.world.pool.fetchrow("select state, agent_id from contact where id = $1", UUID(self.contact))
        assert row
        return row["state"], row["agent_id"]

    async def again(self, agent: Agent) -> Screen:
        """Another screen of this agent."""
        async with self.world.pool.acquire() as connection:
            return await self.world.screen(await issue_token(connection, agent.id))

    async def used(self, agent: Agent) -> int:
        """Slots for messages that are taken."""
        return int(
            await self.world.pool.fetchval("select used_messaging from agent_state where agent_id = $1", agent.id)
        )


@pytest_asyncio.fixture
async def talk(world: VoiceWorld) -> Talk:
    sender = await world.hire(name="Sender")
    await world.text("+15551230001", "hello")
    contact: str = (await take(sender))["contact"]["id"]
    return Talk(world, sender, await world.hire(name="Other"), contact)


async def test_who_is_asked_takes_it_over_and_its_holder_keeps_it_until_then(talk: Talk) -> None:
    asked = await talk.ask("They want their money back")
    assert (asked["contact"], asked["by"]["name"], asked["note"], asked["preview"]) == (
        *(talk.contact, "Sender", "They want their money back", "hello"),
    )
    assert await talk.holder() == ("assigned", talk.sender.id)
    assert (await talk.used(talk.sender), await talk.used(talk.other)) == (1, 0)
    await talk.other.screen.send(type="accept_handover", handover=asked["handover"], ref="yes")
    profile = await talk.other.screen.next("profile")
    assert (profile["reason"], profile["ref"], profile["contact"]["id"]) == ("accepted", "yes", talk.contact)
    assert "They want their money back" in [entry["body"] for entry in profile["timeline"]]
    assert (await talk.sender.screen.next("handover_ended"))["outcome"] == "accepted"
    assert (await talk.sender.screen.next("contact_ended"))["reason"] == "transferred"
    assert await talk.holder() == ("assigned", talk.other.id)
    assert (await talk.used(talk.sender), await talk.used(talk.other)) == (0, 1)
    # Again by who has it: the same answer. By who had it: they were never asked.
    await talk.other.screen.send(type="accept_handover", handover=asked["handover"], ref="again")
    assert (await talk.other.screen.next("profile"))["ref"] == "again"
    refused = await denied(talk.sender.screen, type="accept_handover", handover=asked["handover"])
    assert refused == ("forbidden", "handover")


async def test_who_is_asked_sees_what_is_written_meanwhile_and_has_no_longer_for_it(talk: Talk) -> None:
    asked = await talk.ask()
    await talk.world.text("+15551230001", "it is urgent")
    told = await talk.other.screen.next("handover_updated")
    assert (told["handover"], told["preview"], told["messages"]) == (asked["handover"], "it is urgent", 2)
    (card,) = (await talk.again(talk.other)).welcome["handovers"]
    assert (card["preview"], card["messages"], card["expires_at"]) == ("it is urgent", 2, asked["expires_at"])


async def test_declined_or_cancelled_it_stays_and_the_other_side_is_told(talk: Talk) -> None:
    asked = await talk.ask()
    await granted(talk.other.screen, type="decline_handover", handover=asked["handover"], reason="busy")
    ended = await talk.sender.screen.next("handover_ended")
    assert (ended["outcome"], ended["reason"]) == ("declined", "busy")
    assert await talk.holder() == ("assigned", talk.sender.id)
    late = await denied(talk.other.screen, type="accept_handover", handover=asked["handover"])
    assert late == ("gone", "handover")
    # They may be asked again. Who asked may cancel, and nobody else.
    asked = await talk.ask()
    third = await talk.world.hire(name="Third")
    refused = await denied(third.screen, type="cancel_handover", handover=asked["handover"])
    assert refused == ("not_holder", "handover")
    assert await denied(third.screen, type="decline_handover", handover=asked["handover"]) == ("forbidden", "handover")
    await granted(talk.sender.screen, type="cancel_handover", handover=asked["handover"])
    ended = await talk.other.screen.next("handover_ended")
    while ended["handover"] != asked["handover"]:
        ended = await talk.other.screen.next("handover_ended")
    assert ended["outcome"] == "cancelled"
    assert await denied(talk.sender.screen, type="cancel_handover", handover=asked["handover"]) == ("gone", "handover")


async def test_when_nobody_answers_it_stays_and_nobody_is_sent_away(talk: Talk) -> None:
    asked = await talk.ask()
    await talk.world.pool.execute("update handover set expires_at = clock_timestamp() where ended_at is null")
    late = await denied(talk.other.screen, type="accept_handover", handover=asked["handover"])
    assert late == ("gone", "handover")
    assert (await talk.sender.screen.next("handover_ended"))["outcome"] == "timed_out"
    assert await talk.holder() == ("assigned", talk.sender.id)
    presence = "select presence from agent_state where agent_id = $1"
    assert await talk.world.pool.fetchval(presence, talk.other.id) == "available"


async def test_without_a_free_slot_it_cannot_be_taken_over_and_a_screen_that_comes_back_is_told(talk: Talk) -> None:
    asked = await talk.ask()
    full = "update agent_state set cap_messaging = used_messaging where agent_id = $1"
    await talk.world.pool.execute(full, talk.other.id)
    refused = await denied(talk.other.screen, type="accept_handover", handover=asked["handover"])
    assert refused == ("wrong_state", "handover")
    assert await talk.holder() == ("assigned", talk.sender.id)
    for agent in (talk.other, talk.sender):
        (line,) = (await talk.again(agent)).welcome["handovers"]
        assert (line["handover"], line["by"]["name"], line["to"]["name"]) == (asked["handover"], "Sender", "Other")
    await talk.world.pool.execute("update agent_state set cap_messaging = 1 where agent_id = $1", talk.other.id)
    await talk.other.screen.send(type="accept_handover", handover=asked["handover"], ref="now")
    assert (await talk.other.screen.next("profile"))["contact"]["id"] == talk.contact


@pytest.mark.parametrize(("act", "reason"), [("finish", "ended"), ("transfer", "moved")])
async def test_when_the_contact_leaves_its_holder_nobody_is_asked_any_more(act: str, reason: str, talk: Talk) -> None:
    asked = await talk.ask()
    to = {"to": {"queue": "billing"}} if act == "transfer" else {}
    await granted(talk.sender.screen, type=act, contact=talk.contact, **to)
    ended = await talk.other.screen.next("handover_ended")
    assert (ended["handover"], ended["outcome"], ended["reason"]) == (asked["handover"], "withdrawn", reason)
    late = await denied(talk.other.screen, type="accept_handover", handover=asked["handover"])
    assert late == ("gone", "handover")


async def test_only_one_at_a_time_is_asked_and_who_goes_away_no_longer(talk: Talk) -> None:
    await talk.ask()
    third = await talk.world.hire(name="Third")

    async def refused(to: object) -> tuple[str, str | None]:
        return await denied(talk.sender.screen, type="transfer", contact=talk.contact, to=to, warm=True)

    assert await refused({"agent": str(third.id)}) == ("wrong_state", "contact")
    assert await refused({"agent": str(talk.sender.id)}) == ("invalid", "to.agent")
    assert await refused({"queue": "billing"}) == ("invalid", "warm")
    await granted(talk.other.screen, type="presence", status="away", reason="break")
    ended = await talk.sender.screen.next("handover_ended")
    assert (ended["outcome"], ended["reason"]) == ("withdrawn", "away")
    assert await talk.holder() == ("assigned", talk.sender.id)
