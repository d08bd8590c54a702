"""The wire below a screen, behind an interface so that it can be exchanged; here that of Starlette on uvicorn."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any, Protocol

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from pushers.close_codes import CloseCode

MAX_WRAPPERS = 8


class Gone(Exception):
    """The peer is gone: nothing more can be sent. Remedy: let it come back and resume."""


class Transport(Protocol):
    """One websocket after its handshake."""

    async def receive(self) -> str | bytes | None:
        """The next message (bytes: a binary one); None when the connection has ended."""

    async def send(self, frame: bytes) -> None:
        """Write one text frame; waits while the peer does not read. Raises `Gone`."""

    async def close(self, code: CloseCode) -> None:
        """Send the close frame behind what waits already, whether or not the peer reads. Never raises."""


class StarletteTransport:
    """A Starlette websocket."""

    def __init__(self, websocket: WebSocket, close_seconds: float) -> None:
        self._close_seconds = close_seconds
        self._websocket = websocket
        self._protocol = _server_protocol(websocket)

    async def receive(self) -> str | bytes | None:
        """The next message."""
        try:
            message = await self._websocket.receive()
        except WebSocketDisconnected:
            return None
        if message["type"] == "websocket.disconnect":
            return None
        text: str | None = message.get("text")
        return text if text is not None else bytes(message["bytes"])

    async def send(self, frame: bytes) -> None:
        """Write one text frame."""
        try:
            await self._websocket.send_text(frame.decode())
        except (WebSocketDisconnect, WebSocketDisconnected, RuntimeError) as error:
            raise Gone from error

    async def close(self, code: CloseCode) -> None:
        """Close, and cut the connection when the peer does not answer."""
        writable = getattr(self._protocol, "writable", None)
        if isinstance(writable, asyncio.Event):
            # uvicorn holds the close frame back while the peer does not read, that is, for ever.
            writable.set()
        wire = getattr(self._protocol, "transport", None)
        if wire is not None:
            # uvicorn's own end waits until the peer has read everything: one that never does is kept for ever.
            asyncio.get_running_loop().call_later(self._close_seconds, wire.abort)
        try:
            async with asyncio.timeout(self._close_seconds):
                await self._websocket.close(code.code, code.name)
        except (WebSocketDisconnect, WebSocketDisconnected, RuntimeError, TimeoutError):
            return


def _server_protocol(websocket: WebSocket) -> Any:
    """The server's own connection object, where this is uvicorn; None elsewhere.

    ASGI has no way to drop a peer that never reads, so it is looked for behind `send`, which every layer of Starlette
    wraps in a closure of its own.
    """
    send: Any = websocket._send
    for _ in range(MAX_WRAPPERS):
        if not inspect.isfunction(send):
            return getattr(send, "__self__", None)
        send = inspect.getclosurevars(send).nonlocals.get("send")
    return None
