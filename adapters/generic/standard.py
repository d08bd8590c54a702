"""A channel of the company's own, by HTTP signed as Standard Webhooks has it, both ways.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md: `webhook-id`,
`webhook-timestamp`, and `webhook-signature`, a list of `v1,<base64>` with HMAC-SHA256 over `{id}.{timestamp}.{body}`;
signatures of other versions are skipped. A reply is posted to `settings.callback_url` under the same scheme, with our
entry's id as `webhook-id`: posted again after a lost answer it is the same reply. What is said: `events`, and
docs/reference/generic.md.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

import httpx2
import msgspec
from msgspec import Struct

from adapters.account_check import is_address
from adapters.base import AccountConfig, Forged, Outgoing, Refused, ReplyLimits, Sent, WebhookRequest
from adapters.generic.events import Id, parse
from adapters.http_adapter import HttpAdapter, said_in
from adapters.http_call import Call
from adapters.json_body import MOST_TEXT
from adapters.proof import fresh, required, same, secrets_of
from model.inbound import InboundEvent

MOST_FILE: Final = 25 * 1024 * 1024
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_SIGNATURES = re.compile(r"[a-z0-9]{1,8},[A-Za-z0-9+/]+=*( [a-z0-9]{1,8},[A-Za-z0-9+/]+=*){0,9}")


class Answer(Struct, frozen=True):
    """What a call-back may be answered with."""

    id: Id | None = None
    error: str = ""


ANSWER = msgspec.json.Decoder(Answer)


class StandardWebhooks(HttpAdapter):
    """The adapter."""

    provider = "standard"
    channels = frozenset(("generic",))
    max_body = 8 * 1024 * 1024
    title = "The system"
    secret_is = "make one: whsec_ and 24 to 64 random bytes in base64"
    known = frozenset(("callback_url",))

    def problems(self, account: AccountConfig) -> Iterator[str]:
        """What is wrong with any account, keys that are none, and an address where all could read replies."""
        yield from super().problems(account)
        if any(_key(secret) is None for secret in account.secrets):
            yield f"secrets hold one that is no key: {self.secret_is}"
        url = account.settings.get("callback_url", "")
        if url and not (is_address(url) and (url.startswith("https:") or urlsplit(url).hostname in _LOOPBACK)):
            yield "settings.callback_url is no https address: give one like https://crm.example.com/replies"

    def verify(self, request: WebhookRequest, account: AccountConfig) -> None:
        """Raise Forged unless one of the signatures is by one of the account's keys, a moment ago."""
        keys, id_ = _keys(account), required(request, "webhook-id")
        time, given = fresh(request, required(request, "webhook-timestamp")), required(request, "webhook-signature")
        if not _SIGNATURES.fullmatch(given):
            raise Forged("webhook-signature is no list of signatures")
        signed = [_sign(key, id_, time, request.body) for key in keys]
        if not any(same(signature, *signed) for signature in given.split(" ")):
            raise Forged("no signature is by a secret of the account")

    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """The one event of a webhook, or ParseError."""
        return parse(request, account)

    def limits(self, account: AccountConfig) -> ReplyLimits:
        """Ours."""
        return ReplyLimits(most_characters=MOST_TEXT, most_files=10, most_file_bytes=MOST_FILE)

    def calls(self, account: AccountConfig, outgoing: Outgoing) -> list[Call] | Refused:
        """The reply as JSON, signed by every key, so that the other side may change its own when it likes."""
        url, id_, time = account.settings.get("callback_url"), str(outgoing.id), f"{datetime.now(UTC).timestamp():.0f}"
        if not url:
            return Refused("nobody takes replies: set the account's settings.callback_url", retryable=True)
        files = [{"name": one.name, "content_type": one.content_type, "url": one.url} for one in outgoing.files]
        said = {"type": "message", "id": id_, "account": account.id, "to": outgoing.to, "text": outgoing.body}
        body = msgspec.json.encode(said | {"files": files, "in_reply_to": outgoing.in_reply_to})
        signatures = " ".join(_sign(key, id_, time, body) for key in _keys(account))
        headers = {"webhook-id": id_, "webhook-timestamp": time, "webhook-signature": signatures}
        return [Call(url, {**headers, "content-type": "application/json"}, content=body, repeatable=True)]

    def accepted(self, response: httpx2.Response) -> Sent:
        """Taken, under the id that it gives or under ours."""
        answer = said_in(ANSWER, response)
        return Sent((answer and answer.id) or response.request.headers["webhook-id"], "sent")

    def reason(self, response: httpx2.Response) -> str:
        """What it says is wrong, if it does."""
        answer = said_in(ANSWER, response)
        said = f": {answer.error[:200]}" if answer and answer.error else ""
        return super().reason(response) + said


def _key(secret: str) -> bytes | None:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        return None
    return key if 24 <= len(key) <= 64 else None


def _keys(account: AccountConfig) -> list[bytes]:
    if keys := [key for secret in secrets_of(account) if (key := _key(secret))]:
        return keys
    raise Forged("no secret of the account is a key: nothing can be verified")


def _sign(key: bytes, id_: str, time: str, body: bytes) -> str:
    said = f"{id_}.{time}.".encode("utf-8", "replace") + body
    return "v1," + base64.b64encode(hmac.digest(key, said, "sha256")).decode()
