"""Random work against a small model of it on real PostgreSQL (F17): after every step the two agree, no invariant is
broken, and what a screen made of the events is what it would be shown anew (INV18).

Which agent dispatch chooses is left to it: the model says which choices are legal, and takes over the one made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from model.contact import ContactState
from router.decisions import explain_decision
from tests.store.invariants import follow, violations
from tests.store.work_acts import Acts
from tests.store.work_handing import ANSWERS, WORKING
from tests.store.work_model import LIVE, RULE_SETS, TALKS
from tests.store.work_place import PHONES

PICK = st.integers(0, 11)
WHO = st.integers(0, 2)
SEATS = "select agent_id, presence, connected from agent_state"
DECISIONS = "select id from decision order by at, id"


class Work(Acts):
    """Actions from a deck, and what holds after each."""

    # --- how it is played ---

    @rule(turn=st.integers(0, 99), data=st.data())
    def act(self, turn: int, data: st.DataObject) -> None:
        """One card of the deck: hypothesis says which, and that all cards come makes no action rare."""
        action = self.drawn(turn)
        note(f"  {action}")
        self.step += 1
        self.counts[action] += 1
        getattr(self, action)(*(data.draw(each) for each in ACTIONS[action].given))

    def drawn(self, turn: int) -> str:
        """The first card from there on that can be played now; the others stay for later."""
        while True:
            for place in range(len(self.deck)):
                card = (turn + place) % len(self.deck)
                if ACTIONS[self.deck[card]].can(self):
                    return self.deck.pop(card)
            self.deck += [name for name, action in ACTIONS.items() for _ in range(action.cards)]

    # --- what holds after every step ---

    @invariant()
    def the_model_and_the_database_agree(self) -> None:
        self.live = {phone: held for phone, held in self.live.items() if held.state != "closed"}
        names = ("id", "state", "agent", "shown", "deadline", "answered", "offer", "queue", "arrived_at", "asked")
        stored = {phone: tuple(row[name] for name in names) for phone, row in self.rows(LIVE).items()}
        known = {phone: tuple(getattr(held, name) for name in names) for phone, held in self.live.items()}
        assert stored == known, [(names, stored.get(phone), known.get(phone)) for phone in {*stored, *known}]
        there = {row["agent_id"]: (row["presence"], row["connected"]) for row in self.wait(self.eye.fetch(SEATS))}
        there.pop(self.boss.id)
        assert there == {seat.actor.id: (seat.presence, bool(seat.screens)) for seat in self.seats}

    @invariant()
    def nothing_is_found_that_must_never_be(self) -> None:
        assert self.wait(violations(self.eye, [seat.actor.id for seat in self.seats])) == []

    @invariant()
    def a_screen_that_followed_shows_what_a_new_one_would(self) -> None:
        found = self.rows(TALKS)
        assert {phone: row["said"] for phone, row in found.items()} == {
            phone: len(said) for phone, said in self.said.items()
        }
        # Who was never merged is written to in the one conversation again and again.
        assert all(row["talks"] == 1 for phone, row in found.items() if len(self.group(phone)) == 1)
        opened = {self.groups[phone] for phone, row in found.items() if row["open"]}
        assert opened == {self.groups[phone] for phone in self.said if phone not in self.closed}
        self.follow(found, lambda root, seq: root not in self.mirrors or self.mirrors[root].seq != seq)

    def follow(self, found: dict[str, Any], chosen: Callable[[UUID, int], bool]) -> None:
        """INV18."""
        for row in found.values():
            root = row["root_id"]
            if chosen(root, row["seq"]):
                self.mirrors[root] = self.wait(follow(self.eye, root, self.mirrors.get(root)))

    def teardown(self) -> None:
        """INV16: every decision comes out the same again, whatever was published and said since.

        And every profile is as it was followed, also where nothing was told of it.
        """
        self.follow(self.rows(TALKS), lambda _root, _seq: True)
        for row in self.wait(self.eye.fetch(DECISIONS)):
            explained = self.wait(explain_decision(self.eye, row["id"]))
            assert explained is not None
            assert explained.agrees, explained


class Action(msgspec.Struct, frozen=True):
    """What is drawn for it, how many cards of a deck it has, and when it can be done."""

    cards: int
    given: tuple[st.SearchStrategy[Any], ...] = ()
    can: Callable[[Work], bool] = lambda _: True


def _in(*states: ContactState) -> Callable[[Work], bool]:
    return lambda work: bool(work.those(*states))


def _live(work: Work) -> bool:
    return bool(work.live)


BOOL = st.booleans()
OFTEN = st.sampled_from((True, True, False))
STATUS = st.sampled_from(("available", "available", "available", "away", "offline"))
ACTIONS: dict[str, Action] = {
    "write": Action(6, (st.sampled_from(PHONES), st.sampled_from((False, False, False, True)), OFTEN, OFTEN)),
    "write_the_same_again": Action(1, (), lambda work: bool(work.said)),
    "accept": Action(5, (PICK,), _in("offered")),
    "accept_what_is_not_theirs": Action(1, (PICK,), _in("offered")),
    "decline": Action(5, (PICK,), _in("offered")),
    "answer": Action(3, (PICK, WHO, BOOL), _live),
    "look": Action(2, (PICK,), _in("assigned")),
    "end": Action(3, (PICK, WHO, BOOL), _live),
    "end_wrap_up": Action(1, (PICK,), _in("wrapping")),
    "hand_on": Action(3, (PICK, WHO, st.sampled_from((None, None, "general", "auto")), BOOL), _live),
    "ask_to_take": Action(3, (PICK, WHO, OFTEN), _in("assigned", "parked")),
    "answer_who_asks": Action(3, (PICK, st.sampled_from(ANSWERS)), lambda work: bool(work.those_asked())),
    "choose": Action(2, (WHO, STATUS), _in(*WORKING)),
    "connect": Action(5, (WHO,), lambda work: not all(seat.routable for seat in work.seats)),
    "disconnect": Action(2, (WHO, BOOL), _in(*WORKING)),
    "close": Action(1, (PICK, st.integers(0, 3)), _live),
    "merge": Action(1, (PICK, PICK), lambda work: len({work.groups[phone] for phone in work.said}) > 1),
    "change_capacity": Action(2, (WHO, st.sampled_from((0, 1, 2, 2, 3)))),
    "publish": Action(2, (st.sampled_from(sorted(RULE_SETS)),)),
    "restart": Action(1, (BOOL,)),
    "time_passes": Action(4, (PICK, BOOL), lambda work: any(held.timed for held in work.live.values())),
    "settle": Action(2),
    "drain": Action(4),
}
