"""What an adapter for calls speaks besides `adapters.base.Adapter`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from adapters.base import AccountConfig, Adapter, Answer, WebhookRequest
from model.call import CallCommand, CallEvent, CallStep, CommandOutcome


class VoiceAdapter(Adapter, Protocol):
    """One provider of calls."""

    def parse_call(self, request: WebhookRequest, account: AccountConfig) -> CallEvent:
        """The event of a verified request. Pure; raises ParseError and nothing else."""

    def render(self, steps: Iterable[CallStep], account: AccountConfig) -> Answer:
        """What somebody on the line is to hear, as the provider reads it. Pure."""

    def taken(self) -> Answer:
        """A report was taken: nothing is to be heard."""

    async def carry_out(self, account: AccountConfig, command: CallCommand, timeout: float) -> CommandOutcome:
        """Ask the provider once: no retry happens inside. Raises only on cancellation."""
