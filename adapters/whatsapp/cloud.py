"""WhatsApp by Meta's Cloud API.

Configure the number's webhook at Meta (the app's, or the number's own override) as the account's public URL, with
`settings.verify_token`, subscribed to `messages`, and to `smb_message_echoes` where the WhatsApp Business app is used
beside. The account's `address` is the number, `settings.phone_number_id` its id at Meta, the secrets the app's.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx2

from adapters import phones
from adapters.base import AccountConfig, Answer, Outgoing, Refused, ReplyLimits, SendOutcome, WebhookRequest
from adapters.http_call import new_session
from adapters.media import MediaClient, MediaOutcome
from adapters.meta_account import account_problems
from adapters.meta_webhook import MAX_BODY, answer_webhook, verify_signature
from adapters.whatsapp.cloud_media import fetch_medium
from adapters.whatsapp.cloud_parse import parse_webhook
from adapters.whatsapp.cloud_send import KINDS, MOST_TEXT, send_reply
from model.inbound import InboundEvent
from model.timeline import Media

WINDOW_SECONDS = 86_400
"""After the customer's last message: "Customer service windows" of the document named in `cloud_send`."""

_NEEDED = {"phone_number_id": "it stands beside the number in Meta's WhatsApp Manager > API Setup"}
_KNOWN = frozenset(("portfolio_id",))


class WhatsAppCloud:
    """The adapter. It holds nothing but the connections shared by all sends."""

    provider = "meta"
    channels = frozenset(("whatsapp",))
    max_body = MAX_BODY

    def __init__(self) -> None:
        self._session: httpx2.AsyncClient | None = None

    def check_account(self, account: AccountConfig) -> list[str]:
        """Everything wrong with the configuration, each naming the field and the remedy."""
        return [f"{account.id}: {problem}" for problem in _problems(account)]

    def verify(self, request: WebhookRequest, account: AccountConfig) -> None:
        """Raise Forged unless Meta signed this request."""
        verify_signature(request, account)

    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """The events of a verified request, or ParseError."""
        return parse_webhook(request, account)

    def answer(self, request: WebhookRequest, account: AccountConfig) -> Answer:
        """The challenge's echo for a GET, an empty 200 otherwise."""
        return answer_webhook(request, account)

    def limits(self, account: AccountConfig) -> ReplyLimits:
        """Meta's own; a file's kind has its own size, which is judged when it is sent."""
        return ReplyLimits(
            most_characters=MOST_TEXT,
            most_files=1,
            most_file_bytes=max(kind.most_bytes for kind in KINDS),
            file_types=tuple(name for kind in KINDS for name in kind.types),
            window_seconds=WINDOW_SECONDS,
            templates=True,
        )

    async def send(self, account: AccountConfig, outgoing: Outgoing, timeout: float) -> SendOutcome:
        """Hand one message to Meta, once."""
        settings = account.settings
        if not settings.get("access_token") or not settings.get("phone_number_id") or not any(account.secrets[:1]):
            needs = "set settings.access_token, settings.phone_number_id and a first secret"
            return Refused(f"the account cannot send: {needs}", retryable=True)
        if self._session is None:
            self._session = new_session()
        return await send_reply(self._session, account, outgoing, timeout)

    async def fetch_media(self, account: AccountConfig, media: Media, client: MediaClient) -> MediaOutcome:
        """Fetch one file of a message: ask for its address, then for the file."""
        return await fetch_medium(account, media, client)

    async def aclose(self) -> None:
        """Close the shared connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.aclose()


def _problems(account: AccountConfig) -> Iterator[str]:
    if not phones.normalise(account.address, account.region):
        yield "address is no phone number: give our WhatsApp number with + and country code"
    yield from account_problems(account, _NEEDED, _KNOWN)
