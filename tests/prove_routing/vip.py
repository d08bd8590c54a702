"""The client's own example under traffic: publish "VIP → senior, greet by name", see it on both processes, undo it.

A program that knows `demo.json`: webhooks, screens, REST, the carrier's log. Only the stage is set in the database: a
queue for seniors, who serves it, and customers with a name and a tag.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from typing import Any
from uuid import UUID

import asyncpg
import httpx2
from msgspec import Struct

from router.needs import set_agent_queues
from tests.outside.company import Company
from tests.outside.screen import Gone, Screen
from tests.outside.told import Frame
from tests.outside.verdict import Verdict, compare
from tests.prove_first_light.stage import Stage

WITHIN_SECONDS = 1.0
PER_SECOND = 4.0
VIPS = ("Ada Byron", "Grace Hopper", "Mary Shelley", "Emmy Noether")
REST = {"name": "everybody else", "queue": "general"}
VIP = {
    **{"name": "VIP to seniors", "queue": "senior", "priority": 10, "when": {"field": "tags", "has_any": ["vip"]}},
    "reply": {"text": "Hello {name|there}, a senior colleague is with you in a moment."},
}
BEFORE = {"rules": [REST]}
AFTER = {
    "rules": [VIP, REST],
    "cases": [{"name": "a VIP", "given": {"tags": ["vip"]}, "queue": "senior", "rule": "VIP to seniors"}],
}
FOUND = "insert into queue (id, name, offer_seconds) values ('senior', 'Senior', 60) on conflict do nothing"
PATIENT = "update queue set offer_seconds = 120 where id = 'general'"
KNOW = """
update customer set name = $2, shown_name = $2, tags = '{vip}'
 where id = (select customer_id from handle where value = $1)
"""
CONTACT_OF = """
select c.id::text from contact c join handle h on h.id = c.handle_id
 where h.value = $1 order by c.arrived_at desc limit 1
"""
LIVE = """
select exists (select from contact c join handle h on h.id = c.handle_id
                where h.value = any ($1) and c.state not in ('abandoned', 'closed'))
"""
_numbers = itertools.count(7_000_000)


class Cast(Struct):
    """Who is there. `usual` take what rings; of `senior` and `waiting` the proof says when."""

    senior: Screen
    waiting: Screen
    usual: Screen
    company: Company
    connection: asyncpg.Connection[asyncpg.Record]

    async def vip(self, name: str) -> str:
        """A customer with a name and a tag, who has written before: their number."""
        phone = f"+1415{next(_numbers)}"
        await self.company.inbound(phone, "hello")
        await _until(lambda: self._known(phone))
        await self.connection.execute(KNOW, phone, name)
        return phone

    async def _known(self, phone: str) -> bool:
        return await self.connection.fetchval(CONTACT_OF, phone) is not None

    async def all_served(self, phones: list[str]) -> bool:
        """Nobody of these waits or is talked to."""
        return not await self.connection.fetchval(LIVE, phones)

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """REST as the admin. Raises `httpx2.HTTPStatusError`."""
        headers = {"Authorization": f"Bearer {self.company.admin.token}", "Content-Type": "application/json"}
        async with httpx2.AsyncClient(trust_env=False, timeout=10) as http:
            url = f"{self.company.urls[0]}/v1/{path}"
            content = json.dumps(body).encode() if body is not None else None
            answer = await http.request(method, url, content=content, headers=headers)
            answer.raise_for_status()
            return answer.json() if answer.content else None

    async def publish(self, rules: object) -> int:
        """Draft and publish; the version."""
        draft = await self.call("PUT", "rules/draft", rules)
        published = await self.call("POST", "rules/draft/publish", {"revision": draft["revision"]})
        return int(published["version"])

    async def decision(self, phone: str) -> Any:
        """The newest decision about the newest contact of this number, with its reasons."""
        contact = await self.connection.fetchval(CONTACT_OF, phone)
        listed = await self.company.get(f"decisions?contact={contact}")
        found = await self.company.get(f"decisions/{listed['items'][0]['id']}")
        for offer in found["offers"]:
            offer.pop("outcome")  # what rings is taken back from who goes away
        return found


async def show(stage: Stage) -> list[Verdict]:
    """Play it."""
    company = await stage.demo().start()
    connection = await asyncpg.connect(company.database_url)
    try:
        cast = await _cast(stage, company, connection)
        traffic = asyncio.create_task(_traffic(cast))
        try:
            return await _play(cast)
        finally:
            traffic.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await traffic
    finally:
        await connection.close()
        company.hang_up()


async def _cast(stage: Stage, company: Company, connection: asyncpg.Connection[asyncpg.Record]) -> Cast:
    await connection.execute(FOUND)
    await connection.execute(PATIENT)
    screens = [stage.screen(Screen(company, agent)) for agent in company.agents[:3]]
    queues = (["senior"], ["general"], ["general"])
    for screen, serves in zip(screens, queues, strict=True):
        async with connection.transaction():
            await set_agent_queues(connection, UUID(screen.agent.id), serves)
    for process, screen in enumerate(screens):
        await screen.connect(process % 2)
    cast = Cast(screens[0], screens[1], screens[2], company, connection)
    await cast.publish(BEFORE)
    return cast


async def _traffic(cast: Cast) -> None:
    """Customers of every day, on both processes, all the time; the usual agent takes and ends what they bring."""
    for turn in itertools.count():
        with contextlib.suppress(ConnectionError, Gone, TimeoutError):
            await cast.company.inbound(f"+1628{next(_numbers)}", "where is my order?", process=turn % 2)
            for offer in list(cast.usual.told.ringing)[:3]:
                await cast.usual.afford(6)
                await cast.usual.accept(offer)
            for contact in list(cast.usual.told.held)[:3]:
                await cast.usual.afford(6)
                await cast.usual.finish(contact)
        await asyncio.sleep(1 / PER_SECOND)


async def _play(cast: Cast) -> list[Verdict]:
    await cast.usual.present()
    phones = [await cast.vip(name) for name in VIPS]
    await _until(lambda: cast.all_served(phones), 30)
    await cast.senior.present()
    await cast.waiting.present()
    live = await cast.waiting.ring()
    before = (await cast.decision(phones[0]))["version"]
    published_at = time.monotonic()
    version = await cast.publish(AFTER)
    now = time.monotonic()
    cards = await _vips_write(cast, phones[:2], cast.senior)
    took = time.monotonic() - now
    kept = live["offer"] in cast.waiting.told.ringing
    taken = await cast.waiting.accept(live["offer"])
    greeted = {name: await cast.company.sent_with(_greeting(name)) for name in VIPS[:2]}
    decisions = [await cast.decision(phone) for phone in phones[:2]]
    back = await cast.call("POST", f"rules/versions/{before}/roll-back")
    await _vips_write(cast, phones[2:4], None)
    after = [await cast.decision(phone) for phone in phones[2:4]]
    silent = [name for name in VIPS[2:4] if any(each["body"] == _greeting(name) for each in cast.company.sent())]
    explained = await _explained_later(cast, [phones[0], phones[2]])
    dose = f"{PER_SECOND:.0f} customers a second on two processes"
    queues = {decision["queue"] for decision in decisions}
    return [
        Verdict(
            f"the next VIPs ring at the senior within {WITHIN_SECONDS:.0f} s of the answer, on both processes",
            dose,
            f"{len(cards)} offers, {took * 1e3:.0f} ms; publishing took {(now - published_at) * 1e3:.0f} ms",
            len(cards) == 2 and took <= WITHIN_SECONDS and queues == {"senior"},
        ),
        Verdict(
            "an offer that rang before stays and can be taken",
            dose,
            f"{'rings' if kept else 'gone'}; accepted: {taken['type']}",
            kept and taken["type"] == "profile",
        ),
        compare(
            "the auto-reply holds the name, once, at the carrier",
            "2 VIPs",
            [f"{name}: {len(found)} replies" for name, found in greeted.items() if len(found) != 1],
            _greeting(VIPS[0]),
        ),
        Verdict(
            "rolled back, VIPs go where everybody goes, and are not greeted",
            f"version {back['version']} restores {back['restores']}",
            f"queues {sorted({each['queue'] for each in after})}, greeted {silent}",
            {each["queue"] for each in after} == {"general"} and not silent,
        ),
        Verdict(
            "the decisions name each version",
            "2 VIPs before, 2 after rolling back",
            f"{[each['version'] for each in decisions]} and {[each['version'] for each in after]}",
            {each["version"] for each in decisions} == {version}
            and {each["version"] for each in after} == {back["version"]},
        ),
        explained,
    ]


def _greeting(name: str) -> str:
    return f"Hello {name}, a senior colleague is with you in a moment."


async def _vips_write(cast: Cast, phones: list[str], at: Screen | None) -> list[Frame]:
    """Each to another process, at once; what rings at this screen of them, or wait until they are routed."""
    known = set(at.told.ringing) if at else set()
    await asyncio.gather(
        *(cast.company.inbound(phone, "it is me", process=turn % 2) for turn, phone in enumerate(phones))
    )
    if at is None:
        for phone in phones:
            await _until(lambda p=phone: _routed(cast, p))
        return []
    await at.until(lambda: len(set(at.told.ringing) - known) >= len(phones), 10)
    return [card for offer, card in at.told.ringing.items() if offer not in known]


async def _routed(cast: Cast, phone: str) -> bool:
    contact = await cast.connection.fetchval(CONTACT_OF, phone)
    sql = "select not unrouted and state <> 'new' from contact where id::text = $1"
    return bool(await cast.connection.fetchval(sql, contact))


async def _explained_later(cast: Cast, phones: list[str]) -> Verdict:
    """The same reasons after the agents have changed: what they serve, whether they are there.

    Of each offer: what others are asked afterwards are offers besides.
    """
    before = [await cast.decision(phone) for phone in phones]
    for screen in (cast.senior, cast.waiting, cast.usual):
        await screen.afford(2)
        await screen.present("away")
        async with cast.connection.transaction():
            await set_agent_queues(cast.connection, UUID(screen.agent.id), ["billing"])
    after = [await cast.decision(phone) for phone in phones]
    for old, new in zip(before, after, strict=True):
        new["offers"] = new["offers"][: len(old["offers"])]
    faults = [f"{old['id']}: {old} is now {new}" for old, new in zip(before, after, strict=True) if old != new]
    faults += [f"{each['id']} tells of no agent" for each in before if not any(o["agents"] for o in each["offers"])]
    faults += [f"{each['id']} does not agree with itself" for each in after if not each["agrees"]]
    return compare("explained the same after every agent has changed", f"{len(phones)} decisions", faults, "the same")


async def _until(happened: Any, seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not await happened():
        if time.monotonic() > until:
            raise TimeoutError("what had to happen did not")
        await asyncio.sleep(0.02)
