"""WhatsApp over Twilio.

Everything is as for SMS (`adapters.sms.twilio`): the signature, the configuration, one call that sends, receipts at the
account's `/status`. On the wire both addresses begin with `whatsapp:`; the account's `address` is the number alone.
"""

from __future__ import annotations

from msgspec.structs import replace

from adapters import phones
from adapters.base import AccountConfig, Outgoing, Refused, ReplyLimits, SendOutcome, WebhookRequest
from adapters.sms.twilio import TwilioSms
from adapters.whatsapp.twilio_parse import parse_webhook
from model.content import Template
from model.inbound import InboundEvent

_PREFIX = "whatsapp:"
_MOST_TEXT = 1600
_MOST_FILE_BYTES = 16 * 1000 * 1000
# https://www.twilio.com/docs/whatsapp/guidance-whatsapp-media-messages, "Supported file types".
_FILE_TYPES = (
    "image/jpeg",
    "image/png",
    "audio/ogg",
    "audio/mpeg",
    "audio/mp4",
    "audio/amr",
    "audio/aac",
    "video/mp4",
    "video/3gpp",
    "application/pdf",
    "application/msword",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "text/plain",
)


class TwilioWhatsApp(TwilioSms):
    """The adapter."""

    channels = frozenset(("whatsapp",))

    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """The events of a verified request, or ParseError."""
        return parse_webhook(request, account)

    def limits(self, account: AccountConfig) -> ReplyLimits:
        """Twilio's, and WhatsApp's window of 24 hours; a template is named by its ContentSid."""
        return ReplyLimits(
            most_characters=_MOST_TEXT,
            most_files=1,
            most_file_bytes=_MOST_FILE_BYTES,
            file_types=_FILE_TYPES,
            window_seconds=86_400,
            templates=True,
        )

    async def send(self, account: AccountConfig, outgoing: Outgoing, timeout: float) -> SendOutcome:
        """Hand one message to Twilio, once."""
        if any(isinstance(each, Template) and not each.name.startswith("HX") for each in outgoing.content):
            return Refused("Twilio names templates by their ContentSid, which begins with HX: give that as the name")
        ours = replace(account, address=_PREFIX + phones.bare(account.address))
        theirs = replace(outgoing, to=_PREFIX + phones.bare(outgoing.to))
        return await super().send(ours, theirs, timeout)
