"""What rules do besides choosing a queue: kept with the decision, and carried out by whichever process finds it.

No value of a profile is kept here: templates are filled in when they are carried out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import msgspec
from msgspec import Struct

from router.rules.acting import Decision, TaskOrder
from store.pool import Connection


class Effects(Struct, frozen=True, omit_defaults=True):
    """Tags for the customer, and topics for the conversation by their path as `Billing/Refund`; an answer and a task,
    both by template; `voicemail`: the caller is asked to leave word."""

    tags: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    reply: str | None = None
    task: TaskOrder | None = None
    voicemail: bool = False


def effects_of(decision: Decision) -> str | None:
    """What this decision does besides choosing, as it is kept; None for nothing."""
    effects = Effects(decision.tags, decision.topics, decision.reply, decision.task, decision.voicemail)
    return None if effects == Effects() else msgspec.json.encode(effects).decode()


class Pending(Struct, frozen=True):
    """A decision whose effects are still to come; `stored`: them, as they are kept."""

    decision: UUID
    contact: UUID
    conversation: UUID
    rule: str
    queue_name: str
    work_class: str
    stored: str


CLAIM_EFFECTS = """
select d.id, c.id as contact, c.conversation_id, coalesce(d.rule, '') as rule, coalesce(q.name, '') as queue_name,
       c.class, d.effects::text as effects
  from decision d join contact c on c.id = d.contact_id left join queue q on q.id = d.queue_id
 where d.effects is not null and d.effects_at is null and d.effects_due <= clock_timestamp()
 order by d.effects_due, d.id limit 1 for no key update of d skip locked
"""


async def claim_effects(connection: Connection) -> Pending | None:
    """The first that is due and that no other process works on, locked. Inside a transaction."""
    row = await connection.fetchrow(CLAIM_EFFECTS)
    return None if row is None else Pending(*row)


read_effects = msgspec.json.Decoder(Effects).decode


END_EFFECTS = "update decision set effects_at = clock_timestamp(), undone = $2 where id = $1"


async def end_effects(connection: Connection, decision: UUID, undone: Sequence[str] = ()) -> None:
    """They were carried out, or cannot be. `undone`: what was not, and why."""
    await connection.execute(END_EFFECTS, decision, list(undone))


PUT_OFF = "update decision set effects_due = clock_timestamp() + $2::interval where id = $1 and effects_at is null"


async def put_off_effects(connection: Connection, decision: UUID, delay: timedelta) -> None:
    """They could not be carried out now: others have their turn first."""
    await connection.execute(PUT_OFF, decision, delay)


# The call overflows at once: what time does to those who wait too long is done to it.
OVERFLOW_NOW = """
update call set overflow_at = clock_timestamp() where contact_id = $1 and state = 'waiting' returning true
"""


async def to_voicemail(connection: Connection, contact: UUID) -> bool:
    """The caller is asked to leave word; False where they do not wait any more."""
    return await connection.fetchval(OVERFLOW_NOW, contact) is not None
