"""A provider that is told what to do, and what the tests of the sender ask of the database."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from adapters.base import Outgoing, SendOutcome, Sent
from gateway.sender import Sender
from model.event import ReceiptChanged
from model.timeline import DeliveryStatus
from store.pool import Pool
from tests.store.profile_seed import ADA, customer_of, events_after


class Carrier:
    """A provider: answers as told, per body, and keeps what it was given."""

    def __init__(self) -> None:
        self.given: list[str] = []
        self.answers: dict[str, list[SendOutcome | Exception]] = defaultdict(list)
        self.holding: dict[str, asyncio.Event] = {}
        self.arrived: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        """Set when the provider is given this body; `3 in all` with the third of all."""

    async def __call__(self, _account: str, outgoing: Outgoing) -> SendOutcome:
        self.given.append(outgoing.body)
        self.arrived[outgoing.body].set()
        self.arrived[f"{len(self.given)} in all"].set()
        if outgoing.body in self.holding:
            await self.holding[outgoing.body].wait()
        answers = self.answers[outgoing.body]
        answer = answers.pop(0) if answers else Sent(f"P-{outgoing.id}", "sent")
        if isinstance(answer, Exception):
            raise answer
        return answer


async def send_all(sender: Sender) -> None:
    """Rounds until nothing is due."""
    while await sender.start_due():
        await sender.finish()


async def changes(pool: Pool, phone: str = ADA) -> list[tuple[DeliveryStatus, str | None]]:
    """The status changes the screens were told."""
    logged = await events_after(pool, await customer_of(pool, phone))
    return [(each.event.status, each.event.error) for each in logged if isinstance(each.event, ReceiptChanged)]


async def make_due(pool: Pool) -> None:
    """Every wait is over."""
    await pool.execute("update outbox set due_at = now() - interval '1 s' where state = 'queued'")
    await pool.execute("update account set paused_until = null")
