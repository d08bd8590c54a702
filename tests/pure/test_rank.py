"""Who is given what: never too much, never whom they refused, longest idle first, nobody blocked by the one before."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from router.rank import FreeAgent, Pair, Waiting, rank, reject

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
NEEDS = (1, 2, 3)


def agent(
    number: int, *, idle: int = 0, needs: tuple[int, ...] = (1,), messaging: int = 1, voice: int = 0
) -> FreeAgent:
    """`idle`: seconds; the higher, the longer."""
    free = {"messaging": messaging, "voice": voice}
    return FreeAgent(UUID(int=number), START - timedelta(seconds=idle), frozenset(needs), free)  # type: ignore[arg-type]


def waiting(number: int, *, need: int = 1, order: int | None = None, weight: int = 1, **more: object) -> Waiting:
    order_key = number if order is None else order
    return Waiting(UUID(int=number), need, "messaging", weight, order_key, **more)  # type: ignore[arg-type]


def numbers(pairs: list[Pair]) -> list[tuple[int, int]]:
    return [(pair.contact.id.int, pair.agent.int) for pair in pairs]


AGENTS = st.lists(
    st.builds(
        agent,
        st.integers(1, 6),
        idle=st.integers(0, 3),
        needs=st.sets(st.sampled_from(NEEDS)).map(tuple),
        messaging=st.integers(0, 3),
        voice=st.integers(0, 1),
    ),
    unique_by=lambda one: one.id,
    max_size=6,
)
ONE = st.integers(1, 6).map(lambda number: UUID(int=number))
CONTACTS = st.lists(
    st.builds(
        Waiting,
        st.integers(100, 120).map(lambda number: UUID(int=number)),
        st.sampled_from(NEEDS),
        st.sampled_from(("messaging", "voice")),
        st.integers(1, 2),
        st.integers(0, 4),
        st.frozensets(ONE, max_size=3),
        st.one_of(st.none(), st.none(), ONE),
    ),
    unique_by=lambda one: one.id,
    max_size=12,
)


@given(CONTACTS, AGENTS)
def test_nobody_is_given_more_than_they_have_room_for_nor_what_they_must_not_have(
    contacts: list[Waiting], agents: list[FreeAgent]
) -> None:
    free = {one.id: dict(one.free) for one in agents}
    by_id = {one.id: one for one in agents}
    pairs = rank(contacts, agents)
    assert len({pair.contact.id for pair in pairs}) == len(pairs)
    for pair in pairs:
        slots = free[pair.agent]
        assert reject(pair.contact, by_id[pair.agent], slots[pair.contact.work_class]) is None
        slots[pair.contact.work_class] -= pair.contact.weight
        assert min(slots.values()) >= 0


@given(CONTACTS, AGENTS)
def test_each_in_turn_goes_to_whom_was_given_least_then_is_idle_longest(
    contacts: list[Waiting], agents: list[FreeAgent]
) -> None:
    """The plain way to say it: look at everybody for every contact. Nobody whom an agent could take is left over."""
    free = {one.id: dict(one.free) for one in agents}
    turns = dict.fromkeys(free, 0)
    expected: list[Pair] = []
    for contact in sorted(contacts, key=lambda one: (one.order_key, one.id)):
        able = [one for one in agents if reject(contact, one, free[one.id][contact.work_class]) is None]
        if able:
            chosen = min(able, key=lambda one: (turns[one.id], one.idle_since, one.id)).id
            free[chosen][contact.work_class] -= contact.weight
            turns[chosen] += 1
            expected.append(Pair(contact, chosen))
    assert rank(contacts, agents) == expected


@given(CONTACTS, AGENTS, st.randoms(use_true_random=False))
def test_the_order_in_which_they_were_read_changes_nothing(
    contacts: list[Waiting], agents: list[FreeAgent], shuffle: random.Random
) -> None:
    before = rank(contacts, agents)
    shuffle.shuffle(contacts)
    shuffle.shuffle(agents)
    assert rank(contacts, agents) == before


def test_the_longest_idle_is_asked_first_and_goes_behind_all_others() -> None:
    agents = [agent(1, idle=5, messaging=2), agent(2, idle=9, messaging=2)]
    pairs = rank([waiting(10), waiting(11), waiting(12)], agents)
    assert numbers(pairs) == [(10, 2), (11, 1), (12, 2)]


def test_agents_idle_for_as_long_are_asked_by_id() -> None:
    assert numbers(rank([waiting(10)], [agent(2), agent(1)])) == [(10, 1)]


def test_a_contact_nobody_can_take_does_not_block_those_behind_it() -> None:
    unservable = [waiting(number, need=9) for number in range(10, 60)]
    assert numbers(rank([*unservable, waiting(60)], [agent(1)])) == [(60, 1)]


def test_a_contact_too_heavy_for_anyone_leaves_the_slot_to_the_next() -> None:
    assert numbers(rank([waiting(10, weight=2), waiting(11)], [agent(1)])) == [(11, 1)]


def test_who_declined_is_passed_over_and_still_asked_for_the_next() -> None:
    declined = waiting(10, declined_by=frozenset({UUID(int=1)}))
    assert numbers(rank([declined, waiting(11)], [agent(1, idle=9), agent(2)])) == [(10, 2), (11, 1)]


def test_a_preferred_contact_goes_to_its_owner_alone_whatever_they_serve() -> None:
    mine = waiting(10, need=9, preferred=UUID(int=1))
    assert numbers(rank([mine], [agent(1), agent(2, idle=9, needs=(9,))])) == [(10, 1)]
    assert rank([mine], [agent(2, needs=(9,))]) == []
    assert reject(mine, agent(2), 1) == "not_preferred"


def test_every_reason_against_an_agent_has_its_name() -> None:
    assert reject(waiting(10, need=2), agent(1), 1) == "needs"
    assert reject(waiting(10, declined_by=frozenset({UUID(int=1)})), agent(1), 1) == "declined"
    assert reject(waiting(10), agent(1), 0) == "capacity"
    assert reject(waiting(10), agent(1), 1) is None


def test_a_call_never_takes_the_slot_of_a_text() -> None:
    call = Waiting(UUID(int=10), 1, "voice", 1, 0)
    assert rank([call], [agent(1, messaging=3, voice=0)]) == []
    assert numbers(rank([call, waiting(11)], [agent(1, messaging=1, voice=1)])) == [(10, 1), (11, 1)]


def test_lower_order_goes_first() -> None:
    assert numbers(rank([waiting(10, order=5), waiting(11, order=4)], [agent(1)])) == [(11, 1)]
