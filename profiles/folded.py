"""A leaf's own conversation while another leaf of its group has the one that is shown.

Rows stay with the leaf whose handle they came or went by, so that undoing a merge sorts them without moving any. The
same for what customers write stands in `record_messages`.
"""

from __future__ import annotations

from uuid import UUID

from profiles.record import REOPEN_WITHIN
from store.ids import new_id
from store.pool import Connection

OWN_OPEN = "select id from conversation where customer_id = $1 and status <> 'closed'"
# Only one that is shown there already: an event tells a screen where a new entry stands, and none would tell it that
# those it shows already stand elsewhere by now.
REOPEN_OWN = """
update conversation v set status = s.status, closed_at = null, profile_id = s.profile_id
  from conversation s
 where s.id = $2 and v.id = (
       select c.id from conversation c
        where c.customer_id = $1 and c.folded_into = $2 and c.status = 'closed' and c.closed_at > now() - $3::interval
        order by c.closed_at desc limit 1)
returning v.id
"""
BEGIN_FOLDED = """
insert into conversation (id, customer_id, profile_id, status, folded_into, needs_attention, opened_at)
select $1, $2, s.profile_id, s.status, s.id, false, clock_timestamp() from conversation s where s.id = $3
"""


async def own_conversation(connection: Connection, leaf: UUID, shown: UUID) -> UUID:
    """The leaf's open conversation, one closed not long ago, or a new one: folded into the open one that is shown.

    Under the root's lock; `shown` is another leaf's. What was closed apart from it stays closed.
    """
    own: UUID | None = await connection.fetchval(OWN_OPEN, leaf)
    if own is not None:
        return own
    own = await connection.fetchval(REOPEN_OWN, leaf, shown, REOPEN_WITHIN)
    if own is not None:
        return own
    own = new_id()
    await connection.execute(BEGIN_FOLDED, own, leaf, shown)
    return own
