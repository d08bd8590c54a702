"""Find customers by what people remember of them: one text, the best first, whatever it turns out to be.

In this order: a whole handle in any spelling (or an id), a name, the start of a name, a part of a handle, if there was
none of these a name with typos, then words of company, tags, custom values and addresses, and of messages; among equals
the newest. A later kind is only looked for when the page is not full, and a customer is listed once, by the best.
Whoever was merged is found as the profile they are part of. Who was not identified has no name to be found by: the
handle they wrote on or claim finds them, after those whose it is, and so do their words.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from msgspec import Meta

from model.customer import CustomerSummary
from profiles import search_sources as sources
from profiles.filing import by_messages
from profiles.handles import canonical, parse_phone
from profiles.search_sources import Asked, Hit, read_search
from store.pool import Connection

Place = tuple[int, Annotated[datetime, Meta(tz=True)], UUID]
"""Where a page ends: rank, time and id of its last. A list without words has but one rank."""

_FEWEST_DIGITS: Final = 4
"""Fewer digits are in too many numbers to mean one."""
_FEWEST_LETTERS: Final = 2
"""Of the start of a handle."""
_WORDS: Final = 12
"""Of a longer text only so many are looked for."""
_NUMBER: Final = re.compile(r"(?:whatsapp:|tel:|sms:|rcs:)?[+\uff0b\d\s().\-/\u00a0\u2010-\u2015]+", re.I)
_GRADES: Final = 16
_EVERY: Final = 1 << 30
_BEFORE, _AFTER = 60, 100
"""Letters of an excerpt before and after the word."""


async def search(
    connection: Connection, q: str, limit: int, cursor: Place | None = None
) -> tuple[tuple[CustomerSummary, ...], Place | None]:
    """A page of customers matching `q`, the best first, and where the next begins. An empty `q` lists the newest."""
    text = " ".join(q.replace("\x00", " ").split())
    if not text:
        return await _newest(connection, limit, cursor)
    enough = limit if cursor is None else _EVERY
    asked = await read_search(connection, " ".join(text.split(" ")[:_WORDS]), enough)
    found: list[tuple[Place, Hit]] = []
    seen: set[UUID] = set()
    for rank, look in await _stages(connection, text, asked):
        if seen and rank == _ELSE_ONLY:
            continue
        hits = await look()
        fresh = {
            hit.root: hit for hit in sorted(hits, key=_order) if hit.root not in seen
        }  # the last of a root is its best
        seen |= fresh.keys()
        for hit in sorted(fresh.values(), key=_order, reverse=True):
            place = (rank * _GRADES + min(hit.grade, _GRADES - 1), hit.at, hit.root)
            if cursor is None or _comes_after(place, cursor):
                found.append((place, hit))
        owned = rank == 0 and any(hit.grade == 0 for hit in fresh.values())
        if len(found) > limit or (owned and _is_whole(text)):
            break
    page = found[:limit]
    items = await _summaries(connection, asked, [(place[0] // _GRADES, hit) for place, hit in page])
    return items, page[-1][0] if len(found) > limit else None


def _order(hit: Hit) -> tuple[int, datetime, UUID]:
    """Ascending, the best last."""
    return -hit.grade, hit.at, hit.root


def _comes_after(place: Place, cursor: Place) -> bool:
    return (-place[0], *place[1:]) < (-cursor[0], *cursor[1:])


Look = Callable[[], Awaitable[list[Hit]]]
_BY_WORDS: Final = ((1, sources.by_name), (3, sources.by_likeness), (4, sources.by_words), (5, by_messages))
_ELSE_ONLY: Final = 3
"""Looked for only when nothing better is found: a right name is not one with a typo."""
_RANKS: Final[tuple[Literal["handle", "name", "words", "message"], ...]] = (
    *("handle", "name", "handle", "name", "words", "message"),
)


async def _stages(connection: Connection, text: str, asked: Asked) -> list[tuple[int, Look]]:
    """Where to look, the best first."""
    values, start, digits = await _as_handle(connection, text)
    stages: list[tuple[int, Look]] = [(0, lambda: sources.by_identity(connection, values, text, _as_id(text)))]
    if digits is not None:
        stages.append((2, lambda: sources.by_digits(connection, digits)))
    elif start is not None:
        stages.append((2, lambda: sources.by_start(connection, start)))
    if asked.words:
        stages += [(rank, lambda look=look: look(connection, asked)) for rank, look in _BY_WORDS]  # type: ignore[misc]
    return sorted(stages, key=lambda stage: stage[0])


def _is_whole(text: str) -> bool:
    """Whether a handle that is exactly this is all that can be meant: a number, a mail address, an id."""
    return bool(_NUMBER.fullmatch(text)) or "@" in text or _as_id(text) is not None


REGIONS = "select distinct region from account order by region limit 20"


async def _as_handle(connection: Connection, text: str) -> tuple[list[str], str | None, str | None]:
    """The handles this text may be, the start of one, and digits of a phone number."""
    values = dict.fromkeys((text, text.lower(), canonical("email", text)))
    if not _NUMBER.fullmatch(text):
        start = canonical("email", text) if "@" in text else text.lower()
        return list(values), start if len(start) >= _FEWEST_LETTERS and " " not in start else None, None
    for row in await connection.fetch(REGIONS):
        number = parse_phone(text, row["region"])
        if number:
            values[number.value] = None
    digits = "".join(str(int(character)) for character in text if character.isdecimal())
    national = digits.lstrip("0")
    if len(national) >= _FEWEST_DIGITS:
        digits = national
    return list(values), None, digits if len(digits) >= _FEWEST_DIGITS else None


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None


NEWEST = """
select r.id as root, r.created_at as at from customer r
 where r.root_id = r.id and not r.placeholder
   and ($1::timestamptz is null or (r.created_at, r.id) < ($1, $2::uuid))
 order by r.created_at desc, r.id desc limit $3
"""


async def _newest(
    connection: Connection, limit: int, cursor: Place | None
) -> tuple[tuple[CustomerSummary, ...], Place | None]:
    rows = await connection.fetch(NEWEST, *(cursor[1:] if cursor else (None, None)), limit + 1)
    page = [(-1, Hit(row["root"], row["root"], row["at"])) for row in rows[:limit]]
    following = (0, page[-1][1].at, page[-1][1].root) if len(rows) > limit else None
    return await _summaries(connection, Asked("", (), "", 0, 0, 0, 0), page), following


# `w` is what any one of the words is in, for whom it is all of them that matched.
SUMMARIES = """
select r.id, coalesce(r.shown_name, r.name) as name, r.company, r.plan, r.tags,
       array(select h.value from customer m join handle h on h.customer_id = m.id where m.root_id = r.id
              order by h.main desc, h.created_at, h.id limit 10)
       || case when r.placeholder then array(
              select h.value from entry e join handle h on h.id = e.handle_id where e.customer_id = r.id
               order by e.at desc, e.id desc limit 1) else array[]::text[] end as handles,
       case when not x.by_words then null
            when words_of(c.company) @@ w.any then 'company'
            when words_of(array_to_string(c.tags, ' ')) @@ w.any then 'tag'
            when f.value is not null then 'field' else 'name' end as matched,
       f.value as field
  from unnest($1::uuid[], $2::uuid[], $3::boolean[]) with ordinality x(root, leaf, by_words, o)
  join customer r on r.id = x.root join customer c on c.id = x.leaf
  cross join (select replace($4, ' & ', ' | ')::tsquery as any) w
  left join lateral (
       select f.value from (
              select f.key || ': ' || f.value as value, 0 as place from jsonb_each_text(c.fields) f
               where words_of(f.value) @@ w.any
              union all
              select concat_ws(', ', a.street, concat_ws(' ', a.postal_code, a.city), a.region, a.country), 1
                from address a where a.customer_id = c.id and a.removed_at is null
                 and words_of(address_text(a.street, a.city, a.postal_code, a.region, a.country)) @@ w.any) f
        order by f.place limit 1) f on x.by_words
 order by x.o
"""


async def _summaries(
    connection: Connection, asked: Asked, page: Sequence[tuple[int, Hit]]
) -> tuple[CustomerSummary, ...]:
    """Lines of the page, each with what matched."""
    kinds = [_RANKS[rank] if rank >= 0 else None for rank, _ in page]
    rows = await connection.fetch(
        SUMMARIES,
        [hit.root for _, hit in page],
        [hit.leaf for _, hit in page],
        [kind == "words" for kind in kinds],
        f"{asked.query}:*" if asked.query else "",
    )
    return tuple(
        CustomerSummary(
            row["id"],
            row["name"],
            row["company"],
            row["plan"],
            tuple(row["tags"]),
            tuple(row["handles"]),
            row["matched"] if kind == "words" else kind,
            _excerpt(hit.body, asked.words) if hit.body else row["field"] if row["matched"] == "field" else None,
        )
        for row, kind, (_, hit) in zip(rows, kinds, page, strict=True)
    )


def _excerpt(body: str, words: Sequence[str]) -> str:
    """The text around the first of the words; from its start where the word is written with accents."""
    lowered = body.lower()
    places = [found.start() for word in words if (found := re.search(rf"\b{re.escape(word)}", lowered))]
    start = max(min(places, default=0) - _BEFORE, 0)
    end = start + _BEFORE + _AFTER
    cut = " ".join(body[start:end].split())
    return ("… " if start else "") + cut + (" …" if end < len(body) else "")
