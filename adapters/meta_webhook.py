"""What all of Meta's webhooks share: the proof and the challenge.

- `X-Hub-Signature-256`: HMAC-SHA256 with the app's secret over the raw body, in hexadecimal
  (https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validate-payloads). It covers neither address
  nor time, so the account named in the body is compared by `parse`, and repeats are found by key.
- The challenge is a GET with `hub.mode`, `hub.verify_token` and `hub.challenge`, the last of which is echoed
  (the same page, "Verification Requests").
"""

from __future__ import annotations

import hmac
import re

from adapters.base import AccountConfig, Answer, Forged, ParseError, WebhookRequest
from adapters.forms import query_of
from adapters.proof import Signed

SIGNED = Signed("x-hub-signature-256", prefix="sha256=")
MAX_BODY = 4 * 1024 * 1024
"""Meta documents payloads of up to 3 MB: https://developers.facebook.com/docs/whatsapp/cloud-api/guides/set-up-webhooks."""

_MOST_QUERY_FIELDS = 20
_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{1,256}")


def verify_signature(request: WebhookRequest, account: AccountConfig) -> None:
    """Raise Forged unless one of the app's secrets signed exactly this body."""
    if request.method != "POST":
        raise Forged("Meta signs POST only")
    SIGNED.check(request, account)


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
