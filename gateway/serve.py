"""Run one gateway process: the database it needs, the server with its limits, the log."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import uvicorn

from gateway.app import create_app, open_company
from gateway.settings import Settings
from store.embedded import EmbeddedPostgres
from store.migrate import migrate, pending

WS_MAX_BYTES = 64 * 1024
SHUTDOWN_SECONDS = 2
PING_SECONDS = 5.0
PONG_SECONDS = 10.0
"""A screen whose network died silently is gone after at most their sum: no later than one of a dead process."""


class NotMigrated(RuntimeError):
    """The database lacks migrations; the message says how to run them."""


def set_up_log() -> None:
    """One JSON object a line to standard error. Values are ids and words, never personal data."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    # These print addresses and bodies of requests at their lower levels.
    for name in ("httpx2", "httpcore2", "twilio"):
        logging.getLogger(name).setLevel(logging.ERROR)


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The URL of the database: the configured one, or an embedded server that lives as long as this block."""
    if settings.database_url:
        yield settings.database_url
        return
    server = EmbeddedPostgres.start(settings.data_dir, settings.pg_bindir)
    try:
        asyncio.run(_migrate(server.url))
        yield server.url
    finally:
        server.stop()


async def _migrate(url: str) -> None:
    await migrate(url)


async def _check_migrated(url: str) -> None:
    missing = await pending(url)
    if missing:
        raise NotMigrated(f"The database lacks {len(missing)} migrations. Run `screenpop migrate` first.")


def serve(settings: Settings, host: str, port: int) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises NotMigrated, ServerError, or what the database raised."""
    set_up_log()
    with database(settings) as url:
        asyncio.run(_check_migrated(url))
        config = uvicorn.Config(
            create_app(settings, url),
            host=host,
            port=port,
            loop="uvloop",
            http="httptools",
            ws="websockets-sansio",
            ws_max_size=WS_MAX_BYTES,
            ws_ping_interval=PING_SECONDS,
            ws_ping_timeout=PONG_SECONDS,
            ws_per_message_deflate=False,
            access_log=False,
            server_header=False,
            log_config=None,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
        uvicorn.Server(config).run()


def work(settings: Settings) -> None:
    """Route, dispatch, settle and send without serving anything, until SIGTERM or Ctrl-C."""
    set_up_log()
    with database(settings) as url:
        asyncio.run(_work(settings, url))


async def _work(settings: Settings, url: str) -> None:
    await _check_migrated(url)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_company(settings, url):
        await stop.wait()
