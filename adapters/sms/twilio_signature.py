"""Twilio's two webhook signatures, over the raw request and the configured public URL.

- `X-Twilio-Signature`: HMAC-SHA1 with the account's Auth Token over the URL and the sorted form fields
  (https://www.twilio.com/docs/usage/webhooks/webhooks-security).
- The same header as HMAC-SHA256 with a shared key, announced by `X-Twilio-Webhooks-Signature-Settings`
  (https://www.twilio.com/docs/usage/webhooks/webhook-shared-keys).

The library computes; three things are done here instead of by its `validate`:

- Repeated fields reach it as lists; a plain dict would lose all but one.
- A body that is no form must come with exactly one `bodySHA256`. `validate` raises TypeError without it.
- Comparison is by `hmac.compare_digest`; the first candidate that matches ends it, which tells only its signer.

The signed URL is what is configured at Twilio, never one rebuilt from Host or forwarding headers: the public URL,
the step as received, the query as received. Twilio is inconsistent about naming the port, so the URL is tried with
and without. Connection overrides (`#rc=5&rp=all`) are stripped before Twilio signs; ours on the status callback
are tried as well, since no document promises it.

Fields are concatenated without separators, so a captured request could be cut differently at the same signature;
TLS and the strict parser stand against that, as Twilio's scheme leaves no other way.
"""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlparse

from twilio.request_validator import (
    HMAC_SHA1,
    HMAC_SHA256,
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    add_port,
    get_signature_algorithm,
    remove_port,
)

from adapters.base import AccountConfig, Forged, WebhookRequest
from adapters.forms import FORM, content_type, lenient, raw_fields

CALLBACK_OVERRIDES = "rc=5&rp=all"
"""By default Twilio retries once and only when it cannot connect; this asks for five, after any failure."""

# Far beyond what Twilio sends; only bounds the work an unsigned request can cause.
_MOST_FIELDS = 1000


class _FormFields(dict[str, list[str]]):
    """A multi-value mapping in the form the library looks for."""

    def getall(self, name: str) -> list[str]:
        return self[name]


def verify_signature(request: WebhookRequest, account: AccountConfig) -> None:
    """Raise Forged unless one of the account's secrets signed exactly this request."""
    secrets = [secret for secret in account.secrets if secret.strip()]
    if not secrets:
        raise Forged("the account has no secret: nothing can be verified")
    signature = request.header(SIGNATURE_HEADER.lower())
    if not signature:
        raise Forged(f"{SIGNATURE_HEADER} is missing")
    algorithm = get_signature_algorithm(request.header(SIGNATURE_SETTINGS_HEADER.lower())).upper()
    if algorithm not in (HMAC_SHA1, HMAC_SHA256):
        raise Forged(f"{SIGNATURE_SETTINGS_HEADER} names an unknown algorithm")
    try:
        fields = _signed_fields(request)
        urls = candidate_urls(request, account)
        matches = _any_matches(secrets, urls, fields, algorithm, signature)
    except ValueError as error:  # an unreadable URL, too many fields, text that cannot be UTF-8
        raise Forged(f"not a request Twilio could have signed: {type(error).__name__}") from None
    if not matches:
        raise Forged("the signature does not match any secret of the account")


def candidate_urls(request: WebhookRequest, account: AccountConfig) -> list[str]:
    """Every spelling of the URL Twilio may have signed."""
    url = account.public_url
    if request.step is not None:
        url += f"/{request.step}"
    if request.query:
        url += f"?{request.query}"
    parsed = urlparse(url)
    spellings = [url, remove_port(parsed), add_port(parsed)]
    overrides = callback_overrides(account)
    if request.step == "status" and overrides:
        spellings += [f"{spelling}#{overrides}" for spelling in spellings]
    return list(dict.fromkeys(spellings))


def callback_overrides(account: AccountConfig) -> str:
    """The connection overrides we ask for on status callbacks; an empty setting asks for none."""
    return account.settings.get("callback_overrides", CALLBACK_OVERRIDES)


def _signed_fields(request: WebhookRequest) -> _FormFields:
    """The fields that are part of the signature; for another body, none, once its hash is right."""
    if not request.body:
        return _FormFields()
    if content_type(request) == FORM:
        return _FormFields(lenient(raw_fields(request.body, _MOST_FIELDS)))
    hashes = lenient(raw_fields(request.query.encode(), _MOST_FIELDS)).get("bodySHA256", [])
    if len(hashes) != 1:
        raise Forged("a body that is no form needs exactly one bodySHA256 in the query")
    expected = hashlib.sha256(request.body).hexdigest()
    if not hmac.compare_digest(expected.encode(), hashes[0].encode()):
        raise Forged("the body does not have the hash named by bodySHA256")
    return _FormFields()


def _any_matches(secrets: list[str], urls: list[str], fields: _FormFields, algorithm: str, signature: str) -> bool:
    given = signature.encode("utf-8", "replace")
    for secret in secrets:
        validator = RequestValidator(secret)
        for url in urls:
            computed: str = validator.compute_signature(url, fields, algorithm)
            if hmac.compare_digest(computed.encode(), given):
                return True
    return False
