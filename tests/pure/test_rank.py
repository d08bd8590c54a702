"""Who is given what: never too much, never whom they refused, in the order of the queue, nobody blocked by another."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from router.rank import FreeAgent, Pair, Reason, Room, Waiting, less, rank, reject
from router.skills import SkillLevel, met

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
NEEDS = (1, 2, 3)
QUEUE_OF = {1: "general", 2: "general", 3: "billing"}
SELECTION_OF = {"general": "longest_idle", "billing": "least_loaded", "round": "round_robin"}


def agent(
    number: int, *, idle: int = 0, needs: tuple[int, ...] = (1,), messaging: int = 1, voice: int = 0, **more: object
) -> FreeAgent:
    """`idle`: seconds; the higher, the longer. `total` and `left` are limits."""
    limits = {"total": more.pop("total", None), "queues": more.pop("left", {})}
    room = Room({"messaging": messaging, "voice": voice}, **limits)  # type: ignore[arg-type]
    more.setdefault("slots", {"messaging": messaging, "voice": voice})
    return FreeAgent(UUID(int=number), START - timedelta(seconds=idle), room, frozenset(needs), **more)  # type: ignore[arg-type]


def waiting(number: int, *, need: int = 1, order: int | None = None, weight: int = 1, **more: object) -> Waiting:
    order_key = number if order is None else order
    return Waiting(UUID(int=number), need, "messaging", weight, order_key, **more)  # type: ignore[arg-type]


def numbers(pairs: list[Pair]) -> list[tuple[int, int]]:
    return [(pair.contact.id.int, pair.agent.int) for pair in pairs]


LEVELS = st.dictionaries(st.sampled_from(("spanish", "billing")), st.integers(1, 3))
AGENTS = st.lists(
    st.builds(
        agent,
        st.integers(1, 6),
        idle=st.integers(0, 3),
        needs=st.sets(st.sampled_from(NEEDS)).map(tuple),
        messaging=st.integers(0, 3),
        voice=st.integers(0, 1),
        total=st.one_of(st.none(), st.integers(0, 3)),
        left=st.one_of(st.just({}), st.just({"general": 1}), st.just({"billing": 0})),
        skills=LEVELS,
        queues=st.fixed_dictionaries({}, optional={"billing": st.integers(0, 3).map(lambda s: START + timedelta(s))}),
    ),
    unique_by=lambda one: one.id,
    max_size=6,
)
ONE = st.integers(1, 6).map(lambda number: UUID(int=number))
PREFERS = {1: (), 2: (SkillLevel("spanish", 2),), 3: (SkillLevel("billing", 1), SkillLevel("spanish", 3))}


def of_need(contact: Waiting, selection: dict[int, str]) -> Waiting:
    """Contacts of one need are alike in all but what is their own."""
    return replace(
        contact,
        queue=QUEUE_OF[contact.need],
        prefers=PREFERS[contact.need],
        selection=selection[contact.need],
        weight=1 + contact.need // 3,
        work_class="voice" if contact.need == 2 else "messaging",
        interruptible=contact.need == 1,
    )


SELECTIONS = st.fixed_dictionaries({need: st.sampled_from(tuple(SELECTION_OF.values())) for need in NEEDS})
PLAIN = st.lists(
    st.builds(
        Waiting,
        st.integers(100, 120).map(lambda number: UUID(int=number)),
        st.sampled_from(NEEDS),
        st.just("messaging"),
        st.just(1),
        st.integers(0, 4),
        st.frozensets(ONE, max_size=3),
        st.one_of(st.none(), st.none(), ONE),
        seats=st.sampled_from((1, 1, 3)),
    ),
    unique_by=lambda one: one.id,
    max_size=12,
)
CONTACTS = st.tuples(PLAIN, SELECTIONS).map(lambda both: [of_need(each, both[1]) for each in both[0]])


@given(CONTACTS, AGENTS)
def test_nobody_is_given_more_than_they_have_room_for_nor_what_they_must_not_have(
    contacts: list[Waiting], agents: list[FreeAgent]
) -> None:
    rooms = {one.id: one.room for one in agents}
    by_id = {one.id: one for one in agents}
    pairs = rank(contacts, agents)
    assert len({(pair.contact.id, pair.agent) for pair in pairs}) == len(pairs), "asked twice"
    for pair in pairs:
        assert reject(pair.contact, by_id[pair.agent], rooms[pair.agent]) is None
        rooms[pair.agent] = less(rooms[pair.agent], pair.contact)
    for room in rooms.values():
        assert min([*room.free.values(), room.total or 0, *room.queues.values()]) >= 0
    for contact in contacts:
        seats = [pair.seat for pair in pairs if pair.contact.id == contact.id]
        assert seats == list(range(len(seats)))
        assert len(seats) <= contact.seats


@given(CONTACTS, AGENTS)
def test_each_in_turn_goes_to_the_first_by_the_order_of_its_queue(
    contacts: list[Waiting], agents: list[FreeAgent]
) -> None:
    """The plain way to say it: look at everybody for every contact. Nobody whom an agent could take is left over."""
    rooms = {one.id: one.room for one in agents}
    given_: dict[UUID, list[str]] = {one.id: [] for one in agents}

    def place(contact: Waiting, one: FreeAgent) -> tuple[object, ...]:
        fit = -met(contact.prefers, one.skills)
        if contact.selection == "round_robin":
            last = one.queues.get(contact.queue) or datetime.min.replace(tzinfo=UTC)
            return fit, given_[one.id].count(contact.queue), last, one.id
        if contact.selection == "least_loaded":
            slots = one.slots.get(contact.work_class, 0)
            return fit, 1 - rooms[one.id].free[contact.work_class] / slots, one.idle_since, one.id
        return fit, len(given_[one.id]), one.idle_since, one.id

    expected: list[tuple[UUID, UUID]] = []

    def ask(contact: Waiting, besides: set[UUID]) -> UUID | None:
        able = [one for one in agents if one.id not in besides and reject(contact, one, rooms[one.id]) is None]
        if not able:
            return None
        chosen = min(able, key=lambda one: place(contact, one)).id
        rooms[chosen] = less(rooms[chosen], contact)
        given_[chosen].append(contact.queue)
        expected.append((contact.id, chosen))
        return chosen

    ordered = sorted(contacts, key=lambda one: (one.order_key, one.id))
    first = {contact.id: ask(contact, set()) for contact in ordered}
    for contact in ordered:
        asked = {chosen for chosen in (first[contact.id],) if chosen is not None}
        while asked and len(asked) < contact.seats and contact.preferred is None:
            chosen = ask(contact, asked)
            if chosen is None:
                break
            asked.add(chosen)
    assert [(pair.contact.id, pair.agent) for pair in rank(contacts, agents)] == expected


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


def test_the_least_loaded_is_who_has_the_smallest_part_of_their_slots_taken() -> None:
    half = agent(1, idle=9, messaging=1, slots={"messaging": 2})
    third = agent(2, messaging=2, slots={"messaging": 3})
    contacts = [waiting(number, selection="least_loaded") for number in (10, 11, 12)]
    assert numbers(rank(contacts, [half, third])) == [(10, 2), (11, 1), (12, 2)]


def test_round_robin_asks_who_was_given_one_of_this_queue_longest_ago() -> None:
    served = agent(1, idle=9, messaging=2, queues={"general": START})
    never = agent(2, messaging=2, queues={"general": None})
    contacts = [waiting(number, selection="round_robin", queue="general") for number in (10, 11, 12)]
    assert numbers(rank(contacts, [served, never])) == [(10, 2), (11, 1), (12, 2)]


def test_who_has_more_of_the_preferred_skills_goes_first_and_the_others_are_not_left_out() -> None:
    prefers = (SkillLevel("billing", 2), SkillLevel("spanish", 1))
    both = agent(1, skills={"billing": 2, "spanish": 5})
    one = agent(2, idle=5, skills={"billing": 9})
    below = agent(3, idle=9, skills={"billing": 1})
    contacts = [waiting(number, prefers=prefers) for number in (10, 11, 12)]
    assert numbers(rank(contacts, [below, one, both])) == [(10, 1), (11, 2), (12, 3)]


def test_several_are_asked_at_once_with_what_is_left_when_everybody_had_their_turn() -> None:
    agents = [agent(number, idle=9 - number) for number in (1, 2, 3, 4)]
    pairs = rank([waiting(10, seats=3), waiting(11)], agents)
    assert [(*pair, seat.seat) for pair, seat in zip(numbers(pairs), pairs, strict=True)] == [
        (10, 1, 0),
        (11, 2, 0),
        (10, 3, 1),
        (10, 4, 2),
    ]


def test_a_contact_nobody_can_take_does_not_block_those_behind_it() -> None:
    unservable = [waiting(number, need=9) for number in range(10, 60)]
    assert numbers(rank([*unservable, waiting(60)], [agent(1)])) == [(60, 1)]


def test_a_contact_too_heavy_for_anyone_leaves_the_slot_to_the_next() -> None:
    assert numbers(rank([waiting(10, need=2, weight=2), waiting(11)], [agent(1, needs=(1, 2))])) == [(11, 1)]


def test_a_limit_over_all_classes_holds_back_what_counts_and_nothing_else() -> None:
    full = agent(1, needs=(1, 2), messaging=3, total=0)
    assert rank([waiting(10)], [full]) == []
    assert numbers(rank([waiting(10), waiting(11, need=2, interruptible=True)], [full])) == [(11, 1)]


def test_a_limit_of_a_queue_holds_back_that_queue_alone() -> None:
    limited = agent(1, needs=(1, 3), messaging=3, left={"billing": 1})
    contacts = [
        waiting(10, need=3, queue="billing"),
        waiting(11, need=3, queue="billing"),
        waiting(12, queue="general"),
    ]
    assert numbers(rank(contacts, [limited])) == [(10, 1), (12, 1)]


def test_who_declined_is_passed_over_and_still_asked_for_the_next() -> None:
    declined = waiting(10, declined_by=frozenset({UUID(int=1)}))
    assert numbers(rank([declined, waiting(11)], [agent(1, idle=9), agent(2)])) == [(10, 2), (11, 1)]


def test_a_preferred_contact_goes_to_its_owner_alone_whatever_they_serve() -> None:
    mine = waiting(10, need=9, preferred=UUID(int=1), seats=3)
    assert numbers(rank([mine], [agent(1), agent(2, idle=9, needs=(9,))])) == [(10, 1)]
    assert rank([mine], [agent(2, needs=(9,))]) == []


SPANISH = (SkillLevel("spanish", 3),)
AS_OF = agent(1, needs=(), queues={"general": None}, skills={"spanish": 2, "billing": 9})
THEN = replace(AS_OF, needs=None)
"""Read back from history: queues and skills say what they served."""
ASKED = waiting(10, queue="general")


@pytest.mark.parametrize(
    ("contact", "whom", "why"),
    [
        (ASKED, THEN, None),
        (ASKED, replace(THEN, presence="offline"), Reason("offline")),
        (ASKED, replace(THEN, presence="away"), Reason("away")),
        (ASKED, replace(THEN, connected=False), Reason("not_connected")),
        (replace(ASKED, preferred=UUID(int=2)), THEN, Reason("not_preferred")),
        (ASKED, AS_OF, Reason("need")),
        (replace(ASKED, queue="night"), THEN, Reason("queue")),
        (replace(ASKED, skills=(*SPANISH, SkillLevel("billing", 9))), THEN, Reason("skills", SPANISH)),
        (replace(ASKED, declined_by=frozenset({UUID(int=1)})), THEN, Reason("declined")),
        (replace(ASKED, weight=2), THEN, Reason("capacity")),
        (ASKED, replace(THEN, room=Room({"messaging": 1}, 0)), Reason("total")),
        (ASKED, replace(THEN, room=Room({"messaging": 1}, 1, {"general": 0})), Reason("queue_limit")),
    ],
)
def test_every_reason_against_an_agent_has_its_name(contact: Waiting, whom: FreeAgent, why: Reason | None) -> None:
    assert reject(contact, whom) == why


def test_what_is_left_now_counts_not_what_was_left_at_first() -> None:
    assert reject(waiting(10), agent(1), Room({"messaging": 0})) == Reason("capacity")


def test_a_call_never_takes_the_slot_of_a_text() -> None:
    call = Waiting(UUID(int=10), 1, "voice", 1, 0)
    assert rank([call], [agent(1, messaging=3, voice=0)]) == []
    text = waiting(11, need=2)
    assert numbers(rank([call, text], [agent(1, needs=(1, 2), messaging=1, voice=1)])) == [(10, 1), (11, 1)]


def test_lower_order_goes_first() -> None:
    assert numbers(rank([waiting(10, order=5), waiting(11, order=4)], [agent(1)])) == [(11, 1)]
