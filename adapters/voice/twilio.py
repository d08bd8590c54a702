"""Twilio for calls.

Configure the number's voice webhook ("A call comes in") as POST to the account's public URL, its fallback as
`/fallback` or a static TwiML Bin, and its call status changes as POST to `/status` with the fragment `#rc=5&rp=all`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import httpx2
import phonenumbers

from adapters import phones
from adapters.base import (
    AccountConfig,
    Answer,
    Forged,
    Outgoing,
    Refused,
    ReplyLimits,
    SendOutcome,
    WebhookRequest,
)
from adapters.http_call import new_session
from adapters.media import MediaClient, MediaOutcome
from adapters.sms.twilio_media import fetch_media
from adapters.sms.twilio_signature import verify_signature
from adapters.voice.twilio_parse import parse_webhook
from adapters.voice.twilio_rest import carry_out
from adapters.voice.twilio_twiml import render
from model.call import CallCommand, CallEvent, CallStep, CommandFailed, CommandOutcome
from model.inbound import Ignored, InboundEvent
from model.timeline import Media

_SETTINGS = ("account_sid", "api_base", "callback_overrides")


class TwilioVoice:
    """The adapter. It holds nothing but the connections shared by all requests."""

    provider = "twilio"
    channels = frozenset(("voice",))
    # A transcript of a voicemail is the longest there is.
    max_body = 128 * 1024

    def __init__(self) -> None:
        self._session: httpx2.AsyncClient | None = None

    def check_account(self, account: AccountConfig) -> list[str]:
        """Everything wrong with the configuration, each naming the field and the remedy."""
        return [f"{account.id}: {problem}" for problem in _problems(account)]

    def verify(self, request: WebhookRequest, account: AccountConfig) -> None:
        """Raise Forged unless Twilio signed this request."""
        verify_signature(request, account)

    def parse_call(self, request: WebhookRequest, account: AccountConfig) -> CallEvent:
        """The event of a verified request, or ParseError."""
        return parse_webhook(request, account)

    def render(self, steps: Iterable[CallStep], account: AccountConfig) -> Answer:
        """TwiML."""
        return Answer(render(steps, account), "text/xml")

    def taken(self) -> Answer:
        """Empty TwiML: Twilio reads nothing of the answer to a report."""
        return Answer(b'<?xml version="1.0" encoding="UTF-8"?><Response/>', "text/xml")

    async def carry_out(self, account: AccountConfig, command: CallCommand, timeout: float) -> CommandOutcome:
        """Ask Twilio, once."""
        if not account.settings.get("account_sid") or not any(account.secrets[:1]):
            return CommandFailed("the account cannot call: set settings.account_sid and a first secret")
        if self._session is None:
            self._session = new_session()
        return await carry_out(self._session, account, command, timeout)

    # --- what every adapter answers, and calls have no use for ---

    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """Nothing a call brings is a message; what it is, `parse_call` says."""
        event = self.parse_call(request, account)
        return [Ignored(key=f"{request.step}?{request.query}", reason=f"of a call: {type(event).__name__}")]

    def answer(self, request: WebhookRequest, account: AccountConfig) -> Answer:
        """Where nothing is to be heard. A GET is no challenge: Twilio sends none."""
        if request.method != "POST":
            raise Forged("Twilio sends no challenge: configure the webhook as POST")
        return self.taken()

    def limits(self, account: AccountConfig) -> ReplyLimits:
        """Nothing is written on a line."""
        return ReplyLimits(most_characters=0)

    async def fetch_media(self, account: AccountConfig, media: Media, client: MediaClient) -> MediaOutcome:
        """A recording, with our credentials towards Twilio alone."""
        return await fetch_media(account, media, client)

    async def send(self, account: AccountConfig, outgoing: Outgoing, timeout: float) -> SendOutcome:
        """Nothing is written on a line."""
        return Refused("calls carry no messages: choose another account")

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
    if not account.public_url.startswith(("https://", "http://")) or account.public_url.endswith(("/", "?", "#")):
        yield "public_url is no address: give one like https://example.com/hooks/voice-main, without '/' at its end"
    if account.region.upper() not in phonenumbers.SUPPORTED_REGIONS:
        yield "region is no ISO country code: give the country whose numbers arrive without '+', for example US"
    if not account.settings.get("account_sid"):
        yield "settings.account_sid is missing: nobody can be called without it; it begins with AC"
    if phones.normalise(account.address, account.region) is None:
        yield "address is no number: give the one that is called, in E.164"
    for name in sorted(set(account.settings) - set(_SETTINGS)):
        yield f"settings.{name} is not known: there are {', '.join(_SETTINGS)}"
