"""By which of our accounts and to which handle a reply goes (pure choices over a few rows)."""

from __future__ import annotations

from uuid import UUID

import asyncpg
from msgspec import Struct

from model.refusal import Refused
from model.timeline import Channel
from model.wire import Reply
from store.pool import Connection

# A short code or sender name is a `social` handle of the SMS channel: it belongs to no subscriber.
KINDS: dict[str, tuple[str, ...]] = {
    "sms": ("phone", "social"),
    "whatsapp": ("phone", "social"),
    "email": ("email",),
    "chat": ("social", "email"),
    "messenger": ("social",),
    "instagram": ("social",),
    "telegram": ("social",),
    "line": ("social",),
    "x": ("social",),
    "viber": ("social",),
    "slack": ("social",),
    "generic": ("social",),
}
"""The kinds of handle a channel can write to. Voice is not among them: nobody is answered in writing by a call."""


class Route(Struct, frozen=True):
    """Where a reply goes: to the handle `to`, addressed as its channel writes it.

    `leaf`: the customer the handle belongs to, or speaks as where it is shared; None where that is somebody else.
    """

    account: str
    channel: Channel
    handle_id: UUID
    to: str
    address: str
    leaf: UUID | None


ACCOUNT = "select id, channel from account where id = $1"
# The one the customer used last; without any, the first configured.
ACCOUNT_OF_CHANNEL = """
select a.id, a.channel from account a
 where a.channel = $2
 order by (select max(c.arrived_at) from customer m join contact c on c.customer_id = m.id
            where m.root_id = $1 and c.account_id = a.id) desc nulls last, a.id
 limit 1
"""
OPTED_OUT = "select exists (select from consent where handle_id = $1 and account_id = $2 and opted_out)"


async def choose_route(
    connection: Connection, root: UUID, frame: Reply, contact: asyncpg.Record | None
) -> Route | Refused:
    """The conversation's own account and handle, or those the frame names if they can be used together."""
    account = await _account(connection, root, frame, contact)
    if isinstance(account, Refused):
        return account
    if account["channel"] not in KINDS:
        return Refused("no_handle", f"{account['id']} cannot carry text; name another account.", "account")
    handle = await _handle(connection, root, frame, contact, account)
    if isinstance(handle, Refused):
        return handle
    if await connection.fetchval(OPTED_OUT, handle["id"], account["id"]):
        message = f"The customer has opted out of messages from {account['id']}; they must opt in first."
        return Refused("opted_out", message, "to" if frame.to else None)
    return Route(account["id"], account["channel"], handle["id"], handle["value"], handle["address"], handle["leaf"])


async def _account(
    connection: Connection, root: UUID, frame: Reply, contact: asyncpg.Record | None
) -> asyncpg.Record | Refused:
    if frame.account is not None:
        row = await connection.fetchrow(ACCOUNT, frame.account)
        if row is None:
            return Refused("not_found", "There is no such account.", "account")
        if frame.channel is not None and row["channel"] != frame.channel:
            return Refused("no_handle", f"{row['id']} is not an account of {frame.channel}.", "account")
        return row
    if frame.channel is not None and (contact is None or contact["channel"] != frame.channel):
        row = await connection.fetchrow(ACCOUNT_OF_CHANNEL, root, frame.channel)
        return row or Refused("no_handle", f"No account of ours carries {frame.channel}.", "channel")
    row = await connection.fetchrow(ACCOUNT, contact["account_id"]) if contact else None
    return row or Refused("no_handle", "The conversation has no contact yet: name an account and a handle.", "account")


# A handle that went to another customer since is nobody's here, so that no answer reaches the wrong person.
HANDLE = """
select h.id, h.kind, h.value, coalesce(h.form, h.value) as address, h.textable, m.id as leaf, true as used
  from handle h left join customer m on m.id = coalesce(h.customer_id, h.speaks_as) and m.root_id = $1
 where h.id = $2 and (h.customer_id is null or m.id is not null)
"""
HANDLES_BY_VALUE = """
select h.id, h.kind, h.value, coalesce(h.form, h.value) as address, h.textable, m.id as leaf, h.id = $2 as used
  from customer m join handle h on h.customer_id = m.id
 where m.root_id = $1 and h.value = $3
union
select h.id, h.kind, h.value, coalesce(h.form, h.value), h.textable, m.id, true
  from handle h left join customer m on m.id = coalesce(h.customer_id, h.speaks_as) and m.root_id = $1
 where h.id = $2 and h.value = $3 and (h.customer_id is null or m.id is not null)
 order by used desc, kind, id
"""


async def _handle(
    connection: Connection, root: UUID, frame: Reply, contact: asyncpg.Record | None, account: asyncpg.Record
) -> asyncpg.Record | Refused:
    used = contact["handle_id"] if contact else None
    if frame.to is None:
        rows = await connection.fetch(HANDLE, root, used)
        if not rows:
            return Refused("no_handle", "The customer's last handle is another customer's now; name one.", "to")
    else:
        rows = await connection.fetch(HANDLES_BY_VALUE, root, used, frame.to)
        if not rows:
            return Refused("no_handle", "This is not a handle of this customer.", "to")
    row = next((row for row in rows if row["kind"] in KINDS[account["channel"]]), None)
    if row is None:
        return Refused("no_handle", f"No message by {account['channel']} can go to this handle; name another.", "to")
    if not row["textable"] and account["channel"] == "sms":
        return Refused("no_handle", "This number takes no texts; name another.", "to")
    is_used = contact is not None and row["id"] == used and account["id"] == contact["account_id"]
    if row["kind"] == "social" and not is_used and not await _wrote_to(connection, row, account):
        return Refused("no_handle", "This id means something only to the account it wrote to.", "account")
    return row


WROTE_TO = """
select exists (select from entry e where e.customer_id = $1 and e.handle_id = $2 and e.account_id = $3)
"""


async def _wrote_to(connection: Connection, handle: asyncpg.Record, account: asyncpg.Record) -> bool:
    """Whether something was said between this handle and this account: then the id means something there."""
    found: bool = await connection.fetchval(WROTE_TO, handle["leaf"], handle["id"], account["id"])
    return found
