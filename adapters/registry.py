"""Which adapter serves a provider and channel. An adapter is imported when first asked for, and kept.

Ours stand in a table. Those of other packages are found as entry points of the group `screenpop.adapters`, named
`<provider>.<channel>`, whose value is the class:

    [project.entry-points."screenpop.adapters"]
    "pigeon.sms" = "pigeon_post:Pigeon"

What is served here is never replaced by an entry point. Whatever is wrong with a package costs nobody but itself:
`package_problems` names it, and its accounts are told why (`UnknownProvider`).
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import get_args

from adapters.base import AccountConfig, Adapter
from model.timeline import Channel

GROUP = "screenpop.adapters"
_ADAPTERS = {
    ("bandwidth", "sms"): "adapters.sms.bandwidth:BandwidthSms",
    ("line", "line"): "adapters.line.line:Line",
    ("mailgun", "email"): "adapters.email.mailgun:MailgunMail",
    ("messagebird", "sms"): "adapters.sms.messagebird:MessageBirdSms",
    ("meta", "instagram"): "adapters.instagram.meta:Instagram",
    ("meta", "messenger"): "adapters.messenger.meta:Messenger",
    ("meta", "whatsapp"): "adapters.whatsapp.cloud:WhatsAppCloud",
    ("postmark", "email"): "adapters.email.postmark:PostmarkMail",
    ("raw", "email"): "adapters.email.raw:RawMail",
    ("screenpop", "chat"): "adapters.chat.screenpop:ScreenpopChat",
    ("sendgrid", "email"): "adapters.email.sendgrid:SendGridMail",
    ("ses", "email"): "adapters.email.ses:SesMail",
    ("slack", "slack"): "adapters.slack.slack:Slack",
    ("standard", "generic"): "adapters.generic.standard:StandardWebhooks",
    ("telegram", "telegram"): "adapters.telegram.telegram:Telegram",
    ("telnyx", "sms"): "adapters.sms.telnyx:TelnyxSms",
    ("twilio", "sms"): "adapters.sms.twilio:TwilioSms",
    ("twilio", "voice"): "adapters.voice.twilio:TwilioVoice",
    ("twilio", "whatsapp"): "adapters.whatsapp.twilio:TwilioWhatsApp",
    ("viber", "viber"): "adapters.viber.viber:Viber",
    ("vonage", "sms"): "adapters.sms.vonage:VonageSms",
    ("x", "x"): "adapters.x.x:X",
}
_METHODS = ("check_account", "verify", "parse", "answer", "limits", "send", "aclose")
_loaded: dict[str, Adapter] = {}
_unusable: dict[EntryPoint, str | None] = {}
"""What is wrong with an entry point that was asked for; None where nothing is. A package is tried once."""


class UnknownProvider(LookupError):
    """No adapter serves this provider on this channel, or the package that does cannot be used."""


def registered() -> list[tuple[str, str]]:
    """Every provider and channel that is served by ourselves."""
    return sorted(_ADAPTERS)


@cache
def _found() -> tuple[dict[tuple[str, str], EntryPoint], tuple[str, ...]]:
    """The entry points that count, and what is wrong with the others. Read once per process."""
    found: dict[tuple[str, str], EntryPoint] = {}
    problems = []
    for point in sorted(entry_points(group=GROUP), key=_place):
        provider, _, channel = point.name.partition(".")
        wrong = _wrong_with(provider, channel)
        if not wrong and (provider, channel) in found:
            wrong = f"{_place(found[provider, channel])[0]} serves that already: remove one of the two"
        if wrong:
            problems.append(f"package {_place(point)[0]}, entry point {point.name!r}: {wrong}")
        else:
            found[provider, channel] = point
    return found, tuple(problems)


def _place(point: EntryPoint) -> tuple[str, str, str]:
    return point.dist.name if point.dist else "?", point.name, point.value


def _wrong_with(provider: str, channel: str) -> str | None:
    if not provider or not channel:
        return "it is not named <provider>.<channel>: name it like 'pigeon.sms'"
    if channel not in get_args(Channel):
        return f"there is no channel {channel!r}: take one of {', '.join(get_args(Channel))}"
    if (provider, channel) in _ADAPTERS:
        return "Screenpop serves that itself: give the provider another name, or remove the package"
    return None


def from_packages() -> dict[tuple[str, str], str]:
    """Every provider and channel that an installed package serves, with its class."""
    return {pair: point.value for pair, point in _found()[0].items()}


def package_problems() -> list[str]:
    """Everything wrong with packages that serve providers, each with its remedy. Imports them."""
    found, problems = _found()
    unusable = []
    for pair, point in found.items():
        try:
            adapter_for(*pair)
        except UnknownProvider as error:
            unusable.append(f"package {_place(point)[0]}: {error}")
    return [*problems, *unusable]


def adapter_for(provider: str, channel: str) -> Adapter:
    """The adapter, one instance per process, so that its connections are shared."""
    target = _ADAPTERS.get((provider, channel))
    if target is None:
        return _outside(provider, channel)
    if target not in _loaded:
        _loaded[target] = _made(target)
    return _loaded[target]


def _made(target: str) -> Adapter:
    module, _, name = target.partition(":")
    adapter: Adapter = getattr(import_module(module), name)()
    return adapter


def _outside(provider: str, channel: str) -> Adapter:
    point = _found()[0].get((provider, channel))
    if point is None:
        known = ", ".join(sorted(" ".join(pair) for pair in (*_ADAPTERS, *from_packages())))
        raise UnknownProvider(f"no adapter for {provider!r} on {channel!r}; there are: {known}")
    if point not in _unusable:
        try:
            if point.value not in _loaded:
                _loaded[point.value] = _made(point.value)
            _unusable[point] = _unfit(_loaded[point.value], provider, channel)
        except Exception as error:  # another's package: whatever is wrong with it, ours serve on
            _unusable[point] = f"cannot be used ({type(error).__name__}: {error}): mend or remove its package"
    if reason := _unusable[point]:
        raise UnknownProvider(f"the adapter {point.value} {reason}")
    return _loaded[point.value]


def _unfit(adapter: Adapter, provider: str, channel: str) -> str | None:
    if lacking := [name for name in (*Adapter.__annotations__, *_METHODS) if not hasattr(adapter, name)]:
        return f"is none: it has no {', '.join(lacking)} (adapters.base.Adapter)"
    if adapter.provider != provider or channel not in adapter.channels:
        return f"is for {adapter.provider!r} on {', '.join(sorted(adapter.channels))}: name its entry point so"
    return None


def account_problems(account: AccountConfig) -> list[str]:
    """Everything wrong with the configuration of an account, and with its provider."""
    try:
        return adapter_for(account.provider, account.channel).check_account(account)
    except UnknownProvider as error:
        return [f"{account.id}: {error}"]
    except Exception as error:  # as above
        if (account.provider, account.channel) in _ADAPTERS:
            raise
        return [f"{account.id}: its adapter cannot check it ({type(error).__name__}: {error}): mend its package"]


async def close_adapters() -> None:
    """Close the connections of every adapter in use. They open again when next needed."""
    for adapter in _loaded.values():
        await adapter.aclose()
