"""R14: tasks become work when they are due, apart from contacts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.task_worker import TaskWorker
from router.retiring import retire_queue
from router.task_work import BATCH
from store.feeds import transaction
from tests.flow.house import House, event
from tests.flow.rest_client import Api
from tests.flow.screen_world import Screen, World

PAST, FUTURE = "2026-01-02T09:00:00Z", "2199-01-02T09:00:00Z"


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with World.opened(database_url) as world, House.opened(world) as house:
        yield house


class Tasks:
    """A customer with tasks, and what gives them out."""

    def __init__(self, house: House, boss: Api, customer: str) -> None:
        self.house, self.boss, self.customer = house, boss, customer
        self.workers = [TaskWorker(house.world.pool, house.gateway.hub.announce) for _ in range(2)]

    @classmethod
    async def opened(cls, house: House) -> Tasks:
        boss = await house.hire("Boss", "supervisor")
        await house.world.pool.execute("update agent_state set presence = 'away'")
        return cls(house, boss, (await boss.post("customers", {"name": "Ada"}))["id"])

    async def hire(self, name: str) -> tuple[Api, Screen]:
        agent = await self.house.hire(name)
        return agent, await self.house.screen(agent)

    async def add(self, due: str = PAST, body: str = "call back", **whose: str) -> Any:
        whose = whose or {"queue": "support"}
        return await self.boss.post("tasks", {"customer": self.customer, "body": body, "due_at": due} | whose)

    async def step(self) -> None:
        """Two processes at once, as often as it takes."""
        for _ in range(2):
            await asyncio.gather(*(worker.step() for worker in self.workers))

    async def whose(self, task: Any) -> tuple[str | None, str | None]:
        """The agent and the queue of a task."""
        now = await self.boss.get(f"tasks/{task['id']}")
        return now["agent"] and now["agent"]["name"], now["queue"]

    async def change(self, task: Any, **what: object) -> Any:
        now = await self.boss.get(f"tasks/{task['id']}")
        return await self.boss.patch(f"tasks/{task['id']}", {"revision": now["revision"]} | what)


async def test_a_due_task_of_a_queue_is_given_to_one_agent_and_the_next_when_it_is_done(house: House) -> None:
    tasks = await Tasks.opened(house)
    first, second, later = await tasks.add(), await tasks.add(body="write"), await tasks.add(FUTURE)
    await tasks.step()
    assert await tasks.whose(first) == (None, "support")  # nobody is there
    _, screen = await tasks.hire("Mia")
    await tasks.step()
    given = await event(screen, "task_due")
    assert (given["task"]["id"], given["routed"], given["task"]["customer_name"]) == (first["id"], True, "Ada")
    assert [await tasks.whose(each) for each in (first, second, later)] == [
        ("Mia", None), (None, "support"), (None, "support")]  # fmt: skip
    # it has no slot of contacts, and is no contact
    assert await house.world.pool.fetchval("select count(*) from contact") == 0
    await tasks.change(first, state="done")
    await tasks.step()
    assert (await event(screen, "task_due"))["task"]["id"] == second["id"]
    assert await tasks.whose(first) == ("Mia", None)
    assert await house.world.pool.fetchval("select count(*) from task_work") == 1


async def test_what_an_agent_who_left_had_is_given_to_another(house: House) -> None:
    tasks = await Tasks.opened(house)
    task = await tasks.add()
    mia, screen = await tasks.hire("Mia")
    await tasks.step()
    await event(screen, "task_due")
    await screen.send(type="presence", status="offline", ref="bye")
    await screen.next("result")
    await tasks.step()
    assert await tasks.whose(task) == (None, "support")
    assert (await event(screen, "task"))["task"]["queue"] == "support"
    _, other = await tasks.hire("Noah")
    await tasks.step()
    assert (await event(other, "task_due"))["task"]["id"] == task["id"]
    assert mia is not None


async def test_who_gives_a_task_back_is_passed_over_and_limits_hold(house: House) -> None:
    tasks = await Tasks.opened(house)
    agents = {"Mia": await tasks.hire("Mia"), "Noah": await tasks.hire("Noah")}
    task = await tasks.add()
    await tasks.step()
    who, _ = await tasks.whose(task)
    [other] = set(agents) - {who}
    await tasks.change(task, queue="support")
    await tasks.step()
    assert await tasks.whose(task) == (other, None)
    # by the limit: as many more as they may have, and none to whom it is taken away
    limit = f"agents/{agents[other][0].actor.id}/task-work"
    assert await tasks.boss.get(limit) == {"at_once": 1}
    await tasks.boss.put(limit, {"at_once": 2})
    await tasks.boss.put(f"agents/{agents[str(who)][0].actor.id}/task-work", {"at_once": 0})
    more = [await tasks.add(body=f"more {number}") for number in range(3)]
    await tasks.step()
    assert sorted([(await tasks.whose(each))[0] or "" for each in more]) == ["", "", other]


async def test_a_queue_with_open_tasks_stays_and_one_that_is_gone_gets_none(house: House) -> None:
    tasks = await Tasks.opened(house)
    pool = house.world.pool
    await pool.execute("insert into queue (id, name) values ('billing', 'Billing')")
    task = await tasks.add(queue="billing")

    async def retire() -> Any:
        async with transaction(pool, house.gateway.hub.announce) as tx:
            return await retire_queue(tx, "billing")

    assert (await retire()).code == "conflict"
    await tasks.change(task, state="cancelled")
    assert await retire() is None
    refused = {"customer": tasks.customer, "body": "late", "queue": "billing"}
    assert (await tasks.boss.problem("tasks", 422, method="POST", body=refused))["field"] == "queue"


async def test_tasks_of_a_queue_that_nobody_serves_keep_no_others_waiting(house: House) -> None:
    tasks = await Tasks.opened(house)
    await house.world.pool.execute("insert into queue (id, name) values ('billing', 'Billing')")
    for number in range(BATCH + 1):
        await tasks.add(queue="billing", body=f"invoice {number}")
    task = await tasks.add("2026-02-02T09:00:00Z")
    await tasks.hire("Mia")
    await tasks.step()
    assert await tasks.whose(task) == ("Mia", None)


async def test_an_agents_own_task_is_told_when_it_is_due_and_again_when_it_is_put_off(house: House) -> None:
    tasks = await Tasks.opened(house)
    mia, screen = await tasks.hire("Mia")
    task = await tasks.add(agent=str(mia.actor.id))
    await tasks.add(FUTURE, agent=str(mia.actor.id))
    await tasks.step()
    told = await event(screen, "task_due")
    assert (told["task"]["id"], told["routed"]) == (task["id"], False)
    await tasks.step()
    await tasks.change(task, due_at="2026-02-02T09:00:00Z")
    await tasks.step()
    assert (await event(screen, "task_due"))["task"]["due_at"] == "2026-02-02T09:00:00Z"
    assert [frame for frame in await screen.quiet() if frame.get("event", {}).get("kind") == "task_due"] == []
    # put off for long, it is no work; given to a queue when due, it is
    await tasks.change(task, due_at=FUTURE, queue="support")
    await tasks.step()
    assert await tasks.whose(task) == (None, "support")
    await tasks.change(task, due_at=PAST)
    await tasks.step()
    assert await tasks.whose(task) == ("Mia", None)
