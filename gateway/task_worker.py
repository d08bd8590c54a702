"""Makes tasks work when they are due: tells the agent they are for, or gives those of a queue to an agent of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

import structlog

from model.event import TaskDue
from profiles.task_list import fetch_task
from profiles.tasks import tell_task
from router.task_work import (
    DueTask,
    LeftTask,
    TaskPair,
    begin_task,
    fetch_due_tasks,
    fetch_left_tasks,
    fetch_task_pairs,
    give_task,
    take_back_task,
)
from store.feeds import Announce, Transaction, append_to_agent, lock_customer, transaction
from store.pool import Pool

STEP_SECONDS: Final = 1.0
log = structlog.get_logger()


class TaskWorker:
    """Any number of processes at once: each task is looked at again under its customer's lock."""

    def __init__(self, pool: Pool, announce: Announce) -> None:
        self._pool = pool
        self._announce = announce

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.step()
            except Exception as error:  # the database is away, or a fault of ours: the next step tries again
                log.warning("tasks_failed", error=type(error).__name__)
            await asyncio.sleep(STEP_SECONDS)

    async def step(self) -> None:
        """Take back what was left, begin what is due, give what waits; each in a transaction of its own."""
        async with self._pool.acquire() as connection:
            left, due = await fetch_left_tasks(connection), await fetch_due_tasks(connection)
        for gone in left:
            await self._one(gone.customer, lambda tx, root, gone=gone: _take_back(tx, root, gone))  # type: ignore[misc]
        for task in due:
            await self._one(task.customer, lambda tx, _root, task=task: _begin(tx, task))  # type: ignore[misc]
        async with self._pool.acquire() as connection:
            pairs = await fetch_task_pairs(connection)
        for pair in pairs:
            await self._one(pair.task.customer, lambda tx, root, pair=pair: _give(tx, root, pair))  # type: ignore[misc]

    async def _one(self, customer: UUID, do: Callable[[Transaction, UUID], Awaitable[None]]) -> None:
        try:
            async with transaction(self._pool, self._announce) as tx:
                root = await lock_customer(tx, customer)
                if root is not None:
                    await do(tx, root)
        except Exception as error:  # one that fails keeps no other waiting
            log.warning("task_not_routed", error=type(error).__name__)


async def _begin(tx: Transaction, due: DueTask) -> None:
    agent = await begin_task(tx.connection, due.task)
    task = await fetch_task(tx.connection, due.task) if agent is not None else None
    if agent is not None and task is not None:
        await append_to_agent(tx, agent, [TaskDue(task, routed=False)])


async def _give(tx: Transaction, root: UUID, pair: TaskPair) -> None:
    if await give_task(tx.connection, pair):
        task = await tell_task(tx, root, pair.task.task, {pair.agent})
        await append_to_agent(tx, pair.agent, [TaskDue(task, routed=True)])


async def _take_back(tx: Transaction, root: UUID, left: LeftTask) -> None:
    if await take_back_task(tx.connection, left):
        await tell_task(tx, root, left.task, {left.agent})
