"""`GET /v1/screen`: the websocket an agent's screen connects to. Start here.

    screen               the endpoint: handshake, who may be connected, closing all
    screen_handshake     subprotocol, origin, token or ticket
    screen_limits        how many, how fast, and who gives way
    screen_connection    one screen: reader and writer
    screen_commands      frames of a screen → the desk → `result` or `error`
    screen_feeds         hello and resume, profiles, the feeds a screen follows
    screen_hello         which feeds a hello may resume
    screen_parts         what these know of each other
    screen_transport     the wire below, exchangeable
    desk                 what a screen may ask of the product
    typing_marks         who is writing

The protocol itself is pure (`pushers.session`) and described in `docs/reference/screen-protocol.md`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from uuid import UUID

from starlette.responses import JSONResponse
from starlette.websockets import WebSocket

from gateway.board_watch import BoardWatch
from gateway.desk import Desk
from gateway.policy import may
from gateway.screen_connection import Screen
from gateway.screen_handshake import (
    NOT_ALLOWED,
    SUBPROTOCOL,
    UNAVAILABLE,
    Admitted,
    Denied,
    admit,
    fetch_still_good,
)
from gateway.screen_limits import Arrivals, Limits
from gateway.screen_parts import Parts
from gateway.screen_transport import StarletteTransport
from gateway.typing_marks import TypingMarks
from pushers import close_codes
from pushers.close_codes import CloseCode
from pushers.hub import Hub
from pushers.prefetch import Prefetch
from router.desk import fetch_offered_customers
from store.pool import Pool

log = logging.getLogger(__name__)


class ScreenEndpoint:
    """The screens of one process. `origins`: pages of other hosts that may open one, exactly as browsers send them
    (`https://desk.example.com`).
    """

    def __init__(
        self, pool: Pool, hub: Hub, desk: Desk, origins: Sequence[str] = (), limits: Limits | None = None
    ) -> None:
        self._pool = pool
        self._origins = origins
        self._limits = limits or Limits()
        self._prefetch = Prefetch(hub, desk.snapshot)
        self._board = BoardWatch(pool, self._limits.board_heartbeat_seconds)
        marks = TypingMarks(pool, hub)
        self._parts = Parts(desk, hub, self._prefetch, self._offered, self._limits.followed, marks, self._board)
        self._arrivals = Arrivals(self._limits.new_per_second)
        self._screens: dict[UUID, list[Screen]] = {}
        self._count = 0
        self.slow = 0
        """Screens closed because they did not read, since the start."""
        self._ghosts: list[Screen] = []
        self._sweep: asyncio.Task[None] | None = None

    @property
    def count(self) -> int:
        """Screens connected to this process."""
        return self._count

    @property
    def prepared(self) -> int:
        """Profiles made ready for offers that ring here."""
        return len(self._prefetch)

    def of_agent(self, agent: UUID) -> Sequence[Screen]:
        """The screens of an agent that are connected to this process, oldest first."""
        return tuple(self._screens.get(agent, ()))

    async def __call__(self, websocket: WebSocket) -> None:
        """Serve one connection, from its handshake to its end."""
        admitted = await self._admit(websocket)
        if isinstance(admitted, Denied):
            await _deny(websocket, admitted)
            return
        await websocket.accept(SUBPROTOCOL)
        screen = Screen(admitted, StarletteTransport(websocket, self._limits.close_seconds), self._parts, self._limits)
        self._enter(screen)
        try:
            await screen.run()
        finally:
            self._leave(screen)

    async def close_all(self, seconds: float = 5.0) -> None:
        """Close every screen with 1012, for they are to come back elsewhere or anew; waits up to `seconds` for them."""
        screens = [screen for screens in self._screens.values() for screen in screens]
        for screen in screens:
            screen.close(close_codes.RESTART)
        if screens:
            waits = [asyncio.create_task(screen.ended.wait()) for screen in screens]
            _, late = await asyncio.wait(waits, timeout=seconds)
            for wait in late:
                wait.cancel()
        if self._sweep is not None:
            self._sweep.cancel()
            await asyncio.gather(self._sweep, return_exceptions=True)
            self._sweep = None
        await self._prefetch.stop()
        await self._board.stop()

    def close_agent(self, agent: UUID, code: CloseCode = close_codes.SIGNED_OUT) -> None:
        """Close all screens of an agent at once: their right to it was withdrawn."""
        for screen in self.of_agent(agent):
            screen.close(code)

    # --- who may come in ---

    async def _admit(self, websocket: WebSocket) -> Admitted | Denied:
        if self._count >= self._limits.screens or not self._arrivals.admit(asyncio.get_running_loop().time()):
            return UNAVAILABLE
        offered = websocket.scope.get("subprotocols", ())
        admitted = await admit(websocket.headers, offered, self._origins, self._pool)
        return NOT_ALLOWED if isinstance(admitted, Admitted) and not may(admitted.actor, "screen.open") else admitted

    def _enter(self, screen: Screen) -> None:
        screens = self._screens.setdefault(screen.admitted.actor.id, [])
        screens.append(screen)
        self._count += 1
        for oldest in screens[: -self._limits.screens_per_agent]:
            oldest.close(close_codes.REPLACED)
        if self._sweep is None:
            self._sweep = asyncio.create_task(self._keep_sweeping())

    def _leave(self, screen: Screen) -> None:
        agent = screen.admitted.actor.id
        screens = self._screens[agent]
        screens.remove(screen)
        self._count -= 1
        if not screen.signed_off:
            self._ghosts.append(screen)
        self.slow += screen.closed_with is close_codes.SLOW
        if not screens:
            del self._screens[agent]
        for offer in screen.feeds.ringing:
            # Nobody here hears any more when it ends.
            if not any(offer in other.feeds.ringing for other in screens):
                self._prefetch.drop(offer)

    async def _offered(self, agent: UUID) -> dict[UUID, UUID]:
        async with self._pool.acquire() as connection:
            return await fetch_offered_customers(connection, agent)

    # --- who may stay ---

    async def _keep_sweeping(self) -> None:
        """One timer for all screens: a timer each would cost more than the screens themselves."""
        loop = asyncio.get_running_loop()
        recheck_at = loop.time() + self._limits.recheck_seconds
        while True:
            await asyncio.sleep(self._limits.sweep_seconds)
            screens = [screen for screens in self._screens.values() for screen in screens]
            for screen in screens:
                screen.check(loop.time())
            await self._lay_ghosts()
            if loop.time() >= recheck_at:
                recheck_at = loop.time() + self._limits.recheck_seconds
                await self._recheck(screens)

    async def _lay_ghosts(self) -> None:
        """Sign off the screens that went while the database was away: their agents must not count as there."""
        ghosts, self._ghosts = self._ghosts, []
        for screen in ghosts:
            await screen.sign_off()
            if not screen.signed_off:
                self._ghosts.append(screen)

    async def _recheck(self, screens: Sequence[Screen]) -> None:
        try:
            async with self._pool.acquire() as connection:
                good = await fetch_still_good(connection, [screen.admitted.token_hash for screen in screens])
        except Exception as error:
            # Nobody is signed out because the database is away, and the sweep must go on in any case.
            log.warning("rights to screens not looked at: %s", type(error).__name__)
            return
        for screen in screens:
            actor = good.get(screen.admitted.token_hash)
            if actor is None or not may(actor, "screen.open"):
                screen.close(close_codes.SIGNED_OUT)
            elif actor.role != screen.admitted.actor.role:
                screen.close(close_codes.RIGHTS_CHANGED)


async def _deny(websocket: WebSocket, denied: Denied) -> None:
    headers = {"content-type": "application/problem+json"}
    if denied.status == 401:
        headers["www-authenticate"] = "Bearer"
    if denied.status == 503:
        headers["retry-after"] = "1"
    body = {"type": "about:blank", "title": denied.title, "status": denied.status, "detail": denied.detail}
    await websocket.receive()  # `websocket.connect`, which must be taken before an answer
    await websocket.send_denial_response(JSONResponse(body, denied.status, headers))
