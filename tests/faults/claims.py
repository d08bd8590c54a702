"""The claims about messages, replies and the storm's dose, judged from a history and a database. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from tests.faults.claims_routing import ROUTING
from tests.faults.claims_screens import SCREENS
from tests.faults.rows import Database
from tests.outside.history import Fact
from tests.outside.verdict import Verdict, compare

KILLS = 15
UNANSWERED = 8


def judge(history: Sequence[Fact], database: Database) -> list[Verdict]:
    """Every claim, in the order in which a reader wants them."""
    claims: list[Callable[[Sequence[Fact], Database], Verdict | None]] = [
        dose_of_kills,
        kept_once,
        nothing_invented,
        one_conversation,
        replies_kept_once,
        *ROUTING,
        *SCREENS,
    ]
    return [verdict for claim in claims if (verdict := claim(history, database)) is not None]


def dose_of_kills(history: Sequence[Fact], database: Database) -> Verdict | None:
    """Only for a history with kills: enough of them, each in the middle of things."""
    kills = [fact for fact in history if fact.op == "kill"]
    if not kills:
        return None
    good = [kill for kill in kills if (kill.count or 0) >= UNANSWERED and (kill.live or 0) >= 1]
    least = (
        f"webhooks unanswered {min((k.count or 0) for k in good)} to {max((k.count or 0) for k in good)}, "
        if good
        else ""
    )
    offers = f"offers live {min((k.live or 0) for k in good)} to {max((k.live or 0) for k in good)}" if good else ""
    return Verdict(
        f"at least {KILLS} kill -9, each with ≥ {UNANSWERED} webhooks unanswered and ≥ 1 offer live",
        f"{len(kills)} kills",
        f"{len(good)} so: {least}{offers}",
        len(good) >= KILLS,
    )


def kept_once(history: Sequence[Fact], database: Database) -> Verdict:
    """INV1, INV2: a message answered 2xx is there, once, however often it was delivered."""
    sent = {fact.sid: fact for fact in history if fact.op == "inbound" and fact.kind == "invoke"}
    answered = {fact.sid for fact in history if fact.op == "inbound" and fact.kind == "ok"}
    deliveries = Counter(fact.sid for fact in history if fact.op == "inbound" and fact.kind == "invoke")
    times = Counter(message.body for message in database.messages)
    faults = []
    for sid in sorted(sid for sid in answered if sid):
        if sid not in database.keys:
            faults.append(f"{sid} was answered 2xx and is not in seen")
        if times[sent[sid].body or ""] != 1:
            faults.append(f"{sid} was answered 2xx and is {times[sent[sid].body or '']} times on a timeline")
    again = sum(1 for count in deliveries.values() if count > 1)
    dose = f"{len(answered)} ids answered 2xx, {sum(deliveries.values())} deliveries, {again} ids more than once"
    return compare("every message answered 2xx is in the database once", dose, faults, "each exactly once")


def nothing_invented(history: Sequence[Fact], database: Database) -> Verdict:
    """No entry that nobody sent, and none twice."""
    senders = {fact.sender for fact in history if fact.op == "inbound"}
    sent = {(fact.sender, fact.body) for fact in history if fact.op == "inbound" and fact.kind == "invoke"}
    before = next((fact.count or 0 for fact in history if fact.op == "baseline"), 0)
    ours = [message for message in database.messages if message.handle in senders]
    faults = [
        f"{message.id} was never sent by its customer" for message in ours if (message.handle, message.body) not in sent
    ]
    faults += [
        f"{body!r} is {n} times there" for (_, body), n in Counter((m.handle, m.body) for m in ours).items() if n > 1
    ]
    if len(database.messages) != before + len(ours):
        faults.append(f"{len(database.messages)} messages, {before} before and {len(ours)} sent")
    return compare("no entry that was never sent, none twice", f"{len(ours)} entries", faults, "none")


def one_conversation(history: Sequence[Fact], database: Database) -> Verdict:
    """INV3: one customer per handle, at most one open conversation each."""
    senders = {fact.sender for fact in history if fact.op == "inbound" and fact.sender}
    faults = [f"customer {root} has several open conversations" for root in database.crowded]
    faults += [
        f"a sender became {database.people[sender]} customers"
        for sender in sorted(senders)
        if database.people.get(sender, 1) != 1
    ]
    return compare("one customer per sender, one open conversation each", f"{len(senders)} senders", faults, "so it is")


def replies_kept_once(history: Sequence[Fact], database: Database) -> Verdict | None:
    """INV23, INV24: an accepted reply is on its way or visibly failed, once."""
    replies = {fact.body for fact in history if fact.op == "reply" and fact.kind == "ok"}
    if not replies:
        return None
    times = Counter(reply.body for reply in database.replies)
    states = Counter(reply.state for reply in database.replies if reply.body in replies)
    faults = [
        f"a reply that was accepted is {times[body or '']} times there" for body in replies if times[body or ""] != 1
    ]
    shown = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    return compare("every reply accepted is there once", f"{len(replies)} replies accepted", faults, shown)
