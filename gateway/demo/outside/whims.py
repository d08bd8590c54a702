"""Misbehaving on demand, each account by itself.

A share of 0.3 is three requests in ten, evenly spread and not by chance, so that a run can be repeated. In a mixture
every mode keeps its own share.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol

REFUSALS = frozenset(("429", "500"))
LOST = frozenset(("hang", "reset_before", "reset_after_accept", "hang_after_accept"))
CALLBACKS = frozenset(("duplicate_callbacks", "reorder_callbacks", "no_callbacks", "fail_delivery"))
MODES = REFUSALS | LOST | CALLBACKS | {"none"}
_NEARLY_ONE = 0.999

Item = TypeVar("Item")


class Whim:
    """One way to misbehave, how often, and how many times still."""

    def __init__(self, wish: dict[str, Any]) -> None:
        self.mode: str = wish.get("mode", "none")
        self.share: float = wish.get("share", 1.0)
        self.count: int | None = wish.get("count")
        self.retry_after: float | None = wish.get("retry_after")
        self.owed = 0.0

    @property
    def spent(self) -> bool:
        """Whether it never happens again."""
        return self.mode == "none" or self.count == 0

    def happen(self) -> None:
        """It happens to the request at hand."""
        self.owed -= 1
        self.count = None if self.count is None else self.count - 1


NO_WHIM = Whim({})


class Whims:
    """What one account is treated with."""

    def __init__(self) -> None:
        self._whims: list[Whim] = []

    def wish(self, wish: dict[str, Any]) -> None:
        """Misbehave like this from now on. Raises ValueError for an unknown mode."""
        whims = [Whim(one) for one in wish.get("mixture") or [wish]]
        for whim in whims:
            if whim.mode not in MODES:
                raise ValueError(f"mode is one of {', '.join(sorted(MODES))}")
        self._whims = whims

    def next(self) -> Whim:
        """How to treat the request at hand; counts it."""
        live = [whim for whim in self._whims if not whim.spent]
        for whim in live:
            whim.owed += whim.share
        due = max(live, key=lambda whim: whim.owed, default=NO_WHIM)
        if due.owed < _NEARLY_ONE:
            return NO_WHIM
        due.happen()
        return due


async def obey(
    whim: Whim, request: Request, refuse: Callable[[int, dict[str, str]], Response], take: Callable[[], Response]
) -> Response:
    """Answer a sending request: refused with the provider's own error, lost, or taken. The body was read before."""
    if whim.mode in REFUSALS:
        after = {"Retry-After": f"{whim.retry_after:g}"} if whim.retry_after is not None else {}
        return refuse(int(whim.mode), after)
    if whim.mode == "reset_before":
        return reset(request)
    if whim.mode == "hang":
        return await hang(request)
    answer = take()
    if whim.mode == "reset_after_accept" and answer.status_code < 300:
        return reset(request)
    if whim.mode == "hang_after_accept" and answer.status_code < 300:
        return await hang(request)
    return answer


async def hang(request: Request) -> Response:
    """No answer until the client has had enough."""
    with suppress(asyncio.CancelledError):  # the server ends
        while (await request.receive())["type"] != "http.disconnect":
            pass
    return Response()


def reset(request: Request) -> Response:
    """Tear the connection down as a broken network does."""
    transport = request.scope["state"]["transport"]
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    return Response()


async def arranged(mode: str, items: list[Item], each: Callable[[Item], Awaitable[Any]]) -> None:
    """Callbacks as the mode has them: in order, doubled, backwards, or none."""
    if mode == "no_callbacks":
        return
    for item in reversed(items) if mode == "reorder_callbacks" else items:
        for _ in range(2 if mode == "duplicate_callbacks" else 1):
            await each(item)


class Abortable(H11Protocol):
    """Lets the application tear its own connection down."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Keep the transport where a request can reach it."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}
