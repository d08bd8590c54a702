"""Who a customer is: values of all leaves put together, handles, addresses, custom fields, segments, counts."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from model.conditions import Condition, meets
from model.customer import Address, Customer, CustomField, FieldType, FieldValue, Provenance, TopicCount
from model.timeline import Author
from profiles.handle_views import read_handles
from profiles.survivorship import LISTS, Choice, Composed, Leaf, MergeLink, Value, compose, outcomes_of

MERGES = """
g as (
    select json_agg(json_build_object(
               'id', g.id, 'survivor', g.survivor_id, 'leaf', g.loser_id, 'leaf_name', coalesce(c.shown_name, c.name),
               'rule', g.rule, 'at', json_time(g.at), 'choices', g.choices,
               'by', (select json_build_object('id', a.id, 'name', a.name) from agent a where a.id = g.by_agent))
               order by g.at, g.id)::text as merges
      from m join merge g on g.loser_id = m.id and g.undone_at is null join customer c on c.id = g.loser_id)
"""
# Completes a query that begins with the CTEs `r` (the root) and `m` (all leaves): one row for each CTE here. What is
# there for few customers is JSON, one column that is null for everybody else.
CUSTOMER_PARTS = f"""
{MERGES},
h as (
    select array_agg(x.id) as h_id, array_agg(x.kind) as h_kind, array_agg(x.scope) as h_scope,
           array_agg(x.value) as h_value, array_agg(x.label) as h_label, array_agg(x.main) as h_main,
           array_agg(x.shared) as h_shared, array_agg(x.verified) as h_verified,
           array_agg(x.textable) as h_textable, array_agg(x.opted_out) as h_opted_out,
           array_agg(x.rule) as h_rule, array_agg(x.account) as h_account, array_agg(x.by_name) as h_by_name,
           array_agg(x.linked_at) as h_linked_at, array_agg(x.created_at) as h_created_at,
           array_agg(x.leaf) as h_leaf, array_agg(x.windows) as h_windows
      from (select h.*, nullif(h.customer_id, r.id) as leaf, l.rule, l.account, l.by_name, l.at as linked_at,
                   (select string_agg(o.account_id, ' ' order by o.account_id) from consent o
                     where o.handle_id = h.id and o.opted_out) as opted_out,
                   (select json_agg(json_build_object('account', w.account_id, 'closes_at', json_time(w.closes_at))
                                    order by w.account_id)::text
                      from reply_window w where w.handle_id = h.id) as windows
              from r cross join m join handle h on h.customer_id = m.id
              left join lateral (
                   select l.rule, l.evidence ->> 'account' as account, l.at,
                          (select a.name from agent a where a.id = l.by_agent) as by_name
                     from link l where l.handle_id = h.id order by l.at desc, l.id desc limit 1) l on true
             order by h.main desc, h.customer_id <> r.id, h.created_at, h.id) x),
n as (
    select (select count(*) from m join contact c on c.customer_id = m.id
             where c.arrived_at > now() - interval '30 days') as contacts,
           (select count(*) from m join task t on t.customer_id = m.id where t.state = 'open') as open_tasks,
           min(x.first_at) as first_at, max(x.last_at) as last_at
      from (select (select c.arrived_at from contact c where c.customer_id = m.id
                     order by c.arrived_at limit 1) as first_at,
                   (select c.arrived_at from contact c where c.customer_id = m.id
                     order by c.arrived_at desc limit 1) as last_at
              from m) x),
d as (
    select json_agg(json_build_object(
               'id', a.id, 'label', a.label, 'street', a.street, 'city', a.city, 'postal_code', a.postal_code,
               'region', a.region, 'country', a.country, 'main', a.main, 'revision', a.revision,
               'at', json_time(a.at),
               'by', (select json_build_object('id', g.id, 'name', g.name) from agent g where g.id = a.by_agent))
               order by a.main desc, a.customer_id <> r.id, a.at, a.id)::text as addresses
      from r cross join m join address a on a.customer_id = m.id and a.removed_at is null),
q as (
    select (select json_agg(json_build_object('key', f.key, 'label', f.label, 'type', f.type, 'choices', f.choices,
                                              'currency', f.currency) order by f.position, f.key)::text
              from field f where f.archived_at is null) as definitions,
           (select json_agg(json_build_object('name', s.name, 'condition', s.condition) order by s.name, s.id)::text
              from segment s) as segments),
l as (
    select case when count(*) > 1 then json_agg(json_build_object(
               'id', c.id, 'name', c.name, 'company', c.company, 'location', c.location, 'language', c.language,
               'time_zone', c.time_zone, 'plan', c.plan, 'birth_date', c.birth_date, 'external_id', c.external_id,
               'tags', c.tags, 'preferred_channels', c.preferred_channels, 'refused_channels', c.refused_channels,
               'fields', c.fields, 'facts', c.facts, 'created_at', json_time(c.created_at)))::text end as leaves
      from m join customer c on c.id = m.id),
zg as materialized (
    select v.id, coalesce(v.folded_into, v.id) as shown from m cross join lateral (
        select v.id, v.folded_into from conversation v where v.customer_id = m.id
         order by v.opened_at desc limit 50) v),
zu as (
    select zg.shown, x.topic_id as id
      from (select x.* from conversation_topic x where x.conversation_id = any (array(select zg.id from zg)) offset 0) x
      join zg on zg.id = x.conversation_id
     union
    select zu.shown, t.parent_id from zu join topic t on t.id = zu.id where t.parent_id is not null),
zd as (
    select t.id, array[t.name] as path from topic t where t.parent_id is null and t.id in (select zu.id from zu)
     union all
    select t.id, zd.path || t.name from zd join topic t on t.parent_id = zd.id where t.id in (select zu.id from zu)),
z as (
    select json_agg(json_build_object('topic', x.id, 'path', x.path, 'contacts', x.contacts)
                    order by x.path, x.id)::text as topics
      from (select zd.id, zd.path, count(distinct c.id) as contacts
              from zd join zu on zu.id = zd.id join zg on zg.shown = zu.shown
                   join contact c on c.conversation_id = zg.id
             group by zd.id, zd.path) x)
"""  # noqa: S608  # put together from constants
CUSTOMER_COLUMNS = """
c.id, c.name, c.company, c.location, c.language, c.time_zone, c.plan, c.birth_date, c.external_id, c.tags,
c.preferred_channels, c.refused_channels, c.fields::text as fields, c.facts::text as facts, c.created_at, c.placeholder,
hn.*, (select addresses from d), (select definitions from q), (select segments from q), (select merges from g),
(select leaves from l), (select topics from z)
"""
# Few tables at a time, fenced by `offset 0`, and the rest as scalars: every table more in a join multiplies the orders
# the planner looks at; with all of them side by side, planning took as long as a hundred snapshots.
CUSTOMER_TABLES = "r join customer c on c.id = r.id cross join (select * from h cross join n offset 0) hn"

COLUMNS = ("name", "company", "location", "language", "time_zone", "plan", "birth_date", "external_id")
SEGMENT_FIELDS = (
    *("name", "company", "location", "language", "time_zone", "plan", "tags"),
    *("contacts_30_days", "open_tasks", "first_contact_at", "last_contact_at"),
)
"""What the condition of a segment may look at, beside `fields.<key>` of every custom field."""


class Merge(Struct, frozen=True):
    """A live merge of the group, as it is read."""

    id: UUID
    survivor: UUID
    leaf: UUID
    leaf_name: str | None
    rule: str
    at: datetime
    choices: dict[str, Choice] = {}
    by: Author | None = None


class _LeafRow(Struct, frozen=True):
    id: UUID
    name: str | None
    company: str | None
    location: str | None
    language: str | None
    time_zone: str | None
    plan: str | None
    birth_date: date | None
    external_id: str | None
    tags: tuple[str, ...]
    preferred_channels: tuple[str, ...]
    refused_channels: tuple[str, ...]
    fields: dict[str, FieldValue]
    facts: dict[str, Provenance]
    created_at: datetime


class _Definition(Struct, frozen=True):
    key: str
    label: str
    type: FieldType
    choices: tuple[str, ...]
    currency: str | None


class _Segment(Struct, frozen=True):
    name: str
    condition: msgspec.Raw


_decode_merges = msgspec.json.Decoder(tuple[Merge, ...]).decode
_decode_leaves = msgspec.json.Decoder(tuple[_LeafRow, ...]).decode
_decode_fields = msgspec.json.Decoder(dict[str, FieldValue]).decode
_decode_facts = msgspec.json.Decoder(dict[str, Provenance]).decode
_decode_addresses = msgspec.json.Decoder(tuple[Address, ...]).decode
_decode_topics = msgspec.json.Decoder(tuple[TopicCount, ...]).decode
_decode_condition = msgspec.json.Decoder(Condition).decode


def read_merges(text: str | None) -> tuple[Merge, ...]:
    """The live merges, oldest first."""
    return _decode_merges(text) if text else ()


def read_customer(row: asyncpg.Record) -> Customer:
    """The customer in a row of `CUSTOMER_COLUMNS`."""
    composed = _composed(row)
    value = {field: outcome.value for field, outcome in composed.items()}
    first, last = row["first_at"], row["last_at"]
    counts: dict[str, Any] = {"contacts_30_days": row["contacts"], "open_tasks": row["open_tasks"]}
    moments = {"first_contact_at": first, "last_contact_at": last}
    return Customer(
        id=row["id"],
        handles=read_handles(row),
        created_at=row["created_at"],
        segments=_segments_met(row["segments"], value | counts | moments),
        addresses=_read_addresses(row),
        fields=_custom_fields(row["definitions"], value),
        topics=_decode_topics(row["topics"]) if row["topics"] else (),
        placeholder=row["placeholder"],
        provenance={field: each.provenance for field, each in composed.items() if each.provenance},
        **{field: value.get(field) for field in COLUMNS},  # type: ignore[arg-type]
        **{field: value.get(field, ()) for field in LISTS},  # type: ignore[arg-type]
        **counts,
        **moments,
    )


def _composed(row: asyncpg.Record) -> Composed:
    if row["leaves"] is None:
        return outcomes_of(_own_leaf(row))
    links = [MergeLink(each.survivor, each.leaf, each.at, each.choices) for each in read_merges(row["merges"])]
    leaves = [_leaf(each) for each in _decode_leaves(row["leaves"])]
    return compose(row["id"], leaves, links)


def _own_leaf(row: asyncpg.Record) -> Leaf:
    values = {field: row[field] for field in COLUMNS} | {field: tuple(row[field]) for field in LISTS}
    if row["fields"] != "{}":
        values |= {f"fields.{key}": value for key, value in _decode_fields(row["fields"]).items()}
    return Leaf(row["id"], values, _decode_facts(row["facts"]) if row["facts"] != "{}" else {}, row["created_at"])


def _leaf(each: _LeafRow) -> Leaf:
    values = {field: getattr(each, field) for field in (*COLUMNS, *LISTS)}
    values |= {f"fields.{key}": value for key, value in each.fields.items()}
    return Leaf(each.id, values, each.facts, each.created_at)


@lru_cache(maxsize=8)
def _definitions(text: str | None) -> tuple[_Definition, ...]:
    return msgspec.json.decode(text, type=tuple[_Definition, ...]) if text else ()


def _custom_fields(definitions: str | None, value: Mapping[str, Value]) -> tuple[CustomField, ...]:
    return tuple(
        CustomField(each.key, each.label, each.type, each.choices, each.currency, value.get(f"fields.{each.key}"))  # type: ignore[arg-type]
        for each in _definitions(definitions)
    )


@lru_cache(maxsize=8)
def _conditions(text: str) -> tuple[tuple[str, Condition], ...]:
    """The segments. One that an older release would have to understand is left out, not the profile."""
    found = []
    for segment in msgspec.json.decode(text, type=tuple[_Segment, ...]):
        with suppress(msgspec.ValidationError):
            found.append((segment.name, _decode_condition(segment.condition)))
    return tuple(found)


def _segments_met(text: str | None, facts: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for name, condition in _conditions(text) if meets(condition, facts)) if text else ()


def _read_addresses(row: asyncpg.Record) -> tuple[Address, ...]:
    if row["addresses"] is None:
        return ()
    first, *others = _decode_addresses(row["addresses"])
    # Merged profiles may bring a main address each: the profile's own comes first and is the one.
    return (first, *(msgspec.structs.replace(each, main=False) if each.main else each for each in others))
