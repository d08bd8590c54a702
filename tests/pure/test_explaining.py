"""Worked out again, the agent who was chosen is the one `rank` chose, and nobody else comes before them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from router.explaining import AsOf, ExplainedAgent, explain, first
from router.rank import FreeAgent, Room, Waiting, rank
from router.skills import SkillLevel, lacking

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
QUEUES = ("general", "billing", "round")
LEVELS = st.dictionaries(st.sampled_from(("spanish", "tax")), st.integers(1, 3))
WANTED = LEVELS.map(lambda levels: tuple(SkillLevel(skill, level) for skill, level in sorted(levels.items())))
MOMENT = st.integers(0, 3).map(lambda seconds: START + timedelta(seconds=seconds))
AGENTS = st.lists(
    st.builds(
        FreeAgent,
        st.integers(1, 6).map(lambda number: UUID(int=number)),
        MOMENT,
        st.builds(
            Room,
            st.fixed_dictionaries({"messaging": st.integers(0, 3), "voice": st.integers(0, 1)}),
            st.none() | st.integers(0, 3),
            st.dictionaries(st.sampled_from(QUEUES), st.integers(0, 2)),
        ),
        queues=st.dictionaries(st.sampled_from(QUEUES), st.none() | MOMENT),
        skills=LEVELS,
        slots=st.just({"messaging": 3, "voice": 1}),
    ),
    unique_by=lambda agent: agent.id,
    max_size=6,
)
NEEDS = st.lists(
    st.builds(
        Waiting,
        st.just(UUID(int=0)),
        st.just(0),
        st.sampled_from(("messaging", "voice")),
        st.integers(1, 2),
        st.just(0),
        queue=st.sampled_from(QUEUES),
        skills=WANTED,
        prefers=WANTED,
        selection=st.sampled_from(("longest_idle", "least_loaded", "round_robin")),
        interruptible=st.booleans(),
        seats=st.integers(1, 3),
    ),
    min_size=1,
    max_size=3,
)
OWN = st.tuples(
    st.integers(0, 2),
    st.integers(0, 9),
    st.sets(st.integers(1, 6).map(lambda number: UUID(int=number)), max_size=2),
    st.none() | st.integers(1, 6).map(lambda number: UUID(int=number)),
)


def knows(agent: FreeAgent, needs: list[Waiting]) -> FreeAgent:
    """As dispatch reads them: with the needs that their queues and skills make them serve."""
    served = (i for i, n in enumerate(needs) if n.queue in agent.queues and not lacking(n.skills, agent.skills))
    return replace(agent, needs=frozenset(served))


@given(AGENTS, NEEDS, st.lists(OWN, max_size=8))
def test_whoever_rank_chose_is_explained_as_the_first_of_those_who_could(
    agents: list[FreeAgent],
    needs: list[Waiting],
    own: list[tuple[int, int, set[UUID], UUID | None]],
) -> None:
    contacts = [
        replace(
            needs[need % len(needs)],
            id=UUID(int=100 + number),
            need=need % len(needs),
            order_key=order,
            declined_by=frozenset(declined),
            preferred=preferred,
        )
        for number, (need, order, declined, preferred) in enumerate(own)
    ]
    pairs = rank(contacts, [knows(agent, needs) for agent in agents])
    for place, pair in enumerate(pairs):
        before = pairs[:place]
        seen = [
            AsOf(agent, str(agent.id.int), tuple(each.contact for each in before if each.agent == agent.id))
            for agent in agents
        ]
        too = frozenset(each.agent for each in before if each.contact.id == pair.contact.id)
        others = [each for each in seen if each.agent.id not in too]
        assert first(pair.contact, others) == pair.agent
        told = explain(pair.contact, pair.agent, seen, too)
        assert (told[0].agent, told[0].chosen, len(told)) == (pair.agent, True, len(agents))
        assert told[0].detail, "it says what speaks for them"
        assert "passed" not in {each.reason for each in told}
        assert {each.agent for each in told if each.reason == "asked_too"} == too
        assert all(each.detail.endswith(".") for each in told)


def as_of(number: int, idle: int = 0, **more: object) -> AsOf:
    idle_since = START - timedelta(seconds=idle)
    agent = FreeAgent(UUID(int=number), idle_since, Room({"messaging": 1}), queues={"general": None})
    return AsOf(replace(agent, **more), f"Agent {number}")


def by_name(told: tuple[ExplainedAgent, ...]) -> list[tuple[str, str]]:
    return [(each.name, each.reason) for each in told]


def test_who_took_it_by_hand_is_chosen_and_whoever_stood_before_them_was_passed() -> None:
    contact = Waiting(UUID(int=9), 1, "messaging", 1, 0, preferred=UUID(int=2), queue="general")
    agents = [as_of(1, 5), as_of(2, 1), as_of(3, presence="away"), as_of(4, 9)]
    assert by_name(explain(contact, UUID(int=1), agents)) == [
        ("Agent 1", "chosen"),
        ("Agent 4", "passed"),
        ("Agent 2", "idle"),
        ("Agent 3", "away"),
    ]
    alone = explain(contact, UUID(int=2), agents)
    assert by_name(alone)[0] == ("Agent 2", "chosen")
    assert [each.reason for each in alone[1:]] == ["not_preferred", "away", "not_preferred"]


def test_what_only_one_agent_by_name_may_have_is_served_by_nobody() -> None:
    contact = Waiting(UUID(int=9), 1, "messaging", 1, 0, queue="general")
    told = explain(contact, UUID(int=1), [as_of(1), as_of(2, needs=frozenset())])
    assert by_name(told) == [("Agent 1", "chosen"), ("Agent 2", "need")]
    assert told[1].detail == "Nobody serves it: it was for one agent by name."
