"""Undo a merge: the link ends, and what came in by it is a customer of its own again, with all that was its own.

Any merge may be undone at any time, also one in the middle of a chain: what was merged into the loser leaves with it.
What arrived meanwhile stands with the leaf of its handle already; what has no handle (notes, tasks, edits) was written
on the root and stays there.
"""

from __future__ import annotations

from uuid import UUID

from model.agent import Actor
from model.customer import MergeView
from model.event import CustomerEvent, SuggestionsChanged, Unmerged
from model.refusal import Refused
from profiles.audit import audit
from profiles.folding import sort_out, unshare_attention
from profiles.holders import tell_holders
from profiles.merge import LOOK_AGAIN
from profiles.merge_log import fetch_merge, name_groups
from profiles.sections import fetch_suggestions
from store.feeds import Transaction, append_to_customer, lock_customers

NO_MERGE = Refused("not_found", "There is no such merge.", "merge")
ENDS_OF = "select survivor_id, loser_id from merge where id = $1"
END_MERGE = """
update merge set undone_at = clock_timestamp(), undone_by = $2 where id = $1 and undone_at is null
returning at, rule = 'moved' as moved, coalesce(evidence ->> 'stood', '{}') as stood,
          coalesce(evidence ->> 'attention', '{}') as attention
"""
# The loser, and all that was merged into it and still is.
LEAVE = """
with recursive leaving(id) as (
    select $1::uuid
     union all
    select g.loser_id from leaving l join merge g on g.survivor_id = l.id and g.undone_at is null)
update customer c set root_id = $1 from leaving l where c.id = l.id
"""
# Those that this merge has ended.
OPEN_SUGGESTIONS = """
update suggestion s set state = 'open', ended_at = null, ended_by = null
  from customer a join suggestion x on x.low_id = a.id join customer b on b.id = x.high_id
 where s.id = x.id and x.state = 'merged' and x.ended_at = $3
   and (a.root_id = $1 and b.root_id = $2 or a.root_id = $2 and b.root_id = $1)
returning s.id
"""


async def undo(tx: Transaction, merge: UUID, by: Actor) -> MergeView | Refused:
    """Take a merge back, once. Both answer for themselves again."""
    ends = await tx.connection.fetchrow(ENDS_OF, merge)
    if ends is None:
        return NO_MERGE
    loser = UUID(int=ends["loser_id"].int)
    roots = await lock_customers(tx, [ends["survivor_id"]], also=[loser])
    if roots is None:
        return NO_MERGE
    [root] = roots.values()
    ended = await tx.connection.fetchrow(END_MERGE, merge, by.id)
    if ended is None:
        return Refused("wrong_state", "This merge was undone already; merge the two again if they are one.", "merge")
    await tx.connection.execute(LEAVE, loser)
    await unshare_attention(tx.connection, [root, loser], ended["attention"], ended["at"])
    await sort_out(tx.connection, [root, loser], ended["at"], ended["stood"], moved=ended["moved"])
    await name_groups(tx.connection, root, loser)
    opened = await tx.connection.fetch(OPEN_SUGGESTIONS, root, loser, ended["at"])
    await tx.connection.execute(LOOK_AGAIN, [root, loser])
    await audit(tx.connection, by.id, "unmerge", root, {"merge": merge, "survivor": root, "loser": loser})
    record = await fetch_merge(tx.connection, merge)
    assert record is not None, "it was just changed"  # noqa: S101  # for the type checker
    for each in sorted((root, loser)):
        news: list[CustomerEvent] = [Unmerged(record.view)]
        if opened:
            news.append(SuggestionsChanged(await fetch_suggestions(tx.connection, each)))
        await append_to_customer(tx, each, news)
    await tell_holders(tx, [root, loser])
    return record.view
