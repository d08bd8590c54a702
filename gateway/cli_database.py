"""How a command works on the database of the settings, and how it says what a user can mend."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

from rich.console import Console
from rich.markup import escape

from gateway.settings import SettingsError, read_settings
from store.embedded import running_url
from store.pool import Pool, open_pool

err = Console(stderr=True)
Result = TypeVar("Result")


def on_database(work: Callable[[Pool], Awaitable[Result]]) -> Result:
    """Run on the database of the settings; what a user can mend is one sentence."""
    try:
        settings = read_settings()
    except SettingsError as error:
        stop(str(error))
    url = settings.database_url or running_url(settings.data_dir)
    if url is None:
        stop("no database: set DATABASE_URL, or start `screenpop serve` once.")

    async def with_pool() -> Result:
        pool = await open_pool(url, size=4)
        try:
            return await work(pool)
        finally:
            await pool.close()

    try:
        return asyncio.run(with_pool())
    except OSError as error:
        stop(f"the database cannot be reached: {error}. Check DATABASE_URL and that the server runs.")


def stop(message: str) -> NoReturn:
    """End with a sentence that says what to mend; exit code 2."""
    err.print(f"[bold red]screenpop:[/] {escape(message)}", highlight=False)
    sys.exit(2)
