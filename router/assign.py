"""Give a contact to an agent outright: auto-accept, the owner of a parked one is free, or they take the next."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import Struct

from model.contact import ProfileContact
from model.event import ContactChanged, ConversationChanged, CustomerEvent, FeedId
from model.timeline import Author
from router.dispatch import mark_given
from router.endings import RELEASE_AGENT
from router.holding import status_entry
from router.rank import Pair
from store.feeds import NewEntry, Transaction, append_to_agent, append_to_customer, lock_customer
from store.ids import new_id

SHOWN_WITHIN_SECONDS = 5
"""A screen that does not say `shown` in this time loses the contact: nobody is looking."""

FIND = "select customer_id from contact where id = $1"
LOCK_CONTACT = """
select c.id, c.fence, c.class, c.channel, coalesce(v.folded_into, v.id) as shown_id, c.arrived_at, n.weight,
       c.queue_id, q.interruptible, c.conversation_id
  from contact c join need n on n.id = c.need_id join queue q on q.id = c.queue_id
       join conversation v on v.id = c.conversation_id
 where c.id = $1 and c.state = 'queued' and c.need_id = $2 and c.customer_id = $4
   and ($5 or q.auto_accept or c.prefer_agent_id = $3 and not c.prefer_by_rule)
   for no key update of c
"""
RESERVE = """
update agent_state
   set used_voice = used_voice + case when $2 = 'voice' then $3 else 0 end,
       used_messaging = used_messaging + case when $2 = 'messaging' then $3 else 0 end,
       used_mail = used_mail + case when $2 = 'mail' then $3 else 0 end,
       used_voicemail = used_voicemail + case when $2 = 'voicemail' then $3 else 0 end,
       idle_since = clock_timestamp()
 where agent_id = $1 and (routable or $4 and connected)
   and case $2 when 'voice' then used_voice + $3 <= cap_voice when 'messaging' then used_messaging + $3 <= cap_messaging
               when 'mail' then used_mail + $3 <= cap_mail else used_voicemail + $3 <= cap_voicemail end
returning (select name from agent where id = $1) as name, limited
"""
# A statement of its own: the one that waited for the agent's row cannot see what they were given meanwhile.
WITHIN_LIMITS = """
select ($4 or s.cap_total is null or live_weight(s.agent_id) + $3 <= s.cap_total)
   and not exists (select from agent_queue q where q.agent_id = s.agent_id and q.queue_id = $2
                                               and live_of_queue(q.agent_id, q.queue_id) >= q.most)
  from agent_state s where s.agent_id = $1
"""
HOLD = """
insert into offer (id, contact_id, agent_id, state, fence, class, weight, auto, expires_at, ended_at)
values ($1, $2, $3, 'accepted', $4, $5, $6, true, clock_timestamp(), clock_timestamp())
"""
ASSIGN = """
update contact
   set state = 'assigned', agent_id = $2, state_at = clock_timestamp(), unrouted = false, shown = $3::int is null,
       due_at = case when $3 is not null then clock_timestamp() + $3 * interval '1 second'
                     -- somebody has answered before: the customer's silence goes on
                     when preview_direction = 'out'
                     then clock_timestamp() + (select q.park_after_seconds from queue q where q.id = queue_id)
                                              * interval '1 second' end,
       prefer_agent_id = null, prefer_until = null, then_agent_id = null, prefer_by_rule = false,
       declined_by = '{}', declined_until = null
 where id = $1 and state = 'queued'
"""
HELD_LINE = "select held_line(c, $2) from contact c where c.id = $1"
OPEN_CONVERSATION = """
with v as (
    update conversation set status = 'open' where (id = $1 or folded_into = $1) and status = 'new'
    returning id, opened_at, needs_attention)
select id, opened_at, needs_attention from v where id = $1
"""


class Given(Struct, frozen=True):
    """The agent holds it. `hold`: the offer that stands for it. `customer` is the root, whose feed is at `seq`."""

    contact: ProfileContact
    hold: UUID
    customer: UUID
    seq: int


async def assign(tx: Transaction, pair: Pair, *, pulled: bool = False) -> Given | None:
    """Assign if both are still free for each other; None when someone else was quicker. In its own transaction.

    `pulled`: the agent asked for it, so that it goes whatever its queue says, and no screen has to say `shown`.
    """
    customer = await tx.connection.fetchval(FIND, pair.contact.id)
    root = await lock_customer(tx, customer) if customer else None
    # Asked again under the lock: rules, or an agent who moved the conversation, may have taken the contact elsewhere.
    row = await tx.connection.fetchrow(LOCK_CONTACT, pair.contact.id, pair.contact.need, pair.agent, customer, pulled)
    if root is None or row is None:
        return None
    name = await reserve(tx, pair.agent, row, pulled=pulled)
    if name is None:
        return None
    given = await give(tx, root, row, Author(pair.agent, name), pulled=pulled)
    await mark_given(tx, [pair])
    return given


async def give(tx: Transaction, root: UUID, row: Any, agent: Author, *, pulled: bool) -> Given:
    """Make a waiting contact, locked and with its slot taken, this agent's."""
    hold = new_id()
    await tx.connection.execute(HOLD, hold, row["id"], agent.id, row["fence"], row["class"], row["weight"])
    await tx.connection.execute(ASSIGN, row["id"], agent.id, None if pulled else SHOWN_WITHIN_SECONDS)
    contact = ProfileContact(
        row["id"], row["shown_id"], row["channel"], row["class"], "assigned", agent, row["arrived_at"]
    )
    said = [status_entry(root, row, "accepted", agent)] if pulled else []
    await append_to_customer(tx, root, [*await _opened(tx, row), *said, ContactChanged(contact)])
    await append_to_agent(tx, agent.id, [await tx.connection.fetchval(HELD_LINE, row["id"], not pulled)])
    return Given(contact, hold, root, tx.written[FeedId("customer", root)])


async def reserve(tx: Transaction, agent: UUID, row: Any, *, pulled: bool) -> str | None:
    """Take the slot and give the agent's name; None where something is full."""
    taken = await tx.connection.fetchrow(RESERVE, agent, row["class"], row["weight"], pulled)
    if taken is None:
        return None
    if taken["limited"] and not await tx.connection.fetchval(
        WITHIN_LIMITS, agent, row["queue_id"], row["weight"], row["interruptible"]
    ):
        await tx.connection.execute(RELEASE_AGENT, agent, row["class"], row["weight"])
        return None
    name: str = taken["name"]
    return name


async def _opened(tx: Transaction, row: Any) -> list[CustomerEvent | NewEntry]:
    opened = await tx.connection.fetchrow(OPEN_CONVERSATION, row["shown_id"])
    if opened is None:
        return []
    return [ConversationChanged(opened["id"], "open", opened["opened_at"], None, opened["needs_attention"])]
