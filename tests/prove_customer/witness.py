"""Real processes: one agent writes, a colleague's open screen is told, and REST is asked after kill -9 of them all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
from msgspec import Struct

from tests.outside.company import Agent, Company
from tests.outside.screen import Screen
from tests.prove_first_light.stage import Stage

SECONDS = 20.0
Holds = Callable[[Any], bool]


class Unseen(AssertionError):
    """What a colleague should have been told, or REST should have answered, and did not."""


class Later(Struct):
    """What REST must answer after the restart: of the answer to `path`, `read` gives what was `shown` before."""

    told: str
    """What the colleague's screen was told by."""
    path: str
    shown: Any
    read: Callable[[Any], Any]
    by: int = 0
    """Which agent asks."""


class Web:
    """REST of one process, as one of the agents or as the administrator."""

    def __init__(self, company: Company, process: int) -> None:
        self._company = company
        self._http = httpx2.AsyncClient(base_url=f"{company.urls[process]}/v1/", trust_env=False, timeout=30)

    async def ask(self, method: str, path: str, body: object = None, by: int | None = 0) -> Any:
        """The answer as JSON; of a customer who was merged away, where to ask. Raises `Unseen` for an error."""
        token = self._company.admin.token if by is None else self._company.agents[by].token
        headers = {"Authorization": f"Bearer {token}"}
        answer = await self._http.request(method, path, json=body, headers=headers)
        if answer.status_code == httpx2.codes.PERMANENT_REDIRECT:
            return {"moved": answer.headers["location"].rpartition("/")[2]}
        if answer.status_code >= httpx2.codes.BAD_REQUEST:
            raise Unseen(f"{method} {path} was answered {answer.status_code}: {answer.text[:200]}")
        return answer.json() if answer.content else None

    async def until(self, path: str, holds: Holds) -> Any:
        """The answer, once it is so: what is done in the background is looked for again."""
        until = time.monotonic() + SECONDS
        while not holds(answer := await self.ask("GET", path)):
            if time.monotonic() > until:
                raise Unseen(f"GET {path} went on answering {str(answer)[:200]}")
            await asyncio.sleep(0.1)
        return answer

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()


class Eyes:
    """One agent writes at the first process, by REST or on a screen; a colleague looks on at the second."""

    def __init__(self, stage: Stage, company: Company) -> None:
        self.company = company
        self.mia, self.noah = company.agents[:2]
        self.web = Web(company, 0)
        self.screen = stage.screen(Screen(company, self.mia))
        self.colleague = stage.screen(Screen(company, self.noah))
        self._own = stage.screen(Screen(company, self.mia, name=f"{self.mia.name}, elsewhere"))
        self._rng = stage.rng
        self._number = stage.rng.randrange(10**5) * 100
        self._frames: dict[str, list[Any]] = {self.noah.id: [], self.mia.id: []}

    async def open(self) -> None:
        """Sign everybody in."""
        self.colleague.listeners.append(self._frames[self.noah.id].append)
        self._own.listeners.append(self._frames[self.mia.id].append)
        await self.screen.connect(0)
        await self.colleague.connect(1)
        await self._own.connect(1)

    def number(self) -> int:
        """One that was not used before."""
        self._number += 1
        return self._number

    def name(self) -> str:
        """A name like nobody else's."""
        return " ".join("".join(self._rng.choices("abcdefghijklmnopqrstuvwxyz", k=9)).title() for _ in range(2))

    def phone(self) -> str:
        """A number nobody has written from."""
        return f"+1415{2 + self._number % 7}{self.number() % 10**6:06d}"

    async def customer(self, **more: object) -> str:
        """Somebody new, before the eyes of the colleague."""
        made = await self.web.ask("POST", "customers", {"name": self.name(), **more})
        return await self.look(made["id"])

    async def writer(self, phone: str, body: str = "hello") -> str:
        """Who writes from this number, before the eyes of the colleague."""
        await self.message(phone, body)
        found = await self.web.until(f"customers?q=%2B{phone[1:]}", lambda answer: answer["items"])
        return await self.look(found["items"][0]["id"])

    async def message(self, phone: str, body: str, process: int = 0) -> None:
        """A text message of a customer."""
        answer = await self.company.inbound(phone, body, process=process)
        if answer.status != httpx2.codes.OK:
            raise Unseen(f"a message was answered {answer.status}")

    async def look(self, customer: str) -> str:
        """The colleague opens a profile; gives its id."""
        await self.colleague.afford(4)
        answer = await self.colleague.ask({"type": "open", "customer": customer})
        if answer["type"] != "profile":
            raise Unseen(f"the profile was not opened: {answer}")
        return customer

    async def write(self, **frame: Any) -> Any:
        """A frame of the first agent's screen; what it was answered."""
        await self.screen.afford(4)
        answer = await self.screen.ask(frame)
        if answer["type"] == "error":
            raise Unseen(f"{frame['type']} was refused: {answer['code']}: {answer['message']}")
        return answer

    async def accept(self, preview: str) -> Any:
        """Take work until it is the contact with this preview; what came before is finished. Gives the profile."""
        await self.screen.present()
        rings = self.screen.told.ringing
        for _ in range(100):
            await self.screen.afford(8)
            card = await self.screen.ring(SECONDS)
            profile = await self.screen.accept(card["offer"])
            if profile["type"] != "profile":
                raise Unseen(f"the offer was not accepted: {profile}")
            if card["preview"] == preview:
                await self.screen.present("away")
                return profile
            await self.screen.finish(profile["contact"]["id"])
            rings.pop(card["offer"], None)
        raise Unseen("the contact was never offered")

    async def told(self, kind: str, customer: str, holds: Holds = bool) -> Any:
        """The event of this kind that the colleague's screen gets of this customer."""
        return await self._event(self.colleague, f"customer:{customer}", kind, holds)

    async def told_agent(self, agent: Agent, kind: str, holds: Holds = bool) -> Any:
        """The event that an agent's own feed brings to their screen at the other process."""
        return await self._event(self.colleague if agent == self.noah else self._own, f"agent:{agent.id}", kind, holds)

    async def _event(self, screen: Screen, feed: str, kind: str, holds: Holds) -> Any:
        def found() -> Any:
            for frame in self._frames[screen.agent.id]:
                is_it = frame["type"] == "event" and frame["feed"] == feed and frame["event"]["kind"] == kind
                if is_it and holds(frame["event"]):
                    return frame["event"]
            return None

        if not await screen.until(lambda: found() is not None, SECONDS):
            raise Unseen(f"the screen of {screen.name} was not told `{kind}`")
        return found()

    async def close(self) -> None:
        """Everybody goes."""
        for screen in (self.screen, self.colleague, self._own):
            await screen.drop()
        await self.web.close()


def messages(answer: Any) -> list[str]:
    """What was said, of a page of a timeline."""
    return [entry["body"] for entry in answer["items"] if entry["kind"] == "message"]


Witness = Callable[[Eyes], Awaitable[list[Later]]]
"""Does what a feature promises, and gives what must be there later."""
Seen = dict[str, tuple[str, str, bool]]
"""By feature: what told the colleague, what was observed, and whether all of it was so."""


async def witness(stage: Stage, features: dict[str, Witness]) -> Seen:
    """Every feature, then kill -9 of every process, then the same by REST."""
    demo = stage.demo()
    eyes = Eyes(stage, await demo.start())
    seen: Seen = {}
    later: dict[str, list[Later]] = {}
    try:
        await eyes.open()
        for feature, show in features.items():
            try:
                later[feature] = await show(eyes)
            except (AssertionError, LookupError, TypeError, OSError, TimeoutError) as error:
                seen[feature] = ("-", f"{type(error).__name__}: {error}", False)
    finally:
        await eyes.close()
    await demo.kill_all()
    eyes.company.hang_up()
    web = Web(await demo.start(), 1)
    try:
        for feature, promises in later.items():
            wrong = [line for promise in promises if (line := await _after(web, promise))]
            told = ", ".join(dict.fromkeys(promise.told for promise in promises))
            observed = "; ".join(wrong) or f"{len(promises)} answers of REST as shown before"
            seen[feature] = (told, observed, bool(promises) and not wrong)
    finally:
        await web.close()
    return seen


async def _after(web: Web, promise: Later) -> str | None:
    """What is wrong with an answer after the restart."""
    try:
        found = promise.read(await web.ask("GET", promise.path, by=promise.by))
    except (AssertionError, LookupError, TypeError) as error:
        return f"{promise.path}: {type(error).__name__}: {error}"
    return None if found == promise.shown else f"{promise.path}: {found} instead of {promise.shown}"
