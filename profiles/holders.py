"""Tell the agents who have something of a customer in hand that it is somebody else's now, or by another name."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from model.event import FeedId, TaskChanged
from profiles.sections import fetch_tasks
from store.feeds import Transaction, append_to_agent

LOCK_IN_HAND = """
select c.id from customer m join contact c on c.customer_id = m.id
 where m.root_id = any ($1) and c.state in ('offered', 'assigned', 'wrapping', 'parked')
 order by c.id for no key update of c
"""
AGENTS_OF = """
select c.agent_id from contact c where c.id = any ($1) and c.agent_id is not null
union
select o.agent_id from offer o where o.contact_id = any ($1) and o.state = 'pending'
union
select h.agent_id from handover h where h.contact_id = any ($1) and h.ended_at is null
"""
LOCK_AGENTS = "select agent_id from agent_state where agent_id = any ($1) order by agent_id for no key update"
TELL_AGENTS = "select id, seq from tell_agents($1)"


async def tell_holders(tx: Transaction, roots: Sequence[UUID]) -> None:
    """Fresh lines of My Customers and tasks, under the locks of these roots. Contacts, then agents, each sorted."""
    contacts = [row["id"] for row in await tx.connection.fetch(LOCK_IN_HAND, list(roots))]
    tasks = [task for root in roots for task in await fetch_tasks(tx.connection, root)]
    mine = [(task.agent.id, task) for task in tasks if task.agent is not None and task.state == "open"]
    agents = {row["agent_id"] for row in await tx.connection.fetch(AGENTS_OF, contacts)} if contacts else set()
    agents |= {agent for agent, _ in mine}
    if not agents:
        return
    await tx.connection.execute(LOCK_AGENTS, list(agents))
    if contacts:
        for row in await tx.connection.fetch(TELL_AGENTS, contacts):
            tx.written[FeedId("agent", UUID(int=row["id"].int))] = row["seq"]
    for agent in sorted({agent for agent, _ in mine}):
        await append_to_agent(tx, agent, [TaskChanged(task) for owner, task in mine if owner == agent])
