"""Who was in the conference of a call, and so whether caller and agent ever met: by its own order, not the reports'.

A caller may have hung up before the agent came in, and the report of that may be the later one; or the other way round.
So whether a call was answered is judged again with everything that is heard of its conference, even after its end.
"""

from __future__ import annotations

from uuid import UUID

from model.call import ConferenceMoved
from router.call_legs import move_leg
from router.call_moves import MISSED
from router.calls import LockedCall
from store.pool import Connection

SET_CONFERENCE = "update call set conference = coalesce(conference, $2) where id = $1 returning conference = $2"
CAME = """
update call_leg set came_order = greatest(came_order, $2), left_order = case when left_order > $2 then left_order end
 where id = $1
"""
LEFT = """
update call_leg set left_order = greatest(left_order, $2) where id = $1 and coalesce(came_order, 0) < $2
"""


async def note_conference(connection: Connection, locked: LockedCall, event: ConferenceMoved) -> None:
    """A leg came or left. A second conference of the same call, after all had left the first, has its own order."""
    is_first = await connection.fetchval(SET_CONFERENCE, locked.id, event.conference)
    leg = next((leg for leg in locked.legs if leg["sid"] == event.sid), None)
    if leg is None:
        return
    if event.order is not None and is_first:
        await connection.execute(CAME if event.what == "joined" else LEFT, leg["id"], event.order)
    if event.what == "joined":
        await move_leg(connection, leg["id"], "joined")


# `sure`: everybody who may have been there was seen to come in.
JUDGE = """
select k.state, k.outcome, k.answered_at, k.contact_id, c.left_order is not null as gone,
       exists (select from call_leg a
                where a.call_id = k.id and a.role in ('agent', 'consult') and a.came_order is not null
                  and (c.left_order is null or a.came_order < c.left_order)
                  and (a.left_order is null or c.came_order is null or c.came_order < a.left_order)) as met,
       not exists (select from call_leg a
                    where a.call_id = k.id and a.role in ('agent', 'consult') and a.served_at is not null
                      and a.came_order is null) as sure
  from call k join call_leg c on c.call_id = k.id and c.role = 'customer'
 where k.id = $1 and k.direction = 'in'
"""
NEVER_MET = """
update call set answered_at = null, outcome = case when outcome = 'answered' then 'abandoned' else outcome end
 where id = $1
"""
MET = "update call set answered_at = ended_at, outcome = 'answered' where id = $1"


async def judge(connection: Connection, call: UUID) -> None:
    """Whether it was answered, as far as is known by now. The call is locked."""
    row = await connection.fetchrow(JUDGE, call)
    if row is None:
        return
    if row["answered_at"] is not None and row["gone"] and row["sure"] and not row["met"]:
        await connection.execute(NEVER_MET, call)
        await connection.execute(MISSED, row["contact_id"])
    elif row["met"] and row["state"] == "ended" and row["outcome"] == "abandoned":
        await connection.execute(MET, call)
