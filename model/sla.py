"""How soon a customer is answered and helped, as it was promised."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

Measure = Literal["first_response", "resolution"]
"""Until an agent answers the customer's first word, and until the conversation is closed."""


class SlaClock(Struct, frozen=True):
    """One measure of a conversation. `due_at` and `warn_at` stand while it runs; without them it waits or is over."""

    measure: Measure
    policy: str
    due_at: datetime | None = None
    warn_at: datetime | None = None
    met_at: datetime | None = None
    """When the agent answered."""
    warned_at: datetime | None = None
    breached_at: datetime | None = None
    """When it was due and not done."""
