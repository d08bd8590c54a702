"""What every adapter speaks.

A webhook is verified, then parsed; the two never mix:

    Forged       the request is not proved to be the provider's: 403, no row
    ParseError   it is the provider's, but we cannot read it: 2xx and a dead letter with reason and field

Types that carry secrets or personal data hide them when printed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from msgspec import Struct

from model.content import Content
from model.inbound import InboundEvent
from model.limits import ReplyLimits

__all__ = [
    "AccountConfig",
    "Adapter",
    "Answer",
    "Busy",
    "Forged",
    "Outgoing",
    "OutgoingFile",
    "ParseError",
    "Refused",
    "ReplyLimits",
    "SendOutcome",
    "Sent",
    "Unknown",
    "WebhookRequest",
]


class Forged(Exception):
    """The request is not proved to come from the provider. The text is for our log, never for the sender."""


class ParseError(Exception):
    """A verified request that cannot be read: why, and in which field."""

    def __init__(self, reason: str, field: str | None = None) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.reason = reason
        self.field = field


class WebhookRequest(Struct, frozen=True):
    """One request as it arrived. Nothing is decoded: providers sign the exact bytes."""

    method: str
    path: str
    """Raw, still percent-encoded."""
    query: str
    """Raw, without the question mark."""
    headers: tuple[tuple[str, str], ...]
    """Names in lower case, in the order received."""
    body: bytes
    step: str | None = None
    """What follows `/hooks/{account}/` in the raw path."""
    received_at: datetime | None = None
    """When it arrived, by our clock: what a signed time is judged by."""

    def header(self, name: str) -> str | None:
        """The header's value. One given twice is refused: two readers could take different ones."""
        values = [value for key, value in self.headers if key == name]
        if len(values) > 1:
            raise Forged(f"the header {name} is given {len(values)} times")
        return values[0] if values else None

    def __repr__(self) -> str:
        return f"WebhookRequest({self.method} {self.path}, step={self.step!r}, {len(self.body)} bytes)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("method", self.method), ("path", self.path), ("step", self.step), ("bytes", len(self.body))]


class AccountConfig(Struct, frozen=True):
    """An address of ours on a provider, as configured."""

    id: str
    channel: str
    provider: str
    address: str
    secrets: tuple[str, ...]
    """Every one is accepted on webhooks (rotation); the first also signs our own calls to the provider."""
    region: str
    """ISO country: how a number without country code is read."""
    public_url: str
    """The address the provider is configured with for this account, without step, query or fragment."""
    settings: dict[str, str] = {}

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"AccountConfig({shown})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        shown = ("id", "channel", "provider", "address", "region", "public_url")
        hidden = [("secrets", f"<{len(self.secrets)} hidden>"), ("settings", sorted(self.settings))]
        return [(name, getattr(self, name)) for name in shown] + hidden


class Answer(Struct, frozen=True):
    """What a webhook is answered with."""

    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    status: int = 200


class OutgoingFile(Struct, frozen=True):
    """A file of a reply. `url`: where the provider may fetch it, signed and short-lived, for those that fetch."""

    name: str
    content_type: str
    data: bytes
    url: str

    def __repr__(self) -> str:
        return f"OutgoingFile({self.content_type}, {len(self.data)} bytes)"


class Outgoing(Struct, frozen=True):
    """A reply to hand to the provider. `id` is the entry's; it comes back with the receipts."""

    id: UUID
    to: str
    body: str
    in_reply_to: str | None = None
    """The provider's id of the message it answers."""
    content: tuple[Content, ...] = ()
    """A `Template` to send instead of the words; a `Mail` with subject, recipients and thread."""
    files: tuple[OutgoingFile, ...] = ()

    def __repr__(self) -> str:
        return f"Outgoing(id={self.id}, {len(self.body)} characters)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("id", str(self.id)), ("characters", len(self.body))]


class Sent(Struct, frozen=True, tag="sent"):
    """The provider took it and named it."""

    provider_id: str
    status: Literal["sending", "sent", "delivered"]


class Refused(Struct, frozen=True, tag="refused"):
    """The provider said no. `retryable`: a person can fix the cause (credentials, configuration) and try again."""

    error: str
    retryable: bool = False


class Busy(Struct, frozen=True, tag="busy"):
    """The provider did not take it and another attempt is safe."""

    retry_after_seconds: float | None
    error: str


class Unknown(Struct, frozen=True, tag="unknown"):
    """The request left us and no answer came back: it may or may not have been taken. Never resent blindly."""

    error: str


SendOutcome = Sent | Refused | Busy | Unknown


class Adapter(Protocol):
    """One provider on one or more channels."""

    provider: str
    channels: frozenset[str]
    max_body: int
    """Bytes; a larger webhook is refused before it is read."""

    def check_account(self, account: AccountConfig) -> list[str]:
        """Everything wrong with the configuration, each naming the field and the remedy. Asked at start."""

    def verify(self, request: WebhookRequest, account: AccountConfig) -> None:
        """Return when the request is proved to be the provider's; raise Forged otherwise, and nothing else."""

    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """The events of a verified request. Pure; raises ParseError and nothing else."""

    def answer(self, request: WebhookRequest, account: AccountConfig) -> Answer:
        """The 2xx. A GET is a provider's challenge: Forged when it is none of theirs."""

    def limits(self, account: AccountConfig) -> ReplyLimits:
        """What a reply from this account may be."""

    async def send(self, account: AccountConfig, outgoing: Outgoing, timeout: float) -> SendOutcome:
        """Hand one message to the provider, once: no retry happens inside. Raises only on cancellation."""

    async def aclose(self) -> None:
        """Close the connections kept open between sends."""
