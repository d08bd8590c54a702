"""What supervisors do with the work of others: take it back, give it to somebody, say who is there.

Each is done under the locks of the contact's usual way: the customer's stream, the contact, its offers, the agents.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from model.agent import Actor, PresenceStatus
from model.refusal import Refused
from model.timeline import Author
from router.endings import end_offer, lock_agents
from router.holding import NO_CONTACT, Change, lock_contact, step
from router.offer import DECLINE_EXCLUDES_FOR
from router.presence import set_presence
from store.feeds import Transaction

WHY = "taken_back"
ON_A_CALL = Refused("wrong_state", "Somebody talks on this call. Join it, or transfer it.", "contact")
NOT_ROUTED = Refused("wrong_state", "The rules have not looked at it yet; try again in a moment.", "contact")
RINGING = "select id, agent_id from offer where contact_id = $1 and state = 'pending' order by agent_id"
FOR_OTHERS = """
update contact
   set declined_by = $2, declined_until = clock_timestamp() + $3, prefer_agent_id = null, prefer_until = null,
       then_agent_id = null, prefer_by_rule = false
 where id = $1
"""


async def take_back(tx: Transaction, contact: UUID, actor: Actor) -> Refused | None:
    """It goes back to its queue with its age, and others are tried before whoever had it or heard it ring."""
    locked = await lock_contact(tx, contact)
    if locked is None:
        return NO_CONTACT
    root, row = locked
    if row["state"] in ("new", "queued"):
        return Refused("wrong_state", "Nobody has it: it waits already.", "contact")
    if row["state"] != "offered":
        return await _off_their_hands(tx, root, row, actor)
    rang = await _silence(tx, contact)
    await tx.connection.execute(FOR_OTHERS, contact, rang, DECLINE_EXCLUDES_FOR)
    return None


async def _off_their_hands(tx: Transaction, root: UUID, row: Any, actor: Actor) -> Refused | None:
    if row["class"] == "voice" and row["state"] == "assigned":
        return ON_A_CALL
    by = Author(actor.id, actor.name)
    return await step(tx, root, row, Change("handed_back", WHY, WHY, pass_over=row["agent_id"], actor=by))


async def _silence(tx: Transaction, contact: UUID) -> list[UUID]:
    """End every ringing of a contact that is locked; who heard it."""
    ringing = await tx.connection.fetch(RINGING, contact)
    agents = [row["agent_id"] for row in ringing]
    await lock_agents(tx, agents)
    for row in ringing:
        await end_offer(tx, row["id"], "rescinded", reason=WHY)
    return agents


# Queues come with limits and skills; whom a supervisor names has it all the same, while they are there and have room.
FREE = """
select a.active, s.presence, s.routable and case $2
           when 'voice' then s.used_voice < s.cap_voice when 'messaging' then s.used_messaging < s.cap_messaging
           when 'mail' then s.used_mail < s.cap_mail else s.used_voicemail < s.cap_voicemail end as free
  from agent a join agent_state s on s.agent_id = a.id where a.id = $1
"""
NO_AGENT = Refused("not_found", "There is no such agent; `GET /v1/agents` lists them.", "agent")
NOT_FREE = Refused("wrong_state", "This agent is not there, or busy. Choose another.", "agent")
# The plan of the rules goes on: where this agent does not take it, it must not wait for what it asked at first.
FOR_THEM = """
update contact
   set prefer_agent_id = $2, prefer_until = clock_timestamp() + interval '20 seconds', then_agent_id = null,
       prefer_by_rule = false,
       declined_by = case when $3::uuid is null then '{}' else array[$3] end,
       declined_until = case when $3::uuid is null then null else clock_timestamp() + $4::interval end
 where id = $1 and state = 'queued'
"""


async def reassign(tx: Transaction, contact: UUID, agent: UUID, actor: Actor) -> Refused | None:
    """It is for this agent alone for 20 s, given as soon as it can be (a call rings); then it is its queue's again."""
    locked = await lock_contact(tx, contact)
    if locked is None:
        return NO_CONTACT
    root, row = locked
    if row["agent_id"] == agent:
        return Refused("wrong_state", "They have it already.", "agent")
    if row["state"] == "new" or row["unrouted"]:
        return NOT_ROUTED
    to = await tx.connection.fetchrow(FREE, agent, row["class"])
    if to is None or not to["active"]:
        return NO_AGENT
    if not to["free"]:
        return NOT_FREE
    if row["state"] == "offered":
        await _silence(tx, contact)
    elif row["state"] != "queued":
        refused = await _off_their_hands(tx, root, row, actor)
        if refused is not None:
            return refused
    await tx.connection.execute(FOR_THEM, contact, agent, row["agent_id"], DECLINE_EXCLUDES_FOR)
    return None


IS_AGENT = "select true from agent a join agent_state s on s.agent_id = a.id where a.id = $1 and a.active"


async def set_presence_of(tx: Transaction, agent: UUID, status: PresenceStatus, reason: str | None) -> Refused | None:
    """Somebody else's presence: what rings for them stops, as if they had chosen it."""
    if not await tx.connection.fetchval(IS_AGENT, agent):
        return NO_AGENT
    refused = await set_presence(tx, agent, status, reason)
    if refused is not None and refused.code == "wrong_state":
        return Refused("wrong_state", "They are on a call. Choose away, and offline when it has ended.", "status")
    return refused
