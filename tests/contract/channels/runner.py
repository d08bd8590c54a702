"""The matrix against a running gateway process: every cell on empty tables, with what was answered and what changed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from adapters.base import AccountConfig, WebhookRequest
from tests.contract.channels.harness import HarnessBase
from tests.contract.channels.matrix import SHOWN, Delta, Must, Plan, brief, cases, fault
from tests.contract.channels.post import post
from tests.flow.gateway_process import OWN, ROOT, TABLES, running

SETTLED_SECONDS = 10.0
STILL_SECONDS = 0.1
CHANGES_NOTHING = ("refused", "404", "413")
ADD = """
insert into account (id, channel, provider, address, secrets, region, public_url, settings, queue_id)
values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, 'general')
"""
UNREAD = "select count(*) from mail where state = 'waiting'"


class Cell(Struct, frozen=True):
    """One cell. `wrong`: None where it is as it must be; `reason`: why it does not apply."""

    provider: str
    case: str
    observed: str
    wrong: str | None = None
    reason: str | None = None


class Company:
    """A database with one account per harness, and a gateway over it."""

    def __init__(self, connection: asyncpg.Connection, url: str, tables: list[str]) -> None:
        self._connection = connection
        self.url = url
        self._tables = tables

    async def row(self, name: str, harness: HarnessBase) -> list[Cell]:
        """Every cell of one provider."""
        account = account_id(name)
        genuine = await self._rows_of(account, [[harness.signed()]])
        in_order = await self._rows_of(account, [[request] for request in harness.requests().values()])
        plans = {case.name: case.plan(harness) for case in cases()}
        refused = await self._refusals(
            name, {what: plan for what, plan in plans.items() if isinstance(plan, Plan)}, account
        )
        made = []
        for what, plan in plans.items():
            if isinstance(plan, str):
                made.append(Cell(name, what, "", reason=plan))
                continue
            expected = in_order if plan.must.startswith("as in order") else genuine
            target = _target(plan, account)
            made.append(refused.get(what) or await self._cell(name, what, plan, target, expected))
        await self._forget()
        for kind, request in harness.requests().items():  # each after the one before it: some change what was said
            made.append(await self._look(name, f"genuine {kind}", Plan([[request]], "read"), account, {}))
        return made

    async def _refusals(self, name: str, plans: dict[str, Plan], account: str) -> dict[str, Cell]:
        """Everything that must change nothing, one after the other; nothing where something changed after all."""
        await self._forget()
        answered: dict[str, list[int]] = {}
        for what, plan in plans.items():
            if plan.must in CHANGES_NOTHING:
                answered[what] = await self._send(_target(plan, account), plan.steps)
        await asyncio.sleep(STILL_SECONDS)
        if await self._rows():
            return {}
        return {
            what: Cell(name, what, f"{_words(statuses)}; {brief({})}", fault(plans[what].must, statuses, {}, {}))
            for what, statuses in answered.items()
        }

    async def _cell(self, name: str, case: str, plan: Plan, account: str, expected: Delta) -> Cell:
        await self._forget()
        return await self._look(name, case, plan, account, expected)

    async def _look(self, name: str, case: str, plan: Plan, account: str, expected: Delta) -> Cell:
        before = await self._rows()
        statuses = await self._send(account, plan.steps)
        delta = await self._settled(plan.must, statuses, expected, before)
        return Cell(
            name,
            case,
            f"{_words(statuses)}; {brief(_shown(delta, plan.must))}",
            fault(plan.must, statuses, delta, expected),
        )

    async def _rows_of(self, account: str, steps: list[list[WebhookRequest]]) -> Delta:
        await self._forget()
        await self._send(account, steps)
        await self._read()
        before: Delta = {}
        for _ in range(int(SETTLED_SECONDS)):
            await asyncio.sleep(0.3)
            after = await self._rows()
            if after == before:
                break
            before = after
        return {table: count for table, count in before.items() if table in SHOWN}

    async def _send(self, account: str, steps: list[list[WebhookRequest]]) -> list[int]:
        statuses: list[int] = []
        for step in steps:
            statuses += await asyncio.gather(*(post(self.url, account, request) for request in step))
        return statuses

    async def _settled(self, must: Must, statuses: list[int], expected: Delta, before: Delta) -> Delta:
        """What changed, once it is as it must be and stays so; mail is read after it was answered."""
        give_up_at = time.monotonic() + SETTLED_SECONDS
        while must not in CHANGES_NOTHING:
            delta = await self._since(before)
            fine = fault(must, statuses, delta, expected) is None
            if fine and must == "read":
                return delta
            if fine or time.monotonic() > give_up_at:
                break
            await asyncio.sleep(0.05)
        await asyncio.sleep(STILL_SECONDS)
        return await self._since(before)

    async def _since(self, before: Delta) -> Delta:
        now = await self._rows()
        changed = {name: now.get(name, 0) - before.get(name, 0) for name in {*now, *before}}
        return {name: count for name, count in changed.items() if count}

    async def _rows(self) -> Delta:
        counts = " union all ".join(f"select '{name}' as name, count(*) as count from {name}" for name in self._tables)
        return {row["name"]: row["count"] for row in await self._connection.fetch(counts) if row["count"]}

    async def _read(self) -> None:
        """Return when no mail waits to be read: it is answered before."""
        give_up_at = time.monotonic() + SETTLED_SECONDS
        while await self._connection.fetchval(UNREAD) and time.monotonic() < give_up_at:  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    async def _forget(self) -> None:
        await self._read()
        while filled := await self._rows():
            with contextlib.suppress(asyncpg.DeadlockDetectedError):
                await self._connection.execute(f"truncate {', '.join(filled)} cascade")


def _target(plan: Plan, account: str) -> str:
    return "nobody-of-this-name" if plan.must == "404" else account


def _words(statuses: list[int]) -> str:
    return " ".join(f"{status}" + (f" x{count}" if count > 1 else "") for status, count in _counted(statuses))


def account_id(name: str) -> str:
    """The id under which a harness's account is configured: its own may be another's too."""
    return "suite-" + name.replace("/", "-").replace("_", "-")


@asynccontextmanager
async def company(
    database_url: str, harnesses: dict[str, HarnessBase], log: Path, **environment: str
) -> AsyncIterator[Company]:
    """Configure the accounts and run a gateway over them, with these settings."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("insert into queue (id, name) values ('general', 'General') on conflict do nothing")
        for name, harness in harnesses.items():
            await add(connection, replace(harness.account, id=account_id(name)))
        with running(database_url, log, **environment) as gateway:
            await gateway.up()
            tables = [row["name"] for row in await connection.fetch(TABLES, list(OWN))]
            empty = [name for name in tables if not await connection.fetchval(f"select count(*) from {name}")]
            await connection.execute("set synchronous_commit = off")  # what is forgotten need not be durable
            yield Company(connection, gateway.url, empty)
    finally:
        await connection.close()


async def add(connection: asyncpg.Connection, account: AccountConfig) -> None:
    """Configure an account."""
    settings = msgspec.json.encode(account.settings).decode()
    await connection.execute(
        ADD, account.id, account.channel, account.provider, account.address, list(account.secrets), account.region,
        account.public_url, settings,
    )  # fmt: skip


async def without_secret(database_url: str, harnesses: dict[str, HarnessBase]) -> list[Cell]:
    """The column `empty secret configured`: none can be stored, and a blank one is named before anything starts."""
    connection = await asyncpg.connect(database_url)
    refused: dict[str, bool] = {}
    try:
        await connection.execute("insert into queue (id, name) values ('general', 'General') on conflict do nothing")
        for name, harness in harnesses.items():
            account = replace(harness.account, id=account_id(name))
            refused[name] = False
            try:
                await add(connection, replace(account, secrets=("",)))
            except asyncpg.CheckViolationError:
                refused[name] = True
            await add(connection, replace(account, secrets=(" ",)))
        code, lines = await check_config(database_url)
        await connection.execute("delete from account")
    finally:
        await connection.close()
    return [
        Cell(
            name,
            "empty secret configured",
            f"empty: {'not stored' if refused[name] else 'stored'}; blank: check-config exit {code}, names {named}",
            None if refused[name] and code == 1 and named else "must be refused and named",
        )
        for name in harnesses
        for named in [
            next((word for line in lines if account_id(name) in line for word in ("secrets",) if word in line), "")
        ]
    ]


async def check_config(database_url: str, **more: str) -> tuple[int, list[str]]:
    """Exit code and lines of `screenpop check-config`, with these settings."""
    environment = {**os.environ, "DATABASE_URL": database_url, "COLUMNS": "400", "PYTHONPATH": str(ROOT), **more}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway.cli", "check-config"),
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode(errors="replace").splitlines()


def _shown(delta: Delta, must: Must) -> Delta:
    return delta if must in ("refused", "404", "413") else {name: n for name, n in delta.items() if name in SHOWN}


def _counted(statuses: list[int]) -> list[tuple[int, int]]:
    return [(status, statuses.count(status)) for status in dict.fromkeys(statuses)]
