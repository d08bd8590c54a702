"""What administrators set up, as work feels it: queues that move, agents who leave, business hours, accounts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest_asyncio

from router.needs import Need, intern_need
from router.skills import SkillLevel
from tests.flow.house import House
from tests.flow.screen_world import Screen, World

OPEN = {"time_zone": "Europe/Berlin", "open": {"mon": [["09:00", "17:00"]]}, "holidays": ["2026-12-25"]}
POLICY = {"name": "Gold", "first_response_seconds": 3600}
VOICE = """
insert into account (id, channel, provider, address, secrets, region, public_url, queue_id)
values ('calls', 'voice', 'twilio', '+4930124', '{x}', 'DE', 'https://example.com', 'support')
"""


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with World.opened(database_url) as world, House.opened(world) as house:
        yield house


async def work(house: House) -> None:
    """Everything that is due is done."""
    await house.gateway.worker.settle()
    await house.gateway.worker.drain()


async def test_what_waits_in_a_queue_that_is_removed_goes_where_it_is_told_with_what_it_requires(house: House) -> None:
    pool, admin = house.world.pool, await house.hire("Ada", "admin")
    await pool.execute("update agent_state set presence = 'away' where agent_id = $1", admin.actor.id)
    for who in (1, 2):
        await house.world.write(house.gateway.hub, who)
    await work(house)
    await admin.put("skills/spanish", {"name": "Spanish"})
    async with pool.acquire() as connection, connection.transaction():
        need = await intern_need(connection, Need("support", "messaging", (SkillLevel("spanish", 3),)))
    first, second = [row["id"] for row in await pool.fetch("select id from contact order by arrived_at")]
    await pool.execute("update contact set need_id = $1", need)
    await pool.execute("update contact set state = 'parked', agent_id = $2 where id = $1", second, admin.actor.id)
    await admin.put("queues/billing", {"name": "Billing"})
    problem = await admin.problem("queues/support", 409, method="DELETE")
    assert "move_to" in problem["detail"]
    for wrong in ("support", "nowhere"):
        assert (await admin.problem(f"queues/support?move_to={wrong}", 422, method="DELETE"))["field"] == "move_to"
    await admin.delete("queues/support?move_to=billing")
    await work(house)
    assert (await admin.get("accounts/main/queue")) == {"queue": "billing"}
    assert await at(house, first) == ("queued", "billing", ["spanish"], [3])
    await admin.post(f"contacts/{second}/take-back", status=204)
    await work(house)
    assert await at(house, second) == ("queued", "billing", ["spanish"], [3]), "also what comes back later"
    agent = await admin.post("agents", {"name": "Ines", "queues": [{"queue": "billing"}], "skills": {"spanish": 3}})
    token = (await admin.post(f"agents/{agent['id']}/tokens", {"label": "desk"}))["token"]
    await pool.execute("update agent_state set presence = 'available' where agent_id = $1", UUID(agent["id"]))
    async with house.gateway.connect(token) as socket:
        await Screen(socket).hello()
        await work(house)
        assert await pool.fetchval("select count(*) from offer where agent_id = $1", UUID(agent["id"])) == 2


async def at(house: House, contact: UUID) -> tuple[Any, ...]:
    """Where it waits, and for what."""
    row = await house.world.pool.fetchrow(
        "select c.state, c.queue_id, n.skills, n.levels from contact c join need n on n.id = c.need_id where c.id = $1",
        contact,
    )
    return tuple(row or ())


async def test_the_screens_of_who_works_here_no_more_are_closed_at_once(house: House) -> None:
    admin, agent = await house.hire("Ada", "admin"), await house.hire("Ines")
    screen = await house.screen(agent)
    await admin.delete(f"agents/{agent.actor.id}")
    end = None
    with suppress(TimeoutError):
        async with asyncio.timeout(30):
            end = await screen.closed()
    assert end == (4401, "signed_out")
    answer = await agent.ask("me")
    assert answer.status_code == 401


async def test_two_administrators_who_remove_each_other_at_once_leave_one(house: House) -> None:
    ada, ben = await house.hire("Ada", "admin"), await house.hire("Ben", "admin")
    answers = await asyncio.gather(
        ada.ask(f"agents/{ben.actor.id}", method="DELETE"), ben.ask(f"agents/{ada.actor.id}", method="DELETE")
    )
    assert sorted(answer.status_code for answer in answers)[0] == 204
    assert await house.world.pool.fetchval("select count(*) from agent where role = 'admin' and active") == 1


async def test_hours_are_written_once_and_followed_by_those_who_have_them(house: House) -> None:
    await house.world.pool.execute(VOICE)
    admin, agent = await house.hire("Ada", "admin"), await house.hire("Ines")
    await admin.put("sla/policies/gold", POLICY)
    office = {"name": "Office", "hours": OPEN, "policies": ["gold"], "accounts": ["calls"]}
    made = await admin.ask("hours/office", method="PUT", body=office)
    assert made.json() == office | {"id": "office"}
    assert (await admin.get("sla/policies/gold"))["hours"] == OPEN
    assert (await admin.get("accounts/calls/voice"))["hours"] == OPEN
    longer = OPEN | {"open": {"mon": [["08:00", "18:00"]]}}
    changed = office | {"hours": longer}
    tag = made.headers["etag"]
    await admin.put("hours/office", changed, if_match=tag)
    await admin.problem("hours/office", 412, method="PUT", body=office, if_match=tag)
    assert (await admin.get("sla/policies/gold"))["hours"] == longer
    assert (await admin.get("accounts/calls/voice"))["hours"] == longer
    await admin.put("sla/policies/gold", POLICY | {"hours": OPEN})
    assert (await agent.get("hours/office"))["policies"] == [], "it has hours of its own from now on"
    problem = await admin.problem("hours/office", 409, method="DELETE")
    assert "calls" in problem["detail"]
    await admin.put("hours/office", {"name": "Office", "hours": OPEN})
    assert (await admin.get("accounts/calls/voice"))["hours"] == longer, "who is left out keeps what they had"
    await admin.delete("hours/office")
    assert (await agent.get("hours"))["items"] == []


async def test_hours_nobody_could_keep_are_refused_with_their_place(house: House) -> None:
    admin, agent = await house.hire("Ada", "admin"), await house.hire("Ines")
    await admin.put("sla/policies/gold", POLICY)
    for wrong, field in (
        ({"hours": OPEN | {"time_zone": "Mars"}}, "hours.time_zone"),
        ({"hours": OPEN | {"open": {"mon": [["17:00", "09:00"]]}}}, "hours.open.mon[0]"),
        ({"hours": OPEN | {"holidays": ["2026-02-30"]}}, "hours.holidays[0]"),
        ({"policies": ["gold", "silver"]}, "policies[1]"),
        ({"accounts": ["main"]}, "accounts[0]"),
        ({"hours": {"time_zone": "UTC", "open": {}}, "policies": ["gold"]}, "hours.open"),
    ):
        body = {"name": "Office", "hours": OPEN} | wrong
        assert (await admin.problem("hours/office", 422, method="PUT", body=body))["field"] == field
    assert (await admin.get("hours"))["items"] == []
    assert (await admin.get("sla/policies/gold"))["hours"] is None
    await admin.problem("hours/Office!", 400, method="PUT", body={"name": "x", "hours": OPEN})
    await agent.problem("hours/office", 403, method="PUT", body={"name": "x", "hours": OPEN})


async def test_an_accounts_default_queue_is_changed_by_who_has_seen_it(house: House) -> None:
    admin, agent = await house.hire("Ada", "admin"), await house.hire("Ines")
    await admin.put("queues/billing", {"name": "Billing"})
    tag = (await admin.ask("accounts/main/queue")).headers["etag"]
    assert await admin.put("accounts/main/queue", {"queue": "billing"}, if_match=tag) == {"queue": "billing"}
    await admin.problem("accounts/main/queue", 412, method="PUT", body={"queue": "support"}, if_match=tag)
    assert (await admin.problem("accounts/main/queue", 422, method="PUT", body={"queue": "x"}))["field"] == "queue"
    account = await agent.get("accounts/main")
    assert (account["queue"], "secrets" in account) == ("billing", False)
    await house.world.write(house.gateway.hub)
    await work(house)
    assert await house.world.pool.fetchval("select queue_id from contact") == "billing"
    await admin.problem("accounts/nothing/queue", 404, method="PUT", body={"queue": "support"})
    await agent.problem("accounts/main/queue", 403, method="PUT", body={"queue": "support"})
    done = await house.world.pool.fetch("select action from audit where subject ->> 'account' = 'main'")
    assert [row["action"] for row in done] == ["account.change"]
