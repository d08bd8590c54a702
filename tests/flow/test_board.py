"""What supervisors see live, and what they do with the work of others; nobody else may."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from gateway.screen_limits import Limits
from store.ids import new_id
from tests.flow.house import House, denied, granted
from tests.flow.rest_client import Api
from tests.flow.screen_world import Screen, World


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with World.opened(database_url) as world, House.opened(world) as house:
        yield house


async def writes(house: House, *customers: int) -> None:
    """They write, one after the other, and what waits is offered."""
    for who in customers:
        await house.world.write(house.gateway.hub, who)
    await house.gateway.worker.drain()


async def takes(screen: Screen) -> str:
    """The contact of the next offer, accepted."""
    offer = await screen.offer()
    await screen.send(type="accept", offer=offer["offer"])
    await screen.next("profile")
    contact: str = offer["contact"]
    return contact


class Shown:
    """The board as a page keeps it, from the frames alone."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.seq = 0
        self.queues: dict[str, Any] = {}
        self.agents: dict[str, Any] = {}

    async def until(self, **queue: Any) -> None:
        """Take in frames until the queue's line holds these values."""
        while any(self.queues.get("support", {}).get(name, queue) != value for name, value in queue.items()):
            frame = await self.screen.next("board")
            if frame["whole"]:
                self.seq, self.queues, self.agents = 0, {}, {}
            assert frame["seq"] == self.seq + 1
            self.seq = frame["seq"]
            self.queues |= {line["id"]: line for line in frame["queues"]}
            self.agents |= {line["id"]: line for line in frame["agents"]}
            self.queues = {key: line for key, line in self.queues.items() if key not in frame["gone_queues"]}
            self.agents = {key: line for key, line in self.agents.items() if key not in frame["gone_agents"]}


async def test_the_board_is_live_and_by_rest_the_same(house: House) -> None:
    boss, agent = await house.hire("Boss", "supervisor"), await house.hire("Ines")
    await house.world.pool.execute("update agent_state set cap_messaging = 1 where agent_id = $1", agent.actor.id)
    await house.world.pool.execute("update agent_state set presence = 'away' where agent_id = $1", boss.actor.id)
    watcher, screen = await house.screen(boss), await house.screen(agent)
    shown = Shown(watcher)
    await granted(watcher, type="watch", board=True)
    await shown.until(waiting=0, available=1)
    await writes(house, 1, 2)
    await shown.until(waiting=1, offered=1, held=0)
    assert shown.queues["support"]["longest_since"] is not None
    [rings] = shown.agents[str(agent.actor.id)]["contacts"]
    assert (rings["state"], rings["queue"]) == ("offered", "support")
    contact = await takes(screen)
    await shown.until(waiting=1, offered=0, held=1)
    line = shown.agents[str(agent.actor.id)]
    assert [(each["contact"], each["state"]) for each in line["contacts"]] == [(contact, "assigned")]
    assert line["capacity"]["messaging"] == {"used": 1, "slots": 1}
    board = await boss.get("board?time_zone=Europe/Berlin&within_seconds=60")
    today = board["queues"][0].pop("today")
    assert (today["answered"], today["abandoned"], today["service_level"]) == (1, 0, 1.0)
    assert board["queues"][0].items() <= shown.queues["support"].items()
    assert {each["id"]: each for each in board["agents"]} == shown.agents
    await house.world.pool.execute("update contact set state = 'abandoned' where state = 'queued'")
    await shown.until(waiting=0)
    assert (await boss.get("board"))["queues"][0]["today"]["service_level"] == 0.5
    frames = len(watcher.frames)
    await granted(watcher, type="watch", board=False)
    await granted(screen, type="finish", contact=contact)
    await granted(watcher, type="active")
    assert [each for each in watcher.frames[frames:] if each["type"] == "board" and each["queues"]] == []


async def test_a_board_on_which_nothing_changes_says_so(house: House) -> None:
    boss = await house.hire("Boss", "supervisor")
    often = Limits(board_heartbeat_seconds=0.1)
    async with house.world.gateway(limits=often) as gateway, gateway.connect(boss.token) as connection:
        watcher = Screen(connection)
        await watcher.hello()
        await granted(watcher, type="watch", board=True)
        first = await watcher.next("board")
        beat = await watcher.next("board")
    assert (first["seq"], first["whole"], beat["seq"], beat["whole"]) == (1, True, 2, False)
    assert (beat["queues"], beat["agents"]) == ([], [])
    assert beat["at"] > first["at"]


async def test_a_supervisor_takes_back_what_is_held_and_others_are_tried_first(house: House) -> None:
    boss, agent, other = await house.hire("Boss", "supervisor"), await house.hire("Ines"), await house.hire("Marek")
    await house.world.pool.execute("update agent_state set presence = 'away' where agent_id = $1", boss.actor.id)
    screen = await house.screen(agent)
    await writes(house, 1)
    contact = await takes(screen)
    fence = "select fence from contact"
    before = await house.world.pool.fetchval(fence)
    second = await house.screen(other)
    watcher = await house.screen(boss)
    await granted(watcher, type="take_back", contact=contact)
    assert (await screen.next("contact_ended"))["reason"] == "taken_back"
    assert await house.world.pool.fetchval(fence) == before + 1
    await house.gateway.worker.drain()
    offer = await second.offer()
    assert offer["contact"] == contact
    await house.world.pool.execute("update agent_state set presence = 'away' where agent_id = $1", agent.actor.id)
    await boss.post(f"contacts/{contact}/take-back", status=204)
    await house.gateway.worker.drain()
    assert (await boss.get(f"contacts/{contact}"))["state"] == "queued", "not at once to who was just freed of it"
    ended = await second.next("offer_ended")
    assert (ended["offer"], ended["outcome"], ended["reason"]) == (offer["offer"], "rescinded", "taken_back")
    late = await denied(second, type="accept", offer=offer["offer"])
    assert late[0] == "gone"
    problem = await boss.problem(f"contacts/{contact}/take-back", 409, method="POST")
    assert problem["field"] == "contact"
    done = await house.world.pool.fetch("select actor_id, action from audit order by id")
    assert [tuple(row) for row in done] == [(boss.actor.id, "contact.take_back")] * 2


async def test_a_supervisor_gives_what_waits_rings_or_is_held_to_somebody(house: House) -> None:
    boss, agent, other = await house.hire("Boss", "supervisor"), await house.hire("Ines"), await house.hire("Marek")
    await house.world.pool.execute("update agent_state set presence = 'away' where agent_id <> $1", agent.actor.id)
    screen, second = await house.screen(agent), await house.screen(other)
    await writes(house, 1)
    offer = await screen.offer()
    contact = offer["contact"]
    body = {"agent": str(other.actor.id)}
    refused = await boss.problem(f"contacts/{contact}/reassign", 409, method="POST", body=body)
    assert refused["field"] == "agent"
    assert (await boss.get(f"contacts/{contact}"))["state"] == "offered", "what rings rings on"
    await boss.put(f"agents/{other.actor.id}/presence", {"status": "available"}, status=204)
    await boss.post(f"contacts/{contact}/reassign", body, status=204)
    assert (await screen.next("offer_ended"))["reason"] == "taken_back"
    await house.gateway.worker.drain()
    assert (await second.next("profile"))["contact"]["id"] == contact
    await granted(second, type="shown", contact=contact)
    watcher = await house.screen(boss)
    await granted(watcher, type="reassign", contact=contact, agent=str(agent.actor.id))
    assert (await second.next("contact_ended"))["reason"] == "taken_back"
    await house.gateway.worker.drain()
    assert (await screen.next("profile"))["contact"]["id"] == contact
    assert (await boss.get(f"contacts/{contact}"))["agent"] == str(agent.actor.id)
    code, field = await denied(watcher, type="reassign", contact=contact, agent=str(new_id()))
    assert (code, field) == ("not_found", "agent")


async def test_a_supervisor_says_who_is_there(house: House) -> None:
    boss, agent = await house.hire("Boss", "supervisor"), await house.hire("Ines")
    screen, watcher = await house.screen(agent), await house.screen(boss)
    await granted(watcher, type="presence_of", agent=str(agent.actor.id), status="away", reason="lunch")
    presence = (await screen.next("event"))["event"]
    while presence["kind"] != "presence" or presence["presence"]["status"] != "away":
        presence = (await screen.next("event"))["event"]
    assert presence["presence"]["reason"] == "lunch"
    path = f"agents/{agent.actor.id}/presence"
    problem = await boss.problem(path, 422, method="PUT", body={"status": "away", "reason": "fishing"})
    assert problem["field"] == "reason"
    await boss.problem(f"agents/{new_id()}/presence", 404, method="PUT", body={"status": "away"})


async def test_agents_may_neither_watch_nor_lead(house: House) -> None:
    agent = await house.hire("Ines")
    screen = await house.screen(agent)
    await writes(house, 1)
    contact = await takes(screen)
    me = str(agent.actor.id)
    for frame in (
        {"type": "watch", "board": True},
        {"type": "take_back", "contact": contact},
        {"type": "reassign", "contact": contact, "agent": me},
        {"type": "presence_of", "agent": me, "status": "away"},
    ):
        assert (await denied(screen, **frame))[0] == "forbidden"
    await forbidden(agent, "board", "GET")
    await forbidden(agent, f"contacts/{contact}/take-back", "POST")
    await forbidden(agent, f"contacts/{contact}/reassign", "POST", {"agent": me})
    await forbidden(agent, f"agents/{me}/presence", "PUT", {"status": "away"})
    assert (await agent.get(f"contacts/{contact}"))["agent"] == me


async def forbidden(agent: Api, path: str, method: str, body: object = None) -> None:
    await agent.problem(path, 403, method=method, body=body)


async def test_a_watch_that_cannot_be_understood_is_told_where(house: House) -> None:
    boss = await house.hire("Boss", "supervisor")
    watcher = await house.screen(boss)
    assert await denied(watcher, type="watch", board=True, time_zone="Mars") == ("invalid", "time_zone")
    assert (await boss.problem("board?time_zone=Mars", 400))["field"] == "time_zone"
    assert (await boss.problem("board?within_seconds=0", 400))["field"] == "within_seconds"
