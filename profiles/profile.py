"""The snapshot a screen is shown: customer, conversations and newest timeline page, as of one sequence number."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from uuid import UUID

import asyncpg
from msgspec import Struct

from model.contact import ProfileContact
from model.customer import Conversation, Customer, HandleView
from model.timeline import Author, Entry
from profiles.timeline import ENTRY_ARRAYS, read_entries
from store.pool import Connection

PAGE = 50
"""Entries of a snapshot, and conversations of a page."""


class Snapshot(Struct, frozen=True):
    """A customer at `seq` of their feed: with the events after it, it is what a later snapshot will be.

    Conversations newest first, each with its contacts oldest first; timeline newest last; `more`: older entries exist.
    """

    customer_id: UUID
    """The root."""
    seq: int
    customer: Customer
    conversations: tuple[Conversation, ...]
    timeline: tuple[Entry, ...]
    more: bool


# Completes a query whose CTE `v` holds conversations: `w` and `k` are one row of parallel arrays each. A conversation
# that is reopened again and again keeps its id, so its contacts are bounded too.
CONVERSATION_ARRAYS = """
w as (
    select array_agg(x.id) as v_id, array_agg(x.status) as v_status, array_agg(x.opened_at) as v_opened_at,
           array_agg(x.closed_at) as v_closed_at, array_agg(x.needs_attention) as v_needs_attention
      from (select v.* from v order by v.opened_at desc, v.id desc) x),
k as (
    select array_agg(x.id) as k_id, array_agg(x.conversation_id) as k_conversation, array_agg(x.channel) as k_channel,
           array_agg(x.class) as k_class, array_agg(x.state) as k_state, array_agg(x.agent_id) as k_agent_id,
           array_agg(x.agent_name) as k_agent_name, array_agg(x.arrived_at) as k_arrived_at,
           array_agg(x.due_at) as k_due_at
      from (select c.id, c.conversation_id, c.channel, c.class, c.agent_id, a.name as agent_name, c.arrived_at,
                   case when c.state in ('new', 'queued', 'offered') then 'waiting' else c.state end as state,
                   case when c.state = 'wrapping' then c.due_at end as due_at
              from v cross join lateral (
                   select * from contact c where c.conversation_id = v.id
                    order by c.arrived_at desc, c.id desc limit 20) c
              left join agent a on a.id = c.agent_id
             order by c.arrived_at, c.id) x)
"""

# One statement, so that everything is as of the sequence number it carries. Rows are read per member and then merged:
# `= any (members) order by … limit` would read every row of all members. The limits are constants: the plan kept for a
# parameter guesses that a tenth of the rows is wanted.
SNAPSHOT = f"""
with r as (select c.root_id as id from customer c where c.id = $1),
m as (select c.id from customer c join r on c.root_id = r.id),
t as (
    select e.* from m cross join lateral (
        select e.* from entry e where e.customer_id = m.id order by e.at desc, e.id desc limit {PAGE + 1}) e
     order by e.at desc, e.id desc limit {PAGE + 1}),
e as ({ENTRY_ARRAYS}),
v as (
    select v.* from m cross join lateral (
        select v.* from conversation v where v.customer_id = m.id and v.folded_into is null
         order by v.opened_at desc, v.id desc limit {PAGE}) v
     order by v.opened_at desc, v.id desc limit {PAGE}),
{CONVERSATION_ARRAYS},
h as (
    select array_agg(x.kind) as h_kind, array_agg(x.value) as h_value, array_agg(x.label) as h_label,
           array_agg(x.main) as h_main, array_agg(x.shared) as h_shared, array_agg(x.opted_out) as h_opted_out,
           array_agg(x.rule) as h_rule, array_agg(x.account) as h_account, array_agg(x.linked_at) as h_linked_at,
           array_agg(x.created_at) as h_created_at
      from (select h.*, l.rule, l.account, l.at as linked_at,
                   (select string_agg(o.account_id, ' ' order by o.account_id) from consent o
                     where o.handle_id = h.id and o.opted_out) as opted_out
              from m join handle h on h.customer_id = m.id
              left join lateral (
                   select l.rule, l.evidence ->> 'account' as account, l.at from link l
                    where l.handle_id = h.id order by l.at desc, l.id desc limit 1) l on true
             order by h.main desc, h.created_at, h.id) x),
n as (
    select (select count(*) from m join contact c on c.customer_id = m.id
             where c.arrived_at > now() - interval '30 days') as contacts,
           min(x.first_at) as first_at, max(x.last_at) as last_at
      from (select (select c.arrived_at from contact c where c.customer_id = m.id
                     order by c.arrived_at limit 1) as first_at,
                   (select c.arrived_at from contact c where c.customer_id = m.id
                     order by c.arrived_at desc limit 1) as last_at
              from m) x)
select c.id, c.name, c.company, c.location, c.language, c.time_zone, c.plan, c.tags, c.created_at, s.seq,
       e.*, w.*, k.*, h.*, n.*
  from r join customer c on c.id = r.id join stream s on s.kind = 1 and s.id = r.id,
       e, w, k, h, n
"""  # noqa: S608  # put together from constants


async def fetch_snapshot(connection: Connection, customer: UUID) -> Snapshot | None:
    """The snapshot of this customer's root; None when there is no such customer."""
    row = await connection.fetchrow(SNAPSHOT, customer)
    if row is None:
        return None
    entries = read_entries(row)
    return Snapshot(
        customer_id=row["id"],
        seq=row["seq"],
        customer=_read_customer(row),
        conversations=_read_conversations(row),
        timeline=tuple(entries[-PAGE:]),
        more=len(entries) > PAGE,
    )


CONVERSATIONS = f"""
with m as (
    select c.id from customer c join customer r on c.root_id = r.root_id where r.id = $1),
v as (
    select v.* from m cross join lateral (
        select v.* from conversation v
         where v.customer_id = m.id and v.folded_into is null
           and ($2::timestamptz is null or (v.opened_at, v.id) < ($2, $3::uuid))
         order by v.opened_at desc, v.id desc limit $4) v
     order by v.opened_at desc, v.id desc limit $4),
{CONVERSATION_ARRAYS}
select w.*, k.* from w, k
"""  # noqa: S608  # put together from constants


async def fetch_conversations(
    connection: Connection, customer: UUID, limit: int, after: tuple[datetime, UUID] | None = None
) -> tuple[Conversation, ...]:
    """A customer's conversations, newest first, after the one with this `opened_at` and id."""
    row = await connection.fetchrow(CONVERSATIONS, customer, *(after or (None, None)), limit)
    return _read_conversations(row) if row else ()


def _read_conversations(row: asyncpg.Record) -> tuple[Conversation, ...]:
    contacts: dict[UUID, list[ProfileContact]] = {}
    for contact in _read_contacts(row):
        contacts.setdefault(contact.conversation, []).append(contact)
    columns = (row[f"v_{name}"] or () for name in ("id", "status", "opened_at", "closed_at", "needs_attention"))
    return tuple(
        Conversation(id_, status, opened_at, closed_at, attention, tuple(contacts.get(id_, ())))
        for id_, status, opened_at, closed_at, attention in zip(*columns, strict=True)
    )


def _read_contacts(row: asyncpg.Record) -> list[ProfileContact]:
    names = ("id", "conversation", "channel", "class", "state", "agent_id", "agent_name", "arrived_at", "due_at")
    columns = (row[f"k_{name}"] or () for name in names)
    return [
        ProfileContact(
            id_,
            talk,
            channel,
            class_,
            state,
            None if agent_id is None else Author(agent_id, agent_name),
            arrived_at,
            due_at,
        )
        for id_, talk, channel, class_, state, agent_id, agent_name, arrived_at, due_at in zip(*columns, strict=True)
    ]


def _read_customer(row: asyncpg.Record) -> Customer:
    return Customer(
        id=row["id"],
        name=row["name"],
        handles=_read_handles(row),
        company=row["company"],
        location=row["location"],
        language=row["language"],
        time_zone=row["time_zone"],
        plan=row["plan"],
        tags=tuple(row["tags"]),
        created_at=row["created_at"],
        contacts_30_days=row["contacts"],
        first_contact_at=row["first_at"],
        last_contact_at=row["last_at"],
    )


def _read_handles(row: asyncpg.Record) -> tuple[HandleView, ...]:
    names = ("kind", "value", "label", "main", "shared", "opted_out", "rule", "account", "linked_at", "created_at")
    columns = (row[f"h_{name}"] or () for name in names)
    return tuple(
        HandleView(
            kind=kind,
            value=value,
            display=_display(kind, value),
            label=label,
            main=main,
            shared=shared,
            opted_out=tuple(opted_out.split()) if opted_out else (),
            source=_source(rule, account, linked_at or added_at),
            added_at=added_at,
        )
        for kind, value, label, main, shared, opted_out, rule, account, linked_at, added_at in zip(
            *columns, strict=True
        )
    )


@lru_cache(maxsize=8192)
def _display(kind: str, value: str) -> str:
    """A handle as people write it; a phone the international way."""
    if kind != "phone":
        return value
    # Here and not above: the library's tables take longer to load than everything else in this package.
    import phonenumbers

    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        return value
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def _source(rule: str | None, account: str | None, at: datetime) -> str:
    """How a handle came here, for reading: `first contact on sms-main, 12 Nov 2026`."""
    how = (rule or "added by hand").replace("_", " ")
    return f"{how}{f' on {account}' if account else ''}, {at.day} {at:%b %Y}"
