"""What all providers share: the accounts they serve, what they took, the media they host, and webhooks on their way."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import msgspec
from msgspec import Struct

from gateway.demo.outside.whims import Whims, arranged


class Account(Struct, frozen=True):
    """One account as `demo.json` lists it. `secret` is the first of its secrets; `settings` has the rest."""

    id: str
    channel: str
    provider: str
    address: str
    secret: str
    public_url: str
    settings: dict[str, str] = {}


class Webhook(Struct, frozen=True):
    """A request a provider makes, signed and ready."""

    url: str
    body: bytes
    headers: dict[str, str]
    method: str = "POST"


class Retries(Struct, frozen=True):
    """How persistent a provider is. `after`: `ct` no connection, `rt` no answer, `4xx`, `5xx`."""

    tries: int = 1
    after: frozenset[str] = frozenset()
    total_seconds: float = 15.0


class Answered(Struct, frozen=True):
    """The last answer to a webhook; status None where none ever came."""

    status: int | None
    body: str


class Medium(Struct, frozen=True):
    """A file a provider hosts."""

    content_type: str
    data: bytes


class World:
    """Everything the world remembers."""

    def __init__(self, accounts: Sequence[Account], log: Path, url: str = "", smtp_port: int = 0) -> None:
        self.accounts = {account.id: account for account in accounts}
        self.url, self.smtp_port = url, smtp_port
        self.sent: list[dict[str, Any]] = []
        self.media: dict[str, Medium] = {}
        self.http = httpx2.AsyncClient(trust_env=False, timeout=httpx2.Timeout(15, connect=5))
        self._whims = {account.id: Whims() for account in accounts}
        self._tasks: set[asyncio.Task[None]] = set()
        self._log = log.open("a", encoding="utf-8")

    async def aclose(self) -> None:
        """End what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.http.aclose()
        self._log.close()

    def served(self, provider: str, *channels: str) -> list[Account]:
        """The accounts of a provider, of these channels where any are named."""
        return [
            account
            for account in self.accounts.values()
            if account.provider == provider and (not channels or account.channel in channels)
        ]

    def whims(self, account: Account) -> Whims:
        """What requests for this account are treated with."""
        return self._whims[account.id]

    def misbehave(self, wish: dict[str, Any]) -> None:
        """Misbehave, for one account or all. Raises ValueError or KeyError."""
        for whims in [self._whims[wish["account"]]] if wish.get("account") else self._whims.values():
            whims.wish(wish)

    def take(self, account: Account, line: dict[str, Any]) -> None:
        """Remember what an account's sender was taken: `id`, `to`, `body` and what else the provider knows."""
        line = {"account": account.id, "channel": account.channel, "at": datetime.now(UTC).isoformat(), **line}
        self.sent.append(line)
        self._log.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._log.flush()

    def host(self, wish: dict[str, Any]) -> tuple[str, Medium]:
        """Take a customer's file; gives the id under which a provider may hand it out."""
        identity = uuid4().hex
        medium = Medium(wish.get("content_type", "application/octet-stream"), base64.b64decode(wish["data"]))
        self.media[identity] = medium
        return identity, medium

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something after the answer."""
        self._tasks.add(task := asyncio.create_task(work))
        task.add_done_callback(self._tasks.discard)

    async def call_back(self, account: Account, mode: str, webhooks: list[Webhook], retries: Retries) -> None:
        """Receipts, one after the other, as the mode has them."""
        await arranged(mode, webhooks, lambda webhook: self.deliver(webhook, retries))

    async def knock(self, account: Account, webhook: Webhook, wish: dict[str, Any], retries: Retries) -> dict[str, Any]:
        """A customer's webhook: posted once, `times` times at once, or only shown with `only_sign`."""
        if wish.get("only_sign"):
            body = base64.b64encode(webhook.body).decode()
            return {"url": webhook.url, "method": webhook.method, "headers": webhook.headers, "body": body}
        answers = await asyncio.gather(*(self.deliver(webhook, retries) for _ in range(wish.get("times", 1))))
        statuses = {"statuses": [answer.status for answer in answers]} if "times" in wish else {}
        return {**msgspec.to_builtins(answers[0]), **statuses}

    async def deliver(self, webhook: Webhook, retries: Retries) -> Answered:
        """Post until it is taken or the provider gives up."""
        give_up_at = time.monotonic() + retries.total_seconds
        answer = Answered(None, "")
        for attempt in range(retries.tries):
            failure, answer = await self._post(webhook)
            if not failure or failure not in retries.after or time.monotonic() > give_up_at:
                break
            await asyncio.sleep(0.1 * 2**attempt)
        return answer

    async def _post(self, webhook: Webhook) -> tuple[str, Answered]:
        try:
            response = await self.http.request(
                webhook.method, webhook.url, content=webhook.body, headers=webhook.headers
            )
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            return "ct", Answered(None, "")
        except httpx2.HTTPError:
            return "rt", Answered(None, "")
        failure = f"{response.status_code // 100}xx" if response.status_code >= 400 else ""
        return failure, Answered(response.status_code, response.text)
