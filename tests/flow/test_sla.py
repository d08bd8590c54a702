"""R13: promises of first response and resolution, from REST over the clocks to the screens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.sla_worker import ALERTS, SlaWorker
from store.ids import new_id
from tests.flow.house import House, customer_of, event, granted
from tests.flow.rest_client import Api
from tests.flow.screen_world import Screen, World

GOLD = {"name": "Gold", "first_response_seconds": 600, "resolution_seconds": 7200, "warn_before_seconds": 60}
HOURS = {"time_zone": "Europe/Berlin", "open": {"mon": [["09:00", "17:00"]]}, "holidays": ["2026-12-28"]}
MINUTE = timedelta(minutes=1)
BY_RULE = """
update decision set chosen = jsonb_build_object('sla', $1::text)
 where contact_id = (select id from contact order by arrived_at desc limit 1)
"""


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with World.opened(database_url) as world, House.opened(world) as house:
        yield house


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


class Desk:
    """An agent whose screen shows a customer to whom a queue has promised something."""

    def __init__(self, house: House, boss: Api, agent: Api, screen: Screen) -> None:
        self.house, self.boss, self.agent, self.screen = house, boss, agent, screen
        self.sla = SlaWorker(house.world.pool, house.gateway.hub.announce)

    @classmethod
    async def opened(cls, house: House, policy: dict[str, Any] = GOLD, **queue: Any) -> Desk:
        boss, agent = await house.hire("Boss", "admin"), await house.hire("Mia")
        await boss.put("sla/policies/gold", policy)
        await boss.put("queues/support/sla", {"policy": "gold"} | queue)
        return cls(house, boss, agent, await house.screen(agent))

    async def writes(self, who: int = 1) -> None:
        """A customer writes, and everything is done about it."""
        await self.house.world.write(self.house.gateway.hub, who=who)
        await self.house.gateway.worker.drain()
        await self.sla.step()

    async def takes(self) -> dict[str, Any]:
        """The agent accepts what rings; the profile."""
        offer = (await event(self.screen, "offer"))["offer"]
        await self.screen.send(type="accept", offer=offer, ref="take")
        profile = await self.screen.next("profile")
        await self.sla.step()
        return profile

    async def answers(self, profile: dict[str, Any]) -> None:
        talk = profile["conversations"][0]["id"]
        await granted(self.screen, type="reply", conversation=talk, body="Hello", id=str(new_id()))
        await self.sla.step()

    async def passes(self, minutes: int) -> None:
        """As if so much time had passed since."""
        await self.house.world.pool.execute(
            "update sla_clock set since = since - $1::interval, next_at = next_at - $1::interval",
            timedelta(minutes=minutes),
        )
        await self.sla.step()

    async def clocks(self, who: int = 1) -> dict[str, Any]:
        """As REST shows them."""
        customer = await customer_of(self.house.world, who)
        [talk, *_] = (await self.agent.get(f"customers/{customer}/conversations"))["items"]
        return {each["measure"]: each for each in talk["sla"]}


async def test_what_a_queue_promises_is_due_on_the_profile_and_rests_while_the_customer_is_asked(house: House) -> None:
    desk = await Desk.opened(house)
    await desk.writes()
    profile = await desk.takes()
    arrived = at(profile["timeline"][0]["at"])
    first, resolution = (await desk.clocks()).values()
    assert (first["measure"], first["policy"], resolution["measure"]) == ("first_response", "gold", "resolution")
    assert abs(at(first["due_at"]) - arrived - 10 * MINUTE) < timedelta(seconds=5)
    assert at(resolution["due_at"]) - at(first["due_at"]) == 110 * MINUTE
    assert at(first["due_at"]) - at(first["warn_at"]) == MINUTE
    await desk.answers(profile)
    while (shown := (await event(desk.screen, "sla"))["sla"])[0]["met_at"] is None:
        assert shown == [first, resolution]  # where the profile was prepared before the clocks were set
    assert [each["due_at"] for each in shown] == [None, None]
    assert shown == list((await desk.clocks()).values())
    # the customer's word lets it run on with what was left
    await desk.passes(30)
    await desk.writes()
    again = await desk.clocks()
    assert again["first_response"] == shown[0]
    assert at(again["resolution"]["due_at"]) > at(resolution["due_at"])
    contact = (await desk.agent.get("contacts"))["items"][0]
    assert contact["sla_due_at"] == again["resolution"]["due_at"]
    # closed it rests; reopened it goes on
    talk = profile["conversations"][0]["id"]
    await granted(desk.screen, type="close", conversation=talk)
    await desk.sla.step()
    assert (await desk.clocks())["resolution"]["due_at"] is None
    await desk.writes()
    assert (await desk.clocks())["resolution"]["due_at"] is not None


async def test_what_a_rule_closes_promises_nothing(house: House) -> None:
    desk = await Desk.opened(house)
    draft = await desk.boss.put("rules/draft", {"rules": [{"name": "unread", "close": True}]})
    await desk.boss.post("rules/draft/publish", {"revision": draft["revision"]})
    await desk.writes()
    await desk.passes(10_000)
    assert await desk.clocks() == {}


async def test_a_warning_and_a_breach_reach_the_holder_once(house: House) -> None:
    desk = await Desk.opened(house)
    await desk.writes()
    profile = await desk.takes()
    due = (await desk.clocks())["first_response"]["due_at"]
    for minutes, what in ((9, "warning"), (1, "breach")):
        counted = ALERTS.labels("gold", "first_response", what)._value.get()
        await asyncio.gather(desk.passes(minutes), SlaWorker(house.world.pool, house.gateway.hub.announce).step())
        alert = await event(desk.screen, "sla_alert")
        assert (alert["measure"], alert["what"]) == ("first_response", what)
        assert alert["conversation"] == profile["conversations"][0]["id"]
        assert ALERTS.labels("gold", "first_response", what)._value.get() == counted + 1
    assert at(alert["due_at"]) == at(due) - 10 * MINUTE
    clock = (await desk.clocks())["first_response"]
    assert (clock["breached_at"], clock["warned_at"] is not None) == (alert["due_at"], True)
    await desk.passes(1)
    assert not [frame for frame in await desk.screen.quiet() if frame.get("event", {}).get("kind") == "sla_alert"]
    # an answer ends it, and does not undo the breach
    await desk.answers(profile)
    assert (await desk.clocks())["first_response"]["breached_at"] == alert["due_at"]


async def test_an_automatic_answer_does_not_count(house: House) -> None:
    desk = await Desk.opened(house)
    await desk.writes()
    before = await desk.clocks()
    root = await customer_of(house.world)
    await house.world.pool.execute(
        "insert into entry (id, customer_id, conversation_id, at, kind, channel, direction, body) "
        "select $1, v.customer_id, v.id, now(), 'message', 'sms', 'out', 'We are closed' from conversation v "
        "where v.customer_id = $2",
        *(new_id(), root),
    )
    await desk.sla.step()
    assert await desk.clocks() == before
    assert before["first_response"]["due_at"] is not None


async def test_rule_before_queue_before_account_and_targets_by_priority(house: House) -> None:
    desk = await Desk.opened(house)
    boss = desk.boss
    urgent = {"priority": 5, "first_response_seconds": 60}
    silver = {"name": "Silver", "first_response_seconds": 3600, "by_priority": [urgent]}
    await boss.put("sla/policies/silver", silver)
    await boss.put("accounts/main/sla", {"policy": "silver"})
    rules = {
        "rules": [{"name": "urgent", "queue": "support", "priority": 5, "sla": "silver",
                   "when": {"field": "text", "contains": "message 2"}}],
        "cases": [],
    }  # fmt: skip
    draft = await boss.put("rules/draft", rules)
    await boss.post("rules/draft/publish", {"revision": draft["revision"]})
    await desk.writes(1)
    await desk.writes(2)
    assert set(await desk.clocks(1)) == {"first_response", "resolution"}
    named = await desk.clocks(2)
    assert (set(named), named["first_response"]["policy"]) == ({"first_response"}, "silver")
    arrived = await house.world.pool.fetchval("select max(arrived_at) from contact")
    assert at(named["first_response"]["due_at"]) == arrived + MINUTE
    # without the queue's it is the account's; taken away everywhere it ends
    await boss.put("queues/support/sla", {"policy": None})
    await desk.sla.step()
    assert {each["policy"] for each in (await desk.clocks(1)).values()} == {"silver"}
    await boss.put("sla/policies/silver", silver | {"first_response_seconds": 7200, "hours": HOURS})
    await desk.sla.step()
    assert at((await desk.clocks(1))["first_response"]["due_at"]).weekday() == 0
    await boss.put("accounts/main/sla", {})
    await boss.delete("sla/policies/silver")
    await desk.sla.step()
    assert await desk.clocks(1) == {}


async def test_a_queue_in_order_of_due_times_offers_what_is_due_first(house: House) -> None:
    desk = await Desk.opened(house, order="sla_due")
    await desk.boss.put("sla/policies/quick", {"name": "Quick", "first_response_seconds": 60})
    pool, worker = house.world.pool, house.gateway.worker
    await pool.execute("update agent_state set presence = 'away'")
    await desk.writes(1)
    await desk.writes(2)
    await pool.execute(BY_RULE, "quick")
    await desk.boss.put("queues/support/sla", {"policy": "gold", "order": "sla_due"})
    await desk.sla.step()
    order = [row["id"] for row in await pool.fetch("select id from contact order by order_key")]
    arrival = [row["id"] for row in await pool.fetch("select id from contact order by arrived_at")]
    assert order == arrival[::-1]
    # the customer writes again: rules run anew, and it keeps its place
    await desk.writes(1)
    assert order == [row["id"] for row in await pool.fetch("select id from contact order by order_key")]
    await pool.execute("update agent_state set presence = 'available', cap_messaging = 1")
    await worker.drain()
    assert (await event(desk.screen, "offer"))["contact"] == str(order[0])
    await desk.boss.put("queues/support/sla", {"policy": "gold", "order": "arrival"})
    assert arrival == [row["id"] for row in await pool.fetch("select id from contact order by order_key")]


async def test_what_cannot_be_promised_is_refused_with_its_field(house: House) -> None:
    desk = await Desk.opened(house)
    boss = desk.boss
    for body, field in (
        ({"name": "x"}, "first_response_seconds"),
        (GOLD | {"hours": {"time_zone": "Mars/Olympus", "open": {}}}, "hours.time_zone"),
        (GOLD | {"hours": {"time_zone": "UTC", "open": {}}}, "hours.open"),
        (GOLD | {"by_priority": [{"priority": 1, "resolution_seconds": 5}] * 2}, "by_priority"),
    ):
        assert (await boss.problem("sla/policies/new", 422, method="PUT", body=body))["field"].startswith(field)
    zero = {"name": "x", "first_response_seconds": 0}
    assert (await boss.problem("sla/policies/new", 400, method="PUT", body=zero))["field"] == "first_response_seconds"
    assert (await boss.problem("sla/policies/No", 400, method="PUT", body=GOLD))["field"] == "key"
    assert (await boss.problem("queues/support/sla", 422, method="PUT", body={"policy": "none"}))["field"] == "policy"
    await boss.problem("queues/none/sla", 404, method="PUT", body={})
    await boss.problem("sla/policies/gold", 409, method="DELETE")
    await boss.problem("sla/policies/gold", 412, method="PUT", body=GOLD, if_match='"old"')
    await desk.agent.problem("sla/policies/new", 403, method="PUT", body=GOLD)
    assert [each["id"] for each in await desk.agent.every("sla/policies", 1)] == ["gold"]


async def test_folded_conversations_rest_and_run_on_when_they_are_their_own_again(house: House) -> None:
    desk = await Desk.opened(house)
    for who in (1, 2, 3):
        await desk.writes(who)
    older, newer = [await customer_of(house.world, who) for who in (1, 2)]
    before = await desk.clocks(1)
    merge = await desk.agent.post("merges", {"survivor": str(older), "loser": str(newer)})
    await desk.sla.step()
    assert await desk.clocks(1) == before
    [shown] = (await desk.agent.get(f"customers/{older}/conversations"))["items"]
    rows = await house.world.pool.fetch("select since from sla_clock where conversation_id in "
                                        "(select id from conversation where folded_into is not null)")  # fmt: skip
    assert [row["since"] for row in rows] == [None, None]
    assert len(shown["sla"]) == 2
    await desk.agent.post(f"merges/{merge['id']}/undo", status=200)
    await desk.sla.step()
    assert (await desk.clocks(2))["resolution"]["due_at"] is not None


async def test_a_policy_that_cannot_be_counted_by_stops_the_clocks_of_nobody_else(house: House) -> None:
    desk = await Desk.opened(house)
    pool = house.world.pool
    await desk.writes(1)
    await desk.writes(2)
    await desk.boss.put("sla/policies/bad", GOLD | {"hours": HOURS})
    await pool.execute(BY_RULE, "bad")
    await pool.execute("update sla_policy set hours = jsonb_set(hours, '{time_zone}', '\"Mars\"') where id = 'bad'")
    before = [await desk.clocks(who) for who in (1, 2)]
    await desk.boss.put("sla/policies/gold", GOLD | {"first_response_seconds": 300})
    await desk.sla.step()
    assert [was == await desk.clocks(who) for who, was in zip((1, 2), before, strict=True)].count(True) == 1
    assert await pool.fetchval("select count(*) from sla_turn") == 0
