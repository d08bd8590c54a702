"""Who is who by REST: preview, merge, unmerge, never link, identify, move, the audit trail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx2
import pytest

from gateway.rest_call import Parts, RateLimit
from store.ids import new_id
from tests.flow.rest_client import Api, client_of, sign_in
from tests.flow.screen_world import Gateway, Screen, World


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with World.opened(database_url) as world:
        yield world


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(world.pool, RateLimit()) as opened:
        yield opened


@pytest.fixture
async def mia(world: World, client: httpx2.AsyncClient) -> Api:
    return await sign_in(world.pool, client, "agent")


async def two(world: World) -> tuple[UUID, UUID]:
    """Two customers who wrote."""
    return (await world.write(None, 1)).id, (await world.write(None, 2)).id


@asynccontextmanager
async def announcing(world: World, gateway: Gateway, api: Api) -> AsyncIterator[Api]:
    """The same agent's client of the process that has the screens."""
    parts = Parts(world.pool, gateway.hub.announce, lambda: None, lambda _customer: None)
    async with client_of(world.pool, RateLimit(), parts) as client:
        yield Api(client, api.actor, api.token)


async def talk_of(world: World, customer: UUID) -> UUID:
    talk: UUID = await world.pool.fetchval("select id from conversation where customer_id = $1", customer)
    return talk


async def test_a_merge_is_previewed_made_seen_on_another_screen_and_undone(world: World, mia: Api) -> None:
    """I5, I6: also after a restart, for another process answers the same."""
    ada, bea = await two(world)
    await mia.patch(f"customers/{ada}", {"name": "Ada", "tags": ["vip"]})
    await mia.patch(f"customers/{bea}", {"name": "A. Byron", "plan": "gold"})
    preview = await mia.get(f"merges/preview?survivor={ada}&loser={bea}")
    assert preview["refused"] is None
    assert {row["field"]: (row["value"], row["beside"]) for row in preview["fields"]} == {
        "name": ("Ada", ["A. Byron"]),
        "plan": ("gold", []),
        "tags": (["vip"], []),
    }
    watcher = await world.agent()
    async with (
        world.gateway() as gateway,
        gateway.connect(watcher.token) as connection,
        announcing(world, gateway, mia) as here,
    ):
        screen = Screen(connection)
        await screen.hello()
        await screen.send(type="open", customer=str(bea), ref="o")
        await screen.next("profile")
        made = await here.post("merges", {"survivor": str(ada), "loser": str(bea), "choices": {"name": "loser"}})
        profile = await screen.next("profile")
        assert (profile["reason"], profile["customer"]["name"]) == ("merged", "A. Byron")
        answer = await mia.ask(f"customers/{bea}")
        assert (answer.status_code, answer.headers["location"]) == (308, f"/v1/customers/{ada}")
        async with client_of(world.pool, RateLimit()) as restarted:
            again = Api(restarted, mia.actor, mia.token)
            assert (await again.get(f"customers/{ada}"))["name"] == "A. Byron"
            assert await again.get(f"merges/{made['id']}") == made
        assert (made["survivor"], made["loser"], made["moved"]) == (str(ada), str(bea), [str(bea)])
        await mia.problem("merges", 409, method="POST", body={"survivor": str(ada), "loser": str(bea)})
        undone = await here.post(f"merges/{made['id']}/undo", status=200)
        assert undone["undone_by"]["id"] == str(mia.actor.id)
        assert (await screen.next("profile"))["reason"] == "unmerged"
    assert [(await mia.get(f"customers/{id_}"))["name"] for id_ in (ada, bea)] == ["Ada", "A. Byron"]
    await mia.problem(f"merges/{made['id']}/undo", 409, method="POST")


async def test_what_makes_no_sense_is_told_by_field(world: World, mia: Api) -> None:
    ada, bea = await two(world)
    for body, status, field in (
        ({"survivor": str(ada), "loser": str(ada)}, 422, "loser"),
        ({"survivor": str(ada), "loser": str(new_id())}, 404, "loser"),
        ({"survivor": str(ada)}, 400, "loser"),
        ({"survivor": str(ada), "loser": str(bea), "choices": {"hat": "loser"}}, 422, "choices.hat"),
        ({"survivor": str(ada), "loser": str(bea), "choices": {"plan": "best"}}, 422, "choices.plan"),
    ):
        problem = await mia.problem("merges", status, method="POST", body=body)
        assert problem["field"] == field
    assert await world.pool.fetchval("select count(*) from merge") == 0
    await mia.problem(f"merges/{new_id()}", 404)
    await mia.problem(f"merges/{new_id()}/undo", 404, method="POST")
    await mia.problem(f"merges/preview?survivor={ada}", 400)


async def test_never_link_is_kept_listed_and_withdrawn(world: World, mia: Api) -> None:
    """I4."""
    ada, bea = await two(world)
    kept = await mia.post("never-links", {"customers": [str(bea), str(ada)]})
    assert kept["customers"] == sorted([str(ada), str(bea)])
    assert kept["by"]["id"] == str(mia.actor.id)
    assert await mia.every(f"never-links?customer={ada}", 1) == [kept]
    refused = await mia.problem("merges", 409, method="POST", body={"survivor": str(ada), "loser": str(bea)})
    assert f"/v1/never-links/{kept['customers'][0]}/{kept['customers'][1]}" in refused["detail"]
    preview = await mia.get(f"merges/preview?survivor={ada}&loser={bea}")
    assert preview["refused"]["code"] == "conflict"
    await mia.delete(f"never-links/{ada}/{bea}")
    await mia.problem(f"never-links/{ada}/{bea}", 404, method="DELETE")
    await mia.post("merges", {"survivor": str(ada), "loser": str(bea)})
    await mia.problem("never-links", 409, method="POST", body={"customers": [str(bea), str(ada)]})
    await mia.problem("never-links", 422, method="POST", body={"customers": [str(bea), str(bea)]})


async def test_a_conversation_is_moved_to_whom_it_belongs(world: World, mia: Api) -> None:
    """I7: the other's open screen is shown it."""
    ada, bea = await two(world)
    talk = await talk_of(world, bea)
    watcher = await world.agent()
    async with (
        world.gateway() as gateway,
        gateway.connect(watcher.token) as connection,
        announcing(world, gateway, mia) as here,
    ):
        screen = Screen(connection)
        await screen.hello()
        for customer in (ada, bea):
            await screen.send(type="open", customer=str(customer), ref="o")
            await screen.next("profile")
        moved = await here.post(f"conversations/{talk}/move", {"customer": str(ada), "with_handle": True}, status=200)
        shown: dict[str, Any] = {}
        while len(shown) < 2:
            profile = await screen.next("profile")
            shown[profile["feed"]] = (profile["reason"], [entry["body"] for entry in profile["timeline"]])
        assert shown == {
            f"customer:{ada}": ("merged", ["message 1", "message 2"]),
            f"customer:{bea}": ("unmerged", []),
        }
    assert (moved["survivor"], moved["rule"]) == (str(ada), "moved")
    assert len((await mia.get(f"customers/{ada}"))["handles"]) == 2
    await mia.problem(f"conversations/{talk}/move", 409, method="POST", body={"customer": str(ada)})
    await mia.post(f"merges/{moved['id']}/undo", status=200)
    assert [entry["body"] for entry in (await mia.get(f"customers/{ada}/timeline"))["items"]] == ["message 1"]


async def test_who_writes_on_a_shared_handle_is_said_by_rest_and_by_a_screen(world: World, mia: Api) -> None:
    """I2."""
    ada, bea = await two(world)
    await world.pool.execute("update conversation set status = 'closed', closed_at = now() where customer_id = $1", bea)
    [handle] = (await mia.get(f"customers/{bea}"))["handles"]
    await mia.patch(f"handles/{handle['id']}", {"shared": True})
    watcher = await world.agent()
    async with (
        world.gateway() as gateway,
        gateway.connect(watcher.token) as connection,
        announcing(world, gateway, mia) as here,
    ):
        screen = Screen(connection)
        await screen.hello()
        nobody = (await world.write(gateway.hub, 2)).id
        await screen.send(type="open", customer=str(nobody), ref="o")
        profile = await screen.next("profile")
        assert profile["customer"] is None
        assert [each["customer"] for each in profile["candidates"]] == [str(bea)]
        talk = profile["conversations"][0]["id"]
        await screen.send(type="identify", conversation=talk, customer=str(ada), ref="i")
        profile = await screen.next("profile")
        assert (profile["reason"], profile["customer"]["id"]) == ("merged", str(ada))
        await here.post(f"merges/{profile['merges'][-1]['id']}/undo", status=200)
        assert (await screen.next("profile"))["reason"] == "unmerged"
    await mia.problem(f"conversations/{talk}/identify", 422, method="POST", body={})
    said = await mia.post(f"conversations/{talk}/identify", {"name": "Cyd"}, status=200)
    assert said == {"customer": str(nobody), "merge": None}
    assert (await mia.get(f"customers/{nobody}"))["name"] == "Cyd"


async def test_supervisors_read_who_did_what_and_agents_do_not(
    world: World, client: httpx2.AsyncClient, mia: Api
) -> None:
    ada, bea = await two(world)
    made = await mia.post("merges", {"survivor": str(ada), "loser": str(bea)})
    await mia.post(f"merges/{made['id']}/undo", status=200)
    boss = await sign_in(world.pool, client, "supervisor")
    trail = await boss.every(f"audit?customer={ada}", 1)
    assert [(each["action"], each["actor"]["id"]) for each in trail] == [
        ("unmerge", str(mia.actor.id)),
        ("merge", str(mia.actor.id)),
    ]
    assert trail[1]["subject"]["merge"] == made["id"]
    assert len(await boss.every("audit", 50)) >= 2
    await mia.problem("audit", 403)
