"""Mail as it is, by HTTP with a bearer token."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from adapters.base import AccountConfig, WebhookRequest
from adapters.email.reply_address import Thread
from tests.adapters.email import mails
from tests.contract.channels.harness import Body, HarnessBase
from tests.prove_channels.bombs import nested

OURS = "0197b6c2-5c3f-7c1e-8a4b-0123456789ab"
HEAD = b"From: Ana <ana@home.example>\r\nTo: support@desk.example\r\nMessage-ID: <h@home.example>\r\n"


def bounce(message_id: str) -> bytes:
    """The bounce of a mail of ours with this id."""
    return mails.fixture("raw_bounce.eml").replace(b"@OURS@", message_id.encode())


class Harness(HarnessBase):
    """`email-raw`."""

    order_decides_customers = True
    account: ClassVar[AccountConfig] = mails.account("raw", trusted_authserv="mx.desk.example")
    proof = "authorization"
    covers_body = False

    def signed(self, secret: str | None = None) -> WebhookRequest:
        return self._request(mails.fixture("raw_plain.eml"), secret or mails.SECRET)

    def resigned(self, body: bytes) -> WebhookRequest:
        return self._request(body, mails.SECRET)

    def _request(self, body: bytes, secret: str) -> WebhookRequest:
        kind = ("content-type", "message/rfc822")
        return mails.request("raw", body, kind, ("authorization", f"Bearer {secret}"))

    def kinds(self) -> dict[str, bytes | WebhookRequest]:
        names = sorted(path.name for path in mails.FIXTURES.glob("raw_*.eml"))
        ours = Thread(self.account)
        made: dict[str, bytes | WebhookRequest] = {name: mails.fixture(name) for name in names}
        return made | {"raw_bounce.eml": bounce(ours.message_id(UUID(OURS), "ana@home.example"))}

    def unreadable(self) -> dict[str, bytes]:
        return {"empty": b"", "nothing but space": b"\r\n \r\n"}

    def deep(self) -> Body:
        return Body(HEAD + nested(1000), "entry")

    def long_number(self) -> Body:
        return Body(HEAD + b"Content-Disposition: inline; filename*" + b"9" * 5000 + b"*=x\r\n\r\nhello", "entry")

    def lone_surrogate(self) -> Body:
        return Body(HEAD + b"Subject: \xed\xa0\x80\r\n\r\n\xed\xa0\x80 hello", "entry")

    def nul(self) -> Body:
        return Body(HEAD + b"Subject: \0\r\n\r\n\0 hello", "entry")

    def unknown_kind(self) -> Body:
        return Body(HEAD + b"Content-Type: future/kind; v=2\r\n\r\nhello", "entry")

    def foreign(self) -> Body:
        # No envelope comes with it, and mail reaches us by other headers than To: it is shown.
        return Body(HEAD.replace(b"support@desk", b"other@desk") + b"\r\nhello", "entry")
