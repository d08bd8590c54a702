"""The command `screenpop`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Annotated
from uuid import UUID

import asyncpg
import msgspec
from cyclopts import App, Parameter
from rich.console import Console

from adapters.registry import account_problems, package_problems
from gateway.accounts import fetch_accounts
from gateway.auth import issue_token
from gateway.cli_letters import letters
from gateway.cli_rules import explain, rules
from gateway.cli_simulate import simulate
from gateway.serve import NotMigrated, database, serve, work
from gateway.settings import Settings, SettingsError, read_settings
from router.voice_lines import line_problems
from store.embedded import ServerError, running_url
from store.migrate import MigrationError, migrate
from store.pool import open_pool

app = App(name="screenpop", help="Messaging gateway with live profile push.", version_flags=["--version"])
app.command(letters)
app.command(rules)
app.command(explain)
app.command(simulate)
out = Console()
err = Console(stderr=True)


def _stop(message: str) -> None:
    err.print(f"[bold red]screenpop:[/] {message}", highlight=False)
    sys.exit(2)


def _run(task: Callable[[Settings], None]) -> None:
    """Run with the settings of the environment; what a user can mend is one sentence, not a traceback."""
    try:
        task(read_settings())
    except (SettingsError, NotMigrated, MigrationError, ServerError) as error:
        _stop(str(error))
    except (OSError, asyncpg.PostgresError) as error:
        _stop(f"the database cannot be used: {error}. Check DATABASE_URL and that the server runs.")


@app.command(name="serve")
def serve_command(
    *, host: str = "127.0.0.1", port: int = 8000, smtp: int | None = None, lmtp: int | None = None
) -> None:
    """Take webhooks, hold screens, route and send.

    Parameters
    ----------
    host
        Address to listen on; put a proxy with TLS in front of anything but loopback.
    port
        Port to listen on.
    smtp
        Port to take mail on by SMTP, at the address of SCREENPOP_SMTP_HOST; put a mail server in front.
    lmtp
        The same by LMTP.
    """

    def task(settings: Settings) -> None:
        ports = {"smtp_port": smtp or settings.smtp_port, "lmtp_port": lmtp or settings.lmtp_port}
        serve(msgspec.structs.replace(settings, **ports), host, port)

    _run(task)


@app.command(name="work")
def work_command() -> None:
    """Route, dispatch and send beside the serving processes, without listening."""
    _run(work)


@app.command(name="migrate")
def migrate_command() -> None:
    """Bring the database to this version's schema. Safe while others do the same."""

    def task(settings: Settings) -> None:
        with database(settings) as url:
            done = asyncio.run(_migrate(url))
        out.print("\n".join(f"applied {name}" for name in done) or "nothing to do", highlight=False)

    _run(task)


async def _migrate(url: str) -> list[str]:
    return await migrate(url)


@app.command
def check_config() -> None:
    """Check settings, accounts and packages with providers; each problem is a line with its remedy."""

    def task(settings: Settings) -> None:
        url = settings.database_url or running_url(settings.data_dir)
        if url is None:
            _stop("no database: set DATABASE_URL, or start `screenpop serve` once.")
            return
        problems = package_problems() + asyncio.run(_account_problems(url))
        for problem in problems:
            out.print(problem, highlight=False)
        if problems:
            sys.exit(1)
        out.print("The configuration is in order.")

    _run(task)


async def _account_problems(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        accounts = await fetch_accounts(connection)
        lines = await line_problems(connection)
    finally:
        await connection.close()
    problems: list[str] = []
    for account in accounts.values():
        problems += account_problems(account)
    return problems + lines


@app.command
def token(agent: UUID, *, label: Annotated[str, Parameter(help="Where the token is used.")] = "cli") -> None:
    """Issue a token for an agent and print it, once: it is stored only as a hash.

    Parameters
    ----------
    agent
        The agent's id, from `GET /v1/agents`.
    """

    def task(settings: Settings) -> None:
        url = settings.database_url or running_url(settings.data_dir)
        if url is None:
            _stop("no database: set DATABASE_URL, or start `screenpop serve` once.")
            return
        try:
            out.print(asyncio.run(_token(url, agent, label)), highlight=False)
        except LookupError:
            _stop(f"there is no agent {agent}. `GET /v1/agents` lists them.")

    _run(task)


async def _token(url: str, agent: UUID, label: str) -> str:
    pool = await open_pool(url, size=1)
    try:
        async with pool.acquire() as connection:
            if await connection.fetchval("select 1 from agent where id = $1", agent) is None:
                raise LookupError(agent)
            return await issue_token(connection, agent, label, None)
    finally:
        await pool.close()


@app.command(name="demo")
def demo_command(*arguments: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> None:
    """Start a small demo company; `screenpop demo --help` lists its options."""
    from gateway.demo.__main__ import main as demo  # its libraries serve no other command

    demo(list(arguments))


def main() -> None:
    """Entry point of the console script."""
    app()


if __name__ == "__main__":
    main()
