"""The offer machine: one table, judged by the database's clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from model.offer import OfferState

OfferEvent = Literal["accept", "decline", "time_out", "rescind"]

TRANSITIONS: dict[tuple[OfferState, OfferEvent], OfferState] = {
    ("pending", "accept"): "accepted",
    ("pending", "decline"): "declined",
    ("pending", "time_out"): "timed_out",
    ("pending", "rescind"): "rescinded",
}

DECLINE_EXCLUDES_FOR = timedelta(seconds=30)
"""How long a decliner is passed over while there is nobody else to try."""


def advance(state: OfferState, event: OfferEvent, *, now: datetime, expires_at: datetime) -> OfferState | None:
    """The state after `event`; None when it comes too late, too early, or to an offer that has ended."""
    if event == "accept" and now >= expires_at:
        return None
    if event == "time_out" and now < expires_at:
        return None
    return TRANSITIONS.get((state, event))
