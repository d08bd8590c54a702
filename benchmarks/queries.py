"""Searches as people make them, drawn from values that are stored, and what each of them must find."""

from __future__ import annotations

import hashlib
import json
import random
import re
import secrets
import time
import unicodedata
from collections import defaultdict
from urllib.parse import quote

import asyncpg
import httpx2
import msgspec
from msgspec import Struct

from benchmarks.figures import Report, demand, percentile
from tests.outside.company import Company

EACH = 40
"""Searches of every kind, of which there are 17."""
WARM = 30
TOKENS = 12


class Query(Struct, frozen=True):
    """What is typed, and who is meant. `like`: a value many share, where whoever has it is right too."""

    kind: str
    text: str
    customer: str
    like: str | None = None


PEOPLE = """
select c.id::text, c.name, c.company, c.tags, c.fields::text,
       (select h.value from handle h where h.customer_id = c.id and h.kind = 'phone') as phone,
       (select h.value from handle h where h.customer_id = c.id and h.kind = 'email') as email,
       (select h.value from handle h where h.customer_id = c.id and h.kind = 'social') as social,
       (select a.street || ' ' || a.city from address a
         where a.customer_id = c.id and a.removed_at is null limit 1) as address
  from customer c where c.n = any ($1)
"""
SAID = "select e.customer_id::text as id, e.body from entry e where e.n = any ($1)"
HIGHEST = "select (select last_value from customer_n_seq), (select last_value from entry_n_seq)"


async def draw(url: str, each: int, rng: random.Random) -> list[Query]:
    """So many queries of every kind."""
    connection = await asyncpg.connect(url)
    try:
        highest = await connection.fetch(HIGHEST)
        customers, entries = highest[0]
        people = await connection.fetch(PEOPLE, [rng.randrange(1, customers) for _ in range(each * 14)])
        said = await connection.fetch(SAID, [rng.randrange(1, entries) for _ in range(each * 14)])
    finally:
        await connection.close()
    pools: dict[str, list[Query]] = {}
    for query in [query for row in people for query in _of_person(row, rng)] + [
        query for row in said for query in _of_message(row, rng)
    ]:
        pools.setdefault(query.kind, []).append(query)
    queries = [query for pool in pools.values() for query in rng.sample(pool, min(each, len(pool)))]
    rng.shuffle(queries)
    return queries


def _of_person(row: asyncpg.Record, rng: random.Random) -> list[Query]:
    id_, name, phone = row["id"], row["name"], row["phone"]
    if not name or not phone:
        return []
    national = phone[2:]
    first, _, last = name.partition(" ")
    made = [
        Query("name", name, id_, name),
        Query("name without accents, lower case", _plain(name), id_, name),
        Query("last name first, start of the first", f"{last} {first[:3]}", id_, name),
        Query("name with a typo", _misspelt(name, rng), id_, name),
        Query("phone as stored", phone, id_),
        Query("phone, national with signs", f"({national[:3]}) {national[3:6]}-{national[6:]}", id_),
        Query("last seven digits of a phone", national[3:], id_, national[3:]),
    ]
    if row["email"]:
        made.append(Query("e-mail in another case", row["email"].upper(), id_))
        made.append(Query("e-mail up to the @", row["email"].partition("@")[0], id_))
    if row["social"]:
        made.append(Query("social id", row["social"], id_))
    if row["company"]:
        made.append(Query("company", row["company"], id_, row["company"]))
        made.append(Query("last name and company", f"{last} {row['company'].partition(' ')[0]}", id_, name))
    if row["tags"]:
        made.append(Query("tag", row["tags"][0], id_, row["tags"][0]))
    fields = json.loads(row["fields"])
    if fields:
        made.append(Query("custom field", fields["contract"], id_))
    if row["address"]:
        made.append(Query("address", row["address"], id_, row["address"]))
    return made


def _of_message(row: asyncpg.Record, rng: random.Random) -> list[Query]:
    words = row["body"].split()
    order = re.search(r"ORD-\d+", row["body"])
    made = [Query("order number in a message", order[0], row["id"])] if order else []
    if len(words) >= 6:
        start = rng.randrange(len(words) - 4)
        made.append(Query("five words of a message", " ".join(words[start : start + 5]), row["id"]))
    return made


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFD", text.lower()).replace("ø", "o")
    return "".join(letter for letter in text if not unicodedata.combining(letter))


def _misspelt(name: str, rng: random.Random) -> str:
    """One slip of the fingers in the longer word."""
    words = name.split()
    which = max(range(len(words)), key=lambda place: len(words[place]))
    word = words[which]
    at = rng.randrange(1, len(word) - 1) if len(word) > 3 else 1
    letter = rng.choice("abcdefghijklmnopqrstuvwxyz")
    ways = [word[:at] + letter + word[at + 1 :], word[:at] + word[at + 1 :], word[:at] + letter + word[at:]]
    ways.append(word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :])
    words[which] = rng.choice(ways)
    return " ".join(words)


class Found(msgspec.Struct):
    """What of a line of the answer is needed."""

    id: str
    name: str | None
    company: str | None
    tags: list[str]
    handles: list[str]


class Answer(msgspec.Struct):
    """A page of a search."""

    items: list[Found]


NEW_SYSTEM = """
with a as (insert into agent (id, name, role) values (gen_random_uuid(), 'Reader', 'admin') returning id)
insert into token (hash, agent_id, label) select $1, a.id, 'bench' from a
"""


async def measure_search(
    report: Report, company: Company, connection: asyncpg.Connection[asyncpg.Record], rng: random.Random
) -> None:
    """By REST, one at a time, ten results a page."""
    queries = await draw(company.database_url, EACH, rng)
    tokens = [f"sp_{secrets.token_urlsafe(32)}" for _ in range(TOKENS)]
    for token in tokens:
        await connection.execute(NEW_SYSTEM, hashlib.sha256(token.encode()).digest())
    took: dict[str, list[float]] = defaultdict(list)
    right: dict[str, list[bool]] = defaultdict(list)
    themselves = 0
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
        for turn, query in enumerate([*queries[:WARM], *queries]):
            headers = {"Authorization": f"Bearer {tokens[turn % TOKENS]}"}
            url = f"{company.urls[0]}/v1/customers?limit=10&q={quote(query.text)}"
            began = time.perf_counter()
            answer = await http.get(url, headers=headers)
            seconds = time.perf_counter() - began
            answer.raise_for_status()
            if turn < WARM:
                continue
            items = msgspec.json.decode(answer.content, type=Answer).items
            took[query.kind].append(seconds * 1e3)
            right[query.kind].append(_is_right(query, items))
            themselves += any(item.id == query.customer for item in items)
    every = [value for values in took.values() for value in values]
    hits = sum(map(sum, right.values()))
    report.rows.append(demand("search p95 ms, all kinds, to 50 ms", percentile(every, 0.95), 50, "<= 1.0"))
    report.rows.append(demand("search: found in the first ten, ‰", 1000 * hits / len(every), 1000, ">= 0.95"))
    report.notes.append(f"{len(every)} searches; {themselves} found the very customer, others one with the same value")
    report.notes += [
        f"search, {kind}: p50 {percentile(values, 0.5):.1f} ms, p95 {percentile(values, 0.95):.1f} ms, "
        f"found {sum(right[kind])} of {len(values)}"
        for kind, values in sorted(took.items())
    ]


def _is_right(query: Query, items: list[Found]) -> bool:
    if any(item.id == query.customer for item in items):
        return True
    like = query.like
    return like is not None and any(
        like in (item.name, item.company, *item.tags) or any(like in handle for handle in item.handles)
        for item in items
    )
