"""The carrier of the storm: signs, delivers to any process, and again until it is told 2xx, as the real one does."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict

from msgspec import Struct

from tests.outside.company import Company, new_sid
from tests.outside.history import Fact, History
from tests.outside.wire import Lost

TRIES = 60


class Message(Struct, frozen=True):
    """One message of a customer."""

    sid: str
    sender: str
    body: str


def invent(rng: random.Random, count: int, senders: int, tag: str) -> list[Message]:
    """Messages whose bodies are all different, of so many customers, in the order in which they write."""
    exchange = rng.choice([number for number in range(220, 990) if number % 100 != 11])
    numbers = [f"+1415{exchange}{index:04d}" for index in range(senders)]
    return [Message(new_sid(), rng.choice(numbers), f"{tag} {index}") for index in range(count)]


class Provider:
    """Every delivery is in the history; those on their way to a process are counted."""

    def __init__(self, company: Company, history: History, rng: random.Random) -> None:
        self.company, self.history, self.rng = company, history, rng
        self.on_the_way: dict[int, set[int]] = defaultdict(set)
        self.lost: set[int] = set()
        """Calls whose connection ended after the request was sent."""
        self.given_up: list[str] = []
        self.deliveries = 0
        self._ended = asyncio.Condition()

    async def deliver(self, message: Message, process: int | None = None) -> None:
        """Deliver until 2xx, each time to a process chosen as a load balancer would."""
        request = self.company.request(self.company.form(message.sender, message.body, message.sid))
        for attempt in range(TRIES):
            at = self.rng.randrange(len(self.company.urls)) if process is None or attempt else process
            if await self._once(message, request, at):
                return
            await asyncio.sleep(min(0.1 * 2**attempt, 1.5) * self.rng.uniform(0.5, 1.5))
        self.given_up.append(message.sid)

    async def none_of(self, calls: set[int]) -> None:
        """Wait until none of these calls is on its way any more."""
        async with self._ended:
            await self._ended.wait_for(lambda: not any(calls & on_the_way for on_the_way in self.on_the_way.values()))

    async def _once(self, message: Message, request: bytes, process: int) -> bool:
        call = self.history.call()
        self.deliveries += 1
        self._note("invoke", message, call, process)
        on_the_way = self.on_the_way[process]
        try:
            answer = await self.company.send(request, process, lambda: on_the_way.add(call))
        except Lost:
            self.lost.add(call)
            self._note("unknown", message, call, process)
            return False
        except OSError:
            self._note("fail", message, call, process)
            return False
        finally:
            on_the_way.discard(call)
            async with self._ended:
                self._ended.notify_all()
        good = 200 <= answer.status < 300
        # An error of the server may come after the commit; only a refusal is certain.
        kind = "ok" if good else "fail" if answer.status < 500 else "unknown"
        self._note(kind, message, call, process, answer.status)
        return good

    def _note(self, kind: str, message: Message, call: int, process: int, status: int | None = None) -> None:
        self.history.add(
            Fact(
                kind=kind,  # type: ignore[arg-type]
                op="inbound",
                who="carrier",
                call=call,
                sid=message.sid,
                sender=message.sender,
                body=message.body,
                process=process,
                status=status,
            )
        )


async def pour(provider: Provider, messages: list[Message], duplicated: float, per_second: float) -> None:
    """Deliver at about this rate; a share of them twice: to both processes at once, a little later, or much later."""
    rng = provider.rng
    tasks: list[asyncio.Task[None]] = []
    later: list[Message] = []
    for message in messages:
        process = rng.randrange(len(provider.company.urls))
        tasks.append(asyncio.create_task(provider.deliver(message, process)))
        if rng.random() < duplicated:
            match rng.randrange(3):
                case 0:
                    tasks.append(asyncio.create_task(provider.deliver(message, 1 - process if process < 2 else 0)))
                case 1:
                    tasks.append(asyncio.create_task(_later(provider, message, rng.uniform(0, 0.5))))
                case _:
                    later.append(message)
        await asyncio.sleep(rng.expovariate(per_second))
    rng.shuffle(later)
    tasks += [asyncio.create_task(provider.deliver(message)) for message in later]
    await asyncio.gather(*tasks)


async def _later(provider: Provider, message: Message, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await provider.deliver(message)
