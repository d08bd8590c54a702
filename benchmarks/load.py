"""Closed loops of HTTP requests: one connection each, the next request when the answer is there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import cast

from msgspec import Struct


class Measured(Struct):
    """What a block of requests gave: seconds of each, and the span from first to last."""

    seconds: list[float]
    span: float
    good: int

    @property
    def per_second(self) -> float:
        """Requests answered 2xx per second."""
        return self.good / self.span


class Caller(asyncio.Protocol):
    """One connection. `call` once, or let `loop` go on until told to stop."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._answered: Callable[[int], None] = lambda status: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is not a subclass

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        end = buffer.find(b"\r\n\r\n")
        if end < 0 or len(buffer) < end + 4 + _length(buffer[:end]):
            self._buffer = buffer
            return
        self._buffer = b""
        self._answered(int(buffer[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        self._answered(0)

    def send(self, request: bytes, answered: Callable[[int], None]) -> None:
        """Write a request; `answered` is called with the status, 0 when the connection is lost."""
        assert self._transport is not None
        self._answered = answered
        self._transport.write(request)

    async def call(self, request: bytes) -> tuple[float, int]:
        """One request: seconds and status."""
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        began = time.perf_counter()
        self.send(request, lambda status: None if done.done() else done.set_result(status))
        status = await done
        return time.perf_counter() - began, status

    def close(self) -> None:
        """Let go of the connection."""
        self._answered = lambda status: None
        if self._transport is not None:
            self._transport.abort()


def _length(head: bytes) -> int:
    at = head.lower().find(b"content-length:")
    return int(head[at + 15 : head.find(b"\r\n", at) if b"\r\n" in head[at:] else len(head)]) if at >= 0 else 0


async def dial(port: int, count: int) -> list[Caller]:
    """So many connections."""
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(Caller, "127.0.0.1", port))[1] for _ in range(count)]


async def block(callers: list[Caller], requests: Iterator[bytes], seconds: float) -> Measured:
    """All callers at once, each as fast as it is answered, for so long; what is on its way then is waited for."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    measured = Measured([], 0.0, 0)
    began = time.perf_counter()
    until, left = began + seconds, len(callers)

    def go(caller: Caller) -> None:
        at = time.perf_counter()

        def answered(status: int) -> None:
            nonlocal left
            now = time.perf_counter()
            measured.seconds.append(now - at)
            measured.good += 200 <= status < 300
            if now < until and status:
                go(caller)
                return
            left -= 1
            if not left and not done.done():
                done.set_result(None)

        caller.send(next(requests), answered)

    for caller in callers:
        go(caller)
    await done
    measured.span = time.perf_counter() - began
    return measured
