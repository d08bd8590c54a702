"""Queues as administrators set them: how their contacts are offered, what they cost, and in what order they go."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from store.pool import Connection

Selection = Literal["longest_idle", "least_loaded", "round_robin"]


class QueueSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How contacts of a queue are given to agents. Wrap-up and service levels are set apart.

    `selection`: which of the agents who may have it; `offer_to`: how many are asked at once, the first to accept
    has it; `weight`: what a contact takes of its class; `interruptible`: it does not count in an agent's total.
    """

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    auto_accept: bool = False
    offer_seconds: Annotated[int, Meta(ge=5, le=120)] = 20
    park_after_seconds: Annotated[int, Meta(ge=1, le=86_400)] = 900
    priority_bonus_seconds: Annotated[int, Meta(ge=0, le=86_400)] = 120
    selection: Selection = "longest_idle"
    offer_to: Annotated[int, Meta(ge=1, le=20)] = 1
    weight: Annotated[int, Meta(ge=1, le=100)] = 1
    interruptible: bool = False


class Queue(QueueSettings, frozen=True, forbid_unknown_fields=False, kw_only=True):
    """A queue with its id."""

    id: str


_FIELDS = QueueSettings.__struct_fields__
_COLUMNS = ", ".join(_FIELDS)
READ = f"select id, {_COLUMNS} from queue where id = $1 and retired_at is null"  # noqa: S608  # column names of ours
LOCK = f"{READ} for no key update"


async def fetch_queue(connection: Connection, queue: str, *, lock: bool = False) -> Queue | None:
    """A queue as it is set; None where there is none, or no more."""
    row = await connection.fetchrow(LOCK if lock else READ, queue)
    return None if row is None else Queue(**dict(row))


KEEP = f"""
insert into queue (id, {_COLUMNS}) values ($1, {", ".join(f"${place}" for place in range(2, len(_FIELDS) + 2))})
on conflict (id) do update
   set {", ".join(f"{name} = excluded.{name}" for name in _FIELDS)}, retired_at = null
"""  # noqa: S608  # column names of ours


async def keep_queue(connection: Connection, queue: str, settings: QueueSettings) -> None:
    """Add a queue, or set it anew for what is offered from now on; one that was retired is there again, unserved."""
    await connection.execute(KEEP, queue, *(getattr(settings, name) for name in _FIELDS))
