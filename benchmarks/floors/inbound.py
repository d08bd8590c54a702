"""`python -m benchmarks.floors.inbound PORT WAY DATABASE_URL`: a bare app that records a message and answers 2xx.

WAY: `separate` statements in a transaction, one plpgsql `function`, a bare `one_row` insert. No signature is checked.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl
from uuid import uuid4

import asyncpg
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Connection = asyncpg.pool.PoolConnectionProxy
TWIML = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
SEEN = "insert into seen values ($1, $2) on conflict do nothing returning true"
WHO = "select id, customer_id from handle where value = $1"
NEW_CUSTOMER = "insert into customer values ($1)"
NEW_STREAM = "insert into stream (id) values ($1)"
NEW_HANDLE = "insert into handle values ($1, $2, $3)"
NUMBER = """
update stream set seq = seq + 1, last_at = greatest(clock_timestamp(), last_at + interval '1 microsecond')
 where id = $1 returning seq, last_at
"""
TALK = "select id from conversation where customer_id = $1 and status <> 'closed'"
NEW_TALK = "insert into conversation values ($1, $2, 'open')"
RAW = "insert into raw_event values ($1, $2, $3, now(), $4)"
ENTRY = "insert into entry values ($1, $2, $3, $4, $5, $6, $7)"
JOIN = """
update contact set messages = messages + 1, preview = $2 where conversation_id = $1 and state <> 'closed' returning true
"""
NEW_CONTACT = "insert into contact values ($1, $2, 'new', $3, 1)"
EVENT = "insert into event (id, seq, body) values ($1, $2, $3)"


async def separate(connection: Connection, key: str, sender: str, body: str, raw: bytes) -> None:
    """One statement after the other."""
    async with connection.transaction():
        if not await connection.fetchval(SEEN, "sms-main", key):
            return
        who = await connection.fetchrow(WHO, sender)
        handle, customer = who or (uuid4(), uuid4())
        if who is None:
            await connection.execute(NEW_CUSTOMER, customer)
            await connection.execute(NEW_STREAM, customer)
            await connection.execute(NEW_HANDLE, handle, sender, customer)
        seq, at = await connection.fetchrow(NUMBER, customer)  # type: ignore[misc]
        talk = await connection.fetchval(TALK, customer)
        if talk is None:
            talk = uuid4()
            await connection.execute(NEW_TALK, talk, customer)
        await connection.execute(RAW, uuid4(), "sms-main", key, raw)
        await connection.execute(ENTRY, uuid4(), customer, talk, at, body, handle, "sms-main")
        if not await connection.fetchval(JOIN, talk, body):
            await connection.execute(NEW_CONTACT, uuid4(), talk, body)
        await connection.execute(EVENT, customer, seq, event(key, sender, body))


async def function(connection: Connection, key: str, sender: str, body: str, raw: bytes) -> None:
    """The same in one call."""
    sql = "select record($1, $2, $3, $4, $5, $6)"
    await connection.fetchval(sql, "sms-main", key, sender, body, raw, event(key, sender, body))


async def one_row(connection: Connection, key: str, sender: str, body: str, raw: bytes) -> None:
    """The least that can be durable."""
    await connection.execute("insert into one_row values ($1, $2, $3)", uuid4(), sender, body)


def event(key: str, sender: str, body: str) -> str:
    """An event of the size of ours."""
    entry = {"id": key, "kind": "message", "channel": "sms", "direction": "in", "body": body, "handle": sender}
    more: dict[str, object] = {"account": "sms-main", "media": [], "status": None, "author": None}
    more["at"] = "2026-11-22T04:00:00.000000Z"
    return json.dumps({"kind": "entry", "entry": {**entry, **more, "conversation": str(uuid4())}})


WAYS: dict[str, Callable[..., Awaitable[None]]] = {"separate": separate, "function": function, "one_row": one_row}


def app(way: str, url: str) -> Starlette:
    """The whole application."""
    record = WAYS[way]

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        class Plain(asyncpg.Connection):
            def get_reset_query(self) -> str:
                return ""

        app.state.pool = await asyncpg.create_pool(url, min_size=10, max_size=10, connection_class=Plain)
        yield
        await app.state.pool.close()

    async def hook(request: Request) -> Response:
        raw = await request.body()
        form = dict(parse_qsl(raw.decode()))
        async with request.app.state.pool.acquire() as connection:
            await record(connection, form["MessageSid"], form["From"], form["Body"], raw)
        return Response(TWIML, media_type="text/xml")

    return Starlette(routes=[Route("/hooks/sms-main", hook, methods=["POST"])], lifespan=lifespan)


if __name__ == "__main__":
    port, way, url = sys.argv[1:]
    uvicorn.run(
        app(way, url),
        host="127.0.0.1",
        port=int(port),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="error",
    )
