"""A REST request that changes something: one transaction, repeatable under an idempotency key, guarded by If-Match.

What is kept under a key is the answer of a request that was carried out, written in the transaction of its change. A
refused request has changed nothing and keeps nothing: the same key may be used again, with a corrected body too.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import asyncpg
import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from gateway.problems import Problem, bad_request, from_refused
from gateway.rest_body import MOST_BYTES, decode_body, read_body
from gateway.rest_call import Call, Endpoint, Parts, RateLimit, admit, json_response, read_path, read_query
from gateway.rest_tag import etag_of, same_state
from model.agent import Actor
from model.refusal import Refused
from store.feeds import transaction
from store.pool import Connection

ATTEMPTS: Final = 3
PAUSE_SECONDS: Final = 0.02
SOON: Final = {"Retry-After": "1"}
AGAIN = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
LONGEST_KEY: Final = 200
_KEY = re.compile(rf"[\x20-\x7e]{{1,{LONGEST_KEY}}}", re.ASCII)

Body = TypeVar("Body")


@dataclass(frozen=True)
class Write(Call[Any], Generic[Body]):
    """A request that changes something, with its body. All of it happens in `tx`."""

    body: Body


def check_if_match(call: Write[Any], current: Struct) -> None:
    """For a handler that has locked what it changes: the caller has seen `current`. Raises Problem (412)."""
    if call.if_match is not None and not same_state(call.if_match, etag_of(current)):
        raise Problem(412, "It was changed since you read it; read it again and repeat your change.", "If-Match")


async def carry_out(request: Request, endpoint: Endpoint, parts: Parts, limit: RateLimit) -> Response:
    """Answer a request that changes something. Raises Problem, and what a database raises that is away."""
    async with parts.pool.acquire() as connection:
        actor, token = await admit(request, endpoint, connection, limit)
    # No connection is held while a body trickles in.
    raw = await read_body(request, most=endpoint.most_bytes or MOST_BYTES)
    query, path = read_query(request, endpoint.query), read_path(request)
    body: Any = raw
    if endpoint.read is not None:
        body = await endpoint.read(request, raw)
    elif endpoint.body is not bytes:
        body = decode_body(request, raw, endpoint.body)
    kind = request.headers.get("content-type", "")
    key, if_match = _read_key(request), request.headers.get("if-match")
    where = (endpoint.method.encode(), request.url.path.encode(), request.url.query.encode())
    asked = hashlib.sha256(b"\n".join((*where, raw))).digest()
    ready = await endpoint.prepare(parts.pool, path, body) if endpoint.prepare else None
    for attempt in range(1, ATTEMPTS + 1):
        after: list[Callable[[], None]] = []
        try:
            async with transaction(parts.pool, parts.announce) as tx:
                call = Write(actor, token, tx.connection, query, path, parts, body, if_match, kind, tx, after, ready)
                response = await _once(call, endpoint, None if endpoint.secret else key, asked)
        except AGAIN:
            if attempt == ATTEMPTS:
                raise Problem(
                    503, "Too many change the same at once; ask again.", headers={"Retry-After": "1"}
                ) from None
            await asyncio.sleep(PAUSE_SECONDS * attempt)
            continue
        for each in after:
            each()
        return response
    raise AssertionError("the last attempt returns or raises")


def _read_key(request: Request) -> str | None:
    given = request.headers.getlist("idempotency-key")
    if not given:
        return None
    if len(given) > 1 or not _KEY.fullmatch(given[0]):
        raise bad_request("An idempotency key is 1 to 200 printable ASCII characters, given once.", "Idempotency-Key")
    return given[0]


async def _once(call: Write[Any], endpoint: Endpoint, key: str | None, asked: bytes) -> Response:
    if key is not None:
        kept = await _reserve(call.tx.connection, call.actor, key, asked)
        if kept is not None:
            return kept
    answer = await endpoint.handler(call)
    if isinstance(answer, Refused):
        raise from_refused(answer)  # and nothing of it stays
    status, body, headers = 204, b"", {}
    if answer is not None:
        status, body = endpoint.status, msgspec.json.encode(answer)
        headers = {"ETag": etag_of(answer)} if endpoint.tagged else {}
    if key is not None:
        await call.tx.connection.execute(
            KEEP_ANSWER, call.actor.id, key, status, body, msgspec.json.encode(headers).decode()
        )
    return json_response(body, status, headers)


# Waits for another request under the same key until it has committed. A key that is a day old is a new one; others of
# that age are swept in passing.
RESERVE_KEY = """
with swept as (
    delete from idempotency where (agent_id, key) in (
        select agent_id, key from idempotency
         where at < clock_timestamp() - interval '24 hours' and (agent_id, key) <> ($1, $2)
         order by at limit 20 for no key update skip locked))
insert into idempotency as i (agent_id, key, request) values ($1, $2, $3)
on conflict (agent_id, key) do update set request = excluded.request, status = null, at = clock_timestamp()
 where i.at < clock_timestamp() - interval '24 hours'
returning true
"""
KEPT_ANSWER = "select request, status, body, headers from idempotency where agent_id = $1 and key = $2"
KEEP_ANSWER = "update idempotency set status = $3, body = $4, headers = $5::jsonb where agent_id = $1 and key = $2"


async def _reserve(connection: Connection, actor: Actor, key: str, asked: bytes) -> Response | None:
    """Take the key for this transaction, or give the answer kept under it. Raises Problem (409, 422)."""
    try:
        if await connection.fetchval(RESERVE_KEY, actor.id, key, asked):
            return None
    except asyncpg.LockNotAvailableError:
        raise _under_way() from None
    row = await connection.fetchrow(KEPT_ANSWER, actor.id, key)
    if row is None or row["status"] is None:
        raise _under_way()  # swept between the two statements: a day is over, or nearly
    if row["request"] != asked:
        raise Problem(422, "This key was used for another request; take a new key.", "Idempotency-Key")
    headers: dict[str, str] = msgspec.json.decode(row["headers"], type=dict[str, str])
    return json_response(row["body"], row["status"], headers | {"Idempotency-Replayed": "true"})


def _under_way() -> Problem:
    return Problem(409, "A request with this key is under way; ask again.", "Idempotency-Key", SOON)
