"""What became of a message of ours, as providers tell it: a state of theirs, by a table, and why it failed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal
from uuid import UUID

from adapters.base import ParseError
from model.inbound import DeliveryReceipt, Ignored, InboundEvent

States = Mapping[str, Literal["sent", "delivered", "read", "failed"] | None]
"""What each state of a provider's is; None: the message is on its way."""
_DIGITS = re.compile(r"\+?\d{7,}")


def became(key: str, id_: str, state: str, states: States, entry: UUID | None = None, words: str = "") -> InboundEvent:
    """The receipt of a message. `id_`: the provider's name of it; `entry`: ours; `words`: why it failed."""
    if state not in states:
        raise ParseError("unknown kind of status", "status")
    status = states[state]
    if status is None:
        return Ignored(key, f"{state[:100]} is on the way")
    return DeliveryReceipt(key, id_, status, entry, without_numbers(words or state) if status == "failed" else None)


def entry_of(reference: str | None) -> UUID | None:
    """Our entry's id, where that is what a reference of ours says."""
    try:
        return UUID(reference or "")
    except ValueError:
        return None


def without_numbers(words: str) -> str:
    """A carrier's words for the agent and the log, without anybody's number in them."""
    return _DIGITS.sub("…", words)[:300]
