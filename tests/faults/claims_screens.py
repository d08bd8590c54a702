"""The claims about screens: complete, in order, at the head of every feed, and showing what REST shows. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tests.faults.rows import Database
from tests.outside.feeds import Follower
from tests.outside.history import Fact
from tests.outside.verdict import Verdict, compare


def replay(history: Sequence[Fact]) -> tuple[dict[str, Follower], list[str], int]:
    """Follow every screen again from what it noted: where each stands, what was wrong, how many events it got."""
    screens: dict[str, Follower] = {}
    faults, events = [], 0
    for fact in history:
        follower = screens.setdefault(fact.who, Follower())
        wrong = _step(follower, fact)
        events += fact.op == "event"
        if wrong:
            faults.append(f"{fact.who}: {wrong}")
        if fact.op == "hello" and not fact.feeds:
            screens[fact.who] = Follower()
    return screens, faults, events


def _step(follower: Follower, fact: Fact) -> str | None:
    feed, seq = fact.feed or "", fact.seq or 0
    match fact.op:
        case "hello":
            return _asks(follower, dict(fact.feeds or {}))
        case "welcome":
            return follower.welcome(fact.epoch or "", fact.feeds or {})
        case "resync":
            return follower.resync(feed)
        case "profile":
            return follower.snapshot(feed, seq)
        case "event":
            return follower.event(feed, seq)
        case "leave":
            follower.leave(feed)
    return None


def _asks(follower: Follower, asked: dict[str, int]) -> str | None:
    follower.asked = asked
    places = follower.places
    unseen = [f for f, seq in asked.items() if f not in places or places[f].known != seq]
    return f"asked to resume {', '.join(unseen)} where it had not come to" if unseen else None


def screens_complete(history: Sequence[Fact], database: Database) -> Verdict | None:
    """INV17, INV20: every event once and in order over every reconnect, or `resync` and then a snapshot."""
    screens, faults, events = replay(history)
    resumes = sum(fact.op == "hello" and bool(fact.feeds) for fact in history)
    resyncs = sum(fact.op == "resync" for fact in history)
    for name, follower in screens.items():
        faults += [f"{name}: {feed} was given up and no snapshot followed" for feed in follower.unfinished()]
    if not events:
        return None
    dose = f"{events} events, {resumes} resumes"
    fine = f"no gap, no repeat; {resyncs} resync, each followed by its snapshot"
    return compare("screens are complete and in order after resume", dose, faults, fine)


def at_the_head(history: Sequence[Fact], database: Database) -> Verdict | None:
    """INV19: a connected screen has reached the head of each feed it follows."""
    screens, _, _ = replay(history)
    heads = [fact for fact in history if fact.op == "head"]
    if not heads:
        return None
    ends = {feed.feed: feed.head for feed in database.feeds}
    faults = []
    for fact in heads:
        place = screens[fact.who].places.get(fact.feed or "")
        if place is None or place.known != fact.seq:
            faults.append(f"{fact.who}: {fact.feed} is at {place.known if place else None}, its head was {fact.seq}")
        if ends.get(fact.feed or "", -1) < (fact.seq or 0):
            faults.append(f"{fact.feed}: the head went back from {fact.seq}")
    return compare("the last sequence of each feed is its head", f"{len(heads)} feeds", faults, "each at its head")


def log_dense(history: Sequence[Fact], database: Database) -> Verdict:
    """INV20: the log itself has no hole and ends at the head."""
    faults = []
    for feed in database.feeds:
        if feed.events and (feed.highest, feed.events) != (feed.head, (feed.highest or 0) - (feed.lowest or 0) + 1):
            faults.append(f"{feed.feed}: {feed.events} events from {feed.lowest} to {feed.highest}, head {feed.head}")
    events = sum(feed.events for feed in database.feeds)
    return compare(
        "every feed's log is dense up to its head", f"{events} events of {len(database.feeds)} feeds", faults, "dense"
    )


def same_as_rest(history: Sequence[Fact], database: Database) -> Verdict | None:
    """INV18: what the screen shows from snapshot and events is what REST reads in the end."""
    views = {(fact.who, fact.customer): fact.lines or [] for fact in history if fact.op == "view"}
    rest = {fact.customer: fact.lines or [] for fact in history if fact.op == "rest"}
    if not views:
        return None
    faults, lines = [], 0
    for (who, customer), shown in views.items():
        lines += len(shown)
        read = rest.get(customer, [])
        if not shown or shown != read[-len(shown) :]:
            faults.append(f"{who}: customer {customer} shows {len(shown)} entries that differ from REST's {len(read)}")
    return compare(
        "the screen's timeline is what REST reads", f"{len(views)} timelines, {lines} entries", faults, "equal"
    )


SCREENS = (screens_complete, at_the_head, log_dense, same_as_rest)
