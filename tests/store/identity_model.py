"""Random identity work on real PostgreSQL: people write, claim and prove; agents merge, take apart, move, forbid, edit.

After every step no entry is lost or doubled, every handle is one customer's, the links lead to the roots, and one open
conversation is shown of each. A merge that is undone gives back every row of both, and what came meanwhile is with
the customer of its handle.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, cast
from uuid import UUID

from hypothesis import HealthCheck, Phase, note, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test
from msgspec import Struct

from model.customer import MergeView
from model.inbound import HandleRef
from model.refusal import Refused
from profiles.edit import Change, edit
from profiles.merge import MergeOrder, merge
from profiles.move import move
from profiles.never_link import never_link
from profiles.unmerge import undo
from router.closing import close_conversation
from store.pool import Connection
from tests.store.company import Company, open_company
from tests.store.identity_facts import OWNER, OWNERS, Counts, same_rows
from tests.store.identity_place import Place
from tests.store.identity_rows import Rows, rows_of

PHONES = tuple(f"+1415555010{number}" for number in range(6))
MAILS = tuple(f"{name}@example.org" for name in ("ada.byron", "bea.clark", "cyd.fox"))
NAMES = ("Ada Byron", "Bea Clark", None)
PICK = st.integers(0, 23)
PHONE, MAIL = st.sampled_from(PHONES), st.sampled_from(MAILS)


class _Live(Struct):
    """A merge that can be undone, with the rows of both groups before it."""

    id: UUID
    members: tuple[UUID, ...]
    step: int
    rows: Rows


class Identity(Place):
    """What people and agents do, one at a time."""

    def __init__(self, *place: Any) -> None:
        super().__init__(*place)
        self.live: list[_Live] = []
        self.deck: list[str] = []

    @rule(turn=st.integers(0, 99), data=st.data())
    def act(self, turn: int, data: st.DataObject) -> None:
        """One card of the deck: hypothesis says which, and that all cards come makes no action rare."""
        action = self.drawn(turn)
        note(f"  {action}")
        getattr(self, action)(*(data.draw(each) for each in ACTIONS[action].given))

    def drawn(self, turn: int) -> str:
        """The first card from there on that can be played now; the others stay for later."""
        while True:
            for place in range(len(self.deck)):
                card = (turn + place) % len(self.deck)
                if ACTIONS[self.deck[card]].can(self):
                    return self.deck.pop(card)
            self.deck += [name for name, action in ACTIONS.items() for _ in range(action.cards)]

    # --- actions ---

    def contact(self, phone: str) -> None:
        self.ran("contact")
        is_new = self.value(OWNER, phone) is None
        self.wait(self.company.text(phone, f"message {self.step}", key=f"k{self.step}"))
        self.came(f"message {self.step}", phone)
        if is_new:
            self.touch(self.value(OWNER, phone))

    def claim(self, phone: str, mail: str) -> None:
        self.ran("claim")
        before = self.value("select count(*) from merge")
        self.send(phone, claims=(HandleRef("email", mail),))
        assert self.value("select count(*) from merge") == before, "a claim alone merges nobody"
        self.touch(self.value(OWNER, phone))

    def prove(self, phone: str, mail: str, name: str | None) -> None:
        self.ran("prove")
        merges = {row["id"] for row in self.rows("select id from merge")}
        owners = [self.value(OWNER, value) for value in (phone, mail)]
        self.touch(*(owner for owner in owners if owner))
        self.send(phone, also=(HandleRef("email", mail),), name_hint=name)
        self.touch(self.value(OWNER, phone))
        for row in self.rows("select id, survivor_id, loser_id from merge where undone_at is null"):
            if row["id"] not in merges:
                members = self.members(row["survivor_id"])
                self.live.append(_Live(row["id"], members, -1, {}))

    def merge(self, one: int, other: int) -> None:
        self.merge_these(*self.pair(one, other))

    def merge_these(self, survivor: UUID, loser: UUID) -> None:
        self.ran("merge")
        members = self.members(survivor, loser)
        rows = self.wait(rows_of(self.eye, *members))
        roots = {self.value("select root_id from customer where id = $1", each) for each in (survivor, loser)}
        done = self.do(lambda tx, by: merge(tx, MergeOrder(survivor, loser, by=by)))
        if isinstance(done, Refused):
            self.counts.refused[f"merge: {done.code}"] += 1
            assert self.wait(rows_of(self.eye, *members)) == rows, "a refusal changes nothing"
            return
        assert len(roots) == 2
        self.touch(survivor)
        self.live.append(_Live(done.id, members, self.step, rows))

    def merge_hear_and_part(self, one: int, other: int, phones: list[str]) -> None:
        """Where a message between the two is left to chance it hardly ever comes to one of the customers meant."""
        before = len(self.live)
        self.merge_these(*self.two_people(one, other))
        if len(self.live) > before:
            members = self.live[-1].members
            owners = {row["value"]: row["customer_id"] for row in self.rows(OWNERS)}
            known = [phone for phone in PHONES if owners.get(phone) in members]
            for phone in phones:
                self.contact(known[PHONES.index(phone) % len(known)] if known else phone)
            self.unmerge(-1, True)

    def unmerge(self, pick: int, newest: bool) -> None:
        self.ran("unmerge")
        link = self.live.pop(-1 if newest else pick % len(self.live))
        since = [(leaf, body) for step, leaf, body in self.arrived if step > link.step and leaf in link.members]
        is_whole = link.step >= 0 and all(self.touched.get(member, 0) <= link.step for member in link.members)
        self.touch(*link.members)
        done = self.do(lambda tx, by: undo(tx, link.id, by))
        assert isinstance(done, MergeView), done
        self.touch(*link.members)
        self.counts.returned += bool(since)
        if is_whole:
            self.counts.restored += 1
            same_rows(link.rows, self.wait(rows_of(self.eye, *link.members)), since)

    def move(self, pick: int, to: int, with_handle: bool) -> None:
        self.ran("move")
        talks = self.rows("select id, customer_id from conversation order by opened_at, id")
        talk, found = talks[pick % len(talks)], self.customers()
        target = found[to % len(found)]
        self.touch(talk["customer_id"], target)
        done = self.do(lambda tx, by: move(tx, by, talk["id"], target, with_handle=with_handle))
        if isinstance(done, Refused):
            self.counts.refused[f"move: {done.code}"] += 1
            return
        self.touch(target)
        for row in self.rows(
            "select e.body, e.customer_id from entry e join customer c on c.id = e.customer_id "
            "where c.placeholder and e.kind = 'message'"
        ):
            self.leaf_of[row["body"]] = row["customer_id"]
        for row in self.rows("select id, moved_ids from merge where undone_at is null and rule = 'moved'"):
            if all(row["id"] != link.id for link in self.live):
                self.live.append(_Live(row["id"], tuple(row["moved_ids"]), -1, {}))

    def keep_apart(self, one: int, other: int) -> None:
        self.ran("keep_apart")
        pair = self.pair(one, other)
        self.touch(*pair)
        done = self.do(lambda tx, by: never_link(tx, by, *pair))
        if isinstance(done, Refused):
            self.counts.refused[f"keep_apart: {done.code}"] += 1
        # So that merging stays possible: what is forbidden is checked at once, and most of it withdrawn.
        elif one % 4:
            both = self.do(lambda tx, by: merge(tx, MergeOrder(*pair, by=by)))
            assert isinstance(both, Refused)
            assert both.code == "conflict"
            for row in self.rows("delete from never_link returning low_id, high_id"):
                self.touch(row["low_id"], row["high_id"])

    def edit(self, pick: int, field: str, value: str | None) -> None:
        self.ran("edit")
        found = self.customers()
        customer = found[pick % len(found)]
        self.touch(customer)
        done = self.do(lambda tx, by: edit(tx, by, customer, [Change(field, value)]))
        assert not isinstance(done, Refused)

    def close(self, pick: int) -> None:
        self.ran("close")
        talks = self.rows("select id, customer_id from conversation order by opened_at, id")
        talk = talks[pick % len(talks)]
        self.touch(talk["customer_id"])
        assert self.do(lambda tx, by: close_conversation(tx, talk["id"], by)) is None

    # --- what holds after every step ---

    @invariant()
    def nothing_is_found_that_must_never_be(self) -> None:
        self.look_at_all()

    def teardown(self) -> None:
        self.look_at_all_names()


class _Action(Struct):
    """What is drawn for it, how many cards of a deck it has, and when it can be done."""

    cards: int
    given: tuple[st.SearchStrategy[Any], ...]
    can: Callable[[Identity], bool] = lambda _: True


def _somebody_is_there(model: Identity) -> bool:
    return bool(model.leaf_of)


def _something_can_be_undone(model: Identity) -> bool:
    return bool(model.live)


HEARD = st.lists(PHONE, min_size=1, max_size=2)
VALUES = st.sampled_from(("Ada", "Grace", None))
ACTIONS: Final = {
    "contact": _Action(1, (PHONE,)),
    "claim": _Action(3, (PHONE, MAIL)),
    "prove": _Action(3, (PHONE, MAIL, st.sampled_from(NAMES))),
    "merge": _Action(2, (PICK, PICK), _somebody_is_there),
    "merge_hear_and_part": _Action(5, (PICK, PICK, HEARD), _somebody_is_there),
    "unmerge": _Action(1, (PICK, st.booleans()), _something_can_be_undone),
    "move": _Action(3, (PICK, PICK, st.booleans()), _somebody_is_there),
    "keep_apart": _Action(3, (PICK, PICK), _somebody_is_there),
    "edit": _Action(3, (PICK, st.sampled_from(("name", "company")), VALUES), _somebody_is_there),
    "close": _Action(3, (PICK,), _somebody_is_there),
}
"""Each part of `merge_hear_and_part` counts as what it is: merging and undoing come often with few cards."""
DECK: Final = sum(action.cards for action in ACTIONS.values())
RULES: Final = tuple(name for name in ACTIONS if name != "merge_hear_and_part")
"""What the steps are counted by."""


@asynccontextmanager
async def _open(url: str) -> AsyncIterator[tuple[Company, Connection]]:
    async with open_company(url) as company, company.pool.acquire() as eye:
        yield company, eye


def _unheard(_: Counts) -> None:
    return


def run(
    url: str, examples: int, decks: int, seeded: int | None = None, told: Callable[[Counts], None] = _unheard
) -> Counts:
    """Run the machine in an empty database. `told` hears what was counted whenever a sequence begins.

    Raises what hypothesis raises when something does not hold.
    """
    counts = Counts()
    bounded = settings(
        max_examples=examples,
        stateful_step_count=decks * DECK,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        phases=[Phase.generate],  # making what fails smaller takes an hour: run its seed again
        suppress_health_check=list(HealthCheck),
    )
    chosen = random.SystemRandom().randrange(2**32) if seeded is None else seeded
    with asyncio.Runner() as runner:
        opened = _open(url)
        company, eye = runner.run(opened.__aenter__())

        def machine() -> Identity:
            told(counts)
            counts.sequences += 1
            return Identity(company, eye, runner.run, counts)

        try:
            run_state_machine_as_test(cast(Any, seed(chosen)(machine)), settings=bounded)
        except BaseException as error:
            error.add_note(f"run({examples}, {decks}) with the seed {chosen}")
            raise
        finally:
            runner.run(opened.__aexit__(None, None, None))
    return counts
