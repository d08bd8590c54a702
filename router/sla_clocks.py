"""Clocks of conversations, as they are kept: wound by what happened, told when they are due. One process at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from model.event import CustomerEvent, SlaAlert, SlaChanged
from model.sla import Measure, SlaClock
from router.business_time import BusinessTime
from router.sla import MEASURES, Clock, Promise, Turn, What, news_of, target_of, tell, wind
from router.sla_policies import Policy, fetch_policies_of
from store.feeds import Transaction, append_to_agent, append_to_customer, lock_customers
from store.pool import Connection

_ALONE: Final = 6021  # of no other lock of ours
Clocks = dict[Measure, tuple[str, Clock]]
"""Of a conversation: by which policy each runs."""


class News(Struct, frozen=True):
    """A promise that is about to be broken, or was."""

    policy: str
    measure: Measure
    what: What
    due_at: datetime


class Wound(Struct, frozen=True):
    """How many conversations were looked at, and what is to be counted."""

    count: int
    news: tuple[News, ...]


TRY_ALONE = "select pg_try_advisory_xact_lock($1)"
TO_LOOK_AT = """
select x.id, v.customer_id, v.folded_into
  from (select t.conversation_id as id from (select conversation_id from sla_turn order by id limit $1) t
         union
        select n.conversation_id from (
            select conversation_id from sla_clock where next_at <= clock_timestamp() order by next_at limit $1) n) x
  left join conversation v on v.id = x.id
 where $2::uuid is null or x.id = $2
 order by x.id limit $1
"""
FORGET_TURNS = "delete from sla_turn where conversation_id = any ($1)"


async def wind_clocks(tx: Transaction, batch: int, only: UUID | None = None) -> Wound:
    """Look at conversations that turned or are due: set their clocks, tell their screens and agents, order their queue.

    In its own transaction. Does nothing while another process does it; `only`: at this conversation alone.
    """
    if not await tx.connection.fetchval(TRY_ALONE, _ALONE):
        return Wound(0, ())
    found = await tx.connection.fetch(TO_LOOK_AT, batch, only)
    gone = [row["id"] for row in found if row["customer_id"] is None]
    if gone:
        await tx.connection.execute(FORGET_TURNS, gone)
    customers = {row["customer_id"] for row in found if row["customer_id"] is not None}
    if customers and await lock_customers(tx, list(customers)) is not None:
        # what is folded stands still, and what is shown in its place has its contacts
        wanted = {id_ for row in found for id_ in (row["id"], row["folded_into"]) if id_ is not None}
        return Wound(len(found), await _look(tx, sorted(wanted - set(gone)), customers))
    return Wound(len(found), ())


TURNED = "select distinct conversation_id from (select conversation_id from sla_turn order by id limit $1) t"
DUE_NOW = "select distinct conversation_id from sla_clock where next_at <= clock_timestamp() limit $1"


async def fetch_to_wind(connection: Connection, batch: int) -> list[UUID]:
    """Conversations that turned or are due."""
    rows = [*await connection.fetch(TURNED, batch), *await connection.fetch(DUE_NOW, batch)]
    return list({row["conversation_id"]: None for row in rows})


PUT_OFF = """
update sla_clock set next_at = clock_timestamp() + interval '1 minute'
 where conversation_id = $1 and next_at is not null
"""


async def put_off(connection: Connection, conversation: UUID) -> None:
    """Its clocks cannot be wound: others have their turn, and it is tried again later."""
    await connection.execute(FORGET_TURNS, [conversation])
    await connection.execute(PUT_OFF, conversation)


# Only of customers who are locked. The newest contact says which policy: its rule, its queue, or its account.
READ = """
select v.id, m.root_id, v.status, v.needs_attention, v.folded_into is not null as apart, clock_timestamp() as now,
       k.policy_id, coalesce(k.priority, 0) as priority, k.arrived_at
  from conversation v join customer m on m.id = v.customer_id
  left join lateral (
       select coalesce((select p.id from decision d join sla_policy p on p.id = d.chosen ->> 'sla'
                         where d.id = c.decision_id), q.sla_id, a.sla_id) as policy_id, c.priority, c.arrived_at
         from contact c join queue q on q.id = c.queue_id join account a on a.id = c.account_id
        where c.conversation_id in (select f.id from conversation f where f.id = v.id or f.folded_into = v.id)
          and c.state not in ('abandoned', 'closed')
          and not (c.state = 'queued' and c.due_at is not null)  -- a rule has ended it, a sweep is about to
        order by c.arrived_at desc, c.id desc limit 1) k on v.folded_into is null
 where v.id = any ($1) and m.root_id in (select c.root_id from customer c where c.id = any ($2)) order by v.id
"""
TAKE_TURNS = """
with t as (delete from sla_turn where conversation_id = any ($1)
           returning id, conversation_id, at, status, needs_attention, apart)
select * from t where status is not null order by conversation_id, id
"""
CLOCKS = """
select conversation_id, measure, policy_id, target, spent, since, due_at, warn_at, met_at, warned_at, breached_at
  from sla_clock where conversation_id = any ($1)
"""


async def _look(tx: Transaction, wanted: Sequence[UUID], customers: Iterable[UUID]) -> tuple[News, ...]:
    rows = await tx.connection.fetch(READ, wanted, list(customers))
    ids = [row["id"] for row in rows]
    taken = await tx.connection.fetch(TAKE_TURNS, ids)
    turns = {id_: [_turn(each) for each in some] for id_, some in groupby(taken, itemgetter("conversation_id"))}
    before: dict[UUID, Clocks] = {}
    for each in await tx.connection.fetch(CLOCKS, ids):
        clock = Clock(*(each[name] for name in Clock.__struct_fields__))
        before.setdefault(each["conversation_id"], {})[each["measure"]] = each["policy_id"], clock
    used = {row["policy_id"] for row in rows} | {name for clocks in before.values() for name, _ in clocks.values()}
    policies = {policy.id: policy for policy in await fetch_policies_of(tx.connection, used - {None})}
    times = {policy.id: BusinessTime(policy.hours) for policy in policies.values()}
    after = {
        row["id"]: _wind(row, turns.get(row["id"], []), before.get(row["id"], {}), policies, times) for row in rows
    }
    await _save(tx.connection, before, after, [row["id"] for row in rows if not row["apart"]])
    return await _tell(tx, rows, before, after)


def _turn(row: Any) -> Turn:
    return Turn(row["at"], row["status"], row["needs_attention"], row["apart"])


def _wind(
    row: Any, turns: list[Turn], clocks: Clocks, policies: Mapping[str, Policy], times: Mapping[str, BusinessTime]
) -> Clocks:
    """The clocks of a conversation as they stand now."""
    wound: Clocks = {}
    as_it_is = Turn(row["now"], row["status"], row["needs_attention"], row["apart"])
    for measure in MEASURES:
        kept, clock = clocks.get(measure, (None, None))
        policy = policies.get(row["policy_id"] or kept or "")
        target = None if policy is None else target_of(policy, measure, row["priority"])
        if row["policy_id"] is None and clock is not None:
            target = clock.target  # nobody works on it now: what was promised stays
        if policy is None or target is None or (clock is None and row["arrived_at"] is None):
            continue
        before = [] if clock is not None else [Turn(row["arrived_at"], "new", needs_attention=True)]
        promise = Promise(target, timedelta(seconds=policy.warn_before_seconds), times[policy.id])
        clock = wind(measure, clock or Clock(target), promise, (*before, *turns, as_it_is))
        wound[measure] = policy.id, tell(clock, row["now"])
    return wound


SAVE = """
insert into sla_clock (conversation_id, measure, policy_id, target, spent, since, due_at, warn_at, met_at, warned_at,
                       breached_at, next_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict (conversation_id, measure) do update
   set policy_id = $3, target = $4, spent = $5, since = $6, due_at = $7, warn_at = $8, met_at = $9, warned_at = $10,
       breached_at = $11, next_at = $12
"""
DROP = "delete from sla_clock where conversation_id = $1 and measure = $2"
HAS_CLOCKS = "update conversation set sla = $2 where id = any ($1) and sla <> $2"
DUE = """
update contact c set sla_due_at = i.due
  from unnest($1::uuid[], $2::timestamptz[]) i(shown, due)
       join conversation v on v.id = i.shown or v.folded_into = i.shown
 where c.conversation_id = v.id and c.state not in ('abandoned', 'closed') and c.sla_due_at is distinct from i.due
"""


async def _save(
    connection: Connection, before: Mapping[UUID, Clocks], after: Mapping[UUID, Clocks], shown: Sequence[UUID]
) -> None:
    changed = [
        (id_, measure, policy, *(getattr(clock, name) for name in Clock.__struct_fields__), clock.next_at)
        for id_, clocks in after.items()
        for measure, (policy, clock) in clocks.items()
        if before.get(id_, {}).get(measure) != (policy, clock)
    ]
    dropped = [(id_, each) for id_, clocks in before.items() for each in clocks if each not in after[id_]]
    if changed:
        await connection.executemany(SAVE, changed)
    if dropped:
        await connection.executemany(DROP, dropped)
    await connection.execute(HAS_CLOCKS, [id_ for id_, clocks in after.items() if clocks], True)
    await connection.execute(HAS_CLOCKS, [id_ for id_, clocks in after.items() if not clocks], False)
    await connection.execute(DUE, shown, [_due(after[id_]) for id_ in shown])


def _due(clocks: Clocks) -> datetime | None:
    return min((clock.due_at for _, clock in clocks.values() if clock.due_at is not None), default=None)


def view_of(clocks: Clocks) -> tuple[SlaClock, ...]:
    """The clocks as a profile shows them."""
    return tuple(
        SlaClock(
            *(measure, policy, clock.due_at, clock.warn_at, clock.met_at, clock.warned_at, clock.breached_at),
        )
        for measure, (policy, clock) in clocks.items()
    )


HOLDERS = """
select v.id as own, coalesce(v.folded_into, v.id) as shown, c.id, c.agent_id, m.root_id,
       coalesce(r.shown_name, r.name) as name
  from contact c join conversation v on v.id = c.conversation_id join customer m on m.id = c.customer_id
       join customer r on r.id = m.root_id
 where (v.id = any ($1) or v.folded_into = any ($1)) and c.agent_id is not null order by c.agent_id, c.id
"""


async def _tell(
    tx: Transaction, rows: Sequence[Any], before: Mapping[UUID, Clocks], after: Mapping[UUID, Clocks]
) -> tuple[News, ...]:
    """Whoever sees the customer sees the clocks; who holds the contact hears of a warning and a breach."""
    events: dict[UUID, list[CustomerEvent]] = {}
    news: dict[UUID, list[News]] = {}
    for row in rows:
        id_ = row["id"]
        was, now = before.get(id_, {}), after[id_]
        if view_of(was) != view_of(now) and not row["apart"]:
            events.setdefault(row["root_id"], []).append(SlaChanged(id_, view_of(now)))
        if found := list(_news(was, now)):
            news[id_] = found
    for root in sorted(events):
        await append_to_customer(tx, root, events[root])
    for holder in await tx.connection.fetch(HOLDERS, list(news)) if news else ():
        who = (holder["id"], holder["shown"], holder["root_id"], holder["name"])
        heard = {holder["own"], holder["shown"]} & news.keys()  # folded meanwhile, what it had to tell is told still
        alerts = [SlaAlert(*who, each.measure, each.what, each.due_at) for id_ in heard for each in news[id_]]
        await append_to_agent(tx, holder["agent_id"], alerts)
    return tuple(each for some in news.values() for each in some)


def _news(before: Clocks, after: Clocks) -> Iterator[News]:
    for measure, (policy, clock) in after.items():
        what = news_of(before[measure][1] if measure in before else Clock(clock.target), clock)
        due_at = clock.breached_at or clock.due_at
        if what is not None and due_at is not None:
            yield News(policy, measure, what, due_at)
