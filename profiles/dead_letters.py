"""Dead letters: verified webhooks we could not read or record, kept whole until someone replays them."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from store.ids import new_id
from store.pool import Connection


class Unreadable(Struct, frozen=True):
    """A request on its way to the dead letters: its exact bytes, and why it could not be taken."""

    account: str
    step: str | None
    query: str
    content_type: str | None
    body: bytes
    reason: str
    field: str | None = None

    def __repr__(self) -> str:
        return f"Unreadable({self.account!r}, step={self.step!r}, {len(self.body)} bytes)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("account", self.account), ("step", self.step), ("bytes", len(self.body))]


class DeadLetter(Struct, frozen=True):
    """A line of the list. The request itself may hold personal data and stands only in the single letter."""

    id: UUID
    account: str
    received_at: datetime
    step: str | None
    content_type: str | None
    size: int
    """Bytes of the body."""
    reason: str
    field: str | None


class WholeDeadLetter(Struct, frozen=True):
    """A dead letter with what was sent; `body` is base64 in JSON."""

    id: UUID
    account: str
    received_at: datetime
    step: str | None
    content_type: str | None
    size: int
    reason: str
    field: str | None
    query: str
    body: bytes


class Replayed(Struct, frozen=True):
    """What came of taking a dead letter once more. `reason`: why it is one still; null: it was recorded and is gone."""

    id: UUID
    recorded: bool
    reason: str | None = None
    field: str | None = None


class ReplayedMany(Struct, frozen=True):
    """What came of taking dead letters once more, oldest first. `more`: others are left; ask again after these."""

    items: tuple[Replayed, ...]
    more: bool


BURY = """
insert into dead_letter (id, account_id, digest, step, query, content_type, body, reason, field)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (account_id, digest) do nothing returning id
"""
BURIED = "select id from dead_letter where account_id = $1 and digest = $2"


async def bury(connection: Connection, letter: Unreadable) -> UUID:
    """Keep a letter; the same bytes for the same account are one row, whose id is given again."""
    digest = digest_of(letter)
    texts = (letter.step, letter.query, letter.content_type)
    id_ = await connection.fetchval(
        BURY,
        new_id(),
        letter.account,
        digest,
        *(None if text is None else _storable(text) for text in texts),
        letter.body,
        _storable(letter.reason),
        None if letter.field is None else _storable(letter.field),
    )
    # A statement cannot see the row that won against its own insert; the next one can.
    found: UUID = id_ or await connection.fetchval(BURIED, letter.account, digest)
    return found


def digest_of(letter: Unreadable) -> bytes:
    """SHA-256 of step, query and body, each after its length, so that no two requests can read alike."""
    digest = hashlib.sha256()
    for part in (
        (letter.step or "").encode("utf-8", "surrogatepass"),
        letter.query.encode("utf-8", "surrogatepass"),
        letter.body,
    ):
        digest.update(len(part).to_bytes(8) + part)
    return digest.digest()


def _storable(text: str) -> str:
    """Without what PostgreSQL cannot hold: U+0000 and lone surrogates. The body keeps every byte."""
    return text.replace("\x00", "�").encode("utf-8", "replace").decode()


TO_REPLAY = """
select id from dead_letter where account_id = $1 and ($2::uuid is null or id > $2) order by id limit $3
"""


async def letters_of(connection: Connection, account: str, limit: int, after: UUID | None = None) -> list[UUID]:
    """The dead letters of an account, oldest first."""
    return [row["id"] for row in await connection.fetch(TO_REPLAY, account, after, limit)]


async def give_up_reason(connection: Connection, letter: UUID, reason: str, field: str | None) -> None:
    """It could not be taken this time either: why, as of today."""
    await connection.execute(
        "update dead_letter set reason = $2, field = $3 where id = $1",
        *(letter, _storable(reason), None if field is None else _storable(field)),
    )


async def raise_letter(connection: Connection, letter: UUID) -> None:
    """It was recorded: it is a dead letter no more."""
    await connection.execute("delete from dead_letter where id = $1", letter)


DEAD_LETTERS = """
select id, account_id, received_at, step, content_type, octet_length(body) as size, reason, field from dead_letter
 where $1::timestamptz is null or (received_at, id) < ($1, $2::uuid)
 order by received_at desc, id desc limit $3
"""


async def fetch_dead_letters(
    connection: Connection, limit: int, after: tuple[datetime, UUID] | None = None
) -> tuple[DeadLetter, ...]:
    """Dead letters, newest first, after the one with this `received_at` and id."""
    rows = await connection.fetch(DEAD_LETTERS, *(after or (None, None)), limit)
    return tuple(DeadLetter(*row) for row in rows)


DEAD_LETTER = """
select id, account_id, received_at, step, content_type, octet_length(body) as size, reason, field, query, body
  from dead_letter where id = $1
"""


async def fetch_dead_letter(connection: Connection, id_: UUID) -> WholeDeadLetter | None:
    """One dead letter with its bytes."""
    row = await connection.fetchrow(DEAD_LETTER, id_)
    return None if row is None else WholeDeadLetter(*row)
