"""Whether a reply may leave by its channel as it is, said before it is queued: length, files, templates, time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct, structs

from model.agent import Actor
from model.content import Content, Template
from model.limits import ReplyLimits
from model.refusal import Refused
from model.timeline import Media
from model.wire import Reply
from profiles.route import Route
from store.pool import Connection

LimitsOf = Callable[[Connection, str], Awaitable[ReplyLimits | None]]
"""The limits of an account; None where nobody knows them."""

UPLOADS = """
select u.id, a.author_id, a.entry_id, a.content_type, a.size, a.name
  from unnest($1::uuid[]) with ordinality u(id, o) left join attachment a on a.id = u.id order by u.o
"""
LOCK_UPLOADS = "select from attachment where id = any ($1) order by id for no key update"


async def take_uploads(connection: Connection, actor: Actor, ids: Sequence[UUID]) -> tuple[Media, ...] | Refused:
    """The files a reply names, locked. Each is the author's own upload, and in no other reply (T22)."""
    if not ids:
        return ()
    if len(set(ids)) < len(ids):
        return Refused("bad_frame", "A file is named twice; name each once.", "attachments")
    await connection.execute(LOCK_UPLOADS, list(ids))
    rows = await connection.fetch(UPLOADS, list(ids))
    if any(row["author_id"] != actor.id or row["entry_id"] is not None for row in rows):
        return Refused("not_found", "There is no such unused upload of yours; upload the file again.", "attachments")
    return tuple(_media(row) for row in rows)


def _media(row: asyncpg.Record) -> Media:
    return Media("", row["content_type"], row["id"], row["name"], row["size"], state="stored")


WINDOW = """
select closes_at > clock_timestamp() as open from reply_window where handle_id = $1 and account_id = $2
"""


async def check_limits(
    connection: Connection, frame: Reply, way: tuple[UUID, str], files: Sequence[Media], limits: ReplyLimits
) -> Refused | None:
    """The first thing about this reply that its channel does not take, with what to do instead. `way`: the handle it
    goes to, and the account it goes by."""
    refused = _shape(frame, limits) or _files(files, limits)
    if refused is None and limits.window_seconds is not None and frame.template is None:
        is_open = await connection.fetchval(WINDOW, *way)
        if not is_open:
            return _closed(limits, never=is_open is None)
    return refused


QUEUED = """
select o.account_id, o.conversation_id, o.body, o.content::text as content, o.files, e.handle_id
  from outbox o join entry e on e.id = o.entry_id where o.entry_id = $1
"""
FILES = "select id, content_type, size, name from attachment where id = any ($1)"
_contents = msgspec.json.Decoder(tuple[Content, ...]).decode


async def check_again(connection: Connection, entry: UUID, limits_of: LimitsOf) -> Refused | None:
    """Why a reply that was queued once does not go now: the window has closed meanwhile, or the account is another."""
    row: Any = await connection.fetchrow(QUEUED, entry)
    limits = await limits_of(connection, row["account_id"])
    if limits is None:
        return None
    held = _contents(row["content"]) if row["content"] else ()
    template = next((each for each in held if isinstance(each, Template)), None)
    frame = Reply(row["conversation_id"], row["body"], entry, template=template)
    files = [_media(file) for file in await connection.fetch(FILES, row["files"])]
    refused = await check_limits(connection, frame, (row["handle_id"], row["account_id"]), files, limits)
    # What is at fault is the reply that stands there; nothing of it can be changed in this frame.
    return structs.replace(refused, field="entry") if refused else None


def _shape(frame: Reply, limits: ReplyLimits) -> Refused | None:
    if frame.template is not None and not limits.templates:
        return Refused("no_templates", "This channel has no templates; write the text itself.", "template")
    if frame.subject is not None and not limits.subject:
        return Refused("no_subject", "This channel has no subject; write it into the text.", "subject")
    if len(frame.body) > limits.most_characters:
        over = len(frame.body) - limits.most_characters
        message = f"The text is {over} characters over the {limits.most_characters} that go; shorten or split it."
        return Refused("too_long", message, "body")
    return None


def _files(files: Sequence[Media], limits: ReplyLimits) -> Refused | None:
    if len(files) > limits.most_files:
        most = limits.most_files
        remedy = f"at most {most} go with one message; send several" if most else "none go here; send a link"
        return Refused("too_many_files", f"{len(files)} files are too many: {remedy}.", "attachments")
    for file in files:
        name = file.name or "a file"
        if not limits.takes(file.content_type):
            message = f"{name} is {file.content_type}; this channel takes {', '.join(limits.file_types)}."
            return Refused("file_type", message, "attachments")
        if (file.size or 0) > limits.most_file_bytes:
            message = f"{name} is over the {_mib(limits.most_file_bytes)} this channel takes; send a smaller one."
            return Refused("file_too_large", message, "attachments")
    return None


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.3g} MiB"


def _closed(limits: ReplyLimits, *, never: bool) -> Refused:
    if never and limits.templates:
        return Refused("templates_only", "The customer has not written here: begin with a template.", "template")
    hours = (limits.window_seconds or 0) // 3600
    remedy = "send a template, or" if limits.templates else "use another channel, or"
    message = f"The customer last wrote more than {hours} hours ago: {remedy} wait until they write."
    return Refused("window_closed", message, "template" if limits.templates else "body")


class Quoted(Struct, frozen=True):
    """The message a reply answers, as its channel calls it."""

    entry: UUID
    provider_id: str


QUOTED = """
select e.id, coalesce(e.provider_id, o.provider_id) as provider_id
  from entry e join customer m on m.id = e.customer_id left join outbox o on o.entry_id = e.id
 where e.id = $1 and m.root_id = $2 and e.account_id = $3
"""


async def quoted(connection: Connection, root: UUID, frame: Reply, route: Route) -> Quoted | Refused | None:
    """The message the frame names, which must be of the same customer and account and known to its provider."""
    if frame.in_reply_to is None:
        return None
    row = await connection.fetchrow(QUOTED, frame.in_reply_to, root, route.account)
    if row is None:
        return Refused("not_found", f"There is no such message by {route.account}.", "in_reply_to")
    if row["provider_id"] is None:
        return Refused("no_quote", f"A message by {route.channel} cannot be quoted; leave it out.", "in_reply_to")
    return Quoted(row["id"], row["provider_id"])
