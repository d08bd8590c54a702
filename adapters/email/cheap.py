"""What can be said of a mail that could not be read within the limits: a few headers, found by looking at its
beginning.

It takes a fixed time whatever the bytes are, and never fails: the entry says what happened, and the raw source is kept.
"""

from __future__ import annotations

import re
from typing import Final

from adapters.base import WebhookRequest
from adapters.email.event import NOBODY_DOMAIN, unproven
from adapters.email.headers import Headers
from model.content import Mail
from model.inbound import HandleRef, InboundMessage

LOOKED_AT: Final = 64 * 1024
_WANTED: Final = ("from", "to", "subject", "date", "message-id")
# In a mail, or inside a form or JSON, where line ends are written out.
_FIELD: Final = re.compile(
    rb"(?i)(?:^|[\r\n\"]|\\n)(from|to|subject|date|message-id)\"?:[ \t]?\"?([^\r\n\"\\]{1,1000})"
)


def unread(request: WebhookRequest, key: str, why: str) -> InboundMessage:
    """An entry for a mail that was not read. `key`: what makes it this one, for its own was not found."""
    headers = Headers(_few_fields(request.body[:LOOKED_AT]))
    author = headers.author
    handle, claims = unproven(author.email) if author else (HandleRef("email", f"nobody@{NOBODY_DOMAIN}"), ())
    mail = Mail(
        subject=headers.text("subject")[:998],
        sender=author,
        to=headers.addresses("to"),
        date=headers.instant("date"),
        message_id=next(iter(headers.ids("message-id")), None),
        incomplete=why,
    )
    return InboundMessage(
        key=f"unread:{key}",
        handle=handle,
        body="",
        name_hint=author.name if author else None,
        claims=claims,
        content=(mail,),
        provider_id=mail.message_id,
    )


def _few_fields(start: bytes) -> list[tuple[str, str]]:
    found: dict[str, str] = {}
    for match in _FIELD.finditer(start):
        found.setdefault(match[1].decode("ascii").lower(), match[2].decode("utf-8", "replace"))
        if len(found) == len(_WANTED):
            break
    return list(found.items())
