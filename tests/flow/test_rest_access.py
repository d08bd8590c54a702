"""REST: who is let in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from gateway.auth import actor_of_token, issue_ticket, spend_ticket
from gateway.rest import ENDPOINTS
from gateway.rest_call import RateLimit
from model.agent import Actor
from store.ids import new_id
from store.pool import Pool, open_pool
from tests.flow.rest_client import Api, check_problem, client_of, sign_in
from tests.store.profile_seed import add_account


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url, size=4)
    await add_account(opened, "sms-main")
    yield opened
    await opened.close()


@pytest.fixture
async def client(pool: Pool) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(pool, RateLimit()) as opened:
        yield opened


@pytest.fixture
async def mia(pool: Pool, client: httpx2.AsyncClient) -> Api:
    return await sign_in(pool, client, "agent")


async def test_nobody_is_let_in_without_a_good_token(pool: Pool, mia: Api) -> None:
    bad = ("", "sp_", "sp_" + "a" * 43, mia.token + "a", mia.token[:-1], "%20", mia.token.replace("sp_", "SP_"))
    given = [{}, *({"Authorization": f"Bearer {token}"} for token in bad), {"Authorization": f"Basic {mia.token}"}]
    for headers in given:
        for endpoint in ENDPOINTS:
            path = endpoint.path.replace("{id}", str(new_id()))
            answer = await mia.client.request(endpoint.method, path, headers=headers)
            check_problem(answer, 401)
            assert answer.headers["www-authenticate"].startswith("Bearer")
    check_problem(await mia.client.get(f"/v1/me?access_token={mia.token}"), 401)


async def test_a_withdrawn_or_expired_token_or_an_inactive_agent_is_let_in_no_more(pool: Pool, mia: Api) -> None:
    for undo, change in (
        ("update token set revoked_at = null", "update token set revoked_at = now()"),
        ("update token set expires_at = null", "update token set expires_at = now() - interval '1 s'"),
        ("update agent set active = true", "update agent set active = false"),
    ):
        await pool.execute(change)
        await mia.problem("me", 401)
        await pool.execute(undo)
        assert (await mia.get("me"))["id"] == str(mia.actor.id)


async def test_a_token_is_stored_only_as_a_hash(pool: Pool, mia: Api) -> None:
    assert len(mia.token) == 46
    stored = await pool.fetchval("select token::text from token")
    assert mia.token not in stored
    assert mia.token.encode().hex() not in stored


async def test_a_ticket_is_good_once_and_for_thirty_seconds(pool: Pool, mia: Api) -> None:
    ticket = (await mia.ask("tickets", method="POST")).json()
    assert set(ticket) == {"ticket", "expires_at"}

    async def spend() -> Actor | None:
        async with pool.acquire() as connection:
            return await spend_ticket(connection, ticket["ticket"])

    spent = await asyncio.gather(*(spend() for _ in range(4)))
    assert [actor for actor in spent if actor] == [mia.actor]
    ticket = (await mia.ask("tickets", method="POST")).json()
    seconds = await pool.fetchval("select extract(epoch from expires_at - now()) from ticket")
    assert 20 < seconds <= 30
    await pool.execute("update ticket set expires_at = now() - interval '1 s'")
    assert await spend() is None


async def test_a_ticket_dies_with_its_token(pool: Pool, mia: Api) -> None:
    async with pool.acquire() as connection:
        ticket = await issue_ticket(connection, mia.token)
        assert ticket is not None
        await pool.execute("update token set revoked_at = now()")
        assert await spend_ticket(connection, ticket.ticket) is None
        assert await issue_ticket(connection, mia.token) is None
        for nothing in ("", " ", "x", "a" * 43):
            assert await spend_ticket(connection, nothing) is None
            assert await actor_of_token(connection, nothing) is None


async def test_tickets_nobody_spent_are_swept_by_the_next_one(pool: Pool, mia: Api) -> None:
    await mia.ask("tickets", method="POST")
    await pool.execute("update ticket set expires_at = now() - interval '1 s'")
    await mia.ask("tickets", method="POST")
    assert await pool.fetchval("select count(*) from ticket") == 1


async def test_what_a_role_may_not_do_is_forbidden(pool: Pool, client: httpx2.AsyncClient, mia: Api) -> None:
    await mia.problem("dead-letters", 403)
    supervisor = await sign_in(pool, client, "supervisor")
    assert await supervisor.get("dead-letters") == {"items": [], "next": None}
    await supervisor.problem(f"dead-letters/{new_id()}", 403)
    service = await sign_in(pool, client, "service")
    await service.problem("tickets", 403, method="POST")


async def test_a_token_that_asks_too_often_is_told_when_to_come_again(pool: Pool, mia: Api) -> None:
    now = 0.0
    async with client_of(pool, RateLimit(2, lambda: now)) as client:
        api = Api(client, mia.actor, mia.token)
        await api.get("me")
        await api.get("me")
        answer = await api.ask("me")
        check_problem(answer, 429)
        assert answer.headers["retry-after"] == "31"
        other = await sign_in(pool, client, "agent")
        await other.get("me")
        now = 31.0
        await api.get("me")
