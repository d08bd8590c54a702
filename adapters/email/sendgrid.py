"""SendGrid's Inbound Parse, parsed or raw (`email` holds the mail itself).

https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook. Configure the
destination as `https://hook:SECRET@…/hooks/{account}`; with a security policy that signs, give its key as
`settings.public_key`: then both must be right
(https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/securing-your-parse-webhooks). SendGrid drops a mail
that is answered 4xx at once, and tries for 72 h on 5xx.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from msgspec import Struct

from adapters.base import AccountConfig, Forged, ParseError, WebhookRequest
from adapters.email.adapter import MailAdapter, verify_secret, within
from adapters.email.event import Arrival, events_of
from adapters.email.form import Form
from adapters.email.headers import Headers, split
from adapters.email.letter import Letter, file_name, media_type, read_source
from adapters.email.proof import by_sendgrid
from adapters.email.reply_address import is_ours
from model.inbound import InboundEvent, InboundFile

SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
Read = TypeVar("Read")


class _Envelope(Struct, frozen=True):
    to: list[str] = []
    from_: str = msgspec.field(default="", name="from")


class _Info(Struct, frozen=True):
    content_id: str | None = msgspec.field(default=None, name="content-id")


_envelope = msgspec.json.Decoder(_Envelope).decode
_charsets = msgspec.json.Decoder(dict[str, str]).decode
_infos = msgspec.json.Decoder(dict[str, _Info]).decode


class SendGridMail(MailAdapter):
    """The adapter."""

    provider = "sendgrid"
    settings = ("public_key", "tolerance_seconds")

    def _problems(self, account: AccountConfig) -> Iterator[str]:
        if account.settings.get("public_key") and _key(account) is None:
            yield "settings.public_key is no ECDSA key: copy it whole from the security policy"

    def verify(self, request: WebhookRequest, account: AccountConfig) -> None:
        """The secret, and where a key is configured SendGrid's signature over time and body."""
        verify_secret(request, account)
        if account.settings.get("public_key"):
            _verify_signature(request, account)

    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """The events of one parsed mail."""
        form = Form(request)
        if "headers" not in form and "email" not in form:
            raise ParseError("missing, and there is no raw mail in email either", "headers")
        envelope = _read(_envelope, form, "envelope", _Envelope())
        if envelope.to and not any(is_ours(each, account) for each in envelope.to):
            raise ParseError("another account's: name it in settings.recipients if it is ours", "envelope")
        source = form.raw("email")
        letter = read_source(source) if source is not None else _letter(form)
        parts = [source] if source is not None else [form.raw(name) or b"" for name in ("headers", "text", "html")]
        key = sha256(b"\0".join(parts)).hexdigest()
        proof = by_sendgrid(form.text("dkim"), form.text("SPF"), envelope.from_)
        return events_of(letter, Arrival(key, proof, tuple(envelope.to[:50])), account)


def _letter(form: Form) -> Letter:
    none: dict[str, str] = {}
    charsets = _read(_charsets, form, "charsets", none)
    headers, _ = split((form.raw("headers") or b"").rstrip(b"\r\n") + b"\n\n")
    letter = Letter(Headers(headers.fields, cut=headers.cut), None, None, [])
    letter.text = form.text("text", charsets.get("text")) if "text" in form else None
    letter.html = form.text("html", charsets.get("html")) if "html" in form else None
    nothing: dict[str, _Info] = {}
    infos = _read(_infos, form, "attachment-info", nothing)
    for file in form.files:
        info = infos.get(file.field)
        content_id = (info.content_id or "").strip("<> ")[:250] if info else ""
        letter.attach(InboundFile(file_name(file.name), media_type(file.content_type), file.data, content_id or None))
    return letter


def _read(decode: Callable[[bytes], Read], form: Form, name: str, otherwise: Read) -> Read:
    """A field that holds JSON; where it is absent or unreadable, the mail is read without it."""
    try:
        return decode(form.raw(name) or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return otherwise


def _key(account: AccountConfig) -> EllipticCurvePublicKey | None:
    """The configured key; the console gives it as base64 of DER, without lines."""
    try:
        key = load_der_public_key(binascii.a2b_base64(account.settings["public_key"], strict_mode=True))
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, EllipticCurvePublicKey) else None


def _verify_signature(request: WebhookRequest, account: AccountConfig) -> None:
    key, timestamp, given = _key(account), request.header(TIMESTAMP), request.header(SIGNATURE)
    if key is None or not timestamp or not given or not timestamp.isascii():
        raise Forged("not signed, or settings.public_key is no key")
    digest = sha256(timestamp.encode())
    digest.update(request.body)  # lets other threads run meanwhile, as verifying does not
    try:
        signature = binascii.a2b_base64(given.encode("ascii"), strict_mode=True)
        key.verify(signature, digest.digest(), ECDSA(Prehashed(SHA256())))
    except (ValueError, InvalidSignature):
        raise Forged("the signature is not that of settings.public_key") from None
    within(request, timestamp, account)
