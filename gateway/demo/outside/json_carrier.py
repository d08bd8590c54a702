"""What carriers of text messages have in common that speak JSON: a message taken or refused, and what is told of it."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.demo.outside.whims import obey
from gateway.demo.outside.world import Account, Retries, Webhook, World

RETRIES = Retries(5, frozenset(("ct", "rt", "4xx", "5xx")))


class JsonCarrier(ABC):
    """A carrier: what is its own is its requests, its faults, its webhooks and how they are proved."""

    provider: str
    path: str
    most_words: int
    states: tuple[str, ...]
    """What is told of a message that arrives, in order."""
    lost: str
    """What is told of one that does not."""

    def __init__(self, world: World) -> None:
        self._world = world

    @abstractmethod
    def authorization(self, account: Account) -> str:
        """What a request must carry."""

    @abstractmethod
    def said_in(self, message: dict[str, Any]) -> tuple[str, str, list[str]]:
        """Whom a request is for, its words and the addresses of its files. KeyError where something is missing."""

    @abstractmethod
    def taken(self, id_: str) -> Response:
        """The answer to a message that was taken."""

    @abstractmethod
    def refused(self, status: int, words: str, headers: dict[str, str] | None = None) -> Response:
        """The answer to one that was not."""

    @abstractmethod
    def told(self, account: Account, id_: str, state: str, message: dict[str, Any]) -> Any:
        """The body of a webhook about a message of ours."""

    @abstractmethod
    def written(self, account: Account, id_: str, wish: dict[str, Any], media: list[str]) -> Any:
        """The body of a webhook about a customer's message."""

    @abstractmethod
    def proof(self, account: Account, body: bytes) -> dict[str, str]:
        """The headers that prove a webhook."""

    def routes(self) -> list[BaseRoute]:
        """Messages, and files customers sent."""
        files = Route(f"/{self.provider}-media/{{medium}}", self._hand_out)
        return [Route(self.path, self._send, methods=["POST"]), files]

    async def start(self) -> None:  # noqa: B027
        """Nothing: HTTP is enough."""

    async def aclose(self) -> None:  # noqa: B027
        """Nothing to end."""

    async def inbound(self, account: Account, wish: dict[str, Any]) -> dict[str, Any]:
        """A customer writes; `media` are files."""
        if wish.get("kind", "message") != "message":
            raise ValueError("kind is message: text messages know no other")
        id_, media = wish.get("id") or uuid4().hex, []
        for medium in wish.get("media") or []:
            hosted = f"{self._world.url}/{self.provider}-media/"
            media.append(medium.get("url") or hosted + self._world.host(medium)[0])
        webhook = self._webhook(account, self.written(account, id_, wish, media))
        return {"id": id_, **await self._world.knock(account, webhook, wish, RETRIES)}

    async def _send(self, request: Request) -> Response:
        given = request.headers.get("authorization", "")
        served = self._world.served(self.provider)
        account = next((one for one in served if self.authorization(one) == given), None)
        if account is None:
            return self.refused(401, "You did not provide correct credentials")
        message = json.loads(await request.body() or b"{}")
        try:
            to, words, media = self.said_in(message)
        except (KeyError, IndexError):
            return self.refused(400, "A required field is missing")
        if not to or not (words or media) or len(words) > self.most_words:
            return self.refused(422, f"The message to {to} is empty or too long")
        whim = self._world.whims(account).next()
        line = {"to": to if to.startswith("+") else f"+{to}", "body": words, "media": media}

        def take() -> Response:
            id_ = uuid4().hex
            self._world.take(account, {"id": id_, **line})
            states = (self.lost,) if whim.mode == "fail_delivery" else self.states
            webhooks = [self._webhook(account, self.told(account, id_, state, message)) for state in states]
            self._world.start(self._world.call_back(account, whim.mode, webhooks, RETRIES))
            return self.taken(id_)

        return await obey(whim, request, lambda status, headers: self.refused(status, "Not now", headers), take)

    def _webhook(self, account: Account, payload: Any) -> Webhook:
        body = json.dumps(payload).encode()
        headers = {"Content-Type": "application/json", **self.proof(account, body)}
        return Webhook(account.public_url, body, headers)

    async def _hand_out(self, request: Request) -> Response:
        medium = self._world.media.get(request.path_params["medium"])
        return Response(medium.data, media_type=medium.content_type) if medium else Response(status_code=404)


def now() -> str:
    """The time by RFC 3339."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def basic(user: str, password: str) -> str:
    """The value of `Authorization` by RFC 7617."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def answer(status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    """JSON."""
    return JSONResponse(body, status, headers)
