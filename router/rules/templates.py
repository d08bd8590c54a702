"""Sentences with values of a profile in them: `Hello {name|there}`. Pure.

A value is somebody's, and what comes of it goes to a customer: control and format characters, line breaks and angle
brackets are taken out of it, it has a length, and one that a customer can set does not carry a link.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from router.rules.fields import CUSTOM, Kinds

LONGEST_VALUE: Final = 100
OWN: Final = ("name", "company", "location", "plan")
"""What a profile has beside custom fields."""
FILLED_BY_US: Final = ("queue",)
"""The name of the queue the contact went to."""
KINDS: Final = frozenset({"text", "number", "money", "date"})
"""What can be said as it stands."""
_SET_BY_CUSTOMERS: Final = frozenset({"name", "company", "location"})
_LINK = re.compile(r"://|\bwww\.|\w\.[a-z]{2,}\b", re.IGNORECASE)
_PIECE = re.compile(r"\{\{|\}\}|\{([^{}|]*)(?:\|([^{}|]*))?\}|[{}]")
_KEPT: Final = frozenset("\u200c\u200d")
"""Joiners, which some scripts and signs need."""


class BadTemplate(ValueError):
    """A template that cannot be filled in; the message says why."""


class Slot(Struct, frozen=True):
    """Where a value goes; `default` where it is not known, None: there is none."""

    field: str
    default: str | None


class Filled(Struct, frozen=True):
    """The text, or the first values that are missing and have no default."""

    text: str | None
    missing: tuple[str, ...] = ()


def parse_template(text: str) -> tuple[str | Slot, ...]:
    """Words and slots in order. Raises BadTemplate."""
    parts: list[str | Slot] = []
    last = 0
    for found in _PIECE.finditer(text):
        parts.append(text[last : found.start()])
        last = found.end()
        if found[0] in ("{{", "}}"):
            parts.append(found[0][0])
        elif found[1] is None:
            raise BadTemplate(f"{found[0]!r} stands alone; write {found[0] * 2} for the sign itself")
        elif not found[1].strip():
            raise BadTemplate("{} names no value; write one such as {name|there}")
        else:
            parts.append(Slot(found[1].strip(), found[2]))
    parts.append(text[last:])
    return tuple(part for part in parts if part != "")


def slots(text: str) -> tuple[Slot, ...]:
    """The values a template takes. Raises BadTemplate."""
    return tuple(part for part in parse_template(text) if isinstance(part, Slot))


def sayable(kinds: Kinds) -> tuple[str, ...]:
    """The values a template may take."""
    custom = sorted(field for field, kind in kinds.items() if field.startswith(CUSTOM) and kind in KINDS)
    return (*OWN, *FILLED_BY_US, *custom)


def fill(text: str, values: Mapping[str, object]) -> Filled:
    """The template with these values. Raises BadTemplate."""
    words: list[str] = []
    missing: list[str] = []
    for part in parse_template(text):
        if isinstance(part, str):
            words.append(part)
            continue
        said = clean(part.field, values.get(part.field)) or part.default
        if said is None:
            missing.append(part.field)
        else:
            words.append(said)
    if missing:
        return Filled(None, tuple(dict.fromkeys(missing)))
    return Filled("".join(words).strip())


def clean(field: str, value: object) -> str:
    """A value as it may stand in a sentence; empty where there is none to say."""
    if value is None or isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = f"{value:.15g}" if isinstance(value, float) else str(value)
    if field in _SET_BY_CUSTOMERS and _LINK.search(text):
        return ""
    plain = "".join(" " if sign.isspace() else sign for sign in text if sign.isspace() or _is_plain(sign))
    short = " ".join(plain.split())
    return short if len(short) <= LONGEST_VALUE else f"{short[: LONGEST_VALUE - 1].rstrip()}…"


def _is_plain(sign: str) -> bool:
    return sign in _KEPT or (sign not in "<>" and not unicodedata.category(sign).startswith("C"))
