"""Mailgun's routes: forms that carry their own signature."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from datetime import UTC, datetime
from typing import ClassVar
from uuid import uuid4

from msgspec.structs import replace

from adapters.base import AccountConfig, WebhookRequest
from tests.adapters.email import mails
from tests.contract.channels.harness import OTHER_SECRET, Body, HarnessBase

LISTED = [
    ["X-Mailgun-Incoming", "Yes"],
    ["X-Mailgun-Spf", "Pass"],
    ["X-Mailgun-Dkim-Check-Result", "Pass"],
    ["Dkim-Signature", "v=1; a=rsa-sha256; d=home.example; s=1; b=x"],
    ["From", "Bob <bob@home.example>"],
    ["To", "support@desk.example"],
    ["Subject", "Re: Sample POST request"],
    ["Message-Id", "<mg1@home.example>"],
    ["Date", "Mon, 28 Oct 2013 20:57:39 -0700"],
]
FIELDS: dict[str, str | bytes] = {
    "recipient": "support@desk.example",
    "sender": "bob@home.example",
    "subject": "Re: Sample POST request",
    "from": "Bob <bob@home.example>",
    "message-headers": json.dumps(LISTED),
    "body-plain": "Hi Alice,\n\nThis is Bob.\n\nThanks,\nBob\n\nOn 04/26/2013 11:29 AM, Alice wrote:\n> Hi Bob,\n",
    "stripped-text": "Hi Alice,\n\nThis is Bob.",
    "body-html": '<html><body><p>Hi Alice</p><img src="cid:part1@home"></body></html>',
    "content-id-map": '{"<part1@home>": "attachment-1"}',
    "attachment-count": "1",
}
FILES = {"attachment-1": ("crabby.gif", "image/gif", b"GIF89a\x01\x00\x01\x00\x00\x00\x00;")}
TOKEN = re.compile(rb'name="(timestamp|token|signature)"\r\n\r\n[^\r]*')


def proof(secret: str, token: str | None = None, seconds_ago: int = 0) -> dict[str, str | bytes]:
    """Signed anew from the document."""
    token = token or uuid4().hex + uuid4().hex[:18]
    timestamp = str(int(datetime.now(UTC).timestamp()) - seconds_ago)
    signature = hmac.new(secret.encode(), (timestamp + token).encode(), hashlib.sha256).hexdigest()
    return {"timestamp": timestamp, "token": token, "signature": signature}


def parsed(secret: str = mails.SECRET, seconds_ago: int = 0, **changes: str | bytes) -> bytes:
    """The parsed form, signed."""
    given = {name.replace("_", "-"): value for name, value in changes.items()}
    return mails.form(FIELDS | given | proof(secret, seconds_ago=seconds_ago), FILES)


class Harness(HarnessBase):
    """Mailgun."""

    order_decides_customers = True
    account: ClassVar[AccountConfig] = mails.account("mailgun", spam_filter="on")
    covers_body = False

    def signed(self, secret: str | None = None) -> WebhookRequest:
        return self._request(parsed(secret or mails.SECRET))

    def resigned(self, body: bytes) -> WebhookRequest:
        fresh = proof(mails.SECRET)
        if not TOKEN.search(body):
            body = mails.form(fresh)[: -len(f"--{mails.BOUNDARY}--\r\n")] + (body or f"--{mails.BOUNDARY}--".encode())

        def anew(match: re.Match[bytes]) -> bytes:
            name = match[1].decode()
            return f'name="{name}"\r\n\r\n{fresh[name]!s}'.encode()

        return self._request(TOKEN.sub(anew, body))

    def _request(self, body: bytes) -> WebhookRequest:
        request = mails.request("mailgun", body, ("content-type", mails.MULTIPART))
        return replace(request, received_at=datetime.now(UTC))

    def unsigned(self) -> WebhookRequest:
        return self._request(mails.form(FIELDS, FILES))

    def proof_twice(self) -> WebhookRequest:
        return self._request(mails.form(proof(OTHER_SECRET))[: -len(f"--{mails.BOUNDARY}--\r\n")] + parsed())

    def stale(self) -> WebhookRequest:
        return self._request(parsed(seconds_ago=305))

    def kinds(self) -> dict[str, bytes | WebhookRequest]:
        source = mails.fixture("raw_reply_html.eml")
        kept = {name: FIELDS[name] for name in ("recipient", "sender", "from", "subject")}
        mime = self._request(mails.form(kept | {"body-mime": source} | proof(mails.SECRET)))
        return {"parsed": parsed(), "mime": replace(mime, path=f"{mime.path}/mime", step="mime")}

    def unreadable(self) -> dict[str, bytes]:
        return {
            "nothing else": b"",
            "no recipient": parsed(recipient=""),
            "headers that are no list": parsed(message_headers="{}"),
            "headers cut": parsed(message_headers=json.dumps(LISTED)[:40]),
            "recipient twice": parsed().replace(b'name="subject"', b'name="recipient"'),
            "too many parts": mails.form({f"f{n}": "x" for n in range(300)}),
        }

    def deep(self) -> Body:
        return Body(parsed(message_headers="[" * 1000 + "]" * 1000))

    def long_number(self) -> Body:
        return Body(parsed(message_headers="9" * 5000))

    def lone_surrogate(self) -> Body:
        return Body(parsed(body_plain=b"\xed\xa0\x80 hello"), "entry")

    def nul(self) -> Body:
        return Body(parsed(body_plain="a\0b"), "entry")

    def unknown_kind(self) -> Body:
        return Body(mails.form(proof(mails.SECRET) | {"event-data": "{}"}))

    def foreign(self) -> Body:
        return Body(parsed(recipient="sales@desk.example"))
