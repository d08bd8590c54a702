"""Find customers: by a part of name, company or tag, by any spelling of a phone number, by the start of a handle."""

from __future__ import annotations

import re
from datetime import datetime
from uuid import UUID

from model.customer import CustomerSummary
from store.pool import Connection

REGION = "US"
"""How a number without country code is read."""
_PHONE = re.compile(r"[+\d\s().\-/\u2010-\u2013]+")
_FEWEST_DIGITS = 4
"""Fewer digits are in too many numbers to mean one."""

Keyset = tuple[datetime, UUID]

NEWEST = """
select r.id, r.name, r.company, r.plan, r.tags, r.created_at,
       array(select h.value from customer m join handle h on h.customer_id = m.id where m.root_id = r.id
              order by h.main desc, h.created_at, h.id limit 10) as handles
  from customer r
 where r.root_id = r.id and ($1::timestamptz is null or (r.created_at, r.id) < ($1, $2::uuid))
 order by r.created_at desc, r.id desc limit $3
"""
# A leaf's name or handle finds the root.
MATCHING = """
with hit as (
    select c.root_id as id from customer c where search_text(c.name, c.company, c.tags) like lower($4)
    union
    select c.root_id from handle h join customer c on c.id = h.customer_id where h.value like any ($5::text[]))
select r.id, r.name, r.company, r.plan, r.tags, r.created_at,
       array(select h.value from customer m join handle h on h.customer_id = m.id where m.root_id = r.id
              order by h.main desc, h.created_at, h.id limit 10) as handles
  from hit join customer r on r.id = hit.id
 where $1::timestamptz is null or (r.created_at, r.id) < ($1, $2::uuid)
 order by r.created_at desc, r.id desc limit $3
"""


async def search(
    connection: Connection, q: str, limit: int, cursor: Keyset | None = None
) -> tuple[tuple[CustomerSummary, ...], Keyset | None]:
    """Customers matching `q`, newest first, and where the next page begins. An empty `q` matches all."""
    words = " ".join(q.replace("\x00", " ").split())
    place = (*(cursor or (None, None)), limit + 1)
    if words:
        rows = await connection.fetch(MATCHING, *place, f"%{_literal(words)}%", handle_patterns(words))
    else:
        rows = await connection.fetch(NEWEST, *place)
    items = tuple(
        CustomerSummary(row["id"], row["name"], row["company"], row["plan"], tuple(row["tags"]), tuple(row["handles"]))
        for row in rows[:limit]
    )
    following = (rows[limit - 1]["created_at"], rows[limit - 1]["id"]) if len(rows) > limit else None
    return items, following


def handle_patterns(words: str) -> list[str]:
    """What a handle looks like (LIKE) when these words mean it: its start, or a phone number however it is written."""
    patterns = [f"{_literal(word)}%" for word in dict.fromkeys((words, words.lower()))]
    if not _PHONE.fullmatch(words):
        return patterns
    e164 = _e164(words)
    if e164:
        patterns.append(e164)
    digits = "".join(character for character in words if character.isdecimal()).lstrip("0")
    if len(digits) >= _FEWEST_DIGITS:
        patterns.append(f"+%{digits}%")
    return patterns


def _e164(words: str) -> str | None:
    # Here and not above: the library's tables take long to load, and most searches are for names.
    import phonenumbers

    try:
        number = phonenumbers.parse(words, REGION)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _literal(text: str) -> str:
    """Text in a LIKE pattern that means only itself."""
    return re.sub(r"([\\%_])", r"\\\1", text)
