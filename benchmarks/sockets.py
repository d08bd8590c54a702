"""A websocket client in a few dozen lines: text frames only, no extensions, so that it is not what is measured."""

from __future__ import annotations

import asyncio
import base64
import os
import struct
import time
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

ANSWER_SECONDS = 15.0


class Socket(asyncio.Protocol):
    """One connection; every text frame goes to the waiting ones in turn."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting: list[tuple[bytes, asyncio.Future[tuple[float, bytes]]]] = []
        self.listen: Callable[[bytes], None] = lambda frame: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is not a subclass

    def connection_lost(self, exc: Exception | None) -> None:
        for _, waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(ConnectionError("the server closed the websocket"))
        if not self._open.done():
            self._open.set_exception(ConnectionError("no websocket"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._open.done():
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            status = bytes(self._buffer[9:12])
            del self._buffer[: end + 4]
            if status != b"101":
                self._open.set_exception(ConnectionError(f"the handshake was answered {status.decode()}"))
                return
            self._open.set_result(None)
        while (frame := self._take()) is not None:
            opcode, body = frame
            if opcode == 1:
                self._text(body)
            elif opcode == 9:
                self._write(10, body)

    def _take(self) -> tuple[int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, at = buffer[1] & 127, 2
        if size == 126:
            size, at = int.from_bytes(buffer[2:4], "big"), 4
        elif size == 127:
            size, at = int.from_bytes(buffer[2:10], "big"), 10
        if len(buffer) < at + size:
            return None
        opcode, body = buffer[0] & 15, bytes(buffer[at : at + size])
        del buffer[: at + size]
        return opcode, body

    def _text(self, body: bytes) -> None:
        now = time.perf_counter()
        for place, (prefix, waiting) in enumerate(self._waiting):
            if body.startswith(prefix):
                del self._waiting[place]
                if not waiting.done():
                    waiting.set_result((now, body))
                break
        self.listen(body)

    def _write(self, opcode: int, body: bytes) -> None:
        assert self._transport is not None
        mask = os.urandom(4)
        size = len(body)
        short = struct.pack("!BB", 128 | opcode, 128 | min(size, 126))
        head = short if size < 126 else short + struct.pack("!H", size)
        repeated = (mask * (size // 4 + 1))[:size]
        masked = (int.from_bytes(body, "big") ^ int.from_bytes(repeated, "big")).to_bytes(size, "big")
        self._transport.write(head + mask + masked)

    def send(self, text: bytes) -> None:
        """Write a text frame of less than 64 KiB."""
        self._write(1, text)

    async def expect(self, prefix: bytes) -> tuple[float, bytes]:
        """The next text frame that begins so, and when it was complete."""
        waiting: asyncio.Future[tuple[float, bytes]] = asyncio.get_running_loop().create_future()
        self._waiting.append((prefix, waiting))
        return await asyncio.wait_for(waiting, ANSWER_SECONDS)

    async def ask(self, text: bytes, prefix: bytes) -> tuple[float, bytes]:
        """Send, and wait for a frame that begins so: seconds and frame."""
        answer = asyncio.ensure_future(self.expect(prefix))
        await asyncio.sleep(0)
        began = time.perf_counter()
        self.send(text)
        at, body = await answer
        return at - began, body

    def close(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.abort()


async def dial(url: str, token: str = "") -> Socket:
    """Open a websocket at this URL."""
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    _, socket = await loop.create_connection(Socket, parts.hostname or "127.0.0.1", parts.port or 80)
    lines = [
        f"GET {parts.path} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Protocol: screen.v1+json",
    ]
    lines += [f"Authorization: Bearer {token}"] if token else []
    assert socket._transport is not None
    socket._transport.write("\r\n".join([*lines, "", ""]).encode())
    await asyncio.wait_for(socket._open, ANSWER_SECONDS)
    return socket
