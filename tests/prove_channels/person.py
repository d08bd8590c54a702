"""One person on five channels: three customers, until a signed chat identity says that they are one.

Text message, WhatsApp and call come from one phone, the mail from a mailbox, the chat from a visitor nobody knows.
The site then signs who the visitor is, with phone and mailbox: what was apart becomes one profile, one timeline and one
open conversation, and nobody had to ask.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Any

import asyncpg
import httpx2

from tests.outside.company import Company
from tests.outside.verdict import Verdict, compare, missing
from tests.prove_first_light.stage import Stage

SECONDS = 20.0
CHANNELS = ("sms", "whatsapp", "voice", "email", "chat")
ACCOUNTS = {
    "sms": "sms-main",
    "whatsapp": "whatsapp-main",
    "voice": "voice-main",
    "email": "email-raw",
    "chat": "chat-main",
}
NAME, MAILBOX, VISITOR = "Ana Duarte", "ana.duarte@mail.example", "visitor-7f3a"
AUTHSERV = "mx.desk.example"

ROOTS = """
select distinct k.root_id::text as root, e.channel from entry e join customer k on k.id = e.customer_id
 where e.at >= $1 and e.channel is not null
"""


class Person:
    """Who writes, and what the database says became of it."""

    def __init__(self, company: Company, http: httpx2.AsyncClient, database: asyncpg.Connection, phone: str) -> None:
        self._described = json.loads(company.path.read_bytes())
        self.company, self.phone = company, phone
        self._http, self._database = http, database
        self.began = datetime.now(UTC)

    @property
    def lacking(self) -> list[str]:
        """Channels the demo has no account for."""
        there = {account["id"] for account in self._described["accounts"]}
        return [channel for channel, account in ACCOUNTS.items() if account not in there]

    async def acts(self, channel: str, **more: Any) -> None:
        """Write, or call, on a channel."""
        if channel == "email":
            await self._mail()
            return
        sender = VISITOR if channel == "chat" else self.phone
        wish = {"account": ACCOUNTS[channel], "from": sender, "body": f"By {channel}: where is my table?", **more}
        answer = await self._http.post(f"{self._described['carrier_url']}/control/inbound", json=wish)
        answer.raise_for_status()

    async def _mail(self) -> None:
        account = next(one for one in self._described["accounts"] if one["id"] == ACCOUNTS["email"])
        mail = EmailMessage()
        mail["Authentication-Results"] = f"{AUTHSERV}; dmarc=pass header.from=mail.example"
        mail["From"], mail["To"], mail["Subject"] = f"{NAME} <{MAILBOX}>", account["address"], "My table"
        mail["Date"], mail["Message-ID"] = format_datetime(datetime.now(UTC)), make_msgid(domain="mail.example")
        mail.set_content("By mail: where is my table?")
        headers = {"Authorization": f"Bearer {account['secret']}", "Content-Type": "message/rfc822"}
        url = f"{self.company.urls[0]}/hooks/{account['id']}"
        answer = await self._http.post(url, content=mail.as_bytes(), headers=headers)
        answer.raise_for_status()

    async def roots(self) -> dict[str, set[str]]:
        """Customers who came since the beginning, with the channels they came on."""
        found: dict[str, set[str]] = {}
        for row in await self._database.fetch(ROOTS, self.began):
            found.setdefault(row["root"], set()).add(row["channel"])
        return found

    async def until(self, so: Callable[[dict[str, set[str]]], bool]) -> dict[str, set[str]]:
        """Wait until the customers are so; what they are at the end."""
        give_up_at = time.monotonic() + SECONDS
        while True:
            found = await self.roots()
            if so(found) or time.monotonic() > give_up_at:
                return found
            await asyncio.sleep(0.1)


async def show(stage: Stage) -> list[Verdict]:
    """Write on each channel; the chat and who it is come last."""
    company = await stage.demo(processes=1).start()
    database = await asyncpg.connect(company.database_url)
    async with httpx2.AsyncClient(trust_env=False, timeout=60) as http:
        try:
            person = Person(
                company, http, database, f"+1415{stage.rng.randrange(220, 300)}{stage.rng.randrange(10**4):04d}"
            )
            return await _play(person)
        finally:
            await database.close()


async def _play(person: Person) -> list[Verdict]:
    lacking = person.lacking
    before = [channel for channel in CHANNELS[:-1] if channel not in lacking]
    for channel in before:
        await person.acts(channel)
    apart = await person.until(lambda found: set().union(*found.values()) >= set(before) and len(found) == 2)
    verdicts = [missing(f"a message by {channel}", ACCOUNTS[channel]) for channel in lacking]
    verdicts.append(_told("the phone's channels are one customer, the mailbox another", before, apart, 2))
    if "chat" in lacking:
        return [*verdicts, missing("a signed chat identity makes them one", ACCOUNTS["chat"])]
    await person.acts("chat")
    apart = await person.until(lambda found: len(found) == 3)
    verdicts.append(_told("the visitor of the chat is a third", ["chat"], apart, 3))
    identity = {"id": "shop-4711", "name": NAME, "phone": person.phone, "email": MAILBOX}
    await person.acts("chat", identity=identity)
    one = await person.until(lambda found: len(found) == 1)
    verdicts.append(_told("signed phone and mailbox arrive last: one customer, by itself", list(CHANNELS), one, 1))
    return [*verdicts, *await _whole(person, one)]


def _told(claim: str, channels: list[str], found: dict[str, set[str]], count: int) -> Verdict:
    shown = "; ".join(f"{root[:8]} {', '.join(sorted(channels))}" for root, channels in found.items())
    fine = len(found) == count and set().union(*found.values()) >= set(channels)
    return Verdict(claim, ", ".join(channels), f"{len(found)}: {shown}", fine)


async def _whole(person: Person, found: dict[str, set[str]]) -> list[Verdict]:
    root = next(iter(found))
    profile = await person.company.get(f"customers/{root}")
    items = await person.company.every(f"customers/{root}/timeline")
    channels = {item["channel"] for item in items if item["channel"]}
    conversations = await person.company.every(f"customers/{root}/conversations")
    open_ = [one for one in conversations if one["status"] != "closed"]
    handles = {handle["value"] for handle in profile["handles"]}
    return [
        compare(
            "one timeline with all channels",
            f"{len(items)} entries",
            sorted(set(CHANNELS) - channels),
            ", ".join(sorted(channels)),
        ),
        Verdict("one open conversation", f"{len(conversations)} in all", f"{len(open_)} open", len(open_) == 1),
        compare(
            "one profile with phone and mailbox",
            f"{len(handles)} handles",
            sorted({person.phone, MAILBOX} - handles),
            ", ".join(sorted(handles)),
        ),
    ]
