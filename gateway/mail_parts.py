"""What one process has for mail, put together: webhooks, the listener, the reading."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gateway.accounts import Accounts
from gateway.mail_intake import MailIntake
from gateway.mail_worker import MailNeeds, MailWorker, ReadLimits
from gateway.settings import Settings
from store.feeds import Announce
from store.pool import Pool


@dataclass(frozen=True)
class MailParts:
    """The parts."""

    intake: MailIntake
    worker: MailWorker
    accounts: Accounts
    settings: Settings

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen by SMTP and LMTP where the settings say so."""
        ports = {"smtp": self.settings.smtp_port, "lmtp": self.settings.lmtp_port}
        if not any(ports.values()):
            yield
            return
        from gateway.mail_smtp import mail_server  # the library serves nothing else

        async with mail_server(self.accounts, self.intake, self.settings.smtp_host, ports):
            yield


def make_mail(settings: Settings, pool: Pool, announce: Announce, needs: MailNeeds) -> MailParts:
    """Mail as the settings say."""
    worker = MailWorker(pool, announce, needs, read_limits(settings))
    return MailParts(MailIntake(pool, needs.accounts, needs.client, worker.wake), worker, needs.accounts, settings)


def read_limits(settings: Settings) -> ReadLimits:
    """What reading one mail may take."""
    return ReadLimits(settings.mail_cpu_ms / 1000, settings.mail_memory_mib << 20)
