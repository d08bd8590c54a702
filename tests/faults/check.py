"""Judge a run from its history and its database: `python -m tests.faults.check HISTORY DATABASE_URL`.

Exits 1 when a claim fails. Knows nothing of the product but its tables.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.faults import claims, rows
from tests.outside.history import read
from tests.outside.verdict import Verdict, show


async def check(history: Path, database_url: str) -> list[Verdict]:
    """Every claim, judged."""
    return claims.judge(read(history), await rows.load(database_url))


def main(arguments: list[str]) -> int:
    """Print the table; gives the exit code."""
    if len(arguments) != 2:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    verdicts = asyncio.run(check(Path(arguments[0]), arguments[1]))
    return int(not show("check", verdicts))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
