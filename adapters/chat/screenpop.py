"""Web chat by our own widget.

The site embeds `<script src="https://{here}/chat/{account}/widget.js" async></script>`. The account's first secret is
the site's: it signs who is logged in. `settings.origins`: the pages that may embed it, as `https://shop.example.com`,
separated by spaces.

A reply is not handed to anybody: what is recorded as sent is what the visitor's stream reads.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from adapters.base import AccountConfig, Answer, Forged, Outgoing, Refused, SendOutcome, Sent, WebhookRequest
from adapters.chat.events import MOST_FILE, MOST_TEXT, parse
from adapters.chat.visitor import verified
from model.inbound import InboundEvent
from model.limits import ReplyLimits

_SETTINGS = frozenset(("origins", "title", "greeting", "demo_page"))
_LEAST_SECRET = 16


class ScreenpopChat:
    """The adapter. It holds nothing."""

    provider = "screenpop"
    channels = frozenset(("chat",))
    max_body = MOST_FILE + 1024

    def check_account(self, account: AccountConfig) -> list[str]:
        """Everything wrong with the configuration, each naming the field and the remedy."""
        problems = []
        if not account.secrets or any(len(secret.strip()) < _LEAST_SECRET for secret in account.secrets):
            problems.append(f"secrets hold one that is empty or shorter than {_LEAST_SECRET}: generate a random one")
        if unknown := sorted(set(account.settings) - _SETTINGS):
            problems.append(f"settings.{unknown[0]} is not known: take it out")
        for origin in origins_of(account):
            if not _is_origin(origin):
                problems.append(f"settings.origins has {origin!r}: give a page's origin, as https://shop.example.com")
        return [f"{account.id}: {problem}" for problem in problems]

    def verify(self, request: WebhookRequest, account: AccountConfig) -> None:
        """Raise Forged unless a visitor of ours sent exactly this, just now."""
        verified(request, account)

    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """The event of a verified request, or ParseError."""
        return parse(request, account)

    def answer(self, request: WebhookRequest, _account: AccountConfig) -> Answer:
        """An empty 200. There is no challenge."""
        if request.method == "GET":
            raise Forged("the widget sends POST only")
        return Answer(b"")

    def limits(self, _account: AccountConfig) -> ReplyLimits:
        """Ours: what the widget shows."""
        return ReplyLimits(most_characters=MOST_TEXT, most_files=10, most_file_bytes=MOST_FILE)

    async def send(self, _account: AccountConfig, outgoing: Outgoing, _timeout: float) -> SendOutcome:
        """The visitor's stream reads what is recorded as sent; nothing can be lost on the way there."""
        if not outgoing.to.startswith(("anon:", "id:")):
            return Refused("this is no visitor of the chat")
        return Sent(str(outgoing.id), "sent")

    async def aclose(self) -> None:
        """Nothing is open."""


def origins_of(account: AccountConfig) -> tuple[str, ...]:
    """The pages that may embed the widget."""
    return tuple(account.settings.get("origins", "").replace(",", " ").split())


def _is_origin(origin: str) -> bool:
    try:
        parts = urlsplit(origin)
        host = parts.hostname
    except ValueError:
        return False
    return parts.scheme in ("https", "http") and bool(host) and origin == f"{parts.scheme}://{parts.netloc}".lower()
