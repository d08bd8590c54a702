"""What the tests of carriers share whose webhooks are JSON: fixtures, and hostile bodies of them."""

from __future__ import annotations

import copy
import json
from abc import abstractmethod
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from adapters.base import WebhookRequest
from adapters.testing import Body, HarnessBase

FIXTURES = Path(__file__).parent / "fixtures"
Way = tuple[str | int, ...]


class CarrierHarness(HarnessBase):
    """A carrier says where things stand in a message, and how a body is signed."""

    words: ClassVar[Way]
    """Where the words of the fixture `text` stand."""
    number: ClassVar[Way]
    """Where a number stands that is read."""
    ours: ClassVar[Way]
    """Where our number, or what stands for it, is."""
    kind: ClassVar[Way]
    """Where the kind of event is."""
    needed: ClassVar[Way]
    """Where the id of the message is."""
    unknown_becomes: ClassVar[str] = "letter"

    @abstractmethod
    def signed_at(self, body: bytes, secret: str, at: datetime | None = None) -> WebhookRequest:
        """A webhook with this body, proved as the carrier does."""

    def fixture(self, kind: str) -> Any:
        """A fixture's JSON."""
        return json.loads((FIXTURES / f"{self.account.provider}_{kind}.json").read_bytes())

    def changed(self, way: Way, value: object) -> bytes:
        """The genuine message with something else there."""
        whole = copy.deepcopy(self.fixture("text"))
        place = whole
        for step in way[:-1]:
            place = place[step]
        place[way[-1]] = value
        return json.dumps(whole).encode()

    def literal(self, way: Way, text: str) -> bytes:
        """The same with a piece of JSON as it stands."""
        return self.changed(way, "HERE").replace(b'"HERE"', text.encode("utf-8", "surrogatepass"))

    def signed(self, secret: str | None = None) -> WebhookRequest:
        return self.signed_at(self.changed(self.words, "Hello"), secret or self.account.secrets[0])

    def resigned(self, body: bytes) -> WebhookRequest:
        return self.signed_at(body, self.account.secrets[0])

    def kinds(self) -> dict[str, bytes | WebhookRequest]:
        return {path.stem: path.read_bytes() for path in sorted(FIXTURES.glob(f"{self.account.provider}_*.json"))}

    def unreadable(self) -> dict[str, bytes]:
        return {
            "empty": b"",
            "no JSON": b"text=Hello",
            "not UTF-8": self.changed(self.words, "x").replace(b'"x"', b'"\xff"'),
            "a number for words": self.literal(self.words, "7"),
            "no id": self.changed(self.needed, ""),
            "an id of an object": self.literal(self.needed, "{}"),
        }

    def deep(self) -> Body:
        return Body(self.literal(self.words, "[" * 1000 + "]" * 1000))

    def long_number(self) -> Body:
        return Body(self.literal(self.number, "9" * 5000))

    def lone_surrogate(self) -> Body:
        return Body(self.literal(self.words, '"\\ud83d and no other half"'))

    def nul(self) -> Body:
        return Body(self.literal(self.words, '"a\\u0000b"'))

    def unknown_kind(self) -> Body:
        return Body(self.changed(self.kind, "telepathy"), self.unknown_becomes)  # type: ignore[arg-type]

    def foreign(self) -> Body:
        return Body(self.changed(self.ours, "+15105550199"))
