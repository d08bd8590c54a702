"""Everything an agent's screen starts from, read in one statement so that it fits the feed's position."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from model.agent import Capacity, Presence, WorkClass
from model.contact import HeldContact
from model.customer import Task
from model.event import HeldChanged
from model.handover import HandoverCard
from model.offer import OfferCard
from store.pool import Connection


class DeskState(Struct, frozen=True):
    """An agent's presence, load, held contacts, ringing offers and tasks, at `seq` of their feed."""

    seq: int
    presence: Presence
    capacity: dict[WorkClass, Capacity]
    contacts: tuple[HeldContact, ...]
    offers: tuple[OfferCard, ...]
    now: datetime
    tasks: tuple[Task, ...] = ()
    """The agent's own open ones, those due first first."""
    handovers: tuple[HandoverCard, ...] = ()
    """What they are asked to take over, and what they ask of others."""


FETCH_DESK = """
select s.seq, s.presence, s.reason, s.connected, s.presence_at, s.used_voice, s.cap_voice, s.used_messaging,
       s.cap_messaging, s.used_mail, s.cap_mail, s.used_voicemail, s.cap_voicemail, clock_timestamp() as now,
       array(select held_line(c, false) from contact c where c.agent_id = s.agent_id order by c.state_at) as held,
       array(select json_build_object('offer', o.id, 'contact', c.id,
                        'customer_name', coalesce(r.shown_name, r.name), 'handle', h.value, 'channel', c.channel,
                        'account', c.account_id, 'queue', q.name, 'preview', c.preview, 'messages', c.messages,
                        'waiting_since', json_time(c.arrived_at), 'offered_at', json_time(o.created_at),
                        'expires_at', json_time(o.expires_at),
                        'handed_by', (select b.name from agent b where b.id = c.handed_by), 'note', c.handed_note)::text
               from offer o join contact c on c.id = o.contact_id join queue q on q.id = c.queue_id
                    join customer m on m.id = c.customer_id join customer r on r.id = m.root_id
                    join handle h on h.id = c.handle_id
              where o.agent_id = s.agent_id and o.state = 'pending' and o.expires_at > clock_timestamp()
              order by o.created_at) as offers,
       array(select json_build_object('id', t.id, 'customer', r.id,
                        'customer_name', coalesce(r.shown_name, r.name),
                        'conversation', coalesce(v.folded_into, v.id), 'body', t.body, 'due_at', json_time(t.due_at),
                        'agent', json_build_object('id', a.id, 'name', a.name), 'queue', t.queue_id,
                        'state', t.state, 'revision', t.revision, 'at', json_time(t.at),
                        'by', case when b.id is not null then json_build_object('id', b.id, 'name', b.name) end)::text
               from (select * from task t where t.agent_id = s.agent_id and t.state = 'open'
                      order by t.due_at nulls last, t.id limit 200) t
                    join customer m on m.id = t.customer_id join customer r on r.id = m.root_id
                    join agent a on a.id = t.agent_id left join agent b on b.id = t.by_agent
                    left join conversation v on v.id = t.conversation_id
              order by t.due_at nulls last, t.id) as tasks,
       array(select handover_line(h) from handover h
              where (h.agent_id = s.agent_id or h.by_agent_id = s.agent_id) and h.ended_at is null
              order by h.created_at) as handovers
  from agent_state s where s.agent_id = $1
"""
_held = msgspec.json.Decoder(HeldChanged)
_offer = msgspec.json.Decoder(OfferCard)
_task = msgspec.json.Decoder(Task)
_handover = msgspec.json.Decoder(HandoverCard)


async def fetch_desk(connection: Connection, agent: UUID) -> DeskState | None:
    """The state of this agent; None when there is no such agent."""
    row = await connection.fetchrow(FETCH_DESK, agent)
    if row is None:
        return None
    return DeskState(
        seq=row["seq"],
        presence=Presence(row["presence"], row["reason"], row["connected"], row["presence_at"]),
        capacity={
            "voice": Capacity(row["used_voice"], row["cap_voice"]),
            "messaging": Capacity(row["used_messaging"], row["cap_messaging"]),
            "mail": Capacity(row["used_mail"], row["cap_mail"]),
            "voicemail": Capacity(row["used_voicemail"], row["cap_voicemail"]),
        },
        contacts=tuple(_held.decode(line).held for line in row["held"]),
        offers=tuple(_offer.decode(card) for card in row["offers"]),
        now=row["now"],
        tasks=tuple(_task.decode(task) for task in row["tasks"]),
        handovers=tuple(_handover.decode(line) for line in row["handovers"]),
    )


OFFERED_CUSTOMERS = """
select o.id, m.root_id from offer o join contact c on c.id = o.contact_id join customer m on m.id = c.customer_id
 where o.agent_id = $1 and o.state = 'pending'
"""


async def fetch_offered_customers(connection: Connection, agent: UUID) -> dict[UUID, UUID]:
    """Offer to customer, for the offers that ring for this agent: whose snapshots to prepare."""
    return {row["id"]: row["root_id"] for row in await connection.fetch(OFFERED_CUSTOMERS, agent)}
