"""One webhook over a socket of its own, byte for byte as a harness made it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

from adapters.base import WebhookRequest

SECONDS = 60.0
EARLY_SECONDS = 0.5
_PIECE = 1 << 16
_OURS = ("content-length", "transfer-encoding", "connection", "host")


async def post(url: str, account: str, request: WebhookRequest) -> int:
    """The status it is answered with. An answer before the whole body was sent is an answer."""
    async with asyncio.timeout(SECONDS):
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            answer = asyncio.create_task(reader.readline())
            writer.write(_head(parts.netloc, account, request))
            if len(request.body) > _PIECE:
                # A length that is refused is answered before the body; what is sent then would reset the answer away.
                await asyncio.wait({answer}, timeout=EARLY_SECONDS)
            with suppress(ConnectionError):
                for start in range(0, len(request.body), _PIECE):
                    if answer.done():
                        break
                    writer.write(request.body[start : start + _PIECE])
                    await writer.drain()
            line = await answer
        finally:
            writer.close()
    return int(line.split(b" ")[1])


def _head(host: str, account: str, request: WebhookRequest) -> bytes:
    target = f"/hooks/{account}" + (f"/{request.step}" if request.step else "")
    target += f"?{request.query}" if request.query else ""
    lines = [f"{request.method} {target} HTTP/1.1", f"Host: {host}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in request.headers if name not in _OURS]
    if request.method != "GET":
        lines.append(f"Content-Length: {len(request.body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
