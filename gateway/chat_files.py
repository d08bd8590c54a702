"""Visitors' files under way: one of each visitor, and of all together no more bytes than are held at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from adapters.chat.events import FILE_STEP, MOST_FILE, MOST_JSON
from gateway.intake import Taking
from gateway.recorder import Overloaded

MOST_UNDER_WAY: Final = 8 * MOST_FILE
"""Bytes of files held at once, until they are recorded; beyond, the answer is 503, and the widget comes again."""


class OneAtATime(Exception):
    """Another file of this visitor is under way."""


class FilesUnderWay:
    """What this process holds of files that are not recorded yet."""

    def __init__(self, most: int = MOST_UNDER_WAY) -> None:
        self._most = most
        self._bytes = 0
        self._visitors: set[tuple[str, str]] = set()

    @contextmanager
    def taking(self, step: str | None, who: tuple[str, str]) -> Iterator[Taking]:
        """One request of a visitor. Raises OneAtATime."""
        if step != FILE_STEP:
            yield _Said()
            return
        if who in self._visitors:
            raise OneAtATime
        self._visitors.add(who)
        file = _File(self)
        try:
            yield file
        finally:
            self._visitors.discard(who)
            self._bytes -= file.size

    def hold(self, size: int) -> None:
        """Count bytes. Raises Overloaded."""
        if self._bytes + size > self._most:
            raise Overloaded
        self._bytes += size


class _Said(Taking):
    """What is no file: small."""

    most = MOST_JSON


class _File(Taking):
    """A file, and what has come of it."""

    def __init__(self, under_way: FilesUnderWay) -> None:
        self._under_way = under_way
        self.size = 0

    def hold(self, size: int) -> None:
        """Count it among all that are under way. Raises Overloaded."""
        self._under_way.hold(size)
        self.size += size
