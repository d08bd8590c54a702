"""REST that changes something: once per key, guarded by If-Match, and every bad body named by its place."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.types import Message

from gateway.problems import Problem
from gateway.rest import rest_routes
from gateway.rest_body import MOST_BYTES, read_body
from gateway.rest_call import Endpoint, NoQuery, RateLimit
from gateway.rest_write import Write
from store.feeds import Positions
from store.ids import new_id
from store.pool import Pool, open_pool
from tests.flow.rest_client import Api, check_problem, client_of, parts_of, sign_in
from tests.store.profile_seed import add_account

NEW = {"name": "Ada", "handles": [{"kind": "phone", "value": "+12065550134"}]}


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url, size=6)
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


async def counted(pool: Pool, table: str) -> int:
    count: int = await pool.fetchval(f"select count(*) from {table}")
    return count


async def create(api: Api, key: str | None = None, body: object = NEW) -> httpx2.Response:
    headers = {} if key is None else {"idempotency_key": key}
    return await api.ask("customers", method="POST", body=body, content=None, **headers)


# --- once per key ---


async def test_a_repeated_request_is_answered_as_the_first_time_and_done_once(pool: Pool, mia: Api) -> None:
    first = await create(mia, "k1")
    assert first.status_code == 201
    assert "idempotency-replayed" not in first.headers
    again = await create(mia, "k1")
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["cache-control"] == "no-store"
    assert await counted(pool, "customer") == 1
    # Without a key it is another request, and another key does not know of it.
    check_problem(await create(mia), 409)
    check_problem(await create(mia, "k2"), 409)


async def test_a_repeated_delete_is_done_once(mia: Api) -> None:
    customer = (await create(mia)).json()
    handle = customer["handles"][0]["id"]
    await mia.delete(f"handles/{handle}", idempotency_key="d")
    await mia.delete(f"handles/{handle}", idempotency_key="d")
    await mia.problem(f"handles/{handle}", 404, method="DELETE")


async def test_a_key_used_for_another_request_is_refused(pool: Pool, mia: Api) -> None:
    await create(mia, "k1")
    others: list[tuple[str, str, Any]] = [
        ("POST", "customers", {"name": "Bob"}),
        ("POST", "tasks", NEW | {"customer": str(new_id()), "body": "x"}),
    ]
    answer = check_problem(await create(mia, "k1", others[0][2]), 422)
    assert answer["field"] == "Idempotency-Key"
    id_ = await pool.fetchval("select id from customer")
    check_problem(await mia.ask(f"customers/{id_}", method="PATCH", body={}, idempotency_key="k1"), 422)
    assert await counted(pool, "customer") == 1


async def test_a_key_is_its_senders_own(pool: Pool, client: httpx2.AsyncClient, mia: Api) -> None:
    await create(mia, "k1")
    noah = await sign_in(pool, client, "agent")
    answer = await create(noah, "k1", {"name": "Bob"})
    assert answer.json()["name"] == "Bob"


async def test_a_refused_request_leaves_its_key_free(pool: Pool, mia: Api) -> None:
    check_problem(await create(mia, "k1", {"name": "Ada", "fields": {"nothing": 1}}), 422)
    assert await counted(pool, "customer") == await counted(pool, "idempotency") == 0
    assert (await create(mia, "k1")).status_code == 201


async def test_of_requests_at_once_under_one_key_one_is_done_and_all_get_its_answer(pool: Pool, mia: Api) -> None:
    answers = await asyncio.gather(*(create(mia, "k1", {"name": "Ada"}) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 5
    assert await counted(pool, "customer") == 1


async def test_a_request_that_waits_too_long_for_another_under_its_key_is_told_to_ask_again(
    pool: Pool, mia: Api, database_url: str
) -> None:
    connection = await asyncpg.connect(database_url)
    slow = connection.transaction()
    await slow.start()
    await connection.execute("insert into idempotency (agent_id, key, request) values ($1, 'k1', 'x')", mia.actor.id)
    answer = await create(mia, "k1")
    assert check_problem(answer, 409)["field"] == "Idempotency-Key"
    assert answer.headers["retry-after"] == "1"
    await slow.rollback()
    await connection.close()
    assert (await create(mia, "k1")).status_code == 201


async def test_another_process_knows_the_answer_too(pool: Pool, mia: Api, database_url: str) -> None:
    first = await create(mia, "k1")
    later = await open_pool(database_url, size=2)
    async with client_of(later, RateLimit()) as client:
        again = await create(Api(client, mia.actor, mia.token), "k1")
    await later.close()
    assert (again.status_code, again.content) == (201, first.content)


async def test_after_a_day_a_key_is_a_new_one_and_others_of_that_age_are_swept(pool: Pool, mia: Api) -> None:
    for key in ("k1", "k2", "k3"):
        await create(mia, key, {"name": key})
    await pool.execute("update idempotency set at = at - interval '24 hours 1 second'")
    answer = await create(mia, "k1", {"name": "other"})
    assert answer.json()["name"] == "other"
    assert [row["key"] for row in await pool.fetch("select key from idempotency")] == ["k1"]


@pytest.mark.parametrize("key", ["", "x" * 201, "a\tb"])
async def test_a_key_that_is_none_is_refused(mia: Api, key: str) -> None:
    assert check_problem(await create(mia, key), 400)["field"] == "Idempotency-Key"


async def test_a_ticket_is_a_secret_and_is_kept_for_nobody(pool: Pool, mia: Api) -> None:
    one, two = [await mia.ask("tickets", method="POST", idempotency_key="k1") for _ in range(2)]
    assert one.json()["ticket"] != two.json()["ticket"]
    assert await counted(pool, "idempotency") == 0


# --- If-Match and If-None-Match ---


async def test_an_edit_of_what_somebody_else_changed_is_refused(mia: Api) -> None:
    id_ = (await create(mia)).json()["id"]
    seen = (await mia.ask(f"customers/{id_}")).headers["etag"]
    changed = await mia.ask(f"customers/{id_}", method="PATCH", body={"name": "Ada L."}, if_match=seen)
    assert changed.status_code == 200
    assert changed.headers["etag"] == (await mia.ask(f"customers/{id_}")).headers["etag"] != seen
    refused = await mia.problem(f"customers/{id_}", 412, method="PATCH", body={"name": "X"}, if_match=seen)
    assert refused["field"] == "If-Match"
    assert (await mia.get(f"customers/{id_}"))["name"] == "Ada L."
    for tag in (f'"other", {changed.headers["etag"]}', "*"):
        await mia.patch(f"customers/{id_}", {"company": "Analytical"}, if_match=tag)
        changed = await mia.ask(f"customers/{id_}")
    for tag in ("", "nonsense", '"other"', f"W/{changed.headers['etag']}"):
        await mia.problem(f"customers/{id_}", 412, method="PATCH", body={"name": "X"}, if_match=tag)


async def test_a_contact_that_arrives_meanwhile_does_not_refuse_an_edit(pool: Pool, mia: Api) -> None:
    id_ = (await create(mia)).json()["id"]
    seen = (await mia.ask(f"customers/{id_}")).headers["etag"]
    await mia.post("tasks", {"customer": id_, "body": "call back"})
    now = await mia.ask(f"customers/{id_}", if_none_match=seen)
    assert now.status_code == 200
    assert now.headers["etag"] != seen
    await mia.patch(f"customers/{id_}", {"company": "Analytical"}, if_match=seen)


async def test_a_customer_one_has_already_is_not_sent_again(mia: Api) -> None:
    id_ = (await create(mia)).json()["id"]
    seen = (await mia.ask(f"customers/{id_}")).headers["etag"]
    answer = await mia.ask(f"customers/{id_}", if_none_match=seen)
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", seen)
    assert (await mia.ask(f"customers/{id_}", if_none_match='"other"')).status_code == 200


# --- bodies ---

FLAWS: list[tuple[bytes, str]] = [
    (b"", "body"),
    (b"[]", "body"),
    (b"{", "body"),
    (b"null", "body"),
    (b'{"name": "\xff"}', "body"),
    (b'{"name": "\\ud800"}', "body"),
    (b'{"name": "a\\u0000b"}', "name"),
    (b'{"name": 1}', "name"),
    (b'{"nam": "Ada"}', "nam"),
    (b'{"handles": [{"value": 1}]}', "handles[0].value"),
    (b'{"handles": [{"kind": "phone", "value": "+12065550134"}, {"kind": "phone"}]}', "handles[1].value"),
    (b'{"handles": [{"kind": "phone", "value": "x", "worth": 1}]}', "handles[0].worth"),
    (b'{"handles": [{"kind": "phone", "value": "\\u0000"}]}', "handles[0].value"),
    (b'{"tags": ["a", "b\\u0000"]}', "tags[1]"),
    (b'{"fields": {"a": "\\u0000"}}', "fields.a"),
    (b'{"fields": {"\\u0000": 1}}', "fields[...]"),
    (b'{"fields": {"a": 1e999}}', "fields[...]"),
    (b'{"name": ' + b"[" * 100_000, "name"),
    (b'{"fields": {"a": ' + b'{"a":' * 30_000, "fields[...]"),
    (b"[" * 200_000, "body"),
]


@pytest.mark.parametrize(("content", "field"), FLAWS, ids=[f"{field}-{i}" for i, (_, field) in enumerate(FLAWS)])
async def test_what_is_wrong_with_a_body_is_named_by_its_place(
    pool: Pool, mia: Api, content: bytes, field: str
) -> None:
    answer = check_problem(await mia.ask("customers", method="POST", content=content), 400)
    assert answer["field"] == field
    assert await counted(pool, "customer") == 0


async def test_numbers_and_times_the_database_cannot_keep_are_refused(mia: Api) -> None:
    id_ = (await create(mia)).json()["id"]
    for number in (2**31, -(2**31) - 1, 10**30):
        content = b'{"revision": %d, "body": "x"}' % number
        answer = check_problem(await mia.ask(f"details/{new_id()}", method="PATCH", content=content), 400)
        assert answer["field"] == "revision"
    for instant in ("2026-11-26T10:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "soon"):
        task = {"customer": id_, "body": "call", "due_at": instant}
        assert (await mia.problem("tasks", 400, method="POST", body=task))["field"] == "due_at"


async def test_a_body_that_is_too_long_is_refused_before_it_is_read(pool: Pool, mia: Api) -> None:
    content = b'{"name": "' + b"a" * MOST_BYTES + b'"}'
    assert check_problem(await mia.ask("customers", method="POST", content=content), 413)["field"] == "body"

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"a" * 65_536

    headers = {"Authorization": f"Bearer {mia.token}", "Content-Type": "application/json"}
    check_problem(await mia.client.post("/v1/customers", content=endless(), headers=headers), 413)
    assert await counted(pool, "customer") == 0


async def test_a_body_that_does_not_arrive_is_not_waited_for() -> None:
    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    request = Request({"type": "http", "method": "POST", "headers": []}, receive=never)
    with pytest.raises(Problem) as raised:
        await read_body(request, seconds=0.01)
    assert raised.value.status == 408


async def test_a_body_is_json_or_nothing(mia: Api) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""):
        answer = await mia.ask("customers", method="POST", content=b"{}", content_type=kind)
        assert check_problem(answer, 415)["field"] == "body"
    answer = await mia.ask(
        "customers", method="POST", content=b'{"name": "Ada"}', content_type="Application/JSON; charset=utf-8"
    )
    assert answer.status_code == 201
    check_problem(await mia.ask("tickets", method="POST", body={"a": 1}), 400)
    assert (await mia.ask("tickets", method="POST", body={})).status_code == 200


async def test_the_body_of_somebody_unknown_is_not_read(pool: Pool, mia: Api) -> None:
    read: list[int] = []

    async def body() -> AsyncIterator[bytes]:
        read.append(1)
        yield b"{}"

    for token, status in (("sp_" + "a" * 43, 401), (mia.token, 403)):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        answer = await mia.client.post("/v1/topics", content=body(), headers=headers)
        check_problem(answer, status)
    assert read == []


# --- the transaction ---


async def test_events_are_announced_and_other_systems_asked_only_after_the_commit(pool: Pool, mia: Api) -> None:
    told: list[Positions] = []

    def announce(positions: Positions) -> None:
        told.append(positions)

    wanted: list[Any] = []
    parts = dataclasses.replace(parts_of(pool), announce=announce, want=wanted.append)
    async with client_of(pool, RateLimit(), parts) as client:
        api = Api(client, mia.actor, mia.token)
        id_ = (await create(api)).json()["id"]
        await api.post(f"customers/{id_}/details", {"body": "likes tea"})
        assert [(feed.kind, str(feed.id)) for positions in told for feed in positions][-1] == ("customer", id_)
        count = len(told)
        await api.problem(f"customers/{id_}/details", 422, method="POST", body={"body": " "})
        await api.problem(f"customers/{new_id()}/cards/refresh", 404, method="POST")
        assert (len(told), wanted) == (count, [])
        await api.post(f"customers/{id_}/cards/refresh", status=202)
        assert [str(each) for each in wanted] == [id_]


MEET = "do $$ begin raise exception 'met' using errcode = '40001'; end $$"


@pytest.mark.parametrize(("meetings", "status"), [(2, 204), (3, 503)])
async def test_a_request_that_met_another_is_tried_again_and_what_follows_it_happens_once(
    pool: Pool, mia: Api, meetings: int, status: int
) -> None:
    runs: list[int] = []
    followed: list[int] = []

    async def meet(call: Write[None]) -> None:
        runs.append(1)
        call.after.append(lambda: followed.append(len(runs)))
        await call.connection.execute("insert into topic (id, name) values ($1, 'x')", new_id())
        if len(runs) <= meetings:
            await call.connection.execute(MEET)

    app = Starlette(routes=rest_routes(endpoints=[Endpoint("POST", "/v1/meet", "me.read", meet, NoQuery, None)]))
    app.state.parts = parts_of(pool)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://test") as client:
        answer = await Api(client, mia.actor, mia.token).ask("meet", method="POST", idempotency_key="k1")
    assert answer.status_code == status
    assert ("retry-after" in answer.headers) == (status == 503)
    assert len(runs) == 3
    assert followed == ([3] if status == 204 else [])
    assert await counted(pool, "topic") == await counted(pool, "idempotency") == (1 if status == 204 else 0)
