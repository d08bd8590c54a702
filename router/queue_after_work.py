"""What comes after a contact in each queue, as administrators set it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from model.agent import WrapUpMode
from router.after_work import WhenLeft
from store.pool import Connection


class AfterWork(Struct, frozen=True, forbid_unknown_fields=True):
    """How contacts of a queue are wrapped up. `when_left`: what becomes of held work whose agent vanished.

    `wrap_up_seconds`: how long it lasts where it is `timed` (0: none) or `optional` (0: until the agent ends it).
    """

    wrap_up_mode: WrapUpMode
    wrap_up_seconds: Annotated[int, Meta(ge=0, le=3600)] = 0
    when_left: WhenLeft = "by_answer"


READ = "select wrap_up_mode, wrap_up_seconds, when_left from queue where id = $1 and retired_at is null"
LOCK = f"{READ} for no key update"


async def fetch_after_work(connection: Connection, queue: str, *, lock: bool = False) -> AfterWork | None:
    """As it is set; None when there is no such queue."""
    row = await connection.fetchrow(LOCK if lock else READ, queue)
    return None if row is None else AfterWork(row["wrap_up_mode"], row["wrap_up_seconds"], row["when_left"])


KEEP = "update queue set wrap_up_mode = $2, wrap_up_seconds = $3, when_left = $4 where id = $1"


async def keep_after_work(connection: Connection, queue: str, new: AfterWork) -> None:
    """From the next contact that is finished, or whose agent vanishes."""
    await connection.execute(KEEP, queue, new.wrap_up_mode, new.wrap_up_seconds, new.when_left)
