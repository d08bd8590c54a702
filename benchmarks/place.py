"""Where a measurement takes place: the product as its own process, floors as theirs, one database server for all."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from tests.outside.company import Company
from tests.outside.demo import Demo, free_ports

FLOORS = Path(__file__).parent / "floors"
READY_SECONDS = 20.0


class Place:
    """The product (`company`) and what is started beside it."""

    def __init__(self, company: Company, stack: AsyncExitStack) -> None:
        self.company = company
        self.port = urlsplit(company.urls[0]).port or 80
        self._stack = stack

    async def database(self, name: str, schema: str) -> str:
        """A database for a floor in the product's own server, with the tables of `floors/<schema>`, until the end."""
        url = urlunsplit(urlsplit(self.company.database_url)._replace(path=f"/{name}"))
        drop, server = f'drop database if exists "{name}" with (force)', self.company.database_url
        await execute(server, drop, f'create database "{name}"')
        self._stack.push_async_callback(execute, server, drop)
        await execute(url, (FLOORS / schema).read_text())
        return url

    async def floor(self, module: str, *arguments: str) -> int:
        """Start `benchmarks.floors.<module>` as a process; its port. It is ended by its id."""
        port = free_ports(1)
        process = _spawn(["-m", f"benchmarks.floors.{module}", str(port), *arguments])
        self._stack.callback(_end, process)
        for _ in range(int(READY_SECONDS / 0.05)):
            if process.poll() is not None:
                raise RuntimeError(f"the floor {module} ended with {process.returncode}")
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return port
        raise RuntimeError(f"the floor {module} does not listen")

    async def circumstances(self) -> list[str]:
        """What a reader has to know beside the figures."""
        connection = await asyncpg.connect(self.company.database_url)
        try:
            rows = await connection.fetch(
                "select name, setting from pg_settings where name in ('fsync', 'synchronous_commit', 'server_version')"
            )
        finally:
            await connection.close()
        settings = ", ".join(f"{row['name']} {row['setting']}" for row in rows)
        return [
            f"PostgreSQL: {settings}; {os.cpu_count()} cores shared by client, servers and database",
            f"the product: one gateway process of the demo; not as by default: {_deviations(self.company.pids)}",
        ]


async def execute(url: str, *statements: str) -> None:
    """Run statements on a connection of their own."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def count(url: str, sql: str, *arguments: object) -> int:
    """One number."""
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval(sql, *arguments))
    finally:
        await connection.close()


def _deviations(pids: list[int]) -> str:
    """The settings these processes were started with, apart from where their servers are."""
    found = set()
    for pid in pids:
        pairs = Path(f"/proc/{pid}/environ").read_text().split("\0")
        found |= {pair for pair in pairs if pair.startswith("SCREENPOP_")}
    return ", ".join(sorted(found)) or "nothing"


def _spawn(arguments: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, *arguments], cwd=FLOORS.parents[1])


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


@asynccontextmanager
async def place(kept: Path | None = None) -> AsyncIterator[Place]:
    """Start the product in a folder of its own, or one that is kept; end everything afterwards."""
    folder = kept or Path(tempfile.mkdtemp(prefix="bench-"))
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    demo = Demo(folder, processes=1)
    try:
        async with AsyncExitStack() as stack:
            yield Place(await demo.start(), stack)
    finally:
        await demo.stop()
        if kept is None:
            shutil.rmtree(folder, ignore_errors=True)
