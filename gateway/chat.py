"""Web chat over HTTP: the widget, its sessions, its events and its streams.

GET  /chat/{account}/widget.js       the script a page embeds
POST /chat/{account}/session         who the visitor is: a token and its key
POST /hooks/{account}[/file]         what the visitor does: the way of every webhook, readable for the site's pages
POST /chat/{account}/stream          what is said, as server-sent events
GET  /chat/{account}/files/{token}   a file of a line
GET  /chat/{account}/demo            a page with the widget, where `settings.demo_page` is on
"""

from __future__ import annotations

import asyncio
import html
import time
from collections.abc import Awaitable, Callable
from secrets import token_hex
from typing import Final
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct, structs
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from adapters.base import AccountConfig, Forged
from adapters.chat.visitor import (
    Visitor,
    anonymous,
    issue_token,
    read_identity,
    read_token,
    renewed,
    verified,
    verified_headers,
)
from gateway.accounts import Accounts
from gateway.chat_files import FilesUnderWay, OneAtATime
from gateway.chat_limits import Buckets, OriginRefused, cors_of
from gateway.chat_streams import ChatStreams, Stream
from gateway.chat_widget import Widget
from gateway.intake import WEBHOOKS, Taking, TooLarge, _read, _webhook
from gateway.problems import problem
from gateway.public_files import PublicFiles
from gateway.typing_marks import TypingMarks

MOST_SESSION_BODY: Final = 16 * 1024
BODY_SECONDS: Final = 10.0
PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Content-Type, X-Screenpop-Signature",
    "Access-Control-Max-Age": "7200",
}
DEMO_POLICY: Final = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"
)

log = structlog.get_logger()
Answer = Callable[[Request, AccountConfig], Awaitable[Response]]
Take = Callable[[Request, Taking | None], Awaitable[Response]]


class _Asked(Struct, frozen=True):
    """What a session begins with."""

    token: str | None = None
    identity: str | None = None


class _Listen(Struct, frozen=True):
    """What a stream begins with: the last line the widget has."""

    after: UUID | None = None


class _Session(Struct, frozen=True):
    """What the widget works with. `address`: what its proofs are over; `now`: our clock."""

    token: str
    key: str
    address: str
    now: int
    anonymous: bool
    name: str | None
    title: str
    greeting: str


class Chat:
    """The chat of one process."""

    def __init__(self, accounts: Accounts, streams: ChatStreams, files: PublicFiles, marks: TypingMarks) -> None:
        self.streams = streams
        self.marks = marks
        self._accounts = accounts
        self._files = files
        self._buckets = Buckets()
        self._under_way = FilesUnderWay()
        self._widget = Widget()

    async def serves(self, account_id: str) -> AccountConfig | None:
        """The account, where it is one of this chat."""
        account = await self._accounts.get(account_id)
        is_ours = account is not None and (account.provider, account.channel) == ("screenpop", "chat")
        return account if is_ours else None

    async def hook(self, request: Request, intake: Take) -> Response:
        """A webhook: of a chat with what lets the site's page read the answer, of others as it is."""
        account = await self.serves(request.path_params["account"])
        if account is None:
            return await intake(request, None)

        async def record(request: Request, account: AccountConfig) -> Response:
            who = account.id, _named(request, account).id
            if not self._buckets.takes(who):
                return _too_many()
            with self._under_way.taking(_webhook(request, b"").step, who) as taking:
                answer = await intake(request, taking)
            if taking.said:
                self.streams.wake(*who)
            return answer

        return await self._readable(request, account, record)

    async def session(self, request: Request) -> Response:
        """Say who the visitor is."""
        return await self._of_account(request, self._session)

    async def stream(self, request: Request) -> Response:
        """Listen."""
        return await self._of_account(request, self._stream)

    async def script(self, request: Request) -> Response:
        """The widget."""
        account = await self.serves(request.path_params["account"])
        return _nothing() if account is None else self._widget.script(request)

    async def file(self, request: Request) -> Response:
        """A file of a line: the site's page may show it."""
        answer = await self._files.serve(request.path_params["token"])
        answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return answer

    async def demo(self, request: Request) -> Response:
        """A page with nothing but the widget, and a policy as strict as can be."""
        account = await self.serves(request.path_params["account"])
        if account is None or account.settings.get("demo_page") != "on":
            return _nothing()
        page = _DEMO.format(account=html.escape(account.id))
        headers = {"Content-Security-Policy": DEMO_POLICY, "X-Content-Type-Options": "nosniff"}
        return Response(page, media_type="text/html", headers=headers)

    async def _of_account(self, request: Request, answer: Answer) -> Response:
        account = await self.serves(request.path_params["account"])
        return _nothing() if account is None else await self._readable(request, account, answer)

    async def _readable(self, request: Request, account: AccountConfig, answer: Answer) -> Response:
        """The answer with the headers that let the site's page read it; nothing for any other page."""
        try:
            headers = cors_of(request, account)
        except OriginRefused:
            log.warning("chat_origin_refused", account=account.id)
            return problem(403, "Not this page", f"Add the page's origin to settings.origins of {account.id}.")
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=headers | PREFLIGHT)
        try:
            response = await answer(request, account)
        except Forged as error:
            log.warning("chat_forged", account=account.id, why=str(error))
            response = problem(403, "Not verified", "Begin a new session: the token or the signature is not right.")
        except OneAtATime:
            response = _too_many()
        except (TooLarge, TimeoutError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            response = problem(400, "Not understood", "Send what docs/reference/chat.md says, at once.")
        except ClientDisconnect:
            response = Response(status_code=499)
        response.headers.update(headers)
        return response

    async def _session(self, request: Request, account: AccountConfig) -> Response:
        asked = msgspec.json.decode(await _body(request) or b"{}", type=_Asked)
        now = int(time.time())
        known = _known(asked.token, account, now)
        if asked.identity:
            visitor = read_identity(asked.identity, account, now)
            visitor = structs.replace(visitor, was=known.id if known else None)
        else:
            visitor = renewed(known, now) if known else anonymous(token_hex(16), now)
        token, key = issue_token(visitor, account)
        title, greeting = (account.settings.get(name, "") for name in ("title", "greeting"))
        is_anonymous = visitor.id.startswith("anon:")
        session = _Session(token, key, account.public_url, now, is_anonymous, visitor.name, title, greeting)
        headers = {"Cache-Control": "no-store"}
        return Response(msgspec.json.encode(session), media_type="application/json", headers=headers)

    async def _stream(self, request: Request, account: AccountConfig) -> Response:
        body = await _body(request)
        visitor = verified(structs.replace(_webhook(request, body), step="stream"), account)
        if not self._buckets.takes((account.id, visitor.id)):
            return _too_many()
        listen = msgspec.json.decode(body or b"{}", type=_Listen)
        frames = await self.streams.opened(Stream(account, visitor, listen.after))
        if frames is None:
            return problem(503, "Try again", "Too many listen here at the moment.", headers={"Retry-After": "5"})
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(frames, media_type="text/event-stream", headers=headers)


def _known(token: str | None, account: AccountConfig, now: int) -> Visitor | None:
    """The anonymous visitor who was here before. Whom the site signs it signs again."""
    try:
        visitor, _ = read_token(token or "", account, now)
    except Forged:
        return None
    return visitor if visitor.id.startswith("anon:") else None


def _named(request: Request, account: AccountConfig) -> Visitor:
    """Whose token the request has, before its body is read, which then proves that it is theirs. Raises Forged."""
    try:
        return verified_headers(_webhook(request, b""), account).visitor
    except Forged:
        WEBHOOKS.labels(account.id, "forged").inc()
        raise


def _nothing() -> Response:
    return problem(404, "Not Found", "No chat account of this name is configured here, or it has no such page.")


def _too_many() -> Response:
    return problem(429, "Too many", "Wait a little before the next one.", headers={"Retry-After": "5"})


async def _body(request: Request) -> bytes:
    async with asyncio.timeout(BODY_SECONDS):
        return await _read(request, MOST_SESSION_BODY)


_DEMO: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>A page with the chat</title>
<h1>A page with the chat</h1>
<p>The button in the corner opens it.</p>
<script src="/chat/{account}/widget.js" async></script>
</html>
"""
