"""The files of a simulation: contacts that come, and shifts. What is wrong is said with its place and remedy."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from math import isfinite
from pathlib import Path
from typing import NoReturn, TypeVar, get_args

from model.agent import WorkClass
from router.simulation.given import Arrival, Shift
from router.skills import HIGHEST, levels

ARRIVALS = ("time", "class", "queue", "skills", "handling_seconds", "patience_seconds", "priority")
STAFF = ("agent", "from", "to", "queues", "skills", "capacity")
ACCEPTS = "accept_seconds"
"""A column of staff that may be left out: how long this agent takes to accept."""
CLASSES: tuple[WorkClass, ...] = get_args(WorkClass)
LONGEST = 10.0**9
MOST_LINES = 1_000_000
MOST_SLOTS = 1000
DEFAULT_SLOTS: dict[WorkClass, int] = {"voice": 1, "messaging": 4, "mail": 2, "voicemail": 2}
Read = TypeVar("Read")


class BadFile(ValueError):
    """A file that cannot be simulated: file, line, column, what is wrong and what would be right."""


class Line:
    """One line of a file; each cell is read by what it has to be."""

    def __init__(self, file: Path, number: int, cells: dict[str, str]) -> None:
        self._where = f"{file}, line {number}"
        self._cells = cells

    def refuse(self, column: str, remedy: str) -> NoReturn:
        """Raises BadFile."""
        raise BadFile(f"{self._where}, column {column}: {self._cells.get(column, '')!r} {remedy}")

    def text(self, column: str) -> str:
        """Not empty."""
        return self._cells[column] or self.refuse(column, "is empty; write a name.")

    def seconds(self, column: str, empty: float | None = None) -> float | None:
        """Not negative; `empty` where nothing is written."""
        written = self._cells.get(column)
        if not written:
            return empty
        try:
            value = float(written)
        except ValueError:
            value = -1.0
        if not (isfinite(value) and 0 <= value <= LONGEST):
            self.refuse(column, "is no time; write seconds from 0 on, as 90 or 12.5.")
        return value

    def needed_seconds(self, column: str) -> float:
        """Not empty."""
        value = self.seconds(column)
        return self.refuse(column, "is empty; write seconds from 0 on.") if value is None else value

    def priority(self) -> int:
        """Empty is 0."""
        written = self._cells["priority"] or "0"
        if not written.removeprefix("-").isdecimal() or abs(int(written)) > 1000:
            self.refuse("priority", "is no priority; write a whole number from -1000 to 1000.")
        return int(written)

    def work_class(self) -> WorkClass:
        """One of those there are."""
        written = self._cells["class"]
        if written not in CLASSES:
            self.refuse("class", f"is no class; write one of {', '.join(CLASSES)}.")
        return written

    def skills(self) -> dict[str, int]:
        """`spanish:3;billing`: without a level it is 1."""
        found: dict[str, int] = {}
        for part in self.parts("skills"):
            skill, _, level = (each.strip() for each in part.partition(":"))
            if not skill or not (level or "1").isdecimal() or not 1 <= int(level or "1") <= HIGHEST:
                self.refuse("skills", f"is no list of skills; write as spanish:3;billing:1, levels 1 to {HIGHEST}.")
            if skill in found:
                self.refuse("skills", f"names {skill} twice; leave one out.")
            found[skill] = int(level or "1")
        return found

    def capacity(self) -> tuple[dict[WorkClass, int], int | None]:
        """Slots by class and in all. `voice:1;messaging:4`, or a number: so many at once whatever they are."""
        written = self._cells["capacity"]
        if not written:
            return DEFAULT_SLOTS, None
        if ":" not in written:
            total = self._slots(written)
            return dict.fromkeys(CLASSES, total), total
        found: dict[WorkClass, int] = {}
        for part in self.parts("capacity"):
            name, _, slots = (each.strip() for each in part.partition(":"))
            if name not in CLASSES or name in found:
                self._no_capacity()
            found[name] = self._slots(slots)
        return found, None

    def _slots(self, written: str) -> int:
        if not written.isdecimal() or int(written) > MOST_SLOTS:
            self._no_capacity()
        return int(written)

    def _no_capacity(self) -> NoReturn:
        self.refuse("capacity", f"is no capacity; write a number, or as voice:1;messaging:4 of {', '.join(CLASSES)}.")

    def parts(self, column: str) -> list[str]:
        """What stands between semicolons."""
        return [part.strip() for part in self._cells[column].split(";") if part.strip()]


def read_arrivals(file: Path) -> list[Arrival]:
    """The contacts that come, in the order of the file. Raises BadFile."""

    def read(line: Line) -> Arrival:
        return Arrival(
            at=line.needed_seconds("time"),
            queue=line.text("queue"),
            work_class=line.work_class(),
            handling=line.needed_seconds("handling_seconds"),
            patience=line.seconds("patience_seconds"),
            skills=levels(line.skills()),
            priority=line.priority(),
        )

    return [arrival for _, arrival in _read(file, ARRIVALS, read)]


def read_staff(file: Path) -> list[Shift]:
    """Who is there when; an agent may have several lines, one after the other. Raises BadFile."""

    def read(line: Line) -> Shift:
        begin, end = line.seconds("from", 0.0) or 0.0, line.seconds("to")
        if end is not None and end <= begin:
            line.refuse("to", "is not after `from`; write a later second, or nothing for an agent who stays.")
        queues = frozenset(line.parts("queues")) or line.refuse("queues", "is empty; write queues as sales;support.")
        slots, total = line.capacity()
        accepts = line.seconds(ACCEPTS)
        return Shift(line.text("agent"), queues, slots, begin, end, line.skills(), total, accepts)

    found = _read(file, STAFF, read)
    before: dict[str, Shift] = {}
    for line, shift in sorted(found, key=lambda each: each[1].begin):
        last = before.get(shift.agent)
        if last is not None and (last.end is None or last.end > shift.begin):
            line.refuse("from", f"is before {shift.agent}'s other shift has ended; let one begin where another ends.")
        before[shift.agent] = shift
    return [shift for _, shift in found]


def _read(file: Path, columns: tuple[str, ...], read: Callable[[Line], Read]) -> list[tuple[Line, Read]]:
    found = [(line, read(line)) for line in _lines(file, columns)]
    if not found:
        raise BadFile(f"{file} has no line but its head; write one a contact or shift.")
    return found


def _lines(file: Path, columns: tuple[str, ...]) -> Iterator[Line]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as opened:
            rows = csv.reader(opened, strict=True)
            head = [name.strip() for name in next(rows, [])]
            if sorted(set(head) - ({ACCEPTS} if columns == STAFF else set())) != sorted(columns):
                wrong = next((name for name in (*columns, *head) if (name in columns) != (name in head)), "?")
                raise BadFile(f"{file}, line 1, column {wrong}: the first line must be {','.join(columns)}")
            for row in rows:
                if not row:
                    continue
                if len(row) != len(head):
                    column = head[min(len(row), len(head) - 1)]
                    raise BadFile(
                        f"{file}, line {rows.line_num}, column {column}: there are {len(row)} cells and {len(head)} "
                        "columns; write as many, with nothing between commas for what is empty."
                    )
                if rows.line_num > MOST_LINES:
                    raise BadFile(f"{file} has more than {MOST_LINES} lines; simulate a shorter time.")
                yield Line(file, rows.line_num, {name: cell.strip() for name, cell in zip(head, row, strict=True)})
    except csv.Error as error:
        raise BadFile(f"{file}, line {rows.line_num}: {error}; close every quotation mark.") from None
    except UnicodeDecodeError:
        raise BadFile(f"{file} is not UTF-8; save it as CSV in UTF-8.") from None
    except OSError as error:
        raise BadFile(f"{file} cannot be read: {error.strerror}.") from None
