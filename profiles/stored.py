"""Attachments on their way into the store: claimed by a worker, fetched, and shown as what became of them.

A row is claimed by moving its `due_at` on: a worker that dies leaves it to the next. The fence of a claim keeps a late
outcome from a newer attempt. The bytes lie in the store before the row says so; what a worker put there in vain it
deletes, and at worst a file lies there that nobody knows.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Literal
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from model.event import EntryChanged
from model.timeline import Media
from profiles.timeline import fetch_entry
from store.feeds import Transaction, append_to_customer, lock_customer
from store.pool import Connection

ATTEMPTS: Final = 8
LEASE: Final = timedelta(seconds=60)
FIRST_BACKOFF: Final = timedelta(seconds=5)
LONGEST_BACKOFF: Final = timedelta(hours=1)
UNUSED: Final = timedelta(days=1)
"""An uploaded file that no reply took by then is deleted."""


class Claimed(Struct, frozen=True):
    """A file this worker alone brings into the store until the lease ends. `data`: where it came with its message."""

    id: UUID
    entry_id: UUID | None
    account_id: str | None
    media: Media
    data: bytes | None
    attempts: int
    fence: int


CLAIM = """
with d as (
    select a.id from attachment a
     where (a.state = 'pending' or a.data is not null) and a.due_at <= clock_timestamp()
       and coalesce(a.account_id, '') <> all ($1::text[])
     order by a.due_at limit $2 for no key update skip locked)
update attachment a
   set attempts = a.attempts + 1, fence = a.fence + 1, due_at = clock_timestamp() + $3
  from d where a.id = d.id
returning a.id, a.entry_id, a.account_id, a.url, a.content_type, a.name, a.content_id, a.data, a.attempts, a.fence
"""


async def claim_files(connection: Connection, full: list[str], limit: int) -> list[Claimed]:
    """Take files that are due, none of the accounts in `full`; committed when this returns."""
    return [
        Claimed(
            row["id"],
            row["entry_id"],
            row["account_id"],
            Media(row["url"] or "", row["content_type"], row["id"], row["name"], content_id=row["content_id"]),
            row["data"],
            row["attempts"],
            row["fence"],
        )
        for row in await connection.fetch(CLAIM, full, limit, LEASE)
    ]


KEPT = "update attachment set data = null, path = $3 where id = $1 and fence = $2 and data is not null"


async def note_kept(connection: Connection, claim: Claimed, path: str) -> bool:
    """What came with its message lies in the store now; False when another attempt was quicker."""
    return await connection.execute(KEPT, claim.id, claim.fence, path) == "UPDATE 1"


AGAIN = """
update attachment set due_at = clock_timestamp() + $3, error = $4
 where id = $1 and fence = $2 and (state = 'pending' or data is not null)
"""


async def try_again(connection: Connection, claim: Claimed, error: str, wait: timedelta | None) -> None:
    """It was not had this time."""
    backoff = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** min(claim.attempts - 1, 16))
    await connection.execute(AGAIN, claim.id, claim.fence, max(backoff, wait or backoff), error)


class Settled(Struct, frozen=True):
    """What became of a file that was fetched."""

    state: Literal["stored", "failed", "refused"]
    error: str | None = None
    path: str | None = None
    size: int | None = None
    content_type: str | None = None
    name: str | None = None


SETTLE = """
update attachment
   set state = $3, error = $4, path = $5, size = $6, content_type = coalesce($7, content_type),
       name = coalesce(name, $8)
 where id = $1 and fence = $2 and state = 'pending'
"""
OWNER = "select customer_id from entry where id = $1"


async def settle(tx: Transaction, claim: Claimed, settled: Settled) -> bool:
    """Say what became of it, on the entry too; False when another attempt was quicker or the entry is gone."""
    entry = claim.entry_id
    leaf = await tx.connection.fetchval(OWNER, entry) if entry else None
    root = None
    while leaf is not None:
        root = await lock_customer(tx, leaf)
        owner = await tx.connection.fetchval(OWNER, entry)
        if owner == leaf:
            break
        leaf = owner
    if root is None or entry is None:
        return False
    values = (settled.state, settled.error, settled.path, settled.size, settled.content_type, settled.name)
    if await tx.connection.execute(SETTLE, claim.id, claim.fence, *values) != "UPDATE 1":
        return False
    await show_media(tx.connection, entry)
    shown = await fetch_entry(tx.connection, root, entry)
    if shown is not None:
        await append_to_customer(tx, root, [EntryChanged(shown)])
    return True


# A call's recording is there after its entry.
AS_CAME = """
select coalesce(e.media, s.media)::text from entry e left join entry_state s on s.entry_id = e.id where e.id = $1
"""
AS_ARE = "select id, content_type, name, size, state, error from attachment where entry_id = $1"
SHOW = """
insert into entry_state (entry_id, media) values ($1, $2)
on conflict (entry_id) do update set media = excluded.media
"""
_decode = msgspec.json.Decoder(tuple[Media, ...]).decode


async def show_media(connection: Connection, entry: UUID) -> None:
    """Under the customer's lock: the entry's media as its attachments are now."""
    came = _decode(await connection.fetchval(AS_CAME, entry) or "[]")
    now = {row["id"]: row for row in await connection.fetch(AS_ARE, entry)}
    media = tuple(
        structs.replace(
            each,
            content_type=now[each.id]["content_type"],
            name=now[each.id]["name"],
            size=now[each.id]["size"],
            state=now[each.id]["state"],
            error=None if now[each.id]["state"] in ("pending", "stored") else now[each.id]["error"],
        )
        if each.id in now
        else each
        for each in came
    )
    await connection.execute(SHOW, entry, msgspec.json.encode(media).decode())


DELETE_UNUSED = """
delete from attachment where id in (
    select id from attachment where entry_id is null and created_at < now() - $1::interval
     order by created_at limit 100 for no key update skip locked)
returning path
"""


async def delete_unused(connection: Connection) -> list[str]:
    """Forget uploads that no reply took; returns where their bytes lie."""
    rows = await connection.fetch(DELETE_UNUSED, UNUSED)
    return [row["path"] for row in rows if row["path"] is not None]


class Stored(Struct, frozen=True):
    """An attachment as it is served. `data`: not in the store yet."""

    id: UUID
    entry_id: UUID | None
    account_id: str | None
    author_id: UUID | None
    name: str | None
    content_type: str
    state: str
    error: str | None
    data: bytes | None
    path: str | None
    size: int | None


STORED = """
select id, entry_id, account_id, author_id, name, content_type, state, error, data, path, size
  from attachment where id = $1
"""


DESCRIBED = """
select id, entry_id, account_id, author_id, name, content_type, state, error, null::bytea, path,
       coalesce(size, octet_length(data))
  from attachment where id = $1
"""


async def describe_attachment(connection: Connection, id_: UUID) -> Stored | None:
    """The same without its bytes, also where they are not in the store yet."""
    row = await connection.fetchrow(DESCRIBED, id_)
    return None if row is None else Stored(*row)


async def fetch_attachment(connection: Connection, id_: UUID) -> Stored | None:
    """One attachment with where its bytes are."""
    row = await connection.fetchrow(STORED, id_)
    return None if row is None else Stored(*row)


class Attachment(Struct, frozen=True):
    """A file that was uploaded, to be named by the reply that takes it."""

    id: UUID
    name: str | None
    content_type: str
    size: int


UPLOAD = """
insert into attachment (id, author_id, name, content_type, state, size, data) values ($1, $2, $3, $4, 'stored', $5, $6)
"""


async def keep_upload(connection: Connection, author: UUID, attachment: Attachment, data: bytes) -> None:
    """Keep an uploaded file; nobody but its author may use or see it until a reply takes it."""
    values = (attachment.name, attachment.content_type, attachment.size, data)
    await connection.execute(UPLOAD, attachment.id, author, *values)
