"""What rules do besides choosing a queue: kept with the decision, and carried out by whichever process finds it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import msgspec
from msgspec import Struct

from store.pool import Connection


class Effects(Struct, frozen=True, omit_defaults=True):
    """Tags for the customer, and topics for the conversation by their path as `Billing/Refund`."""

    tags: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()


class Pending(Struct, frozen=True):
    """A decision whose effects are still to come; `stored`: them, as they are kept."""

    decision: UUID
    conversation: UUID
    stored: str


CLAIM_EFFECTS = """
select d.id, c.conversation_id, d.effects::text as effects
  from decision d join contact c on c.id = d.contact_id
 where d.effects is not null and d.effects_at is null and d.effects_due <= clock_timestamp()
 order by d.effects_due, d.id limit 1 for no key update of d skip locked
"""


async def claim_effects(connection: Connection) -> Pending | None:
    """The first that is due and that no other process works on, locked. Inside a transaction."""
    row = await connection.fetchrow(CLAIM_EFFECTS)
    return None if row is None else Pending(row["id"], row["conversation_id"], row["effects"])


read_effects = msgspec.json.Decoder(Effects).decode


END_EFFECTS = "update decision set effects_at = clock_timestamp() where id = $1"


async def end_effects(connection: Connection, decision: UUID) -> None:
    """They were carried out, or cannot be."""
    await connection.execute(END_EFFECTS, decision)


PUT_OFF = "update decision set effects_due = clock_timestamp() + $2::interval where id = $1 and effects_at is null"


async def put_off_effects(connection: Connection, decision: UUID, delay: timedelta) -> None:
    """They could not be carried out now: others have their turn first."""
    await connection.execute(PUT_OFF, decision, delay)
