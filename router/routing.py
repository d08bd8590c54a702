"""Run the rules on contacts that wait for them: a transaction of its own, after intake has answered 2xx."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from router.needs import Need, intern_need
from router.rules import Decision, Facts, RuleError, RuleSet, decide, parse_rule_set
from store.ids import new_id
from store.pool import Connection

BATCH = 50


class PublishedRules(Struct, frozen=True):
    """The rule set in force; both None before the first is published. `problem`: it could not be read."""

    version: int | None = None
    rule_set: RuleSet | None = None
    problem: str | None = None


NEWEST_RULES = "select version, body::text as body from rule_set order by version desc limit 1"


async def fetch_rules(connection: Connection) -> PublishedRules:
    """The rule set in force. One that cannot be read sends everything to the default queues, with an alert."""
    row = await connection.fetchrow(NEWEST_RULES)
    if row is None:
        return PublishedRules()
    try:
        return PublishedRules(row["version"], parse_rule_set(row["body"]))
    except RuleError as error:
        return PublishedRules(row["version"], None, str(error))


CLAIM_UNROUTED = """
with c as (
    select c.id, c.state, c.queue_id, c.priority, c.account_id, c.channel, c.class, c.customer_id, c.conversation_id,
           c.preview, c.arrived_at
      from contact c
     where c.unrouted and c.state in ('new', 'queued')
     order by c.arrived_at, c.id limit $1 for no key update skip locked)
select c.*, a.queue_id as default_queue, r.tags, r.plan, r.language, r.company, r.name is not null as known,
       said.text, said.newest
  from c cross join lateral (
         select string_agg(e.body, E'\\n' order by e.at) as text, (array_agg(e.id order by e.at desc))[1] as newest
           from (select e.id, e.at, e.body from entry e
                  where e.customer_id = c.customer_id and e.at >= c.arrived_at and e.kind = 'message'
                    and e.direction = 'in'
                  order by e.at desc limit 20) e) said
         join account a on a.id = c.account_id
         join customer m on m.id = c.customer_id join customer r on r.id = m.root_id
 order by c.arrived_at, c.id
"""
SAVE_ROUTED = """
with i as (
    select * from unnest($1::uuid[], $2::text[], $3::int[], $4::int[], $5::uuid[])
           i(id, queue, need, priority, decision))
update contact c
   set state = 'queued', unrouted = false, queue_id = i.queue, need_id = i.need, priority = i.priority,
       order_key = (extract(epoch from c.arrived_at) * 1000000)::bigint
                   - i.priority::bigint * q.priority_bonus_seconds * 1000000,
       decision_id = coalesce(i.decision, c.decision_id),
       state_at = case when c.state = 'new' then clock_timestamp() else c.state_at end
  from i join queue q on q.id = i.queue
 where c.id = i.id and c.unrouted and c.state in ('new', 'queued')
returning c.id
"""
SAVE_DECISIONS = """
insert into decision (id, contact_id, version, rule, queue_id, priority, inputs, alert)
select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::int[], $7::jsonb[], $8::text[])
"""
QUEUES = "select id from queue"


class Routed(Struct, frozen=True):
    """How many contacts were routed, and what is wrong with the rules."""

    count: int
    alerts: tuple[str, ...]


async def route(connection: Connection, rules: PublishedRules, batch: int = BATCH) -> Routed:
    """Claim contacts that wait for the rules, decide, queue them. Inside a transaction; several processes at once."""
    rows = await connection.fetch(CLAIM_UNROUTED, batch)
    if not rows:
        return Routed(0, ())
    queues = frozenset(row["id"] for row in await connection.fetch(QUEUES))
    decisions = [_decide(rules, _facts(row), row["default_queue"], queues) for row in rows]
    wanted = {Need(decision.queue, row["class"]) for row, decision in zip(rows, decisions, strict=True)}
    ordered = sorted(wanted, key=lambda need: (need.queue, need.work_class))
    needs = {need: await intern_need(connection, need) for need in ordered}
    chosen: list[tuple[Any, Decision, int, UUID | None]] = []
    decided: list[tuple[object, ...]] = []
    for row, decision in zip(rows, decisions, strict=True):
        facts, need = _facts(row), Need(decision.queue, row["class"])
        changed = row["state"] == "new" or (row["queue_id"], row["priority"]) != (decision.queue, decision.priority)
        identity = new_id() if changed or decision.alert else None
        chosen.append((row["id"], decision, needs[need], identity))
        if identity:
            decided.append(_decision_row(identity, row["id"], rules.version, decision, facts))
    if decided:
        await connection.execute(SAVE_DECISIONS, *map(list, zip(*decided, strict=True)))
    saved = await connection.fetch(
        SAVE_ROUTED,
        [c[0] for c in chosen],
        [c[1].queue for c in chosen],
        [c[2] for c in chosen],
        [c[1].priority for c in chosen],
        [c[3] for c in chosen],
    )
    return Routed(len(saved), tuple({c[1].alert for c in chosen if c[1].alert}))


def _facts(row: Any) -> Facts:
    return Facts(
        account=row["account_id"],
        channel=row["channel"],
        text=row["text"] or row["preview"],
        entry=row["newest"],
        tags=tuple(row["tags"]),
        plan=row["plan"],
        language=row["language"],
        company=row["company"],
        known=row["known"],
    )


def _decide(rules: PublishedRules, facts: Facts, default_queue: str, queues: frozenset[str]) -> Decision:
    if rules.problem:
        return Decision(default_queue, 0, None, rules.problem)
    return decide(rules.rule_set, facts, default_queue, queues)


def _decision_row(
    identity: UUID, contact: UUID, version: int | None, decision: Decision, facts: Facts
) -> tuple[object, ...]:
    # The text itself stays on the timeline; what it was is found there, not in a second copy.
    inputs = msgspec.json.encode(msgspec.structs.replace(facts, text="")).decode()
    return identity, contact, version, decision.rule, decision.queue, decision.priority, inputs, decision.alert
