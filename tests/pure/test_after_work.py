"""What comes after a contact, over every state, mode and policy: nothing is left to nobody."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.agent import WrapUpMode
from model.contact import ContactState
from router.after_work import Gone, WhenLeft, WrapUp, after_finish, when_left
from router.contact import OWNED, advance
from router.dispositions import Disposition, of_queue
from router.holding import EVENT_OF

HELD = sorted(OWNED)
MODES = get_args(WrapUpMode)


@pytest.mark.parametrize("mode", MODES)
@given(state=st.sampled_from(HELD), seconds=st.integers(0, 3600), asked=st.booleans(), coded=st.booleans())
def test_finishing_ends_or_begins_what_ends(
    mode: WrapUpMode, state: ContactState, seconds: int, asked: bool, coded: bool
) -> None:
    after = after_finish(state, mode, seconds, asked=asked, coded=coded)
    if coded:
        assert after == "done"
    elif state == "assigned" and mode == "required":
        assert after == WrapUp("required", None)
    elif mode == "required":
        assert after == "needs_code"
    elif isinstance(after, WrapUp):
        assert (state, after.mode) == ("assigned", mode)
        assert after.lasts == (timedelta(seconds=seconds) if seconds else None)
        assert seconds if mode == "timed" else asked
    else:
        begins = (mode == "timed" and seconds > 0) or (mode == "optional" and asked)
        assert after == "done"
        assert state != "assigned" or not begins


@given(
    state=st.sampled_from(HELD),
    gone=st.sampled_from(get_args(Gone)),
    policy=st.sampled_from(get_args(WhenLeft)),
    answered=st.booleans(),
    kept_long=st.booleans(),
)
def test_nothing_stays_with_who_is_gone_but_what_is_kept(
    state: ContactState, gone: Gone, policy: WhenLeft, answered: bool, kept_long: bool
) -> None:
    handed = when_left(state, gone, policy, answered=answered, kept_long=kept_long)
    if handed is not None:
        assert advance(state, EVENT_OF[handed]) is not None, "a step the machine knows"
    if gone == "deactivated":
        assert handed == ("done" if state == "wrapping" else "queued")
    elif state == "parked":
        assert handed is None
    elif state == "wrapping":
        assert handed == "done"
    elif handed is None:
        assert (gone, policy, kept_long) == ("vanished", "keep", False)
    elif gone == "vanished" and policy in ("queue", "park"):
        assert handed == ("queued" if policy == "queue" else "parked")
    else:
        assert handed == ("parked" if answered else "queued")


def test_a_disposition_is_for_a_queue_when_all_above_it_are() -> None:
    tree = (
        Disposition("a", "A", queues=("x",)),
        Disposition("b", "B", "a"),
        Disposition("c", "C", "a", queues=("y",)),
        Disposition("d", "D", archived=True),
        Disposition("e", "E", "d"),
        Disposition("f", "F"),
    )
    assert [each.id for each in of_queue(tree, "x")] == ["a", "b", "f"]
    assert [each.id for each in of_queue(tree, "y")] == ["f"]
