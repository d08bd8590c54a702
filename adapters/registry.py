"""Which adapter serves a provider and channel. An adapter is imported when first asked for, and kept.

Ours stand in a table. Those of other packages are found as entry points of the group `screenpop.adapters`, named
`<provider>.<channel>`, whose value is the class:

    [project.entry-points."screenpop.adapters"]
    "pigeon.sms" = "pigeon_post:Pigeon"

What is served here is never replaced by an entry point.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from adapters.base import Adapter

GROUP = "screenpop.adapters"
_ADAPTERS = {
    ("mailgun", "email"): "adapters.email.mailgun:MailgunMail",
    ("meta", "instagram"): "adapters.instagram.meta:Instagram",
    ("meta", "messenger"): "adapters.messenger.meta:Messenger",
    ("meta", "whatsapp"): "adapters.whatsapp.cloud:WhatsAppCloud",
    ("postmark", "email"): "adapters.email.postmark:PostmarkMail",
    ("raw", "email"): "adapters.email.raw:RawMail",
    ("screenpop", "chat"): "adapters.chat.screenpop:ScreenpopChat",
    ("sendgrid", "email"): "adapters.email.sendgrid:SendGridMail",
    ("ses", "email"): "adapters.email.ses:SesMail",
    ("twilio", "sms"): "adapters.sms.twilio:TwilioSms",
    ("twilio", "voice"): "adapters.voice.twilio:TwilioVoice",
    ("twilio", "whatsapp"): "adapters.whatsapp.twilio:TwilioWhatsApp",
}
_loaded: dict[str, Adapter] = {}


class UnknownProvider(LookupError):
    """No adapter serves this provider on this channel, or the package that does cannot be used."""


def registered() -> list[tuple[str, str]]:
    """Every provider and channel that is served by ourselves."""
    return sorted(_ADAPTERS)


@cache
def from_packages() -> dict[tuple[str, str], str]:
    """Every provider and channel that an installed package serves, with its class. Read once per process."""
    found = {}
    for point in entry_points(group=GROUP):
        provider, _, channel = point.name.partition(".")
        if provider and channel and (provider, channel) not in _ADAPTERS:
            found[provider, channel] = point.value
    return found


def adapter_for(provider: str, channel: str) -> Adapter:
    """The adapter, one instance per process, so that its connections are shared."""
    target = _ADAPTERS.get((provider, channel)) or from_packages().get((provider, channel))
    if target is None:
        known = ", ".join(sorted(" ".join(pair) for pair in (*_ADAPTERS, *from_packages())))
        raise UnknownProvider(f"no adapter for {provider!r} on {channel!r}; there are: {known}")
    if target not in _loaded:
        _loaded[target] = _made(target)
    return _loaded[target]


def _made(target: str) -> Adapter:
    module, _, name = target.partition(":")
    try:
        adapter: Adapter = getattr(import_module(module), name)()
    except Exception as error:  # another's package: whatever is wrong with it, ours serve on
        if target in _ADAPTERS.values():
            raise
        raise UnknownProvider(f"the adapter {target} cannot be used: {type(error).__name__}: {error}") from error
    return adapter


async def close_adapters() -> None:
    """Close the connections of every adapter in use. They open again when next needed."""
    for adapter in _loaded.values():
        await adapter.aclose()
