"""Who is there: what agents chose, and which screens living processes hold for them. Leases by the database's clock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from model.agent import Presence, PresenceStatus
from model.event import PresenceChanged
from model.refusal import Refused
from router.reasons import flaw_of_away
from store.feeds import Transaction, append_to_agent
from store.pool import Connection

LEASE = timedelta(seconds=15)
HEARTBEAT_SECONDS = 5.0
OFFER_GRACE = timedelta(seconds=10)
"""A vanished agent's offers ring on this long, for a reconnect."""
HELD_GRACE = timedelta(seconds=60)
"""A vanished agent keeps held contacts this long."""

REGISTER = "insert into gateway_process (id, expires_at) values ($1, clock_timestamp() + $2)"
RENEW = "update gateway_process set expires_at = clock_timestamp() + $2 where id = $1 returning id"


async def register_process(connection: Connection, process: UUID) -> None:
    """Begin this process's lease."""
    await connection.execute(REGISTER, process, LEASE)


async def renew_lease(connection: Connection, process: UUID) -> bool:
    """Prolong the lease; False when others have already declared this process dead: its screens must reconnect."""
    return await connection.fetchval(RENEW, process, LEASE) is not None


LOCK_AGENT = "select agent_id from agent_state where agent_id = $1 for no key update"
ADD_SCREEN = "insert into screen (id, agent_id, process_id) values ($1, $2, $3)"
REMOVE_SCREEN = "delete from screen where id = $1 returning agent_id"
SET_CONNECTED = """
update agent_state s
   set connected = x.there, gone_at = case when x.there then null else clock_timestamp() end,
       idle_since = case when x.there and presence = 'available' then clock_timestamp() else idle_since end
  from (select exists (select from screen where agent_id = $1) as there) x
 where s.agent_id = $1 and s.connected <> x.there
returning presence, reason, connected, presence_at
"""


async def connect_screen(tx: Transaction, agent: UUID, screen: UUID, process: UUID) -> None:
    """A screen of this agent is connected to this process. Never changes the chosen presence."""
    await tx.connection.execute(LOCK_AGENT, agent)
    await tx.connection.execute(ADD_SCREEN, screen, agent, process)
    await _set_connected(tx, agent)


async def disconnect_screen(tx: Transaction, agent: UUID, screen: UUID) -> None:
    """The screen is gone; when it was the last, the agent's grace begins."""
    await tx.connection.execute(LOCK_AGENT, agent)
    await tx.connection.execute(REMOVE_SCREEN, screen)
    await _set_connected(tx, agent)


async def _set_connected(tx: Transaction, agent: UUID) -> None:
    row = await tx.connection.fetchrow(SET_CONNECTED, agent)
    if row is not None:
        await append_to_agent(tx, agent, [PresenceChanged(_presence(row))])


def _presence(row: Any) -> Presence:
    return Presence(row["presence"], row["reason"], row["connected"], row["presence_at"])


SET_PRESENCE = """
update agent_state
   set presence = $2, reason = $3, presence_at = clock_timestamp(),
       idle_since = case when $2 = 'available' and presence <> 'available' then clock_timestamp() else idle_since end
 where agent_id = $1 and ($4::text is null or presence = $4) and (presence, reason) is distinct from ($2, $3)
returning presence, reason, connected, presence_at
"""
LIVE_CALL = "select exists (select from contact where agent_id = $1 and class = 'voice' and state = 'assigned')"


WORKS_HERE = "select active from agent where id = $1"
RETIRED = Refused("forbidden", "This agent works here no more.", "status")
NO_REASON = Refused("invalid", "Only away has a reason; leave it out.", "reason")


async def set_presence(tx: Transaction, agent: UUID, status: PresenceStatus, reason: str | None) -> Refused | None:
    """What the agent chose. `offline` waits for the end of a live call; a reason is one of those defined for away."""
    if reason is not None:
        refused = await flaw_of_away(tx.connection, reason) if status == "away" else NO_REASON
        if refused is not None:
            return refused
    await tx.connection.execute(LOCK_AGENT, agent)
    if not await tx.connection.fetchval(WORKS_HERE, agent):
        return RETIRED
    if status == "offline" and await tx.connection.fetchval(LIVE_CALL, agent):
        return Refused("wrong_state", "You are on a call. Choose away, and offline when it has ended.", "status")
    await change_presence(tx, agent, status, reason)
    return None


async def change_presence(
    tx: Transaction, agent: UUID, status: PresenceStatus, reason: str | None, *, only_if: PresenceStatus | None = None
) -> None:
    """Change the presence, by the agent or by the server; choosing what already is changes nothing."""
    row = await tx.connection.fetchrow(SET_PRESENCE, agent, status, reason, only_if)
    if row is not None:
        await append_to_agent(tx, agent, [PresenceChanged(_presence(row))])


MARK_ACTIVE = "update screen set active_at = clock_timestamp() where id = $1"


async def mark_active(connection: Connection, screen: UUID) -> None:
    """Somebody does something on this screen."""
    await connection.execute(MARK_ACTIVE, screen)


IDLE = """
select s.agent_id from agent_state s
 where s.routable and s.used_voice = 0 and s.used_messaging = 0 and s.used_mail = 0 and s.used_voicemail = 0
   and greatest(s.presence_at, s.idle_since) < clock_timestamp() - $1::interval
   and not exists (select from screen x
                    where x.agent_id = s.agent_id and x.active_at >= clock_timestamp() - $1::interval)
   and ($2::uuid is null or s.agent_id = $2)
 order by s.agent_id limit 100
"""


async def find_idle(connection: Connection, after: timedelta) -> list[UUID]:
    """Available agents who have nothing, and on whose screens nobody did anything for so long."""
    return [row["agent_id"] for row in await connection.fetch(IDLE, after, None)]


async def send_away_idle(tx: Transaction, agent: UUID, after: timedelta) -> bool:
    """Nobody seems to be there: away, so that nothing rings on an empty chair. False when they have moved meanwhile."""
    await tx.connection.execute(LOCK_AGENT, agent)
    if await tx.connection.fetchrow(IDLE, after, agent) is None:
        return False
    await change_presence(tx, agent, "away", "idle", only_if="available")
    return True


DEAD_PROCESSES = """
select id from gateway_process where expires_at < clock_timestamp()
 order by id limit 5 for no key update skip locked
"""
AGENTS_OF = "select distinct agent_id from screen where process_id = any ($1) order by agent_id"
BURY = "delete from gateway_process where id = any ($1)"


async def bury_dead_processes(tx: Transaction) -> int:
    """Take away the screens of processes whose lease ran out; returns how many processes."""
    dead = [row["id"] for row in await tx.connection.fetch(DEAD_PROCESSES)]
    if not dead:
        await mend_connected(tx)
        return 0
    agents = [row["agent_id"] for row in await tx.connection.fetch(AGENTS_OF, dead)]
    for agent in agents:
        await tx.connection.execute(LOCK_AGENT, agent)
    await tx.connection.execute(BURY, dead)
    for agent in agents:
        await _set_connected(tx, agent)
    await mend_connected(tx)
    return len(dead)


UNCONNECTED = """
select s.agent_id from agent_state s
 where s.connected and not exists (select from screen x where x.agent_id = s.agent_id)
 order by s.agent_id limit 100
"""


async def mend_connected(tx: Transaction) -> int:
    """Agents counted as connected without a screen: one was being added while its process was declared dead."""
    agents = [row["agent_id"] for row in await tx.connection.fetch(UNCONNECTED)]
    for agent in agents:
        await tx.connection.execute(LOCK_AGENT, agent)
        await _set_connected(tx, agent)
    return len(agents)


UNREGISTER = "delete from gateway_process where id = $1"


async def unregister_process(tx: Transaction, process: UUID) -> None:
    """End this process's lease in good order: its agents are seen as gone at once, not when the lease would end."""
    agents = [row["agent_id"] for row in await tx.connection.fetch(AGENTS_OF, [process])]
    for agent in agents:
        await tx.connection.execute(LOCK_AGENT, agent)
    await tx.connection.execute(UNREGISTER, process)
    for agent in agents:
        await _set_connected(tx, agent)
