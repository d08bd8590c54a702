"""The command `screenpop dead-letters`: webhooks that could not be read or recorded, and taking them once more."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated
from uuid import UUID

from cyclopts import App, Parameter
from rich.console import Console

from adapters.media import MediaClient
from gateway.accounts import Accounts
from gateway.cli_database import on_database, stop
from gateway.intake import Intake
from gateway.mail_parts import read_limits
from gateway.mail_worker import MailNeeds, MailWorker
from gateway.recorder import Recorder
from gateway.replay import Replay
from gateway.settings import read_settings
from profiles.dead_letters import DeadLetter, Replayed, fetch_dead_letter, fetch_dead_letters, letters_of
from store.pool import Pool

letters = App(name="dead-letters", help="Webhooks that could not be read or recorded.")
out = Console()
err = Console(stderr=True)
PAGE = 200


@letters.command(name="list")
def list_letters(*, account: str | None = None, limit: int = 50) -> None:
    """List dead letters, newest first: id, when, account, step, size, and why.

    Parameters
    ----------
    account
        Only of this account.
    limit
        At most so many.
    """
    for letter in on_database(lambda pool: _letters(pool, account, limit)):
        where = f"{letter.field}: " if letter.field else ""
        line = f"{letter.id}  {letter.received_at:%Y-%m-%d %H:%M}  {letter.account}  {letter.step or '-'}"
        out.print(f"{line}  {letter.size} B  {where}{letter.reason}", highlight=False, markup=False, soft_wrap=True)


async def _letters(pool: Pool, account: str | None, limit: int) -> list[DeadLetter]:
    found: list[DeadLetter] = []
    after: tuple[datetime, UUID] | None = None
    while len(found) < limit:
        async with pool.acquire() as connection:
            page = await fetch_dead_letters(connection, PAGE, after)
        found += [letter for letter in page if account in (None, letter.account)]
        if len(page) < PAGE:
            break
        after = (page[-1].received_at, page[-1].id)
    return found[:limit]


@letters.command(name="show")
def show_letter(letter: UUID) -> None:
    """Write the body of one to standard output, byte for byte; what is known of it goes to standard error."""

    async def work(pool: Pool) -> None:
        async with pool.acquire() as connection:
            found = await fetch_dead_letter(connection, letter)
        if found is None:
            stop(f"there is no dead letter {letter}. `screenpop dead-letters list` lists them.")
        kind = found.content_type or "no content type"
        err.print(f"{found.account} {found.step or '-'} {kind} {found.reason}", highlight=False, markup=False)
        sys.stdout.buffer.write(found.body)

    on_database(work)


@letters.command(name="replay")
def replay_letters(
    letter: UUID | None = None, *, account: Annotated[str | None, Parameter(help="All of this account.")] = None
) -> None:
    """Take one, or all of an account, once more; what is recorded already stays single. Exit code 1: some are left."""
    if (letter is None) == (account is None):
        stop("name one dead letter, or --account for all of an account.")
    results = on_database(lambda pool: _replay(pool, letter, account))
    for each in results:
        what = "recorded" if each.recorded else f"{each.field or '-'}: {each.reason}"
        out.print(f"{each.id}  {what}", highlight=False, markup=False, soft_wrap=True)
    if not all(each.recorded for each in results):
        sys.exit(1)


async def _replay(pool: Pool, letter: UUID | None, account: str | None) -> list[Replayed]:
    results: list[Replayed] = []
    async with _replaying(pool) as replay:
        if letter is not None:
            found = await replay(letter)
            if found is None:
                stop(f"there is no dead letter {letter}. `screenpop dead-letters list` lists them.")
            return [found]
        after: UUID | None = None
        while True:
            async with pool.acquire() as connection:
                page = await letters_of(connection, account or "", PAGE, after)
            for each in page:
                if (done := await replay(each)) is not None:
                    results.append(done)
            if len(page) < PAGE:
                return results
            after = page[-1]


@asynccontextmanager
async def _replaying(pool: Pool) -> AsyncIterator[Replay]:
    """The parts that take webhooks, without the process: screens find out by their position check, workers sweep."""

    def unheard(positions: object) -> None:
        """Say nothing."""

    accounts = Accounts(pool)
    recorder = Recorder(pool, unheard, unheard, PAGE)
    settings = read_settings()
    client = MediaClient(settings.private_media_hosts)
    mail = MailWorker(pool, unheard, MailNeeds(accounts, recorder, client), read_limits(settings))
    yield Replay(pool, accounts, Intake(pool, accounts, recorder, unheard), mail)
