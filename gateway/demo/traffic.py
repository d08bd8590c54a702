"""Customers who text now and then and answer when an agent writes: through the carrier, as anyone would."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path

import httpx2

from gateway.demo.company import PEOPLE

OPENINGS = (
    "Hi, is my order still on its way?",
    "Hello! Do you have the lounge chair in green?",
    "My invoice shows the wrong amount, could you look at it?",
    "The parcel arrived today, but one box is missing.",
    "Can I pick up the sofa myself on Friday?",
    "How long is the guarantee on the oak table?",
)
ANSWERS = ("Great, thank you!", "That helps a lot.", "When will that be?", "Could you confirm it by mail?", "Perfect.")
EVERY_SECONDS = (8.0, 25.0)
THINKS_SECONDS = (3.0, 9.0)


class Traffic:
    """Writes through the carrier's control address; reads what agents answered from its log."""

    def __init__(self, carrier_url: str, public_url: str, number: str, log: Path) -> None:
        self._carrier = carrier_url
        self._url = public_url
        self._number = number
        self._log = log
        self._chance = random.Random()  # noqa: S311  # whims, not secrets

    async def run(self) -> None:
        """Text until cancelled."""
        async with httpx2.AsyncClient(timeout=20.0) as client, asyncio.TaskGroup() as group:
            group.create_task(self._open(client))
            group.create_task(self._answer(client))

    async def _write(self, client: httpx2.AsyncClient, phone: str, body: str) -> None:
        message = {"url": self._url, "from": phone, "to": self._number, "body": body}
        try:
            await client.post(f"{self._carrier}/control/inbound", json=message)
        except httpx2.HTTPError:
            return  # the gateway is restarting; this customer writes again another time

    async def _open(self, client: httpx2.AsyncClient) -> None:
        while True:
            await asyncio.sleep(self._chance.uniform(*EVERY_SECONDS))
            stranger = f"+1415555{self._chance.randrange(1000, 10000)}"
            phone = self._chance.choice([*(person.phone for person in PEOPLE), stranger])
            await self._write(client, phone, self._chance.choice(OPENINGS))

    async def _answer(self, client: httpx2.AsyncClient) -> None:
        place = self._log.stat().st_size if self._log.exists() else 0
        while True:
            await asyncio.sleep(1.0)
            if not self._log.exists():
                continue
            with self._log.open("rb") as log:
                log.seek(place)
                lines = log.readlines()
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                place += len(line)
                if self._chance.random() < 0.7:
                    await asyncio.sleep(self._chance.uniform(*THINKS_SECONDS))
                    await self._write(client, json.loads(line)["to"], self._chance.choice(ANSWERS))
