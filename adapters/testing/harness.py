"""What a provider hands over to be tested: `Harness`, beside its tests.

A harness signs by the provider's own SDK where one exists, else by the scheme written anew from its document: never
with the verifier under test.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from msgspec import Struct
from msgspec.structs import replace

from adapters.base import AccountConfig, Adapter, WebhookRequest
from adapters.registry import adapter_for

OTHER_SECRET = "ffffffffffffffffffffffffffffffff"

Becomes = Literal["entry", "letter", "nothing"]
"""What a genuine body ends as: on a timeline, as a dead letter, or neither (ignored, a receipt nobody waits for)."""


class Body(Struct, frozen=True):
    """A hostile body, and what it must become. `entry` where the provider may well send it."""

    data: bytes
    becomes: Becomes = "letter"


class HarnessBase(ABC):
    """Fill in what has no body here; override what your scheme does differently."""

    account: ClassVar[AccountConfig]
    """With exactly one secret; what `check_account` has nothing against."""
    proof: ClassVar[str | None] = None
    """The header that carries the proof, in lower case; None where it stands in the body (or there is none)."""
    covers_body: ClassVar[bool] = True
    """Whether the proof is over the body. A password or bearer token is not: then a changed byte cannot be seen."""
    covers_address: ClassVar[bool] = False
    """Whether the proof is over the public address, step and query (Twilio)."""
    content_type_decides: ClassVar[bool] = False
    """Whether another content type makes the proof wrong: 403. Otherwise it is a dead letter or read all the same."""

    order_decides_customers: ClassVar[bool] = False
    """Whether unproven senders hang on placeholders: how many those are then depends on the order of arrival."""

    # -- a genuine request

    @abstractmethod
    def signed(self, secret: str | None = None) -> WebhookRequest:
        """A genuine message of one customer; proved with another secret where one is given."""

    @abstractmethod
    def resigned(self, body: bytes) -> WebhookRequest:
        """The same request with this body, rightly proved; ValueError where the proof stands inside and cannot."""

    @abstractmethod
    def kinds(self) -> dict[str, bytes | WebhookRequest]:
        """Every fixture by name, in an order in which they could arrive; a body is `resigned`."""

    # -- what must be refused

    def unsigned(self) -> WebhookRequest | None:
        """The genuine request without its proof; None where the scheme has none."""
        return without(self.signed(), self.proof) if self.proof else None

    def proof_twice(self) -> WebhookRequest | None:
        """The genuine request with a second proof beside the right one; None where the scheme has none."""
        if self.proof is None:
            return None
        request = self.signed()
        return replace(request, headers=(*request.headers, (self.proof, dict(request.headers)[self.proof])))

    def stale(self) -> WebhookRequest | None:
        """Genuine in everything, but signed longer ago than is allowed; None where the scheme has no timestamp."""
        return None

    # -- what is genuine and hostile

    @abstractmethod
    def unreadable(self) -> dict[str, bytes]:
        """Bodies that no event can be made of, by what is wrong with them."""

    @abstractmethod
    def deep(self) -> Body:
        """Nested 1,000 deep, as far as the format can nest."""

    @abstractmethod
    def long_number(self) -> Body:
        """A number of 5,000 digits where a number is read."""

    @abstractmethod
    def lone_surrogate(self) -> Body:
        """Half a pair in the text of a message (in UTF-8: ED A0 80; in JSON: \\ud800)."""

    @abstractmethod
    def nul(self) -> Body:
        """U+0000 in the text of a message."""

    @abstractmethod
    def unknown_kind(self) -> Body:
        """A kind of event that no document names. `entry` where it is shown as unsupported."""

    @abstractmethod
    def foreign(self) -> Body:
        """An event for another account's address."""

    # -- for the tests

    @property
    def adapter(self) -> Adapter:
        """The adapter under test."""
        return adapter_for(self.account.provider, self.account.channel)

    @property
    def name(self) -> str:
        """How the matrix calls the provider."""
        return f"{self.account.provider} {self.account.channel}"

    def requests(self) -> dict[str, WebhookRequest]:
        """`kinds`, each as a request."""
        return {
            name: kind if isinstance(kind, WebhookRequest) else self.resigned(kind)
            for name, kind in self.kinds().items()
        }

    def hostile(self) -> dict[str, Body]:
        """Every hostile body by the name of its case."""
        return {
            "nested 1,000 deep": self.deep(),
            "number of 5,000 digits": self.long_number(),
            "lone surrogate": self.lone_surrogate(),
            "U+0000": self.nul(),
            "unknown kind": self.unknown_kind(),
            "another account's address": self.foreign(),
        }


def without(request: WebhookRequest, name: str | None) -> WebhookRequest:
    """The request with a header taken out."""
    return replace(request, headers=tuple(pair for pair in request.headers if pair[0] != name))
