"""Twilio for text messages: SMS and MMS.

Configure the number's (or Messaging Service's) incoming webhook as POST to the account's public URL with the
fragment `#rc=5&rp=all`; receipts arrive at its `/status`, which every message we send names by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx2
import phonenumbers

from adapters import phones
from adapters.base import AccountConfig, Answer, Forged, Outgoing, Refused, ReplyLimits, SendOutcome, WebhookRequest
from adapters.http_call import new_session
from adapters.media import MediaClient, MediaOutcome
from adapters.sms.twilio_api import send_message
from adapters.sms.twilio_media import MMS_TYPES, fetch_media
from adapters.sms.twilio_parse import parse_webhook
from adapters.sms.twilio_signature import verify_signature
from model.inbound import InboundEvent
from model.timeline import Media

_SETTINGS = ("account_sid", "api_base", "callback_overrides", "messaging_service_sid")


class TwilioSms:
    """The adapter. It holds nothing but the connections shared by all sends."""

    provider = "twilio"
    channels = frozenset(("sms",))
    # 1,600 characters percent-encoded, ten media addresses and the fields around them stay below 64 KiB.
    max_body = 128 * 1024

    def __init__(self) -> None:
        self._session: httpx2.AsyncClient | None = None

    def check_account(self, account: AccountConfig) -> list[str]:
        """Everything wrong with the configuration, each naming the field and the remedy."""
        return [f"{account.id}: {problem}" for problem in _problems(account)]

    def verify(self, request: WebhookRequest, account: AccountConfig) -> None:
        """Raise Forged unless Twilio signed this request."""
        verify_signature(request, account)

    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """The events of a verified request, or ParseError."""
        return parse_webhook(request, account)

    def answer(self, request: WebhookRequest, account: AccountConfig) -> Answer:
        """Empty TwiML: nothing is sent back by Twilio itself. A plain text body would be sent as a message."""
        if request.method != "POST":
            raise Forged("Twilio sends no challenge: configure the webhook as POST")
        return Answer(b'<?xml version="1.0" encoding="UTF-8"?><Response/>', "text/xml")

    def limits(self, account: AccountConfig) -> ReplyLimits:
        """Twilio's own: https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource.

        Files go as MMS: ten, 5 MiB, of https://www.twilio.com/docs/messaging/guides/accepted-mime-types.
        """
        return ReplyLimits(most_characters=1600, most_files=10, most_file_bytes=5 << 20, file_types=MMS_TYPES)

    async def fetch_media(self, account: AccountConfig, media: Media, client: MediaClient) -> MediaOutcome:
        """A picture of an incoming message, with credentials where the account protects its media."""
        return await fetch_media(account, media, client)

    async def send(self, account: AccountConfig, outgoing: Outgoing, timeout: float) -> SendOutcome:
        """Hand one message to Twilio, once."""
        if not account.settings.get("account_sid") or not any(account.secrets[:1]):
            return Refused("the account cannot send: set settings.account_sid and a first secret", retryable=True)
        if self._session is None:
            self._session = new_session()
        return await send_message(self._session, account, outgoing, timeout)

    async def aclose(self) -> None:
        """Close the shared connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.aclose()


def _problems(account: AccountConfig) -> Iterator[str]:
    if not account.secrets:
        yield "secrets is empty: give Twilio's Auth Token"
    if any(not secret.strip() or secret != secret.strip() for secret in account.secrets):
        yield "secrets holds an empty one, or one with space around it: remove it"
    yield from _address_problems("public_url", account.public_url)
    if account.public_url.endswith("/"):
        yield "public_url ends with '/': remove it, the step is added with its own"
    if account.region.upper() not in phonenumbers.SUPPORTED_REGIONS:
        yield "region is no ISO country code: give the country whose numbers arrive without '+', for example US"
    settings = account.settings
    if not settings.get("account_sid"):
        yield "settings.account_sid is missing: replies cannot be sent without it; it begins with AC"
    if not phones.bare(account.address) and not settings.get("messaging_service_sid"):
        yield "address is empty: give the number, or settings.messaging_service_sid"
    if "api_base" in settings:
        yield from _address_problems("settings.api_base", settings["api_base"])
    for name in sorted(set(settings) - set(_SETTINGS)):
        yield f"settings.{name} is not known: there are {', '.join(_SETTINGS)}"


def _address_problems(field: str, url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
        named = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        named = False
    if not named:
        yield f"{field} is no address: give one like https://example.com/hooks/sms-main"
        return
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        yield f"{field} has a query or fragment: remove it; connection overrides belong into Twilio's console only"
    if parts.username is not None or parts.password is not None:
        yield f"{field} has a user or password: remove it, requests are proved by their signature"
