"""Twilio's voice webhooks as the tests make them: fields, encoded, signed by Twilio's own library."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote_plus, urlencode

from twilio.request_validator import RequestValidator

from adapters.base import AccountConfig, WebhookRequest
from tests.contract.channels.harness import Body, HarnessBase

FORM = "application/x-www-form-urlencoded"
TOKEN = "0123456789abcdef0123456789abcdef"
ACCOUNT_SID = "AC00000000000000000000000000000001"
PUBLIC_URL = "https://desk.example.com/hooks/voice-main"
NUMBER = "+15105550100"
CUSTOMER = "+14155550123"
CALL_SID = "CA0123456789abcdef0123456789abcdef"
CALL = "0197b6c2-5c3f-7c1e-8a4b-0123456789ab"
LEG = "0197b6c2-5c3f-7c1e-8a4b-0123456789ac"
FIXTURES = Path(__file__).parent / "fixtures"
QUERIES = {
    "menu": f"call={CALL}&at=.0",
    "recording": f"call={CALL}&kind=voicemail",
    "leg": f"leg={LEG}",
    "agent": f"leg={LEG}",
    "pressed": f"leg={LEG}",
    "status": "",
    "fallback": "",
}

Pairs = list[tuple[str, str]]


class Fields(dict[str, list[str]]):
    """A multi-value mapping as Twilio's library accepts it."""

    def getall(self, name: str) -> list[str]:
        return self[name]


def account(**changes: object) -> AccountConfig:
    """The account of the tests, with changes."""
    values: dict[str, object] = {
        "id": "voice-main",
        "channel": "voice",
        "provider": "twilio",
        "address": NUMBER,
        "secrets": (TOKEN,),
        "region": "US",
        "public_url": PUBLIC_URL,
        "settings": {"account_sid": ACCOUNT_SID},
    }
    return AccountConfig(**{**values, **changes})  # type: ignore[arg-type]


def call(**changes: str) -> Pairs:
    """The fields of an incoming call, with changes."""
    fields = {"CallSid": CALL_SID, "AccountSid": ACCOUNT_SID, "From": CUSTOMER, "To": NUMBER}
    return list({**fields, "CallStatus": "ringing", "Direction": "inbound", **changes}.items())


def sign(url: str, pairs: Iterable[tuple[str, str]], secret: str = TOKEN) -> str:
    """The signature over a URL and fields, by Twilio's library."""
    fields = Fields()
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    signature: str = RequestValidator(secret).compute_signature(url, fields)
    return signature


def form(body: bytes, *, step: str | None = None, query: str = "", secret: str = TOKEN) -> WebhookRequest:
    """Any form, signed as the library's users decode it: what is not UTF-8 becomes U+FFFD."""
    pairs = [part.partition(b"=") for part in body.split(b"&") if part]
    fields = [(_text(name), _text(value)) for name, _, value in pairs]
    url = PUBLIC_URL + (f"/{step}" if step else "") + (f"?{query}" if query else "")
    headers = (("host", "internal:8080"), ("content-type", FORM), ("x-twilio-signature", sign(url, fields, secret)))
    path = "/hooks/voice-main" + (f"/{step}" if step else "")
    return WebhookRequest(method="POST", path=path, query=query, headers=headers, body=body, step=step)


def fixture(name: str) -> WebhookRequest:
    """A fixture as the request it is the body of: its step stands in its name."""
    body = b"&".join((FIXTURES / f"{name}.form").read_bytes().split())
    step = name.partition("_")[0]
    return form(body) if step == "00" else form(body, step=step, query=QUERIES.get(step, f"call={CALL}"))


class Harness(HarnessBase):
    """Twilio's voice webhooks, signed by Twilio's own library."""

    account = account()
    proof = "x-twilio-signature"
    covers_address = True
    content_type_decides = True

    def signed(self, secret: str | None = None) -> WebhookRequest:
        return form(urlencode(call()).encode(), query="from=console", secret=secret or TOKEN)

    def resigned(self, body: bytes) -> WebhookRequest:
        return form(body, query="from=console")

    def kinds(self) -> dict[str, bytes | WebhookRequest]:
        return {path.stem: fixture(path.stem) for path in sorted(FIXTURES.glob("*.form"))}

    def unreadable(self) -> dict[str, bytes]:
        genuine = urlencode(call()).encode()
        return {
            "empty": b"",
            "cut after the first field": genuine.split(b"&")[0],
            "not an incoming call": urlencode(call(Direction="outbound-dial")).encode(),
            "U+0000": genuine + b"%00&X=1",
            "lone surrogate": genuine + b"&X=%ED%A0%80",
            "not UTF-8": genuine + b"&X=%FF",
            "over-long key": urlencode(call(CallSid="C" * 300)).encode(),
            "key twice": genuine + b"&CallSid=CA2",
            "too many fields": genuine + b"".join(b"&X%d=1" % index for index in range(300)),
            "another account's": urlencode(call(AccountSid="AC" + "9" * 32)).encode(),
            "another number's": urlencode(call(To="+15105550199")).encode(),
        }

    def deep(self) -> Body:
        # A form cannot nest: it is the caller's name.
        return Body(urlencode(call(CallSid="CA" + "d" * 32, CallerName="[" * 1000)).encode(), "entry")

    def long_number(self) -> Body:
        return Body(urlencode(call(From="+" + "9" * 5000)).encode())

    def lone_surrogate(self) -> Body:
        return Body(urlencode(call(CallerName="")).encode() + b"&CallerName=%ED%A0%80")

    def nul(self) -> Body:
        return Body(urlencode(call()).encode() + b"&CallerName=a%00")

    def unknown_kind(self) -> Body:
        return Body(urlencode(call(Direction="sideways")).encode())

    def foreign(self) -> Body:
        return Body(urlencode(call(To="+15105550199")).encode())


def _text(raw: bytes) -> str:
    return unquote_plus(raw.decode("utf-8", "replace"), errors="replace")
