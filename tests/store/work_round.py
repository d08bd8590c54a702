"""Random work as a process: `python -m tests.store.work_round URL EXAMPLES STEPS SEED`, in an empty migrated database.

What was counted so far goes to standard output, a line whenever an example begins, and one at the end. Exits 1 with
hypothesis' report where something does not hold; the same seed plays the same examples.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import msgspec
import uvloop
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from store.pool import Connection
from tests.store.company import Company, open_company
from tests.store.work_rules import Work

EXAMPLES = "examples"


@asynccontextmanager
async def _open(url: str) -> AsyncIterator[tuple[Company, Connection]]:
    async with open_company(url) as company, company.pool.acquire() as eye:
        await eye.execute("update queue set wrap_up_seconds = 30 where id = 'general'")
        yield company, eye


def run(
    url: str,
    examples: int,
    steps: int,
    seeded: int,
    told: Callable[[Counter[str]], None] = lambda _: None,
    *,
    shrink: bool = False,
) -> Counter[str]:
    """Play so many examples; how often each action was taken, and the examples. `told` hears it as it goes on.

    `seeded`: in a CI hypothesis would choose the same examples every time.
    """
    counts: Counter[str] = Counter()
    phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]
    bounded = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        # Not the runner's own `run`: preparing for Ctrl-C costs it as much as a short statement.
        wait = runner.get_loop().run_until_complete
        opened = _open(url)
        company, eye = wait(opened.__aenter__())

        def machine() -> Work:
            told(counts)
            counts[EXAMPLES] += 1
            return Work(company, eye, wait, counts)

        try:
            run_state_machine_as_test(cast(Any, seed(seeded)(machine)), settings=bounded)
        finally:
            wait(opened.__aexit__(None, None, None))
    return counts


def main(url: str, examples: str, steps: str, seeded: str) -> None:
    """Play the round of this seed."""
    _tell(run(url, int(examples), int(steps), int(seeded), _tell))


def _tell(counts: Counter[str]) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(dict(counts)) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
