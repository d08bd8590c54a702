"""Which tables a statement touches, from the server's own counters: what two statements need not be told apart by."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from store.pool import Connection

# Counted since the transaction began.
TOUCHED = """
select relname, coalesce(seq_scan, 0) + coalesce(idx_scan, 0) as scans, n_tup_ins + n_tup_upd + n_tup_del as writes
  from pg_stat_xact_user_tables
"""
FUNCTIONS = "select string_agg(proname, '|') from pg_proc where pronamespace = 'public'::regnamespace"
LOCKS: Final = re.compile(r"\bfor\s+(no\s+key\s+)?update\b|\bfor\s+(key\s+)?share\b", re.IGNORECASE)
NOTHING: Final = ("begin", "savepoint", "release")


class Footprint(Struct, frozen=True):
    """`touched`: tables looked at or written; `written` of them, or perhaps locked. `known`: it could be counted."""

    touched: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    known: bool = True


def commute(one: Footprint, other: Footprint) -> bool:
    """Whether two statements of two transactions, one after the other, do the same in either order."""
    return one.known and other.known and not (one.written & other.touched or other.written & one.touched)


class Footprints:
    """Of the statements of one transaction, in order."""

    def __init__(self) -> None:
        self.steps: list[Footprint] = []
        self._counts: dict[str, tuple[int, int]] = {}
        self._calls: re.Pattern[str] | None = None

    async def note(self, connection: Connection, sql: str) -> None:
        """A statement was carried out. What is undone is not known, nor what a commit does for what was written."""
        word = sql.split(maxsplit=1)[0].lower()
        if word == "begin":  # what was counted before is told to the server when it likes, but not within
            self._counts = await self._count(connection)
        if word in NOTHING:
            self.steps.append(Footprint())
        elif word == "commit":
            self.steps.append(Footprint(known=not any(each.written for each in self.steps)))
        elif word == "rollback" or "advisory" in sql:
            self.steps.append(Footprint(known=False))
        else:
            self.steps.append(await self._counted(connection, sql))

    async def _count(self, connection: Connection) -> dict[str, tuple[int, int]]:
        return {row[0]: (row[1], row[2]) for row in await connection.fetch(TOUCHED)}

    async def _counted(self, connection: Connection, sql: str) -> Footprint:
        if self._calls is None:
            self._calls = re.compile(rf"\b({await connection.fetchval(FUNCTIONS)})\s*\(")
        before, counts = self._counts, await self._count(connection)
        self._counts = counts
        touched = frozenset(name for name, count in counts.items() if count != before.get(name, (0, 0)))
        written = frozenset(name for name in touched if counts[name][1] != before.get(name, (0, 0))[1])
        # What is locked is not counted, nor what a function does: then all of it may be.
        hidden = LOCKS.search(sql) or self._calls.search(sql)
        return Footprint(touched, touched if hidden else written)
