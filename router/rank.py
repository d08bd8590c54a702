"""Which free agent takes which waiting contact. Pure: the same agents, contacts and time give the same pairs."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from model.agent import WorkClass

Rejection = Literal["needs", "capacity", "declined", "not_preferred"]


class FreeAgent(Struct, frozen=True):
    """An agent who may be given work now. `free`: open slots per class."""

    id: UUID
    idle_since: datetime
    needs: frozenset[int]
    free: dict[WorkClass, int]


class Waiting(Struct, frozen=True):
    """A waiting contact. Lower `order_key` goes first; `preferred` restricts it to one agent."""

    id: UUID
    need: int
    work_class: WorkClass
    weight: int
    order_key: int
    declined_by: frozenset[UUID] = frozenset()
    preferred: UUID | None = None


class Pair(Struct, frozen=True):
    """This contact for this agent."""

    contact: Waiting
    agent: UUID


def reject(contact: Waiting, agent: FreeAgent, open_slots: int) -> Rejection | None:
    """Why this agent cannot take the contact, or None. `open_slots`: what is left of the agent's class capacity."""
    if contact.preferred is not None:
        if agent.id != contact.preferred:
            return "not_preferred"
    elif contact.need not in agent.needs:
        return "needs"
    if agent.id in contact.declined_by:
        return "declined"
    return "capacity" if open_slots < contact.weight else None


def rank(contacts: Iterable[Waiting], agents: Sequence[FreeAgent]) -> list[Pair]:
    """Pair contacts, in their order, each with the agent longest idle among those who can take it.

    An agent who is given a contact goes behind all others. Ties break by id, so that processes agree.
    A contact nobody can take is passed over: it never blocks those behind it.
    """
    free = {agent.id: dict(agent.free) for agent in agents}
    by_id = {agent.id: agent for agent in agents}
    # one queue of agents per need, longest idle first: (turns taken in this call, idle_since, id)
    turns = dict.fromkeys(by_id, 0)
    by_need: dict[int, list[tuple[int, datetime, UUID]]] = {}
    for agent in agents:
        for need in agent.needs:
            by_need.setdefault(need, []).append((0, agent.idle_since, agent.id))
    for queue in by_need.values():
        heapq.heapify(queue)
    pairs: list[Pair] = []
    for contact in sorted(contacts, key=lambda c: (c.order_key, c.id)):
        chosen = (
            _preferred(contact, by_id, free)
            if contact.preferred is not None
            else _longest_idle(contact, by_need.get(contact.need, []), by_id, free, turns)
        )
        if chosen is not None:
            free[chosen][contact.work_class] -= contact.weight
            turns[chosen] += 1
            pairs.append(Pair(contact, chosen))
    return pairs


def _preferred(contact: Waiting, by_id: dict[UUID, FreeAgent], free: dict[UUID, dict[WorkClass, int]]) -> UUID | None:
    agent = by_id.get(contact.preferred) if contact.preferred else None
    if agent is None or reject(contact, agent, free[agent.id].get(contact.work_class, 0)):
        return None
    return agent.id


def _longest_idle(
    contact: Waiting,
    queue: list[tuple[int, datetime, UUID]],
    by_id: dict[UUID, FreeAgent],
    free: dict[UUID, dict[WorkClass, int]],
    turns: dict[UUID, int],
) -> UUID | None:
    """Pop until an agent fits; put back those refused only for this contact, drop those who are full."""
    kept: list[tuple[int, datetime, UUID]] = []
    chosen: UUID | None = None
    while queue and chosen is None:
        taken, idle_since, agent = heapq.heappop(queue)
        if taken < turns[agent]:  # served through another need meanwhile: back to its true place
            heapq.heappush(queue, (turns[agent], idle_since, agent))
            continue
        why = reject(contact, by_id[agent], free[agent].get(contact.work_class, 0))
        if why is None:
            chosen = agent
            kept.append((taken + 1, idle_since, agent))
        elif why == "declined" or any(slots > 0 for slots in free[agent].values()):
            kept.append((taken, idle_since, agent))
    for item in kept:
        heapq.heappush(queue, item)
    return chosen
