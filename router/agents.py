"""Agents as administrators set them up: who they are, what they serve, what they can do and how much at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from model.agent import Role, WorkClass
from model.refusal import Refused
from router.agent_skills import fetch_agent_skills, set_agent_skills
from router.needs import lock_what_agents_serve, set_agent_queues
from store.ids import new_id
from store.pool import Connection

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Slots = Annotated[int, Meta(ge=0, le=1000)]
Level = Annotated[int, Meta(ge=1, le=10)]


class ServedQueue(Struct, frozen=True, forbid_unknown_fields=True):
    """A queue an agent serves. `most`: live contacts of it at once; null: as many as fit."""

    queue: Annotated[str, Meta(max_length=63)]
    most: Slots | None = None


class Slotted(Struct, frozen=True, forbid_unknown_fields=True):
    """How much of each class at once, and of all that cannot be interrupted together; null: each class by itself."""

    voice: Slots = 1
    messaging: Slots = 4
    mail: Slots = 2
    voicemail: Slots = 2
    total: Slots | None = None


class NewAgent(Struct, frozen=True, forbid_unknown_fields=True):
    """An agent to be. They get no token by this."""

    name: Name
    role: Role = "agent"
    capacity: Slotted = Slotted()
    queues: Annotated[tuple[ServedQueue, ...], Meta(max_length=200)] = ()
    skills: Annotated[dict[str, Level], Meta(max_length=200)] = {}


class AgentChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be different. `queues` and `skills` are whole lists. `active`: they work here again."""

    name: Name | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    capacity: Slotted | UnsetType = UNSET
    queues: Annotated[tuple[ServedQueue, ...], Meta(max_length=200)] | UnsetType = UNSET
    skills: Annotated[dict[str, Level], Meta(max_length=200)] | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class Agent(Struct, frozen=True):
    """An agent as set up. A service has neither capacity nor queues."""

    id: UUID
    name: str
    role: Role
    active: bool
    capacity: Slotted | None
    queues: tuple[ServedQueue, ...]
    skills: dict[str, int]


CLASSES: Final[tuple[WorkClass, ...]] = ("voice", "messaging", "mail", "voicemail")
READ = """
select a.id, a.name, a.role, a.active, s.agent_id is not null as works, s.cap_voice, s.cap_messaging, s.cap_mail,
       s.cap_voicemail, s.cap_total
  from agent a left join agent_state s on s.agent_id = a.id where a.id = $1
"""
LOCK = "select id from agent where id = $1 for no key update"
SERVED = "select queue_id, most from agent_queue where agent_id = $1 order by queue_id"


async def fetch_agent(connection: Connection, agent: UUID) -> Agent | None:
    """An agent as set up."""
    row = await connection.fetchrow(READ, agent)
    if row is None:
        return None
    slots = {name: row[f"cap_{name}"] for name in CLASSES}
    capacity = Slotted(**slots, total=row["cap_total"]) if row["works"] else None
    served = tuple(ServedQueue(*each) for each in await connection.fetch(SERVED, agent))
    skills = await fetch_agent_skills(connection, agent)
    return Agent(row["id"], row["name"], row["role"], row["active"], capacity, served, skills)


async def lock_agent(connection: Connection, agent: UUID) -> Agent | None:
    """The same, and nobody else changes it meanwhile. Queues come first, as in every change of what agents serve."""
    await lock_what_agents_serve(connection, agent)
    await connection.execute(LOCK, agent)
    return await fetch_agent(connection, agent)


ADD = "insert into agent (id, name, role) values ($1, $2, $3)"
ADD_STATE = "insert into agent_state (agent_id) values ($1) on conflict do nothing"


async def add_agent(connection: Connection, new: NewAgent) -> UUID | Refused:
    """An agent, and what they serve. Inside a transaction, which a refusal has to end."""
    agent = new_id()
    await connection.execute(ADD, agent, new.name, new.role)
    if new.role == "service":
        if new.queues or new.skills:
            return Refused("invalid", "A service gets no work: leave queues and skills out.", "role")
        return agent
    await connection.execute(ADD_STATE, agent)
    return await _set_up(connection, agent, new.capacity, new.queues, new.skills) or agent


CHANGE = "update agent set name = $2, role = $3, active = $4 where id = $1"
LEADERS_LEFT = "select exists (select from agent where role = 'admin' and active and id <> $1)"


async def change_agent(connection: Connection, before: Agent, change: AgentChange) -> Refused | None:
    """Change an agent who is locked. What they hold stays theirs, also beyond what they may hold from now on."""
    given = {name: value for name in change.__struct_fields__ if (value := getattr(change, name)) is not UNSET}
    after = msgspec.structs.replace(before, **given)
    if (after.role == "service") != (before.role == "service"):
        return Refused("invalid", "A service stays a service, and nobody becomes one: add another agent.", "role")
    if after.role == "service" and (after.capacity or after.queues or after.skills):
        return Refused("invalid", "A service gets no work: leave capacity, queues and skills out.", "queues")
    if before.active and not after.active:
        return Refused("invalid", "DELETE the agent: what they hold has to go elsewhere.", "active")
    if before.role == "admin" and after.role != "admin" and not await connection.fetchval(LEADERS_LEFT, before.id):
        return Refused("conflict", "Nobody else is an administrator; make somebody one first.", "role")
    await connection.execute(CHANGE, before.id, after.name, after.role, after.active)
    if after.role == "service":
        return None
    queues = None if change.queues is UNSET else after.queues
    skills = None if change.skills is UNSET else after.skills
    return await _set_up(connection, before.id, after.capacity or Slotted(), queues, skills)


KNOWN_QUEUES = "select id from queue where id = any ($1) and retired_at is null"
SLOTS = """
update agent_state set cap_voice = $2, cap_messaging = $3, cap_mail = $4, cap_voicemail = $5, cap_total = $6
 where agent_id = $1
"""


async def _set_up(
    connection: Connection,
    agent: UUID,
    capacity: Slotted,
    queues: tuple[ServedQueue, ...] | None,
    skills: Mapping[str, int] | None,
) -> Refused | None:
    if queues is not None:
        names = [each.queue for each in queues]
        known = {row["id"] for row in await connection.fetch(KNOWN_QUEUES, names)}
        for place, name in enumerate(names):
            if name not in known:
                return Refused("not_found", f"There is no queue {name!r}.", f"queues[{place}]")
            if name in names[:place]:
                return Refused("invalid", f"{name!r} is there twice.", f"queues[{place}]")
        await set_agent_queues(connection, agent, names, {each.queue: each.most for each in queues})
    if skills is not None and (refused := await set_agent_skills(connection, agent, skills)) is not None:
        return refused
    await connection.execute(SLOTS, agent, *(getattr(capacity, name) for name in CLASSES), capacity.total)
    return None
