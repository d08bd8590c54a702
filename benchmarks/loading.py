"""Fill the product's tables with the company of `population.py`, as fast as the machine takes it.

Rows by COPY; indexes that are no constraint are dropped before and made again from their own definition, by several
processes of the server; the words of entries, which the product files in the background, are written with them, and
samples are compared with what it would have filed. While this lasts the gateway is stopped, because what it looks for
several times a second has no index, and the server does not wait for the disk (`SETTINGS`); when it ends, everything is
on it, and both are as they were.
"""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

import asyncpg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.place import count
from benchmarks.population import Size, Table, tables
from tests.outside.company import Company

BLOCK = 5_000
SETTINGS = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off", "checkpoint_timeout": "'1h'"}
"""Of the server, as long as it is being filled."""
INDEXES = """
select c.relname as name, pg_get_indexdef(c.oid) as definition
  from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
 where t.relname = any ($1) and t.relnamespace = 'public'::regnamespace
   and not exists (select from pg_constraint k where k.conindid = c.oid)
"""
# A process that is stopped may hold locks.
OTHERS = """
select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
"""
# One in ten thousand.
MISFILED = """
select count(*) from entry e left join entry_words w on w.n = e.n
 where e.n in (select generate_series((select min(n) from entry_words), (select max(n) from entry_words), 9973))
   and w.words is distinct from strip(words_of(e.body))
"""


LOADING = 1 << 40
"""The first number not filed, while the company is being filled."""
LOADED = "select count(*) from filing where done < $1 and (select count(*) from customer) >= $2"


async def is_loaded(url: str, customers: int) -> bool:
    """Whether this was filled before, and to the end."""
    return bool(await count(url, LOADED, LOADING, customers))


async def load(company: Company, size: Size) -> float:
    """Fill the database of a product that has nothing to do; the seconds it took."""
    began = time.monotonic()
    connection = await asyncpg.connect(company.database_url)
    try:
        with _stopped(company.pids):
            if await connection.fetchval("select done from filing") == LOADING:
                raise RuntimeError("the filling of this company was cut off: name an empty folder")
            await _adjust(connection, [f"{name} = {value}" for name, value in SETTINGS.items()])
            await connection.execute(OTHERS)
            await connection.execute("set session_replication_role = replica")
            await connection.execute("set maintenance_work_mem = '768MB'")
            await connection.execute("update filing set done = $1", LOADING)
            await _fill(connection, list(tables(size)))
            await connection.execute("update filing set done = (select setval('entry_n_seq', max(n)) + 1 from entry)")
            wrong = await connection.fetchval(MISFILED)
            if wrong:
                raise RuntimeError(f"the product would have filed other words for {wrong} of the entries looked at")
            await _adjust(connection, [])
            await connection.execute("checkpoint")
            os.sync()  # what was written while fsync was off
    finally:
        await connection.close()
    return time.monotonic() - began


@contextmanager
def _stopped(pids: list[int]) -> Iterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


async def _adjust(connection: asyncpg.Connection[asyncpg.Record], settings: list[str]) -> None:
    """Run the server with these settings besides its own."""
    await connection.execute("alter system reset all")
    for setting in settings:
        await connection.execute(f"alter system set {setting}")
    await connection.execute("select pg_reload_conf()")


async def _fill(connection: asyncpg.Connection[asyncpg.Record], filled: list[Table]) -> None:
    names = [table.name for table in filled]
    definitions = await connection.fetch(INDEXES, names)
    for row in definitions:
        await connection.execute(f'drop index "{row["name"]}"')
    with _progress() as progress:
        for table in filled:
            task = progress.add_task(table.name, total=table.rows)
            await _copy(connection, table, lambda rows, task=task: progress.advance(task, rows))  # type: ignore[misc]
        task = progress.add_task("indexes", total=len(definitions))
        for row in definitions:
            progress.update(task, description=f"index {row['name']}")
            await connection.execute(row["definition"])
            progress.advance(task)
        task = progress.add_task("vacuum analyze", total=len(names))
        for name in names:
            await connection.execute(f"vacuum analyze {name}")
            progress.advance(task)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=Console()
    )


async def _copy(connection: asyncpg.Connection[asyncpg.Record], table: Table, advance: Callable[[int], None]) -> None:
    lines = iter(table.lines)

    async def blocks() -> AsyncIterator[bytes]:
        while block := list(itertools.islice(lines, BLOCK)):
            yield "".join(block).encode()
            advance(len(block))

    await connection.copy_to_table(table.name, source=blocks(), columns=table.columns.split(), format="text")
