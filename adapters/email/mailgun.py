"""Mailgun's routes, `forward("https://…/hooks/{account}")` parsed, or with `/mime` at its end raw (`body-mime`).

https://documentation.mailgun.com/docs/mailgun/user-manual/receive-forward-store/receive-http; signed as
https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks: HMAC-SHA256 of timestamp and
token, with the account's first secret the HTTP webhook signing key. The signature is not over the mail, so a token is
good once: under it the mail is committed. Mailgun tries again for 8 h on all answers but 200 and 406.

Whether SPF and DKIM were right is in headers its spam filter writes; where that is on, say so by
`settings.spam_filter = "on"`, for without it anybody could have written them.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from hashlib import sha256
from typing import Final

import msgspec

from adapters.base import AccountConfig, Forged, ParseError, WebhookRequest
from adapters.email.adapter import MailAdapter, within
from adapters.email.event import Arrival, events_of
from adapters.email.form import Form, small_field
from adapters.email.headers import Headers
from adapters.email.letter import Letter, file_name, media_type, read_source
from adapters.email.proof import NOTHING, by_mailgun
from adapters.email.reply_address import is_ours
from model.inbound import InboundEvent, InboundFile

_STEPS: Final = (None, "mime")
_pairs = msgspec.json.Decoder(list[tuple[str, str]]).decode
_names = msgspec.json.Decoder(dict[str, str]).decode


class MailgunMail(MailAdapter):
    """The adapter."""

    provider = "mailgun"
    headers_prove = False
    settings = ("spam_filter", "tolerance_seconds")

    def _problems(self, account: AccountConfig) -> Iterator[str]:
        if account.settings.get("spam_filter", "off") not in ("on", "off"):
            yield "settings.spam_filter is neither on nor off"

    def verify_headers(self, request: WebhookRequest, account: AccountConfig) -> None:
        """Nothing: the proof stands in the form."""

    def verify(self, request: WebhookRequest, account: AccountConfig) -> None:
        """Mailgun's signature, which stands in the form."""
        try:
            timestamp, token, given = (small_field(request, name) for name in ("timestamp", "token", "signature"))
        except ParseError as error:
            raise Forged(str(error)) from None
        said = f"{timestamp}{token}".encode()
        keys = [secret.encode() for secret in account.secrets if secret.strip()]
        matches = [hmac.compare_digest(hmac.digest(key, said, sha256).hex(), given) for key in keys]
        if not any(matches):
            raise Forged("the signature is not made with a secret of this account")
        within(request, timestamp, account)

    def commit_key(self, request: WebhookRequest) -> str:
        """The token: signed again with another mail, it is the same."""
        return "token:" + small_field(request, "token")

    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """The events of one mail."""
        if request.step not in _STEPS:
            raise ParseError("unknown step: routes forward to the account's address, or to /mime below it", "step")
        form = Form(request)
        recipient = form.text("recipient")
        if not recipient or "token" not in form:
            raise ParseError("missing", "recipient" if not recipient else "token")
        if not is_ours(recipient, account):
            raise ParseError("another account's: name it in settings.recipients if it is ours", "recipient")
        source = form.raw("body-mime")
        listed = form.raw("message-headers")
        if source is None and listed is None:
            raise ParseError("missing, and there is no body-mime either", "message-headers")
        letter = read_source(source) if source is not None else _letter(form)
        said = source if source is not None else (listed or b"") + (form.raw("body-plain") or b"")
        trusted = account.settings.get("spam_filter") == "on"
        proof = by_mailgun(letter.headers, form.text("sender")) if trusted else NOTHING
        return events_of(letter, Arrival(sha256(said).hexdigest(), proof, (recipient,)), account)


def _letter(form: Form) -> Letter:
    try:
        headers = Headers(_pairs(form.raw("message-headers") or b""))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ParseError("not a list of names and values", "message-headers") from None
    letter = Letter(headers, form.text("body-plain"), form.text("body-html") or None, [])
    ids = _content_ids(form)
    for file in form.files:
        name, content_id = file_name(file.name), ids.get(file.field)
        letter.attach(InboundFile(name, media_type(file.content_type), file.data, content_id))
    return letter


def _content_ids(form: Form) -> dict[str, str]:
    """Content ids by the names of their fields, of `content-id-map`: {"<cid>": "attachment-1"}."""
    try:
        named = _names(form.raw("content-id-map") or b"{}")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    return {field: content_id.strip("<> ")[:250] for content_id, field in named.items()}
