"""Twilio's webhooks for WhatsApp as the tests make them, signed by Twilio's own library."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote_plus, urlencode

from adapters.base import WebhookRequest
from tests.adapters.sms.twilio_requests import ACCOUNT_SID, FORM, TOKEN, Pairs, account, sign
from tests.contract.channels.harness import Body, HarnessBase

FIXTURES = Path(__file__).parent / "fixtures"
NUMBER = "+15005550009"
CUSTOMER = "+14155550123"
ENTRY = "0197b6c2-5c3f-7c1e-8a4b-0123456789ab"
PUBLIC_URL = "https://desk.example.com/hooks/whatsapp-twilio"
ACCOUNT = account(id="whatsapp-twilio", channel="whatsapp", address=NUMBER, public_url=PUBLIC_URL)


def message(**changes: str) -> Pairs:
    """The fields of an incoming message, with changes."""
    fields = {
        "MessageSid": "SM0123456789abcdef0123456789abcdef",
        "AccountSid": ACCOUNT_SID,
        "From": f"whatsapp:{CUSTOMER}",
        "To": f"whatsapp:{NUMBER}",
        "WaId": CUSTOMER.removeprefix("+"),
        "ProfileName": "Maya",
        "MessageType": "text",
        "Body": "Hello",
        "NumMedia": "0",
    }
    return list({**fields, **changes}.items())


def posted(body: bytes, *, step: str | None = None, query: str = "", secret: str = TOKEN) -> WebhookRequest:
    """Any form, signed as the library's users decode it: what is not UTF-8 becomes U+FFFD."""
    pairs = [part.partition(b"=") for part in body.split(b"&") if part]
    fields = [(_text(name), _text(value)) for name, _, value in pairs]
    url = PUBLIC_URL + (f"/{step}" if step else "") + (f"?{query}" if query else "")
    headers = (("host", "x"), ("content-type", FORM), ("x-twilio-signature", sign(url, fields, secret)))
    path = "/hooks/whatsapp-twilio" + (f"/{step}" if step else "")
    return WebhookRequest("POST", path, query, headers, body, step)


def _text(raw: bytes) -> str:
    return unquote_plus(raw.decode("utf-8", "replace"), errors="replace")


class Harness(HarnessBase):
    """WhatsApp over Twilio."""

    account = ACCOUNT
    proof = "x-twilio-signature"
    covers_address = True
    content_type_decides = True

    def signed(self, secret: str | None = None) -> WebhookRequest:
        return posted(urlencode(message()).encode(), query="from=console", secret=secret or TOKEN)

    def resigned(self, body: bytes) -> WebhookRequest:
        return posted(body, query="from=console")

    def kinds(self) -> dict[str, bytes | WebhookRequest]:
        forms = {path.stem: b"&".join(path.read_bytes().split()) for path in sorted(FIXTURES.glob("twilio_*.form"))}
        return {
            name: posted(form, step="status", query=f"entry={ENTRY}") if name.startswith("twilio_status") else form
            for name, form in forms.items()
        }

    def unreadable(self) -> dict[str, bytes]:
        genuine = urlencode(message()).encode()
        return {
            "empty": b"",
            "cut after the first field": genuine.split(b"&")[0],
            "an SMS": urlencode(message(From=CUSTOMER)).encode(),
            "nobody": urlencode(message(From="whatsapp: ")).encode(),
            "not UTF-8": genuine + b"&X=%FF",
            "over-long key": urlencode(message(MessageSid="S" * 300)).encode(),
            "key twice": genuine + b"&MessageSid=SM2",
            "too many fields": genuine + b"".join(b"&X%d=1" % index for index in range(300)),
            "not on earth": urlencode(message(Latitude="91", Longitude="0")).encode(),
            "no place": urlencode(message(Latitude="1e9", Longitude="0")).encode(),
        }

    def deep(self) -> Body:
        # A form cannot nest: it is the customer's text.
        return Body(urlencode(message(MessageSid="SM" + "d" * 32, Body="[" * 1000)).encode(), "entry")

    def long_number(self) -> Body:
        return Body(urlencode(message(NumMedia="9" * 5000)).encode())

    def lone_surrogate(self) -> Body:
        return Body(urlencode(message(Body="")).encode() + b"&X=%ED%A0%80")

    def nul(self) -> Body:
        return Body(urlencode(message(Body="a")).encode().replace(b"Body=a", b"Body=a%00"))

    def unknown_kind(self) -> Body:
        return Body(urlencode(message(SmsStatus="exploded")).encode())

    def foreign(self) -> Body:
        return Body(urlencode(message(AccountSid="AC" + "9" * 32)).encode())
