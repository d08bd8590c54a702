"""Ask other systems about the customers on the screens. Nothing waits for it: answers arrive as events.

A request is a GET of the source's address, signed as Standard Webhooks 1.0 signs a message
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md), the content being the
address itself: `webhook-id`, `webhook-timestamp`, `webhook-signature: v1,<base64 of HMAC-SHA256>` over
`id.timestamp.address`. It is asked within its time limit, without following redirects, and at most 256 KiB are read.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Collection
from urllib.parse import urlsplit
from uuid import UUID

import httpx2
import msgspec
import structlog
from msgspec import Struct

from model.customer import CardLine
from model.event import FeedId
from profiles.cards import Answered, Question, begin_asking, fetch_due, keep_answer
from store.feeds import Announce, transaction
from store.ids import new_id
from store.pool import Pool

AT_ONCE = 8
MOST_BYTES = 256 * 1024
LONGEST_TEXT = 500
LOOK_AGAIN_SECONDS = 5.0
MOST_WANTED = 1_000
"""Customers waiting to be asked about, beyond which the oldest wish stays and new ones wait for the next look."""

log = structlog.get_logger()


class _Said(Struct, frozen=True):
    """What a source answers; fields we do not know are passed over."""

    lines: tuple[CardLine, ...] = ()
    more: int = 0


_decode = msgspec.json.Decoder(_Said).decode


class Unanswered(Exception):
    """A source did not answer as it should; the message is shown to agents."""


class External:
    """What one process asks. `followed` gives the customers on its screens, whose cards are kept fresh."""

    def __init__(self, pool: Pool, announce: Announce, followed: Callable[[], Collection[UUID]]) -> None:
        self._pool = pool
        self._announce = announce
        self._followed = followed
        self._wanted: dict[UUID, bool] = {}
        self._woken = asyncio.Event()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._asking: set[asyncio.Task[None]] = set()

    def want(self, customer: UUID, *, anyway: bool = False) -> None:
        """A screen shows, or is about to show, this customer. `anyway`: their data is known to have changed."""
        if customer in self._wanted or len(self._wanted) < MOST_WANTED:
            self._wanted[customer] = self._wanted.get(customer, False) or anyway
            self._woken.set()

    def feed_followed(self, feed: FeedId) -> None:
        """A screen here begins to show, or prepares to show, somebody."""
        if feed.kind == "customer":
            self.want(feed.id)

    async def run(self) -> None:
        """Ask what is due until cancelled."""
        async with httpx2.AsyncClient(trust_env=False, follow_redirects=False) as client:
            try:
                while True:
                    await self._look(client)
                    try:
                        async with asyncio.timeout(LOOK_AGAIN_SECONDS):
                            await self._woken.wait()
                    except TimeoutError:
                        continue
            finally:
                for task in self._asking:
                    task.cancel()
                await asyncio.gather(*self._asking, return_exceptions=True)

    async def _look(self, client: httpx2.AsyncClient) -> None:
        self._woken.clear()
        wanted, self._wanted = self._wanted, {}
        changed = [customer for customer, anyway in wanted.items() if anyway]
        shown = {*wanted, *self._followed()} - set(changed)
        try:
            async with self._pool.acquire() as connection:
                questions = await fetch_due(connection, list(shown)) if shown else []
                questions += await fetch_due(connection, changed, anyway=True) if changed else []
        except Exception as error:  # the loop outlives the database's absence; screens want again
            log.warning("external_look_failed", error=type(error).__name__)
            return
        for question in questions:
            task = asyncio.create_task(self._ask(client, question))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    async def _ask(self, client: httpx2.AsyncClient, question: Question) -> None:
        async with self._slots:
            try:
                async with transaction(self._pool, self._announce) as tx:
                    if not await begin_asking(tx, question):
                        return
                answer = await self._answer(client, question)
                async with transaction(self._pool, self._announce) as tx:
                    await keep_answer(tx, question, answer)
            except Exception as error:  # the lease runs out and it is asked again
                log.warning("external_not_kept", source=question.source, error=type(error).__name__)

    async def _answer(self, client: httpx2.AsyncClient, question: Question) -> Answered | str:
        try:
            return await ask(client, question)
        except Unanswered as error:
            return str(error)
        except TimeoutError:
            return f"No answer within {question.timeout_seconds:g} s."
        except httpx2.HTTPError:
            return "It cannot be reached."


async def ask(client: httpx2.AsyncClient, question: Question) -> Answered:
    """One request. Raises Unanswered, TimeoutError, httpx2.HTTPError."""
    async with (
        asyncio.timeout(question.timeout_seconds),
        client.stream("GET", question.url, headers=signed(question.url, question.secret)) as answer,
    ):
        if answer.status_code == httpx2.codes.NOT_FOUND:
            return Answered()  # nothing is known of this customer there
        if answer.status_code != httpx2.codes.OK:
            raise Unanswered(f"It answered {answer.status_code}.")
        return read_answer(await _read(answer))


def signed(url: str, secret: str) -> dict[str, str]:
    """The headers that prove the request to be ours."""
    identity, at = f"msg_{new_id().hex}", str(int(time.time()))
    digest = hmac.new(secret.encode(), f"{identity}.{at}.{url}".encode(), hashlib.sha256).digest()
    return {
        "Accept": "application/json",
        "webhook-id": identity,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


async def _read(answer: httpx2.Response) -> bytes:
    body = bytearray()
    async for piece in answer.aiter_bytes():
        body += piece
        if len(body) > MOST_BYTES:
            raise Unanswered(f"It answered more than {MOST_BYTES // 1024} KiB.")
    return bytes(body)


def read_answer(body: bytes) -> Answered:
    """The lines of a card; links that are no web addresses are left out. Raises Unanswered."""
    try:
        said = _decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise Unanswered("Its answer is not understood.") from None
    return Answered(tuple(_line(line) for line in said.lines), max(0, said.more))


def _line(line: CardLine) -> CardLine:
    web = line.link is not None and urlsplit(line.link).scheme in ("http", "https")
    texts = {name: _text(getattr(line, name)) for name in ("title", "text", "status", "amount")}
    return msgspec.structs.replace(line, link=line.link if web else None, **texts)


def _text(value: str | None) -> str | None:
    return None if value is None else value.replace("\x00", "")[:LONGEST_TEXT]
