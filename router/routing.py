"""Run the rules on contacts that wait for them: a transaction of its own, after intake has answered 2xx."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from router.effects import Effects
from router.facts import ProfileFacts, claim_unrouted, read_facts
from router.needs import Need, intern_need
from router.rules.deciding import Compiled, Decision, compile_rules, decide
from router.rules.fields import Facts, Kind
from router.rules.language import RuleError, parse_rule_set
from store.ids import new_id
from store.pool import Connection

BATCH = 50


class PublishedRules(Struct, frozen=True):
    """The rule set in force; both None before the first is published. `problem`: it could not be read."""

    version: int | None = None
    compiled: Compiled | None = None
    problem: str | None = None


NEWEST_RULES = """
select version, case when version is distinct from $1 then body::text end as body, kinds::text as kinds
  from rule_set order by version desc limit 1
"""

read_kinds = msgspec.json.Decoder(dict[str, Kind]).decode


async def fetch_rules(connection: Connection, known: PublishedRules | None = None) -> PublishedRules:
    """The rule set in force: `known` where that is still the one.

    One that cannot be read sends everything to the default queues, with an alert.
    """
    row = await connection.fetchrow(NEWEST_RULES, known.version if known else None)
    if row is None:
        return PublishedRules()
    if row["body"] is None and known is not None:
        return known
    try:
        return PublishedRules(row["version"], compile_rules(parse_rule_set(row["body"]), read_kinds(row["kinds"])))
    except (RuleError, msgspec.MsgspecError) as error:
        return PublishedRules(row["version"], None, str(error))


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
insert into decision (id, contact_id, version, rule, queue_id, priority, inputs, alert, effects)
select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::int[], $7::jsonb[], $8::text[],
                     $9::jsonb[])
"""
QUEUES = "select id from queue"


class Routed(Struct, frozen=True):
    """How many contacts were routed, and what is wrong with the rules."""

    count: int
    alerts: tuple[str, ...]


async def route(
    connection: Connection,
    rules: PublishedRules,
    profile_of: ProfileFacts,
    batch: int = BATCH,
    only: UUID | None = None,
) -> Routed:
    """Claim contacts that wait for the rules, decide, queue them. Inside a transaction; several processes at once.

    `only`: this one and no other.
    """
    rows = await claim_unrouted(connection, batch, only)
    if not rows:
        return Routed(0, ())
    queues = frozenset(row["id"] for row in await connection.fetch(QUEUES))
    reads = rules.compiled.reads if rules.compiled else frozenset()
    facts = await read_facts(connection, rows, reads, profile_of)
    decisions = [await _decide(rules, row, seen, queues) for row, seen in zip(rows, facts, strict=True)]
    wanted = {Need(decision.queue, row["class"]) for row, decision in zip(rows, decisions, strict=True)}
    ordered = sorted(wanted, key=lambda need: (need.queue, need.work_class))
    needs = {need: await intern_need(connection, need) for need in ordered}
    chosen: list[tuple[Any, Decision, int, UUID | None]] = []
    decided: list[tuple[object, ...]] = []
    for row, seen, decision in zip(rows, facts, decisions, strict=True):
        had = (row["queue_id"], row["priority"], row["decided_rule"])
        changed = row["state"] == "new" or had != (decision.queue, decision.priority, decision.rule)
        identity = new_id() if changed or decision.alert else None
        chosen.append((row["id"], decision, needs[Need(decision.queue, row["class"])], identity))
        if identity:
            decided.append(_decision_row(identity, row, rules.version, decision, seen))
    if decided:
        await connection.execute(SAVE_DECISIONS, *map(list, zip(*decided, strict=True)))
    return Routed(await _save(connection, chosen), tuple({c[1].alert for c in chosen if c[1].alert}))


WAITING = """
select id from contact where unrouted and state in ('new', 'queued') order by arrived_at, id limit $1
"""


async def fetch_waiting(connection: Connection, limit: int) -> list[UUID]:
    """Contacts that wait for the rules, oldest first, not locked."""
    return [row["id"] for row in await connection.fetch(WAITING, limit)]


# No more than the contact and its account, so that nothing else that is wrong can be in the way.
CLAIM_ALONE = """
select c.id, c.class, case when c.handed then c.queue_id else a.queue_id end as queue_id
  from contact c join account a on a.id = c.account_id
 where c.id = $1 and c.unrouted and c.state in ('new', 'queued') for no key update of c skip locked
"""


async def set_aside(connection: Connection, contact: UUID, version: int | None, problem: str) -> int:
    """Queue a contact on which the rules cannot be run: its account's default queue, unless an agent chose another."""
    row = await connection.fetchrow(CLAIM_ALONE, contact)
    if row is None:
        return 0
    decision, identity = Decision(row["queue_id"], 0, None, problem), new_id()
    need = await intern_need(connection, Need(decision.queue, row["class"]))
    inputs = msgspec.json.encode(Inputs({})).decode()
    decided = (identity, contact, version, None, decision.queue, 0, inputs, problem, None)
    await connection.execute(SAVE_DECISIONS, *([each] for each in decided))
    return await _save(connection, [(contact, decision, need, identity)])


async def _save(connection: Connection, chosen: list[tuple[Any, Decision, int, UUID | None]]) -> int:
    saved = await connection.fetch(
        SAVE_ROUTED,
        [c[0] for c in chosen],
        [c[1].queue for c in chosen],
        [c[2] for c in chosen],
        [c[1].priority for c in chosen],
        [c[3] for c in chosen],
    )
    return len(saved)


async def _decide(rules: PublishedRules, row: Any, facts: Facts, queues: frozenset[str]) -> Decision:
    await asyncio.sleep(0)  # the rules of one contact take a moment; nothing else waits for those of all
    if row["handed"]:
        return Decision(row["queue_id"], row["priority"], row["decided_rule"])
    if rules.problem:
        return Decision(row["default_queue"], 0, None, rules.problem)
    return decide(rules.compiled, facts, row["default_queue"], queues)


class Inputs(Struct, frozen=True, omit_defaults=True):
    """What a decision saw: the fields its rules look at.

    Of `words`, which somebody wrote, nothing is kept but where they stand: a second copy would have to be erased and
    edited with the first. `entries`: of `text`; `shown`: of `preview`, and of `text` where it has no entries.
    """

    facts: Facts
    words: tuple[str, ...] = ()
    entries: tuple[UUID, ...] = ()
    shown: UUID | None = None


def _inputs(row: Any, facts: Facts) -> Inputs:
    # What is shown of a call is ours.
    written = row["class"] not in ("voice", "voicemail")
    entries = tuple(row["entries"] or ()) if "text" in facts else ()
    words = tuple(
        field for field in ("text", "preview") if field in facts and (written or (field == "text" and entries))
    )
    kept = {field: value for field, value in facts.items() if field not in words}
    return Inputs(kept, words, entries, row["shown_entry"] if words else None)


def _decision_row(
    identity: UUID, row: Any, version: int | None, decision: Decision, facts: Facts
) -> tuple[object, ...]:
    stored = msgspec.json.encode(_inputs(row, facts)).decode()
    effects = Effects(decision.tags, decision.topics)
    done = None if effects == Effects() else msgspec.json.encode(effects).decode()
    return identity, row["id"], version, decision.rule, decision.queue, decision.priority, stored, decision.alert, done
