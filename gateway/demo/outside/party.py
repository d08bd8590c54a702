"""What a provider's file fills in, and which file plays which provider and channel."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol

from starlette.routing import BaseRoute

from gateway.demo.outside.world import Account, World

_HERE = "gateway.demo.outside"
PARTIES = {
    ("bandwidth", "sms"): "bandwidth:Bandwidth",
    ("line", "line"): "line:Line",
    ("messagebird", "sms"): "messagebird:MessageBird",
    ("meta", "instagram"): "meta_graph:MetaGraph",
    ("meta", "messenger"): "meta_graph:MetaGraph",
    ("meta", "whatsapp"): "meta_graph:MetaGraph",
    ("screenpop", "chat"): "screenpop_chat:ScreenpopChat",
    ("standard", "generic"): "standard_webhooks:StandardWebhooks",
    ("slack", "slack"): "slack:Slack",
    ("telegram", "telegram"): "telegram:Telegram",
    ("telnyx", "sms"): "telnyx:Telnyx",
    ("twilio", "sms"): "twilio_messaging:TwilioMessaging",
    ("twilio", "voice"): "twilio_voice:TwilioVoice",
    ("twilio", "whatsapp"): "twilio_messaging:TwilioMessaging",
    ("viber", "viber"): "viber:Viber",
    ("vonage", "sms"): "vonage:Vonage",
    ("x", "x"): "x:X",
}


class Party(Protocol):
    """One provider. Made once per process, with the world, whether or not it has an account."""

    def __init__(self, world: World) -> None: ...

    def routes(self) -> list[BaseRoute]:
        """The provider's sending API, and where it hands out media."""

    async def inbound(self, account: Account, wish: dict[str, Any]) -> dict[str, Any]:
        """A customer does something; what became of the webhook. Raises ValueError or KeyError for a wrong wish."""

    async def start(self) -> None:
        """Begin to listen, where HTTP is not enough."""

    async def aclose(self) -> None:
        """End that, and calls in progress."""


def parties(world: World) -> dict[tuple[str, str], Party]:
    """A player for each provider and channel; one that plays several stands there several times."""
    made = {target: _made(target, world) for target in dict.fromkeys(PARTIES.values())}
    return {pair: made[target] for pair, target in PARTIES.items()}


def _made(target: str, world: World) -> Party:
    module, _, name = target.partition(":")
    party: Party = getattr(import_module(f"{_HERE}.{module}"), name)(world)
    return party
