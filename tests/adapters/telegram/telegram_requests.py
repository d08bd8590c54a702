"""Telegram's updates as the tests make them, with the secret as https://core.telegram.org/bots/api#setwebhook says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from adapters.base import AccountConfig, WebhookRequest
from adapters.testing import Body, HarnessBase

FIXTURES = Path(__file__).parent / "fixtures"
SECRET = "wYz_3fG-9aB1c2D3"
CUSTOMER = "1111111"
ACCOUNT = AccountConfig(
    id="telegram-main",
    channel="telegram",
    provider="telegram",
    address="123456789",
    secrets=(SECRET,),
    region="DE",
    public_url="https://desk.example.com/hooks/telegram-main",
    settings={"bot_token": "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"},
)


def fixture(name: str) -> Any:
    """A fixture's JSON."""
    return json.loads((FIXTURES / f"telegram_{name}.json").read_bytes())


def changed(**changes: Any) -> bytes:
    """The genuine message with other fields."""
    whole = fixture("text")
    whole["message"] |= changes
    return json.dumps(whole).encode()


def saying(text: str) -> bytes:
    """The genuine message with these words, a JSON literal."""
    return changed(text="WORDS").replace(b'"WORDS"', text.encode("utf-8", "surrogatepass"))


def signed(body: bytes, secret: str = SECRET) -> WebhookRequest:
    """An update with this body."""
    headers = (("content-type", "application/json"), ("x-telegram-bot-api-secret-token", secret))
    return WebhookRequest("POST", "/hooks/telegram-main", "", headers, body)


class Harness(HarnessBase):
    """Telegram."""

    account = ACCOUNT
    proof = "x-telegram-bot-api-secret-token"
    covers_body = False

    def signed(self, secret: str | None = None) -> WebhookRequest:
        return signed(changed(), secret or SECRET)

    def resigned(self, body: bytes) -> WebhookRequest:
        return signed(body)

    def kinds(self) -> dict[str, bytes | WebhookRequest]:
        return {path.stem: path.read_bytes() for path in sorted(FIXTURES.glob("telegram_*.json"))}

    def unreadable(self) -> dict[str, bytes]:
        return {
            "empty": b"",
            "no JSON": b"update",
            "no id": json.dumps({"message": fixture("text")["message"]}).encode(),
            "of nothing": json.dumps({"update_id": 1}).encode(),
            "no chat": changed(chat=None),
            "not UTF-8": saying('"x"').replace(b'"x"', b'"\xff"'),
            "a number for words": saying("7"),
            "off the globe": changed(location={"latitude": 91, "longitude": 0}),
        }

    def deep(self) -> Body:
        return Body(saying("[" * 1000 + "]" * 1000))

    def long_number(self) -> Body:
        return Body(changed(date=17).replace(b": 17", b": " + b"9" * 5000))

    def lone_surrogate(self) -> Body:
        return Body(saying('"\\ud83d and no other half"'))

    def nul(self) -> Body:
        return Body(saying('"a\\u0000b"'))

    def unknown_kind(self) -> Body:
        return Body(json.dumps({"update_id": 99, "telepathy": {"message_id": 1}}).encode(), "nothing")

    def foreign(self) -> Body:
        # Nothing in an update names the bot: its secret is what tells bots apart.
        return Body(changed(via_bot={"id": 987654321, "is_bot": True, "first_name": "Other"}), "entry")
