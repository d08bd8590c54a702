"""What carriers of text messages share whose webhooks are JSON: whose numbers these are, our ids, and their words."""

from __future__ import annotations

import re
from abc import abstractmethod
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit
from uuid import UUID

import httpx2
from msgspec import Meta
from msgspec.json import Decoder

from adapters import phones
from adapters.base import AccountConfig, ParseError, Sent
from adapters.http_adapter import HttpAdapter, base_of, said_in
from adapters.http_call import Call
from adapters.json_body import bounded, moment
from adapters.media import Credentials, MediaClient, MediaOutcome
from adapters.sms.opt_out import opted_out, with_consent
from model.content import Content, Unsupported
from model.inbound import DeliveryReceipt, HandleRef, Ignored, InboundEvent, InboundMessage
from model.timeline import Media

Id = Annotated[str, Meta(min_length=1, max_length=200)]
Number = Annotated[str, Meta(max_length=64)]
States = Mapping[str, Literal["sent", "delivered", "read", "failed"] | None]
ANSWER = Decoder(dict[str, Any])
_DIGITS = re.compile(r"\+?\d{7,}")


def plus(number: str) -> str:
    """The number as it would be dialled from abroad, where a carrier writes it without +; short codes as they are."""
    return f"+{number}" if number.isascii() and number.isdecimal() and len(number) > 6 else number


def person(number: str, account: AccountConfig, field: str) -> HandleRef:
    """Whom a number is of; ParseError where none is named."""
    handle = phones.sender(number, account.region, "sms", account.address)
    if handle is None:
        raise ParseError("empty", field)
    return handle


def must_be_ours(numbers: Iterable[str], account: AccountConfig, field: str) -> None:
    """ParseError unless one of them is the account's number, however it is written."""
    ours = phones.normalise(account.address, account.region) or account.address
    if ours not in {phones.normalise(number, account.region) or number for number in numbers}:
        raise ParseError("not this account's number: check its address", field)


def said(
    key: str, handle: HandleRef, text: str, media: Sequence[Media], at: str | None, content: tuple[Content, ...] = ()
) -> list[InboundEvent]:
    """A text message, the change of consent it amounts to, or both. `at`: by RFC 3339."""
    body, files = bounded(text)
    held = content if body or media or content else (Unsupported("nothing"),)
    message = InboundMessage(key, handle, body, tuple(media[:10]), moment(at), content=held, files=files)
    return with_consent(message, None if media or content else opted_out(body))


def became(key: str, id_: str, state: str, states: States, entry: UUID | None, words: str = "") -> InboundEvent:
    """What became of a message of ours. `states`: what each is, None for those on the way; `words`: why it failed."""
    if state not in states:
        raise ParseError("unknown kind of status", "status")
    status = states[state]
    if status is None:
        return Ignored(key, f"{state[:100]} is on the way")
    return DeliveryReceipt(key, id_, status, entry, without_numbers(words or state) if status == "failed" else None)


def entry_of(reference: str | None) -> UUID | None:
    """Our entry's id, where that is what a reference of ours says."""
    try:
        return UUID(reference or "")
    except ValueError:
        return None


def without_numbers(words: str) -> str:
    """A carrier's words for the agent and the log, without anybody's number in them."""
    return _DIGITS.sub("…", words)[:300]


def basic(user: str, password: str) -> str:
    """The value of `Authorization` by RFC 7617."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


class Carrier(HttpAdapter):
    """A carrier of text messages whose webhooks and API are JSON."""

    channels = frozenset(("sms",))
    api: ClassVar[str]
    """Where its API is, unless `settings.api_base` says otherwise."""
    media_hosts: ClassVar[frozenset[str]] = frozenset()
    """Beside the API's, hosts that hand out files to who is authorized as for the API."""
    names: ClassVar[tuple[str, ...]]
    """Where the answer to a message names it: field in field."""

    @abstractmethod
    def authorization(self, account: AccountConfig) -> str:
        """What the API, and the carrier's own file hosts, want as `Authorization`."""

    @abstractmethod
    def fault(self, answer: dict[str, Any]) -> str:
        """The carrier's words in an answer that is an error; empty without any."""

    def call(self, account: AccountConfig, path: str, message: dict[str, Any]) -> Call:
        """A message to an address of the API."""
        headers = {"Authorization": self.authorization(account)}
        return Call(base_of(account, self.api) + path, headers, message)

    def accepted(self, response: httpx2.Response) -> Sent | None:
        """The message's id."""
        found: Any = said_in(ANSWER, response)
        for name in self.names:
            found = found.get(name) if isinstance(found, dict) else None
        return Sent(found, "sending") if isinstance(found, str) and found else None

    def reason(self, response: httpx2.Response) -> str:
        """The carrier's words, without numbers."""
        try:
            words = self.fault(said_in(ANSWER, response) or {})
        except (KeyError, IndexError, TypeError, AttributeError):  # not as its document has it
            words = ""
        return f"{self.title}: {without_numbers(words)}" if words else super().reason(response)

    async def fetch_media(self, account: AccountConfig, media: Media, client: MediaClient) -> MediaOutcome:
        """Fetch one; our credentials go to the carrier's hosts alone."""
        hosts = self.media_hosts | {urlsplit(base_of(account, self.api)).netloc.lower()}
        return await client.get(media.url, credentials=Credentials(self.authorization(account), hosts))
