"""What one process has for web chat, put together, and its routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.accounts import Accounts
from gateway.chat import Chat
from gateway.chat_streams import ChatStreams
from gateway.public_files import PublicFiles
from gateway.typing_marks import TypingMarks
from pushers.hub import Hub
from store.pool import Pool


def make_chat(pool: Pool, hub: Hub, accounts: Accounts, files: PublicFiles) -> Chat:
    """The chat; its streams hear what the hub hears."""
    streams = ChatStreams(pool)
    hub.on_moved = streams.moved
    hub.on_typing = streams.typing
    return Chat(accounts, streams, files, TypingMarks(pool, hub))


def chat_routes() -> list[BaseRoute]:
    """Everything below `/chat`."""
    return [
        Route("/chat/{account}/widget.js", _asking(lambda chat: chat.script)),
        Route("/chat/{account}/session", _asking(lambda chat: chat.session), methods=["POST", "OPTIONS"]),
        Route("/chat/{account}/stream", _asking(lambda chat: chat.stream), methods=["POST", "OPTIONS"]),
        Route("/chat/{account}/files/{token}", _asking(lambda chat: chat.file)),
        Route("/chat/{account}/demo", _asking(lambda chat: chat.demo)),
    ]


Handler = Callable[[Request], Awaitable[Response]]


def _asking(part: Callable[[Chat], Handler]) -> Handler:
    async def handle(request: Request) -> Response:
        return await part(request.app.state.company.chat)(request)

    return handle
