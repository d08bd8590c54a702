"""Customers who write now and then, on every channel, and answer when an agent writes: through the world outside."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
from pathlib import Path
from typing import Any

import httpx2

from gateway.demo.people import PEOPLE

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
SHARES = {"sms": 4, "whatsapp": 4, "email": 2, "messenger": 1, "instagram": 1, "chat": 2, "voice": 1}
"""How often a channel is chosen beside the others."""
SHARE_ANSWERED = 0.7


class Traffic:
    """Writes through the control address of the world outside; reads what agents answered from its log."""

    def __init__(self, outside_url: str, accounts: list[dict[str, Any]], log: Path) -> None:
        self._outside = outside_url
        self._accounts = {account["id"]: account["channel"] for account in accounts}
        self._log = log
        self._chance = random.Random()  # noqa: S311  # whims, not secrets

    async def run(self) -> None:
        """Write until cancelled."""
        async with httpx2.AsyncClient(timeout=20.0) as client, asyncio.TaskGroup() as group:
            group.create_task(self._open(client))
            group.create_task(self._answer(client))

    async def _write(self, client: httpx2.AsyncClient, account: str, wish: dict[str, Any]) -> None:
        try:
            await client.post(f"{self._outside}/control/inbound", json={"account": account, **wish})
        except httpx2.HTTPError:
            return  # the gateway is restarting; this customer writes again another time

    async def _open(self, client: httpx2.AsyncClient) -> None:
        names = list(self._accounts)
        shares = [SHARES.get(self._accounts[name], 1) for name in names]
        while True:
            await asyncio.sleep(self._chance.uniform(*EVERY_SECONDS))
            (account,) = self._chance.choices(names, shares)
            stranger = ("", f"+1415555{self._chance.randrange(1000, 10000)}")
            name, phone = self._chance.choice([*((person.name, person.phone) for person in PEOPLE), stranger])
            channel = self._accounts[account]
            wish: dict[str, Any] = {"from": address_on(channel, name, phone), "body": self._chance.choice(OPENINGS)}
            wish |= {"name": name} if name else {}
            if channel == "chat" and name:  # a customer is logged in where they write
                wish["identity"] = {"id": phone, "name": name, "phone": phone}
            await self._write(client, account, wish)

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
                if self._chance.random() < SHARE_ANSWERED:
                    await asyncio.sleep(self._chance.uniform(*THINKS_SECONDS))
                    sent = json.loads(line)
                    wish = {"from": sent["to"].removeprefix("whatsapp:"), "body": self._chance.choice(ANSWERS)}
                    await self._write(client, sent["account"], wish)


def address_on(channel: str, name: str, phone: str) -> str:
    """What a person is called on a channel: the phone, a mailbox, or an id of a page's own."""
    if channel == "email":
        return f"{name.lower().replace(' ', '.') or 'someone' + phone[-4:]}@mail.example"
    if channel not in ("sms", "voice", "whatsapp"):
        return str(int(hashlib.sha256(f"{channel}{phone}".encode()).hexdigest()[:13], 16) + 10**15)
    return phone
