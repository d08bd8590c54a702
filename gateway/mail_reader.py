"""Readers of mail: processes with limits (`mail_child`), started when first needed, replaced when they were ended."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

import msgspec

from gateway.mail_child import Answer, Task

READERS: Final = 2
WALL_SECONDS: Final = 30.0
"""A machine that is busy gives a process little; longer than this is nobody's slowness but its own."""
MOST_ANSWER: Final = 128 * 1024 * 1024
AT_ONCE: Final = 256 * 1024
ENDING_SECONDS: Final = 1.0
FROM_OUTSIDE: Final = (-signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP)
"""How a process ends that was told to, as all are when a machine or a service stops; our limits end it otherwise."""
RENEW_AFTER: Final = 200
"""Mails; what little a process may have kept goes with it."""


class Ended(Exception):
    """The reader was ended while it read: the mail takes more time or memory than it may."""


class Slow(Exception):
    """No answer in time, though nothing shows that the mail is to blame."""


class Missing(Exception):
    """The mail's bytes, or the process that reads them, went away: the trouble is ours, not the mail's."""


class Reader:
    """One process. Not for use by two at once."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._read = 0

    async def read(self, task: Task, size: int, body: AsyncIterator[bytes]) -> Answer:
        """Read one mail. Raises Ended, Slow and Missing."""
        process = await self._running()
        try:
            async with asyncio.timeout(WALL_SECONDS):
                return await _ask(process, task, size, body)
        except (BrokenPipeError, ConnectionError, asyncio.IncompleteReadError) as error:
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), ENDING_SECONDS)
            await self.stop()
            if process.returncode in FROM_OUTSIDE:
                raise Missing from error
            raise Ended("it takes more time or memory to read than it may") from error
        except TimeoutError as error:
            await self.stop()
            raise Slow from error
        except BaseException:  # cancelled or failed
            await self.stop()  # it is in the middle of a mail, and would take the next for its rest
            raise

    async def _running(self) -> asyncio.subprocess.Process:
        self._read += 1
        if self._process is not None and (self._process.returncode is not None or self._read > RENEW_AFTER):
            await self.stop()
        if self._process is None:
            self._read = 0
            pipe = asyncio.subprocess.PIPE
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gateway.mail_child"),
                stdin=pipe,
                stdout=pipe,
                stderr=asyncio.subprocess.DEVNULL,
            )
        return self._process

    async def stop(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _had(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for piece in body:
            yield piece
    except Exception as error:  # a broken connection to the database is not a broken pipe to the reader
        raise Missing from error


async def _ask(process: asyncio.subprocess.Process, task: Task, size: int, body: AsyncIterator[bytes]) -> Answer:
    assert process.stdin is not None  # noqa: S101  # both are pipes
    assert process.stdout is not None  # noqa: S101
    told = msgspec.msgpack.encode(task)
    process.stdin.write(len(told).to_bytes(8) + told + size.to_bytes(8))
    async for piece in _had(body):
        process.stdin.write(piece)
        await process.stdin.drain()
    length = int.from_bytes(await process.stdout.readexactly(8))
    if length > MOST_ANSWER:
        raise asyncio.IncompleteReadError(b"", length)
    pieces: list[bytes] = []
    left = length
    while left:
        piece = await process.stdout.read(min(left, AT_ONCE))
        if not piece:
            raise asyncio.IncompleteReadError(b"", left)
        pieces.append(piece)
        left -= len(piece)
    if length <= AT_ONCE:
        return _decode(b"".join(pieces))
    return await asyncio.to_thread(lambda: _decode(b"".join(pieces)))


_decode = msgspec.msgpack.Decoder(Answer).decode
