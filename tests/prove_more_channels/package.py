"""The provider of `examples/`, built and installed as a package of somebody else, under the matrix like all others."""

from __future__ import annotations

import asyncio
import os

from tests.contract.channels.packages import PIGEON, ROOT, install, pigeon_post
from tests.contract.channels.runner import company
from tests.outside.verdict import Verdict, compare
from tests.prove_customer.place import database
from tests.prove_first_light.stage import Stage

NAME = "sms/pigeon"


async def show(stage: Stage) -> list[Verdict]:
    """One verdict: every cell."""
    site = stage.folder / "site"
    await asyncio.to_thread(install, PIGEON, site)
    path = os.pathsep.join((str(ROOT), str(site)))
    with pigeon_post(site) as harness:
        async with (
            database(stage.folder / "database") as url,
            company(url, {NAME: harness}, stage.folder / "gateway.log", PYTHONPATH=path) as running,
        ):
            cells = await running.row(NAME, harness)
    faults = [f"{cell.case}: {cell.wrong}, observed {cell.observed}" for cell in cells if cell.wrong]
    claim = "the example package answers as it must, and changes what it may"
    return [compare(claim, f"{len(cells)} cells", faults, "as they must be")]
