"""What a visitor's stream reads: their lines in order, and no more of a long history than it asks for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.base import AccountConfig
from adapters.chat.visitor import Visitor
from gateway.chat_lines import EVER, MOST_LINES, NEWEST, SINCE, Own, fetch_lines, fetch_own, fetch_place
from store.pool import Pool, open_pool

ANA, BEN = "anon:ana", "id:ben"
LINES = 10_000
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
ACCOUNT = """
insert into queue (id, name) values ('general', 'General');
insert into account (id, channel, provider, address, secrets, region, public_url, queue_id)
values ('chat-main', 'chat', 'screenpop', 'x', '{0123456789abcdef}', 'US', 'https://x.example', 'general')
"""
# Every second line is an answer, which left a minute after it was written; one in a hundred never did.
FILL = """
with c as (insert into customer (id, root_id) select i, i from (select gen_random_uuid() i) x returning id),
     h as (insert into handle (id, kind, scope, value, customer_id)
           select gen_random_uuid(), 'social', 'chat:chat-main', $1, id from c returning id, customer_id),
     e as (insert into entry (id, customer_id, at, kind, channel, direction, body, handle_id, account_id)
           select gen_random_uuid(), h.customer_id, $2::timestamptz + n * interval '10 seconds', 'message', 'chat',
                  case n % 2 when 0 then 'in' else 'out' end, n::text, h.id, 'chat-main'
             from h, generate_series(0, $3::integer - 1) n
           returning id, customer_id, direction, body, at)
insert into outbox (entry_id, customer_id, account_id, to_address, body, at, state, left_at)
select id, customer_id, 'chat-main', $1, body, at,
       case body::integer % 100 when 99 then 'failed' else 'delivered' end, at + interval '1 minute'
  from e where direction = 'out'
"""


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database_url)
    async with pool.acquire() as connection:
        await connection.execute(ACCOUNT)
        for value in (ANA, BEN):
            await connection.execute(FILL, value, BEGIN, LINES)
        await connection.execute("analyze")
    yield pool
    await pool.close()


def config() -> AccountConfig:
    return AccountConfig("chat-main", "chat", "screenpop", "x", ("0123456789abcdef",), "US", "https://x.example")


def place_of(n: int) -> datetime:
    return BEGIN + timedelta(seconds=10 * n + 60 * (n % 2))


async def own(pool: Pool) -> Own:
    async with pool.acquire() as connection:
        return await fetch_own(connection, config(), Visitor(ANA, 4_000_000_000, was=BEN))


async def test_lines_come_in_the_order_of_their_places_and_only_what_left(pool: Pool) -> None:
    async with pool.acquire() as connection:
        ana = await fetch_own(connection, config(), Visitor(ANA, 4_000_000_000))
        rows = await fetch_lines(connection, config(), ana, None)
        expected = sorted((n for n in range(LINES) if n % 100 != 99), key=place_of)[-MOST_LINES:]
        assert [int(row["body"]) for row in rows if int(row["body"]) % 6] == [n for n in expected if n % 6]
        assert [row["place"] for row in rows] == [place_of(n) for n in expected]
        since = rows[100]["place"]
        assert await fetch_place(connection, config(), ana, rows[100]["id"]) == since
        later = await fetch_lines(connection, config(), ana, since)
        assert {row["id"] for row in later} == {row["id"] for row in rows if row["place"] > since}


@pytest.mark.parametrize(("query", "since"), [(NEWEST, EVER), (SINCE, place_of(LINES) - timedelta(minutes=2))])
@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_a_look_reads_no_more_of_ten_thousand_lines_than_it_asks_for(
    pool: Pool, mode: str, query: str, since: datetime
) -> None:
    both = await own(pool)
    assert len(both.handles) == 2
    async with pool.acquire() as connection:
        await connection.execute(f"prepare look (uuid[], text[], text, integer, timestamptz) as {query}")
        await connection.execute(f"set plan_cache_mode = {mode}")
        handles, values = ",".join(map(str, both.handles)), ",".join(both.values)
        asked = f"look('{{{handles}}}', '{{{values}}}', 'chat-main', {MOST_LINES}, '{since.isoformat()}')"
        plan = await connection.fetchval(f"explain (analyze, format json) execute {asked}")
    read = {relation: sum(rows) for relation, rows in _read(json.loads(plan)[0]["Plan"]).items()}
    # Of each of two handles the newest of either side, and what never left or was said by the other side among them.
    assert read["entry"] <= 2 * (2 * MOST_LINES + MOST_LINES + 10), plan
    assert read["outbox"] <= 2 * (MOST_LINES + 10), plan


def _read(node: dict[str, Any]) -> dict[str, list[int]]:
    """Rows that were looked at, by table."""
    found: dict[str, list[int]] = {}
    if relation := node.get("Relation Name"):
        rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        found[relation] = [rows * node["Actual Loops"]]
    for each in node.get("Plans", ()):
        for name, rows in _read(each).items():
            found.setdefault(name, []).extend(rows)
    return found
