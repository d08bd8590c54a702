"""What all of Meta's webhooks share: the proof, the challenge, and the rules by which their JSON is read.

- `X-Hub-Signature-256`: HMAC-SHA256 with the app's secret over the raw body, in hexadecimal
  (https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validate-payloads). It covers neither address
  nor time, so the account named in the body is compared by `parse`, and repeats are found by key.
- The challenge is a GET with `hub.mode`, `hub.verify_token` and `hub.challenge`, the last of which is echoed
  (the same page, "Verification Requests").

Meta sends several entries in one request, and one of them that cannot be read must not hold up the others: it is
`Unreadable` beside them.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from adapters.base import AccountConfig, Answer, Forged, ParseError, WebhookRequest
from adapters.forms import query_of
from model.inbound import InboundEvent, InboundFile, Unreadable

SIGNATURE = "x-hub-signature-256"
MAX_BODY = 4 * 1024 * 1024
"""Meta documents payloads of up to 3 MB: https://developers.facebook.com/docs/whatsapp/cloud-api/guides/set-up-webhooks."""

MOST_TEXT = 16_000
_MOST_QUERY_FIELDS = 20
_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{1,256}")
# A backslash that is itself escaped makes what follows plain text: a customer may well write \u0000.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_LAST_SECOND = 253_402_300_799  # of the year 9999

T = TypeVar("T")


def verify_signature(request: WebhookRequest, account: AccountConfig) -> None:
    """Raise Forged unless one of the app's secrets signed exactly this body."""
    secrets = [secret for secret in account.secrets if secret.strip()]
    if not secrets:
        raise Forged("the account has no secret: nothing can be verified")
    if request.method != "POST":
        raise Forged("Meta signs POST only")
    signature = request.header(SIGNATURE)
    if not signature:
        raise Forged(f"{SIGNATURE} is missing")
    given = signature.encode("utf-8", "replace")
    for secret in secrets:
        computed = b"sha256=" + hmac.digest(secret.encode(), request.body, "sha256").hex().encode()
        if hmac.compare_digest(computed, given):
            return
    raise Forged("the signature does not match any secret of the account")


def answer_webhook(request: WebhookRequest, account: AccountConfig) -> Answer:
    """The challenge's echo for a GET, an empty 200 for anything else."""
    return answer_challenge(request, account) if request.method == "GET" else Answer(b"")


def answer_challenge(request: WebhookRequest, account: AccountConfig) -> Answer:
    """The challenge, where whoever asks knows the account's verify token; Forged otherwise."""
    expected = account.settings.get("verify_token", "")
    if not expected.strip():
        raise Forged("the account has no settings.verify_token: no challenge can be answered")
    try:
        fields = query_of(request, _MOST_QUERY_FIELDS)
        mode, token, challenge = (
            fields.required(name, 256) for name in ("hub.mode", "hub.verify_token", "hub.challenge")
        )
    except ParseError as error:
        raise Forged(f"not a challenge of Meta's: {error}") from None
    if mode != "subscribe" or not _CHALLENGE.fullmatch(challenge):
        raise Forged("not a challenge of Meta's")
    if not hmac.compare_digest(token.encode(), expected.encode()):
        raise Forged("the challenge does not know settings.verify_token")
    return Answer(challenge.encode())


def decoded(decoder: msgspec.json.Decoder[T], data: bytes | msgspec.Raw) -> T:
    """The Struct these bytes hold, or ParseError with the field. The reader bounds depth, digits and encoding."""
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        raise ParseError(reason[:200], path.strip("`.")[:200] or None) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ParseError(f"no readable JSON ({type(error).__name__})") from None


def body_of(request: WebhookRequest) -> bytes:
    """The body, or ParseError where it is no UTF-8 or its text holds U+0000, which PostgreSQL's text cannot.

    Parts that are read later are only skipped at first, and skipping does not look at their text.
    """
    if request.step is not None:
        raise ParseError("unknown step: Meta posts to the account's own address", "step")
    try:
        request.body.decode()
    except UnicodeDecodeError:
        raise ParseError("not UTF-8") from None
    if b"\\u0000" in request.body and _NUL.search(request.body):
        raise ParseError("contains U+0000")
    return request.body


def settled(events: Iterable[InboundEvent]) -> list[InboundEvent]:
    """The events of a delivery; ParseError where not one of them could be read."""
    taken = list(events)
    unread = [event for event in taken if isinstance(event, Unreadable)]
    if not taken:
        raise ParseError("holds no event", "entry")
    if len(unread) == len(taken):
        raise ParseError(unread[0].reason, unread[0].field)
    return taken


def instant(value: str | int | None, per_second: int = 1) -> datetime | None:
    """The time Meta gives in seconds, or in parts of one; None where it is none. It is shown, never ordered by."""
    if isinstance(value, str):
        value = int(value) if len(value) <= 16 and value.isascii() and value.isdigit() else None
    if value is None or not 0 < value <= _LAST_SECOND * per_second:
        return None
    return datetime.fromtimestamp(value / per_second, UTC)


def bounded(text: str) -> tuple[str, tuple[InboundFile, ...]]:
    """The text as far as an entry shows it, and the whole of it as a file where it is longer."""
    if len(text) <= MOST_TEXT:
        return text, ()
    return text[:MOST_TEXT], (InboundFile("message.txt", "text/plain; charset=utf-8", text.encode()),)
