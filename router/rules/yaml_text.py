"""YAML as plain values, with where each stands: bounded, and without what makes YAML surprising. Pure.

Read by events, of which the parser gives one at a time: no anchors and aliases, so that nothing multiplies; no tags, so
that nothing but texts, numbers, true, false and null comes out; no name twice. Words mean what they do in YAML 1.2:
`no` is a text, and so are 08:00 and 2026-11-26.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final

import yaml
from msgspec import Struct

MAX_DEPTH: Final = 60
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_CONSTANTS: Final = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_LOADER: Final[Any] = getattr(yaml, "CLoader", yaml.Loader)


class Mark(Struct, frozen=True):
    """Where in a text, from 1."""

    line: int
    column: int


class BadYaml(ValueError):
    """A text that is not taken; the message says why and `mark` where."""

    def __init__(self, message: str, mark: Mark | None = None) -> None:
        super().__init__(message)
        self.mark = mark


class Read(Struct, frozen=True):
    """A value, and where its parts stand, by their places such as `rules[0].when.all[1]`."""

    value: Any
    marks: dict[str, Mark]


def read_yaml(text: str) -> Read:
    """Read one document. Raises BadYaml."""
    reader = _Reader(text)
    try:
        value = reader.document()
    except yaml.MarkedYAMLError as error:
        raise BadYaml(_said(error), _mark(error.problem_mark)) from None
    except yaml.YAMLError:
        raise BadYaml("it holds a character that YAML does not take; leave it out") from None
    return Read(value, reader.marks)


def _said(error: yaml.MarkedYAMLError) -> str:
    context = f" {error.context}" if error.context else ""
    return f"{error.problem}{context}; correct it, or put a text in quotes"


def _mark(mark: Any) -> Mark | None:
    return None if mark is None else Mark(mark.line + 1, mark.column + 1)


class _Reader:
    def __init__(self, text: str) -> None:
        self._events = yaml.parse(text, Loader=_LOADER)
        self.marks: dict[str, Mark] = {}

    def document(self) -> Any:
        """The only document; None for an empty text."""
        next(self._events)  # the stream begins
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            return None
        value = self._value(next(self._events), "", 0)
        next(self._events)  # the document ends
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise BadYaml("there is a second document; keep one", _mark(after.start_mark))
        return value

    def _value(self, event: Any, place: str, depth: int) -> Any:
        at = _mark(event.start_mark)
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise BadYaml("anchors and aliases are not taken; write it out", at)
        if event.tag is not None:
            raise BadYaml("tags are not taken; leave it out", at)
        if depth > MAX_DEPTH:
            raise BadYaml(f"it is nested more than {MAX_DEPTH} deep; make it flatter", at)
        if at is not None:
            self.marks.setdefault(place, at)
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        return self._items(place, depth) if isinstance(event, yaml.SequenceStartEvent) else self._names(place, depth)

    def _items(self, place: str, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, f"{place}[{len(items)}]", depth + 1))
        return items

    def _names(self, place: str, depth: int) -> dict[str, Any]:
        named: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            at = _mark(event.start_mark)
            if not isinstance(event, yaml.ScalarEvent):
                raise BadYaml("a name is a text; correct it", at)
            name = event.value
            if name in named:
                raise BadYaml(f"{name!r} is given twice; give it once", at)
            inside = f"{place}.{name}" if place else name
            if at is not None:
                self.marks[inside] = at
            named[name] = self._value(next(self._events), inside, depth + 1)
        return named


def _scalar(event: Any) -> Any:
    text: str = event.value
    if "\x00" in text:
        raise BadYaml("the text holds U+0000, which cannot be stored; leave it out", _mark(event.start_mark))
    if not event.implicit[0]:  # in quotes, or a block: a text whatever it looks like
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if not _FLOAT.fullmatch(text):
        return text
    if math.isinf(number := float(text)):
        raise BadYaml("the number is too large; correct it", _mark(event.start_mark))
    return number


def mark_of(marks: dict[str, Mark], place: str) -> Mark | None:
    """Where a place stands, or what is nearest around it."""
    while place not in marks and place:
        place = place[: max(place.rfind("."), place.rfind("["), 0)]
    return marks.get(place)
