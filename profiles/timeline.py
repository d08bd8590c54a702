"""Pages of a timeline, by keyset, and the reading of entries that the snapshot shares."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from model.content import Content
from model.refusal import Refused
from model.timeline import Author, Entry, Media, Reaction
from model.wire import Timeline
from store.pool import Connection

MOST_ENTRIES = 200

# Completes a query whose CTEs are `r`, the root, and `t`, entries: one row of parallel arrays, oldest first. `sending`
# is ours alone; a screen sees such a reply as still queued. What was said in a folded conversation is shown in the one
# it is folded into.
ENTRY_ARRAYS = """
    select array_agg(x.id) as e_id, array_agg(x.kind) as e_kind, array_agg(x.channel) as e_channel,
           array_agg(x.direction) as e_direction, array_agg(x.body) as e_body, array_agg(x.at) as e_at,
           array_agg(x.status) as e_status, array_agg(x.conversation_id) as e_conversation,
           array_agg(x.author_id) as e_author_id, array_agg(x.author_name) as e_author_name,
           array_agg(x.handle) as e_handle, array_agg(x.account_id) as e_account, array_agg(x.media) as e_media,
           array_agg(x.occurred_at) as e_occurred_at, array_agg(x.error) as e_error, array_agg(x.leaf) as e_leaf,
           array_agg(x.content) as e_content, array_agg(x.in_reply_to) as e_in_reply_to,
           array_agg(x.reactions) as e_reactions, array_agg(x.edited_at) as e_edited_at,
           array_agg(x.unsent_at) as e_unsent_at
      from (select t.id, t.kind, t.channel, t.direction, coalesce(g.body, t.body) as body, t.at, t.account_id,
                   t.occurred_at, coalesce(g.content, t.content)::text as content, g.reactions::text as reactions,
                   g.edited_at, g.unsent_at,
                   case when t.in_reply_to is not null then entry_named(t.account_id, t.in_reply_to) end as in_reply_to,
                   coalesce(v.folded_into, t.conversation_id) as conversation_id,
                   nullif(t.customer_id, (select r.id from r)) as leaf,
                   coalesce(g.media, t.media)::text as media, h.value as handle,
                   a.id as author_id, a.name as author_name,
                   case o.state when 'sending' then 'queued' else o.state end as status, o.error
              from t left join conversation v on v.id = t.conversation_id
                     left join handle h on h.id = t.handle_id
                     left join agent a on a.id = t.author_id
                     left join outbox o on o.entry_id = t.id
                     left join entry_state g on g.entry_id = t.id
             order by t.at, t.id) x
"""


class Page(Struct, frozen=True):
    """Entries, newest last. `more`: others lie beyond, older ones, or newer ones when the page was read forwards."""

    entries: tuple[Entry, ...]
    more: bool


_COLUMNS = (
    *("id", "kind", "channel", "direction", "body", "at", "status", "conversation"),
    *("author_id", "author_name", "handle", "account", "media", "occurred_at", "error", "leaf"),
    *("content", "in_reply_to", "reactions", "edited_at", "unsent_at"),
)
_decode_media = msgspec.json.Decoder(tuple[Media, ...]).decode
_decode_content = msgspec.json.Decoder(tuple[Content, ...]).decode
_decode_reactions = msgspec.json.Decoder(tuple[Reaction, ...]).decode


def read_entries(row: asyncpg.Record) -> list[Entry]:
    """The entries in the columns of `ENTRY_ARRAYS`, oldest first."""
    columns = zip(*(row[f"e_{name}"] or () for name in _COLUMNS), strict=True)
    return [
        Entry(
            id=id_,
            kind=kind,
            channel=channel,
            direction=direction,
            body=body,
            at=at,
            status=status,
            conversation=talk,
            author=None if author_id is None else Author(author_id, author),
            handle=handle,
            account=account,
            media=_decode_media(media) if media else (),
            occurred_at=said_at,
            error=error,
            content=_decode_content(content) if content else (),
            in_reply_to=answers,
            reactions=_decode_reactions(reactions) if reactions else (),
            edited_at=edited_at,
            unsent_at=unsent_at,
            leaf=leaf,
        )
        for (
            id_,
            kind,
            channel,
            direction,
            body,
            at,
            status,
            talk,
            author_id,
            author,
            handle,
            account,
            media,
            said_at,
            error,
            leaf,
            content,
            answers,
            reactions,
            edited_at,
            unsent_at,
        ) in columns
    ]


# Each member's newest, then the newest of those: `= any (members) order by … limit` reads every entry of all of them.
OLDER = f"""
with r as (select $1::uuid as id),
m as (select c.id from customer c where c.root_id = $1),
t as (
    select e.* from m cross join lateral (
        select e.* from entry e where e.customer_id = m.id and (e.at, e.id) < ($2::timestamptz, $3::uuid)
         order by e.at desc, e.id desc limit $4) e
     order by e.at desc, e.id desc limit $4)
{ENTRY_ARRAYS}
"""  # noqa: S608  # put together from constants
NEWER = f"""
with r as (select $1::uuid as id),
m as (select c.id from customer c where c.root_id = $1),
t as (
    select e.* from m cross join lateral (
        select e.* from entry e where e.customer_id = m.id and (e.at, e.id) > ($2::timestamptz, $3::uuid)
         order by e.at, e.id limit $4) e
     order by e.at, e.id limit $4)
{ENTRY_ARRAYS}
"""  # noqa: S608  # put together from constants

ONE = f"""
with r as (select $1::uuid as id),
t as (select e.* from entry e where e.id = $2)
{ENTRY_ARRAYS}
"""  # noqa: S608  # put together from constants


async def fetch_entry(connection: Connection, root: UUID, entry: UUID) -> Entry | None:
    """One entry as this root's profile shows it."""
    row = await connection.fetchrow(ONE, root, entry)
    found = read_entries(row) if row else []
    return found[0] if found else None


_Anchor = tuple[datetime, UUID]
_END: _Anchor = (datetime(9999, 1, 1, tzinfo=UTC), UUID(int=0))


async def fetch_page(connection: Connection, asked: Timeline) -> Page | Refused:
    """A page before or after an entry, from the opening of a conversation, or the newest; 1 to 200 entries."""
    named = [field for field in ("before", "after", "conversation") if getattr(asked, field) is not None]
    if len(named) > 1:
        return Refused("bad_frame", f"Give one of before, after and conversation, not {len(named)}.", named[1])
    if not 1 <= asked.limit <= MOST_ENTRIES:
        return Refused("bad_frame", f"The limit is 1 to {MOST_ENTRIES} entries.", "limit")
    root = await connection.fetchval(ROOT, asked.customer)
    if root is None:
        return Refused("not_found", "There is no such customer.", "customer")
    anchor = await _anchor(connection, root, asked)
    if anchor is None:
        return Refused("not_found", "This customer has nothing of that id.", named[0])
    forwards = named in (["after"], ["conversation"])
    row = await connection.fetchrow(NEWER if forwards else OLDER, root, *anchor, asked.limit + 1)
    entries = read_entries(row) if row else []
    more = len(entries) > asked.limit
    if more:
        entries = entries[: asked.limit] if forwards else entries[1:]
    return Page(tuple(entries), more)


ROOT = "select root_id from customer where id = $1"
ENTRY_PLACE = """
select e.at, e.id from entry e join customer c on c.id = e.customer_id where e.id = $1 and c.root_id = $2
"""
# A folded conversation means the one that is shown in its place.
CONVERSATION_PLACE = """
select s.opened_at from conversation v join customer c on c.id = v.customer_id
  join conversation s on s.id = coalesce(v.folded_into, v.id)
 where v.id = $1 and c.root_id = $2
"""


async def _anchor(connection: Connection, root: UUID, asked: Timeline) -> _Anchor | None:
    """The place the page starts from, exclusive; None when what was named is not this customer's."""
    if asked.conversation is not None:
        opened_at = await connection.fetchval(CONVERSATION_PLACE, asked.conversation, root)
        # An entry is dated after the opening of its conversation, at the earliest the same microsecond.
        return None if opened_at is None else (opened_at, UUID(int=0))
    entry = asked.before or asked.after
    if entry is None:
        return _END
    row = await connection.fetchrow(ENTRY_PLACE, entry, root)
    return None if row is None else (row["at"], row["id"])
