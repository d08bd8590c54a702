"""Slack's webhooks as the tests make them.

Signed as https://docs.slack.dev/authentication/verifying-requests-from-slack says.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from adapters.base import AccountConfig, WebhookRequest
from adapters.testing import Body, HarnessBase

FIXTURES = Path(__file__).parent / "fixtures"
SECRET = "8f742231b10e8888abcd99yyyzzz85a6"
APP, CUSTOMER, DIRECT = "A123ABC456", "U2147483697", "D024BE91L"
ACCOUNT = AccountConfig(
    id="slack-main",
    channel="slack",
    provider="slack",
    address=APP,
    secrets=(SECRET,),
    region="US",
    public_url="https://desk.example.com/hooks/slack-main",
    settings={"bot_token": "xoxb-of-the-bot"},
)


def fixture(name: str) -> Any:
    """A fixture's JSON."""
    return json.loads((FIXTURES / f"slack_{name}.json").read_bytes())


def changed(name: str = "text", **changes: Any) -> bytes:
    """A fixture whose event has other fields."""
    whole = fixture(name)
    whole["event"].update(changes)
    return json.dumps(whole).encode()


def saying(text: str) -> bytes:
    """The genuine message with these words, a JSON string literal."""
    return changed(text="WORDS").replace(b'"WORDS"', text.encode("utf-8", "surrogatepass"))


def signed(body: bytes, secret: str = SECRET, at: datetime | None = None) -> WebhookRequest:
    """A webhook with this body: JSON, or a form."""
    time = str(int((at or datetime.now(UTC)).timestamp()))
    digest = hmac.new(secret.encode(), f"v0:{time}:".encode() + body, hashlib.sha256).hexdigest()
    kind = "application/x-www-form-urlencoded" if body.startswith(b"payload=") else "application/json"
    headers = (("content-type", kind), ("x-slack-request-timestamp", time), ("x-slack-signature", f"v0={digest}"))
    return WebhookRequest("POST", "/hooks/slack-main", "", headers, body)


class Harness(HarnessBase):
    """Slack."""

    account = ACCOUNT
    proof = "x-slack-signature"

    def signed(self, secret: str | None = None) -> WebhookRequest:
        return signed(changed(), secret or SECRET)

    def resigned(self, body: bytes) -> WebhookRequest:
        return signed(body)

    def kinds(self) -> dict[str, bytes | WebhookRequest]:
        return {path.stem: path.read_bytes() for path in sorted(FIXTURES.glob("slack_*"))}

    def stale(self) -> WebhookRequest:
        return signed(changed(), at=datetime.now(UTC) - timedelta(minutes=6))

    def unreadable(self) -> dict[str, bytes]:
        whole = fixture("text")
        nobody = json.dumps({"type": "block_actions", "api_app_id": APP, "actions": [{}]})
        return {
            "empty": b"",
            "no JSON": b"{",
            "a list": b"[]",
            "a form without payload": b"payload=",
            "pressed by nobody": urlencode({"payload": nobody}).encode(),
            "U+0000 in what was pressed": urlencode({"payload": nobody[:-1] + ',"x":"\\u0000"}'}).encode(),
            "no event": json.dumps({key: value for key, value in whole.items() if key != "event"}).encode(),
            "another kind of webhook": json.dumps({**whole, "type": "telepathy"}).encode(),
            "not UTF-8": saying('"x"').replace(b'"x"', b'"\xff"'),
            "no time": changed(ts=""),
            "a number for words": saying("7"),
        }

    def deep(self) -> Body:
        return Body(saying("[" * 1000 + "]" * 1000))

    def long_number(self) -> Body:
        return Body(changed("file_share").replace(b"2048", b"9" * 5000))

    def lone_surrogate(self) -> Body:
        return Body(saying('"\\ud83d and no other half"'))

    def nul(self) -> Body:
        return Body(saying('"a\\u0000b"'))

    def unknown_kind(self) -> Body:
        # Whatever it is, Slack tells what somebody says as `message`; an app is told what it subscribed to.
        return Body(changed(type="telepathy"), "nothing")

    def foreign(self) -> Body:
        return Body(changed().replace(APP.encode(), b"A999OTHER0"))
