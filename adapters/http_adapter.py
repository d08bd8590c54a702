"""What adapters share whose provider is spoken to by one HTTP request a message: the connections, and how a call ends.

A provider states its `proof` and its `replies` (or writes `verify` and `limits`), says what an account of it needs, and
adds `parse`, `calls` and `accepted`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar, TypeVar

import httpx2
import msgspec

from adapters.account_check import secret_problems, setting_problems, url_problems
from adapters.base import (
    AccountConfig,
    Answer,
    Forged,
    Outgoing,
    Refused,
    ReplyLimits,
    SendOutcome,
    Sent,
    Unknown,
    WebhookRequest,
)
from adapters.http_call import Call, call_once, nameless, new_session, refusal
from adapters.json_body import readable
from adapters.proof import Proof
from model.inbound import InboundEvent

T = TypeVar("T")


class HttpAdapter(ABC):
    """The adapter of a provider with a sending API. It holds nothing but the connections shared by all sends."""

    provider: str
    channels: frozenset[str]
    max_body = 1024 * 1024
    title: ClassVar[str]
    """How the provider is called where a person reads it."""
    secret_is: ClassVar[str]
    """What a secret of an account is and where it is found: "give the signing key of …"."""
    needed: ClassVar[Mapping[str, str]] = {}
    """Settings an account must have, each with its remedy."""
    known: ClassVar[frozenset[str]] = frozenset()
    """Settings it may have, beside `api_base`."""
    proof: ClassVar[Proof]
    """How its webhooks are proved."""
    replies: ClassVar[ReplyLimits]
    """What a reply may be."""

    def __init__(self) -> None:
        self._session: httpx2.AsyncClient | None = None

    def verify(self, request: WebhookRequest, account: AccountConfig) -> None:
        """Raise Forged unless the request is proved to be the provider's: by its `proof`."""
        self.proof.check(request, account)

    @abstractmethod
    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """The events of a verified request, or ParseError."""

    def limits(self, account: AccountConfig) -> ReplyLimits:
        """What a reply from this account may be: its `replies`."""
        return self.replies

    @abstractmethod
    def calls(self, account: AccountConfig, outgoing: Outgoing) -> list[Call] | Refused:
        """The requests a reply is made of, in order: usually one. Refused where it cannot be sent so."""

    @abstractmethod
    def accepted(self, response: httpx2.Response) -> SendOutcome | None:
        """What a 2xx means: Sent with the message's name, or what the provider says in it; None: it names none."""

    def reason(self, response: httpx2.Response) -> str:
        """The provider's words on an answer that is no 2xx, for the agent. Without any the status."""
        return f"{self.title} answered HTTP {response.status_code}"

    def failed(self, response: httpx2.Response, *, repeatable: bool) -> SendOutcome:
        """What an answer that is no 2xx means: by its status, unless the provider's codes say more."""
        return refusal(response, self.reason(response), repeatable=repeatable)

    def fits(self, secret: str) -> bool:
        """Whether it could be a secret of the provider's at all."""
        return True

    def problems(self, account: AccountConfig) -> Iterator[str]:
        """Everything wrong with the configuration, each naming the field and the remedy."""
        yield from secret_problems(account, self.secret_is)
        if not all(map(self.fits, filter(str.strip, account.secrets))):
            yield f"secrets hold one that is no key, or that {self.title} does not take: {self.secret_is}"
        yield from url_problems(account.public_url)
        yield from setting_problems(account, self.needed, self.known)

    def check_account(self, account: AccountConfig) -> list[str]:
        """The same, each naming the account too."""
        return [f"{account.id}: {problem}" for problem in self.problems(account)]

    def answer(self, request: WebhookRequest, account: AccountConfig) -> Answer:
        """An empty 200; no challenge is ever sent."""
        if request.method != "POST":
            raise Forged(f"{self.title} sends no challenge: configure the webhook as POST")
        return Answer(b"")

    async def send(self, account: AccountConfig, outgoing: Outgoing, timeout: float) -> SendOutcome:
        """Hand one message to the provider, once. Of several requests the last names the message."""
        problem = next(self.problems(account), None)
        if problem is not None:
            return Refused(f"the account cannot send: {problem}", retryable=True)
        calls = self._too_many(account, outgoing) or self.calls(account, outgoing)
        if isinstance(calls, Refused):
            return calls
        outcome: SendOutcome = Refused("there is nothing to send: give a text or a file")
        for number, made in enumerate(calls):
            outcome = await self._send(made, timeout / len(calls))
            if not isinstance(outcome, Sent):
                return Unknown(f"a part was sent, but not the rest: {outcome.error}") if number else outcome
        return outcome

    async def aclose(self) -> None:
        """Close the shared connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.aclose()

    def _too_many(self, account: AccountConfig, outgoing: Outgoing) -> Refused | None:
        """What is said to more files than a message may have."""
        most = self.limits(account).most_files
        if len(outgoing.files) <= most:
            return None
        if not most:
            return Refused(f"{self.title} takes no files from here: send words, or a link to the file")
        return Refused(f"{self.title} takes {most} with a message: send the other files apart")

    async def _send(self, made: Call, timeout: float) -> SendOutcome:
        if self._session is None:
            self._session = new_session()
        response = await call_once(self._session, made, timeout, self.title)
        if not isinstance(response, httpx2.Response):
            return response
        if not response.is_success:
            return self.failed(response, repeatable=made.repeatable)
        return self.accepted(response) or nameless(self.title)


def json_answer(said: object) -> Answer:
    """JSON as the answer to a webhook."""
    return Answer(msgspec.json.encode(said), "application/json")


def said_in(decoder: msgspec.json.Decoder[T], response: httpx2.Response) -> T | None:
    """What an answer says; None where it cannot be read, or holds what cannot be stored."""
    return readable(decoder, response.content)


def base_of(account: AccountConfig, usual: str, setting: str = "api_base") -> str:
    """Where the provider's API is, without a slash at its end: `settings.api_base`, or the usual one."""
    return (account.settings.get(setting) or usual).rstrip("/")
