"""What a visitor sees of the conversation: lines said on their own chat handle, at this account, and nothing else.

A line is built from named columns only (T19): no note, no agent's id, no other channel, no other handle of a merged
profile. A reply is shown once it is recorded as sent. Its place is when it left: that is the order in which replies
become visible, also of one that is sent again.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from adapters.base import AccountConfig
from adapters.chat.visitor import Visitor, scope_of
from gateway.public_files import LINK_SECONDS, token_of
from gateway.sniff import INLINE
from model.timeline import Media
from store.pool import Connection

MOST_LINES: Final = 200
OVERLAP: Final = timedelta(minutes=2)
"""Replies of two conversations may be recorded as sent in another order than they left."""


class File(Struct, frozen=True):
    """A file of a line; `url` is good for an hour."""

    name: str
    type: str
    size: int | None
    url: str
    shown: bool
    """Whether a page may show it as a picture."""


class Line(Struct, frozen=True, omit_defaults=True):
    """One line as a visitor gets it."""

    id: UUID
    by: Literal["you", "us"]
    text: str
    at: datetime
    place: datetime
    key: UUID | None = None
    """The widget's own id of what the visitor wrote."""
    name: str | None = None
    files: tuple[File, ...] = ()


class Own(Struct, frozen=True):
    """A visitor's handles, and the roots whose feeds say when something changes."""

    handles: list[UUID]
    values: list[str]
    roots: frozenset[UUID]


HANDLES = """
select h.id, h.value, c.root_id from handle h left join customer c on c.id = coalesce(h.customer_id, h.speaks_as)
 where h.kind = 'social' and h.scope = $1 and h.value = any ($2)
"""


async def fetch_own(connection: Connection, account: AccountConfig, visitor: Visitor) -> Own:
    """Their handles; none before they have written."""
    values = [visitor.id, visitor.was] if visitor.was else [visitor.id]
    rows = await connection.fetch(HANDLES, scope_of(account), values)
    roots = frozenset(row["root_id"] for row in rows if row["root_id"])
    return Own([row["id"] for row in rows], [row["value"] for row in rows], roots)


PLACE = """
select coalesce(o.left_at, e.at) as place from entry e left join outbox o on o.entry_id = e.id
 where e.handle_id = any ($1) and e.account_id = $2 and e.channel = 'chat' and e.kind = 'message' and e.id = $3
"""


# What they wrote by `entry_chat`, what left for them by `outbox_visitor`: neither is read further than asked for,
# however long the history is.
def _lines(order: Literal["asc", "desc"]) -> str:
    return f"""
select x.id, x.direction, x.body, x.at, x.provider_id, x.media::text as media, a.name, x.place from (
    select e.*, e.at as place
      from unnest($1::uuid[]) h cross join lateral (
           select e.id, e.direction, e.body, e.at, e.provider_id, e.media, e.author_id from entry e
            where e.handle_id = h and e.account_id = $3
              and e.channel = 'chat' and e.kind = 'message' and e.direction = 'in' and e.at > $5
            order by e.at {order}, e.id {order} limit $4) e
    union all
    select e.*
      from unnest($2::text[]) v cross join lateral (
           select e.id, e.direction, e.body, e.at, e.provider_id, e.media, e.author_id, o.left_at as place
             from outbox o join entry e on e.id = o.entry_id
            where o.account_id = $3 and o.to_address = v
              and (o.to_address like 'anon:%' or o.to_address like 'id:%')
              and o.state in ('sent', 'delivered', 'read') and o.left_at > $5
              and e.handle_id = any ($1) and e.channel = 'chat' and e.kind = 'message'
            order by o.left_at {order}, e.id {order} limit $4) e
  ) x left join agent a on a.id = x.author_id
 order by x.place {order}, x.id {order} limit $4
"""  # noqa: S608  # put together from constants


NEWEST, SINCE = _lines("desc"), _lines("asc")
EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def fetch_lines(
    connection: Connection, account: AccountConfig, own: Own, since: datetime | None
) -> list[asyncpg.Record]:
    """Lines in the order of their places: the newest, or the first ones after `since`."""
    values = (own.handles, own.values, account.id, MOST_LINES)
    if since is None:
        return list(reversed(await connection.fetch(NEWEST, *values, EVER)))
    rows: list[asyncpg.Record] = await connection.fetch(SINCE, *values, since)
    return rows


async def fetch_place(connection: Connection, account: AccountConfig, own: Own, line: UUID) -> datetime | None:
    """The place of a line of theirs; None for any other."""
    row = await connection.fetchrow(PLACE, own.handles, account.id, line)
    return row["place"] if row else None


_media = msgspec.json.Decoder(tuple[Media, ...]).decode


def line_of(row: asyncpg.Record, account: AccountConfig, now: float) -> Line:
    """The row as its visitor may see it."""
    is_theirs = row["direction"] == "in"
    media = _media(row["media"]) if row["media"] else ()
    return Line(
        row["id"],
        "you" if is_theirs else "us",
        row["body"],
        row["at"],
        row["place"],
        key=_key(row["provider_id"]) if is_theirs else None,
        name=None if is_theirs else row["name"],
        files=tuple(_file(each, account, now) for each in media if each.id is not None and each.state == "stored"),
    )


def _key(provider_id: str | None) -> UUID | None:
    try:
        return UUID((provider_id or "")[-36:])
    except ValueError:
        return None


def _file(media: Media, account: AccountConfig, now: float) -> File:
    assert media.id is not None  # noqa: S101  # asked by the caller
    token = token_of(media.id, account.secrets[0], int(now) + LINK_SECONDS)
    shown = media.content_type in INLINE and media.content_type.startswith("image/")
    return File(media.name or "file", media.content_type, media.size, f"/chat/{account.id}/files/{token}", shown)
