"""SendGrid's Inbound Parse: forms, parsed and raw."""

from __future__ import annotations

import json
from typing import ClassVar

from adapters.base import AccountConfig, WebhookRequest
from tests.adapters.email import mails
from tests.contract.channels.harness import Body, HarnessBase

HEADERS = """Received: by mx0047p1mdw1.sendgrid.net with SMTP id 6WCVv7KAWn; Wed, 27 Jul 2016 20:53:06 +0000 (UTC)
From: Example User <ana@home.example>
To: support@desk.example
Subject: Where is it?
Date: Wed, 27 Jul 2016 13:53:06 -0700
Message-ID: <sg1@home.example>
Mime-Version: 1.0
Content-Type: multipart/mixed; boundary="001a11446dd2c6b1e205389ba0ab"
"""
FIELDS: dict[str, str | bytes] = {
    "headers": HEADERS,
    "dkim": "{@home.example : pass}",
    "SPF": "pass",
    "content-ids": '{"pic@1":"attachment2"}',
    "to": "support@desk.example",
    "from": "Example User <ana@home.example>",
    "html": '<html><body>Where is it?<img src="cid:pic@1"></body></html>',
    "text": "Where is my order, Gr\xfc\xdfe?".encode("latin-1"),
    "sender_ip": "209.85.213.192",
    "spam_score": "0.012",
    "envelope": '{"to":["support@desk.example"],"from":"ana@home.example"}',
    "attachments": "2",
    "subject": "Where is it?",
    "attachment-info": json.dumps(
        {
            "attachment1": {"filename": "a.txt", "name": "a.txt", "type": "text/plain"},
            "attachment2": {"filename": "p.gif", "type": "image/gif", "content-id": "pic@1"},
        }
    ),
    "charsets": '{"to":"UTF-8","html":"UTF-8","subject":"UTF-8","from":"UTF-8","text":"iso-8859-1"}',
}
FILES = {
    "attachment1": ("a.txt", "text/plain", b"a file"),
    "attachment2": ("p.gif", "image/gif", b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"),
}


def parsed(**changes: str | bytes) -> bytes:
    """The parsed form, with changes; `None`-like: an empty name is left out."""
    return mails.form(FIELDS | changes, FILES)


def raw(**changes: str | bytes) -> bytes:
    """The form with the mail itself."""
    kept = {name: FIELDS[name] for name in ("dkim", "SPF", "to", "from", "envelope", "subject", "charsets")}
    return mails.form(kept | {"email": mails.fixture("raw_reply_html.eml")} | changes)


class Harness(HarnessBase):
    """SendGrid, by the password in its address."""

    order_decides_customers = True
    account: ClassVar[AccountConfig] = mails.account("sendgrid")
    proof = "authorization"
    covers_body = False

    def signed(self, secret: str | None = None) -> WebhookRequest:
        return self._request(parsed(), secret or mails.SECRET)

    def resigned(self, body: bytes) -> WebhookRequest:
        return self._request(body, mails.SECRET)

    def _request(self, body: bytes, secret: str) -> WebhookRequest:
        return mails.request("sendgrid", body, ("content-type", mails.MULTIPART), mails.basic(secret))

    def kinds(self) -> dict[str, bytes | WebhookRequest]:
        return {"parsed": parsed(), "raw": raw()}

    def unreadable(self) -> dict[str, bytes]:
        return {
            "empty": b"",
            "another boundary": parsed().replace(mails.BOUNDARY.encode(), b"other"),
            "no headers and no mail": mails.form({"to": "support@desk.example"}),
            "headers twice": parsed().replace(b'name="subject"', b'name="headers"'),
            "too many parts": mails.form({f"f{n}": "x" for n in range(300)}),
        }

    def deep(self) -> Body:
        return Body(parsed(envelope="[" * 1000 + "]" * 1000, subject="deep"), "entry")

    def long_number(self) -> Body:
        return Body(parsed(envelope='{"to":' + "9" * 5000 + "}", subject="long"), "entry")

    def lone_surrogate(self) -> Body:
        return Body(parsed(text=b"\xed\xa0\x80 hello", charsets='{"text":"UTF-8"}'), "entry")

    def nul(self) -> Body:
        return Body(parsed(text="a\0b"), "entry")

    def unknown_kind(self) -> Body:
        return Body(mails.form({"event": "future"}))

    def foreign(self) -> Body:
        return Body(parsed(envelope='{"to":["sales@desk.example"],"from":"ana@home.example"}'))
