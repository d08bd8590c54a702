"""Chats with an official account on LINE, by the Messaging API: https://developers.line.biz/en/reference/messaging-api/.

- Proof: `x-line-signature`, HMAC-SHA256 of the body with the channel secret, in base64; no time in it ("Signature
  validation"). `destination` says whose webhook it is.
- Events: "Webhook Event Objects", several in one delivery, none where the console asks whether we are there; `events`.
- Sending: "Send push message", under `X-Line-Retry-Key`: sent again it is the same message, answered 409. Files are
  fetched by LINE from an address of ours. LINE tells nothing of a message after that: no delivery, no reading.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from typing import Any
from urllib.parse import urlsplit

import httpx2
from msgspec.json import Decoder

from adapters.base import AccountConfig, Forged, Outgoing, Refused, ReplyLimits, SendOutcome, Sent
from adapters.base import WebhookRequest as Request
from adapters.http_adapter import HttpAdapter, base_of, said_in
from adapters.http_call import Call
from adapters.line.events import OURS, parse
from adapters.media import Credentials, MediaClient, MediaOutcome
from adapters.proof import required, same, secrets_of
from model.inbound import InboundEvent
from model.timeline import Media

API, DATA = "https://api.line.me", "https://api-data.line.me"
RETRY_KEY, MOST_UNITS = "X-Line-Retry-Key", 5000
NEEDED = {"access_token": "issue a long-lived one in LINE's console, Messaging API"}
ANSWER = Decoder(dict[str, Any])


class Line(HttpAdapter):
    """The adapter."""

    provider, channels, title = "line", frozenset(("line",)), "LINE"
    secret_is, needed = "give the channel secret of LINE's console, Basic settings", NEEDED
    known = frozenset(("data_base",))

    def verify(self, request: Request, account: AccountConfig) -> None:
        """Raise Forged unless whoever knows the channel secret signed this body."""
        secrets, given = secrets_of(account), required(request, "x-line-signature")
        signatures = (hmac.digest(secret.encode(), request.body, "sha256") for secret in secrets)
        if not same(given, *(b64encode(signature).decode() for signature in signatures)):
            raise Forged("the signature does not match any secret of the account")

    def parse(self, request: Request, account: AccountConfig) -> list[InboundEvent]:
        """The events of a webhook, or ParseError."""
        return parse(request, account)

    def limits(self, account: AccountConfig) -> ReplyLimits:
        """Section "Message objects". A picture is its own preview, of 1 MB at most; videos need one beside."""
        types = ("image/jpeg", "image/png")
        return ReplyLimits(most_characters=MOST_UNITS, most_files=4, most_file_bytes=1000 * 1000, file_types=types)

    def calls(self, account: AccountConfig, outgoing: Outgoing) -> list[Call] | Refused:
        """One push with everything: pictures, then the words, which LINE counts in units of UTF-16."""
        if len(outgoing.body.encode("utf-16-le", "replace")) // 2 > MOST_UNITS:
            return Refused(f"longer than {MOST_UNITS:,} characters as LINE counts: an emoji is two or more. Shorten it")
        messages: list[dict[str, str]] = [
            {"type": "image", "originalContentUrl": one.url, "previewImageUrl": one.url} for one in outgoing.files
        ]
        messages += [{"type": "text", "text": outgoing.body}] if outgoing.body else []
        headers = {"Authorization": f"Bearer {account.settings['access_token']}", RETRY_KEY: str(outgoing.id)}
        push = {"to": outgoing.to, "messages": messages}
        return [Call(f"{base_of(account, API)}/v2/bot/message/push", headers, push, repeatable=True)]

    def accepted(self, response: httpx2.Response) -> SendOutcome | None:
        """The id of the last of its messages."""
        sent = (said_in(ANSWER, response) or {}).get("sentMessages")
        last = sent[-1].get("id") if isinstance(sent, list) and sent and isinstance(sent[-1], dict) else None
        return Sent(last, "sent") if isinstance(last, str) and last else None

    def failed(self, response: httpx2.Response, *, repeatable: bool) -> SendOutcome:
        """Taken already under this key; or the month's messages are used up, which waiting does not mend."""
        if response.status_code == 409 and "x-line-accepted-request-id" in response.headers:
            return self.accepted(response) or Sent(response.headers["x-line-accepted-request-id"], "sent")
        if response.status_code == 429 and "monthly" in response.text:
            return Refused(self.reason(response), retryable=True)
        return super().failed(response, repeatable=repeatable)

    def reason(self, response: httpx2.Response) -> str:
        """LINE's words."""
        words = (said_in(ANSWER, response) or {}).get("message")
        return f"LINE: {words[:300]}" if isinstance(words, str) and words else super().reason(response)

    async def fetch_media(self, account: AccountConfig, media: Media, client: MediaClient) -> MediaOutcome:
        """By the message's id from LINE's own host; what lies elsewhere is a plain link."""
        if not media.url.startswith(OURS):
            return await client.get(media.url)
        base = (account.settings.get("data_base") or DATA).rstrip("/")
        token = Credentials(f"Bearer {account.settings.get('access_token', '')}", frozenset((urlsplit(base).netloc,)))
        return await client.get(f"{base}/v2/bot/message/{media.url[len(OURS) :]}/content", credentials=token)
