"""Bring a database to the schema of this code: run `store/migrations/NNNN_what.sql` in order, each once.

Each file runs in its own transaction, together with the row that records it. A file whose first line is
`-- no transaction` (for `CREATE INDEX CONCURRENTLY`) runs statement by statement outside one; when it fails half-way
it runs again from its start, so its statements must bear that (`IF NOT EXISTS`).

Several processes may migrate at once: one works, the others wait. Needs a direct connection or pgbouncer in session
mode, as the lock belongs to the session.

    MigrationError
    ├── MigrationEdited     an applied file was changed afterwards
    ├── MigrationMissing    the files, or what was applied of them, are not 1, 2, 3 … without a gap
    ├── DatabaseNewer       the database knows migrations that this code does not
    ├── MigrationFailed     PostgreSQL refused a file; it left nothing behind
    └── MigrationBusy       another runner did not finish in time
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import asyncpg

from store.statements import split_statements

MIGRATIONS = Path(__file__).parent / "migrations"
FILE_NAME = re.compile(r"(\d{4})_\w+\.sql", re.ASCII)
NO_TRANSACTION = "-- no transaction"
# A number of our own; every runner of every version must take the same.
LOCK_KEY = 0x5C7EE4909
LOCK_POLL_SECONDS = 0.1
LOCK_WAIT_SECONDS = 600.0
# A migration that waits for a long transaction makes every later statement on that table wait behind it.
SESSION = {"application_name": "screenpop-migrate", "lock_timeout": "10s", "statement_timeout": "0", "jit": "off"}

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class MigrationError(Exception):
    """The database cannot be brought to this code's schema; the message says what to do."""


class MigrationEdited(MigrationError):
    """An applied file was changed afterwards: databases would no longer be alike."""


class MigrationMissing(MigrationError):
    """Files, or applied numbers, are not 1, 2, 3 … without a gap."""


class DatabaseNewer(MigrationError):
    """The database was migrated by newer code."""


class MigrationFailed(MigrationError):
    """PostgreSQL refused a statement of a file."""


class MigrationBusy(MigrationError):
    """Another runner held the lock for too long."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number, name, text, and the digest by which a later edit shows."""

    number: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        """SHA-256 of the text; line endings do not count, as a checkout may change them."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def in_transaction(self) -> bool:
        """Whether the file runs as a whole in one transaction."""
        return self.sql.partition("\n")[0].strip() != NO_TRANSACTION


async def migrate(url: str, directory: Path = MIGRATIONS, *, lock_wait_seconds: float = LOCK_WAIT_SECONDS) -> list[str]:
    """Apply what the database at `url` lacks of the files in `directory`; gives the names of the files applied.

    Raises `MigrationError`, and what asyncpg raises when the database cannot be reached.
    """
    files = read_files(directory)
    connection: Connection = await asyncpg.connect(url, server_settings=SESSION, statement_cache_size=0)
    try:
        async with _alone(connection, lock_wait_seconds):
            await connection.execute(CREATE_TABLE)
            todo = unapplied(files, await connection.fetch(APPLIED))
            for migration in todo:
                await _apply(connection, migration)
    finally:
        await connection.close()
    return [migration.name for migration in todo]


async def pending(url: str, directory: Path = MIGRATIONS) -> list[str]:
    """The names of the files that `migrate` would apply; changes nothing. Raises as `migrate` does."""
    files = read_files(directory)
    connection: Connection = await asyncpg.connect(url, server_settings=SESSION, statement_cache_size=0)
    try:
        known = await connection.fetchval("SELECT to_regclass('schema_migration') IS NOT NULL")
        applied = await connection.fetch(APPLIED) if known else []
    finally:
        await connection.close()
    return [migration.name for migration in unapplied(files, applied)]


def read_files(directory: Path) -> list[Migration]:
    """The migrations of a directory in order. Raises `MigrationMissing` for a gap, a double or a misnamed file."""
    files = []
    for path in sorted(directory.glob("*.sql")):
        named = FILE_NAME.fullmatch(path.name)
        if named is None:
            raise MigrationMissing(f"{path}: name it NNNN_what.sql, with the next free number")
        files.append(Migration(int(named[1]), path.name, path.read_text("utf-8").replace("\r\n", "\n")))
    for expected, migration in enumerate(files, start=1):
        if migration.number != expected:
            raise MigrationMissing(f"{directory}: number {expected:04} is expected where {migration.name} stands")
    return files


def unapplied(files: list[Migration], applied: list[asyncpg.Record]) -> list[Migration]:
    """Those of `files` that are not among the rows `applied` (number, name, digest), after checking that both agree.

    Raises `DatabaseNewer`, `MigrationMissing`, `MigrationEdited`.
    """
    for expected, row in enumerate(applied, start=1):
        if row["number"] != expected:
            raise MigrationMissing(
                f"the database lacks migration {expected:04} but has {row['name']}: restore a backup"
            )
        if expected > len(files):
            raise DatabaseNewer(f"the database has {row['name']}, which this code does not know: run a newer version")
        migration = files[expected - 1]
        if row["digest"] != migration.digest:
            raise MigrationEdited(
                f"{migration.name} was edited after it was applied here as {row['name']}: "
                "restore that file and put the change into a new migration"
            )
    return files[len(applied) :]


@asynccontextmanager
async def _alone(connection: Connection, wait_seconds: float) -> AsyncIterator[None]:
    """Hold the runners' lock. Polled, because waiting inside PostgreSQL holds a snapshot open, and
    `CREATE INDEX CONCURRENTLY` waits for every snapshot to end: a deadlock.
    """
    polls = max(1, round(wait_seconds / LOCK_POLL_SECONDS))
    for _poll in range(polls):
        if await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK_KEY):
            break
        await asyncio.sleep(LOCK_POLL_SECONDS)
    else:
        raise MigrationBusy(f"another process has been migrating this database for {wait_seconds:g} s: wait for it")
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", LOCK_KEY)


CREATE_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migration (
    number     integer PRIMARY KEY,
    name       text NOT NULL,
    digest     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""
APPLIED = "SELECT number, name, digest FROM schema_migration ORDER BY number"
RECORD = "INSERT INTO schema_migration (number, name, digest) VALUES ($1, $2, $3)"


async def _apply(connection: Connection, migration: Migration) -> None:
    row = (migration.number, migration.name, migration.digest)
    try:
        if migration.in_transaction:
            async with connection.transaction():
                await connection.execute(migration.sql)
                await connection.execute(RECORD, *row)
        else:
            for statement in split_statements(migration.sql):
                await connection.execute(statement)
            await connection.execute(RECORD, *row)
    except asyncpg.PostgresError as refusal:
        left = "nothing of it was kept" if migration.in_transaction else "statements before the failing one were kept"
        raise MigrationFailed(f"{migration.name}: {refusal}; {left}; mend the cause and migrate again") from refusal
