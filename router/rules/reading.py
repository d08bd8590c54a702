"""A rule set as its author wrote it: JSON or YAML, with the line of whatever is wrong. Pure."""

from __future__ import annotations

import json
import re
from typing import Any, Literal

import msgspec
from msgspec import Struct

from router.rules.language import RuleError, RuleSet, in_todays_words
from router.rules.yaml_text import BadYaml, Mark, mark_of, read_yaml

Format = Literal["json", "yaml"]
_AT = re.compile(r" - at `\$\.?(.*)`$")
_NAMED = re.compile(r"(unknown|missing required) field `([^`]*)`")
_WANTED_TEXT = re.compile(r"Expected `str[^`]*`, got `(int|float|bool|null)`")


class Written(Struct, frozen=True):
    """A rule set and its text."""

    rule_set: RuleSet
    source: str
    format: Format


class Unreadable(RuleError):
    """A text that is no rule set. `place`: where in the rules; `mark`: where in the text, if that is known."""

    def __init__(self, message: str, place: str = "", mark: Mark | None = None) -> None:
        where = [place] if place else []
        if mark is not None:
            where.append(f"line {mark.line}, column {mark.column}")
        super().__init__(f"{message} ({', '.join(where)})" if where else message)
        self.message, self.place, self.mark = message, place, mark


def read_rules(raw: bytes, format_: Format) -> Written:
    """Read a rule set. Takes a while where it is large. Raises Unreadable."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("The text is not in UTF-8; save it so.") from None
    if "\x00" in text or "\\u0000" in text:
        raise Unreadable("The text holds U+0000, which cannot be stored; leave it out.")
    value = _yaml(text) if format_ == "yaml" else _json(text)
    try:
        rule_set = in_todays_words(msgspec.convert(value, RuleSet))
    except msgspec.ValidationError as failure:
        raise _misfit(str(failure), text) from None
    except RecursionError:
        raise Unreadable("It is nested too deeply; make it flatter.") from None
    return Written(rule_set, text, format_)


def _yaml(text: str) -> Any:
    try:
        return read_yaml(text).value
    except BadYaml as error:
        raise Unreadable(f"This is no YAML that can be read: {error}.", mark=error.mark) from None


class _Twice(ValueError):
    """A name that stands twice in one object."""


def _json(text: str) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        named = dict(pairs)
        if len(named) < len(pairs):
            seen: set[str] = set()
            raise _Twice(next(name for name, _ in pairs if name in seen or seen.add(name)))  # type: ignore[func-returns-value]
        return named

    try:
        json.loads(text, object_pairs_hook=once)  # which says where it is wrong, and what stands twice
        return msgspec.json.decode(text)
    except _Twice as error:
        raise Unreadable(f"{str(error)!r} is given twice; give it once.") from None
    except json.JSONDecodeError as error:
        mark = Mark(error.lineno, error.colno)
        raise Unreadable(f"This is no JSON: {error.msg}; correct it.", mark=mark) from None
    except (ValueError, RecursionError, msgspec.DecodeError):
        raise Unreadable("This is no JSON: nested too deeply, or a number or a sign that JSON does not have.") from None


def _misfit(message: str, text: str) -> Unreadable:
    at = _AT.search(message)
    place, said = at[1] if at else "", _AT.sub("", message)
    named = _NAMED.search(message)
    if named:
        place = f"{place}.{named[2]}" if place else named[2]
        said = "There is no such field here; leave it out" if named[1] == "unknown" else "This field is needed"
    elif _WANTED_TEXT.search(message):
        said += "; put a text in quotes"
    return Unreadable(f"{said}.", place, mark_of(marks_of(text), place))


def marks_of(text: str) -> dict[str, Mark]:
    """Where each part of a text stands, JSON being YAML too; empty where it cannot be told."""
    try:
        return read_yaml(text).marks
    except BadYaml:
        return {}
