"""`screenpop dead-letters` on a real database: list, show, replay."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from urllib.parse import urlencode

import asyncpg

from profiles.dead_letters import Unreadable, bury
from store.pool import open_pool
from tests.flow.gateway_process import ACCOUNT_SID, FORM, NUMBER, ROOT, found_company

FIELDS = {"MessageSid": "SM1", "AccountSid": ACCOUNT_SID, "From": "+14155550123", "To": NUMBER, "Body": "hello"}


async def command(database_url: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """The command as an operator calls it."""
    environment = {**os.environ, "DATABASE_URL": database_url, "PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-m", "gateway.cli", "dead-letters", *arguments]
    return await asyncio.to_thread(subprocess.run, line, cwd=ROOT, env=environment, capture_output=True, check=False)


async def test_letters_are_listed_shown_and_taken_once_more(database_url: str) -> None:
    await found_company(database_url)
    bodies = {"good": urlencode(FIELDS).encode(), "bad": b"Body=hello"}
    pool = await open_pool(database_url, size=1)
    async with pool.acquire() as connection:
        ids = {
            what: await bury(connection, Unreadable("sms-main", None, "", FORM, body, "not known then", "Body"))
            for what, body in bodies.items()
        }
    await pool.close()
    listed = await command(database_url, "list", "--account", "sms-main")
    assert listed.returncode == 0, listed.stderr
    assert all(str(id_).encode() in listed.stdout for id_ in ids.values())
    assert b"not known then" in listed.stdout
    assert (await command(database_url, "list", "--account", "other")).stdout == b""
    shown = await command(database_url, "show", str(ids["bad"]))
    assert shown.stdout == bodies["bad"]
    one = await command(database_url, "replay", str(ids["good"]))
    assert (one.returncode, b"recorded" in one.stdout) == (0, True), one.stderr
    left = await command(database_url, "replay", "--account", "sms-main")
    assert left.returncode == 1
    assert b"MessageSid" in left.stdout
    for wrong in (("replay",), ("show", str(ids["good"])), ("replay", str(ids["good"]))):
        failed = await command(database_url, *wrong)
        assert failed.returncode == 2, wrong
        assert failed.stderr
    database = await asyncpg.connect(database_url)
    assert await database.fetchval("select body from entry") == "hello"
    assert await database.fetchval("select count(*) from dead_letter") == 1
    await database.close()
