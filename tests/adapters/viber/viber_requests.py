"""Viber's callbacks as the tests make them, signed as https://developers.viber.com/docs/api/rest-bot-api/ says."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from adapters.base import AccountConfig, WebhookRequest
from adapters.testing import Body, HarnessBase

FIXTURES = Path(__file__).parent / "fixtures"
SECRET = "44dafb7e0f40021e-61a47a1e6778d187-f2c5a676a07050b4"
CUSTOMER = "01234567890A="
ACCOUNT = AccountConfig(
    id="viber-main",
    channel="viber",
    provider="viber",
    address="pa:5005161151113401122",
    secrets=(SECRET,),
    region="DE",
    public_url="https://desk.example.com/hooks/viber-main",
    settings={"sender_name": "Blue Mugs"},
)


def fixture(name: str) -> Any:
    """A fixture's JSON."""
    return json.loads((FIXTURES / f"viber_{name}.json").read_bytes())


def changed(**changes: Any) -> bytes:
    """The genuine message with other fields."""
    return json.dumps({**fixture("text"), **changes}).encode()


def saying(text: str) -> bytes:
    """The genuine message with these words, a JSON string literal."""
    whole = fixture("text")
    whole["message"]["text"] = "WORDS"
    return json.dumps(whole).encode().replace(b'"WORDS"', text.encode("utf-8", "surrogatepass"))


def signed(body: bytes, secret: str = SECRET) -> WebhookRequest:
    """A callback with this body."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = (("content-type", "application/json"), ("x-viber-content-signature", digest))
    return WebhookRequest("POST", "/hooks/viber-main", "", headers, body)


class Harness(HarnessBase):
    """Viber."""

    account = ACCOUNT
    proof = "x-viber-content-signature"

    def signed(self, secret: str | None = None) -> WebhookRequest:
        return signed(changed(), secret or SECRET)

    def resigned(self, body: bytes) -> WebhookRequest:
        return signed(body)

    def kinds(self) -> dict[str, bytes | WebhookRequest]:
        return {path.stem: path.read_bytes() for path in sorted(FIXTURES.glob("viber_*.json"))}

    def unreadable(self) -> dict[str, bytes]:
        return {
            "empty": b"",
            "no JSON": b"event=message",
            "a list": b"[]",
            "no token": changed(message_token=None),
            "an empty token": changed(message_token=""),
            "no sender": changed(sender=None),
            "no message": changed(message=None),
            "not UTF-8": saying('"x"').replace(b'"x"', b'"\xff"'),
            "a number for words": saying("7"),
            "a receipt of no message": json.dumps({"event": "seen", "user_id": CUSTOMER}).encode(),
            "subscribed by nobody": changed(event="subscribed"),
        }

    def deep(self) -> Body:
        return Body(saying("[" * 1000 + "]" * 1000))

    def long_number(self) -> Body:
        return Body(changed(message_token=17).replace(b": 17,", b": " + b"9" * 5000 + b","))

    def lone_surrogate(self) -> Body:
        return Body(saying('"\\ud83d and no other half"'))

    def nul(self) -> Body:
        return Body(saying('"a\\u0000b"'))

    def unknown_kind(self) -> Body:
        return Body(changed(event="telepathy"))

    def foreign(self) -> Body:
        # Nothing in a callback names the bot: its token, which signs, is what tells bots apart.
        return Body(changed(message_token=4912661846655238999, chat_hostname="SN-OTHER"), "entry")
