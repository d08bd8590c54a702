"""REST over the whole stack: what is read, how lists page, what errors say."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from uuid import UUID

import httpx2
import msgspec
import pytest

from gateway.rest_call import RateLimit, decode_cursor, encode_cursor
from profiles.dead_letters import Unreadable, bury
from store.ids import new_id
from store.pool import Pool, open_pool
from tests.flow.rest_client import Api, check_problem, client_of, sign_in
from tests.store.profile_seed import BOB, add_account, add_agent, answer, customer_of, hold, say


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


# --- what is read ---


async def test_a_customer_with_timeline_conversations_contacts_is_read(pool: Pool, mia: Api) -> None:
    await say(pool, "hello")
    contact = await hold(pool, mia.actor)
    await answer(pool, mia.actor, "hi")
    id_ = await customer_of(pool)
    customer = await mia.get(f"customers/{id_}")
    assert customer["id"] == str(id_)
    assert [handle["display"] for handle in customer["handles"]] == ["+1 206-555-0134"]
    timeline = await mia.get(f"customers/{id_}/timeline")
    assert [(entry["body"], entry["status"]) for entry in timeline["items"]] == [("hello", None), ("hi", "queued")]
    conversations = await mia.get(f"customers/{id_}/conversations")
    assert [each["id"] for each in conversations["items"][0]["contacts"]] == [str(contact)]
    listed = await mia.get(f"contacts?state=assigned&queue=support&agent={mia.actor.id}")
    assert listed["items"] == [await mia.get(f"contacts/{contact}")]
    assert listed["items"][0]["customer"] == str(id_)
    assert (await mia.get("contacts?state=closed"))["items"] == []
    assert [each["id"] for each in (await mia.get("customers?q=206555"))["items"]] == [str(id_)]


async def test_times_are_those_of_the_database_in_utc_with_microseconds(pool: Pool, mia: Api) -> None:
    await say(pool, "hello")
    id_ = await customer_of(pool)
    await pool.execute("update customer set created_at = '2026-11-12 10:11:12.000034+00'")
    shown = (await mia.get(f"customers/{id_}"))["created_at"]
    assert shown == await pool.fetchval("select json_time(created_at) from customer") == "2026-11-12T10:11:12.000034Z"


async def test_a_merged_customer_redirects_to_the_profile_with_path_and_query(pool: Pool, mia: Api) -> None:
    await say(pool, "from ada")
    await say(pool, "from bob", phone=BOB)
    ada, bob = await customer_of(pool), await customer_of(pool, BOB)
    await pool.execute("update customer set root_id = $1 where id = $2", ada, bob)
    for rest in ("", "/timeline?limit=1", "/conversations"):
        answer = await mia.ask(f"customers/{bob}{rest}")
        assert answer.status_code == 308
        assert answer.headers["location"] == f"/v1/customers/{ada}{rest}"


async def test_offers_agents_queues_and_accounts_are_listed_without_secrets(pool: Pool, mia: Api) -> None:
    await say(pool, "hello")
    contact = await pool.fetchval("select id from contact")
    offer = new_id()
    await pool.execute(
        "insert into offer (id, contact_id, agent_id, fence, class, weight, expires_at)"
        " values ($1, $2, $3, 0, 'messaging', 1, now() + interval '20 s')",
        *(offer, contact, mia.actor.id),
    )
    await pool.execute('update account set settings = \'{"auth": "s3cret-setting"}\'')
    listed = await mia.get(f"offers?state=pending&contact={contact}&agent={mia.actor.id}")
    assert listed["items"] == [await mia.get(f"offers/{offer}")]
    assert (await mia.get("offers?state=accepted"))["items"] == []
    [queue] = (await mia.get("queues"))["items"]
    assert (queue["id"], queue["park_after_seconds"]) == ("support", 600)
    [agent] = (await mia.get("agents"))["items"]
    assert agent["capacity"]["messaging"] == {"used": 0, "slots": 4}
    assert agent["presence"]["status"] == "offline"
    answer = await mia.ask("accounts")
    assert answer.json()["items"][0]["id"] == "sms-main"
    assert "s3cret" not in answer.text


async def test_a_dead_letter_is_read_whole_by_an_admin(pool: Pool, client: httpx2.AsyncClient) -> None:
    admin = await sign_in(pool, client, "admin")
    async with pool.acquire() as connection:
        id_ = await bury(connection, Unreadable("sms-main", None, "", "text/plain", b"\xff\x00", "no From", "From"))
    [line] = (await admin.get("dead-letters"))["items"]
    assert (line["id"], line["reason"], line["field"], line["size"]) == (str(id_), "no From", "From", 2)
    assert "body" not in line
    whole = await admin.get(f"dead-letters/{id_}")
    assert base64.b64decode(whole["body"]) == b"\xff\x00"


async def test_every_list_shows_everything_once_page_by_page(pool: Pool, client: httpx2.AsyncClient) -> None:
    admin = await sign_in(pool, client, "admin")
    for number in range(5):
        await add_account(pool, f"sms-{number}")
        await add_agent(pool, f"agent {number}")
        await pool.execute("insert into queue (id, name) values ($1, '')", f"queue-{number}")
        await say(pool, f"one {number}", phone=f"+1206555000{number}")
        await say(pool, f"two {number}")
        async with pool.acquire() as connection:
            await bury(connection, Unreadable("sms-main", None, str(number), None, b"", "x"))
    customer = await customer_of(pool)
    counts = {
        **{"customers": 6, "customers?q=%2B1206555": 6, "contacts": 6, "accounts": 6, "agents": 6, "queues": 6},
        **{"dead-letters": 5, f"customers/{customer}/timeline": 5, f"customers/{customer}/conversations": 1},
    }
    for path, count in counts.items():
        items = await admin.every(path, 2)
        assert len({item["id"] for item in items}) == len(items) == count, path


async def test_a_timeline_is_paged_from_an_entry_in_both_directions(pool: Pool, mia: Api) -> None:
    for number in range(5):
        await say(pool, str(number))
    path = f"customers/{await customer_of(pool)}/timeline"
    entries = (await mia.get(path))["items"]
    before = await mia.get(f"{path}?before={entries[3]['id']}&limit=2")
    assert [entry["body"] for entry in before["items"]] == ["1", "2"]
    older = await mia.get(f"{path}?cursor={before['next']}")
    assert [entry["body"] for entry in older["items"]] == ["0"]
    assert older["next"] is None
    forwards = await mia.every(f"{path}?after={entries[0]['id']}", 200)
    assert [entry["body"] for entry in forwards] == ["1", "2", "3", "4"]
    page = await mia.get(f"{path}?after={entries[0]['id']}&limit=3")
    rest = await mia.get(f"{path}?cursor={page['next']}")
    assert [entry["body"] for entry in rest["items"]] == ["4"]


# --- errors ---


async def test_every_wrong_parameter_is_named_with_a_remedy(pool: Pool, mia: Api) -> None:
    await say(pool, "hello")
    customer = await customer_of(pool)
    wrong = {
        **{"customers?limit=0": "limit", "customers?limit=201": "limit", "customers?limit=x": "limit"},
        **{"customers?cursor=x": "cursor", "customers?cursor=%00": "cursor", "customers?colour=red": "colour"},
        **{"customers?q=a&q=b": "q", f"customers?q={'a' * 201}": "q", "customers/not-a-uuid": "id"},
        **{"contacts?state=asleep": "state", "contacts?agent=mia": "agent", "contacts?queue=a%00": "queue"},
        **{"offers/1": "id", "offers?contact=1": "contact", "me?verbose=1": "verbose"},
        **{f"customers/{customer}/timeline?before=1": "before", "accounts?cursor=IiI": "cursor"},
        f"contacts?cursor={encode_cursor(['2026-01-01T00:00:00Z', str(new_id())])}": "cursor",
        f"offers?cursor={encode_cursor(['0001-01-01T00:00:00+14:00', str(new_id())])}": "cursor",
        f"tasks?cursor={encode_cursor(['9999-12-31T23:59:59-14:00', str(new_id())])}": "cursor",
        f"never-links?cursor={encode_cursor(['0001-01-01T00:00:00+14:00', str(new_id()), str(new_id())])}": "cursor",
        f"customers?q=a&cursor={encode_cursor([2**70, '2026-01-01T00:00:00Z', str(new_id())])}": "cursor",
        f"customers/{customer}/timeline?before={new_id()}&after={new_id()}": "after",
    }
    for path, field in wrong.items():
        body = await mia.problem(path, 400)
        assert body["field"] == field, path
        assert len(body["detail"]) > 20


async def test_an_empty_parameter_is_the_same_as_none(pool: Pool, mia: Api) -> None:
    await say(pool, "hello")
    assert len((await mia.get("customers?q=&limit=&cursor="))["items"]) == 1


async def test_what_is_not_there_is_not_found(pool: Pool, mia: Api) -> None:
    missing = new_id()
    for path in (f"customers/{missing}", f"customers/{missing}/timeline", f"customers/{missing}/conversations"):
        await mia.problem(path, 404)
    for path in (f"contacts/{missing}", f"offers/{missing}", "nothing"):
        await mia.problem(path, 404)
    await say(pool, "hello")
    body = await mia.problem(f"customers/{await customer_of(pool)}/timeline?before={missing}", 404)
    assert body["field"] == "before"


async def test_a_wrong_method_is_told_the_right_one(mia: Api) -> None:
    answer = await mia.ask("customers", method="DELETE")
    check_problem(answer, 405)
    assert "GET" in answer.headers["allow"]
    await mia.problem("tickets", 405)


async def test_without_a_database_the_answer_is_503_and_it_recovers(database_url: str, pool: Pool, mia: Api) -> None:
    small = await open_pool(database_url, size=1)
    async with client_of(small, RateLimit()) as client:
        api = Api(client, mia.actor, mia.token)
        async with small.acquire():  # the only connection: a request waits for it in vain
            answer = await api.ask("me")
        check_problem(answer, 503)
        assert int(answer.headers["retry-after"]) > 0
        await api.get("me")
        await small.close()
        check_problem(await api.ask("me"), 503)


async def test_our_own_failure_shows_and_logs_nothing_personal(
    pool: Pool, mia: Api, caplog: pytest.LogCaptureFixture
) -> None:
    await say(pool, "a secret word")
    id_ = await customer_of(pool)
    await pool.execute("alter table entry rename to entry_gone")
    answer = await mia.ask(f"customers/{id_}/timeline")
    check_problem(answer, 500)
    assert "entry" not in answer.text
    assert str(id_) not in caplog.text
    assert "UndefinedTableError" in caplog.text


def test_a_cursor_needs_no_escaping_and_is_read_back() -> None:
    for value in (new_id(), "sms-main"):
        cursor = encode_cursor(value)
        assert msgspec.json.encode(cursor).decode().strip('"').replace("-", "").replace("_", "").isalnum()
        assert decode_cursor(cursor, type(value)) == value
    assert decode_cursor(None, UUID) is None
