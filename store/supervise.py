"""Child servers that never outlive us: spawn one, drop root, lock its folder, stop it.

What PostgreSQL and Valkey share when we start them ourselves. Every server

* runs in its own session, so Ctrl+C in the terminal reaches the application alone;
* is signalled by the kernel when the application dies, even by `kill -9` (Linux only; elsewhere it is stopped at a
  normal exit);
* inherits the lock of its folder, so the folder stays locked until the last process of the server is gone.

Errors: `ServerError`, whose message names the remedy.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import pwd
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

# A server reads nothing from the environment of the application: its own settings are passed as arguments.
CLEAN_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
PR_SET_PDEATHSIG = 1
POLL_SECONDS = 0.01

Progress = Callable[[str], None]


class ServerError(Exception):
    """A child server cannot be started; the message says why and what to do."""


def report_nothing(_line: str) -> None:
    """The progress callback of a caller who wants none."""


@dataclass(frozen=True, slots=True)
class Account:
    """The system user a server runs as."""

    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        """Whether the server runs as the user we are, so that nothing has to be handed over."""
        return self.uid == os.geteuid()


def server_account(owned: Path) -> Account:
    """Who shall run the server whose data is in `owned` (which need not exist yet).

    PostgreSQL refuses to run as root: as root it runs as the owner of its data, or as `nobody` when there is none yet.
    Raises `ServerError` when the data belongs to somebody else and we may not act for them.
    """
    owner = owned.stat() if owned.exists() else None
    if os.geteuid() == 0:
        if owner is not None and owner.st_uid != 0:
            return Account(owner.st_uid, owner.st_gid)
        nobody = pwd.getpwnam("nobody")
        return Account(nobody.pw_uid, nobody.pw_gid)
    if owner is not None and owner.st_uid != os.geteuid():
        raise ServerError(
            f"{owned} belongs to user id {owner.st_uid}; run as that user or as root, or choose another data folder"
        )
    return Account(os.geteuid(), os.getegid())


def everyone_can_enter(folder: Path) -> bool:
    """Whether a stranger may pass through every folder on the way to `folder`, and into it."""
    return all(part.stat().st_mode & 0o001 for part in (folder, *folder.parents))


def free_port() -> int:
    """A TCP port of 127.0.0.1 that is free now; another program may still take it before the server does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        # As servers set it: without it a port whose last connections linger in TIME_WAIT would look taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def lock_file(path: Path, *, wait_seconds: float, progress: Progress = report_nothing) -> IO[str]:
    """Hold an exclusive lock on `path` until the returned file is closed here and in every child that inherited it.

    Waits, because a server whose application was killed needs a moment to go; `ServerError` after `wait_seconds`.
    """
    holder = path.open("a+", encoding="ascii")
    deadline = time.monotonic() + wait_seconds
    told = False
    while True:
        try:
            fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise _still_locked(holder, path) from None
            if not told:
                told = True
                progress(f"waiting for the server that still uses {path.parent}")
            time.sleep(POLL_SECONDS)
        else:
            holder.truncate(0)
            holder.write(str(os.getpid()))
            holder.flush()
            return holder


def _still_locked(holder: IO[str], path: Path) -> ServerError:
    holder.seek(0)
    pid = holder.read().strip() or "unknown"
    holder.close()
    return ServerError(
        f"{path.parent} is in use by the server of process {pid}: stop that process, "
        "point this one at its database URL, or choose another data folder"
    )


def drop_to(account: Account) -> dict[str, object]:
    """Arguments of `subprocess` that make the child run as `account`."""
    if account.is_ours:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def run_once(command: Sequence[str | Path], account: Account, *, stdin: str = "", timeout_seconds: float = 120) -> str:
    """Run a tool of the server to its end as `account`; gives what it printed. Raises `ServerError` when it fails."""
    try:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            env=CLEAN_ENVIRONMENT,
            cwd="/",
            timeout=timeout_seconds,
            check=True,
            **drop_to(account),  # type: ignore[call-overload]  # the keywords are those of Popen
        )
    except subprocess.CalledProcessError as failure:
        raise ServerError(f"{Path(command[0]).name} failed: {(failure.stderr or failure.stdout).strip()}") from failure
    except (OSError, subprocess.TimeoutExpired) as failure:
        raise ServerError(f"{Path(command[0]).name} cannot be run: {failure}") from failure
    return str(done.stdout)


class Server:
    """One running child server.

    `stop` ends it; so does a normal exit of this process, and on Linux any death of it.
    """

    def __init__(self, process: subprocess.Popen[bytes], log: Path, stop_signal: signal.Signals) -> None:
        self.process = process
        self.log = log
        self._stop_signal = stop_signal
        self._owner = os.getpid()

    @property
    def is_running(self) -> bool:
        """Whether the server process is alive."""
        return self.process.poll() is None

    def wait_until(self, ready: Callable[[], bool], *, timeout_seconds: float) -> None:
        """Return when `ready()` is true; `ServerError` with the log's end when the server died or took too long."""
        deadline = time.monotonic() + timeout_seconds
        while not ready():
            if not self.is_running:
                raise ServerError(f"{self.log.stem} stopped while starting; {self.log} ends:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                self.stop()
                raise ServerError(f"{self.log.stem} did not start in {timeout_seconds:g} s; see {self.log}")
            time.sleep(POLL_SECONDS)

    def log_tail(self) -> str:
        """The last lines of the server's log."""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-8:])

    def stop(self, *, timeout_seconds: float = 10) -> None:
        """End the server, politely and then not; harmless when it is gone already or when called in a forked child."""
        if os.getpid() != self._owner or not self.is_running:
            return
        self.process.send_signal(self._stop_signal)
        try:
            self.process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            # For PostgreSQL the immediate shutdown, which takes the backends along; a SIGKILL would leave them.
            self.process.send_signal(signal.SIGQUIT)
            try:
                self.process.wait(timeout_seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def spawn(
    command: Sequence[str | Path],
    account: Account,
    log: Path,
    *,
    stop_signal: signal.Signals,
    lock: IO[str] | None = None,
    stdin: bytes = b"",
    environment: Mapping[str, str] = CLEAN_ENVIRONMENT,
) -> Server:
    """Start a server whose output goes to `log`.

    Only from the main thread: the kernel ties the child to the *thread* that started it, and would end the server
    together with a short-lived worker thread. Raises `ServerError`.
    """
    if threading.current_thread() is not threading.main_thread():
        raise ServerError("start the embedded servers from the main thread; they would die with this one")
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as output:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd="/",
                start_new_session=True,
                pass_fds=() if lock is None else (lock.fileno(),),
                preexec_fn=_die_with_parent(stop_signal),
                **drop_to(account),  # type: ignore[call-overload]  # the keywords are those of Popen
            )
        except (OSError, subprocess.SubprocessError) as failure:
            raise ServerError(f"{Path(command[0]).name} cannot be started: {failure}") from failure
    process.stdin.write(stdin)
    process.stdin.close()
    return Server(process, log, stop_signal)


def _die_with_parent(stop_signal: signal.Signals) -> Callable[[], None] | None:
    """What the child does between fork and exec; Popen has changed the user by then, which clears the setting."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # found before the fork: afterwards the loader's lock may be held
    parent = os.getpid()

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
        if os.getppid() != parent:  # the parent died between fork and prctl: its signal will never come
            os._exit(1)

    return tie
