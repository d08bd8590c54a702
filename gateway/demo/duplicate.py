"""One person under two numbers, told step by step on two screens: suggested, merged by hand, unmerged."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx2
from rich.console import Console
from websockets.asyncio.client import ClientConnection

from gateway.demo.telling import Failed, Story, hear, say, screen_of

SECONDS = 60.0
NAMES = ("Nora Lindholm", "Nora Lindhlom")
COMPANY = "Lindholm Interiors"
BIRTH_DATE = "1979-05-21"


@dataclass
class Actors:
    """Who takes part: the agent who merges, a colleague who looks on, the carrier, and the agent's REST."""

    company: dict[str, Any]
    ines: ClientConnection
    marek: ClientConnection
    carrier: httpx2.AsyncClient
    rest: httpx2.AsyncClient
    story: Story
    numbers: tuple[str, str] = field(
        default_factory=lambda: (f"+1415555{secrets.randbelow(10000):04}", f"+1212555{secrets.randbelow(10000):04}")
    )

    async def text(self, phone: str, body: str) -> None:
        """The person writes."""
        account = self.company["accounts"][0]
        message = {"url": account["public_url"], "from": phone, "to": account["address"], "body": body}
        await self.carrier.post(f"{self.company['carrier_url']}/control/inbound", json=message)
        self.story.tell(f"{phone} texted: {body}")

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """A request of REST. Raises Failed where it is refused."""
        answer = await self.rest.request(method, f"{self.company['url']}/v1/{path}", json=body)
        if answer.status_code >= httpx2.codes.BAD_REQUEST:
            raise Failed(f"{method} {path}: {answer.json().get('detail')}")
        return answer.json() if answer.content else None


async def run_duplicate(company: dict[str, Any], console: Console) -> None:
    """Play it. Raises Failed."""
    story = Story(console)
    ines, marek = company["agents"][0], company["agents"][1]
    try:
        async with (
            asyncio.timeout(SECONDS),
            screen_of(company, ines) as first,
            screen_of(company, marek) as second,
            httpx2.AsyncClient(timeout=SECONDS) as carrier,
            httpx2.AsyncClient(timeout=SECONDS, headers={"Authorization": f"Bearer {ines['token']}"}) as rest,
        ):
            await _play(Actors(company, first, second, carrier, rest, story))
    except TimeoutError as error:
        raise Failed(f"the story did not end within {SECONDS:g} s; see the logs beside demo.json") from error


async def _play(actors: Actors) -> None:
    for screen in (actors.ines, actors.marek):
        await say(screen, {"type": "hello"})
        await hear(screen, "welcome")
    await say(actors.ines, {"type": "presence", "status": "available"})
    one = await _met(actors, actors.numbers[0], "Hi, Nora Lindholm here. Is the linen still in stock?", NAMES[0])
    await say(actors.marek, {"type": "open", "customer": one, "ref": "o"})
    await hear(actors.marek, "profile")
    actors.story.tell("Marek looks at the first profile")
    two = await _met(actors, actors.numbers[1], "Nora again, from my other phone. Two metres, please.", NAMES[1])
    suggestion = await _suggested(actors, two, one)
    why = "; ".join(f"{match['field']} {match['how']}" for match in suggestion["matched"])
    actors.story.tell(f"suggested as the same person, score {suggestion['score']:.2f}: {why}")
    merge = await _merged(actors, one, two)
    await actors.text(actors.numbers[1], "Did you get my second message?")
    await _both_hear_entry(actors)
    await _unmerged(actors, one, two, merge)
    await say(actors.ines, {"type": "presence", "status": "offline"})


async def _met(actors: Actors, phone: str, body: str, name: str) -> str:
    """The person writes, the first agent takes it and writes down who it is; the customer's id."""
    await actors.text(phone, body)
    while True:
        offer = await hear(actors.ines, "offer")
        if offer["handle"] == phone:
            break
    await say(actors.ines, {"type": "accept", "offer": offer["offer"], "ref": "a"})
    profile = await hear(actors.ines, "profile")
    customer: str = profile["customer"]["id"]
    for name_of, value in (("name", name), ("company", COMPANY), ("birth_date", BIRTH_DATE)):
        edit = {"type": "edit", "customer": customer, "field": name_of, "value": value, "revision": 0, "ref": "e"}
        await say(actors.ines, edit)
        await hear(actors.ines, "result")
    actors.story.tell(f"accepted, and noted: {name}, {COMPANY}")
    await say(actors.ines, {"type": "finish", "contact": profile["contact"]["id"], "ref": "f"})
    await hear(actors.ines, "result")
    return customer


async def _suggested(actors: Actors, customer: str, other: str) -> Any:
    """The suggestion, as its event or as REST has it: it is worked out in the background."""
    while True:
        found = await actors.ask("GET", f"customers/{customer}/suggestions")
        for suggestion in found["items"]:
            if suggestion["customer"] == other:
                return suggestion
        await asyncio.sleep(0.1)


async def _merged(actors: Actors, survivor: str, loser: str) -> str:
    preview = await actors.ask("GET", f"merges/preview?survivor={survivor}&loser={loser}")
    actors.story.tell(f"the preview shows {len(preview['fields'])} fields with both values and the outcome")
    merge = await actors.ask("POST", "merges", {"survivor": survivor, "loser": loser})
    for name, screen in (("Inês", actors.ines), ("Marek", actors.marek)):
        profile = await _reopened(screen, "merged")
        handles = ", ".join(handle["display"] for handle in profile["customer"]["handles"])
        actors.story.tell(f"merged on {name}'s screen: {profile['customer']['name']}, {handles}")
    identity: str = merge["id"]
    return identity


async def _both_hear_entry(actors: Actors) -> None:
    for name, screen in (("Inês", actors.ines), ("Marek", actors.marek)):
        while True:
            event = (await hear(screen, "event"))["event"]
            if event["kind"] == "entry" and event["entry"]["direction"] == "in":
                break
        actors.story.tell(f"the message is on {name}'s screen")


async def _unmerged(actors: Actors, survivor: str, loser: str, merge: str) -> None:
    await actors.ask("POST", f"merges/{merge}/undo")
    for name, screen in (("Inês", actors.ines), ("Marek", actors.marek)):
        profile = await _reopened(screen, "unmerged")
        actors.story.tell(f"unmerged on {name}'s screen: {profile['customer']['name']}")
    for customer in (survivor, loser):
        page = await actors.ask("GET", f"customers/{customer}/timeline")
        said = [entry["body"] for entry in page["items"] if entry["direction"] == "in"]
        actors.story.tell(f"{customer} keeps {len(said)} messages of its own: {said[-1]}")


async def _reopened(screen: ClientConnection, reason: str) -> Any:
    while True:
        profile = await hear(screen, "profile")
        if profile["reason"] == reason:
            return profile
