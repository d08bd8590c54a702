"""Agents of the storm: they accept, decline, ignore, reply, finish, vanish and come back, by a seeded whim."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from typing import Any
from uuid import uuid4

from tests.outside.screen import UNREACHABLE, Gone, Screen
from tests.outside.told import Frame

FRAMES_A_CONTACT = 6
PINNED = 8
"""Customers an agent keeps on the screen to the end: their timelines are compared then."""
LOST = (*UNREACHABLE, Gone, TimeoutError)


class RandomAgent:
    """One screen and its owner's mood."""

    def __init__(self, screen: Screen, rng: random.Random) -> None:
        self.screen, self.rng = screen, rng
        self.mood = "random"
        """random, still (touch nothing) or brisk (accept and finish at once)."""
        self.pinned: list[str] = []
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ends = False

    async def run(self) -> None:
        """Work until `stop`, over every loss of the connection."""
        while not self._ends:
            try:
                await self._work()
            except LOST:
                await asyncio.sleep(self.rng.uniform(0.05, 0.4))

    async def stop(self) -> None:
        """End what is under way; the screen stays connected."""
        self._ends = True
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _work(self) -> None:
        screen = self.screen
        if not screen.connected:
            await screen.connect(self.rng.randrange(len(screen.company.urls)))
        if screen.told.presence != "available":
            await screen.present()
        for offer in list(screen.told.ringing):
            if self.mood != "still":
                self._once(offer, self._offered(offer))
        for contact, held in list(screen.told.held.items()):
            if self.mood != "still" and held["state"] in ("assigned", "wrapping"):
                self._once(contact, self._held(contact, held))
        if self.mood == "random" and self.rng.random() < 0.004:
            await self._vanish()
        await asyncio.sleep(0.02)
        if screen.frames_left < FRAMES_A_CONTACT and not self._tasks:
            await screen.connect(screen.process)

    def _once(self, id: str, work: Coroutine[Any, Any, None]) -> None:
        if id in self._tasks or self.screen.frames_left < FRAMES_A_CONTACT:
            work.close()
            return
        task = self._tasks[id] = asyncio.create_task(self._guarded(work))
        task.add_done_callback(lambda _: self._tasks.pop(id, None))

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except LOST:
            return

    async def _offered(self, offer: str) -> None:
        if self.mood == "random":
            await asyncio.sleep(self.rng.choice((0, 0.05, 0.3, 1.0)) * self.rng.random())
            whim = self.rng.random()
            if whim < 0.12:
                await self.screen.decline(offer)
                return
            if whim < 0.16:  # ignored: it rings until it times out
                await self.screen.until(lambda: offer not in self.screen.told.ringing, 30)
                return
            if whim < 0.30:
                await asyncio.sleep(self.rng.uniform(1, 5))
        if offer in self.screen.told.ringing:
            await self.screen.accept(offer)

    async def _held(self, contact: str, held: Frame) -> None:
        if self.mood == "random":
            await asyncio.sleep(self.rng.uniform(0.1, 1.5))
            if self.rng.random() < 0.5:
                await self.screen.reply(held["conversation"], f"answer {uuid4().hex}")
        await self.screen.finish(contact)
        customer = held["customer"]
        if customer in self.pinned or customer not in self.screen.told.views:
            return
        if len(self.pinned) < PINNED:
            self.pinned.append(customer)
        elif not any(o["customer"] == customer for id, o in self.screen.told.held.items() if id != contact):
            await self.screen.leave(customer)

    async def _vanish(self) -> None:
        await self.screen.drop(politely=self.rng.random() < 0.3)
        await asyncio.sleep(self.rng.uniform(0, 2.5))
