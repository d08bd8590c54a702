"""A mutant: a patch with a header that says what it breaks and which tests must notice."""

from __future__ import annotations

import re
from pathlib import Path

from msgspec import Struct

FOLDER = Path(__file__).parent
HEADER = re.compile(r"# (breaks|invariant|test): (.+)")
NODE = re.compile(r"(?P<file>tests/[\w/]+\.py)::(?P<name>test_\w+)(?:\[.+\])?")


class BadPatch(ValueError):
    """A patch file that cannot be used; the message names it and what is missing."""


class Mutant(Struct, frozen=True):
    """One planted bug. `tests`: pytest node ids, each of which must fail by an assertion of its own."""

    name: str
    breaks: str
    invariant: str
    tests: tuple[str, ...]
    patch: Path


def read_mutant(patch: Path) -> Mutant:
    """The mutant of a patch file. Raises BadPatch."""
    found: dict[str, list[str]] = {"breaks": [], "invariant": [], "test": []}
    for line in patch.read_text().splitlines():
        if not line.startswith("#"):
            break
        header = HEADER.fullmatch(line)
        if header is None:
            raise BadPatch(f"{patch.name}: {line!r} is no header; write `# breaks:`, `# invariant:` or `# test:`.")
        found[header[1]].append(header[2].strip())
    missing = [key for key, values in found.items() if not values]
    if missing:
        raise BadPatch(f"{patch.name}: the header lacks {' and '.join(missing)}.")
    wrong = [node for node in found["test"] if not NODE.fullmatch(node)]
    if wrong:
        raise BadPatch(f"{patch.name}: {wrong[0]!r} is not the id of a test.")
    return Mutant(patch.stem, " ".join(found["breaks"]), ", ".join(found["invariant"]), tuple(found["test"]), patch)


def read_mutants(names: list[str]) -> list[Mutant]:
    """The named mutants, or all. Raises BadPatch, also for an unknown name."""
    known = {path.stem: path for path in sorted(FOLDER.glob("*.patch"))}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadPatch(f"There is no mutant {', '.join(unknown)}. There are: {', '.join(known)}.")
    return [read_mutant(known[name]) for name in names or known]
