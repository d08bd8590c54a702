"""The claims about who holds what: holds, offers, capacity, waiting work. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from tests.faults.rows import Database, Offer
from tests.outside.history import Fact
from tests.outside.verdict import Verdict, compare

# `created_at` and `released_at` are the beginning of their transaction, which may have waited for a lock.
LOCK_WAIT = timedelta(seconds=2)
FOREVER = datetime.max.replace(tzinfo=UTC)
HELD_GRACE_NS = 50 * 10**9
"""A screen that is away for less than this cannot have lost what it holds (the product's grace is 60 s)."""


def one_holder(history: Sequence[Fact], database: Database) -> Verdict:
    """INV9, in the database: no two holds of a contact at once, and contact and hold name the same agent."""
    holds = [offer for offer in database.offers if offer.state == "accepted"]
    faults = []
    for contact, of_contact in _by_contact(holds).items():
        spans = sorted((offer.ended_at or FOREVER, offer.released_at or FOREVER, offer.id) for offer in of_contact)
        for (_, until, one), (since, _, other) in pairwise(spans):
            if since < until:
                faults.append(f"contact {contact} is held by offers {one} and {other} at once")
    now = {offer.contact: offer.agent for offer in holds if offer.released_at is None}
    for row in database.contacts:
        holder = row.agent if row.state in ("assigned", "wrapping") else None
        if now.get(row.id) != holder:
            faults.append(f"contact {row.id} is {row.state} with {row.agent}, but the hold says {now.get(row.id)}")
    dose = f"{len(holds)} holds of {len({offer.contact for offer in holds})} contacts"
    return compare("every contact is held by at most one agent (database)", dose, faults, "no two at once")


def screens_hold_once(history: Sequence[Fact], database: Database) -> Verdict | None:
    """INV9, as the screens saw it: a profile said `accepted` only to the agent whose offer it was, one at a time."""
    offers = {offer.id: offer for offer in database.offers}
    agents = {row.name: row.agent for row in database.slots}
    holder: dict[str, str] = {}
    away: dict[str, int] = {}
    faults, won = [], 0
    for fact in history:
        agent = agents.get(_agent_of(fact.who), fact.who)
        if fact.op in ("closed", "welcome"):
            _come_and_go(away, agent, fact)
        elif fact.op == "profile" and fact.reason == "accepted" and fact.contact:
            won += 1
            before = holder.get(fact.contact, agent)
            if not _is_theirs(offers.get(fact.offer or ""), agent, fact.contact):
                faults.append(f"{fact.who} was shown {fact.contact} as accepted, and the database does not know it")
            if before != agent and fact.at - away.get(before, fact.at) < HELD_GRACE_NS:
                faults.append(f"{fact.contact} was given to {fact.who} while another held it and was never told")
            holder[fact.contact] = agent
        elif _lets_go(fact) and fact.contact and holder.get(fact.contact) == agent:
            del holder[fact.contact]
    if not won:
        return None
    return compare(
        "every contact is held by at most one agent (screens)", f"{won} accepts seen", faults, "each its own"
    )


def _agent_of(screen: str) -> str:
    """Several screens of an agent are named `Name #2`."""
    return screen.partition(" #")[0]


def _come_and_go(away: dict[str, int], agent: str, fact: Fact) -> None:
    if fact.op == "closed":
        away.setdefault(agent, fact.at)
    else:
        away.pop(agent, None)


def _is_theirs(offer: Offer | None, agent: str, contact: str) -> bool:
    return offer is not None and (offer.state, offer.agent, offer.contact) == ("accepted", agent, contact)


def _lets_go(fact: Fact) -> bool:
    if fact.kind == "invoke" and fact.op in ("finish", "wrap_up", "close"):
        return True
    return fact.op == "event" and (
        fact.reason == "contact_ended" or (fact.reason == "held" and fact.state in ("parked", "queued"))
    )


def one_live_offer(history: Sequence[Fact], database: Database) -> Verdict:
    """INV9: one live offer per contact, now and at every earlier moment."""
    faults = []
    for contact, of_contact in _by_contact(database.offers).items():
        for seat in {offer.seat for offer in of_contact}:
            spans = sorted((o.created_at, o.ended_at or FOREVER, o.id) for o in of_contact if o.seat == seat)
            for (_, until, one), (since, _, other) in pairwise(spans):
                if until > since + LOCK_WAIT:
                    faults.append(f"contact {contact} was offered by {one} and {other} at once")
    return compare("at most one live offer per contact", f"{len(database.offers)} offers", faults, "no two at once")


def capacity_kept(history: Sequence[Fact], database: Database) -> Verdict:
    """INV10: what is used is what is live, and neither is more than there is, now or earlier."""
    faults = []
    for row in database.slots:
        if row.used != row.live:
            faults.append(f"{row.name} {row.work_class}: {row.used} used, {row.live} live")
        if row.used > row.slots:
            faults.append(f"{row.name} {row.work_class}: {row.used} of {row.slots} used")
        most = _most(
            offer for offer in database.offers if (offer.agent, offer.work_class) == (row.agent, row.work_class)
        )
        if most > row.slots:
            faults.append(f"{row.name} {row.work_class}: once had {most} of {row.slots}")
    caps = ", ".join(f"{row.name} {row.used}/{row.slots}" for row in database.slots if row.work_class == "messaging")
    return compare(
        "capacity is never exceeded and used = live", f"{len(database.offers)} offers; {caps}", faults, "never"
    )


def _most(offers: Iterable[Offer]) -> int:
    """The highest sum of weights that were live at once for longer than a lock may be waited for."""
    changes: list[tuple[datetime, int]] = []
    for offer in offers:
        until = (offer.released_at if offer.state == "accepted" else offer.ended_at) or FOREVER
        if until - LOCK_WAIT > offer.created_at:
            changes += [(offer.created_at + LOCK_WAIT, offer.weight), (until, -offer.weight)]
    level = highest = 0
    for _, change in sorted(changes):
        level += change
        highest = max(highest, level)
    return highest


def nothing_stuck(history: Sequence[Fact], database: Database) -> Verdict | None:
    """INV11: 10 s after quiet no contact waits beside an agent who is free for it."""
    looks = [fact for fact in history if fact.op == "stuck"]
    if not looks:
        return None
    faults = [line for fact in looks for line in fact.lines or [] if fact.count]
    quiet = [fact for fact in history if fact.op == "quiet"]
    dose = "; ".join(f"{fact.count} waiting, {fact.live} slots free at quiet" for fact in quiet)
    return compare(
        "nothing waits beside a free agent 10 s after quiet",
        dose,
        faults,
        f"{looks[-1].live} still waiting, no slot free",
    )


def all_served(history: Sequence[Fact], database: Database) -> Verdict | None:
    """INV11: none is forgotten; with agents at work everything that waited is served in the end."""
    drained = [fact for fact in history if fact.op == "drained"]
    if not drained:
        return None
    ours = {fact.contact for fact in history if fact.contact}
    left = [row for row in database.contacts if row.state in ("new", "queued", "offered")]
    faults = [f"contact {row.id} is still {row.state}" for row in left]
    return compare(
        "every contact was served in the end", f"{len(ours)} contacts seen by screens", faults, "none is left waiting"
    )


def _by_contact(offers: Sequence[Offer]) -> dict[str, list[Offer]]:
    found: dict[str, list[Offer]] = defaultdict(list)
    for offer in offers:
        found[offer.contact].append(offer)
    return found


ROUTING = (one_holder, screens_hold_once, one_live_offer, capacity_kept, nothing_stuck, all_served)
