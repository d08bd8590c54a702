"""The HTTP server: every provider's routes, and the addresses it is controlled by."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.demo.outside.party import Party, parties
from gateway.demo.outside.world import Account, World


class Control:
    """What the tests and the demonstration tell the world to do."""

    def __init__(self, world: World, players: dict[tuple[str, str], Party]) -> None:
        self._world, self._players = world, players

    def routes(self) -> list[Route]:
        """All under /control."""
        return [
            Route("/control/inbound", self._inbound, methods=["POST"]),
            Route("/control/misbehave", self._misbehave, methods=["POST"]),
            Route("/control/media", self._media, methods=["POST"]),
            Route("/control/sent", self._sent),
            Route("/control/accounts", self._accounts),
            Route("/media/{medium}", self._medium),
        ]

    def _account(self, wish: dict[str, Any]) -> Account:
        """The account a wish names; by the address it writes to where it names none."""
        if wish.get("account"):
            return self._world.accounts[wish["account"]]
        found = [account for account in self._world.accounts.values() if account.address == wish.get("to")]
        if not found:
            raise ValueError("name the account, or one's address as `to`")
        return found[0]

    async def _inbound(self, request: Request) -> Response:
        wish = await request.json()
        try:
            account = self._account(wish)
            return JSONResponse(await self._players[account.provider, account.channel].inbound(account, wish))
        except (KeyError, ValueError) as error:
            return _wrong(error)

    async def _misbehave(self, request: Request) -> Response:
        wish = await request.json()
        try:
            self._world.misbehave(wish)
        except (KeyError, ValueError) as error:
            return _wrong(error)
        return JSONResponse(wish)

    async def _media(self, request: Request) -> Response:
        identity, _ = self._world.host(await request.json())
        return JSONResponse({"id": identity, "url": f"{self._world.url}/media/{identity}"})

    async def _medium(self, request: Request) -> Response:
        medium = self._world.media.get(request.path_params["medium"])
        return Response(medium.data, media_type=medium.content_type) if medium else Response(status_code=404)

    async def _sent(self, request: Request) -> Response:
        wanted = request.query_params.get("account")
        return JSONResponse({"items": [line for line in self._world.sent if wanted in (None, line["account"])]})

    async def _accounts(self, request: Request) -> Response:
        shown = [
            {"id": one.id, "channel": one.channel, "provider": one.provider} for one in self._world.accounts.values()
        ]
        return JSONResponse({"items": shown})


def create_app(world: World) -> Starlette:
    """Every provider and the control addresses, around one world."""
    players = parties(world)
    once = list({id(player): player for player in players.values()}.values())

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        for player in once:
            await player.start()
        yield
        for player in once:
            await player.aclose()
        await world.aclose()

    routes = [route for player in once for route in player.routes()]
    return Starlette(routes=[*Control(world, players).routes(), *routes], lifespan=lifespan)


def _wrong(error: Exception) -> Response:
    what = f"unknown or missing: {error}" if isinstance(error, KeyError) else str(error)
    return JSONResponse({"error": what}, 400)
