"""What a value of a profile may be. Pure: the day is an argument.

Each check gives the value in the form in which it is kept (trimmed, language tags in their usual case, money with its
decimals), None where there is none, or `Refused` with the field at fault.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import date
from functools import cache
from typing import Final, get_args
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from msgspec import Struct

from model.customer import FieldType, FieldValue
from model.refusal import Refused
from model.timeline import Channel

Given = FieldValue | Sequence[str] | None
"""A value as it was asked for; numbers and lists as JSON gives them."""
Kept = str | float | bool | date | list[str] | None

LINE: Final = 200
"""Characters of a name, a company, a label."""
MOST_TAGS: Final = 50
TAG: Final = 64
CUSTOM_TEXT: Final = 2_000
OLDEST: Final = date(1880, 1, 1)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# RFC 5646: language, script, region, variants; extensions and private use do not say in which language to answer.
_LANGUAGE = re.compile(
    r"([a-z]{2,3})(-[a-z]{4})?(-(?:[a-z]{2}|[0-9]{3}))?((?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*)", re.I
)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONEY = re.compile(r"(-?)(\d{1,15})(?:\.(\d{1,4}))?")


class FieldDefinition(Struct, frozen=True):
    """A custom field: what its values are."""

    key: str
    label: str
    type: FieldType
    choices: tuple[str, ...] = ()
    currency: str | None = None
    """ISO 4217, of a field of type money."""
    position: int = 0
    archived: bool = False


def unstorable(text: str) -> bool:
    """Whether a text cannot be stored: it holds U+0000 or half of a surrogate pair."""
    return _UNSTORABLE.search(text) is not None


def check_line(value: object, field: str, longest: int = LINE) -> str | Refused | None:
    """One line of text; None for nothing but space."""
    if value is None:
        return None
    if not isinstance(value, str):
        return invalid(field, "is a text")
    text = value.strip()
    if _CONTROL.search(text) or unstorable(text):
        return invalid(field, "is one line without control characters")
    if len(text) > longest:
        return invalid(field, f"has at most {longest} characters")
    return text or None


def check_text(value: object, field: str, longest: int) -> str | Refused:
    """A text of several lines that is not empty."""
    if not isinstance(value, str):
        return invalid(field, "is a text")
    text = value.strip()
    if unstorable(text):
        return invalid(field, "must not hold U+0000 or half a surrogate pair")
    if not text:
        return invalid(field, "must not be empty")
    return invalid(field, f"has at most {longest:,} characters") if len(text) > longest else text


def check_value(field: str, value: Given, today: date) -> Kept | Refused:
    """A value of a field every profile has."""
    return CHECKS[field](value, field, today)


def check_custom(definition: FieldDefinition, value: Given) -> FieldValue | Refused | None:
    """A custom value by its definition."""
    field = f"fields.{definition.key}"
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if definition.type == "number":
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        return float(value) if is_number else invalid(field, "is a number")  # type: ignore[arg-type]
    if definition.type == "yes_no":
        return value if isinstance(value, bool) else invalid(field, "is true or false")
    if not isinstance(value, str):
        return invalid(field, "is a text")
    if definition.type == "choice":
        return value if value in definition.choices else invalid(field, f"is one of: {', '.join(definition.choices)}")
    return _CUSTOM_TEXTS[definition.type](value.strip(), field)


def invalid(field: str, rule: str) -> Refused:
    """Nothing was changed, because the value of this field is none."""
    return Refused("invalid", f"{field} {rule}; correct it.", field)


def _line(longest: int) -> Callable[[Given, str, date], Kept | Refused]:
    return lambda value, field, _today: check_line(value, field, longest)


def _language(value: Given, field: str, _today: date) -> Kept | Refused:
    tag = check_line(value, field)
    if not isinstance(tag, str):
        return tag
    found = _LANGUAGE.fullmatch(tag)
    if found is None:
        return invalid(field, "is a language tag such as en, pt-BR or zh-Hant")
    language, script, region, variants = (part or "" for part in found.groups())
    return language.lower() + script.title() + region.upper() + variants.lower()


def _time_zone(value: Given, field: str, _today: date) -> Kept | Refused:
    name = check_line(value, field)
    if isinstance(name, str) and name not in _zones():
        return invalid(field, "is a time zone such as Europe/Berlin")
    return name


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _birth_date(value: Given, field: str, today: date) -> Kept | Refused:
    text = check_line(value, field)
    day = _day(text) if isinstance(text, str) else text
    if isinstance(text, str) and not (isinstance(day, date) and OLDEST <= day <= today):
        return invalid(field, "is a day of the past such as 1984-02-29")
    return day


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def _tags(value: Given, field: str, _today: date) -> Kept | Refused:
    tags = [] if value is None else value
    if not isinstance(tags, Sequence) or isinstance(tags, str):
        return invalid(field, "is a list of texts")
    kept: dict[str, None] = {}
    for tag in tags:
        line = check_line(tag, field, TAG)
        if not isinstance(line, str):
            return line or invalid(field, "has no empty texts")
        kept[line] = None
    return list(kept) if len(kept) <= MOST_TAGS else invalid(field, f"has at most {MOST_TAGS} texts")


def _channels(value: Given, field: str, today: date) -> Kept | Refused:
    channels = _tags(value, field, today)
    unknown = set(channels) - set(get_args(Channel)) if isinstance(channels, list) else ()
    return invalid(field, f"is a list of: {', '.join(get_args(Channel))}") if unknown else channels


def _custom_text(value: str, field: str) -> str | Refused:
    return check_text(value, field, CUSTOM_TEXT)


def _custom_money(value: str, field: str) -> str | Refused:
    found = _MONEY.fullmatch(value)
    if found is None:
        return invalid(field, "is an amount such as 18420.00")
    sign, whole, decimals = found.groups()
    amount = f"{int(whole)}.{(decimals or '').ljust(2, '0')}"
    return f"{sign}{amount}" if any(digit in amount for digit in "123456789") else amount


def _custom_date(value: str, field: str) -> str | Refused:
    return value if _day(value) else invalid(field, "is a day such as 2026-11-26")


def _custom_link(value: str, field: str) -> str | Refused:
    line = check_line(value, field, CUSTOM_TEXT)
    if not isinstance(line, str):
        return line or invalid(field, "is an address")
    return line if _is_link(line) else invalid(field, "is an address that begins with https:// or http://")


def _is_link(text: str) -> bool:
    """Of the web and nothing else: a screen makes it something to click on, and `javascript:` would be run there."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"[\s<>\"\\]", text)
    except ValueError:
        return False


_CUSTOM_TEXTS: dict[FieldType, Callable[[str, str], str | Refused]] = {
    "text": _custom_text,
    "money": _custom_money,
    "date": _custom_date,
    "link": _custom_link,
}
CHECKS: dict[str, Callable[[Given, str, date], Kept | Refused]] = {
    "name": _line(LINE),
    "company": _line(LINE),
    "location": _line(LINE),
    "plan": _line(100),
    "external_id": _line(LINE),
    "language": _language,
    "time_zone": _time_zone,
    "birth_date": _birth_date,
    "tags": _tags,
    "preferred_channels": _channels,
    "refused_channels": _channels,
}
"""By field: what every profile has and may be edited."""
