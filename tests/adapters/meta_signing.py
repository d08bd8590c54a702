"""Webhooks of Meta as the tests make them, signed by the scheme as its document has it.

https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validate-payloads: "sha256=" and the HMAC-SHA256
of the payload with the app secret, in hexadecimal.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from abc import abstractmethod
from pathlib import Path
from typing import Any

from adapters.base import AccountConfig, WebhookRequest
from tests.contract.channels.harness import Body, HarnessBase

SECRET = "0123456789abcdef0123456789abcdef"
VERIFY_TOKEN = "between-us-and-meta"
ACCESS_TOKEN = "EAAG-token-of-a-system-user"


def sign(body: bytes, secret: str = SECRET) -> str:
    """The value of X-Hub-Signature-256."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def posted(account: str, body: bytes, secret: str = SECRET) -> WebhookRequest:
    """A genuine request with this body."""
    headers = (
        ("host", "internal:8080"),
        ("content-type", "application/json"),
        ("user-agent", "facebookexternalua"),
        ("x-hub-signature", "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()),
        ("x-hub-signature-256", sign(body, secret)),
    )
    return WebhookRequest("POST", f"/hooks/{account}", "", headers, body)


def challenge(query: str) -> WebhookRequest:
    """Meta asking whether the address is ours."""
    return WebhookRequest("GET", "/hooks/x", query, (("host", "internal:8080"),), b"")


class MetaHarness(HarnessBase):
    """What the channels of Meta share; a channel names its account, its fixtures, and what it calls text."""

    proof = "x-hub-signature-256"
    fixtures: Path
    genuine: str
    """The fixture of a plain text."""

    def fixture(self, name: str) -> Any:
        """A fixture's JSON."""
        return json.loads((self.fixtures / f"{name}.json").read_bytes())

    def signed(self, secret: str | None = None) -> WebhookRequest:
        return posted(self.account.id, dumped(self.fixture(self.genuine)), secret or SECRET)

    def resigned(self, body: bytes) -> WebhookRequest:
        return posted(self.account.id, body)

    def kinds(self) -> dict[str, bytes | WebhookRequest]:
        paths = sorted(self.fixtures.glob(f"{self.genuine.partition('_')[0]}_*.json"))
        return {path.stem: path.read_bytes() for path in paths}

    def saying(self, text: str) -> bytes:
        """The genuine message with this text, a JSON string literal."""
        words = self.text_of(self.fixture(self.genuine))
        body = dumped(self.fixture(self.genuine))
        assert body.count(json.dumps(words).encode()) == 1
        return body.replace(json.dumps(words).encode(), text.encode("utf-8", "surrogatepass"))

    @abstractmethod
    def text_of(self, delivery: Any) -> str:
        """The words of a delivery."""

    def changed(self, **changes: Any) -> bytes:
        """The genuine message with other fields at its top."""
        return dumped({**self.fixture(self.genuine), **changes})

    def unreadable(self) -> dict[str, bytes]:
        genuine = dumped(self.fixture(self.genuine))
        return {
            "empty": b"",
            "cut": genuine[:-3],
            "no JSON": b"hub.mode=subscribe",
            "a list": b"[]",
            "null": b"null",
            "no entry": self.changed(entry=[]),
            "entry is no list": self.changed(entry={}),
            "another object": self.changed(object="user"),
            "not UTF-8": self.saying('"x"').replace(b'"x"', b'"\xff"'),
            "U+0000": self.saying('"a\\u0000b"'),
            "lone surrogate": self.saying('"\\ud800"'),
            "over-long id": self.with_id("m" * 400),
            "empty id": self.with_id(""),
        }

    @abstractmethod
    def with_id(self, identity: str) -> bytes:
        """The genuine message under another id."""

    def deep(self) -> Body:
        return Body(self.changed()[:-1] + b',"x":' + b"[" * 1000 + b"]" * 1000 + b"}")

    def lone_surrogate(self) -> Body:
        return Body(self.saying('"\\ud83d and no other half"'))

    def nul(self) -> Body:
        return Body(self.saying('"a\\u0000b"'))


def dumped(delivery: Any) -> bytes:
    """As Meta sends it: without spaces, ASCII only."""
    return json.dumps(delivery, separators=(",", ":")).encode()


def account(identity: str, channel: str, address: str, **settings: str) -> AccountConfig:
    """An account of the tests."""
    shared = {"access_token": f"{ACCESS_TOKEN}-{channel}", "verify_token": VERIFY_TOKEN}
    return AccountConfig(
        id=identity,
        channel=channel,
        provider="meta",
        address=address,
        secrets=(SECRET,),
        region="US",
        public_url=f"https://desk.example.com/hooks/{identity}",
        settings={**shared, **settings},
    )
