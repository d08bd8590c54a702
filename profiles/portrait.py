"""What can be compared of two profiles, and the crowd they are compared before."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import Final
from uuid import UUID

from msgspec import Struct

from model.customer import MatchedField

SMALLEST_CROWD: Final = 1_000
"""Fewer profiles than this say nothing of how common a name is among people."""
_USUAL: Final = 0.003
"""How common a name is of which nothing is known yet, and for how many profiles that counts."""
_USUAL_COUNTS: Final = 300
_MOST_OF_A_WORD: Final = 8.0


class Place(Struct, frozen=True):
    """A postal address."""

    street: str | None = None
    city: str | None = None
    postal_code: str | None = None
    country: str | None = None


class Claimed(Struct, frozen=True):
    """A handle (or an external id) that is said to be this person's; `proven`: by a channel, and kept apart."""

    kind: str
    scope: str
    value: str
    proven: bool = False
    name: str | None = None
    """What they called themselves with it."""


class Portrait(Struct, frozen=True):
    """What can be compared of a profile."""

    id: UUID
    names: tuple[str, ...] = ()
    companies: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    birth_dates: tuple[date, ...] = ()
    external_ids: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    socials: tuple[tuple[str, str], ...] = ()
    """Scope and value."""
    places: tuple[Place, ...] = ()
    claims: tuple[Claimed, ...] = ()


class Crowd(Struct, frozen=True):
    """All the others: how many profiles there are, and how many of them have a word in their name."""

    population: int = SMALLEST_CROWD
    words: Mapping[str, int] = {}
    near_phones: int = 1
    """How many profiles have a number one slip away: in a company's block of numbers, many."""

    def rarity(self, word: str) -> float:
        """The weight of a name both have."""
        others = max(self.words.get(word, 0) - 2, 0)
        frequency = (others + _USUAL * _USUAL_COUNTS) / (self.population + _USUAL_COUNTS)
        return min(math.log(0.9 / frequency), _MOST_OF_A_WORD)


class Likeness(Struct, frozen=True):
    """The probability that two profiles are one person, and what speaks for and against it. `claimed`: one says so."""

    score: float
    matched: tuple[MatchedField, ...]
    claimed: bool = False
