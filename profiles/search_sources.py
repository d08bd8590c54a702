"""Where a search looks, besides messages: one bounded statement per kind of thing people remember, each giving `Hit`s.

Words everybody has must cost no more than rare ones, so rows with a word are read by blocks of neighbours, the newest
block first and ever larger ones (`newest_blocks`, `blocks_of` in 0006_search.sql), until there are enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct

from store.pool import Connection

_LEVELS: Final = 6
_TO_INFINITY: Final = chr(0x10FFFF)
# Latin letters and digits all share trigrams with others; fewer than three make none.
_FEWEST_FOR_PART: Final = 3
_MOST_FOR_PART: Final = 3
"""Words: a part of a name is not typed with as many, and each makes trigrams of its own to look up."""
_FEWEST_FOR_TYPO: Final = 4
_LONGEST_FOR_TYPO: Final = 24


class Asked(Struct, frozen=True):
    """A search as the database reads it."""

    folded: str
    """One space between words."""
    words: tuple[str, ...]
    query: str
    """All words, as a tsquery."""
    customers: int
    """The highest number of a customer, and of an entry."""
    entries: int
    filed: int
    """The first number of an entry that is not filed."""
    enough: int
    """Found of one kind, more of a lesser kind are not looked for."""


class Hit(Struct, frozen=True):
    """A customer found: by the words or the handle of `leaf`, or by `entry`. The lower `grade`, the better."""

    root: UUID
    leaf: UUID
    at: datetime
    grade: int = 0
    body: str | None = None
    """What was written, of a message."""


READ = """
select fold($1) as folded, plainto_tsquery('simple', plain($1))::text as query,
       (select last_value from customer_n_seq) as customers, (select last_value from entry_n_seq) as entries,
       (select done from filing) as filed
"""


async def read_search(connection: Connection, words: str, enough: int) -> Asked:
    """What these words are to the database."""
    row = await connection.fetchrow(READ, words)
    assert row is not None, "a select without a table has a row"  # noqa: S101
    parts = tuple(row["folded"].split())
    return Asked(" ".join(parts), parts, row["query"], row["customers"], row["entries"], row["filed"], enough)


def newest_blocks(last: int) -> list[int]:
    """Blocks that cover all numbers up to `last`, the newest first, each level eight times as large, as `blocks_of`."""
    blocks: list[int] = []
    block = last >> 6
    for level in range(_LEVELS):
        first = 0 if level == _LEVELS - 1 else block & ~7
        blocks += [number * 8 + level for number in range(block, first - 1, -1)]
        block = (first >> 3) - 1
        if block < 0:
            break
    return blocks


EXACT = """
with h as (select h.* from handle h where h.value = any ($1::text[])),
m as (
    select h.customer_id as id from h where h.customer_id is not null
    union select h.speaks_as from h where h.speaks_as is not null
    union select l.customer_id from h join link l on l.handle_id = h.id where h.shared
    union select c.id from customer c where c.external_id = $2 or c.id = $3::uuid),
k as (
    select k.customer_id as id from claim k
     where k.kind in ('phone', 'email', 'external_id') and k.scope = '' and k.value = any ($1::text[])
     order by k.at desc limit 300)
select r.id as root, c.id as leaf, r.created_at as at, m.grade
  from (select m.id, 0 as grade from m union all select k.id, 1 from k) m
  join customer c on c.id = m.id join customer r on r.id = c.root_id
 order by m.grade limit 300
"""


async def by_identity(connection: Connection, values: Sequence[str], text: str, id_: UUID | None) -> list[Hit]:
    """By a whole handle in its normal form, the company's own id, or ours; then whoever only claims the handle."""
    return _hits(await connection.fetch(EXACT, values, text, id_))


# At most 300 of a kind, here as below: who has typed so little that more match has to type on. A constant, because the
# plan that is kept does not know the value of a parameter.
STARTING = """
select r.id as root, c.id as leaf, r.created_at as at, 0 as grade
  from (select coalesce(h.customer_id, h.speaks_as) as id from handle h
         where h.value ~>=~ $1 and h.value ~<~ $2 limit 300) h
  join customer c on c.id = h.id join customer r on r.id = c.root_id
"""


async def by_start(connection: Connection, start: str) -> list[Hit]:
    """By the start of a handle."""
    return _hits(await connection.fetch(STARTING, start, start + _TO_INFINITY))


# Those that end in the digits first: that is how people tell a number.
DIGITS = """
select r.id as root, c.id as leaf, r.created_at as at, h.grade
  from (select coalesce(h.customer_id, h.speaks_as) as id, (not h.value like '%' || $1)::int as grade from handle h
         where h.value like '+%' || $1 || '%' limit 300) h
  join customer c on c.id = h.id join customer r on r.id = c.root_id
"""


async def by_digits(connection: Connection, digits: str) -> list[Hit]:
    """By digits within a phone number."""
    return _hits(await connection.fetch(DIGITS, digits))


# 0: the name itself; 1: it starts so; 2: it has all the words; 3: a word starts like the last of these, others are the
# rest. These not by blocks: the rows of every word that starts so are gathered first, and would be for every block.
NAMED = """
with n as materialized (
    select c.id, c.root_id, c.name, c.shown_name
      from unnest($1::bigint[]) b(block) cross join lateral (
           select c.id, c.root_id, c.name, c.shown_name from customer c
            where not c.placeholder and blocks_of(c.n) @> array[b.block]
              and name_keys(c.name, c.shown_name) @@ $2::text::tsquery
            order by c.n desc limit 300) c
     limit 300),
s as materialized (
    select c.id, c.root_id from customer c
     where not c.placeholder and name_keys(c.name, c.shown_name) @@ ($2::text || ':*')::tsquery
       and (select count(*) from n) <= $4
     limit 300)
select r.id as root, m.id as leaf, r.created_at as at, m.grade
  from (select n.id, n.root_id,
               case when $3 in (btrim(fold(n.name)), btrim(fold(n.shown_name))) then 0
                    when starts_with(btrim(fold(coalesce(n.shown_name, n.name))), $3) then 1 else 2 end as grade
          from n
         union all select s.id, s.root_id, 3 from s) m
  join customer r on r.id = m.root_id
"""


async def by_name(connection: Connection, asked: Asked) -> list[Hit]:
    """By all these words in a name, the last of them perhaps only begun."""
    blocks = newest_blocks(asked.customers)
    return _hits(await connection.fetch(NAMED, blocks, _all(asked.words), asked.folded, asked.enough))


_PART: Final = 15
NAMED_LIKE = """
with t as materialized (
    select c.id, c.root_id, c.name, c.shown_name from customer c
     where not c.placeholder and name_keys(c.name, c.shown_name) @@ $1::text::tsquery limit 300),
p as materialized (
    select c.id, c.root_id from customer c where not c.placeholder and fold(c.name) like '%' || $2 || '%' limit 300)
select r.id as root, m.id as leaf, r.created_at as at, m.name
  from (select t.id, t.root_id, fold(concat_ws(' ', t.name, t.shown_name)) as name from t
         union all select p.id, p.root_id, null from p) m
  join customer r on r.id = m.root_id
"""


async def by_likeness(connection: Connection, asked: Asked) -> list[Hit]:
    """By names whose words are a typo away from these, the nearest first; then by letters in the middle of a name."""
    long = any(len(word) >= _FEWEST_FOR_TYPO for word in asked.words)
    part = len(asked.folded) >= _FEWEST_FOR_PART and len(asked.words) <= _MOST_FOR_PART
    typos = " & ".join(map(_with_typo, asked.words)) if long else None
    rows = await connection.fetch(NAMED_LIKE, typos, asked.folded if part else None)
    most = sum(1 if len(word) < 2 * _FEWEST_FOR_TYPO else 2 for word in asked.words)
    hits = []
    for row in rows:
        far = _PART if row["name"] is None else sum(_nearest(word, row["name"].split()) for word in asked.words)
        if row["name"] is None or far <= most:
            hits.append(Hit(row["root"], row["leaf"], row["at"], min(far, _PART)))
    return hits


# 0: all words; 1: the last may go on; 2: so in an address.
OF_CUSTOMER = """
with w as materialized (
    select c.id, c.root_id
      from unnest($1::bigint[]) b(block) cross join lateral (
           select c.id, c.root_id from customer c
            where not c.placeholder and blocks_of(c.n) @> array[b.block]
              and words_of(customer_text(c.name, c.shown_name, c.company, c.tags, c.fields)) @@ $2::text::tsquery
            order by c.n desc limit 300) c
     limit 300),
s as materialized (
    select c.id, c.root_id from customer c
     where not c.placeholder and (select count(*) from w) <= $3
       and words_of(customer_text(c.name, c.shown_name, c.company, c.tags, c.fields)) @@ ($2::text || ':*')::tsquery
     limit 300),
a as materialized (
    select a.customer_id as id from address a
     where a.removed_at is null and (select count(*) from w) <= $3
       and words_of(address_text(a.street, a.city, a.postal_code, a.region, a.country)) @@ ($2::text || ':*')::tsquery
     limit 300)
select r.id as root, m.id as leaf, r.created_at as at, m.grade
  from (select w.id, w.root_id, 0 as grade from w
         union all select s.id, s.root_id, 1 from s
         union all select c.id, c.root_id, 2 from a join customer c on c.id = a.id where not c.placeholder) m
  join customer r on r.id = m.root_id
"""


async def by_words(connection: Connection, asked: Asked) -> list[Hit]:
    """By all these words in name, company, tags and custom values together, then in postal addresses."""
    if not asked.query:
        return []
    blocks = newest_blocks(asked.customers)
    return _hits(await connection.fetch(OF_CUSTOMER, blocks, asked.query, asked.enough))


def _hits(rows: Sequence[asyncpg.Record]) -> list[Hit]:
    return [Hit(row["root"], row["leaf"], row["at"], row["grade"]) for row in rows]


def _all(words: Sequence[str]) -> str:
    """A tsquery of all these folded words, in which no sign is left that means something there."""
    return " & ".join(f"'{word}'" for word in words)


def _with_typo(word: str) -> str:
    """A tsquery of what `with_typos` makes of words like this one."""
    if not _FEWEST_FOR_TYPO <= len(word) <= _LONGEST_FOR_TYPO:
        return f"'{word}'"
    shorter = dict.fromkeys(f"~{word[:place]}{word[place + 1 :]}" for place in range(len(word)))
    return "(" + " | ".join(f"'{key}'" for key in (word, f"~{word}", *shorter)) + ")"


def _nearest(word: str, others: Sequence[str]) -> int:
    return min((_distance(word, other) for other in others if abs(len(word) - len(other)) <= 1), default=9)


def _distance(one: str, other: str) -> int:
    """Letters wrong, missing or too many, and neighbours swapped (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, above, row = row, before, [i]
        for j, against in enumerate(other, 1):
            least = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != against))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == against:
                least = min(least, above[j - 2] + 1)
            row.append(least)
    return row[-1]
