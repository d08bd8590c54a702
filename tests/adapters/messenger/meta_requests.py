"""Messenger's webhooks as the tests make them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.adapters.meta_signing import MetaHarness, account, dumped
from tests.contract.channels.harness import Body

FIXTURES = Path(__file__).parent / "fixtures"
OUR_ID = "100000000000001"
CUSTOMER = "6254100000000001"
ACCOUNT = account("messenger-main", "messenger", OUR_ID)


class Harness(MetaHarness):
    """Messenger by Meta."""

    account = ACCOUNT
    fixtures = FIXTURES
    genuine = "meta_text"

    def text_of(self, delivery: Any) -> str:
        return str(first_event(delivery)["message"]["text"])

    def with_id(self, identity: str) -> bytes:
        return self.with_event(message={"mid": identity, "text": "Hello"})

    def with_event(self, **changes: Any) -> bytes:
        """The genuine event with other fields."""
        delivery = self.fixture(self.genuine)
        first_event(delivery).update(changes)
        return dumped(delivery)

    def unreadable(self) -> dict[str, bytes]:
        return super().unreadable() | {
            "nothing happened": self.with_event(message=None).replace(b',"message":null', b""),
            "no sender's id": self.with_event(sender={"id": ""}),
            "to another account": self.with_event(recipient={"id": "42"}),
        }

    def long_number(self) -> Body:
        return Body(self.with_event(timestamp=10**17).replace(b"1" + b"0" * 17, b"9" * 5000))

    def unknown_kind(self) -> Body:
        return Body(self.with_event(message=None, telepathy={"thought": "…"}).replace(b'"message":null,', b""))

    def foreign(self) -> Body:
        return Body(dumped(self.fixture(self.genuine)).replace(OUR_ID.encode(), b"999888777666555"))


def first_event(delivery: Any) -> Any:
    """The event of a delivery that has one."""
    return delivery["entry"][0]["messaging"][0]
