"""Telegram's proof is the secret of `setWebhook`, given back in a header: https://core.telegram.org/bots/api#setwebhook.

The document publishes no vector, for nothing is signed; what it says of the secret is held: 1 to 256 characters of A to
Z, a to z, 0 to 9, _ and -.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from adapters.base import Forged, WebhookRequest
from adapters.registry import adapter_for
from tests.adapters.telegram.telegram_requests import ACCOUNT

TELEGRAM = adapter_for("telegram", "telegram")
HEADER = "x-telegram-bot-api-secret-token"


def asked(*headers: tuple[str, str]) -> WebhookRequest:
    return WebhookRequest("POST", "/hooks/telegram-main", "", headers, b"{}")


@pytest.mark.parametrize("secret", ["a", "AZaz09_-", "x" * 256])
def test_the_secret_given_back_verifies(secret: str) -> None:
    account = replace(ACCOUNT, secrets=("another", secret))
    TELEGRAM.verify(asked((HEADER, secret)), account)
    assert TELEGRAM.check_account(account) == []


@pytest.mark.parametrize("headers", [(), ((HEADER, ""),), ((HEADER, "wYz_3fG-9aB1c2D4"),), ((HEADER, "ü"),)])
def test_nothing_else_verifies(headers: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(Forged):
        TELEGRAM.verify(asked(*headers), ACCOUNT)


@pytest.mark.parametrize("secret", ["has space", "ümlaut", "x" * 257, "semi;colon"])
def test_a_secret_that_telegram_does_not_take_is_named_at_the_start(secret: str) -> None:
    assert any("does not take" in problem for problem in TELEGRAM.check_account(replace(ACCOUNT, secrets=(secret,))))
