"""Take the steps of plans that are due by the database's clock: who waited so long asks for less, or elsewhere.

Only of those that are queued: what rings or is held goes on, and has its step taken when it waits again.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from msgspec import Struct

from router.needs import intern_need, need_of
from router.skills import SkillLevel
from router.steps import Ask, Course, PlanStep, follow, step_is_gone
from store.pool import Connection

BATCH = 100

CLAIM_DUE = """
with c as (
    select c.id, c.class, c.queue_id, c.need_id, c.priority, c.steps, c.arrived_at, c.decision_id from contact c
     where c.state = 'queued' and c.step_at <= clock_timestamp()
     order by c.step_at, c.id limit $1 for no key update skip locked)
select c.id, c.class, c.queue_id, c.priority, c.steps::text as steps, c.arrived_at,
       clock_timestamp() - c.arrived_at as waited, n.skills, n.levels, n.prefers, n.prefer_levels,
       (select d.rule from decision d where d.id = c.decision_id) as rule
  from c join need n on n.id = c.need_id
"""
QUEUES = "select id from queue where retired_at is null"
SAVE_STEPS = """
with i as (
    select * from unnest($1::uuid[], $2::text[], $3::int[], $4::int[], $5::jsonb[], $6::timestamptz[])
           i(id, queue, need, priority, steps, step_at))
update contact c
   set queue_id = i.queue, need_id = i.need, priority = i.priority, steps = i.steps, step_at = i.step_at,
       order_key = (extract(epoch from c.arrived_at) * 1000000)::bigint
                   - i.priority::bigint * q.priority_bonus_seconds * 1000000
  from i join queue q on q.id = i.queue
 where c.id = i.id
"""
_read = msgspec.json.Decoder(tuple[PlanStep, ...]).decode
_encode = msgspec.json.Encoder().encode


class Relaxed(Struct, frozen=True):
    """How many contacts took a step, and which steps could not be taken."""

    count: int
    alerts: tuple[str, ...]


async def take_due_steps(connection: Connection, most: int = BATCH) -> Relaxed:
    """Claim contacts whose next step is due, past what others have locked. Inside a transaction that holds no locks."""
    rows = await connection.fetch(CLAIM_DUE, most)
    if not rows:
        return Relaxed(0, ())
    queues = frozenset(row["id"] for row in await connection.fetch(QUEUES))
    courses = [_course(row, queues) for row in rows]
    wanted = {need_of(course.ask, row["class"]) for row, course in zip(rows, courses, strict=True)}
    needs = {need: await intern_need(connection, need) for need in sorted(wanted)}
    saved = [
        (*(row["id"], course.ask.queue, needs[need_of(course.ask, row["class"])]), *_rest(row, course))
        for row, course in zip(rows, courses, strict=True)
    ]
    await connection.execute(SAVE_STEPS, *map(list, zip(*saved, strict=True)))
    gone = {(row["rule"], queue) for row, course in zip(rows, courses, strict=True) for queue in course.gone}
    return Relaxed(len(rows), tuple(sorted(step_is_gone(rule, queue) for rule, queue in gone)))


def _course(row: Any, queues: frozenset[str]) -> Course:
    skills = tuple(map(SkillLevel, row["skills"], row["levels"]))
    prefers = tuple(map(SkillLevel, row["prefers"], row["prefer_levels"]))
    return follow(Ask(row["queue_id"], row["priority"], skills, prefers), _read(row["steps"]), row["waited"], queues)


def _rest(row: Any, course: Course) -> tuple[object, ...]:
    if not course.rest:
        return course.ask.priority, None, None
    step_at = row["arrived_at"] + timedelta(seconds=course.rest[0].after)
    return course.ask.priority, _encode(course.rest).decode(), step_at
