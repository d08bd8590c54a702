"""The snapshot a screen is shown: everything a profile is, as of one sequence number."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from model.customer import (
    Candidate,
    Card,
    Conversation,
    Customer,
    Detail,
    MergeView,
    Pin,
    Relationship,
    Suggestion,
    Task,
)
from model.timeline import Entry
from profiles import sections
from profiles.conversations import CONVERSATION_ARRAYS, read_conversations
from profiles.customer import CUSTOMER_COLUMNS, CUSTOMER_PARTS, CUSTOMER_TABLES, read_customer, read_merges
from profiles.sections import GROUP, SECTION_COLUMNS, SECTIONS
from profiles.timeline import ENTRY_ARRAYS, read_entries
from store.pool import Connection

PAGE = 50
"""Entries of a snapshot."""
RECENT = 20
"""Conversations of a snapshot: so many of the newest, and those its entries belong to."""


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
    candidates: tuple[Candidate, ...] = ()
    details: tuple[Detail, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    pins: tuple[Pin, ...] = ()
    tasks: tuple[Task, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    merges: tuple[MergeView, ...] = ()
    cards: tuple[Card, ...] = ()


# One statement, so that everything is as of the sequence number it carries. Rows are read per member and then merged:
# `= any (members) order by … limit` would read every row of all members. The limits are constants: the plan kept for a
# parameter guesses that a tenth of the rows is wanted.
SNAPSHOT = f"""
with recursive {GROUP},
t as (
    select e.* from m cross join lateral (
        select e.* from entry e where e.customer_id = m.id order by e.at desc, e.id desc limit {PAGE + 1}) e
     order by e.at desc, e.id desc limit {PAGE + 1}),
e as ({ENTRY_ARRAYS}),
vn as (
    select v.id from m cross join lateral (
        select v.id, v.opened_at from conversation v where v.customer_id = m.id and v.folded_into is null
         order by v.opened_at desc, v.id desc limit {RECENT}) v
     order by v.opened_at desc, v.id desc limit {RECENT}),
v as (
    select v.* from (
        select vn.id from vn
         union
        select coalesce(f.folded_into, f.id) from (select distinct t.conversation_id as id from t) x
               join conversation f on f.id = x.id) i
     -- fenced: by its id, for who has been here for long has many
     cross join lateral (select v.* from conversation v where v.id = i.id offset 0) v
     where v.customer_id in (select m.id from m)),
{CONVERSATION_ARRAYS},
{CUSTOMER_PARTS},
{SECTIONS}
select {CUSTOMER_COLUMNS}, s.seq, ew.*, ky.*, {SECTION_COLUMNS}
  from {CUSTOMER_TABLES} join stream s on s.kind = 1 and s.id = c.id
       cross join (select * from e cross join w offset 0) ew cross join (select * from k cross join y offset 0) ky
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
        customer=read_customer(row),
        conversations=read_conversations(row),
        timeline=tuple(entries[-PAGE:]),
        more=len(entries) > PAGE,
        candidates=sections.read_candidates(row["candidates"]),
        details=sections.read_details(row["details"]),
        relationships=sections.read_relationships(row["relationships"]),
        pins=sections.read_pins(row["pins"]),
        tasks=sections.read_tasks(row["tasks"]),
        suggestions=sections.read_suggestions(row["suggestions"]),
        merges=sections.read_merge_views(read_merges(row["merges"])),
        cards=sections.read_cards(row["cards"]),
    )
