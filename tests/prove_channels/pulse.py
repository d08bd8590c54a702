"""Asks `/health` every 20 ms from a process of its own until its input ends, then prints how long each answer took.

Standard library only, one connection kept open: what it measures is to be the gateway's waiting, not its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import http.client
import json
import select
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

EVERY_SECONDS = 0.02


@asynccontextmanager
async def beating(url: str) -> AsyncIterator[list[float]]:
    """Seconds each answer took while the block ran; filled in at its end."""
    waited: list[float] = []
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.prove_channels.pulse", url, stdin=pipe, stdout=pipe
    )
    assert process.stdout is not None
    await process.stdout.readline()  # it has begun
    try:
        yield waited
    finally:
        output, _ = await process.communicate(b"")
        with contextlib.suppress(ValueError):
            waited += json.loads(output)


def main() -> None:
    """Beat until the input ends."""
    parts = urlsplit(sys.argv[1])
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
    waited: list[float] = []
    gc.disable()
    due = time.perf_counter()
    while not select.select([sys.stdin], [], [], max(0.0, due - time.perf_counter()))[0]:
        started = time.perf_counter()
        connection.request("GET", "/health")
        assert connection.getresponse().read()
        waited.append(time.perf_counter() - started)
        if len(waited) == 1:
            sys.stdout.write("begun\n")
            sys.stdout.flush()
        due = max(due + EVERY_SECONDS, time.perf_counter())
    sys.stdout.write(json.dumps(waited))


if __name__ == "__main__":
    main()
