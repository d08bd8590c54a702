"""Reads of the log: events after a position, heads, what became visible since a look, the epoch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal, cast
from uuid import UUID

import asyncpg
from msgspec import Struct

from model.event import FEED_KINDS, FeedId
from store.feeds import Positions
from store.pool import Connection

FeedKind = Literal["customer", "agent"]
KIND_NAMES = {number: cast(FeedKind, name) for name, number in FEED_KINDS.items()}
FEED_NAME = re.compile(r"(customer|agent):([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.ASCII)

PAGE = 300
"""Events read for one position at once; a resume with more is a resync."""
BIGGEST = 2**63 - 1


class LogEvent(Struct, frozen=True):
    """One event of a feed. `body` is its JSON as it was stored."""

    seq: int
    body: bytes


class Page(Struct, frozen=True):
    """What the log holds of a feed after a position. `head` is None when there is no such feed."""

    feed: FeedId
    after: int
    head: int | None
    events: tuple[LogEvent, ...]

    @property
    def unbroken(self) -> bool:
        """Whether the page begins right after its position and has no gap. Rotation may have taken older events."""
        if self.head is None or not 0 <= self.after <= self.head:
            return False
        expected = range(self.after + 1, self.after + 1 + len(self.events))
        return (bool(self.events) or self.after == self.head) and all(
            event.seq == seq for event, seq in zip(self.events, expected, strict=True)
        )

    @property
    def complete(self) -> bool:
        """Whether a screen that has seen everything up to `after` is complete with this page."""
        return (
            self.unbroken
            and self.head is not None
            and self.after + len(self.events) >= self.head
            and len(self.events) <= PAGE
        )


def parse_feed(name: str) -> FeedId | None:
    """The feed of this name (`customer:<uuid>`, `agent:<uuid>`); None when it names none."""
    match = FEED_NAME.fullmatch(name)
    return FeedId(cast(FeedKind, match[1]), UUID(match[2])) if match else None


# The timeline of the write-ahead log: that of the last checkpoint lags behind a promotion.
EPOCH = """
select system_identifier || '-' || ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int
  from pg_control_system()
"""


async def fetch_epoch(connection: Connection) -> str:
    """Name the history that sequence numbers belong to: another database, restore or promotion has another name."""
    return str(await connection.fetchval(EPOCH))


# Slot by slot, for an index on (slot, kind, id, seq) finds nothing without its first column.
READ_EVENTS = """
select w.n - 1 as n, h.seq as head, e.seq, e.body
  from unnest($1::smallint[], $2::uuid[], $3::bigint[]) with ordinality w(kind, id, after, n)
  left join lateral (
       select s.seq from stream s where w.kind = 1 and s.kind = 1 and s.id = w.id
       union all
       select a.seq from agent_state a where w.kind = 3 and a.agent_id = w.id) h on true
  left join lateral (
       select p.seq, p.body
         from unnest('{0,1,2,3}'::smallint[]) o(slot)
        cross join lateral (
              select x.seq, x.body from event x
               where x.slot = o.slot and x.kind = w.kind and x.id = w.id and x.seq > w.after
               order by x.seq limit $4) p
        where h.seq > w.after
        order by p.seq limit $4) e on true
 order by w.n, e.seq
"""


async def read_events(connection: Connection, wants: Sequence[tuple[FeedId, int]], limit: int = PAGE + 1) -> list[Page]:
    """Events after each position, oldest first, at most `limit` each, with the head they were read at: one snapshot."""
    rows = await connection.fetch(
        READ_EVENTS,
        [FEED_KINDS[feed.kind] for feed, _ in wants],
        [feed.id for feed, _ in wants],
        [min(max(after, -1), BIGGEST) for _, after in wants],
        limit,
    )
    heads: list[int | None] = [None] * len(wants)
    events: list[list[LogEvent]] = [[] for _ in wants]
    for n, head, seq, body in rows:
        heads[n] = head
        if seq is not None:
            events[n].append(LogEvent(seq, body.encode()))
    return [
        Page(feed, after, head, tuple(found)) for (feed, after), head, found in zip(wants, heads, events, strict=True)
    ]


# Live: a third of the time of READ_EVENTS, which has to be right about feeds that do not exist and about old events.
READ_LIVE = """
select w.n - 1 as n, e.seq, e.body
  from unnest($1::smallint[], $2::uuid[], $3::bigint[]) with ordinality w(kind, id, after, n)
 cross join lateral (
       select x.seq, x.body from event x
        where x.slot = any ('{0,1,2,3}'::smallint[]) and x.kind = w.kind and x.id = w.id
          and x.seq > w.after and x.seq <= w.after + $4
        order by x.seq limit $4) e
 order by w.n, e.seq
"""
# A lone feed, as at most times: as fast as a bare select.
READ_ONE = """
select 0::bigint as n, x.seq, x.body from event x
 where x.slot = any ('{0,1,2,3}'::smallint[]) and x.kind = $1 and x.id = $2 and x.seq > $3 and x.seq <= $3 + $4::bigint
 order by x.seq
"""


async def read_live(connection: Connection, wants: Sequence[tuple[FeedId, int]]) -> list[Page]:
    """As `read_events` for feeds known to have moved; a page whose head is None has no next event: ask that instead."""
    if len(wants) == 1:
        feed, after = wants[0]
        rows = await connection.fetch(READ_ONE, FEED_KINDS[feed.kind], feed.id, after, PAGE + 1)
    else:
        kinds, ids = [FEED_KINDS[feed.kind] for feed, _ in wants], [feed.id for feed, _ in wants]
        rows = await connection.fetch(READ_LIVE, kinds, ids, [after for _, after in wants], PAGE + 1)
    events: list[list[LogEvent]] = [[] for _ in wants]
    for n, seq, body in rows:
        events[n].append(LogEvent(seq, body.encode()))
    return [
        Page(feed, after, found[-1].seq if found and found[0].seq == after + 1 else None, tuple(found))
        for (feed, after), found in zip(wants, events, strict=True)
    ]


HEADS = """
select 1 as kind, s.id, s.seq from stream s where s.kind = 1 and s.id = any ($1::uuid[])
union all
select 3, a.agent_id, a.seq from agent_state a where a.agent_id = any ($2::uuid[])
"""


async def fetch_heads(connection: Connection, feeds: Iterable[FeedId]) -> Positions:
    """The position check: the head of each of these feeds that exists."""
    ids: dict[str, list[UUID]] = {"customer": [], "agent": []}
    for feed in feeds:
        ids[feed.kind].append(feed.id)
    return _positions(await connection.fetch(HEADS, ids["customer"], ids["agent"]))


NEWS = """
select e.kind, e.id, max(e.seq) as seq, null as looked_at
  from event e
 where e.xid >= pg_snapshot_xmin($1::text::pg_snapshot)
   and not pg_visible_in_snapshot(e.xid, $1::text::pg_snapshot)
 group by e.kind, e.id
union all
select null, null, null, pg_current_snapshot()::text
"""
LOOK = "select pg_current_snapshot()::text"


async def follow(connection: Connection, looked_at: str | None) -> tuple[Positions, str]:
    """What became visible in the log since a look, and the look to go on from; None begins with nothing.

    By transaction, not by sequence: a transaction that began before the look and committed after it is found too.
    """
    if looked_at is None:
        return {}, str(await connection.fetchval(LOOK))
    rows = await connection.fetch(NEWS, looked_at)
    look = next(row["looked_at"] for row in rows if row["kind"] is None)
    return _positions(row for row in rows if row["kind"] is not None), str(look)


def _positions(rows: Iterable[asyncpg.Record]) -> Positions:
    return {FeedId(KIND_NAMES[row["kind"]], UUID(int=row["id"].int)): row["seq"] for row in rows}


OTHERS = "select exists (select from gateway_process where expires_at > now() and id is distinct from $1::uuid)"


async def others_live(connection: Connection, process: UUID | None) -> bool:
    """Whether a gateway process other than this one is alive."""
    return bool(await connection.fetchval(OTHERS, process))
