"""How many files of one account a worker has under way, without a database."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from adapters.media import MediaOutcome
from gateway import files_worker
from gateway.files_worker import IN_FLIGHT, PER_ACCOUNT, FilesWorker
from model.timeline import Media
from profiles.stored import Claimed
from store.files import Files
from store.ids import new_id
from store.pool import Connection, Pool


class Due:
    """What is due, in its order; whatever is fetched takes for ever."""

    def __init__(self) -> None:
        self.accounts: list[str] = []
        self.under_way: Counter[str] = Counter()

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Due]:
        yield self

    async def claim(self, _connection: Connection, full: list[str], limit: int) -> list[Claimed]:
        given = [account for account in self.accounts if account not in full][:limit]
        for account in given:
            self.accounts.remove(account)
        return [Claimed(new_id(), None, account, Media("x", "image/png"), None, 1, 1) for account in given]

    async def fetch(self, account: str, _media: Media) -> MediaOutcome:
        self.under_way[account] += 1
        await asyncio.Event().wait()
        raise AssertionError


async def test_an_account_has_no_more_files_under_way_than_it_may_and_others_get_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    due = Due()
    monkeypatch.setattr(files_worker, "claim_files", due.claim)
    worker = FilesWorker(cast("Pool", due), lambda _moved: None, cast("Files", None), due.fetch)
    due.accounts = ["a"] * (PER_ACCOUNT - 1)
    assert await worker.start_due() == PER_ACCOUNT - 1
    due.accounts = ["a"] * 20 + ["b"] * 20
    assert await worker.start_due() == IN_FLIGHT - (PER_ACCOUNT - 1)
    await asyncio.sleep(0)
    assert due.under_way == {"a": PER_ACCOUNT, "b": IN_FLIGHT - PER_ACCOUNT}
    assert await worker.start_due() == 0
    for task in worker._running:
        task.cancel()
