"""X's webhooks as the tests make them, signed as https://docs.x.com/x-api/webhooks/quickstart says."""

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
SECRET = "0123456789abcdef0123456789abcdef"
OURS, CUSTOMER = "4337869213", "3001969357"
ACCOUNT = AccountConfig(
    id="x-main",
    channel="x",
    provider="x",
    address=OURS,
    secrets=(SECRET,),
    region="US",
    public_url="https://desk.example.com/hooks/x-main",
    settings={
        "consumer_key": "xvz1evFS4wEEPT",
        "access_token": "370773112-GmHx",
        "access_token_secret": "LswwdoUaIvS8l",
    },
)


def fixture(name: str) -> Any:
    """A fixture's JSON."""
    return json.loads((FIXTURES / f"x_{name}.json").read_bytes())


def changed(name: str = "text", **changes: Any) -> bytes:
    """A fixture with other fields in the first message of it."""
    whole = fixture(name)
    whole["direct_message_events"][0].update(changes)
    return json.dumps(whole).encode()


def saying(text: str) -> bytes:
    """The genuine message with these words, a JSON string literal."""
    return changed().replace(b'"Hello World!"', text.encode("utf-8", "surrogatepass"))


def signed(body: bytes, secret: str = SECRET) -> WebhookRequest:
    """A webhook with this body."""
    digest = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    headers = (("content-type", "application/json"), ("x-twitter-webhooks-signature", f"sha256={digest}"))
    return WebhookRequest("POST", "/hooks/x-main", "", headers, body)


class Harness(HarnessBase):
    """X."""

    account = ACCOUNT
    proof = "x-twitter-webhooks-signature"

    def signed(self, secret: str | None = None) -> WebhookRequest:
        return signed(changed(), secret or SECRET)

    def resigned(self, body: bytes) -> WebhookRequest:
        return signed(body)

    def kinds(self) -> dict[str, bytes | WebhookRequest]:
        return {path.stem: path.read_bytes() for path in sorted(FIXTURES.glob("x_*.json"))}

    def unreadable(self) -> dict[str, bytes]:
        return {
            "empty": b"",
            "no JSON": b"crc_token=1",
            "a list": b"[]",
            "nothing happened": json.dumps({"for_user_id": OURS, "users": {}}).encode(),
            "not UTF-8": saying('"x"').replace(b'"x"', b'"\xff"'),
            "an empty id": changed(id=""),
            "an id that is no number": changed(id="1/../2"),
            "no message": changed(message_create=None),
            "a number for words": saying("7"),
            "nobody's": saying('"x"').replace(CUSTOMER.encode(), b""),
        }

    def deep(self) -> Body:
        return Body(saying("[" * 1000 + "]" * 1000))

    def long_number(self) -> Body:
        return Body(changed(message_create=None).replace(b"null", b"9" * 5000))

    def lone_surrogate(self) -> Body:
        return Body(saying('"\\ud83d and no other half"'))

    def nul(self) -> Body:
        return Body(saying('"a\\u0000b"'))

    def unknown_kind(self) -> Body:
        return Body(json.dumps({"for_user_id": OURS, "telepathy": [{"thought": "…"}]}).encode())

    def foreign(self) -> Body:
        return Body(changed().replace(OURS.encode(), b"999888777"))
