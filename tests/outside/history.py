"""The history of a run: what everyone outside did and saw, one JSON line each, written as it happens."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

Kind = Literal["invoke", "ok", "fail", "unknown", "saw"]


class Fact(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One line. `at` is monotonic ns of the one observing program; `call` ties an answer to its `invoke`.

    `ok` and `fail` are certain; after `unknown` either may be true. `saw` is what arrived unasked.
    """

    kind: Kind
    op: str
    who: str
    at: int = 0
    call: int = 0
    process: int | None = None
    sid: str | None = None
    sender: str | None = None
    body: str | None = None
    offer: str | None = None
    contact: str | None = None
    conversation: str | None = None
    customer: str | None = None
    entry: str | None = None
    feed: str | None = None
    seq: int | None = None
    feeds: dict[str, int] | None = None
    epoch: str | None = None
    status: int | None = None
    reason: str | None = None
    state: str | None = None
    count: int | None = None
    live: int | None = None
    lines: list[str] | None = None


class History:
    """Appends facts to a new file; unbuffered, so that a killed run leaves what it saw."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("xb", buffering=0)  # a second run in the same file would be judged with the first
        self._calls = itertools.count(1)
        self._encode = msgspec.json.Encoder().encode

    def add(self, fact: Fact) -> None:
        """Write a fact down with the time of now."""
        self._file.write(self._encode(msgspec.structs.replace(fact, at=time.monotonic_ns())) + b"\n")

    def call(self) -> int:
        """A new number that ties an answer to its `invoke`."""
        return next(self._calls)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read(path: Path) -> list[Fact]:
    """Every fact of a history, in order."""
    decode = msgspec.json.Decoder(Fact).decode
    return [decode(line) for line in path.read_bytes().splitlines() if line]
