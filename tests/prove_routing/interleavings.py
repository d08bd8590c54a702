"""Every order of the statements of two connections, for each pair that may meet at one contact.

Turns change wherever both sides could go on. Where two statements touch nothing in common, by the server's own
counters, they do the same in either order, and one of the two is played.
"""

from __future__ import annotations

import sys
import time

from tests.conftest import database
from tests.outside.verdict import Verdict
from tests.prove_customer.features import last_line, run_tests
from tests.prove_customer.model import TEMPLATE, server
from tests.prove_first_light.stage import Stage
from tests.store.company import open_company
from tests.store.order_pairs import PAIRS
from tests.store.orders import try_orders

MOST = 20_000
TESTS = ("tests/store/test_interleavings.py", "tests/store/handover_interleavings.py")


async def show(stage: Stage) -> list[Verdict]:
    """A verdict a pair; a deadlock, an error or an illegal outcome is named with the turns that led to it."""
    verdicts = []
    async with server(stage.folder / "database") as url, open_company(database(url, TEMPLATE)) as company:
        for name, pair in PAIRS.items():
            began = time.monotonic()
            claim = f"{name}: no deadlock, one legal outcome, no invariant broken"
            try:
                tried = await try_orders(company, pair, most=MOST)
            except Exception as error:  # whatever went wrong is the finding
                verdicts.append(Verdict(claim, "-", f"{type(error).__name__}: {str(error)[:2000]}", False))
                continue
            dose = f"{tried.schedules} orders, {'every one there is' if tried.complete else 'not all of them'}"
            verdicts.append(Verdict(claim, dose, f"all pass, {time.monotonic() - began:.0f} s", tried.complete))
            sys.stdout.write(f"  {name}: {dose}\n")
            sys.stdout.flush()
    output = last_line(await run_tests(list(TESTS)))
    return [*verdicts, Verdict("the other pairs, strict", " ".join(TESTS), output, output.endswith("(exit code 0)"))]
