"""Twilio's webhooks as the tests make them: fields, encoded, signed by Twilio's own library."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote_plus, urlencode

from twilio.request_validator import RequestValidator

from adapters.base import AccountConfig, WebhookRequest
from tests.contract.channels.harness import Body, HarnessBase

FORM = "application/x-www-form-urlencoded"
TOKEN = "0123456789abcdef0123456789abcdef"
OLD_TOKEN = "fedcba9876543210fedcba9876543210"
ACCOUNT_SID = "AC00000000000000000000000000000001"
PUBLIC_URL = "https://desk.example.com/hooks/sms-main"
NUMBER = "+15105550100"
CUSTOMER = "+14155550123"
MESSAGE_SID = "SM0123456789abcdef0123456789abcdef"
ENTRY = "0197b6c2-5c3f-7c1e-8a4b-0123456789ab"

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


class Harness(HarnessBase):
    """Twilio's SMS webhooks, signed by Twilio's own library."""

    account = account()
    proof = "x-twilio-signature"
    covers_address = True
    content_type_decides = True

    def signed(self, secret: str | None = None) -> WebhookRequest:
        return signed(message(), query="from=console", secret=secret or TOKEN)

    def resigned(self, body: bytes) -> WebhookRequest:
        return resigned(body, query="from=console")

    def kinds(self) -> dict[str, bytes | WebhookRequest]:
        names = sorted(path.stem for path in FIXTURES.glob("*.form"))
        return {
            name: resigned(fixture(name), step="status", query=f"entry={ENTRY}")
            if name.startswith("status")
            else fixture(name)
            for name in names
        }

    def unreadable(self) -> dict[str, bytes]:
        genuine = urlencode(message()).encode()
        return {
            "empty": b"",
            "cut after the first field": genuine.split(b"&")[0],
            "unknown kind": urlencode(message(SmsStatus="exploded")).encode(),
            "U+0000": genuine + b"%00&X=1",
            "lone surrogate": genuine + b"&X=%ED%A0%80",
            "not UTF-8": genuine + b"&X=%FF",
            "over-long key": urlencode(message(MessageSid="S" * 300)).encode(),
            "key twice": genuine + b"&MessageSid=SM2",
            "too many fields": genuine + b"".join(b"&X%d=1" % index for index in range(300)),
            "another account's": urlencode(message(AccountSid="AC" + "9" * 32)).encode(),
        }

    def deep(self) -> Body:
        # A form cannot nest: it is the customer's text.
        return Body(urlencode(message(MessageSid="SM" + "d" * 32, Body="[" * 1000)).encode(), "entry")

    def long_number(self) -> Body:
        return Body(urlencode(message(NumMedia="9" * 5000)).encode())

    def lone_surrogate(self) -> Body:
        return Body(urlencode(message(Body="")).encode() + b"%ED%A0%80")

    def nul(self) -> Body:
        return Body(urlencode(message(Body="a")).encode().replace(b"Body=a", b"Body=a%00"))

    def unknown_kind(self) -> Body:
        return Body(urlencode(message(SmsStatus="exploded")).encode())

    def foreign(self) -> Body:
        return Body(urlencode(message(AccountSid="AC" + "9" * 32)).encode())


def resigned(body: bytes, *, step: str | None = None, query: str = "") -> WebhookRequest:
    """Any form, signed as the library's users decode it: what is not UTF-8 becomes U+FFFD."""
    pairs = [part.partition(b"=") for part in body.split(b"&") if part]
    fields = [(_text(name), _text(value)) for name, _, value in pairs]
    url = PUBLIC_URL + (f"/{step}" if step else "") + (f"?{query}" if query else "")
    return request(body, sign(url, fields), step=step, query=query)


def _text(raw: bytes) -> str:
    return unquote_plus(raw.decode("utf-8", "replace"), errors="replace")
