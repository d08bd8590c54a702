"""Twilio's webhooks as the tests make them: fields, encoded, signed by Twilio's own library."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

from adapters.base import AccountConfig, WebhookRequest

FORM = "application/x-www-form-urlencoded"
TOKEN = "0123456789abcdef0123456789abcdef"
OLD_TOKEN = "fedcba9876543210fedcba9876543210"
ACCOUNT_SID = "AC00000000000000000000000000000001"
PUBLIC_URL = "https://desk.example.com/hooks/sms-main"
NUMBER = "+15105550100"
CUSTOMER = "+14155550123"
MESSAGE_SID = "SM0123456789abcdef0123456789abcdef"

FIXTURES = Path(__file__).parent / "fixtures"

Pairs = list[tuple[str, str]]


class Fields(dict[str, list[str]]):
    """A multi-value mapping as Twilio's library accepts it."""

    def getall(self, name: str) -> list[str]:
        return self[name]


def account(**changes: object) -> AccountConfig:
    """The account of the tests, with changes."""
    values: dict[str, object] = {
        "id": "sms-main",
        "channel": "sms",
        "provider": "twilio",
        "address": NUMBER,
        "secrets": (TOKEN,),
        "region": "US",
        "public_url": PUBLIC_URL,
        "settings": {"account_sid": ACCOUNT_SID},
    }
    return AccountConfig(**{**values, **changes})  # type: ignore[arg-type]


def message(**changes: str) -> Pairs:
    """The fields of an incoming message, with changes; None-like removal is done by the caller."""
    fields = {
        "MessageSid": MESSAGE_SID,
        "AccountSid": ACCOUNT_SID,
        "From": CUSTOMER,
        "To": NUMBER,
        "Body": "Hello",
        "NumMedia": "0",
    }
    return list({**fields, **changes}.items())


def sign(url: str, pairs: Iterable[tuple[str, str]], secret: str = TOKEN, algorithm: str | None = None) -> str:
    """The signature over a URL and fields, by Twilio's library."""
    fields = Fields()
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    signature: str = RequestValidator(secret).compute_signature(url, fields, algorithm)
    return signature


def request(
    body: bytes, signature: str | None, *, step: str | None = None, query: str = "", kind: str = FORM
) -> WebhookRequest:
    """A request as the gateway hands it over."""
    headers: tuple[tuple[str, str], ...] = (("host", "internal:8080"), ("content-type", kind))
    headers += (("x-twilio-signature", signature),) if signature is not None else ()
    path = "/hooks/sms-main" + (f"/{step}" if step else "")
    return WebhookRequest(method="POST", path=path, query=query, headers=headers, body=body, step=step)


def signed(pairs: Pairs, *, step: str | None = None, query: str = "", secret: str = TOKEN) -> WebhookRequest:
    """A genuine webhook with these fields."""
    url = PUBLIC_URL + (f"/{step}" if step else "") + (f"?{query}" if query else "")
    return request(urlencode(pairs).encode(), sign(url, pairs, secret), step=step, query=query)


def fixture(name: str) -> bytes:
    """A captured form body."""
    return b"&".join((FIXTURES / f"{name}.form").read_bytes().split())
