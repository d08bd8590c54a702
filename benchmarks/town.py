"""A town whose people leave records, messages and proofs at a company, and what of it is true."""

from __future__ import annotations

import asyncio
import hashlib
import random
import secrets
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import asyncpg
import httpx2
from msgspec import Struct

from benchmarks.people import PLACEHOLDER_MAILS, Person, Record, populate, record_of, second_record
from benchmarks.place import count
from tests.outside.company import Company

CALLERS = 8
TOKENS = 60
"""A token may ask 600 times a minute; a company with as many systems has as many."""
SETTLE_SECONDS = 900
NEW_SYSTEM = """
with a as (insert into agent (id, name, role) values (gen_random_uuid(), 'System', 'admin') returning id)
insert into token (hash, agent_id, label) select $1, a.id, 'bench' from a
"""
UNSETTLED = "select (select count(*) from likeness_due) + (select count(*) from contact where unrouted)"
SHARED_PHONE, SWITCHBOARD, ROLE_MAIL, PLACEHOLDER = 0.05, 0.03, 0.03, 0.03
WROTE, PROVEN, CLAIMED, TWICE = 0.6, 0.6, 0.1, 0.3
NAMED = (0.8, 0.1, 0.1)
"""Of those who claim: by their whole name, by their given name, not at all."""


class Leaf(Struct):
    """A customer as it was made: by a record or by a phone. `root`: who answers for it at the end."""

    person: int
    id: str
    record: bool
    place: int
    root: str = ""


class Web:
    """REST with as many tokens as it takes."""

    def __init__(self, company: Company, tokens: list[str]) -> None:
        self._url, self._tokens, self._turn = company.urls[0], tokens, 0
        limits = httpx2.Limits(max_connections=CALLERS, max_keepalive_connections=CALLERS)
        self._http = httpx2.AsyncClient(trust_env=False, timeout=30, limits=limits)

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """The answer; an id that was merged away answers by its location."""
        for _ in range(20):
            self._turn += 1
            headers = {"Authorization": f"Bearer {self._tokens[self._turn % len(self._tokens)]}"}
            answer = await self._http.request(method, f"{self._url}/v1/{path}", json=body, headers=headers)
            if answer.status_code == 308:
                return {"moved": answer.headers["location"]}
            if answer.status_code not in (429, 503):
                break
            await asyncio.sleep(1)
        if answer.status_code >= 400:
            raise RuntimeError(f"{method} {path} was answered {answer.status_code}: {answer.text[:300]}")
        return answer.json() if answer.content else None

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()


class Town:
    """A run: the people, their traces, and what is known to be true."""

    def __init__(self, company: Company, web: Web, people: int, rng: random.Random) -> None:
        self.company, self.web, self.rng = company, web, rng
        self.people = populate(people, rng)
        self.leaves: list[Leaf] = []
        self.by_phone: dict[str, Leaf] = {}
        self.by_mail: dict[str, Leaf] = {}
        self.proven: set[tuple[int, int]] = set()
        self.claimed: set[tuple[int, int]] = set()
        self.answers: dict[str, int] = defaultdict(int)

    async def happen(self) -> None:
        """Records first, then messages, then proofs and claims; everything else in no order."""
        records = [record_of(person, self.rng) for person in self.people]
        again = self.rng.sample(self.people, int(len(self.people) * TWICE))
        records += [second_record(person, self.rng) for person in again]
        self.rng.shuffle(records)
        await in_parallel(records, self._import)
        writers = [person for person in self.people if self.rng.random() < WROTE]
        await in_parallel(writers, self._write)
        await in_parallel(writers, self._find)
        await settle(self.company.database_url)
        acts: list[Callable[[], Awaitable[None]]] = []
        for person in self.people:
            chance = self.rng.random()
            if person.phone in self.by_phone and chance < PROVEN:
                acts.append(lambda p=person: self._sign_in(p))  # type: ignore[misc]
            elif person.phone in self.by_phone and chance < PROVEN + CLAIMED:
                acts.append(lambda p=person: self._claim(p))  # type: ignore[misc]
        acts += [*self._of_families(), *self._of_offices()]
        self.rng.shuffle(acts)
        await in_parallel(acts, lambda act: act())
        await settle(self.company.database_url)

    async def _import(self, record: Record) -> None:
        body: dict[str, Any] = {"name": record.name, "handles": [{"kind": "email", "value": record.mail}]}
        body |= {"company": record.company} if record.company else {}
        body |= {"birth_date": record.born} if record.born else {}
        if record.street:
            body["addresses"] = [{"street": record.street, "city": record.town, "postal_code": record.code}]
        made = await self.web.call("POST", "customers", body)
        leaf = Leaf(record.person, made["id"], True, len(self.leaves))
        self.leaves.append(leaf)
        self.by_mail[str(record.mail)] = leaf

    async def _write(self, person: Person) -> None:
        answer = await self.company.inbound(person.phone, f"hello, it is about order {person.number}")
        if answer.status != 200:
            raise RuntimeError(f"a message was answered {answer.status}")

    async def _find(self, person: Person) -> None:
        found = await self.web.call("GET", f"customers?limit=1&q=%2B{person.phone[1:]}")
        leaf = Leaf(person.number, found["items"][0]["id"], False, len(self.leaves))
        self.leaves.append(leaf)
        self.by_phone[person.phone] = leaf

    async def _identify(
        self, handles: list[tuple[str, str]], name: str | None, claims: Iterable[tuple[str, str]] = ()
    ) -> None:
        body = {
            "handles": [{"kind": kind, "value": value} for kind, value in handles],
            "claims": [{"kind": kind, "value": value} for kind, value in claims],
            "name": name,
        }
        answer = await self.web.call("POST", "identifications", body)
        self.answers[answer["decision"]] += 1

    async def _sign_in(self, person: Person) -> None:
        """The shop has proven both the phone and the mail address."""
        mails = [mail for mail in (person.mail, person.second_mail) if mail in self.by_mail]
        mail = self.rng.choice(mails)
        self.proven.add(self._pair(self.by_phone[person.phone], self.by_mail[mail]))
        await self._identify([("phone", person.phone), ("email", mail)], f"{person.first} {person.last}")

    async def _claim(self, person: Person) -> None:
        """Somebody says whose mail address it is, their own or another's: it proves nothing. Not all say their name."""
        whose = person if self.rng.random() < 0.5 else self.rng.choice(self.people)
        self.claimed.add(self._pair(self.by_phone[person.phone], self.by_mail[whose.mail]))
        name = self.rng.choices((f"{person.first} {person.last}", person.first, None), NAMED)[0]
        await self._identify([("phone", person.phone)], name, claims=[("email", whose.mail)])

    def _of_families(self) -> list[Callable[[], Awaitable[None]]]:
        """Each of a household signs in with the family's phone and a mail address of their own."""
        homes: dict[int, list[Person]] = defaultdict(list)
        for person in self.people:
            homes[person.household].append(person)
        acts: list[Callable[[], Awaitable[None]]] = []
        for number, members in homes.items():
            if len(members) > 1 and self.rng.random() < SHARED_PHONE * 4:
                phone = f"+1503{2_000_000 + number:07d}"
                acts += [lambda p=p, n=phone: self._with(p, ("phone", n)) for p in members]  # type: ignore[misc]
        return acts

    def _of_offices(self) -> list[Callable[[], Awaitable[None]]]:
        """Switchboards, role addresses and placeholders, given by many."""
        acts: list[Callable[[], Awaitable[None]]] = []
        for person in self.people:
            office = sum(map(ord, person.company)) % 97
            for share, handle in (
                (SWITCHBOARD, ("phone", f"+1212555{1000 + office:04d}")),
                (ROLE_MAIL, ("email", f"{('info', 'sales', 'office')[office % 3]}@work{office}.example")),
                (PLACEHOLDER, ("email", PLACEHOLDER_MAILS[office % 2])),
            ):
                if self.rng.random() < share:
                    acts.append(lambda p=person, h=handle: self._with(p, h))  # type: ignore[misc]
        return acts

    async def _with(self, person: Person, other: tuple[str, str]) -> None:
        await self._identify([("email", person.mail), other], f"{person.first} {person.last}")

    def _pair(self, one: Leaf, other: Leaf) -> tuple[int, int]:
        low, high = sorted((one.place, other.place))
        return low, high


async def settle(url: str) -> None:
    """Until nothing is left to do in the background."""
    for _ in range(SETTLE_SECONDS * 4):
        if not await count(url, UNSETTLED):
            return
        await asyncio.sleep(0.25)
    raise RuntimeError("the background does not settle")


async def look(web: Web, leaves: list[Leaf]) -> set[tuple[str, str]]:
    """See who answers for each leaf; gives the pairs of profiles that are suggested."""
    suggested: set[tuple[str, str]] = set()

    async def root_of(leaf: Leaf) -> None:
        shown = await web.call("GET", f"customers/{leaf.id}")
        leaf.root = shown["moved"].rpartition("/")[2] if "moved" in shown else leaf.id

    async def suggestions_of(root: str) -> None:
        for item in (await web.call("GET", f"customers/{root}/suggestions"))["items"]:
            low, high = sorted((root, item["customer"]))
            suggested.add((low, high))

    await in_parallel(leaves, root_of)
    await in_parallel({leaf.root for leaf in leaves}, suggestions_of)
    return suggested


async def in_parallel(items: Iterable[Any], work: Callable[[Any], Awaitable[None]]) -> None:
    """Each item once, a few at a time."""
    waiting = iter(list(items))

    async def go() -> None:
        for item in waiting:
            await work(item)

    await asyncio.gather(*(go() for _ in range(CALLERS)))


async def issue_tokens(url: str) -> list[str]:
    """Tokens of as many systems of the company."""
    connection = await asyncpg.connect(url)
    try:
        tokens = [f"sp_{secrets.token_urlsafe(32)}" for _ in range(TOKENS)]
        for token in tokens:
            await connection.execute(NEW_SYSTEM, hashlib.sha256(token.encode()).digest())
    finally:
        await connection.close()
    return tokens
