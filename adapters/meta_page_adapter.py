"""What the adapters of Messenger and Instagram share: all but whose webhooks they are and how a reply is written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import httpx2

from adapters.base import AccountConfig, Answer, Outgoing, Refused, SendOutcome, Sent, Unknown, WebhookRequest
from adapters.http_call import new_session
from adapters.meta_account import account_problems
from adapters.meta_graph import Call, call
from adapters.meta_page_parse import Page, parse_page
from adapters.meta_webhook import MAX_BODY, answer_webhook, verify_signature
from model.inbound import InboundEvent

WINDOW_SECONDS = 86_400
"""The standard window: https://developers.facebook.com/docs/messenger-platform/policy/policy-overview."""
HUMAN_AGENT_SECONDS = 7 * 86_400
"""Where Meta has approved the app's human agents: the same page."""
MESSAGES = "me/messages"
"""Whoever the access token stands for: a page, or an Instagram account."""


class PageAdapter(ABC):
    """Verification, reading and the connections; a channel adds `limits` and `calls`."""

    provider = "meta"
    channels: frozenset[str]
    max_body = MAX_BODY
    object: ClassVar[str]
    """What Meta calls it in webhooks."""
    address: ClassVar[str]
    """What the account's address is."""
    settings: ClassVar[frozenset[str]] = frozenset(("human_agent",))

    def __init__(self) -> None:
        self._session: httpx2.AsyncClient | None = None

    @abstractmethod
    def calls(self, account: AccountConfig, outgoing: Outgoing) -> list[Call] | Refused:
        """The calls a reply is made of, in order."""

    def check_account(self, account: AccountConfig) -> list[str]:
        """Everything wrong with the configuration, each naming the field and the remedy."""
        return [f"{account.id}: {problem}" for problem in self._problems(account)]

    def verify(self, request: WebhookRequest, account: AccountConfig) -> None:
        """Raise Forged unless Meta signed this request."""
        verify_signature(request, account)

    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """The events of a verified request, or ParseError."""
        (channel,) = self.channels
        return parse_page(request, account, Page(self.object, channel, account.address))

    def answer(self, request: WebhookRequest, account: AccountConfig) -> Answer:
        """The challenge's echo for a GET, an empty 200 otherwise."""
        return answer_webhook(request, account)

    async def send(self, account: AccountConfig, outgoing: Outgoing, timeout: float) -> SendOutcome:
        """Hand one message to Meta, once. A file and words are two messages there: the file goes first."""
        if not account.settings.get("access_token") or not any(account.secrets[:1]):
            return Refused("the account cannot send: set settings.access_token and a first secret", retryable=True)
        calls = self.calls(account, outgoing)
        if isinstance(calls, Refused):
            return calls
        if self._session is None:
            self._session = new_session()
        outcome: SendOutcome = Refused("there is nothing to send: give a text or a file")
        for number, made in enumerate(calls):
            outcome = await call(self._session, account, made, timeout / len(calls))
            if not isinstance(outcome, Sent):
                return Unknown(f"the file was sent, but not the words: {outcome.error}") if number else outcome
        return outcome

    async def aclose(self) -> None:
        """Close the shared connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.aclose()

    def _problems(self, account: AccountConfig) -> Iterator[str]:
        if not account.address.isascii() or not account.address.isdigit():
            yield f"address is no id: give {self.address}"
        if account.settings.get("human_agent", "approved") != "approved":
            yield "settings.human_agent is not 'approved': leave it out unless Meta has approved the app's human agents"
        yield from account_problems(account, {}, self.settings)


def window_seconds(account: AccountConfig) -> int:
    """How long after the customer's last message a reply may leave."""
    return HUMAN_AGENT_SECONDS if account.settings.get("human_agent") == "approved" else WINDOW_SECONDS


def kind_of(content_type: str) -> str:
    """What Meta calls files of this type."""
    kind = content_type.partition("/")[0]
    return kind if kind in ("image", "video", "audio") else "file"
