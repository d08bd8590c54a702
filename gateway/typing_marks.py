"""Who is writing, from whoever says so to whoever looks at the customer: by the bus, and past every table.

A mark says as much for six seconds, so a flood of them is one every two seconds. Nothing waits for it; what fails here
is a mark that nobody sees.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

import asyncpg
import structlog

from adapters.base import AccountConfig
from gateway.policy import may
from model.agent import Actor
from model.inbound import HandleRef
from model.refusal import Refused
from model.typing_mark import TypingMark
from model.wire import Typing
from profiles.reply import contact_to_answer
from pushers.hub import OUTAGE, Hub
from store.pool import Pool

PAUSE_SECONDS: Final = 2.0
_MOST_KEPT: Final = 20_000

NOT_FOUND: Final = Refused("not_found", "There is no such conversation.", "conversation")
NOT_HOLDER: Final = Refused("not_holder", "Only who may answer here is shown as writing.", "conversation")

log = structlog.get_logger()


class Pauses:
    """One in every `PAUSE_SECONDS` for each key. The least recently passed is forgotten."""

    def __init__(self) -> None:
        self._passed: OrderedDict[object, float] = OrderedDict()

    def over(self, key: object, now: float) -> bool:
        """Whether the pause of this key is over."""
        return now - self._passed.get(key, -PAUSE_SECONDS) >= PAUSE_SECONDS

    def begin(self, key: object, now: float) -> None:
        """One has passed."""
        self._passed[key] = now
        self._passed.move_to_end(key)
        if len(self._passed) > _MOST_KEPT:
            self._passed.popitem(last=False)


OF_HANDLE: Final = """
select c.root_id, v.id as conversation
  from handle h join customer c on c.id = coalesce(h.customer_id, h.speaks_as)
  left join conversation v on v.profile_id = c.root_id and v.status <> 'closed' and v.folded_into is null
 where h.kind = $1 and h.scope = $2 and h.value = $3
"""
# A handle that went to another customer since is nobody's here, as in `profiles.route`.
OF_CONVERSATION: Final = """
select c.root_id, s.id as conversation, k.agent_id, k.state, k.class, k.channel, k.arrived_at, h.id as handle, h.value
  from conversation v join conversation s on s.id = coalesce(v.folded_into, v.id)
  join customer c on c.id = s.customer_id
  left join lateral (select t.* from conversation f join contact t on t.conversation_id = f.id
                      where f.id = s.id or f.folded_into = s.id) k on true
  left join handle h on h.id = k.handle_id and (coalesce(h.customer_id, h.speaks_as) is null
       or exists (select from customer m where m.id = coalesce(h.customer_id, h.speaks_as) and m.root_id = c.root_id))
 where v.id = $1
"""


class TypingMarks:
    """The marks that begin in one process."""

    def __init__(self, pool: Pool, hub: Hub) -> None:
        self._pool = pool
        self._hub = hub
        self._pauses = Pauses()

    async def customer_types(self, account: AccountConfig, handle: HandleRef) -> None:
        """Tell the screens that follow this customer. Nobody does before they have written. Raises nothing."""
        key, now = (handle.kind, handle.scope, handle.value), time.monotonic()
        if not self._pauses.over(key, now):
            return
        self._pauses.begin(key, now)
        try:
            async with self._pool.acquire() as connection:
                row = await connection.fetchrow(OF_HANDLE, *key)
        except OUTAGE as error:
            log.warning("typing_not_told", error=type(error).__name__)
            return
        if row is not None:
            channel: Any = account.channel
            self._hub.tell(TypingMark(row["root_id"], row["conversation"], channel))

    async def agent_types(self, actor: Actor, frame: Typing) -> Refused | None:
        """Tell the customer's chat, if the line goes there, and the other agents who look at the customer."""
        key, now = (actor.id, frame.conversation, frame.note, frame.channel, frame.to), time.monotonic()
        if not self._pauses.over(key, now):
            return None
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(OF_CONVERSATION, frame.conversation)
        if not rows:
            return NOT_FOUND
        if not any(may(actor, "reply", row["agent_id"]) for row in rows):
            return NOT_HOLDER
        self._pauses.begin(key, now)
        self._hub.tell(_mark(actor, frame, rows))
        return None


def _mark(actor: Actor, frame: Typing, rows: Sequence[asyncpg.Record]) -> TypingMark:
    root, conversation = rows[0]["root_id"], rows[0]["conversation"]
    if frame.note:
        return TypingMark(root, conversation, agent=actor.id, note=True)
    contact = contact_to_answer(actor, [row for row in rows if _is_meant(row, frame)])
    channel = contact["channel"] if contact else frame.channel
    handle = contact["handle"] if contact and channel == "chat" else None
    return TypingMark(root, conversation, channel, actor.id, handle=handle)


def _is_meant(row: asyncpg.Record, frame: Typing) -> bool:
    """Whether a reply as this frame has it may go to whom this contact is with."""
    return (
        row["state"] is not None
        and row["channel"] == (frame.channel or row["channel"])
        and (frame.to is None or row["value"] == frame.to)
    )
