"""The screen protocol under frames nobody thought of (F20)."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from model import to_screen, wire
from pushers.session import Session
from tests.pure.test_session import AGENT_FEED, CUSTOMER_FEED, frames, greeted

frame_like = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["hello", "presence", "accept", "open", "timeline", "reply", "note", "x", 3, None]),
        "offer": st.uuids().map(str) | st.text() | st.integers(),
        "customer": st.uuids().map(str),
        "conversation": st.uuids().map(str),
        "id": st.uuids().map(str),
        "body": st.text(max_size=20),
        "resume": st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=3), max_size=3),
        "status": st.sampled_from(["available", "away", "gone", None]),
        "ref": st.text(max_size=70) | st.none(),
    },
)


def as_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


anything = st.one_of(st.text(max_size=50), st.binary(max_size=50), frame_like.map(as_json))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(anything, st.floats(0, 100)), max_size=12))
def test_no_frame_whatever_raises_and_every_answer_is_a_frame(sent: list[tuple[str | bytes, float]]) -> None:
    session = Session(0)
    for data, now in sent:
        command = session.receive(data, now)
        assert command is None or isinstance(command, wire.ClientFrame)
        session.check(now)
    assert all(isinstance(frame, to_screen.Error) for frame in frames(session))


steps = st.one_of(
    st.tuples(st.just("publish"), st.sampled_from([AGENT_FEED, CUSTOMER_FEED]), st.integers(0, 12)),
    st.tuples(st.just("begin"), st.sampled_from([AGENT_FEED, CUSTOMER_FEED]), st.just(0)),
    st.tuples(st.just("end"), st.sampled_from([AGENT_FEED, CUSTOMER_FEED]), st.just(0)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, max_size=40))
def test_between_two_beginnings_a_feed_has_neither_gap_nor_repeat(taken: list[tuple[str, str, int]]) -> None:
    session = greeted()
    reached: dict[str, int] = {}
    for step, feed, seq in taken:
        if step == "begin":
            session.begin(feed, seq)
            reached[feed] = seq
        elif step == "end":
            session.end(feed)
        else:
            session.publish(feed, seq, b'{"kind":"later"}')
        for frame in frames(session):
            assert isinstance(frame, to_screen.EventFrame)
            assert frame.seq == reached[frame.feed] + 1
            reached[frame.feed] = frame.seq
