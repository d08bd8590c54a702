"""kill -9 of a random gateway, always in the middle of things: webhooks on their way to it, an offer ringing."""

from __future__ import annotations

import asyncio
import os
import random
import signal

import asyncpg

from tests.faults.provider import Message, Provider
from tests.outside.demo import alive
from tests.outside.history import Fact

BACK_SECONDS = 20.0
BURST = 72
LIVE_OFFERS = "select count(*) from offer where state = 'pending' and expires_at > clock_timestamp()"


class Killer:
    """Kills until enough kills met enough. `messages` are poured at the victim just before."""

    def __init__(self, provider: Provider, rng: random.Random, unanswered: int) -> None:
        self.provider, self.rng, self.unanswered = provider, rng, unanswered
        self.good = 0
        self.kills = 0
        self.slowest_return = 0.0

    async def kill(self, messages: list[Message], connection: asyncpg.Connection[asyncpg.Record]) -> None:
        """One kill with what it met; waits until the gateway is back."""
        company, provider = self.provider.company, self.provider
        victim = self.rng.randrange(len(company.urls))
        pid = company.pids[victim]
        await self._ringing(connection)
        burst = [asyncio.create_task(provider.deliver(message, victim)) for message in messages]
        await self._midway(victim, len(messages))
        on_the_way = provider.on_the_way[victim]
        caught = set(on_the_way)
        os.kill(pid, signal.SIGKILL)
        live = await connection.fetchval(LIVE_OFFERS)
        await provider.none_of(caught)
        lost = len(caught & provider.lost)
        self.kills += 1
        self.good += lost >= self.unanswered and live >= 1
        provider.history.add(Fact(kind="saw", op="kill", who="killer", process=victim, count=lost, live=live))
        await self._back(victim, pid)
        await asyncio.gather(*burst)

    async def _midway(self, victim: int, sent: int) -> None:
        """Wait until the burst has arrived and some of it, a different share each time, is answered."""
        on_the_way = self.provider.on_the_way[victim]
        left = self.rng.randrange(self.unanswered * 2, sent + 1)
        most = 0
        for _ in range(20_000):
            most = max(most, len(on_the_way))
            if most >= sent // 2 and len(on_the_way) <= left:
                return
            await asyncio.sleep(0)

    async def _ringing(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        for _ in range(400):
            if await connection.fetchval(LIVE_OFFERS):
                return
            await asyncio.sleep(0.02)

    async def _back(self, victim: int, pid: int) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        company = self.provider.company
        while loop.time() - began < BACK_SECONDS:
            now = company.pids[victim]
            if now != pid and alive(now) and await _listens(company.urls[victim]):
                self.slowest_return = max(self.slowest_return, loop.time() - began)
                return
            await asyncio.sleep(0.05)
        raise RuntimeError(f"gateway {victim} did not come back within {BACK_SECONDS} s of kill -9")


async def _listens(url: str) -> bool:
    host, _, port = url.rpartition("//")[2].partition(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port.rstrip("/")))
    except OSError:
        return False
    writer.close()
    return True
