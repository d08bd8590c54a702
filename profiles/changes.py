"""What became of a message after it was said: reactions, edits, and what was taken back, in whatever order they come.

Every change is kept for ever under the name its channel gives the message; what the entry is now is worked out of
all of them, so that their order of arrival decides nothing. A change that comes before its message waits under that
name. Two that cross each other, each unseen by the other, are brought together by whoever commits last: both look again
after COMMIT (`Recorder`), and a sweep looks for those of a process that died in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from model.event import EntryChanged
from model.inbound import MessageChange, MessageEdited, MessageReacted, MessageUnsent
from model.timeline import Reaction
from profiles.timeline import fetch_entry
from store.feeds import Transaction, append_to_customer, lock_customer
from store.pool import Connection

Name = tuple[str, str]
"""An account, and what its channel calls the message."""

ADD = """
insert into entry_change (id, account_id, target, kind, by_value, emoji, body, occurred_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""


async def keep_change(connection: Connection, id_: UUID, account: str, change: MessageChange) -> Name:
    """Keep a change, not yet applied; gives the name of the message it is about."""
    kind = {MessageReacted: "reaction", MessageEdited: "edited", MessageUnsent: "unsent"}[type(change)]
    await connection.execute(
        *(ADD, id_, account, change.target, kind, change.handle.value),
        change.emoji if isinstance(change, MessageReacted) else None,
        change.body if isinstance(change, MessageEdited) else None,
        change.occurred_at,
    )
    return account, change.target


NAMED = """
select e.id, e.customer_id, e.direction from entry e where e.id = entry_named($1, $2)
"""
OWNER = "select customer_id from entry where id = $1"
FIND = "update entry_change set entry_id = $3 where account_id = $1 and target = $2 and entry_id is null"


async def apply_changes(tx: Transaction, name: Name) -> bool:
    """Bring the entry of this name up to date with all changes that are known; False where there is none yet."""
    row = await tx.connection.fetchrow(NAMED, *name)
    if row is None:
        return False
    leaf = row["customer_id"]
    while True:
        root = await lock_customer(tx, leaf)
        owner = await tx.connection.fetchval(OWNER, row["id"])
        if root is None or owner == leaf:
            break
        leaf = owner  # moved to another customer while we waited
    if root is None:
        return False
    await tx.connection.execute(FIND, *name, row["id"])
    if await _save(tx.connection, row["id"], row["direction"] == "in"):
        entry = await fetch_entry(tx.connection, root, row["id"])
        if entry is not None:
            await append_to_customer(tx, root, [EntryChanged(entry)])
    return True


class _State(Struct, frozen=True):
    body: str | None
    edited_at: datetime | None
    unsent_at: datetime | None
    reactions: tuple[Reaction, ...]


# By the channel's time; what comes without one is of the time it came.
CHANGES = """
select kind, by_value, emoji, body, coalesce(occurred_at, at) as at from entry_change
 where entry_id = $1 order by coalesce(occurred_at, at), kind, id
"""
KNOWN = "select body, edited_at, unsent_at, reactions::text from entry_state where entry_id = $1"
SAVE = """
insert into entry_state (entry_id, body, edited_at, unsent_at, reactions) values ($1, $2, $3, $4, $5)
on conflict (entry_id) do update
   set body = excluded.body, edited_at = excluded.edited_at, unsent_at = excluded.unsent_at,
       reactions = excluded.reactions
"""
_reactions = msgspec.json.Decoder(tuple[Reaction, ...]).decode


async def _save(connection: Connection, entry: UUID, is_theirs: bool) -> bool:
    """Whether what is shown has changed."""
    state = _state(await connection.fetch(CHANGES, entry), is_theirs)
    row = await connection.fetchrow(KNOWN, entry)
    known = _State(None, None, None, ())
    if row is not None:
        reactions = _reactions(row["reactions"]) if row["reactions"] else ()
        known = _State(row["body"], row["edited_at"], row["unsent_at"], reactions)
    if state == known:
        return False
    reactions_json = msgspec.json.encode(state.reactions).decode() if state.reactions else None
    await connection.execute(SAVE, entry, state.body, state.edited_at, state.unsent_at, reactions_json)
    return True


def _state(changes: Sequence[asyncpg.Record], is_theirs: bool) -> _State:
    """One reaction a person, the last; the last edit; the first taking back. Only who said it may change it."""
    reactions: dict[str, Reaction | None] = {}
    body = edited_at = unsent_at = None
    for change in changes:
        if change["kind"] == "reaction":
            emoji = change["emoji"]
            reactions[change["by_value"]] = Reaction(emoji, "in", change["at"]) if emoji else None
        elif change["kind"] == "edited" and is_theirs:
            body, edited_at = change["body"], change["at"]
        elif change["kind"] == "unsent" and is_theirs:
            unsent_at = unsent_at or change["at"]
    shown = (reaction for reaction in reactions.values() if reaction is not None)
    return _State(body, edited_at, unsent_at, tuple(sorted(shown, key=lambda reaction: (reaction.at, reaction.emoji))))


EARLY = """
select distinct c.account_id, c.target from unnest($1::text[], $2::text[]) u(account, name)
  join entry_change c on c.account_id = u.account and c.target = u.name
 where c.entry_id is null
"""


async def early_of(connection: Connection, names: Sequence[Name]) -> list[Name]:
    """Which of these messages have changes that wait for them."""
    rows = await connection.fetch(EARLY, [account for account, _ in names], [name for _, name in names])
    return [(row["account_id"], row["target"]) for row in rows]


# A change whose message never comes is looked at for a day.
LEFT = """
select distinct c.account_id, c.target from entry_change c
 where c.entry_id is null and c.at > now() - interval '1 day' and entry_named(c.account_id, c.target) is not null
 limit 100
"""


async def left_early(connection: Connection) -> list[Name]:
    """Messages that are here, with changes that wait for them all the same."""
    return [(row["account_id"], row["target"]) for row in await connection.fetch(LEFT)]
