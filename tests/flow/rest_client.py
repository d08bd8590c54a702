"""A client of REST with one agent's token, and the application it speaks to."""

from __future__ import annotations

from typing import Any

import httpx2
import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from gateway.auth import issue_token
from gateway.problems import on_http_exception
from gateway.rest import rest_routes
from gateway.rest_call import Parts, RateLimit
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

    async def ask(
        self, path: str, *, method: str = "GET", body: object = None, content: bytes | None = None, **headers: str
    ) -> httpx2.Response:
        """One request. A header `If-Match` is given as `if_match`; `body` is sent as JSON, `content` as it is."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            content = msgspec.json.encode(body)
        if content is not None:
            given.setdefault("content-type", "application/json")
        sent = {"Authorization": f"Bearer {self.token}"} | given
        return await self.client.request(method, f"/v1/{path}", headers=sent, content=content)

    async def post(self, path: str, body: object = None, status: int = 201, **headers: str) -> Any:
        return check_answer(await self.ask(path, method="POST", body=body, content=None, **headers), status)

    async def patch(self, path: str, body: object, status: int = 200, **headers: str) -> Any:
        return check_answer(await self.ask(path, method="PATCH", body=body, content=None, **headers), status)

    async def put(self, path: str, body: object, status: int = 200, **headers: str) -> Any:
        return check_answer(await self.ask(path, method="PUT", body=body, content=None, **headers), status)

    async def delete(self, path: str, **headers: str) -> None:
        check_answer(await self.ask(path, method="DELETE", body=None, content=None, **headers), 204)

    async def get(self, path: str) -> Any:
        answer = await self.ask(path)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        return answer.json()

    async def problem(self, path: str, status: int, *, method: str = "GET", body: object = None, **headers: str) -> Any:
        answer = await self.ask(path, method=method, body=body, content=None, **headers)
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


def check_answer(answer: httpx2.Response, status: int) -> Any:
    assert answer.status_code == status, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json() if answer.content else None


def check_problem(answer: httpx2.Response, status: int) -> Any:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    body = answer.json()
    assert body["status"] == status
    assert {"type", "title", "detail"} <= set(body)
    return body


def parts_of(pool: Pool) -> Parts:
    """What requests work with, where nobody listens."""
    return Parts(pool, lambda _positions: None, lambda: None, lambda _customer: None)


def client_of(pool: Pool, limit: RateLimit, parts: Parts | None = None) -> httpx2.AsyncClient:
    app = Starlette(routes=rest_routes(limit), exception_handlers={HTTPException: on_http_exception})
    app.state.parts = parts or parts_of(pool)
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://test")


async def sign_in(pool: Pool, client: httpx2.AsyncClient, role: Role) -> Api:
    actor = await add_agent(pool, role.title(), role)
    async with pool.acquire() as connection:
        return Api(client, actor, await issue_token(connection, actor.id, "test"))
