"""HTTP/1.1 over kept connections at little more CPU than the socket costs: a load client must not be the load."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from msgspec import Struct

_HEAD_END = b"\r\n\r\n"


class Lost(ConnectionError):
    """The connection ended before the answer was complete: the request may or may not have been carried out."""


class Answer(Struct, frozen=True):
    """Status and body of a response."""

    status: int
    body: bytes
    retry_after: float | None = None


def post(path: str, host: str, headers: dict[str, str], body: bytes) -> bytes:
    """A POST request as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + _HEAD_END + body


class _Reader(asyncio.Protocol):
    """Splits what arrives into responses; one request is outstanding at a time."""

    def __init__(self) -> None:
        self.buffer = b""
        self.waiting: asyncio.Future[Answer] | None = None
        self.open = True

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        answer, rest = _split(self.buffer)
        if answer is not None and self.waiting is not None and not self.waiting.done():
            self.buffer = rest
            self.waiting.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_exception(Lost("connection lost"))


def _split(buffer: bytes) -> tuple[Answer | None, bytes]:
    end = buffer.find(_HEAD_END)
    if end < 0:
        return None, buffer
    head = buffer[:end].lower()
    fields = dict(line.partition(b":")[::2] for line in head.split(b"\r\n")[1:])
    if b"content-length" not in fields and fields.get(b"transfer-encoding", b"").strip() == b"chunked":
        raise ValueError("chunked answers are not read here")
    length = int(fields.get(b"content-length", b"0"))
    body = buffer[end + 4 : end + 4 + length]
    if len(body) < length:
        return None, buffer
    after = fields.get(b"retry-after")
    answer = Answer(int(head[9:12]), body, float(after) if after else None)
    return answer, buffer[end + 4 + length :]


class Line:
    """One kept connection to a server, reconnecting where it was closed."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 80
        self._transport: asyncio.Transport | None = None
        self._reader = _Reader()

    async def exchange(self, request: bytes, timeout: float = 30.0) -> Answer:
        """Send a request and wait for its answer. Raises `Lost`, or `ConnectionError` when nobody listens."""
        reader = await self.connect()
        assert self._transport is not None
        reader.waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await asyncio.wait_for(reader.waiting, timeout)
        except TimeoutError:
            self.close()
            raise Lost("no answer in time") from None

    async def connect(self) -> _Reader:
        """Open the connection when it is not."""
        if self._transport is None or not self._reader.open or self._transport.is_closing():
            loop = asyncio.get_running_loop()
            self._transport, self._reader = await loop.create_connection(_Reader, self.host, self.port)
        return self._reader

    def close(self) -> None:
        """Let go of the connection."""
        if self._transport is not None:
            self._transport.abort()
        self._transport = None
