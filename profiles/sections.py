"""The sections of a profile beside who and what was said: details, relationships, tasks, suggestions, cards, …

Each is a CTE that needs `r` (the root) and `m` (all leaves) and gives one row with one column of JSON, which is decoded
to the section's Structs and costs nearly nothing while it is null. The snapshot joins all of them in its one
statement, the readers here run one alone: an event carries what the next snapshot shows.
"""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

import msgspec

from model.customer import Candidate, Card, Customer, Detail, MergeView, Pin, Relationship, Suggestion, Task
from profiles.customer import (
    CUSTOMER_COLUMNS,
    CUSTOMER_PARTS,
    CUSTOMER_TABLES,
    MERGES,
    Merge,
    read_customer,
    read_merges,
)
from store.pool import Connection

Item = TypeVar("Item")

GROUP = """
r as (select c.root_id as id from customer c where c.id = $1),
m as (select c.id from customer c join r on c.root_id = r.id)
"""


def _author(column: str) -> str:
    """An agent as `{id, name}`. A scalar: as a join it would multiply the orders in which the planner may join."""
    return f"(select json_build_object('id', a.id, 'name', a.name) from agent a where a.id = {column})"  # noqa: S608


DETAILS = f"""
details as (
    select json_agg(json_build_object('id', d.id, 'body', d.body, 'at', json_time(d.at),
                                      'by', {_author("d.by_agent")},
                                      'revision', d.revision) order by d.at desc, d.id desc)::text as details
      from (select d.* from m cross join lateral (
                select d.* from detail d where d.customer_id = m.id and d.removed_at is null
                 order by d.at desc, d.id desc limit 200) d
             order by d.at desc, d.id desc limit 200) d)
"""  # noqa: S608  # put together from constants
# The label is read from the one who was named first to the other. Whom a merge made one person is no relation.
RELATIONSHIPS = f"""
relationships as (
    select json_agg(json_build_object(
               'id', x.id, 'type', x.type_id, 'label', x.label, 'customer', o.id,
               'name', coalesce(o.shown_name, o.name), 'at', json_time(x.at),
               'by', {_author("x.by_agent")}) order by x.at, x.id)::text as relationships
      from (select x.id, x.type_id, t.label, x.other_id as other, x.at, x.by_agent
              from m join relationship x on x.customer_id = m.id and x.removed_at is null
                     join relationship_type t on t.id = x.type_id
             union all
            select x.id, x.type_id, t.back, x.customer_id, x.at, x.by_agent
              from m join relationship x on x.other_id = m.id and x.removed_at is null
                     join relationship_type t on t.id = x.type_id) x
      join customer c on c.id = x.other join customer o on o.id = c.root_id
     where o.id <> (select r.id from r))
"""  # noqa: S608  # put together from constants
PINS = f"""
pins as (
    select json_agg(json_build_object(
               'id', p.id, 'customer', o.id, 'name', coalesce(o.shown_name, o.name), 'at', json_time(p.at),
               'by', {_author("p.by_agent")}, 'entry', json_build_object(
                   'id', e.id, 'kind', e.kind, 'channel', e.channel, 'direction', e.direction, 'body', e.body,
                   'at', json_time(e.at), 'account', e.account_id, 'media', coalesce(e.media, '[]'),
                   'status', case x.state when 'sending' then 'queued' else x.state end, 'error', x.error,
                   'conversation', (select coalesce(v.folded_into, v.id) from conversation v
                                     where v.id = e.conversation_id),
                   'author', {_author("e.author_id")}, 'occurred_at', json_time(e.occurred_at),
                   'handle', (select h.value from handle h where h.id = e.handle_id), 'leaf', nullif(c.id, o.id)))
               order by p.at, p.id)::text as pins
      from m join pin p on p.customer_id = m.id join entry e on e.id = p.entry_id
             join customer c on c.id = e.customer_id join customer o on o.id = c.root_id
             left join outbox x on x.entry_id = e.id)
"""  # noqa: S608  # put together from constants
TASKS = f"""
tasks as (
    select json_agg(json_build_object(
               'id', t.id, 'customer', o.id, 'customer_name', coalesce(o.shown_name, o.name),
               'conversation', (select coalesce(v.folded_into, v.id) from conversation v
                                 where v.id = t.conversation_id),
               'body', t.body, 'due_at', json_time(t.due_at), 'agent', {_author("t.agent_id")}, 'queue', t.queue_id,
               'state', t.state, 'revision', t.revision, 'at', json_time(t.at), 'by', {_author("t.by_agent")},
               'ended_at', json_time(t.ended_at), 'ended_by', {_author("t.ended_by")})
               order by t.ended_at desc nulls first, t.due_at nulls last, t.id)::text as tasks
      from ((select t.* from m cross join lateral (
                select t.* from task t where t.customer_id = m.id and t.state = 'open'
                 order by t.due_at nulls last, t.id limit 200) t
              order by t.due_at nulls last, t.id limit 200)
             union all
            (select t.* from m cross join lateral (
                select t.* from task t where t.customer_id = m.id and t.state <> 'open'
                 order by t.ended_at desc, t.id limit 20) t
              order by t.ended_at desc, t.id limit 20)) t
      cross join r join customer o on o.id = r.id)
"""  # noqa: S608  # put together from constants
# One for each other profile, its best. What speaks for it is kept from the lower id's point of view.
SUGGESTIONS = """
suggestions as (
    select json_agg(json_build_object(
               'id', s.id, 'customer', s.other, 'name', s.name, 'score', s.score, 'matched', s.matched,
               'at', json_time(s.at), 'mirrored', s.mirrored) order by s.score desc, s.id)::text as suggestions
      from (select * from (
                select distinct on (o.id) s.*, o.id as other, coalesce(o.shown_name, o.name) as name
                  from (select s.id, s.high_id as to_id, s.score, s.matched, s.at, false as mirrored
                          from m join suggestion s on s.low_id = m.id and s.state = 'open'
                         union all
                        select s.id, s.low_id, s.score, s.matched, s.at, true
                          from m join suggestion s on s.high_id = m.id and s.state = 'open') s
                  join customer c on c.id = s.to_id join customer o on o.id = c.root_id
                 where o.id <> (select r.id from r)
                 order by o.id, s.score desc, s.id) s
             order by s.score desc, s.id limit 10) s)
"""
CARDS = """
cards as (
    select json_agg(json_build_object(
               'source', s.id, 'title', s.title, 'state', k.state, 'lines', k.body -> 'lines',
               'more', k.body -> 'more', 'fetched_at', json_time(k.fetched_at), 'problem', k.problem)
               order by s.position, s.id)::text as cards
      from r join card k on k.customer_id = r.id join source s on s.id = k.source_id and s.active)
"""
# Who a handle was ever linked to, those identified last first; only while nobody knows who writes.
CANDIDATES = """
candidates as (
    select case when (select c.placeholder from customer c join r on c.id = r.id) then (
        select json_agg(json_build_object(
                   'customer', x.id, 'name', x.name, 'company', x.company, 'why', x.rule, 'last_at', json_time(x.at))
                   order by x.at desc, x.id)
          from (select * from (
                    select distinct on (o.id) o.id, coalesce(o.shown_name, o.name) as name, o.company, l.rule, l.at
                      from (select distinct x.handle_id from (
                                select c.handle_id from m join contact c on c.customer_id = m.id
                                 union all
                                select l.handle_id from m join link l on l.customer_id = m.id) x) h
                      join link l on l.handle_id = h.handle_id
                      join customer c on c.id = l.customer_id join customer o on o.id = c.root_id
                     where not o.placeholder
                     order by o.id, l.at desc, l.id desc) x
                 order by x.at desc, x.id limit 20) x)::text end as candidates)
"""
SECTIONS = ",".join((DETAILS, RELATIONSHIPS, PINS, TASKS, SUGGESTIONS, CARDS, CANDIDATES))
SECTION_COLUMNS = """
(select details from details), (select relationships from relationships), (select pins from pins),
(select tasks from tasks), (select suggestions from suggestions), (select cards from cards),
(select candidates from candidates)
"""


class _Suggested(Suggestion, frozen=True):
    mirrored: bool = False


_details = msgspec.json.Decoder(tuple[Detail, ...]).decode
_relationships = msgspec.json.Decoder(tuple[Relationship, ...]).decode
_pins = msgspec.json.Decoder(tuple[Pin, ...]).decode
_tasks = msgspec.json.Decoder(tuple[Task, ...]).decode
_suggested = msgspec.json.Decoder(tuple[_Suggested, ...]).decode
_cards = msgspec.json.Decoder(tuple[Card, ...]).decode
_candidates = msgspec.json.Decoder(tuple[Candidate, ...]).decode


def read_details(text: str | None) -> tuple[Detail, ...]:
    """Newest first."""
    return _details(text) if text else ()


def read_relationships(text: str | None) -> tuple[Relationship, ...]:
    """In the order in which they were made."""
    return _relationships(text) if text else ()


def read_pins(text: str | None) -> tuple[Pin, ...]:
    """In the order in which they were pinned."""
    return _pins(text) if text else ()


def read_tasks(text: str | None) -> tuple[Task, ...]:
    """Open ones, those due first first, then what ended lately."""
    return _tasks(text) if text else ()


def read_suggestions(text: str | None) -> tuple[Suggestion, ...]:
    """The likeliest first."""
    return tuple(_facing(each) for each in _suggested(text)) if text else ()


def _facing(each: _Suggested) -> Suggestion:
    matched = each.matched
    if each.mirrored:
        matched = tuple(msgspec.structs.replace(one, ours=one.theirs, theirs=one.ours) for one in matched)
    return Suggestion(each.id, each.customer, each.name, each.score, matched, each.at)


def read_merge_views(merges: tuple[Merge, ...]) -> tuple[MergeView, ...]:
    """The merges a profile is made of, newest last."""
    return tuple(
        MergeView(each.id, each.survivor, each.leaf, each.leaf_name, each.rule, each.at, each.by) for each in merges
    )


def read_cards(text: str | None) -> tuple[Card, ...]:
    """In the order of their sources."""
    return _cards(text) if text else ()


def read_candidates(text: str | None) -> tuple[Candidate, ...]:
    """Who was identified last first."""
    if text is None:
        return ()
    return tuple(msgspec.structs.replace(each, why=each.why.replace("_", " ")) for each in _candidates(text))


CUSTOMER_NOW = f"with recursive {GROUP}, {CUSTOMER_PARTS} select {CUSTOMER_COLUMNS} from {CUSTOMER_TABLES}"  # noqa: S608
MERGES_NOW = f"with {GROUP}, {MERGES} select g.merges from g"  # noqa: S608
DETAILS_NOW = f"with {GROUP}, {DETAILS} select details from details"  # noqa: S608
RELATIONSHIPS_NOW = f"with {GROUP}, {RELATIONSHIPS} select relationships from relationships"  # noqa: S608
PINS_NOW = f"with {GROUP}, {PINS} select pins from pins"  # noqa: S608
TASKS_NOW = f"with {GROUP}, {TASKS} select tasks from tasks"  # noqa: S608
SUGGESTIONS_NOW = f"with {GROUP}, {SUGGESTIONS} select suggestions from suggestions"  # noqa: S608
CARDS_NOW = f"with {GROUP}, {CARDS} select cards from cards"  # noqa: S608
CANDIDATES_NOW = f"with {GROUP}, {CANDIDATES} select candidates from candidates"  # noqa: S608


async def fetch_customer(connection: Connection, root: UUID) -> Customer:
    """Who the customer is. Raises LookupError when there is no such customer."""
    row = await connection.fetchrow(CUSTOMER_NOW, root)
    if row is None:
        raise LookupError(f"no customer {root}")
    return read_customer(row)


async def fetch_merges(connection: Connection, root: UUID) -> tuple[MergeView, ...]:
    """The merges this profile is made of."""
    return read_merge_views(read_merges(await connection.fetchval(MERGES_NOW, root)))


async def fetch_details(connection: Connection, root: UUID) -> tuple[Detail, ...]:
    """The details, at most 200."""
    return read_details(await connection.fetchval(DETAILS_NOW, root))


async def fetch_relationships(connection: Connection, root: UUID) -> tuple[Relationship, ...]:
    """The relationships, in both directions."""
    return read_relationships(await connection.fetchval(RELATIONSHIPS_NOW, root))


async def fetch_pins(connection: Connection, root: UUID) -> tuple[Pin, ...]:
    """What is pinned of other timelines."""
    return read_pins(await connection.fetchval(PINS_NOW, root))


async def fetch_tasks(connection: Connection, root: UUID) -> tuple[Task, ...]:
    """The tasks: at most 200 open ones, at most 20 ended ones."""
    return read_tasks(await connection.fetchval(TASKS_NOW, root))


async def fetch_suggestions(connection: Connection, root: UUID) -> tuple[Suggestion, ...]:
    """Who else may be this person, at most 10."""
    return read_suggestions(await connection.fetchval(SUGGESTIONS_NOW, root))


async def fetch_cards(connection: Connection, root: UUID) -> tuple[Card, ...]:
    """What other systems said last."""
    return read_cards(await connection.fetchval(CARDS_NOW, root))


async def fetch_candidates(connection: Connection, root: UUID) -> tuple[Candidate, ...]:
    """Who may be writing, where nobody knows."""
    return read_candidates(await connection.fetchval(CANDIDATES_NOW, root))
