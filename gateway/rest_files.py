"""REST of files: those of entries, uploads for a reply, and the event an entry came from as it arrived."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from gateway.downloads import Download
from gateway.mail_store import fetch_source
from gateway.problems import Problem, not_found
from gateway.rest_call import Call, Endpoint, NoQuery
from gateway.rest_write import Write
from profiles.attachments import MOST_BYTES, clean_name, clean_type
from profiles.audit import audit
from profiles.stored import Attachment, fetch_attachment, keep_upload
from store.ids import new_id


class UploadQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """What the file is called."""

    name: Annotated[str, Meta(max_length=500)] | None = None


async def show_attachment(call: Call[NoQuery]) -> Download:
    """A file of an entry, or one's own upload. Pictures, sound and film come inline, everything else to be saved."""
    stored = await fetch_attachment(call.connection, call.id)
    if stored is None or (stored.entry_id is None and stored.author_id != call.actor.id):
        raise not_found("There is no such file.")
    if stored.state == "pending":
        raise Problem(409, "The file is being fetched; ask again in a moment.", headers={"Retry-After": "2"})
    if stored.state != "stored":
        raise Problem(410, stored.error or "The file could not be had.")
    return Download(stored.name, stored.content_type, stored.data, stored.path)


async def upload_attachment(call: Write[bytes]) -> Attachment:
    """Keep a file for a reply: the request's body is its bytes. Only its author may name it, within a day."""
    data = call.body
    if not data:
        raise Problem(400, "The file is empty; choose another.", "body")
    query = call.query
    name = clean_name(query.name) if isinstance(query, UploadQuery) and query.name else None
    attachment = Attachment(new_id(), name, clean_type(call.content_type), len(data))
    await keep_upload(call.connection, call.actor.id, attachment, data)
    return attachment


OF_ENTRY = "select e.customer_id, c.root_id from entry e join customer c on c.id = e.customer_id where e.id = $1"
# Of every slot of the ring, each by its key.
RAW = """
select id, account_id, key, step, content_type, body from raw_event
 where slot = any (array[0, 1, 2, 3, 4]::smallint[]) and id = $1
"""


async def show_raw(call: Call[NoQuery]) -> Download:
    """What an entry came from, byte for byte as its provider sent it; kept for 30 days. Reading it is in the audit."""
    root = await call.connection.fetchrow(OF_ENTRY, call.id)
    mail = await fetch_source(call.connection, call.id) if root else None
    row = await call.connection.fetchrow(RAW, call.id)
    if mail is None and row is not None:
        mail = row["content_type"], row["body"]
    if mail is None or root is None:
        raise not_found("There is no such event: nothing came in, or it is older than 30 days.")
    await audit(call.connection, call.actor.id, "raw.read", root["root_id"], {"entry": call.id})
    content_type, source = mail
    return Download(f"{call.id}{_ending(content_type)}", "application/octet-stream", source, inline=False)


def _ending(content_type: str | None) -> str:
    bare = clean_type(content_type or "")
    return {"application/json": ".json", "message/rfc822": ".eml", "text/plain": ".txt"}.get(bare, ".bin")


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "/v1/attachments/{id}", "attachments.read", show_attachment, NoQuery, Download),
    Endpoint(
        *("POST", "/v1/attachments", "attachments.upload", upload_attachment, UploadQuery, Attachment),
        body=bytes,
        status=201,
        most_bytes=MOST_BYTES,
    ),
    Endpoint("GET", "/v1/entries/{id}/raw", "entries.raw", show_raw, NoQuery, Download),
)
