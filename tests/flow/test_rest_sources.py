"""P10: administrators define which systems are asked; mistakes are named, secrets never come back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.rest_call import RateLimit
from store.pool import Pool, open_pool
from tests.flow.rest_client import Api, client_of, sign_in

SHOP = {
    "id": "shop",
    "title": "Orders",
    "url": "https://shop.example.com/orders?phone={phone}",
    "secret": "sixteen characters and more",
}


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database_url)
    yield pool
    await pool.close()


@pytest.fixture
async def admin(pool: Pool) -> AsyncIterator[Api]:
    async with client_of(pool, RateLimit()) as client:
        yield await sign_in(pool, client, "admin")


async def send(api: Api, method: str, path: str, body: Any = None) -> Any:
    return await api.client.request(method, f"/v1/{path}", json=body, headers={"Authorization": f"Bearer {api.token}"})


async def test_a_source_is_defined_changed_and_removed_and_its_secret_stays_here(admin: Api, pool: Pool) -> None:
    made = await send(admin, "POST", "sources", SHOP)
    assert made.status_code == 201, made.text
    assert "secret" not in made.json()
    changed = await send(admin, "PATCH", "sources/shop", {"title": "Purchases", "active": False})
    assert (changed.json()["title"], changed.json()["active"], changed.json()["revision"]) == ("Purchases", False, 2)
    assert [each["id"] for each in await admin.every("sources", 1)] == ["shop"]
    assert await pool.fetchval("select secret from source") == SHOP["secret"]
    assert (await send(admin, "DELETE", "sources/shop")).status_code == 204
    assert (await send(admin, "DELETE", "sources/shop")).status_code == 404
    actions = await pool.fetch("select action, subject::text as subject from audit order by at")
    assert [row["action"] for row in actions] == ["source.create", "source.change", "source.remove"]
    assert SHOP["secret"] not in "".join(row["subject"] for row in actions)


@pytest.mark.parametrize(
    "url",
    [
        "shop.example.com/orders",
        "ftp://shop.example.com/{phone}",
        "https://{phone}.example.com/",
        "https://shop.example.com/{name}",
        "https://shop.example.com/{phone",
        "https://user:word@shop.example.com/",
        "https://shop.example.com:99999/",
        "https:///orders",
        "https://shop.example.com/a b",
        "https://[::1/orders",
    ],
)
async def test_an_address_that_cannot_be_asked_is_refused_by_name(admin: Api, pool: Pool, url: str) -> None:
    answer = await send(admin, "POST", "sources", SHOP | {"url": url})
    assert answer.status_code == 422, answer.text
    assert answer.json()["field"] == "url"
    assert await pool.fetchval("select count(*) from source") == 0


async def test_a_taken_id_a_short_secret_and_an_unknown_field_change_nothing(admin: Api, pool: Pool) -> None:
    await send(admin, "POST", "sources", SHOP)
    taken = await send(admin, "POST", "sources", SHOP | {"title": "Other"})
    assert (taken.status_code, taken.json()["field"]) == (409, "id")
    short = await send(admin, "POST", "sources", SHOP | {"id": "b", "secret": "short"})
    assert (short.status_code, short.json()["field"]) == (400, "secret")
    unknown = await send(admin, "POST", "sources", SHOP | {"id": "b", "timeout": 5})
    assert (unknown.status_code, unknown.json()["field"]) == (400, "timeout")
    assert await pool.fetchval("select string_agg(title, ',') from source") == "Orders"


async def test_only_administrators_see_and_define_sources(pool: Pool) -> None:
    async with client_of(pool, RateLimit()) as client:
        for role in ("agent", "supervisor", "service"):
            api = await sign_in(pool, client, role)
            assert (await send(api, "POST", "sources", SHOP)).status_code == 403
            assert (await send(api, "GET", "sources")).status_code == 403
