"""The company of a running demo, as `demo.json` describes it: webhooks signed by Twilio's own library, and REST."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import httpx2
import msgspec
from msgspec import Struct
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped,unused-ignore]  # ships no types

from tests.outside.wire import Answer, Line, post


class Agent(Struct, frozen=True):
    """Someone who can sign in."""

    id: str
    name: str
    token: str


class Admin(Struct, frozen=True):
    """Who may read everything."""

    token: str


class Account(Struct, frozen=True):
    """A number of the company. `public_url` is what the carrier signs, `secret` its auth token."""

    id: str
    channel: str
    provider: str
    address: str
    secret: str
    public_url: str
    account_sid: str = "AC00000000000000000000000000000000"


class _Read(Struct, frozen=True):
    url: str
    urls: list[str]
    pids: list[int]
    database_url: str
    admin: Admin
    agents: list[Agent]
    accounts: list[Account]
    carrier_log: str
    redis_url: str | None = None
    redis_pid: int | None = None
    carrier_url: str | None = None


def load(path: Path) -> Company:
    """Read `demo.json`."""
    return Company(path)


def new_sid() -> str:
    """A message id as Twilio makes them."""
    return f"SM{uuid4().hex}"


class Company:
    """What an outside program may know, and the two things it may do over HTTP."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read = msgspec.json.decode(path.read_bytes(), type=_Read)
        found = [account for account in self._read.accounts if account.id == "sms-main"]
        self.account = found[0] if found else self._read.accounts[0]
        self.agents = self._read.agents
        self.urls = self._read.urls
        self.database_url = self._read.database_url
        self.redis_pid = self._read.redis_pid
        self.admin = self._read.admin
        self._validator = RequestValidator(self.account.secret)
        self._idle: dict[int, list[Line]] = {}

    @property
    def pids(self) -> list[int]:
        """The gateway processes as of now: a killed one is replaced."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=_Read).pids
        except (OSError, msgspec.DecodeError):  # being rewritten
            return self._read.pids

    def form(self, sender: str, body: str, sid: str) -> dict[str, str]:
        """The fields of an incoming message as Twilio posts them."""
        return {
            "ToCountry": "US",
            "FromCountry": "US",
            "SmsStatus": "received",
            "NumMedia": "0",
            "NumSegments": "1",
            "MessageSid": sid,
            "SmsMessageSid": sid,
            "SmsSid": sid,
            "AccountSid": self.account.account_sid,
            "From": sender,
            "To": self.account.address,
            "Body": body,
            "ApiVersion": "2010-04-01",
        }

    def signed(self, form: dict[str, str]) -> dict[str, str]:
        """The headers Twilio sends with a form."""
        return {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": self._validator.compute_signature(self.account.public_url, form),
        }

    def request(self, form: dict[str, str], headers: dict[str, str] | None = None) -> bytes:
        """The whole webhook as it goes over the wire."""
        body = urlencode(form).encode()
        host = urlsplit(self.account.public_url).netloc
        return post(f"/hooks/{self.account.id}", host, headers or self.signed(form), body)

    async def inbound(self, sender: str, body: str, sid: str | None = None, process: int = 0) -> Answer:
        """A customer's message, signed and posted to one process. Raises `ConnectionError` when no answer came."""
        return await self.send(self.request(self.form(sender, body, sid or new_sid())), process)

    async def send(self, request: bytes, process: int = 0, sent: Callable[[], None] | None = None) -> Answer:
        """Any request to one process, on a connection that is kept for the next; `sent` is called as it leaves."""
        idle = self._idle.setdefault(process, [])
        line = idle.pop() if idle else Line(self.urls[process])
        try:
            await line.connect()
            if sent is not None:
                sent()
            answer = await line.exchange(request)
        except BaseException:  # cancelled or failed: an answer may still come on it, which nobody waits for
            line.close()
            raise
        idle.append(line)
        return answer

    def hang_up(self) -> None:
        """Close the kept connections."""
        for line in (line for lines in self._idle.values() for line in lines):
            line.close()
        self._idle.clear()

    async def get(self, path: str, token: str | None = None, process: int = 0) -> Any:
        """A REST read under /v1, as JSON. Raises `httpx2.HTTPStatusError`."""
        headers = {"Authorization": f"Bearer {token or self.admin.token}"}
        async with httpx2.AsyncClient(trust_env=False, timeout=10) as http:
            answer = await http.get(f"{self.urls[process]}/v1/{path}", headers=headers)
            answer.raise_for_status()
            return answer.json()

    async def every(self, path: str, most: int = 2000) -> list[Any]:
        """All items of a list, page by page."""
        items: list[Any] = []
        cursor: str | None = None
        join = "&" if "?" in path else "?"
        while len(items) < most:
            page = await self.get(path + (f"{join}cursor={cursor}" if cursor else ""))
            items += page["items"]
            cursor = page["next"]
            if not cursor:
                break
        return items

    def sent(self) -> Iterable[dict[str, Any]]:
        """What the carrier was asked to send, from its log."""
        log = Path(self._read.carrier_log)
        lines = log.read_text().splitlines() if log.exists() else []
        return [json.loads(line) for line in lines if line.strip()]

    async def sent_with(self, body: str, seconds: float = 10.0) -> list[dict[str, Any]]:
        """Messages the carrier was asked to send with exactly this text; waits for the first."""
        until = asyncio.get_running_loop().time() + seconds
        while True:
            found = [line for line in self.sent() if line["body"] == body]
            if found or asyncio.get_running_loop().time() > until:
                return found
            await asyncio.sleep(0.05)
