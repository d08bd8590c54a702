"""Plans of contacts that wait: in how many sittings their steps are taken changes nothing."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from router.skills import SkillLevel, lacking, levels, met
from router.steps import Ask, Course, PlanStep, follow

QUEUES = ("general", "night")
SKILLS = st.dictionaries(st.sampled_from(("spanish", "billing")), st.integers(1, 10))
LEVELS = SKILLS.map(levels)
ASKS = st.builds(Ask, st.sampled_from(QUEUES), st.integers(-9, 9), LEVELS, LEVELS)
STEPS = st.lists(
    st.builds(
        PlanStep,
        st.integers(1, 50),
        st.one_of(st.none(), LEVELS),
        st.one_of(st.none(), LEVELS),
        st.one_of(st.none(), st.sampled_from((*QUEUES, "gone"))),
        st.one_of(st.none(), st.integers(-9, 9)),
    ),
    unique_by=lambda step: step.after,
    max_size=6,
).map(lambda steps: tuple(sorted(steps, key=lambda step: step.after)))
WAITED = st.integers(0, 60).map(lambda seconds: timedelta(seconds=seconds))


@given(ASKS, STEPS, WAITED, WAITED)
def test_taken_early_and_late_they_come_out_as_taken_at_once(
    ask: Ask, steps: tuple[PlanStep, ...], one: timedelta, two: timedelta
) -> None:
    early, late = sorted((one, two))
    first = follow(ask, steps, early, QUEUES)
    then = follow(first.ask, first.rest, late, QUEUES)
    assert Course(then.ask, then.rest, first.gone + then.gone) == follow(ask, steps, late, QUEUES)


@given(ASKS, STEPS, WAITED)
def test_what_is_left_is_what_is_not_due_and_a_queue_that_is_gone_is_never_asked(
    ask: Ask, steps: tuple[PlanStep, ...], waited: timedelta
) -> None:
    course = follow(ask, steps, waited, QUEUES)
    assert course.rest == tuple(step for step in steps if step.after > waited.total_seconds())
    assert course.ask.queue in QUEUES
    due = [step for step in steps if step not in course.rest and step.queue != "gone"]
    for name in ("queue", "priority", "skills", "prefers"):
        said = [getattr(step, name) for step in due if getattr(step, name) is not None]
        assert getattr(course.ask, name) == (said[-1] if said else getattr(ask, name)), name


@given(SKILLS, SKILLS)
def test_who_lacks_nothing_has_every_skill_at_its_level(required: dict[str, int], have: dict[str, int]) -> None:
    lacks = {each.skill for each in lacking(levels(required), have)}
    assert lacks == {skill for skill, level in required.items() if have.get(skill, 0) < level}
    assert met(levels(required), have) == len(required) - len(lacks)


def test_the_same_requirement_is_written_the_same() -> None:
    assert levels({"b": 1, "a": 2}) == levels({"a": 2, "b": 1}) == (SkillLevel("a", 2), SkillLevel("b", 1))
