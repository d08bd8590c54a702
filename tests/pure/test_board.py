"""What a screen is sent of the board makes, line by line, the board that is."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from model.agent import Presence, PresenceStatus
from model.board import Board, BoardAgent, BoardQueue, QueueToday, changes
from router.board import day_of

AT = datetime(2026, 3, 29, 12, tzinfo=UTC)
queues = st.dictionaries(st.sampled_from("abc"), st.integers(0, 2), max_size=3).map(
    lambda rows: tuple(BoardQueue(key, key, waiting, None, 0, 0, 0, QueueToday()) for key, waiting in rows.items())
)
STATUS: list[PresenceStatus] = ["available", "away"]
agents = st.dictionaries(st.integers(1, 3), st.sampled_from(STATUS), max_size=3).map(
    lambda rows: tuple(
        BoardAgent(UUID(int=key), "x", "agent", Presence(status, None, True, AT), {}, ())
        for key, status in rows.items()
    )
)
boards = st.builds(Board, st.just(AT), queues, agents)


@settings(max_examples=100, deadline=None)
@given(boards, boards)
def test_a_board_and_what_changed_make_the_next(before: Board, after: Board) -> None:
    change = changes(before, after)
    shown = {line.id: line for line in before.queues} | {line.id: line for line in change.queues}
    assert {line for key, line in shown.items() if key not in change.gone_queues} == set(after.queues)
    people = {line.id: line for line in before.agents} | {line.id: line for line in change.agents}
    there = {key: line for key, line in people.items() if key not in change.gone_agents}
    assert there == {line.id: line for line in after.agents}


@settings(max_examples=50, deadline=None)
@given(boards)
def test_where_nothing_changed_nothing_is_sent(board: Board) -> None:
    assert not changes(board, board)


def test_a_day_begins_at_midnight_where_the_supervisor_is_also_when_the_clock_changes() -> None:
    assert day_of(AT, "UTC") == datetime(2026, 3, 29, tzinfo=UTC)
    assert day_of(AT, "Europe/Berlin") == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert day_of(datetime(2026, 3, 29, 22, 30, tzinfo=UTC), "Europe/Berlin") == datetime(2026, 3, 29, 22, tzinfo=UTC)
