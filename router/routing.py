"""Run the rules on contacts that wait for them: a transaction of its own, after intake has answered 2xx."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from model.agent import WorkClass
from router.effects import effects_of
from router.facts import ProfileFacts, claim_unrouted, read_facts
from router.known_skills import only_known_skills
from router.lone import IS_ALONE, LoneContact, lone_contact
from router.needs import intern_need, intern_nobody, need_of
from router.rules.deciding import Compiled, Decision, compile_rules, decide, takes_long
from router.rules.fields import Facts, Kind
from router.rules.language import RuleError, parse_rule_set
from router.skills import SkillLevel
from router.steps import Ask, Course, PlanStep, Preference, follow, step_is_gone
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


# Every need of a queue weighs what the queue says. An owner, and whom an agent handed it to, come before whom a rule
# prefers, unless it asks nobody; a rule never insists on who declined.
SAVE_ROUTED = f"""
with i as (
    select i.*, (select a.id from agent a where a.id = i.agent and a.active) as prefer
      from unnest($1::uuid[], $2::text[], $3::int[], $4::int[], $5::uuid[], $6::uuid[], $7::timestamptz[], $8::jsonb[],
                  $9::timestamptz[], $10::boolean[], $11::boolean[])
           i(id, queue, need, priority, decision, agent, until, steps, step_at, nobody, closes)),
p as (
    select c.id, case when i.prefer = any (c.declined_by) then null else i.prefer end as agent
      from i join contact c on c.id = i.id where c.prefer_agent_id is null or c.prefer_by_rule or i.nobody)
update contact c
   set state = 'queued', unrouted = false, queue_id = i.queue, need_id = i.need, priority = i.priority,
       steps = i.steps, step_at = i.step_at, due_at = case when i.closes then clock_timestamp() end,
       prefer_agent_id = case when p.id is not null then p.agent else c.prefer_agent_id end,
       prefer_until = case when p.id is not null then case when p.agent is not null then i.until end
                           else c.prefer_until end,
       prefer_by_rule = p.agent is not null,
       order_key = (extract(epoch from c.arrived_at) * 1000000)::bigint
                   - i.priority::bigint * q.priority_bonus_seconds * 1000000,
       decision_id = coalesce(i.decision, c.decision_id),
       state_at = case when c.state = 'new' then clock_timestamp() else c.state_at end
  from i join queue q on q.id = i.queue left join p on p.id = i.id
 where c.id = i.id and c.unrouted and c.state in ('new', 'queued')
returning c.id, c.need_id, c.xmin as written, q.name as queue, q.weight, q.offer_seconds, q.interruptible,
          case when (select count(*) = 1 from i) then {IS_ALONE} end as alone
"""  # noqa: S608  # put together from constants
SAVE_DECISIONS = """
insert into decision (id, contact_id, version, rule, queue_id, priority, inputs, alert, effects, chosen)
select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::int[], $7::jsonb[], $8::text[],
                     $9::jsonb[], $10::jsonb[])
"""
QUEUES = "select id from queue where retired_at is null"


class Chosen(Struct, frozen=True, omit_defaults=True):
    """What a decision says besides queue and priority, as it is kept with it."""

    skills: tuple[SkillLevel, ...] = ()
    prefers: tuple[SkillLevel, ...] = ()
    steps: tuple[PlanStep, ...] = ()
    agent: Preference | None = None
    sla: str | None = None
    close: bool = False
    voicemail: bool = False


read_chosen = msgspec.json.Decoder(Chosen).decode
_encode = msgspec.json.Encoder().encode


class Placed(Struct, frozen=True):
    """Where a contact waits from now on: as its decision says, and what is due of its plan has been done."""

    contact: UUID
    decision: Decision
    identity: UUID | None
    """Of the decision that is stored; None: it is the one that stands."""
    work_class: WorkClass
    arrived_at: datetime
    course: Course

    @property
    def asks_nobody(self) -> bool:
        """It is closed by rule, or a caller who is about to leave word."""
        return self.decision.close or (self.decision.voicemail and self.work_class == "voice")

    def row(self, need: int) -> tuple[object, ...]:
        """As `SAVE_ROUTED` takes it."""
        ask, rest, agent = self.course.ask, self.course.rest, self.decision.agent
        if self.asks_nobody:
            rest, agent = (), None
        until = self.arrived_at + timedelta(seconds=agent.wait_seconds) if agent else None
        steps = _encode(rest).decode() if rest else None
        step_at = self.arrived_at + timedelta(seconds=rest[0].after) if rest else None
        return (
            *(self.contact, ask.queue, need, ask.priority, self.identity),
            *(agent.agent if agent else None, until, steps, step_at, self.asks_nobody),
            self.decision.close,
        )


class Routed(Struct, frozen=True):
    """How many contacts were routed, and what is wrong with the rules. `lone`: the only one, if nothing else waits."""

    count: int
    alerts: tuple[str, ...]
    lone: LoneContact | None = None


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
    decisions = await only_known_skills(connection, decisions)
    placed: list[Placed] = []
    decided: list[tuple[object, ...]] = []
    for row, seen, decision in zip(rows, facts, decisions, strict=True):
        identity = new_id() if decision.alert or _is_new(row, decision) else None
        placed.append(_place(row, decision, identity, queues))
        if identity:
            decided.append(_decision_row(identity, row, rules.version, decision, seen))
    if decided:
        await connection.execute(SAVE_DECISIONS, *map(list, zip(*decided, strict=True)))
    saved = await _save(connection, placed)
    alerts = tuple({text for each in placed for text in _alerts(each)})
    return Routed(len(saved), alerts, _lone(rows[0], placed[0], saved[0]) if len(saved) == len(rows) == 1 else None)


def _lone(row: Any, placed: Placed, saved: Any) -> LoneContact | None:
    """What a colleague hands on comes with a note; whose customer was merged is not all that its card is read from."""
    plain = saved["alone"] and not row["handed"] and row["customer_id"] == row["root_id"]
    return lone_contact(row, saved) if plain and not placed.course.ask.prefers else None


def _place(row: Any, decision: Decision, identity: UUID | None, queues: frozenset[str]) -> Placed:
    ask = Ask(decision.queue, decision.priority, decision.skills, decision.prefers)
    course = follow(ask, decision.steps, row["now"] - row["arrived_at"], queues)
    return Placed(row["id"], decision, identity, row["class"], row["arrived_at"], course)


def _is_new(row: Any, decision: Decision) -> bool:
    """Whether it differs from the one that stands. What an agent handed on is not decided again."""
    if row["handed"]:
        return False
    stood = (row["decided_queue"], row["decided_priority"], row["decided_rule"])
    if row["state"] == "new" or stood != (decision.queue, decision.priority, decision.rule):
        return True
    return read_chosen(row["decided_chosen"] or "{}") != _chosen(decision)


def _chosen(decision: Decision) -> Chosen:
    return Chosen(
        *(decision.skills, decision.prefers, decision.steps, decision.agent, decision.sla, decision.close),
        decision.voicemail,
    )


def _alerts(placed: Placed) -> list[str]:
    gone = [step_is_gone(placed.decision.rule, queue) for queue in placed.course.gone]
    return [placed.decision.alert, *gone] if placed.decision.alert else gone


WAITING = """
select id from contact where unrouted and state in ('new', 'queued') order by arrived_at, id limit $1
"""


async def fetch_waiting(connection: Connection, limit: int) -> list[UUID]:
    """Contacts that wait for the rules, oldest first, not locked."""
    return [row["id"] for row in await connection.fetch(WAITING, limit)]


# No more than the contact and its account, so that nothing else that is wrong can be in the way.
CLAIM_ALONE = """
select c.id, c.class, c.arrived_at, clock_timestamp() as now,
       case when c.handed then c.queue_id else a.queue_id end as queue_id
  from contact c join account a on a.id = c.account_id
 where c.id = $1 and c.unrouted and c.state in ('new', 'queued') for no key update of c skip locked
"""


async def set_aside(connection: Connection, contact: UUID, version: int | None, problem: str) -> int:
    """Queue a contact on which the rules cannot be run: its account's default queue, unless an agent chose another."""
    row = await connection.fetchrow(CLAIM_ALONE, contact)
    if row is None:
        return 0
    decision, identity = Decision(row["queue_id"], 0, None, problem), new_id()
    inputs = _encode(Inputs({})).decode()
    decided = (identity, contact, version, None, decision.queue, 0, inputs, problem, None, None)
    await connection.execute(SAVE_DECISIONS, *([each] for each in decided))
    return len(await _save(connection, [_place(row, decision, identity, frozenset())]))


async def _save(connection: Connection, placed: list[Placed]) -> list[Any]:
    asks = {(each.asks_nobody, need_of(each.course.ask, each.work_class)) for each in placed}
    needs = {
        (nobody, need): await (
            intern_nobody(connection, need.queue, need.work_class) if nobody else intern_need(connection, need)
        )
        for nobody, need in sorted(asks, key=lambda each: (each[1].queue, each))
    }
    rows = [each.row(needs[each.asks_nobody, need_of(each.course.ask, each.work_class)]) for each in placed]
    return await connection.fetch(SAVE_ROUTED, *map(list, zip(*rows, strict=True)))


async def _decide(rules: PublishedRules, row: Any, facts: Facts, queues: frozenset[str]) -> Decision:
    await asyncio.sleep(0)  # the rules of one contact take a moment; nothing else waits for those of all
    if row["handed"]:
        return Decision(row["queue_id"], row["priority"], row["decided_rule"])
    if rules.problem:
        return Decision(row["default_queue"], 0, None, rules.problem)
    if rules.compiled and takes_long(rules.compiled, facts):
        return await asyncio.to_thread(decide, rules.compiled, facts, row["default_queue"], queues)
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
    stored = _encode(_inputs(row, facts)).decode()
    chosen = _chosen(decision)
    kept = None if chosen == Chosen() else _encode(chosen).decode()
    return (
        *(identity, row["id"], version, decision.rule, decision.queue, decision.priority, stored),
        *(decision.alert, effects_of(decision), kept),
    )
