"""Rules may name skills that are not there: contacts go without them, for nobody could ever take them."""

from __future__ import annotations

from msgspec.structs import replace

from router.rules.deciding import Decision
from router.skills import SkillLevel
from store.pool import Connection

KNOWN_SKILLS = "select id from skill where id = any ($1)"


async def only_known_skills(connection: Connection, decisions: list[Decision]) -> list[Decision]:
    """A skill that is not there is left out, with an alert: nobody could ever meet it."""
    named = {skill for decision in decisions for skill in _skills_of(decision)}
    if not named:
        return decisions
    known = {row["id"] for row in await connection.fetch(KNOWN_SKILLS, sorted(named))}
    return [_without(decision, named - known) if _skills_of(decision) - known else decision for decision in decisions]


def _skills_of(decision: Decision) -> set[str]:
    steps = [level for step in decision.steps for level in ((step.skills or ()) + (step.prefers or ()))]
    return {level.skill for level in (*decision.skills, *decision.prefers, *steps)}


def _without(decision: Decision, unknown: set[str]) -> Decision:
    def known(levels: tuple[SkillLevel, ...]) -> tuple[SkillLevel, ...]:
        return tuple(level for level in levels if level.skill not in unknown)

    steps = tuple(
        replace(
            step,
            skills=None if step.skills is None else known(step.skills),
            prefers=None if step.prefers is None else known(step.prefers),
        )
        for step in decision.steps
    )
    lost = ", ".join(sorted(_skills_of(decision) & unknown))
    alert = decision.alert or f"rule {decision.rule!r} asks for skills that are not there, left out: {lost}"
    return replace(decision, skills=known(decision.skills), prefers=known(decision.prefers), steps=steps, alert=alert)
