"""A gateway with REST and screens over one hub, for tests in which one agent writes and another's screen follows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID

import httpx2

from gateway.rest_call import Parts, RateLimit
from model.agent import Actor, Role
from tests.flow.rest_client import Api, client_of
from tests.flow.screen_world import Frame, Gateway, Screen, World


class House:
    """One process: leave it and enter another, and what is read is what the database holds."""

    def __init__(self, world: World, gateway: Gateway, client: httpx2.AsyncClient, stack: AsyncExitStack) -> None:
        self.world = world
        self.gateway = gateway
        self._client = client
        self._stack = stack

    @classmethod
    @asynccontextmanager
    async def opened(cls, world: World) -> AsyncIterator[House]:
        async with AsyncExitStack() as stack:
            gateway = await stack.enter_async_context(world.gateway())
            parts = Parts(world.pool, gateway.hub.announce, lambda: None, lambda _customer: None)
            client = await stack.enter_async_context(client_of(world.pool, RateLimit(), parts))
            yield cls(world, gateway, client, stack)

    async def hire(self, name: str, role: Role = "agent") -> Api:
        """An agent, with their REST."""
        agent = await self.world.agent(role)
        await self.world.pool.execute("update agent set name = $2 where id = $1", agent.id, name)
        return Api(self._client, Actor(agent.id, name, role), agent.token)

    def again(self, agent: Api) -> Api:
        """The same agent in this process."""
        return Api(self._client, agent.actor, agent.token)

    async def screen(self, agent: Api) -> Screen:
        """A screen of this agent that has said hello."""
        screen = Screen(await self._stack.enter_async_context(self.gateway.connect(agent.token)))
        await screen.hello()
        return screen

    async def screen_at(self, agent: Api, customer: object) -> Screen:
        """A screen of this agent that shows the customer."""
        screen = await self.screen(agent)
        await screen.send(type="open", customer=str(customer), ref="open")
        await screen.next("profile")
        return screen


async def event(screen: Screen, kind: str, feed: str | None = None) -> Any:
    """The next event of this kind, passing over others."""
    while True:
        frame = await screen.next("event")
        if frame["event"]["kind"] == kind and feed in (None, frame["feed"]):
            return frame["event"]


async def ask(screen: Screen, **frame: Any) -> Frame:
    """Send a frame and wait for its `result` or `error`."""
    await screen.send(ref="ask", **frame)
    while True:
        answer = await screen.next()
        if answer.get("ref") == "ask":
            return answer


async def granted(screen: Screen, **frame: Any) -> Frame:
    """Send a frame that must not be refused."""
    answer = await ask(screen, **frame)
    assert answer["type"] == "result", answer
    return answer


async def denied(screen: Screen, **frame: Any) -> tuple[str, str | None]:
    """Send a frame that must be refused: the code and the field."""
    answer = await ask(screen, **frame)
    assert answer["type"] == "error", answer
    assert answer["message"].endswith(".")
    return answer["code"], answer.get("field")


async def customer_of(world: World, who: int = 1) -> UUID:
    """The customer who wrote as this number."""
    found: UUID = await world.pool.fetchval("select customer_id from handle where value = $1", f"+4930555{who:04}")
    return found
