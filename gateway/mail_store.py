"""The rows of mail: committed as it came, claimed by who reads it, and what came of that.

A mail's id is the one its entry gets, so that source and HTML are found by the entry. Bytes go in and out in pieces, so
that 32 MiB hold neither the loop nor a connection up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from adapters.base import AccountConfig, WebhookRequest
from adapters.email.adapter import is_secret
from adapters.email.raw import ENVELOPE_RECIPIENT
from store.ids import new_id
from store.pool import Connection, Pool

PIECE: Final = 512 * 1024
LEASE: Final = timedelta(seconds=120)
KEPT: Final = timedelta(days=30)


class Claim(Struct, frozen=True):
    """A mail this process alone reads until the lease ends."""

    id: UUID
    account_id: str
    request: WebhookRequest
    """Without its body."""
    size: int
    attempts: int
    """To read it, this one included. Those that our own trouble ended are given back."""
    fence: int
    """Claims altogether."""


ADD = """
insert into mail (id, account_id, key, request, content_type, size, lease_until, due_at)
values ($1, $2, $3, $4, $5, $6, null, clock_timestamp()) on conflict (account_id, key) do nothing returning id
"""
ADD_PIECE = "insert into mail_piece (mail_id, number, data) values ($1, $2, $3)"


async def commit_mail(pool: Pool, account: AccountConfig, key: str, request: WebhookRequest) -> bool:
    """Keep what came, committed when this returns; False when it was kept before."""
    id_, body = new_id(), memoryview(request.body)
    described, kind = _described(request, account), content_type_of(request)
    async with pool.acquire() as connection, connection.transaction():
        added = await connection.fetchval(ADD, id_, account.id, key, described, kind, len(body))
        if added is None:
            return False
        await _keep_pieces(connection, id_, body)
    return True


async def _keep_pieces(connection: Any, id_: UUID, body: memoryview) -> None:
    for number, start in enumerate(range(0, len(body), PIECE)):
        await connection.execute(ADD_PIECE, id_, number, body[start : start + PIECE])


def content_type_of(request: WebhookRequest) -> str | None:
    """The first one given, as it stands."""
    found = next((value for name, value in request.headers if name == "content-type"), None)
    return found.replace("\0", "").encode("utf-8", "replace").decode() if found else None


def _described(request: WebhookRequest, account: AccountConfig) -> str:
    """What its reading needs, without the secrets it came with, as jsonb can hold it."""
    headers = tuple(pair for pair in request.headers if pair[0] in ("content-type", ENVELOPE_RECIPIENT))
    query = "" if is_secret(request.query.partition("=")[2], account) else request.query
    kept = msgspec.structs.replace(request, path="", query=query, headers=headers, body=b"")
    return msgspec.json.encode(kept).decode("utf-8", "replace").replace("\\u0000", "\ufffd")


CLAIM = """
with c as (
    select id from mail
     where state = 'waiting' and due_at <= clock_timestamp()
       and (lease_until is null or lease_until <= clock_timestamp())
     order by due_at, id limit $1 for no key update skip locked)
update mail m set attempts = m.attempts + 1, fence = m.fence + 1, lease_until = clock_timestamp() + $2
  from c where m.id = c.id
returning m.id, m.account_id, m.request::text as request, m.size, m.attempts, m.fence
"""
_request = msgspec.json.Decoder(WebhookRequest).decode


async def claim_mail(connection: Connection, limit: int) -> list[Claim]:
    """Take mail that waits to be read; committed when this returns."""
    rows = await connection.fetch(CLAIM, limit, LEASE)
    return [Claim(row["id"], row["account_id"], _request(row["request"]), *tuple(row)[3:]) for row in rows]


AGAIN = """
select id, state, source_gone_at is not null as gone, lease_until > clock_timestamp() as leased
  from mail where account_id = $1 and key = $2 for no key update
"""
CLAIM_AGAIN = """
update mail set state = 'waiting', attempts = 1, fence = fence + 1, lease_until = clock_timestamp() + $2,
       source_gone_at = null, why = null
 where id = $1 returning id, account_id, request::text as request, size, attempts, fence
"""


async def claim_again(pool: Pool, request: WebhookRequest, account: AccountConfig, key: str) -> Claim | str | None:
    """Take a mail that was a dead letter, with its source as the letter has it where that has gone.

    None where it is recorded, and a sentence where somebody is reading it just now.
    """
    await commit_mail(pool, account, key, request)
    async with pool.acquire() as connection, connection.transaction():
        row: Any = await connection.fetchrow(AGAIN, account.id, key)
        if row["state"] == "done":
            return None
        if row["leased"]:
            return "it is being read just now; look again in a moment"
        if row["gone"]:
            await _keep_pieces(connection, row["id"], memoryview(request.body))
        taken: Any = await connection.fetchrow(CLAIM_AGAIN, row["id"], LEASE)
        return Claim(taken["id"], taken["account_id"], _request(taken["request"]), *tuple(taken)[3:])


FETCH_PIECE = "select data from mail_piece where mail_id = $1 and number = $2"


async def pieces_of(pool: Pool, id_: UUID) -> AsyncIterator[bytes]:
    """What came, piece by piece; a connection is held for none of the time between."""
    number = 0
    while True:
        async with pool.acquire() as connection:
            data: bytes | None = await connection.fetchval(FETCH_PIECE, id_, number)
        if data is None:
            return
        yield data
        number += 1


KEEP_HTML = "update mail set html = $2 where id = $1"
SETTLE = """
update mail set state = $3, why = $4, lease_until = null where id = $1 and fence = $2 and state = 'waiting'
"""
PUT_OFF = """
update mail set lease_until = null, due_at = clock_timestamp() + $3,
       attempts = case when $4 then attempts else greatest(attempts - 1, 0) end
 where id = $1 and fence = $2 and state = 'waiting'
"""
WAS_READ = "update mail set attempts = 0 where id = $1 and fence = $2 and state = 'waiting'"


async def keep_html(connection: Connection, id_: UUID, html: str) -> None:
    """Keep the HTML made safe, before its entry is seen."""
    await connection.execute(KEEP_HTML, id_, html)


async def settle_mail(connection: Connection, claim: Claim, state: str, why: str | None) -> None:
    """It was read, or is a dead letter."""
    await connection.execute(SETTLE, claim.id, claim.fence, state, why)


async def put_off(connection: Connection, claim: Claim, seconds: float, *, counts: bool) -> None:
    """It could not be read or recorded now; the next attempt in a while. Given back unless it `counts`: where the
    trouble was ours, the mail may be read as often as it takes."""
    await connection.execute(PUT_OFF, claim.id, claim.fence, timedelta(seconds=seconds), counts)


async def was_read(connection: Connection, claim: Claim) -> None:
    """It can be read: whatever goes wrong from here on, or kills us, is not its fault."""
    await connection.execute(WAS_READ, claim.id, claim.fence)


FORGET = """
with old as (
    select id from mail where source_gone_at is null and received_at < clock_timestamp() - $1::interval
       and state <> 'waiting' order by received_at limit 20 for no key update skip locked),
gone as (delete from mail_piece p using old where p.mail_id = old.id)
update mail m set source_gone_at = clock_timestamp() from old where m.id = old.id
"""


async def forget_sources(connection: Connection) -> None:
    """Sources older than raw events are kept go, a few at a time. The mail's row stays: it is what a replay is known
    by."""
    await connection.execute(FORGET, KEPT)


FETCH_HTML = "select html from mail where id = $1"
FETCH_SOURCE = "select content_type, size from mail where id = $1 and source_gone_at is null"


async def fetch_html(connection: Connection, entry: UUID) -> str | None:
    """The HTML of an entry that came by mail."""
    found: str | None = await connection.fetchval(FETCH_HTML, entry)
    return found


async def fetch_source(connection: Connection, entry: UUID) -> tuple[str | None, bytes] | None:
    """What an entry came from, as it came, with its content type; None where it is no mail's, or too old."""
    row: Any = await connection.fetchrow(FETCH_SOURCE, entry)
    if row is None:
        return None
    pieces: list[bytes] = []
    while (data := await connection.fetchval(FETCH_PIECE, entry, len(pieces))) is not None:
        pieces.append(data)
    return row["content_type"], await asyncio.to_thread(b"".join, pieces)
