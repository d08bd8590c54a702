"""What happens when: arrivals, shifts, accepts, timeouts, ends. After each instant the router pairs what it can."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter

from msgspec.structs import replace

from router.offer import DECLINE_EXCLUDES_FOR
from router.rank import Waiting, rank
from router.simulation.given import Arrival, Outcome, Shift, Terms
from router.simulation.lines import Lines
from router.simulation.pieces import Agent, Contact, Offer
from router.skills import lacking

AT_ONCE = 50
"""Agents, and heads of a line, looked at in one round: as in dispatch."""
TOLD_EVERY = 200
NEVER = float("inf")
EXCLUDED = DECLINE_EXCLUDES_FOR.total_seconds()


class Impossible(RuntimeError):
    """A machine refused what the simulation holds for possible: one of both is wrong."""


def simulate(
    arrivals: Sequence[Arrival],
    shifts: Iterable[Shift],
    terms: Terms | None = None,
    told: Callable[[int], None] = lambda done: None,
) -> list[Outcome]:
    """What becomes of each contact, in the order given. `told`: how many have come so far."""
    return _Simulation(arrivals, shifts, terms or Terms()).run(told)


class _Simulation:
    def __init__(self, arrivals: Sequence[Arrival], shifts: Iterable[Shift], terms: Terms) -> None:
        self.terms = terms
        self.now = 0.0
        self.lines = Lines()
        self.free: dict[int, Agent] = {}
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.count = 0
        self.certain = 0  # of what is to come, what is more than one more offer
        self.moved_at = 0.0  # when anything else than an offer happened last
        self.needs: dict[object, int] = {}
        self.contacts = [
            Contact(number, arrival, self._need(arrival), terms) for number, arrival in enumerate(arrivals, 1)
        ]
        self.agents: dict[str, Agent] = {}  # the nth is number n, from 1
        for shift in sorted(shifts, key=lambda one: one.begin):
            self._plan(shift)
        self.by_number = list(self.agents.values())

    def _need(self, arrival: Arrival) -> int:
        what = (arrival.queue, arrival.work_class, arrival.skills)
        return self.needs.setdefault(what, len(self.needs) + 1)

    def _plan(self, shift: Shift) -> None:
        agent = self.agents.setdefault(shift.agent, Agent(len(self.agents) + 1, shift.agent))
        arrivals = {contact.waits.need: contact.arrival for contact in self.contacts}
        served = frozenset(
            need
            for need, one in arrivals.items()
            if one.queue in shift.queues and not lacking(one.skills, shift.skills)
        )
        self._surely(shift.begin, lambda: self._comes(agent, shift, served))

    def _surely(self, when: float, what: Callable[[], None]) -> None:
        """It changes more than who is asked."""

        def happens() -> None:
            self.certain -= 1
            self.moved_at = self.now
            what()

        self.certain += 1
        self._at(when, happens)

    def _stuck(self) -> bool:
        """Everybody who could take what waits was asked since, and missed it: so it would go on for ever."""
        once = self.terms.offer + self.terms.away + EXCLUDED
        return not self.certain and self.now - self.moved_at > 2 * once

    def _at(self, when: float, what: Callable[[], None]) -> None:
        self.count += 1
        heapq.heappush(self.events, (when, self.count, what))

    def run(self, told: Callable[[int], None]) -> list[Outcome]:
        coming = sorted(self.contacts, key=lambda contact: contact.arrival.at)
        done = 0
        while done < len(coming) or (self.events and not self._stuck()):
            self.now = min(
                self.events[0][0] if self.events else NEVER, coming[done].arrival.at if done < len(coming) else NEVER
            )
            while self.events and self.events[0][0] == self.now:
                heapq.heappop(self.events)[2]()
            while done < len(coming) and coming[done].arrival.at == self.now:
                self._arrives(coming[done])
                done += 1
                if done % TOLD_EVERY == 0:
                    told(done)
            self._dispatch()
        told(done)
        return [contact.outcome() for contact in self.contacts]

    # agents ----------------------------------------------------------------------------------------------------------

    def _comes(self, agent: Agent, shift: Shift, needs: frozenset[int]) -> None:
        agent.shift, agent.needs, agent.idle_since = shift, needs, self.now
        if shift.end is not None:
            self._surely(shift.end, lambda: self._goes(agent, shift))
        self._look(agent)

    def _goes(self, agent: Agent, shift: Shift) -> None:
        """What rings goes to others; what they hold they finish."""
        if agent.shift is shift:
            agent.shift = None
            self._take_back(agent)
            self._look(agent)

    def _look(self, agent: Agent) -> None:
        """They changed: can they be given something?"""
        agent.seen = None
        if agent.has_room(self.now):
            self.free[agent.number] = agent
        else:
            self.free.pop(agent.number, None)

    def _take_back(self, agent: Agent) -> None:
        for offer in list(agent.ringing.values()):
            self._ended(offer, offer.step("rescind", self.now))
            self._returns(offer.contact)

    def _back(self, agent: Agent) -> None:
        if agent.shift is not None and self.now >= agent.away_until:
            agent.idle_since = self.now
            self._look(agent)

    # contacts --------------------------------------------------------------------------------------------------------

    def _arrives(self, contact: Contact) -> None:
        self.moved_at = self.now
        _must(contact.step("routed"))
        self.lines.join(contact)
        if contact.arrival.patience is not None:
            self._surely(self.now + contact.arrival.patience, lambda: self._gives_up(contact))

    def _gives_up(self, contact: Contact) -> None:
        if contact.answered is not None or not contact.step("hung_up"):
            return
        contact.left = self.now
        if contact.offer is not None and contact.offer.state == "pending":
            self._ended(contact.offer, contact.offer.step("rescind", self.now))

    def _returns(self, contact: Contact) -> None:
        _must(contact.step("returned"))
        self.lines.join(contact)

    def _finishes(self, contact: Contact) -> None:
        contact.finished = self.now
        if self.terms.wrap_up > 0:
            _must(contact.step("finished"))
            self._surely(self.now + self.terms.wrap_up, lambda: self._closes(contact))
        else:
            self._closes(contact)

    def _closes(self, contact: Contact) -> None:
        _must(contact.step("done") and contact.offer is not None)
        contact.closed = self.now
        if contact.offer is not None:
            contact.offer.agent.idle_since = self.now
            contact.offer.agent.release(contact)
            self._look(contact.offer.agent)

    # offers ----------------------------------------------------------------------------------------------------------

    def _offers(self, contact: Contact, agent: Agent) -> None:
        _must(contact.step("offered"))
        offer = contact.offer = Offer(contact, agent, self.now + self.terms.offer)
        contact.offers += 1
        contact.offered = self.now
        agent.take(contact, self.now)
        agent.ringing[contact.waits.id] = offer
        self._look(agent)
        own = agent.shift.accepts_after if agent.shift is not None else None
        delay = self.terms.accept if own is None else own
        if delay < self.terms.offer:
            self._surely(self.now + delay, lambda: self._accepts(offer))
        else:
            self._at(offer.expires_at, lambda: self._misses(offer))

    def _accepts(self, offer: Offer) -> None:
        if not offer.step("accept", self.now):
            return
        contact = offer.contact
        _must(contact.step("accepted"))
        del offer.agent.ringing[contact.waits.id]
        contact.answered = self.now
        self._surely(self.now + contact.arrival.handling, lambda: self._finishes(contact))

    def _misses(self, offer: Offer) -> None:
        """It goes to others first, and who missed it is away for a while."""
        if not offer.step("time_out", self.now):
            return
        contact, agent = offer.contact, offer.agent
        agent.away_until = self.now + self.terms.away
        self._ended(offer, True)
        contact.waits = replace(contact.waits, declined_by=contact.waits.declined_by | {agent.id})
        contact.declined_until = self.now + EXCLUDED
        self._returns(contact)
        self._take_back(agent)
        self._at(contact.declined_until, lambda: None)
        self._at(agent.away_until, lambda: self._back(agent))

    def _ended(self, offer: Offer, happened: bool) -> None:
        _must(happened)
        del offer.agent.ringing[offer.contact.waits.id]
        offer.agent.release(offer.contact)
        self._look(offer.agent)

    # who takes what --------------------------------------------------------------------------------------------------

    def _dispatch(self) -> None:
        """Pair until nothing more fits, as the worker does after every change."""
        while self.free and (wanted := self.lines.needs()):
            able = [agent for agent in self.free.values() if not agent.needs.isdisjoint(wanted)]
            if len(able) > AT_ONCE:
                able = heapq.nsmallest(AT_ONCE, able, key=attrgetter("idle_since", "number"))
            views = [agent.view() for agent in able]
            slots = sum(max(view.room.free.values()) for view in views)
            heads = self.lines.heads(wanted, min(AT_ONCE, slots)) if able else []
            pairs = rank(self._apart() + [contact.waits for contact in heads], views)
            if not pairs:
                return
            for pair in pairs:
                self._offers(self.contacts[pair.contact.id.int - 1], self.by_number[pair.agent.int - 1])

    def _apart(self) -> list[Waiting]:
        """Those somebody declined: for the others alone, until that is over or everybody was tried."""
        judged: list[Waiting] = []
        for contact in self.lines.apart():
            waits = contact.waits
            able = [agent.id for agent in self.agents.values() if waits.need in agent.needs and self._there(agent)]
            tried = len(waits.declined_by) > 1 and bool(able) and waits.declined_by.issuperset(able)
            if self.now >= contact.declined_until or tried:
                contact.waits = replace(waits, declined_by=frozenset())
                self.lines.rejoin(contact)
            else:
                judged.append(waits)
        return judged

    def _there(self, agent: Agent) -> bool:
        return agent.shift is not None and self.now >= agent.away_until


def _must(happened: bool) -> None:
    if not happened:
        raise Impossible("a step that must be possible was refused")
