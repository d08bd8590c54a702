"""A talk on every channel: text in, offer, accept, profile, reply out, receipt; then webhooks as networks bring them.

The demo, one process, and the world outside it that speaks each provider's protocol. Repeats are the very bytes the
provider signed: twice in a row, in the wrong order, and five at once.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections import Counter
from typing import Any
from uuid import uuid4

import asyncpg
import httpx2

from tests.outside.company import Company
from tests.outside.screen import Screen
from tests.outside.verdict import Verdict, compare
from tests.prove_first_light.stage import Stage
from tests.prove_more_channels.providers import PROVIDERS, Provider

AT_ONCE, MESSAGES = 5, 4
ENTRIES = "select body, count(*) as count from entry where account_id = $1 and direction = 'in' group by body"
LETTERS = "select count(*) from dead_letter where account_id = $1"
SECONDS = 20.0


class Place:
    """The company, an agent's screen, the world outside and the database."""

    def __init__(
        self, company: Company, screen: Screen, http: httpx2.AsyncClient, database: asyncpg.Connection[asyncpg.Record]
    ) -> None:
        self.company, self.screen, self.http, self.database = company, screen, http, database
        described = json.loads(company.path.read_bytes())
        self._outside = described["carrier_url"]
        self.accounts = {account["id"] for account in described["accounts"]}

    async def customer(self, one: Provider, sender: str, body: str, **more: Any) -> dict[str, Any]:
        """A customer writes; what became of the webhook."""
        wish = {"account": one.account, "from": sender, "body": body, **more}
        answer = await self.http.post(f"{self._outside}/control/inbound", json=wish)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told

    async def post(self, signed: dict[str, Any]) -> int:
        """A signed webhook as it stands."""
        answer = await self.http.request(
            signed["method"], signed["url"], content=base64.b64decode(signed["body"]), headers=signed["headers"]
        )
        return answer.status_code


async def show(stage: Stage) -> list[Verdict]:
    """Each provider, one after the other: one agent takes all of them."""
    company = await stage.demo(processes=1).start()
    screen = stage.screen(Screen(company, company.agents[0]))
    await screen.connect()
    await screen.present()
    database = await asyncpg.connect(company.database_url)
    verdicts: list[Verdict] = []
    async with httpx2.AsyncClient(trust_env=False, timeout=60) as http:
        try:
            place = Place(company, screen, http, database)
            for one in PROVIDERS:
                verdicts += await _provider(stage, place, one)
        finally:
            await database.close()
    verdicts.append(
        Verdict("the screen's feeds are in order", "all talks", "; ".join(screen.wrong) or "no gap", not screen.wrong)
    )
    return verdicts


async def _provider(stage: Stage, place: Place, one: Provider) -> list[Verdict]:
    sys.stdout.write(f"  {one.name}\n")
    sys.stdout.flush()
    claim = f"{one.name} {one.channel}"
    if one.account not in place.accounts:
        return [Verdict(f"{claim}: a talk", "-", f"the demo has no {one.account}", False)]
    number = stage.rng.randrange(10**6, 10**7)
    sender = f"+1415{number}" if one.channel == "sms" else f"{number:016d}"
    try:
        talked = await _talk(place, one, sender)
    except (TimeoutError, KeyError, httpx2.HTTPError, ConnectionError) as error:
        talked = Verdict(f"{claim}: a talk", "1", f"{type(error).__name__}: {error}", False)
    return [talked, await _repeats(place, one, sender)]


async def _talk(place: Place, one: Provider, sender: str) -> Verdict:
    claim = f"{one.name} {one.channel}: text in, offer, accept, profile, reply out, receipt"
    said, answered = f"asks {uuid4().hex}", f"answers {uuid4().hex}"
    told = await place.customer(one, sender, said)
    screen = place.screen
    offer = await screen.ring(SECONDS)
    if offer["account"] != one.account:  # the last of the repeats before, which rang late
        await _put_away(place)
        offer = await screen.ring(SECONDS)
    profile = await screen.accept(offer["offer"])
    faults = []
    if (offer["preview"], offer["channel"], offer["account"]) != (said, one.channel, one.account):
        faults.append(f"offered {offer['preview']!r} on {offer['channel']} of {offer['account']}")
    if profile["type"] != "profile" or _said(profile)[-1:] != [said]:
        faults.append(f"no profile with the message: {str(profile)[:200]}")
        return compare(claim, "1 talk", faults, "")
    result = await screen.reply(profile["contact"]["conversation"], answered)
    if result["type"] != "result":
        return compare(claim, "1 talk", [*faults, f"the reply is refused: {result}"], "")
    view, entry = screen.told.views[profile["customer"]["id"]], result["entry"]
    await screen.until(lambda: view.get(entry, {}).get("status") in one.settles, SECONDS)
    status = view.get(entry, {}).get("status")
    sent = await place.company.sent_with(answered)
    if status not in one.settles:
        faults.append(f"the reply is {status}: {view.get(entry, {}).get('error')}")
    if len(sent) != 1:
        faults.append(f"taken {len(sent)} times by the provider")
    await _end(screen, profile)
    return compare(claim, "1 talk", faults, f"webhook {told.get('status')}, taken once, reply {status}")


async def _repeats(place: Place, one: Provider, sender: str) -> Verdict:
    """The same customer writes once more, several times."""
    claim = f"{one.name} {one.channel}: duplicates, wrong order, x{AT_ONCE} at once: exactly one entry"
    bodies = [f"again {uuid4().hex}" for _ in range(MESSAGES)]
    try:
        signed = [await place.customer(one, sender, body, only_sign=True) for body in bodies]
    except httpx2.HTTPError as error:
        return Verdict(claim, "-", f"{type(error).__name__}: {error}", False)
    statuses: Counter[int] = Counter()
    for each in reversed(signed):
        statuses.update(await asyncio.gather(*(place.post(each) for _ in range(AT_ONCE))))
    for each in signed:
        statuses.update([await place.post(each), await place.post(each)])
    await _put_away(place)
    rows = {row["body"]: row["count"] for row in await place.database.fetch(ENTRIES, one.account)}
    faults = [f"{rows.get(body, 0)} entries of one message" for body in bodies if rows.get(body, 0) != 1]
    faults += [f"{count} answers {status}" for status, count in statuses.items() if not 200 <= status < 300]
    letters = await place.database.fetchval(LETTERS, one.account)
    faults += [f"{letters} dead letters"] if letters else []
    dose = f"{MESSAGES} messages, {sum(statuses.values())} deliveries"
    return compare(claim, dose, faults, "one entry each, 2xx each")


async def _put_away(place: Place) -> None:
    """What the repeats opened, or brought back, is ended, so that the next offer is the next provider's."""
    screen, told = place.screen, place.screen.told
    await screen.until(lambda: bool(told.ringing or told.held), SECONDS)
    if told.ringing:
        await screen.accept(next(iter(told.ringing)))
    for contact in list(told.held):
        await _finish(screen, contact)


async def _end(screen: Screen, profile: dict[str, Any]) -> None:
    await _finish(screen, profile["contact"]["id"])
    await screen.leave(profile["customer"]["id"])


async def _finish(screen: Screen, contact: str) -> None:
    """With its wrap-up, which would bring the contact back with the next message."""
    await screen.finish(contact)
    held = screen.told.held
    await screen.until(lambda: held.get(contact, {}).get("state") in (None, "wrapping"), SECONDS)
    if contact in held:
        await screen.ask({"type": "wrap_up", "contact": contact})
        await screen.until(lambda: contact not in held, SECONDS)


def _said(profile: dict[str, Any]) -> list[str]:
    return [entry["body"] for entry in profile["timeline"] if entry["kind"] == "message"]
