"""Migrations: each file once and whole, whoever runs them and whatever goes wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

from store import migrate as migrations
from store.migrate import migrate, pending
from store.statements import split_statements

FILES = {
    "0001_first.sql": "CREATE TABLE a (x int); CREATE TABLE b (y int);",
    "0002_second.sql": "ALTER TABLE a ADD COLUMN z text DEFAULT 'one;two';",
}
CONCURRENTLY = """-- no transaction
-- an index; and a semicolon in a comment
CREATE INDEX CONCURRENTLY IF NOT EXISTS a_x ON a (x);
DO $body$ BEGIN PERFORM 1; END $body$;
"""


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    return folder


async def fetchval(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_files_are_applied_in_order_and_once(empty_database_url: str, tmp_path: Path) -> None:
    folder = write(tmp_path, FILES)
    assert await pending(empty_database_url, folder) == list(FILES)
    assert await migrate(empty_database_url, folder) == list(FILES)
    assert await migrate(empty_database_url, folder) == []
    assert await pending(empty_database_url, folder) == []
    assert await fetchval(empty_database_url, "SELECT count(*) FROM schema_migration WHERE applied_at <= now()") == 2


async def test_of_many_runners_at_once_each_file_is_applied_by_one(empty_database_url: str, tmp_path: Path) -> None:
    folder = write(tmp_path, {**FILES, "0003_index.sql": CONCURRENTLY})
    done = await asyncio.gather(*(migrate(empty_database_url, folder) for _ in range(8)))
    assert sorted(name for names in done for name in names) == [*FILES, "0003_index.sql"]
    assert await fetchval(empty_database_url, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'a_x'::regclass")


async def test_a_runner_that_waited_too_long_says_so(empty_database_url: str, tmp_path: Path) -> None:
    other = await asyncpg.connect(empty_database_url)
    try:
        await other.execute("SELECT pg_advisory_lock($1)", migrations.LOCK_KEY)
        with pytest.raises(migrations.MigrationBusy):
            await migrate(empty_database_url, write(tmp_path, FILES), lock_wait_seconds=0.2)
    finally:
        await other.close()


async def test_an_edited_file_is_refused_by_name(empty_database_url: str, tmp_path: Path) -> None:
    folder = write(tmp_path, FILES)
    await migrate(empty_database_url, folder)
    write(folder, {"0001_first.sql": "CREATE TABLE a (x bigint)", "0003_third.sql": "CREATE TABLE c ()"})
    for run in (migrate, pending):
        with pytest.raises(migrations.MigrationEdited, match=r"0001_first\.sql was edited.*new migration"):
            await run(empty_database_url, folder)
    assert await fetchval(empty_database_url, "SELECT to_regclass('c') IS NULL")


async def test_line_endings_of_a_checkout_are_no_edit(empty_database_url: str, tmp_path: Path) -> None:
    folder = write(tmp_path, {"0001_first.sql": "CREATE TABLE a\n(x int);\n"})
    await migrate(empty_database_url, folder)
    (folder / "0001_first.sql").write_bytes(b"CREATE TABLE a\r\n(x int);\r\n")
    assert await migrate(empty_database_url, folder) == []


async def test_a_failing_file_leaves_nothing_and_the_earlier_ones_stay(empty_database_url: str, tmp_path: Path) -> None:
    folder = write(tmp_path, {**FILES, "0003_bad.sql": "CREATE TABLE c (); SELECT 1 / 0;"})
    with pytest.raises(migrations.MigrationFailed, match=r"0003_bad\.sql: division by zero"):
        await migrate(empty_database_url, folder)
    assert await fetchval(empty_database_url, "SELECT to_regclass('c') IS NULL AND to_regclass('a') IS NOT NULL")
    write(folder, {"0003_bad.sql": "CREATE TABLE c ()"})
    assert await migrate(empty_database_url, folder) == ["0003_bad.sql"]


async def test_a_database_newer_than_the_code_is_refused(empty_database_url: str, tmp_path: Path) -> None:
    folder = write(tmp_path, FILES)
    await migrate(empty_database_url, folder)
    (folder / "0002_second.sql").unlink()
    with pytest.raises(migrations.DatabaseNewer, match=r"0002_second\.sql"):
        await migrate(empty_database_url, folder)


async def test_a_database_with_a_gap_is_refused(empty_database_url: str, tmp_path: Path) -> None:
    folder = write(tmp_path, FILES)
    await migrate(empty_database_url, folder)
    await fetchval(empty_database_url, "DELETE FROM schema_migration WHERE number = 1")
    with pytest.raises(migrations.MigrationMissing, match="lacks migration 0001"):
        await migrate(empty_database_url, folder)


@pytest.mark.parametrize("name", ["0004_gap.sql", "0002_double.sql", "3_short.sql", "notes.sql"])
def test_misnamed_files_are_refused_before_anything_runs(name: str, tmp_path: Path) -> None:
    with pytest.raises(migrations.MigrationMissing):
        migrations.read_files(write(tmp_path, {**FILES, name: "SELECT 1"}))


def test_statements_are_cut_at_the_semicolons_that_end_them() -> None:
    script = """-- one; two
    INSERT INTO a VALUES ('x;''y', "b;c", E'\\';'); /* ; */
    CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $f$ SELECT 1; SELECT $$a;b$$; $f$;
    ; -- the end;
    """
    insert, function = split_statements(script)
    assert insert.startswith("-- one")
    assert insert.endswith("E'\\';')")
    assert function.endswith("$f$")


async def test_the_migrations_of_this_code_are_all_applied_by_the_fixture(database_url: str) -> None:
    assert await pending(database_url) == []
