"""The Cloud API's webhooks as the tests make them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.adapters.meta_signing import MetaHarness, account, dumped
from tests.contract.channels.harness import Body

FIXTURES = Path(__file__).parent / "fixtures"
NUMBER = "+15005550008"
PHONE_NUMBER_ID = "111222333444555"
CUSTOMER = "+14155550123"
ACCOUNT = account("whatsapp-main", "whatsapp", NUMBER, phone_number_id=PHONE_NUMBER_ID)


class Harness(MetaHarness):
    """WhatsApp by Meta's Cloud API."""

    account = ACCOUNT
    fixtures = FIXTURES
    genuine = "cloud_text"

    def text_of(self, delivery: Any) -> str:
        return str(first_message(delivery)["text"]["body"])

    def with_id(self, identity: str) -> bytes:
        return self.with_message(id=identity)

    def with_message(self, **changes: Any) -> bytes:
        """The genuine message with other fields."""
        delivery = self.fixture(self.genuine)
        first_message(delivery).update(changes)
        return dumped(delivery)

    def unreadable(self) -> dict[str, bytes]:
        return super().unreadable() | {
            "nobody": self.with_message(**{"from": "ACME", "from_user_id": "?"})
            .replace(b"14155550123", b"ACME")
            .replace(b"US.13579246801357924680", b"?")
        }

    def long_number(self) -> Body:
        return Body(self.with_message(timestamp=10**17).replace(b"1" + b"0" * 17, b"9" * 5000))

    def unknown_kind(self) -> Body:
        return Body(self.with_message(type="telepathy"), "entry")

    def foreign(self) -> Body:
        return Body(dumped(self.fixture(self.genuine)).replace(PHONE_NUMBER_ID.encode(), b"999888777666555"))


def first_message(delivery: Any) -> Any:
    """The message of a delivery that has one."""
    return delivery["entry"][0]["changes"][0]["value"]["messages"][0]
