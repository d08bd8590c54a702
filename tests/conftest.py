"""What every test may ask for: an empty database of its own, migrated, and a real Redis protocol server.

One cluster per pytest process (each xdist worker starts its own: 0.6 s, and none depends on another's life), one
migrated template in it, one copy per test. `SCREENPOP_TEST_DATABASE_URL` (PostgreSQL >= 15, a role that may create
databases) and `SCREENPOP_TEST_REDIS_URL` are used instead where they are set.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import hypothesis
import pytest

from store.embedded import EmbeddedPostgres, EmbeddedValkey
from store.migrate import migrate

# How long an example takes says nothing of the product where something else is at work beside it.
hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")

MEMORY = Path("/dev/shm")  # noqa: S108  # a mount, not a temporary file
ENOUGH_MEMORY_BYTES = 2**30
FOLDER_PREFIX = "screenpop-test-"
numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder for the servers of this run, in memory where there is enough: copying a database is 3 times faster."""
    base = Path(tempfile.gettempdir())
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH_MEMORY_BYTES:
        base = MEMORY
    remove_folders_of_killed_runs(base)
    folder = base / f"{FOLDER_PREFIX}{os.getpid()}"
    folder.mkdir(mode=0o711)  # as root the server is another user, who has to enter
    yield folder
    shutil.rmtree(folder)


def remove_folders_of_killed_runs(base: Path) -> None:
    """A run that was killed leaves its folder; its server is gone with it."""
    for folder in base.glob(f"{FOLDER_PREFIX}*"):
        pid = folder.name.removeprefix(FOLDER_PREFIX)
        if Path("/proc/self").exists() and not Path("/proc", pid).exists():
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def admin_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database from which others can be created."""
    given = os.environ.get("SCREENPOP_TEST_DATABASE_URL")
    if given:
        yield given
        return
    server = EmbeddedPostgres.start(request.getfixturevalue("server_folder"))
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def template(admin_url: str) -> Iterator[str]:
    """The name of a database with the schema of this code and nothing in it."""
    name = f"screenpop_template_{os.getpid()}"
    asyncio.run(execute(admin_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}"'))
    asyncio.run(migrate_quietly(database(admin_url, name)))
    yield name
    asyncio.run(execute(admin_url, f'DROP DATABASE "{name}" WITH (FORCE)'))


@pytest.fixture
async def database_url(admin_url: str, template: str) -> AsyncIterator[str]:
    """The URL of a migrated database that belongs to this test alone."""
    name = f"screenpop_test_{os.getpid()}_{next(numbers)}"
    await execute(admin_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
    yield database(admin_url, name)
    await execute(admin_url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
async def empty_database_url(admin_url: str) -> AsyncIterator[str]:
    """The URL of a database that belongs to this test alone and has not even a schema."""
    name = f"screenpop_empty_{os.getpid()}_{next(numbers)}"
    await execute(admin_url, f'CREATE DATABASE "{name}" STRATEGY file_copy')
    yield database(admin_url, name)
    await execute(admin_url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def redis_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a real Redis protocol server; tests that share it keep to keys and channels of their own."""
    given = os.environ.get("SCREENPOP_TEST_REDIS_URL")
    if given:
        yield given
        return
    server = EmbeddedValkey.start(request.getfixturevalue("server_folder"))
    yield server.url
    server.stop()


def database(url: str, name: str) -> str:
    """The URL of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def migrate_quietly(url: str) -> None:
    """Migrate, for whom the list of files is of no interest."""
    await migrate(url)


async def execute(url: str, *statements: str) -> None:
    """Run statements that need a connection of their own."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """`@pytest.mark.needs("chromium")`: not run where that program is missing; "root" means being root."""
    for mark in item.iter_markers("needs"):
        for what in mark.args:
            available = os.geteuid() == 0 if what == "root" else shutil.which(what) is not None
            if not available:
                pytest.skip(f"needs {what}")
