"""A client of REST with one agent's token, and the application it speaks to."""

from __future__ import annotations

from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from gateway.auth import issue_token
from gateway.problems import on_http_exception
from gateway.rest import rest_routes
from gateway.rest_call import RateLimit
from model.agent import Actor, Role
from store.pool import Pool
from tests.store.profile_seed import add_agent

PROBLEM = "application/problem+json"


class Api:
    """A client with one agent's token."""

    def __init__(self, client: httpx2.AsyncClient, actor: Actor, token: str) -> None:
        self.client = client
        self.actor = actor
        self.token = token

    async def ask(self, path: str, *, method: str = "GET", **headers: str) -> httpx2.Response:
        return await self.client.request(
            method, f"/v1/{path}", headers={"Authorization": f"Bearer {self.token}"} | headers
        )

    async def get(self, path: str) -> Any:
        answer = await self.ask(path)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        return answer.json()

    async def problem(self, path: str, status: int, *, method: str = "GET") -> Any:
        answer = await self.ask(path, method=method)
        return check_problem(answer, status)

    async def every(self, path: str, limit: int) -> list[Any]:
        """All items, page by page."""
        join = "&" if "?" in path else "?"
        items: list[Any] = []
        cursor = ""
        while True:
            page = await self.get(f"{path}{join}limit={limit}{cursor}")
            assert len(page["items"]) <= limit
            items += page["items"]
            if page["next"] is None:
                return items
            cursor = f"&cursor={page['next']}"


def check_problem(answer: httpx2.Response, status: int) -> Any:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    body = answer.json()
    assert body["status"] == status
    assert {"type", "title", "detail"} <= set(body)
    return body


def client_of(pool: Pool, limit: RateLimit) -> httpx2.AsyncClient:
    app = Starlette(routes=rest_routes(limit), exception_handlers={HTTPException: on_http_exception})
    app.state.pool = pool
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://test")


async def sign_in(pool: Pool, client: httpx2.AsyncClient, role: Role) -> Api:
    actor = await add_agent(pool, role.title(), role)
    async with pool.acquire() as connection:
        return Api(client, actor, await issue_token(connection, actor.id, "test"))
