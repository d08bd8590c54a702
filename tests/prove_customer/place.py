"""A database of one's own for a part that works on the product's parts without its processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from store.embedded import EmbeddedPostgres
from store.migrate import migrate


@asynccontextmanager
async def database(folder: Path) -> AsyncIterator[str]:
    """The URL of a migrated database whose server lives as long as this block."""
    folder.mkdir(mode=0o711, exist_ok=True)  # noqa: ASYNC240  # before anything else runs
    server = EmbeddedPostgres.start(folder)
    try:
        await migrate(server.url)
        yield server.url
    finally:
        await asyncio.to_thread(server.stop)
