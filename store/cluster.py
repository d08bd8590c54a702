"""One PostgreSQL cluster on disk: where it lies, creating it, clearing up after a crash, launching its server."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from store import binaries
from store.supervise import (
    Account,
    Progress,
    Server,
    ServerError,
    everyone_can_enter,
    free_port,
    port_is_free,
    run_once,
    server_account,
    spawn,
)

NAME = "screenpop"  # of the role and of the database
# For a small machine: the server shares it with the gateway.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "effective_cache_size": "512MB",
    "max_wal_size": "512MB",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "unix_socket_permissions": "0700",
    "log_line_prefix": "%m [%p] ",
    # Statements, their parameters and the details of errors hold personal data, which belongs in no log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
ACCESS_FILE = "postgresql.json"
START_SECONDS = 60.0  # a cluster that was cut off replays its log first
STALE_PID_FILE = "postmaster.pid"
# Where root's clusters go when the data folder lies where the server's user cannot enter.
ROOT_CLUSTERS = Path("/var/lib/screenpop")


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a cluster: kept between starts, so that its URL stays the same while the port is free."""

    port: int
    password: str
    socket_directory: str

    @property
    def url(self) -> str:
        """The URL for asyncpg and every other PostgreSQL client; holds the password."""
        return f"postgresql://{NAME}:{self.password}@127.0.0.1:{self.port}/{NAME}"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster's place, the programs that serve it and the user they run as."""

    data_dir: Path
    folder: Path
    programs: Path
    major: int
    account: Account


def locate(data_dir: Path, bindir: Path | None, progress: Progress) -> Cluster:
    """The cluster of `data_dir` for the PostgreSQL found on this machine; nothing is created. Raises `ServerError`."""
    programs = binaries.find_postgres(bindir)
    major = binaries.postgres_major(programs)
    folder = _cluster_folder(data_dir, major)
    account = server_account(folder)
    return Cluster(data_dir, folder, binaries.reachable(programs, account, progress), major, account)


def prepare(cluster: Cluster, progress: Progress) -> Access:
    """Everything before the start: create what is missing, clear what a killed server left, choose port and socket.

    The caller holds the lock of the data folder. Raises `ServerError`.
    """
    known = read_access(cluster.data_dir)
    if known is None and cluster.folder.exists():
        raise ServerError(f"{cluster.data_dir / ACCESS_FILE} with the password of {cluster.folder} is gone: restore it")
    if known is None or not cluster.folder.exists():
        known = Access(free_port(), secrets.token_urlsafe(24), "")
        progress(f"creating the database cluster {cluster.folder}")
        _write_access(cluster.data_dir, known)  # first: a cluster whose password got lost would be useless
        _create(cluster, known.password)
    _clear_leftovers(cluster.folder, known)
    port = known.port if port_is_free(known.port) else free_port()
    # Made anew and short: a socket's path may have 107 bytes, and a guessable name in /tmp could be taken by another.
    socket_directory = tempfile.mkdtemp(prefix="screenpop-", dir="/tmp")
    os.chown(socket_directory, cluster.account.uid, cluster.account.gid)
    access = Access(port, known.password, socket_directory)
    _write_access(cluster.data_dir, access)
    return access


def start(cluster: Cluster, lock: IO[str], settings: Mapping[str, str], progress: Progress) -> tuple[Server, Access]:
    """`prepare` and `launch`, again with another port when a stranger took ours in between. Raises `ServerError`."""
    for _attempt in range(3):
        access = prepare(cluster, progress)
        try:
            return launch(cluster, access, lock, settings), access
        except ServerError:
            if port_is_free(access.port):
                raise
    raise ServerError(f"every port chosen on 127.0.0.1 was taken at once; see {cluster.data_dir / 'postgresql.log'}")


def launch(cluster: Cluster, access: Access, lock: IO[str], settings: Mapping[str, str]) -> Server:
    """Start the server and return when it takes connections. Raises `ServerError`."""
    chosen = SETTINGS | {"port": str(access.port), "unix_socket_directories": access.socket_directory} | dict(settings)
    options = [f"--{name}={value}" for name, value in chosen.items()]
    command: list[str | Path] = [cluster.programs / "postgres", "-D", cluster.folder, *options]
    log = cluster.data_dir / "postgresql.log"
    # SIGINT is PostgreSQL's fast shutdown.
    server = spawn(command, cluster.account, log, stop_signal=signal.SIGINT, lock=lock)
    server.wait_until(lambda: _says_ready(cluster.folder, server.process.pid), timeout_seconds=START_SECONDS)
    return server


def _cluster_folder(data_dir: Path, major: int) -> Path:
    inside = data_dir / f"postgresql-{major}"
    if os.geteuid() != 0 or inside.exists() or everyone_can_enter(data_dir):
        return inside
    key = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    ROOT_CLUSTERS.mkdir(mode=0o711, parents=True, exist_ok=True)
    return ROOT_CLUSTERS / f"{key}-postgresql-{major}"


def _create(cluster: Cluster, password: str) -> None:
    """Create beside and rename, so that a cluster whose creation was interrupted is never taken for a whole one."""
    account = cluster.account
    draft = cluster.folder.with_name(f"{cluster.folder.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    os.chown(draft, account.uid, account.gid)
    with tempfile.TemporaryDirectory(prefix="screenpop-", dir="/tmp") as private:
        # A file, as a command line is public and the server's user may not reopen our pipe.
        password_file = Path(private, "password")
        password_file.write_text(password, "ascii")
        for path in (password_file, Path(private)):
            os.chown(path, account.uid, account.gid)
        identity = [f"--username={NAME}", f"--pwfile={password_file}", "--auth=scram-sha-256"]
        place = [f"--pgdata={draft}", "--no-instructions", *_locale(cluster.major)]
        run_once([cluster.programs / "initdb", *place, *identity], account)
    single_user: list[str | Path] = [cluster.programs / "postgres", "--single", "-D", draft, "postgres"]
    run_once(single_user, account, stdin=f"CREATE DATABASE {NAME}\n")
    draft.rename(cluster.folder)


def _locale(major: int) -> list[str]:
    """Sorted by code point, on every machine alike, yet with a `lower()` that knows more than ASCII."""
    if major >= 17:
        return ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--encoding=UTF8", "--locale=C", "--lc-ctype=C.UTF-8"]


def _clear_leftovers(folder: Path, known: Access) -> None:
    """Remove what a server that was killed could not. We hold the folder's lock, so none of ours is running.

    Its pid may belong to another process by now, which would keep PostgreSQL from starting. Raises `ServerError` when
    it belongs to a server that somebody started by hand on this very folder.
    """
    if known.socket_directory:
        shutil.rmtree(known.socket_directory, ignore_errors=True)
    stale = folder / STALE_PID_FILE
    if not stale.exists():
        return
    pid = stale.read_text("utf-8").split("\n", 1)[0].strip()
    try:
        used_by_hand = Path(f"/proc/{pid}/cwd").resolve(strict=True) == folder.resolve()
    except OSError:
        used_by_hand = False
    if used_by_hand:
        raise ServerError(f"{folder} is in use by the server with process id {pid}, not started by us: stop it first")
    stale.unlink()


def _says_ready(folder: Path, pid: int) -> bool:
    """Whether the server wrote, where `pg_ctl` looks too, that it takes connections."""
    try:
        lines = (folder / STALE_PID_FILE).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


def read_access(data_dir: Path) -> Access | None:
    """What `prepare` chose last for this data folder; None before the first time. Raises `ServerError`."""
    try:
        return Access(**json.loads((data_dir / ACCESS_FILE).read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as failure:
        raise ServerError(f"{data_dir / 'postgresql.json'} cannot be read ({failure}): restore it") from failure


def _write_access(data_dir: Path, access: Access) -> None:
    descriptor, draft = tempfile.mkstemp(prefix="postgresql.json.", dir=data_dir)  # mode 0600
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(access), file)
    Path(draft).replace(data_dir / ACCESS_FILE)
