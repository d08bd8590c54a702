"""Cards: what other systems say about a customer. Which to ask, and keeping what they answer; the asking is gateway's.

Asking happens outside any transaction, between `begin_asking`, which leases the card so that one process asks, and
`keep_answer`, which stores the answer with its event. A card that is asked for the first time is shown as waiting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

import msgspec
from msgspec import Struct

from model.customer import Card, CardLine, CardState
from model.event import CardChanged
from store.feeds import Transaction, append_to_customer, lock_customer
from store.pool import Connection

SECONDS_TO_SAVE = 10
"""What a lease lasts beyond the source's time limit."""
FAILURES = 5
"""In a row, after which the source is left alone."""
OPEN_SECONDS = 30
"""How long."""
LINES = 20
"""Lines of a card that are kept; the rest is counted."""


class Question(Struct, frozen=True):
    """One source to ask about one customer; `url` is complete."""

    customer: UUID
    source: str
    url: str
    secret: str
    timeout_seconds: float

    def __repr__(self) -> str:
        return f"Question({self.source!r}, {self.customer})"


class Answered(Struct, frozen=True):
    """A source's answer as it is kept."""

    lines: tuple[CardLine, ...] = ()
    more: int = 0


# What has to be asked: no card yet, or one that is older than its source allows, and nobody is asking.
DUE = """
with k as (
    select r.id as root,
           (select m.external_id from customer m where m.root_id = r.id and m.external_id is not null
             order by m.id = r.id desc limit 1) as external_id,
           h.phone, h.email
      from customer r cross join lateral (
           select (array_agg(h.value order by h.main desc, m.id = r.id desc, h.created_at)
                   filter (where h.kind = 'phone'))[1] as phone,
                  (array_agg(h.value order by h.main desc, m.id = r.id desc, h.created_at)
                   filter (where h.kind = 'email'))[1] as email
             from customer m join handle h on h.customer_id = m.id where m.root_id = r.id) h
     where r.id = any ($1) and r.root_id = r.id and not r.placeholder)
select s.id, s.url, s.secret, s.timeout_ms, k.*
  from k cross join source s left join card c on c.customer_id = k.root and c.source_id = s.id
 where s.active and (s.open_until is null or s.open_until < clock_timestamp())
   and (c.lease_until is null or c.lease_until < clock_timestamp())
   and ($2 or c.asked_at is null or c.asked_at < clock_timestamp() - make_interval(secs => s.cache_seconds))
 order by s.position, s.id
"""


async def fetch_due(connection: Connection, customers: Sequence[UUID], *, anyway: bool = False) -> list[Question]:
    """What is to be asked about these roots; `anyway`: also where the kept answer is recent.

    A source whose address needs a value that is not known of a customer is not asked about them.
    """
    rows = await connection.fetch(DUE, list(customers), anyway)
    found = []
    for row in rows:
        values = {"customer": str(row["root"]), "external_id": row["external_id"], "phone": row["phone"]}
        url = fill(row["url"], values | {"email": row["email"]})
        if url is not None:
            found.append(Question(row["root"], row["id"], url, row["secret"], row["timeout_ms"] / 1000))
    return found


def fill(template: str, values: Mapping[str, str | None]) -> str | None:
    """The address with its placeholders filled in, percent-encoded; None when a value it needs is not known."""
    for name, value in values.items():
        if f"{{{name}}}" in template:
            if value is None:
                return None
            template = template.replace(f"{{{name}}}", quote(value, safe=""))
    return template


LEASE = """
insert into card (customer_id, source_id, state, lease_until)
values ($1, $2, 'waiting', clock_timestamp() + make_interval(secs => $3))
on conflict (customer_id, source_id) do update
   set lease_until = excluded.lease_until, asked_at = clock_timestamp()
 where card.lease_until is null or card.lease_until < clock_timestamp()
returning (select s.title from source s where s.id = source_id) as title, state = 'waiting' as waits
"""


async def begin_asking(tx: Transaction, question: Question) -> bool:
    """Lease the card; False when another process asks already or the customer is no root any more."""
    if await lock_customer(tx, question.customer) != question.customer:
        return False
    seconds = question.timeout_seconds + SECONDS_TO_SAVE
    row = await tx.connection.fetchrow(LEASE, question.customer, question.source, seconds)
    if row is None:
        return False
    if row["waits"]:
        await append_to_customer(tx, question.customer, [CardChanged(Card(question.source, row["title"], "waiting"))])
    return True


KEPT = """
select c.state, c.body::text as body, c.problem, s.title from card c join source s on s.id = c.source_id
 where c.customer_id = $1 and c.source_id = $2
"""
KEEP = """
update card set state = $3, body = $4::jsonb, problem = $5, lease_until = null,
       fetched_at = case when $3 = 'fresh' then clock_timestamp() else fetched_at end
 where customer_id = $1 and source_id = $2 returning fetched_at
"""
SUCCEEDED = (
    "update source set failures = 0, open_until = null where id = $1 and (failures > 0 or open_until is not null)"
)
FAILED = """
update source set failures = failures + 1,
       open_until = case when failures + 1 >= $2 then clock_timestamp() + make_interval(secs => $3) end
 where id = $1
"""
_decode = msgspec.json.Decoder(Answered).decode
_encode = msgspec.json.Encoder().encode


async def keep_answer(tx: Transaction, question: Question, answer: Answered | str) -> None:
    """Keep what the source answered, or in a sentence why it did not; the event goes to whoever shows the customer.

    A failure leaves the lines of the last answer, marked stale. What is the same as before is no event.
    """
    root = await lock_customer(tx, question.customer)
    kept = await tx.connection.fetchrow(KEPT, question.customer, question.source)
    if root is None or kept is None:
        return  # the source was removed meanwhile
    before = _decode(kept["body"])
    failed = isinstance(answer, str)
    state: CardState = "fresh" if not failed else "stale" if kept["state"] in ("fresh", "stale") else "failed"
    now = before if isinstance(answer, str) else _bounded(answer)
    problem = answer if isinstance(answer, str) else None
    at = await tx.connection.fetchval(KEEP, question.customer, question.source, state, _encode(now).decode(), problem)
    if failed:
        await tx.connection.execute(FAILED, question.source, FAILURES, OPEN_SECONDS)
    else:
        await tx.connection.execute(SUCCEEDED, question.source)
    if root == question.customer:  # merged meanwhile: the survivor's own card will be asked for
        card = Card(question.source, kept["title"], state, now.lines, now.more, at, problem)
        await append_to_customer(tx, root, [CardChanged(card)])


def _bounded(answer: Answered) -> Answered:
    return Answered(answer.lines[:LINES], answer.more + max(0, len(answer.lines) - LINES))


class Source(Struct, frozen=True):
    """Another system as configured; its secret is never shown. Times as their names say."""

    id: str
    title: str
    url: str
    timeout_ms: int
    cache_seconds: int
    position: int
    active: bool
    failures: int
    open_until: datetime | None
    revision: int


SOURCES = """
select id, title, url, timeout_ms, cache_seconds, position, active, failures, open_until, revision from source
 where ($1::text is null or id > $1) and ($2::text is null or id = $2) order by id limit $3
"""


async def fetch_sources(connection: Connection, limit: int, after: str | None = None) -> tuple[Source, ...]:
    """Sources by id."""
    return tuple(Source(*row) for row in await connection.fetch(SOURCES, after, None, limit))


async def fetch_source(connection: Connection, source: str) -> Source | None:
    """One source."""
    row = await connection.fetchrow(SOURCES, None, source, 1)
    return None if row is None else Source(*row)


ADD = """
insert into source (id, title, url, secret, timeout_ms, cache_seconds, position, active)
values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing returning id
"""
CHANGE = """
update source set title = coalesce($2, title), url = coalesce($3, url), secret = coalesce($4, secret),
       timeout_ms = coalesce($5, timeout_ms), cache_seconds = coalesce($6, cache_seconds),
       position = coalesce($7, position), active = coalesce($8, active), failures = 0, open_until = null,
       revision = revision + 1
 where id = $1 returning id
"""
REMOVE = "delete from source where id = $1 returning id"


async def add_source(connection: Connection, source: str, values: Sequence[Any]) -> bool:
    """Add one; `values` as `ADD` orders them. False when the id is taken."""
    return await connection.fetchval(ADD, source, *values) is not None


async def change_source(connection: Connection, source: str, values: Sequence[Any]) -> bool:
    """Change what is not None, and let it be asked again at once. False when there is none."""
    return await connection.fetchval(CHANGE, source, *values) is not None


async def remove_source(connection: Connection, source: str) -> bool:
    """Remove it with its cards. False when there is none."""
    return await connection.fetchval(REMOVE, source) is not None
