"""Files the words of entries for the search, for a small share of the time, so that recording is not what waits."""

from __future__ import annotations

import time
from typing import Final

from profiles.filing import READ_THROUGH, file_entries, mend_filing, newest_number, tidy_indexes
from store.pool import Pool

FILING_SECONDS: Final = 1.0
BUDGET_SECONDS: Final = 0.2
BEHIND_BUDGET_SECONDS: Final = 1.0
"""Once more is waiting than a search reads through, half of the time."""


class FilingWorker:
    """One step a second per process; those of other processes find nothing left to do."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._until = 0

    async def step(self) -> None:
        """File what is at least a second old, as far as the time goes; the next step goes on."""
        began = time.monotonic()
        async with self._pool.acquire() as connection:
            newest = await newest_number(connection)
            left, budget = 1, BUDGET_SECONDS
            while left and time.monotonic() - began < budget:
                async with connection.transaction():
                    left = await file_entries(connection, self._until)
                budget = BEHIND_BUDGET_SECONDS if left > READ_THROUGH else BUDGET_SECONDS
            async with connection.transaction():
                await mend_filing(connection)
            await tidy_indexes(connection)
        self._until = newest
