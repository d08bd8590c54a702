"""LINE's webhooks as the tests make them, signed as https://developers.line.biz/en/reference/messaging-api/ says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from adapters.base import AccountConfig, WebhookRequest
from adapters.testing import Body, HarnessBase

FIXTURES = Path(__file__).parent / "fixtures"
SECRET = "8c570fa6dd201bb328f1c1eac23a96d8"
CUSTOMER = "U206d25c2ea6bd87c17655609a1c37cb8"
ACCOUNT = AccountConfig(
    id="line-main",
    channel="line",
    provider="line",
    address="U0000000000000000000000000000bot1",
    secrets=(SECRET,),
    region="JP",
    public_url="https://desk.example.com/hooks/line-main",
    settings={"access_token": "token-of-line"},
)


def fixture(name: str) -> Any:
    """A fixture's JSON."""
    return json.loads((FIXTURES / f"line_{name}.json").read_bytes())


def changed(**changes: Any) -> bytes:
    """The genuine delivery with other fields of its event."""
    whole = fixture("text")
    whole["events"][0] |= changes
    return json.dumps(whole).encode()


def saying(text: str) -> bytes:
    """The genuine message with these words, a JSON literal."""
    whole = fixture("text")
    whole["events"][0]["message"]["text"] = "WORDS"
    return json.dumps(whole).encode().replace(b'"WORDS"', text.encode("utf-8", "surrogatepass"))


def signed(body: bytes, secret: str = SECRET) -> WebhookRequest:
    """A webhook with this body."""
    digest = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    headers = (("content-type", "application/json; charset=utf-8"), ("x-line-signature", digest))
    return WebhookRequest("POST", "/hooks/line-main", "", headers, body)


class Harness(HarnessBase):
    """LINE."""

    account = ACCOUNT
    proof = "x-line-signature"

    def signed(self, secret: str | None = None) -> WebhookRequest:
        return signed(changed(), secret or SECRET)

    def resigned(self, body: bytes) -> WebhookRequest:
        return signed(body)

    def kinds(self) -> dict[str, bytes | WebhookRequest]:
        return {path.stem: path.read_bytes() for path in sorted(FIXTURES.glob("line_*.json"))}

    def unreadable(self) -> dict[str, bytes]:
        return {
            "empty": b"",
            "no JSON": b"events",
            "no destination": json.dumps({"events": []}).encode(),
            "no id": changed(webhookEventId=""),
            "of nobody": changed(source={"type": "user"}),
            "no message": changed(message=None),
            "not UTF-8": saying('"x"').replace(b'"x"', b'"\xff"'),
            "a number for words": saying("7"),
            "off the globe": changed(message={"id": "1", "type": "location", "latitude": 91, "longitude": 0}),
            "too many": json.dumps(fixture("text") | {"events": fixture("text")["events"] * 101}).encode(),
        }

    def deep(self) -> Body:
        return Body(saying("[" * 1000 + "]" * 1000))

    def long_number(self) -> Body:
        return Body(changed(timestamp=17).replace(b": 17,", b": " + b"9" * 5000 + b","))

    def lone_surrogate(self) -> Body:
        return Body(saying('"\\ud83d and no other half"'))

    def nul(self) -> Body:
        return Body(saying('"a\\u0000b"'))

    def unknown_kind(self) -> Body:
        return Body(changed(type="telepathy"))

    def foreign(self) -> Body:
        return Body(json.dumps(fixture("text") | {"destination": "U0000000000000000000000000000bot2"}).encode())
