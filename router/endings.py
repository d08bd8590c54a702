"""Offers that end without an accept: declined, timed out, rescinded. The contact keeps its age and goes on waiting."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal
from uuid import UUID

from model.event import OfferEnded
from model.refusal import Refused
from router.offer import DECLINE_EXCLUDES_FOR
from router.presence import OFFER_GRACE, change_presence
from router.reasons import flaw_of_decline
from store.feeds import Transaction, append_to_agent

Outcome = Literal["declined", "timed_out", "rescinded"]

CONTACT_OF = "select contact_id, agent_id, state from offer where id = $1"
LOCK_CONTACT = "select id from contact where id = $1 for no key update"
END_OFFER = """
update offer set state = $2, ended_at = clock_timestamp(), reason = $3
 where id = $1 and state = 'pending' and ($2 <> 'timed_out' or expires_at <= clock_timestamp())
returning contact_id, agent_id, class, weight
"""
# Where several were asked it rings on with the others: the round is over when the last of them has ended.
RETURN_CONTACT = """
update contact
   set state = case when r.rings then 'offered' else 'queued' end,
       state_at = case when r.rings then state_at else clock_timestamp() end,
       fence = fence + (not r.rings)::int,
       declined_by = case when $2::uuid is null then declined_by else array_append(declined_by, $2) end,
       declined_until = case when $2::uuid is null then declined_until else clock_timestamp() + $3 end,
       prefer_agent_id = case when prefer_agent_id = $2 then then_agent_id else prefer_agent_id end,
       prefer_until = case when prefer_agent_id = $2 then clock_timestamp() + interval '20 seconds'
                           else prefer_until end,
       then_agent_id = case when prefer_agent_id = $2 then null else then_agent_id end,
       prefer_by_rule = prefer_by_rule and prefer_agent_id is distinct from $2
  from (select exists (select from offer where contact_id = $1 and state = 'pending') as rings) r
 where id = $1 and state = 'offered'
"""
RELEASE_AGENT = """
update agent_state
   set used_voice = used_voice - case when $2 = 'voice' then $3 else 0 end,
       used_messaging = used_messaging - case when $2 = 'messaging' then $3 else 0 end,
       used_mail = used_mail - case when $2 = 'mail' then $3 else 0 end,
       used_voicemail = used_voicemail - case when $2 = 'voicemail' then $3 else 0 end
 where agent_id = $1
"""


STILL_LEFT = """
select presence <> 'available' or coalesce(gone_at < clock_timestamp() - $2::interval, false)
  from agent_state where agent_id = $1 for no key update
"""


async def rescind_left(tx: Transaction, offer: UUID, reason: str | None) -> Refused | None:
    """Take back an offer whose agent went away or vanished; asked again under the locks, for they may be back."""
    row = await tx.connection.fetchrow(CONTACT_OF, offer)
    if row is None:
        return Refused("gone", "No such offer.", "offer")
    await tx.connection.execute(LOCK_CONTACT, row["contact_id"])
    if not await tx.connection.fetchval(STILL_LEFT, row["agent_id"], OFFER_GRACE):
        return Refused("wrong_state", "The agent is back.", "offer")
    return await end_offer(tx, offer, "rescinded", reason=reason)


LOCK_AGENTS = "select agent_id from agent_state where agent_id = any ($1) order by agent_id for no key update"


async def lock_agents(tx: Transaction, agents: Iterable[UUID]) -> None:
    """Several agents who are about to change: sorted, as everywhere."""
    await tx.connection.execute(LOCK_AGENTS, list(agents))


RESCIND_OF = """
update offer set state = 'rescinded', ended_at = clock_timestamp(), reason = $2
 where contact_id = $1 and state = 'pending' returning id, agent_id, class, weight
"""


async def rescind_offer_of(tx: Transaction, contact: UUID, reason: str) -> None:
    """Stop the ringing for a contact that the caller has locked: it ends, or one of several has accepted it."""
    rows = await tx.connection.fetch(RESCIND_OF, contact, reason)
    for row in sorted(rows, key=lambda each: each["agent_id"]):
        await tx.connection.execute(RELEASE_AGENT, row["agent_id"], row["class"], row["weight"])
        await append_to_agent(tx, row["agent_id"], [OfferEnded(row["id"], contact, "rescinded", reason)])


async def end_offer(
    tx: Transaction, offer: UUID, outcome: Outcome, *, reason: str | None = None, agent: UUID | None = None
) -> Refused | None:
    """End a pending offer. With `agent`, only theirs. A timeout happens only when the database's clock says so."""
    row = await tx.connection.fetchrow(CONTACT_OF, offer)
    if row is None or (agent is not None and row["agent_id"] != agent):
        return Refused("forbidden" if row else "gone", "This offer is not yours." if row else "No such offer.", "offer")
    await tx.connection.execute(LOCK_CONTACT, row["contact_id"])
    ended = await tx.connection.fetchrow(END_OFFER, offer, outcome, reason)
    if ended is None:
        return Refused("gone", "The offer has already ended.", "offer")
    passed_over = None if outcome == "rescinded" else ended["agent_id"]
    await tx.connection.execute(RETURN_CONTACT, ended["contact_id"], passed_over, DECLINE_EXCLUDES_FOR)
    await tx.connection.execute(RELEASE_AGENT, ended["agent_id"], ended["class"], ended["weight"])
    event = OfferEnded(offer, ended["contact_id"], outcome, reason)
    await append_to_agent(tx, ended["agent_id"], [event])
    if outcome == "timed_out":
        # Work must not ring on an empty chair: the next offer goes to them when they say they are back.
        await change_presence(tx, ended["agent_id"], "away", "missed_offer", only_if="available")
    return None


async def decline(tx: Transaction, offer: UUID, reason: str | None, agent: UUID) -> Refused | None:
    """The agent refuses it, for one of the reasons that are defined, if any are."""
    refused = await flaw_of_decline(tx.connection, reason)
    return refused or await end_offer(tx, offer, "declined", reason=reason, agent=agent)
