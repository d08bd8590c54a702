"""The course of a call as its entries show it, brought to what it is now whenever something of it changes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from model.content import Call, Content
from model.event import CustomerEvent, EntryChanged
from model.timeline import Media
from profiles.timeline import fetch_entry
from store.feeds import NewEntry, Transaction, append_to_customer
from store.ids import new_id
from store.pool import Connection

_encode = msgspec.json.Encoder().encode

COURSE = """
select k.id, k.direction, k.state, k.outcome, a.address as ours, coalesce(h.form, h.value) as theirs, k.chosen,
       k.on_hold, k.answered_at, k.ended_at, k.queued_at, k.started_at, k.recording_state, k.recorded_seconds,
       k.transcript, k.recording_url, k.entry_id, k.voicemail_id, k.account_id,
       array(select g.name from call_leg l join agent g on g.id = l.agent_id
              where l.call_id = k.id and l.role = 'agent' order by l.created_at, l.id) as agents,
       (select l.address from call_leg l where l.call_id = k.id and l.role = 'outside'
         order by l.created_at desc limit 1) as peer,
       extract(epoch from coalesce(k.answered_at, k.ended_at) - coalesce(k.queued_at, k.started_at))::int as waited,
       extract(epoch from k.ended_at - k.answered_at)::int as talked
  from call k join account a on a.id = k.account_id join handle h on h.id = k.handle_id where k.id = $1
"""


async def fetch_course(connection: Connection, call: UUID) -> Call:
    """The course of a call as its entry shows it."""
    return _course(await connection.fetchrow(COURSE, call))


def _course(row: Any) -> Call:
    left_word = row["voicemail_id"] is not None
    return Call(
        call=row["id"],
        direction=row["direction"],
        state=row["state"],
        outcome=row["outcome"],
        ours=row["ours"],
        theirs=row["theirs"],
        agents=tuple(dict.fromkeys(row["agents"])),
        menu=tuple(row["chosen"]),
        peer=row["peer"],
        on_hold=row["on_hold"],
        answered_at=row["answered_at"],
        ended_at=row["ended_at"],
        waited_seconds=row["waited"],
        talked_seconds=row["talked"],
        recording=None if left_word else row["recording_state"],
        recorded_seconds=None if left_word else row["recorded_seconds"],
        transcript=None if left_word else row["transcript"],
    )


KEEP_STATE = """
insert into entry_state (entry_id, content, media) values ($1, $2::jsonb, $3::jsonb)
on conflict (entry_id) do update
   set content = excluded.content, media = coalesce(entry_state.media, excluded.media)
 where entry_state.content is distinct from excluded.content or entry_state.media is null and excluded.media is not null
returning true
"""
HAS_FILE = "select true from attachment where entry_id = $1"
ADD_FILE = "select add_attachments($1, $2, $3::jsonb)"


async def _keep_state(
    connection: Connection, account: str, entry: UUID, content: Call, media: tuple[Media, ...]
) -> bool:
    """What the entry is now. The recording is fetched from the provider like any file that came with a message."""
    both: tuple[Content, ...] = (content,)
    files = _encode(media).decode() if media else None
    if media and not await connection.fetchval(HAS_FILE, entry):
        await connection.execute(ADD_FILE, entry, account, files)
    return bool(await connection.fetchval(KEEP_STATE, entry, _encode(both).decode(), files))


async def show_call(tx: Transaction, root: UUID, call: UUID) -> None:
    """Bring the entries of a call to what it is now, and tell whoever shows them. The root's stream is locked."""
    row = await tx.connection.fetchrow(COURSE, call)
    if row is None:
        return
    course = _course(row)
    heard: tuple[Media, ...] = ()
    if row["recording_url"]:
        heard = (Media(row["recording_url"], "audio/mpeg", new_id(), "recording.mp3", state="pending"),)
    left_word: UUID | None = row["voicemail_id"]
    shows: list[tuple[UUID, Call, tuple[Media, ...]]] = [(row["entry_id"], course, () if left_word else heard)]
    if left_word is not None:
        word = msgspec.structs.replace(
            course,
            recording=row["recording_state"],
            recorded_seconds=row["recorded_seconds"],
            transcript=row["transcript"],
        )
        shows.append((left_word, word, heard))
    account = row["account_id"]
    changed = [
        entry for entry, content, media in shows if await _keep_state(tx.connection, account, entry, content, media)
    ]
    entries = [await fetch_entry(tx.connection, root, entry) for entry in changed]
    events: list[CustomerEvent | NewEntry] = [EntryChanged(entry) for entry in entries if entry is not None]
    if events:
        await append_to_customer(tx, root, events)
