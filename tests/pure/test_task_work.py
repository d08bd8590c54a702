"""R14: which due task is given to which agent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from router.task_work import FreeForTasks, WaitingTask, pair_tasks

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
ANA, BEN, EVE = (UUID(int=number) for number in (1, 2, 3))


def task(number: int, queue: str = "a", *passed: UUID) -> WaitingTask:
    return WaitingTask(UUID(int=100 + number), UUID(int=9), queue, NOON + timedelta(minutes=number), frozenset(passed))


def free(agent: UUID, *queues: str, idle: int = 0, room: int = 1) -> FreeForTasks:
    return FreeForTasks(agent, NOON - timedelta(minutes=idle), frozenset(queues or ("a",)), room)


def pairs(tasks: list[WaitingTask], agents: list[FreeForTasks]) -> list[tuple[int, UUID]]:
    return [(pair.task.task.int - 100, pair.agent) for pair in pair_tasks(tasks, agents)]


def test_what_is_due_first_goes_to_the_longest_idle() -> None:
    assert pairs([task(2), task(1)], [free(ANA, idle=1), free(BEN, idle=5)]) == [(1, BEN), (2, ANA)]


def test_nobody_has_more_than_they_may_and_most_goes_to_who_has_most_room() -> None:
    given = pairs(
        [task(1), task(2), task(3), task(4)], [free(ANA, room=2), free(BEN, idle=5, room=1), free(EVE, room=0)]
    )
    assert given == [(1, ANA), (2, BEN), (3, ANA)]


def test_a_task_nobody_serves_blocks_none_behind_it() -> None:
    assert pairs([task(1, "b"), task(2)], [free(ANA)]) == [(2, ANA)]


def test_who_gave_it_back_has_it_again_only_where_nobody_else_serves_the_queue() -> None:
    assert pairs([task(1, "a", ANA)], [free(ANA, idle=9), free(BEN)]) == [(1, BEN)]
    assert pairs([task(1, "a", ANA)], [free(ANA), free(BEN, room=0)]) == []
    assert pairs([task(1, "a", ANA)], [free(ANA), free(BEN, "b")]) == [(1, ANA)]
