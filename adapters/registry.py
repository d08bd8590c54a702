"""Which adapter serves a provider and channel. An adapter is imported when first asked for, and kept."""

from __future__ import annotations

from importlib import import_module

from adapters.base import Adapter

_ADAPTERS = {
    ("mailgun", "email"): "adapters.email.mailgun:MailgunMail",
    ("meta", "instagram"): "adapters.instagram.meta:Instagram",
    ("meta", "messenger"): "adapters.messenger.meta:Messenger",
    ("meta", "whatsapp"): "adapters.whatsapp.cloud:WhatsAppCloud",
    ("postmark", "email"): "adapters.email.postmark:PostmarkMail",
    ("raw", "email"): "adapters.email.raw:RawMail",
    ("sendgrid", "email"): "adapters.email.sendgrid:SendGridMail",
    ("screenpop", "chat"): "adapters.chat.screenpop:ScreenpopChat",
    ("ses", "email"): "adapters.email.ses:SesMail",
    ("twilio", "sms"): "adapters.sms.twilio:TwilioSms",
    ("twilio", "voice"): "adapters.voice.twilio:TwilioVoice",
    ("twilio", "whatsapp"): "adapters.whatsapp.twilio:TwilioWhatsApp",
}
_loaded: dict[str, Adapter] = {}


class UnknownProvider(LookupError):
    """No adapter serves this provider on this channel."""


def registered() -> list[tuple[str, str]]:
    """Every provider and channel that is served."""
    return sorted(_ADAPTERS)


def adapter_for(provider: str, channel: str) -> Adapter:
    """The adapter, one instance per process, so that its connections are shared."""
    target = _ADAPTERS.get((provider, channel))
    if target is None:
        known = ", ".join(sorted(" ".join(pair) for pair in _ADAPTERS))
        raise UnknownProvider(f"no adapter for {provider!r} on {channel!r}; there are: {known}")
    if target not in _loaded:
        module, _, name = target.partition(":")
        _loaded[target] = getattr(import_module(module), name)()
    return _loaded[target]


async def close_adapters() -> None:
    """Close the connections of every adapter in use. They open again when next needed."""
    for adapter in _loaded.values():
        await adapter.aclose()
