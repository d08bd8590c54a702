"""Facts of who is who, in any order: without a conflict the groups are the same, with one the later fact is a question.

A fact is a message or an identification that proves handles (and an external id) to be one person's, or a colleague's
word that two are not one. The database is emptied before every run.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from msgspec import Struct

from gateway.likeness_worker import LikenessWorker
from model.inbound import HandleRef, InboundMessage
from profiles.apart import record_apart
from profiles.decisions import fetch_identity
from profiles.identity import Ambiguous, Evidence, Kept, Matched, Policy, match
from profiles.never_link import never_link
from profiles.owners import fetch_owners
from profiles.people import resolve
from profiles.record import Delivery
from store.feeds import transaction
from store.pool import Connection
from tests.store.company import Company, open_company
from tests.store.invariants import empty

HANDLES: Final = (
    *(HandleRef("phone", f"+1415555010{number}") for number in range(4)),
    *(HandleRef("email", f"{name}@example.org") for name in ("ada.byron", "bea.clark", "cyd.fox")),
    *(HandleRef("social", f"visitor-{number}", "chat-main") for number in range(2)),
)
SPELLINGS: Final = ("Ada Byron", "Ada", "A. Byron", "Byron, Ada", None, None)
"""One person's, or nobody's in particular: none speaks against another."""
DIFFERENT: Final = ("Ada Byron", "Bea Clark", "Cyd Fox", None, None)
IDS: Final = ("C1", "C2", "C3")
Groups = frozenset[frozenset[str]]


class Fact(Struct, frozen=True):
    """What arrives. `never`: the profiles of its two handles are not one person; a message is on the first handle."""

    kind: str
    handles: tuple[HandleRef, ...]
    name: str | None = None
    external_id: str | None = None
    claims: tuple[HandleRef, ...] = ()

    @property
    def nodes(self) -> tuple[str, ...]:
        """What it says is one person's."""
        return (*(ref.value for ref in self.handles), *((self.external_id,) if self.external_id else ()))


class Judged(Struct, frozen=True):
    """A customer who was kept apart from the one decided for."""

    decided: UUID
    kept: Kept


class Outcome(Struct):
    """Who is one person by now, by handles and external ids; what was refused, and what is suggested."""

    groups: Groups
    questions: Groups
    """Pairs of groups, each pair as the handles and ids of both."""
    refused: Sequence[tuple[str, str | None]]
    """By the handle it was about; none: by the external id."""


class Arrivals(Struct):
    """How often what was tried."""

    examples: int = 0
    runs: int = 0
    facts: int = 0
    joined: int = 0
    """Groups of several handles that came out the same."""
    kept_apart: dict[str, int] = {}
    """Decisions that a conflict was refused, by why."""
    suggested: int = 0


# --- facts ---


@st.composite
def free_facts(draw: st.DrawFn) -> list[Fact]:
    """Of one to three people with handles of their own: nothing any of them says contradicts another."""
    owner = [draw(st.integers(0, 2)) for _ in HANDLES]
    has_id = draw(st.lists(st.booleans(), min_size=3, max_size=3))
    facts = []
    for _ in range(draw(st.integers(2, 9))):
        person = draw(st.sampled_from(sorted(set(owner))))
        own = [ref for ref, each in zip(HANDLES, owner, strict=True) if each == person]
        handles = draw(st.lists(st.sampled_from(own), min_size=1, max_size=3, unique=True))
        name = draw(st.sampled_from(SPELLINGS))
        if draw(st.booleans()):
            claims = tuple(draw(st.lists(st.sampled_from(HANDLES), max_size=1)))
            facts.append(Fact("message", tuple(handles), name, None, claims))
        else:
            given_id = IDS[person] if has_id[person] and draw(st.booleans()) else None
            facts.append(Fact("identification", tuple(handles), name, given_id))
    return facts


def _some(most: int) -> st.SearchStrategy[tuple[HandleRef, ...]]:
    return st.lists(st.sampled_from(HANDLES[:6]), min_size=1, max_size=most, unique=True).map(tuple)


ANY_FACT: Final = st.one_of(
    st.builds(Fact, st.just("message"), _some(3), st.sampled_from(DIFFERENT)),
    st.builds(Fact, st.just("identification"), _some(3), st.sampled_from(DIFFERENT), st.sampled_from((*IDS, None))),
    st.builds(Fact, st.just("never"), _some(2).filter(lambda handles: len(handles) == 2)),
)


@st.composite
def torn_facts(draw: st.DrawFn) -> list[Fact]:
    """Of few handles, with whatever contradicts; among it one conflict for certain: two people, then proven to be one.

    Their handles are in no other fact that comes before the proof, so that nothing settles the conflict earlier.
    """
    why = draw(st.sampled_from(("ids", "names", "never")))
    one, other = draw(st.permutations(HANDLES[6:]).map(lambda refs: refs[:2]))
    names = draw(st.permutations(DIFFERENT[:3])) if why == "names" else (None, None)
    ids = ("D1", "D2") if why == "ids" else (None, None)
    planted = [
        Fact("identification", (ref,), name, id_) for ref, name, id_ in zip((one, other), names, ids, strict=False)
    ]
    planted += [Fact("never", (one, other))] if why == "never" else []
    planted.append(Fact(draw(st.sampled_from(("message", "identification"))), (one, other)))
    facts = draw(st.lists(ANY_FACT, max_size=8))
    for place, fact in zip(sorted(draw(st.integers(0, len(facts))) for _ in planted)[::-1], planted[::-1], strict=True):
        facts.insert(place, fact)
    return facts


def expected(facts: Iterable[Fact]) -> Groups:
    """What is proven to be one person's, whatever the order."""
    groups: list[set[str]] = []
    for fact in facts:
        nodes = set(fact.nodes)
        met = [group for group in groups if group & nodes]
        groups = [group for group in groups if not group & nodes] + [nodes.union(*met)]
    return frozenset(frozenset(group) for group in groups)


# --- what becomes of them ---

NODES = """
select c.root_id, h.value from handle h join customer c on c.id = h.customer_id
union all
select c.root_id, c.external_id from customer c where c.external_id is not null
"""
OPEN = """
select a.root_id as low, b.root_id as high from suggestion s
  join customer a on a.id = s.low_id join customer b on b.id = s.high_id where s.state = 'open'
"""
ROOT = "select root_id from customer where id = $1"
ROOT_OF = """
select c.root_id from handle h join customer c on c.id = h.customer_id where (h.kind, h.scope, h.value) = ($1, $2, $3)
"""
NEVER = """
select true from never_link n join customer a on a.id = n.low_id join customer b on b.id = n.high_id
 where array[a.root_id, b.root_id] <@ $1::uuid[] and a.root_id <> b.root_id
"""


class Arrival:
    """One run of facts in an order, in an empty database."""

    def __init__(self, company: Company, eye: Connection, seen: Arrivals) -> None:
        self._company, self._eye, self._seen = company, eye, seen
        self._judged: list[Judged] = []
        self._facts: Sequence[Fact] = ()

    async def take(self, facts: Sequence[Fact]) -> None:
        """Empty the database, then one fact after the other."""
        await empty(self._company)
        self._actor = await self._company.hire("Ada", role="supervisor")
        self._seen.runs += 1
        self._facts = facts
        for number, fact in enumerate(facts):
            self._seen.facts += 1
            await self._arrive(number, fact)

    async def _arrive(self, number: int, fact: Fact) -> None:
        if fact.kind == "never":
            pair = [await self._eye.fetchval(ROOT_OF, ref.kind, ref.scope, ref.value) for ref in fact.handles]
            if all(pair):
                async with transaction(self._company.pool, self._company.announce) as tx:
                    await never_link(tx, self._actor, pair[0], pair[1])
            return
        if fact.kind == "message":
            customer, kept = await self._hear(number, fact)
        else:
            evidence = Evidence(fact.handles, name=fact.name, external_id=fact.external_id, source="service")
            async with transaction(self._company.pool, self._company.announce) as tx:
                found = await resolve(tx, evidence)
            assert not isinstance(found.decision, Ambiguous), "no handle here is shared"
            customer, kept = found.customer, found.decision.kept
        assert customer is not None
        self._judged += [Judged(customer, each) for each in kept]

    async def _hear(self, number: int, fact: Fact) -> tuple[UUID | None, tuple[Kept, ...]]:
        """A message hands no decision out: it is asked for beforehand, and that it was carried out is looked at."""
        evidence = Evidence(fact.handles, fact.claims, name=fact.name)
        known = await fetch_owners(self._eye, evidence)
        decision = match(evidence, [row.owner for row in known], Policy())
        assert not isinstance(decision, Ambiguous), "no handle here is shared"
        first, *also = fact.handles
        body = f"message {number}"
        message = InboundMessage(f"k{number}", first, body, also=tuple(also), claims=fact.claims, name_hint=fact.name)
        async with transaction(self._company.pool, self._company.announce) as tx:
            await record_apart(tx, Delivery("sms-main", "sms", message, None, "", None, b""))
        if isinstance(decision, Matched):
            return decision.customer, decision.kept
        new = decision.add[0]
        return await self._eye.fetchval(ROOT_OF, new.kind, new.scope, new.value), decision.kept

    async def _names_of(self, *roots: UUID) -> set[str]:
        """What was said of these groups' names by any fact about a handle of theirs; equal or clearly different."""
        by_root = await self._by_root()
        values = set().union(*(by_root.get(root, set()) for root in roots))
        return {fact.name for fact in self._facts if fact.name and values & {ref.value for ref in fact.handles}}

    async def groups(self) -> Groups:
        """The partition of the handles and external ids."""
        return frozenset(frozenset(group) for group in (await self._by_root()).values())

    async def _by_root(self) -> dict[UUID, set[str]]:
        groups: dict[UUID, set[str]] = {}
        for root, value in await self._eye.fetch(NODES):
            groups.setdefault(root, set()).add(value)
        return groups

    async def outcome(self) -> Outcome:
        """After the background has looked for who may be one person."""
        await LikenessWorker(self._company.pool, self._company.announce).drain()
        by_root = await self._by_root()
        pairs = {frozenset((row["low"], row["high"])) for row in await self._eye.fetch(OPEN)}
        for judged in self._judged:
            await self._is_asked(judged, pairs)
        questions = frozenset(frozenset().union(*(by_root.get(root, set()) for root in pair)) for pair in pairs)
        refused = [(each.kept.why, each.kept.handle.value if each.kept.handle else None) for each in self._judged]
        return Outcome(frozenset(map(frozenset, by_root.values())), questions, refused)

    async def _is_asked(self, judged: Judged, pairs: set[frozenset[UUID]]) -> None:
        """What was refused is a decision to read, and a suggestion between the two now.

        Not of two whom a colleague keeps apart, and not of two with different names, who may well share a phone: there
        the decision to read is all.
        """
        ours, theirs = [await self._eye.fetchval(ROOT, each) for each in (judged.decided, judged.kept.customer)]
        if ours == theirs:  # what came later speaks for it
            return
        why = judged.kept.why
        self._seen.kept_apart[why] = self._seen.kept_apart.get(why, 0) + 1
        refused = (await fetch_identity(self._eye, ours)).claims
        named = judged.kept.handle
        assert any(
            claim.proven and (named is None or (claim.kind, claim.value) == (named.kind, named.value))
            for claim in refused
        ), ("the refused decision is not to be read", judged, refused)
        if await self._eye.fetchval(NEVER, [ours, theirs]):
            assert frozenset((ours, theirs)) not in pairs, "whom a colleague keeps apart is not suggested"
        elif why != "different_names" and len(await self._names_of(ours, theirs)) < 2:
            assert frozenset((ours, theirs)) in pairs, ("no suggestion", judged)
            self._seen.suggested += 1


@asynccontextmanager
async def _open(url: str) -> AsyncIterator[tuple[Company, Connection]]:
    async with open_company(url) as company, company.pool.acquire() as eye:
        yield company, eye


def run_free(url: str, examples: int, orders: int = 2, seeded: int | None = None) -> Arrivals:
    """Facts without a conflict, each set in several orders: the groups are those that the facts prove."""
    seen = Arrivals()
    with asyncio.Runner() as runner:
        opened = _open(url)
        company, eye = runner.run(opened.__aenter__())

        @_bounded(examples, seeded)
        @given(free_facts(), st.lists(st.randoms(use_true_random=False), min_size=orders - 1, max_size=orders - 1))
        def in_any_order(facts: list[Fact], shuffles: list[random.Random]) -> None:
            seen.examples += 1
            wanted = expected(facts)
            for order in [facts, *(shuffle.sample(facts, len(facts)) for shuffle in shuffles)]:
                arrival = Arrival(company, eye, seen)
                runner.run(arrival.take(order))
                found = runner.run(arrival.groups())
                assert found == wanted, (order, found, wanted)
            seen.joined += sum(len(group) > 1 for group in wanted)

        in_any_order()
        runner.run(opened.__aexit__(None, None, None))
    return seen


def run_torn(url: str, examples: int, seeded: int | None = None) -> Arrivals:
    """Facts with conflicts, each list twice: the same groups and the same questions."""
    seen = Arrivals()
    with asyncio.Runner() as runner:
        opened = _open(url)
        company, eye = runner.run(opened.__aenter__())

        @_bounded(examples, seeded)
        @given(torn_facts())
        def twice(facts: list[Fact]) -> None:
            seen.examples += 1
            outcomes = []
            for _ in range(2):
                arrival = Arrival(company, eye, seen)
                runner.run(arrival.take(facts))
                outcomes.append(runner.run(arrival.outcome()))
            assert outcomes[0] == outcomes[1], facts

        twice()
        runner.run(opened.__aexit__(None, None, None))
    return seen


def _bounded(examples: int, seeded: int | None) -> Callable[[Any], Any]:
    bounded = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    chosen = random.SystemRandom().randrange(2**32) if seeded is None else seeded
    return lambda test: seed(chosen)(bounded(test))
