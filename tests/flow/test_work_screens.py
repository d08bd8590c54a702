"""Topics, tasks, My Customers, who was looked at: written by one agent, on another's screen, the same by REST later."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from store.ids import new_id
from tests.flow.house import House, customer_of, denied, event, granted
from tests.flow.rest_client import Api
from tests.flow.screen_world import Screen, World


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with World.opened(database_url) as world:
        yield world


async def again(world: World, agent: Api, path: str) -> Any:
    """What REST of another process reads."""
    async with House.opened(world) as house:
        return await house.again(agent).get(path)


async def seen(screen: Screen, customer: object) -> dict[str, Any]:
    """The customer of the next event that shows it."""
    shown: dict[str, Any] = (await event(screen, "customer", f"customer:{customer}"))["customer"]
    return shown


async def test_topics_of_a_conversation_are_on_an_open_screen_and_lead_to_its_beginning(world: World) -> None:
    """P6, P7, P9."""
    async with House.opened(world) as house:
        mia, noah, boss = await house.hire("Mia"), await house.hire("Noah"), await house.hire("Boss", "admin")
        delivery = await boss.post("topics", {"name": "Delivery"})
        late = await boss.post("topics", {"name": "Late parcel", "parent": delivery["id"]})
        await world.write(house.gateway.hub, bodies=3)
        ada = str(await customer_of(world))
        [talk] = (await mia.get(f"customers/{ada}/conversations"))["items"]
        writer, screen = await house.screen_at(mia, ada), await house.screen_at(noah, ada)
        await granted(writer, type="topics", conversation=talk["id"], topics=[late["id"]])
        shown = await event(screen, "topics")
        assert shown["conversation"] == talk["id"]
        assert [topic["path"] for topic in shown["topics"]] == [["Delivery", "Late parcel"]]
        customer = await seen(screen, ada)
        counts = [(topic["path"], topic["contacts"]) for topic in customer["topics"]]
        assert counts == [(["Delivery"], 1), (["Delivery", "Late parcel"], 1)]
        assert (customer["contacts_30_days"], customer["open_tasks"]) == (1, 0)
        assert customer["first_contact_at"] == customer["last_contact_at"]
        page = await granted(screen, type="timeline", customer=ada, conversation=talk["id"], limit=2)
        assert [entry["body"] for entry in page["timeline"]] == ["message 1", "message 2"]
        answer = await mia.put(f"conversations/{talk['id']}/topics", {"topics": [delivery["id"], late["id"]]})
        assert (await event(screen, "topics"))["topics"] == answer["items"]
        unknown = await denied(writer, type="topics", conversation=talk["id"], topics=[str(new_id())])
        assert unknown == ("invalid", "topics")
        circle = {"parent": late["id"]}
        assert (await boss.problem(f"topics/{delivery['id']}", 422, method="PATCH", body=circle))["field"] == "parent"
    [kept] = (await again(world, noah, f"customers/{ada}/conversations"))["items"]
    assert kept["topics"] == answer["items"]
    assert (await again(world, noah, f"customers/{ada}"))["topics"][0]["contacts"] == 1


async def test_a_task_is_on_the_profile_and_on_the_screens_of_whoever_it_is_for(world: World) -> None:
    """P13, P12, P9."""
    async with House.opened(world) as house:
        mia, noah, eve = [await house.hire(name) for name in ("Mia", "Noah", "Eve")]
        ada = (await mia.post("customers", {"name": "Ada"}))["id"]
        writer, watcher = await house.screen_at(mia, ada), await house.screen_at(eve, ada)
        desk = await house.screen(noah)
        due = datetime(2030, 1, 2, 9, 30, 0, 1, tzinfo=UTC).isoformat().replace("+00:00", "Z")
        frame = {"type": "task", "customer": ada, "body": "call back", "id": str(new_id()), "due_at": due}
        assert (await granted(writer, **frame, agent=str(noah.actor.id)))["entry"] == frame["id"]
        task = (await event(watcher, "task"))["task"]
        assert (task["body"], task["agent"]["name"], task["by"]["name"], task["due_at"]) == (
            "call back",
            "Noah",
            "Mia",
            due,
        )
        assert (await seen(watcher, ada))["open_tasks"] == 1
        assert (await event(desk, "task", f"agent:{noah.actor.id}"))["task"] == task
        [entry] = (await mia.get(f"customers/{ada}/timeline"))["items"]
        assert (entry["kind"], entry["body"], entry["id"]) == ("task", "call back", task["id"])
        await desk.send(type="open", customer=task["customer"], ref="from the task")
        assert (await desk.next("profile"))["tasks"] == [task]
        moved = await mia.patch(f"tasks/{task['id']}", {"revision": 1, "agent": str(eve.actor.id)})
        assert (await event(desk, "task", f"agent:{noah.actor.id}"))["task"] == moved
        assert (await event(watcher, "task", f"agent:{eve.actor.id}"))["task"] == moved
        await mia.problem(f"tasks/{task['id']}", 409, method="PATCH", body={"revision": 1, "body": "late"})
        both = frame | {"id": str(new_id()), "agent": str(eve.actor.id), "queue": "support"}
        assert await denied(writer, **both) == ("invalid", "agent")
        for before in ("9999-12-31T23:59:59-12:00", "2026-11-26T09:30:00", "soon"):
            assert (await mia.problem(f"tasks?due_before={before}", 400))["field"] == "due_before"
    assert (await again(world, eve, "my-customers"))["tasks"] == [moved]
    assert (await again(world, noah, "my-customers"))["tasks"] == []
    assert (await again(world, noah, f"tasks?agent={eve.actor.id}&state=open"))["items"] == [moved]
    async with House.opened(world) as house:
        screen, watcher = await house.screen(eve), await house.screen_at(noah, ada)
        assert screen.frames[-1]["tasks"] == [moved]
        await granted(screen, type="end_task", task=task["id"])
        ended = (await event(watcher, "task"))["task"]
        assert (ended["state"], ended["ended_by"]["name"]) == ("done", "Eve")
        assert await denied(screen, type="end_task", task=task["id"], state="cancelled") == ("wrong_state", "state")
    assert await again(world, mia, f"tasks/{task['id']}") == ended
    assert (await again(world, mia, f"customers/{ada}"))["open_tasks"] == 0


async def test_my_customers_lists_what_an_agent_holds_and_a_new_name_shows_there(world: World) -> None:
    """P12."""
    async with House.opened(world) as house:
        mia, noah = await house.hire("Mia"), await house.hire("Noah")
        screen = await house.screen(noah)
        await world.write(house.gateway.hub)
        await house.gateway.worker.drain()
        offer = await screen.offer()
        await screen.send(type="accept", offer=offer["offer"], ref="accept")
        await screen.next("profile")
        ada = await customer_of(world)
        await mia.patch(f"customers/{ada}", {"name": "Ada Byron"})
        while (held := (await event(screen, "held"))["held"])["customer_name"] is None:
            pass
        assert (held["customer_name"], held["channel"]) == ("Ada Byron", "sms")
    [line] = (await again(world, noah, "my-customers"))["contacts"]
    assert (line["contact"], line["customer_name"], line["unread"]) == (held["contact"], "Ada Byron", 0)
    assert (await again(world, mia, "my-customers"))["contacts"] == []


async def test_whom_an_agent_looked_at_is_remembered_on_screen_and_by_rest(world: World) -> None:
    """P14: recently viewed, by a click and by accepting."""
    async with House.opened(world) as house:
        mia = await house.hire("Mia")
        screen = await house.screen(mia)
        made = [(await mia.post("customers", {"name": name}))["id"] for name in ("Ada", "Bob")]
        for customer in (*made, made[0]):
            await screen.send(type="open", customer=customer, ref="open")
            await screen.next("profile")
            await recent(screen, customer)
        await world.write(house.gateway.hub)
        await house.gateway.worker.drain()
        await screen.send(type="accept", offer=(await screen.offer())["offer"], ref="accept")
        await screen.next("profile")
        accepted = str(await customer_of(world))
        assert await recent(screen, accepted) == [accepted, made[0], made[1]]
    assert [each["id"] for each in (await again(world, mia, "recent"))["items"]] == [accepted, made[0], made[1]]
    assert [each["name"] for each in (await again(world, mia, "recent?limit=2"))["items"]] == [None, "Ada"]


async def recent(screen: Screen, expected: str) -> list[str]:
    """Whom the agent looked at last, once it is this one: it is written behind the profile, never before it."""
    for _ in range(200):
        answer = await granted(screen, type="recent")
        found = [each["id"] for each in answer["customers"]]
        if found[:1] == [expected]:
            return found
        await asyncio.sleep(0.01)
    raise AssertionError(f"{expected} was never remembered")


async def test_only_administrators_define_and_services_have_no_desk(world: World) -> None:
    """P3, P5, P7, P12."""
    async with House.opened(world) as house:
        mia, crm = await house.hire("Mia"), await house.hire("CRM", "service")
        for path, body in (
            ("fields", {"key": "a", "label": "A", "type": "text"}),
            ("topics", {"name": "A"}),
            ("segments", {"id": "a", "name": "A", "condition": {"field": "plan", "known": True}}),
            ("relationship-types", {"id": "a", "label": "A"}),
        ):
            for agent in (mia, crm):
                await agent.problem(path, 403, method="POST", body=body)
                assert (await agent.get(path))["items"] == []
        for path in ("my-customers", "recent"):
            await crm.problem(path, 403)


async def test_what_is_not_there_is_not_found(world: World) -> None:
    """P2, P3, P4, P5, P13: unknown ids, bad input."""
    async with House.opened(world) as house:
        boss = await house.hire("Boss", "admin")
        nobody = str(new_id())
        for method, path, body in (
            ("PATCH", f"customers/{nobody}", {"plan": "gold"}),
            ("POST", f"customers/{nobody}/handles", {"kind": "email", "value": "a@example.org"}),
            ("PATCH", f"handles/{nobody}", {"main": True}),
            ("DELETE", f"handles/{nobody}", None),
            ("POST", f"customers/{nobody}/addresses", {"city": "London"}),
            ("DELETE", f"addresses/{nobody}", None),
            ("POST", f"customers/{nobody}/details", {"body": "x"}),
            ("PATCH", f"details/{nobody}", {"body": "x", "revision": 1}),
            ("POST", f"customers/{nobody}/relationships", {"type": "x", "customer": nobody}),
            ("DELETE", f"relationships/{nobody}", None),
            ("POST", f"customers/{nobody}/pins", {"entry": nobody}),
            ("DELETE", f"pins/{nobody}", None),
            ("PATCH", f"tasks/{nobody}", {"revision": 1}),
            ("PUT", f"conversations/{nobody}/topics", {"topics": []}),
            ("PATCH", f"topics/{nobody}", {"name": "x"}),
            ("PATCH", "fields/nope", {"label": "x"}),
            ("PATCH", "segments/nope", {"name": "x"}),
            ("DELETE", "relationship-types/nope", None),
        ):
            await boss.problem(path, 404, method=method, body=body)
        for path in (f"customers/{nobody}/{each}" for each in ("handles", "details", "relationships", "tasks")):
            await boss.problem(path, 404)
        await boss.problem(f"tasks/{nobody}", 404)
        await boss.problem("tasks", 404, method="POST", body={"customer": nobody, "body": "x"})
        screen = await house.screen(boss)
        edit = {"type": "edit", "customer": nobody, "field": "plan", "value": "gold", "revision": 0}
        assert await denied(screen, **edit) == ("not_found", "customer")
        assert await denied(screen, type="end_task", task=nobody) == ("not_found", "task")
        assert await denied(screen, type="topics", conversation=nobody, topics=[]) == ("not_found", "conversation")
