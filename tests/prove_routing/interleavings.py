"""Every order of the statements of two connections, for each pair that may meet at one contact.

Turns change at most twice where both sides could go on, with `--long` four times; where there are no more choices than
that, every order there is has been tried.
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

TURNS, LONG_TURNS = 2, 4
MOST = 20_000
TESTS = ("tests/store/test_interleavings.py", "tests/store/handover_interleavings.py")


async def show(stage: Stage) -> list[Verdict]:
    """A verdict a pair; a deadlock, an error or an illegal outcome is named with the turns that led to it."""
    turns = LONG_TURNS if stage.long else TURNS
    verdicts = []
    async with server(stage.folder / "database") as url, open_company(database(url, TEMPLATE)) as company:
        for name, pair in PAIRS.items():
            began = time.monotonic()
            claim = f"{name}: no deadlock, one legal outcome, no invariant broken"
            try:
                tried = await try_orders(company, pair, turns=turns, most=MOST)
            except Exception as error:  # whatever went wrong is the finding
                verdicts.append(Verdict(claim, "-", f"{type(error).__name__}: {str(error)[:2000]}", False))
                continue
            whole = "every order" if tried.complete else "not all of them"
            dose = f"{tried.schedules} orders, {whole} with at most {turns} changes of turn"
            verdicts.append(Verdict(claim, dose, f"all pass, {time.monotonic() - began:.0f} s", tried.complete))
            sys.stdout.write(f"  {name}: {dose}\n")
            sys.stdout.flush()
    output = last_line(await run_tests(list(TESTS)))
    return [*verdicts, Verdict("the other pairs, strict", " ".join(TESTS), output, output.endswith("(exit code 0)"))]
