"""The words of entries: filed in the background, and searched together with what is not filed yet.

Filing them with each entry would cost a webhook half as much again; this costs it a number. No entry is ever missing:
what is newer than the last one filed is read through, and a number without an entry is looked at again until the
transaction that took it is over.
"""

from __future__ import annotations

from typing import Final

from profiles.search_sources import Asked, Hit, newest_blocks
from store.pool import Connection

ENTRIES: Final = 1000
"""Filed in one transaction."""
_LEVELS: Final = 4
"""Of blocks that entries are looked up by."""
READ_THROUGH: Final = 5000
"""As many that are not filed are looked at by a search, as in `SAID`."""

_SEARCHED = "e.kind in ('message', 'note', 'call', 'voicemail', 'task')"
# First what is not filed, then what is, both newest first: the last quarter of a million by blocks, then, as so few of
# these have the words, all before at once, for larger blocks would be read whole. `+ 0` keeps the index of the key out
# of it, by which every row would be looked at. What is not filed meets a cheap test first, right where all is ASCII.
# What is filed is looked up by some of the words, $6; `ts_match_vq` is `@@` without the index.
SAID = f"""
with u as materialized (
    select e.n, e.customer_id, e.at, e.body
      from (select e.* from entry e where e.n >= $3 order by e.n desc limit 5000) e
     where {_SEARCHED} and case
               when octet_length(e.body) = length(e.body) and not lower(e.body) like all ($4::text[]) then false
               else words_of(e.body) @@ $2::text::tsquery end
     limit 200),
f as materialized (
    select w.n
      from unnest($1::bigint[]) b(block) cross join lateral (
           select w.n from entry_words w
            where blocks_of(w.n) @> array[b.block] and w.words @@ $6::text::tsquery
              and ts_match_vq(w.words, (select $2::text::tsquery))
            order by w.n + 0 desc limit 200) w
     limit 200 - (select count(*) from u)),
g as materialized (
    select w.n from entry_words w
     where w.n + 0 < $5 and w.words @@ $6::text::tsquery and ts_match_vq(w.words, (select $2::text::tsquery))
     order by w.n + 0 desc
     limit 200 - (select count(*) from u) - (select count(*) from f))
select distinct on (r.id) r.id as root, c.id as leaf, e.at, e.body
  from (select * from u union all
        select e.n, e.customer_id, e.at, e.body
          from (select n from f union all select n from g) f join entry e on e.n = f.n) e
  join customer c on c.id = e.customer_id join customer r on r.id = c.root_id
 order by r.id, e.n desc
"""  # noqa: S608  # put together from constants


async def by_messages(connection: Connection, asked: Asked) -> list[Hit]:
    """By all these words in one message, note or task; of each customer the newest."""
    if not asked.query:
        return []
    looked_up, expected = await _rarest(connection, asked)
    every = newest_blocks(asked.filed - 1) if asked.filed and expected > _FEW else []
    blocks = [block for block in every if block & 7 < _LEVELS]
    before = (blocks[-1] >> 3 << (6 + 3 * (blocks[-1] & 7))) if blocks else asked.filed
    patterns = [f"%{word}%" for word in asked.words]
    rows = await connection.fetch(SAID, blocks, asked.query, asked.filed, patterns, before, looked_up)
    return [Hit(row["root"], row["leaf"], row["at"], body=row["body"]) for row in rows]


SHARES = """
select x.word, x.share
  from pg_stats s cross join lateral
       unnest(s.most_common_elems::text::text[], s.most_common_elem_freqs) x(word, share)
 where s.schemaname = current_schema() and s.tablename = 'entry_words' and s.attname = 'words' and x.word = any ($1)
"""
_RARE: Final = 0.001
"""Share of the entries with a word that is not among the most common."""
_FEW: Final = 500
"""Rows that are looked at one by one sooner than in another list of the index."""


async def _rarest(connection: Connection, asked: Asked) -> tuple[str, float]:
    """A query of the rarest words, as many as leave few rows, and how many of all entries may have all of the words.

    Of a common word the index has a list of millions, to be read from end to end: the rows with the others are fewer.
    """
    words = asked.query.split(" & ")
    rows = await connection.fetch(SHARES, [word.strip("'") for word in words])
    known = {f"'{row['word']}'": float(row["share"]) for row in rows}
    expected, looked_up = float(asked.filed), list[str]()
    for word in sorted(words, key=lambda word: known.get(word, _RARE)):
        if expected > _FEW or not looked_up:
            looked_up.append(word)
        expected *= known.get(word, _RARE)
    return " & ".join(looked_up), expected


NEWEST_NUMBER = "select last_value from entry_n_seq"


async def newest_number(connection: Connection) -> int:
    """The number of the newest entry, committed or not."""
    return int(await connection.fetchval(NEWEST_NUMBER))


# One process files at a time.
DONE = "select done from filing for no key update skip locked"
FILE = f"""
insert into entry_words (n, words)
select e.n, strip(words_of(e.body)) from entry e where e.n >= $1 and e.n < $2 and {_SEARCHED} order by e.n
on conflict do nothing
"""  # noqa: S608  # put together from constants
GAPS = """
insert into entry_gap (n)
select g.n from generate_series($1, $2 - 1) g(n)
 where g.n > 0 and not exists (select from entry e where e.n = g.n)
on conflict do nothing
"""
ADVANCE = "update filing set done = $1"


async def file_entries(connection: Connection, until: int) -> int:
    """File the oldest of what is not filed, below `until`, in a transaction; how many numbers are left below it.

    `until` must have been the newest number a second ago: by then nearly all who took one have committed.
    """
    done = await connection.fetchval(DONE)
    if done is None or done >= until:
        return 0
    end = min(until, done + ENTRIES)
    await connection.execute(GAPS, done, end)  # before: what commits in between is filed and a gap, which is harmless
    await connection.execute(FILE, done, end)
    await connection.execute(ADVANCE, end)
    return int(until - end)


FILLED = "delete from entry_gap g where exists (select from entry e where e.n = g.n) returning g.n"
# Whoever took the number had begun when it was missed, a second later: once all of that time are over, it stays empty.
EMPTY = """
delete from entry_gap g
 where g.at < now() - interval '1 minute' and g.seen <= pg_snapshot_xmin(pg_current_snapshot())
   and not exists (select from entry e where e.n = g.n)
"""


async def mend_filing(connection: Connection) -> None:
    """File entries that came late, in a transaction; forget numbers that will have none."""
    if await connection.fetchval(DONE) is None:
        return
    await connection.execute(EMPTY)
    for row in await connection.fetch(FILLED):
        await connection.execute(FILE, row["n"], row["n"] + 1)


# The lists of new rows that these indexes keep are read by every search, and put away by whoever inserts once they are
# long: a webhook, if we did not.
TIDY = """
select gin_clean_pending_list(c.oid)
  from pg_class c
 where c.oid = any (array[to_regclass('entry_words_search'), to_regclass('customer_search'),
                          to_regclass('customer_part'), to_regclass('handle_search'),
                          to_regclass('address_search')]::oid[])
   and pg_has_role(c.relowner, 'usage')
"""


async def tidy_indexes(connection: Connection) -> None:
    """Put away the lists of new rows; not in a transaction."""
    await connection.fetch(TIDY)
