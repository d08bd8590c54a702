"""REST of a gateway process against its own OpenAPI document, in every role."""

from __future__ import annotations

import asyncio

from store.pool import open_pool
from tests.contract.api_fuzz import run
from tests.contract.api_world import seed
from tests.flow.gateway_process import running
from tests.outside.verdict import Verdict
from tests.prove_customer.place import database
from tests.prove_first_light.stage import Stage

EXAMPLES = 25
TOKENS = 12
"""Of each role: each takes 600 requests a minute only."""


async def show(stage: Stage) -> list[Verdict]:
    """No 5xx, no undocumented answer, a 2xx for each operation and each role that may."""
    async with database(stage.folder / "database") as url:
        pool = await open_pool(url, size=2)
        try:
            tokens, ids = await seed(pool, TOKENS)
        finally:
            await pool.close()
        with running(url, stage.folder / "gateway.log") as gateway:
            await gateway.up()
            report = await asyncio.to_thread(run, gateway.url, tokens, ids, EXAMPLES, stage.rng.randrange(2**31))
            lives = gateway.process.poll() is None
    dose = f"{report.operations} operations, {report.requests} requests to `screenpop serve`, {report.seconds:.0f} s"
    answers = ", ".join(f"{status} × {count}" for status, count in sorted(report.statuses.items()))
    failed = "; ".join(failure.splitlines()[0] for failure in report.failures)
    return [
        Verdict(
            "no 5xx, no undocumented answer, a 2xx per operation and permitted role, 403 to the others",
            dose,
            f"{answers}; failures: {failed or 'none'}",
            not report.failures and report.requests > report.operations * EXAMPLES,
        ),
        Verdict("the process lives to the end", dose, "it does" if lives else "it ended", lives),
    ]
