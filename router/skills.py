"""Skills with levels: what a contact requires, what it prefers, and how an agent's skills meet that. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

HIGHEST = 10


class SkillLevel(Struct, frozen=True, order=True):
    """A skill, at this level at least: 1 to 10."""

    skill: str
    level: int = 1


Skills = Mapping[str, int]
"""What an agent can do: skill to level."""


def levels(skills: Mapping[str, int]) -> tuple[SkillLevel, ...]:
    """Sorted by skill, so that the same requirement is always written the same."""
    return tuple(SkillLevel(skill, level) for skill, level in sorted(skills.items()))


def lacking(required: Iterable[SkillLevel], have: Skills) -> tuple[SkillLevel, ...]:
    """Of what is required, what these skills do not meet."""
    return tuple(each for each in required if have.get(each.skill, 0) < each.level)


def met(preferred: Iterable[SkillLevel], have: Skills) -> int:
    """How many of the preferred skills an agent has at their level: who has more goes first."""
    return sum(have.get(each.skill, 0) >= each.level for each in preferred)
