"""Mail as it is: `POST /hooks/{account}`, body the mail, `Authorization: Bearer <secret>`; and what comes by SMTP or
LMTP.

Sender checks are those of our own mail server, named in `settings.trusted_authserv`: the authserv-id it writes into
`Authentication-Results`. It must take away those that others wrote in its name (RFC 8601, section 5).
"""

from __future__ import annotations

from hashlib import sha256

from adapters.base import AccountConfig, Forged, ParseError, WebhookRequest
from adapters.email.adapter import MailAdapter
from adapters.email.event import Arrival, events_of
from adapters.email.letter import read_source
from adapters.email.proof import by_results
from model.inbound import InboundEvent

ENVELOPE_RECIPIENT = "x-envelope-to"
"""Set by our own SMTP listener, on requests that never were HTTP."""


class RawMail(MailAdapter):
    """The adapter."""

    provider = "raw"
    settings = ("trusted_authserv",)

    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """The events of a mail. Any bytes are one; only none at all are not."""
        if not request.body.strip():
            raise ParseError("empty: the body is to be the mail", "body")
        letter = read_source(request.body)
        arrival = Arrival(
            key=sha256(request.body).hexdigest(),
            proof=by_results(letter.headers, trusted(account)),
            recipients=_recipients(request),
        )
        return events_of(letter, arrival, account)


def trusted(account: AccountConfig) -> frozenset[str]:
    """The authserv-ids that are ours."""
    given = account.settings.get("trusted_authserv", "").lower()
    return frozenset(each.strip() for each in given.split(",") if each.strip())


def _recipients(request: WebhookRequest) -> tuple[str, ...]:
    if request.method not in ("SMTP", "LMTP"):
        return ()
    try:
        return tuple((request.header(ENVELOPE_RECIPIENT) or "").split())
    except Forged:
        return ()
