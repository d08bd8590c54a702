"""PostgreSQL and Valkey started by the application itself, so that nothing has to be installed or configured.

A real PostgreSQL server with its data in a folder of ours. It listens on 127.0.0.1 with a random password, so that
several gateway processes and outside programs can use its plain URL, and on a Unix socket. Its data is as safe as
anywhere: fsync stays on. Valkey keeps nothing on disk.

What is in the data folder: `postgresql-<major>/` (the cluster), `postgresql.json` (port and password, readable by us
alone), `postgresql.lock`, `postgresql.log`, `valkey.log`.
"""

from __future__ import annotations

import atexit
import json
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Self

from store.binaries import find_valkey
from store.cluster import NAME, Access, locate, read_access, start
from store.supervise import (
    Account,
    Progress,
    Server,
    ServerError,
    free_port,
    lock_file,
    port_is_free,
    report_nothing,
    spawn,
)

__all__ = ["EmbeddedPostgres", "EmbeddedValkey", "ServerError", "running_url"]

# An application that was killed leaves a server that is shutting down, for as long as its last checkpoint takes.
LOCK_WAIT_SECONDS = 15.0


def running_url(data_dir: Path) -> str | None:
    """The URL the cluster of `data_dir` was last started with, for a command beside a running gateway; None if never.

    Does not look whether the server is up.
    """
    known = read_access(data_dir)
    return known.url if known else None


class EmbeddedPostgres:
    """A PostgreSQL server of our own, running from `start` to `stop` or to the end of this process."""

    def __init__(self, server: Server, lock: IO[str], access: Access, cluster: Path) -> None:
        self._server = server
        self._lock = lock
        self._access = access
        self.cluster = cluster
        atexit.register(self.stop)

    @classmethod
    def start(
        cls,
        data_dir: Path,
        bindir: Path | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        lock_wait_seconds: float = LOCK_WAIT_SECONDS,
        progress: Progress = report_nothing,
    ) -> Self:
        """Start the cluster in `data_dir`, creating it the first time; returns when it takes connections.

        `bindir` holds the server's programs (otherwise they are looked for), `settings` are added to the server's own,
        `lock_wait_seconds` is how long to wait for another server on the same folder. Main thread only.
        Raises `ServerError`.
        """
        data_dir = _make_data_dir(data_dir)
        lock = lock_file(data_dir / "postgresql.lock", wait_seconds=lock_wait_seconds, progress=progress)
        try:
            cluster = locate(data_dir, bindir, progress)
            server, access = start(cluster, lock, settings or {}, progress)
        except BaseException:  # interrupted or failed: the folder is free again
            lock.close()
            raise
        return cls(server, lock, access, cluster.folder)

    @property
    def url(self) -> str:
        """The URL of the application's database, over TCP; holds the password."""
        return self._access.url

    @property
    def socket_url(self) -> str:
        """The same database over the Unix socket: a little faster, and only for us and root."""
        access = self._access
        return f"postgresql://{NAME}:{access.password}@/{NAME}?host={access.socket_directory}&port={access.port}"

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self._server.process.pid

    def stop(self) -> None:
        """Shut down fast: connections are cut, everything committed is kept. Harmless when stopped already."""
        atexit.unregister(self.stop)
        self._server.stop()
        if not self._server.is_running:
            shutil.rmtree(self._access.socket_directory, ignore_errors=True)
        self._lock.close()


class EmbeddedValkey:
    """A Valkey server of our own on a free port of 127.0.0.1, with a password and without persistence."""

    def __init__(self, server: Server, url: str) -> None:
        self._server = server
        self.url = url
        atexit.register(self.stop)

    @classmethod
    def start(cls, data_dir: Path) -> Self:
        """Start a server whose log goes to `data_dir`; returns when it takes connections. Main thread only.

        Raises `ServerError`.
        """
        data_dir = _make_data_dir(data_dir)
        port, password = free_port(), secrets.token_urlsafe(24)
        # Over standard input, as a command line is public.
        configuration = (
            f"bind 127.0.0.1\nport {port}\nrequirepass {password}\n"
            f'save ""\nappendonly no\ndir {json.dumps(str(data_dir))}\n'
        )
        ours = Account(os.geteuid(), os.getegid())
        log = data_dir / "valkey.log"
        command: list[str | Path] = [find_valkey(), "-"]
        server = spawn(command, ours, log, stop_signal=signal.SIGTERM, stdin=configuration.encode())
        server.wait_until(lambda: not port_is_free(port), timeout_seconds=10)
        return cls(server, f"redis://:{password}@127.0.0.1:{port}/0")

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self._server.process.pid

    def stop(self) -> None:
        """End the server; what it held is gone. Harmless when stopped already."""
        atexit.unregister(self.stop)
        self._server.stop()


def _make_data_dir(data_dir: Path) -> Path:
    data_dir = data_dir.absolute()
    try:
        # As root the server runs as another user, who has to pass through; what is secret in it is closed by itself.
        data_dir.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data_dir):
            return data_dir
    except OSError as failure:
        raise ServerError(f"cannot write to the data folder {data_dir} ({failure.strerror}): choose another") from None
