"""Profiles as they are compared: read, kept for the search, and found again by what they have nearly in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import structs

from profiles.handles import classify
from profiles.names import ALIKE, word_likeness, words_of
from profiles.portrait import SMALLEST_CROWD, Claimed, Crowd, Place, Portrait
from store.pool import Connection

MOST_CANDIDATES: Final = 60
_COUNTED: Final = 2_000
"""A name that more profiles than this have is common; how common, matters no more."""

LEAVES = """
select m.id, m.name,
       array(select distinct u.name from handle h cross join unnest(h.names) u(name)
              where h.customer_id = m.id and not h.shared limit 20) as hints,
       array(select distinct l.evidence ->> 'name' from claim l
              where l.customer_id = m.id and l.evidence ->> 'name' is not null limit 20) as said,
       array(select h.value from handle h where h.customer_id = m.id and h.kind = 'email' limit 50) as emails
  from customer m where m.root_id = any ($1) and not m.placeholder
"""
# The rows of one person are written in one order by whoever writes them.
KEEP_PORTRAITS = """
insert into portrait (customer_id, name, words, locals)
select u.id, u.name, string_to_array(u.name, ' '), string_to_array(u.locals, ' ')
  from unnest($1::uuid[], $2::text[], $3::text[]) u(id, name, locals) order by u.id
on conflict (customer_id) do update set name = excluded.name, words = excluded.words, locals = excluded.locals
 where (portrait.name, portrait.words, portrait.locals)
       is distinct from (excluded.name, excluded.words, excluded.locals)
"""


async def keep_portraits(connection: Connection, roots: Sequence[UUID]) -> None:
    """Write down what all leaves of these profiles are found by."""
    rows = await connection.fetch(LEAVES, roots)
    names = [" ".join(dict.fromkeys(chain(*(words_of(name) for name in _names(row))))) for row in rows]
    mails = [" ".join(sorted({local for email in row["emails"] if (local := _local(email))})) for row in rows]
    await connection.execute(KEEP_PORTRAITS, [row["id"] for row in rows], names, mails)


def _names(row: asyncpg.Record) -> list[str]:
    return _known([row["name"], *row["hints"]]) or _known(row["said"])


def _known(names: Iterable[str | None]) -> list[str]:
    return [name for name in names if name and words_of(name)]


def _local(email: str) -> str | None:
    """What stands before the @ of somebody's own address."""
    local = email.rpartition("@")[0]
    return local if local and " " not in local and classify("email", email) == "personal" else None


PORTRAITS = """
select r.id,
       array(select distinct x.name from (
                 select m.name from customer m where m.root_id = r.id
                  union all
                 select u.name from customer m join handle h on h.customer_id = m.id cross join unnest(h.names) u(name)
                  where m.root_id = r.id) x where x.name is not null limit 20) as names,
       array(select distinct m.company from customer m where m.root_id = r.id and m.company is not null) as companies,
       array(select distinct m.location from customer m where m.root_id = r.id and m.location is not null) as locations,
       array(select distinct m.birth_date from customer m
              where m.root_id = r.id and m.birth_date is not null) as births,
       array(select m.external_id from customer m where m.root_id = r.id and m.external_id is not null) as external_ids,
       array(select row(h.kind, h.scope, h.value) from customer m join handle h on h.customer_id = m.id
              where m.root_id = r.id limit 100) as handles,
       array(select row(a.street, a.city, a.postal_code, a.country) from customer m
               join address a on a.customer_id = m.id and a.removed_at is null
              where m.root_id = r.id limit 20) as places,
       array(select row(l.kind, l.scope, l.value, l.proven, l.evidence ->> 'name')
               from customer m join claim l on l.customer_id = m.id where m.root_id = r.id limit 100) as claims
  from customer r where r.id = any ($1) and r.root_id = r.id and not r.placeholder
"""


async def fetch_portraits(connection: Connection, roots: Sequence[UUID]) -> dict[UUID, Portrait]:
    """These profiles; those that are none any more, or nobody's yet, are left out."""
    return {row["id"]: _portrait(row) for row in await connection.fetch(PORTRAITS, roots)}


def _portrait(row: asyncpg.Record) -> Portrait:
    handles = sorted(tuple(each) for each in row["handles"])
    claims = tuple(Claimed(*each) for each in row["claims"])
    # Of whom nothing else is known, what they called themselves is their name.
    names = _known(row["names"]) or _known({claim.name for claim in claims})
    return Portrait(
        row["id"],
        tuple(sorted(names)),
        tuple(sorted(row["companies"])),
        tuple(sorted(row["locations"])),
        tuple(sorted(row["births"])),
        tuple(sorted(row["external_ids"])),
        tuple(value for kind, _, value in handles if kind == "phone"),
        tuple(value for kind, _, value in handles if kind == "email"),
        tuple((scope, value) for kind, scope, value in handles if kind == "social"),
        tuple(Place(*each) for each in row["places"]),
        claims,
    )


# Each line is bounded: who has a rare word of the name, a name like it, a number one slip away, the same before the @,
# the same birth date, the same postal code, or is named by a claim. Limits stand inside: a common name is cheap.
CANDIDATES = """
select x.root_id, max(x.how) filter (where x.how = 'phone') as near_phone, count(*) as ways
  from (
    (select c.root_id, 'words' as how from portrait p join customer c on c.id = p.customer_id
      where p.words && $2::text[] limit 60)
    union all
    (select y.root_id, 'name' from (
        select c.root_id, similarity(p.name, $3) as likeness from portrait p join customer c on c.id = p.customer_id
         where $3 <> '' and p.name % $3 limit 400) y
      order by y.likeness desc limit 40)
    union all
    (select c.root_id, 'phone' from unnest($4::text[]) u(value)
       join handle h on h.kind = 'phone' and h.scope = '' and h.value = u.value join customer c on c.id = h.customer_id
      limit 40)
    union all
    (select c.root_id, 'local' from portrait p join customer c on c.id = p.customer_id
      where p.locals && $5::text[] limit 40)
    union all
    (select c.root_id, 'birth' from customer c left join portrait p on p.customer_id = c.id
      where c.birth_date = any ($6::date[]) order by similarity(coalesce(p.name, ''), $3) desc limit 30)
    union all
    (select c.root_id, 'address' from address a join customer c on c.id = a.customer_id
       left join portrait p on p.customer_id = c.id
      where a.postal_code = any ($7::text[]) and a.removed_at is null
      order by similarity(coalesce(p.name, ''), $3) desc limit 30)
    union all
    (select c.root_id, 'claim' from customer m join claim l on l.customer_id = m.id
       join handle h on h.kind = l.kind and h.scope = l.scope and h.value = l.value
       join customer c on c.id = h.customer_id where m.root_id = $1 limit 40)
    union all
    (select c.root_id, 'claim' from customer m join handle h on h.customer_id = m.id
       join claim l on l.kind = h.kind and l.scope = h.scope and l.value = h.value
       join customer c on c.id = l.customer_id where m.root_id = $1 limit 40)
    union all
    (select c.root_id, 'claim' from customer m join claim l on l.customer_id = m.id and l.kind = 'external_id'
       join customer c on c.external_id = l.value where m.root_id = $1 limit 40)
    union all
    (select c.root_id, 'claim' from customer m join claim l on l.kind = 'external_id' and l.value = m.external_id
       join customer c on c.id = l.customer_id where m.root_id = $1 limit 40)
  ) x
 where x.root_id <> $1
 group by x.root_id
 order by bool_or(x.how = 'claim') desc, count(*) desc, x.root_id limit $8
"""
NAMES_ALIKE = "select set_config('pg_trgm.similarity_threshold', '0.4', true)"


async def fetch_candidates(connection: Connection, portrait: Portrait, crowd: Crowd) -> tuple[list[UUID], int]:
    """Profiles worth comparing with this one, and how many of them have a number one slip away. In a transaction."""
    words = _words(portrait)
    rare = sorted((word for word in words if len(word) > 1), key=lambda word: crowd.words.get(word, 0))
    rare = [word for word in rare[:3] if crowd.words.get(word, 0) <= MOST_CANDIDATES]
    locals_ = [local for email in portrait.emails if (local := _local(email))]
    codes = sorted({place.postal_code for place in portrait.places if place.postal_code})
    slips = list(chain(*(slips_of(phone) for phone in portrait.phones[:10])))
    await connection.execute(NAMES_ALIKE)
    rows = await connection.fetch(
        CANDIDATES, portrait.id, rare, " ".join(words), slips, locals_, list(portrait.birth_dates), codes,
        MOST_CANDIDATES,
    )  # fmt: skip
    return [row["root_id"] for row in rows], sum(row["near_phone"] is not None for row in rows)


def slips_of(phone: str) -> Iterable[str]:
    """All numbers one slip away behind the country code: a digit wrong, or two neighbours changed about."""
    start = 2
    for place in range(start, len(phone)):
        for digit in "0123456789":
            if digit != phone[place]:
                yield phone[:place] + digit + phone[place + 1 :]
        if place + 1 < len(phone) and phone[place] != phone[place + 1]:
            yield phone[:place] + phone[place + 1] + phone[place] + phone[place + 2 :]


COUNT_WORDS = """
select u.word, (select count(*) from (select from portrait p where p.words @> array[u.word] limit $2) x) as profiles
  from unnest($1::text[]) u(word)
"""
POPULATION = """
select greatest((select count(*) from (select from portrait limit 5000) x),
                (select c.reltuples::bigint from pg_class c where c.oid = 'portrait'::regclass))
"""


async def fetch_crowd(connection: Connection, portrait: Portrait) -> Crowd:
    """How many profiles there are, and how many of them bear each word of this one's names."""
    population = max(await connection.fetchval(POPULATION), SMALLEST_CROWD)
    return Crowd(population, await _count(connection, _words(portrait)))


async def with_spellings(connection: Connection, crowd: Crowd, ours: Portrait, others: Iterable[Portrait]) -> Crowd:
    """The same with how common the others' spellings of our words are: a slip is rare, what was meant may not be."""
    words = _words(ours)
    known = {word for other in others for word in _words(other)} - set(words)
    alike = [word for word in sorted(known) if any(word_likeness(word, each) >= ALIKE for each in words)]
    return structs.replace(crowd, words={**crowd.words, **await _count(connection, alike)})


async def _count(connection: Connection, words: Sequence[str]) -> dict[str, int]:
    return {row["word"]: row["profiles"] for row in await connection.fetch(COUNT_WORDS, words, _COUNTED)}


def _words(portrait: Portrait) -> list[str]:
    return list(dict.fromkeys(chain(*(words_of(name) for name in portrait.names))))
