"""Accept → profile: from the frame of the click to the whole profile on the screen, prefetched, one agent.

Beside bare code with the same durable writes in one prepared statement and one send of identical bytes, and beside a
bare update of one row and the same send. Each customer has at least 50 entries.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import defaultdict
from typing import Any

import asyncpg
import msgspec
from msgspec import Struct

from benchmarks.figures import Report, demand, judge_steadiness, of_rounds
from benchmarks.place import Place, count
from benchmarks.sockets import Socket, dial
from tests.outside.company import Company
from tests.outside.screen import Screen

CUSTOMERS, ENTRIES = 40, 52
ROUNDS, TURNS = 5, 200
WARM_TURNS = 40
FRAMES = 30
"""A screen may send 40 frames at once; a new connection begins with as many."""
COMPOSED_SECONDS = 0.015
"""Composing the snapshot takes a few ms after the offer; a person takes longer to click."""
AGAIN = "the same floor, again"
PROFILE = b'{"type":"profile"'
OFFERS = "select id::text from offer"
ACCEPTED = "select count(*) from offer where state = 'accepted'"


class Offered(msgspec.Struct):
    """What of an `offer` frame is needed."""

    offer: str
    contact: str


class Agent:
    """The product's side: one screen, made anew before its frames run out."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._socket: Socket | None = None
        self._frames = 0
        self.last = b""
        self.accepted = 0

    async def ready(self) -> Socket:
        """A screen with frames left, present and available."""
        if self._socket is not None and self._frames >= 4:
            return self._socket
        if self._socket is not None:
            self._socket.close()
        url = self._company.urls[0].replace("http", "ws", 1) + "/v1/screen"
        self._socket = await dial(url, self._company.agents[0].token)
        _, welcome = await self._socket.ask(b'{"type":"hello"}', b'{"type":"welcome"')
        if msgspec.json.decode(welcome)["presence"]["status"] != "available":
            await self._socket.ask(b'{"type":"presence","status":"available","ref":"p"}', b'{"type":"result"')
        self._frames = FRAMES
        return self._socket

    async def accept(self, sender: str, text: str) -> float:
        """One contact from the customer's message to the end of it; the seconds of the accept alone."""
        socket = await self.ready()
        ringing = asyncio.ensure_future(socket.expect(b'{"type":"offer",'))
        answer = await self._company.inbound(sender, text)
        if answer.status != 200:
            raise RuntimeError(f"the message was answered {answer.status}")
        offered = msgspec.json.decode((await ringing)[1], type=Offered)
        await asyncio.sleep(COMPOSED_SECONDS)
        seconds, self.last = await socket.ask(
            b'{"type":"accept","offer":"%s","ref":"a"}' % offered.offer.encode(), PROFILE
        )
        self.accepted += 1
        ended = asyncio.ensure_future(socket.expect(b'{"type":"contact_ended"'))
        await socket.ask(b'{"type":"finish","contact":"%s","ref":"f"}' % offered.contact.encode(), b'{"type":"result"')
        done, _ = await asyncio.wait([ended], timeout=0.05)
        if not done:
            socket.send(b'{"type":"wrap_up","contact":"%s","ref":"w"}' % offered.contact.encode())
            await ended
        self._frames -= 3
        return seconds


class Floor(Struct):
    """The bare side: a websocket and the offers that wait there. `way` is the word of its frame."""

    name: str
    way: str
    socket: Any
    offers: list[str]
    accepted: int = 0

    async def accept(self) -> float:
        """One accept: seconds."""
        offer = self.offers.pop()
        await asyncio.sleep(COMPOSED_SECONDS)  # caches and clock rates as cold as for ours
        seconds, _ = await self.socket.ask(f"{self.way} {offer}".encode(), PROFILE)
        self.accepted += 1
        return float(seconds)


async def run(place: Place, seconds: float) -> Report:
    """Operation by operation, in an order shuffled each time; the median over rounds of p50 and p99."""
    rng = random.Random(1)
    company = place.company
    report = Report("accept_to_screen", [], await place.circumstances(), [])
    customers = [f"+1415223{index:04d}" for index in range(CUSTOMERS)]
    await _history(company, customers)
    agent = Agent(company)
    for turn in range(WARM_TURNS):
        await agent.accept(customers[turn], f"warm {turn}")
    floors, url = await _floors(place, agent.last)
    rounds: dict[str, list[list[float]]] = defaultdict(list)
    for number in range(-1, ROUNDS):
        took: dict[str, list[float]] = defaultdict(list)
        for turn in range(TURNS):
            sides: list[Agent | Floor] = [agent, *floors]
            for side in rng.sample(sides, len(sides)):
                if isinstance(side, Agent):
                    took["ours"].append(await side.accept(rng.choice(customers), f"turn {number} {turn}") * 1e6)
                else:
                    took[side.name].append(await side.accept() * 1e6)
        for name, values in took.items() if number >= 0 else ():  # the first round only warms the floors
            rounds[name].append(values)
    _figures(report, rounds)
    await _count(report, place, agent, floors, url)
    return report


async def _history(company: Company, customers: list[str]) -> None:
    """Give every customer a page of timeline, while nobody is there to take it."""
    for index in range(ENTRIES):
        texts = (f"{index}: my order has not arrived yet and the tracking page shows nothing new" for _ in customers)
        answers = await asyncio.gather(
            *(company.inbound(who, text) for who, text in zip(customers, texts, strict=True))
        )
        assert {answer.status for answer in answers} == {200}
    screen = Screen(company, company.agents[0])
    await screen.connect()
    await screen.present()
    for _ in customers:
        await screen.afford(5)
        profile = await screen.accept((await screen.ring())["offer"])
        await screen.finish(profile["contact"]["id"])
        await screen.leave(profile["customer"]["id"])
    await screen.drop(politely=True)


async def _floors(place: Place, profile: bytes) -> tuple[list[Floor], str]:
    url = await place.database("floor_accept", "accept.sql")
    with tempfile.NamedTemporaryFile("wb", suffix=".json") as file:
        file.write(profile)
        file.flush()
        port = await place.floor("accept", url, file.name)
    connection = await asyncpg.connect(url)
    offers = [row[0] for row in await connection.fetch(OFFERS)]
    await connection.close()
    half = len(offers) // 2
    where = f"ws://127.0.0.1:{port}/v1/screen"
    return [
        Floor("one statement", "accept", await dial(where), offers[:half]),
        Floor(AGAIN, "accept", await dial(where), offers[half:]),
        Floor("one row", "update", await dial(where), offers[:]),
    ], url


def _figures(report: Report, rounds: dict[str, list[list[float]]]) -> None:
    p50 = {name: of_rounds(values, 0.5) for name, values in rounds.items()}
    p99 = {name: of_rounds(values, 0.99) for name, values in rounds.items()}
    report.rows += [
        demand("accept → profile p50 µs, to one statement + send", p50["ours"], p50["one statement"], "<= 1.3"),
        demand("accept → profile p99 µs, to one statement + send", p99["ours"], p99["one statement"], "<= 1.5"),
        demand("accept → profile p50 µs, to one row + send", p50["ours"], p50["one row"]),
        demand("one statement + send p50 µs, to one row + send", p50["one statement"], p50["one row"]),
    ]
    judge_steadiness(report, "p50", p50["one statement"], p50[AGAIN])
    judge_steadiness(report, "p99", p99["one statement"], p99[AGAIN])


async def _count(report: Report, place: Place, agent: Agent, floors: list[Floor], url: str) -> None:
    """Rows found = accepts answered."""
    report.notes.append(f"profile of {len(agent.last)} bytes; {ROUNDS} rounds of {TURNS} each, after one to warm up")
    counted: dict[str, tuple[int, int]] = {
        "ours": (CUSTOMERS + agent.accepted, await count(place.company.database_url, ACCEPTED)),
        "floor": (sum(f.accepted for f in floors if f.way == "accept"), await count(url, ACCEPTED)),
    }
    for name, (answered, rows) in counted.items():
        report.notes.append(f"{name}: {answered} accepts answered by a profile, {rows} rows")
        if answered != rows:
            report.void.append(f"{name}: {answered} accepts answered, {rows} rows found")
