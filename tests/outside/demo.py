"""A demo of one's own in a folder of one's own: started, killed, started again, and ended process by process."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.outside.company import Company, load

READY_SECONDS = 60.0
STOP_SECONDS = 8.0


def free_ports(count: int) -> int:
    """The first of `count` neighbouring ports nobody listens on."""
    for first in range(20000 + os.getpid() % 20000, 60000, count):
        try:
            for port in range(first, first + count):
                with socket.create_server(("127.0.0.1", port)):
                    pass
        except OSError:
            continue
        return first
    raise OSError("no free ports")


def descendants(pid: int) -> list[int]:
    """Every living process below `pid`, however deep."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            fields = _stat(int(folder.name))
            if fields:
                parents.setdefault(int(fields[1]), []).append(int(folder.name))
    found, todo = [], [pid]
    while todo:
        children = parents.get(todo.pop(), [])
        found += children
        todo += children
    return found


def alive(pid: int) -> bool:
    """Whether this process still runs; one that is dead and not yet buried does not."""
    fields = _stat(pid)
    return bool(fields) and fields[0] not in ("Z", "X")


def _stat(pid: int) -> list[str]:
    """State, parent and the rest of /proc/PID/stat; empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def end(pids: list[int]) -> None:
    """Kill these processes, and no others."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


async def gone(pids: list[int], seconds: float) -> list[int]:
    """Wait until none of them lives; the ones that still do at the end."""
    until = time.monotonic() + seconds
    left = [pid for pid in pids if alive(pid)]
    while left and time.monotonic() < until:
        await asyncio.sleep(0.05)
        left = [pid for pid in left if alive(pid)]
    return left


class Demo:
    """The demo as a process tree. `settings` are environment variables that differ from the defaults."""

    def __init__(self, folder: Path, *, processes: int = 2, settings: dict[str, str] | None = None) -> None:
        self.folder, self.processes, self.settings = folder, processes, settings or {}
        self.port = free_ports(processes + 2)
        self.output = folder / "demo.out"
        self._child: subprocess.Popen[bytes] | None = None
        self._family: set[int] = set()

    async def start(self) -> Company:
        """Start it and wait until it is ready. Raises `RuntimeError` with its last words when it is not."""
        (self.folder / "demo.json").unlink(missing_ok=True)
        child = self._child = self._spawn()
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until and child.poll() is None:
            if (self.folder / "demo.json").exists():
                company = load(self.folder / "demo.json")
                self.remember(company)
                return company
            await asyncio.sleep(0.05)
        await self.stop()
        raise RuntimeError(f"the demo is not ready:\n{self.last_words()}")

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "gateway.demo", "--port", str(self.port), "--data-dir", str(self.folder)]
        command += ["--processes", str(self.processes), "--no-traffic"]
        surroundings = {**os.environ, **self.settings}
        with self.output.open("ab") as output:
            return subprocess.Popen(command, stdout=output, stderr=output, env=surroundings, start_new_session=True)

    def last_words(self) -> str:
        """The end of what the demo printed."""
        return "\n".join(self.output.read_text(errors="replace").splitlines()[-30:]) if self.output.exists() else ""

    @property
    def pid(self) -> int:
        """The parent of all."""
        assert self._child is not None
        return self._child.pid

    def remember(self, company: Company) -> None:
        """Note every process that belongs to this demo now, to be able to end exactly those."""
        self._family |= {self.pid, *descendants(self.pid), *company.pids}
        if company.redis_pid:
            self._family.add(company.redis_pid)

    async def kill_all(self) -> None:
        """kill -9 of everything at once: the parent, gateways, database, Redis, carrier."""
        self._family |= {self.pid, *descendants(self.pid)}
        end([self.pid, *self._family - {self.pid}])
        await gone(sorted(self._family), STOP_SECONDS)
        self._reap()

    async def kill_parent(self, seconds: float = STOP_SECONDS) -> list[int]:
        """kill -9 of the parent alone; the processes that outlived it by `seconds`."""
        self._family |= {self.pid, *descendants(self.pid)}
        end([self.pid])
        self._reap()
        return await gone(sorted(self._family), seconds)

    async def stop(self) -> tuple[float, list[int]]:
        """Ask it to end, then end what is left by its id: seconds it took, and what had to be killed."""
        if self._child is None:
            return 0.0, []
        began = time.monotonic()
        if alive(self.pid):
            self._family |= {self.pid, *descendants(self.pid)}
            self._child.terminate()
            await gone([self.pid], STOP_SECONDS)
        took = time.monotonic() - began
        self._reap()
        left = await gone(sorted(self._family), 1.0)
        end(left)
        self._reap()
        return took, left

    def _reap(self) -> None:
        if self._child is not None and not alive(self._child.pid):
            self._child.wait()
