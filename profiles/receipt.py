"""What became of a message we sent, as its provider reports it: forward only, in whatever order reports arrive.

A report may overtake the answer to the request it is about. Where it names our entry that does not matter; where it
knows the provider's name only, it waits in `receipt_early` until that is recorded; then `apply_early` applies it.
"""

from __future__ import annotations

from uuid import UUID

import asyncpg
from msgspec import Struct

from model.event import ReceiptChanged
from model.inbound import DeliveryReceipt, HandleRef, ReadUpTo
from store.feeds import Transaction, append_to_customer, lock_customer
from store.pool import Connection

# What a report may move a reply from. Delivery proves what failure and silence only suggested. `sending` is among them:
# a report may overtake the answer to the request it is about, and then the sender finds the row settled.
SETTLES_FROM: dict[str, frozenset[str]] = {
    "sent": frozenset(("queued", "sending", "unknown")),
    "delivered": frozenset(("queued", "sending", "sent", "unknown", "failed")),
    "read": frozenset(("queued", "sending", "sent", "delivered", "unknown", "failed")),
    "failed": frozenset(("queued", "sending", "sent", "unknown")),
}

SEE = "insert into seen (account_id, key) values ($1, $2) on conflict do nothing returning true"
FORGET = "delete from seen where account_id = $1 and key = $2"
SETTLE = """
update outbox o
   set state = $2, lease_until = null, error = $3,
       provider_id = case when $4 <> '' and (o.provider_id is null or o.state in ('queued', 'sending', 'unknown'))
                               and not exists (
                                   select from outbox p where p.account_id = o.account_id and p.provider_id = $4)
                     then $4 else o.provider_id end
 where o.entry_id = $1
"""


KEEP = """
insert into receipt_early (account_id, key, provider_id, status, error) values ($1, $2, $3, $4, $5)
on conflict do nothing
"""


async def apply_receipt(tx: Transaction, account: str, receipt: DeliveryReceipt) -> bool:
    """Move the reply this report is about, if it moves it forward; a report seen before changes nothing.

    False when no reply of this account is known by that name: the report waits for one, and may come again.
    """
    connection = tx.connection
    if not await connection.fetchval(SEE, account, receipt.key):
        return True
    found = await _find(tx, account, receipt)
    if found is None:
        await connection.execute(FORGET, account, receipt.key)
        if receipt.provider_id:
            kept = (receipt.key, receipt.provider_id, receipt.status, receipt.error)
            await connection.execute(KEEP, account, *kept)
        return False
    entry, leaf = found
    root = await lock_customer(tx, leaf)
    row = await connection.fetchrow(LOCK_OUTBOX, entry)
    if row is not None and row["customer_id"] != leaf:  # moved to another customer while we waited
        root = await lock_customer(tx, row["customer_id"])
    if root is None or row is None:
        return False
    if not moves(row["state"], row["provider_id"], receipt):
        return True
    error = receipt.error if receipt.status == "failed" else None
    await connection.execute(SETTLE, entry, receipt.status, error, receipt.provider_id)
    await append_to_customer(tx, root, [ReceiptChanged(entry, receipt.status, error)])
    return True


class EarlyReceipt(Struct, frozen=True):
    """A report that waited, and whose message is known by now."""

    account: str
    receipt: DeliveryReceipt


# A reply sent in the same moment may have been recorded just before or after: whoever looks last finds both.
KNOWN = """
with old as (delete from receipt_early where at < clock_timestamp() - interval '1 hour')
select e.account_id, e.key, e.provider_id, e.status, e.error from receipt_early e
 where exists (select from outbox o where o.account_id = e.account_id and o.provider_id = e.provider_id)
 order by e.at, e.key limit 100
"""
TAKE = "delete from receipt_early where account_id = $1 and key = $2"


async def early_receipts(connection: Connection) -> list[EarlyReceipt]:
    """Reports that waited for a message which is known now; those that waited too long are forgotten."""
    return [
        EarlyReceipt(
            row["account_id"], DeliveryReceipt(row["key"], row["provider_id"], row["status"], error=row["error"])
        )
        for row in await connection.fetch(KNOWN)
    ]


async def apply_early(tx: Transaction, early: EarlyReceipt) -> None:
    """Apply a report that waited; it waits no longer."""
    if await apply_receipt(tx, early.account, early.receipt):
        await tx.connection.execute(TAKE, early.account, early.receipt.key)


LOCK_OUTBOX = "select state, provider_id, customer_id from outbox where entry_id = $1 for no key update"
BY_OURS = "select entry_id, customer_id from outbox where entry_id = $1 and account_id = $2"
BY_THEIRS = "select entry_id, customer_id from outbox where account_id = $1 and provider_id = $2"


async def _find(tx: Transaction, account: str, receipt: DeliveryReceipt) -> tuple[UUID, UUID] | None:
    """The entry and its leaf; by our id first, since theirs may not have been recorded yet."""
    row: asyncpg.Record | None = None
    if receipt.outbound_id is not None:
        row = await tx.connection.fetchrow(BY_OURS, receipt.outbound_id, account)
    if row is None and receipt.provider_id:
        row = await tx.connection.fetchrow(BY_THEIRS, account, receipt.provider_id)
    return (row["entry_id"], row["customer_id"]) if row else None


def moves(state: str, provider_id: str | None, receipt: DeliveryReceipt) -> bool:
    """Whether a reply in `state`, last known to the provider as `provider_id`, changes by this report.

    A reply sent again keeps the id of its last attempt until the new one is known. A late `sent` or `failed` of the old
    attempt says nothing about the new one; `delivered` and `read` do: the customer has it.
    """
    if state not in SETTLES_FROM[receipt.status]:
        return False
    if receipt.status in ("delivered", "read") or provider_id is None or not receipt.provider_id:
        return True
    same = provider_id == receipt.provider_id
    return same if state == "sent" else not same


OWNER = "select id, coalesce(customer_id, speaks_as) as leaf from handle where (kind, scope, value) = ($1, $2, $3)"
# Only what the provider is known to have: of the rest such a report says nothing. `left_at` is just before it took it.
SETTLE_UP_TO = """
update outbox o set state = $4
  from customer m, entry e
 where m.root_id = $1 and o.customer_id = m.id and e.id = o.entry_id and e.handle_id = $2 and o.account_id = $3
   and o.state = any ($5) and coalesce(o.left_at, o.at) <= $6
returning o.entry_id, o.at
"""


async def apply_read_up_to(tx: Transaction, account: str, report: ReadUpTo) -> None:
    """Everything sent to this handle from this account until then has been delivered, or read; forward only."""
    ref: HandleRef = report.handle
    row = await tx.connection.fetchrow(OWNER, ref.kind, ref.scope, ref.value)
    if row is None or row["leaf"] is None:
        return
    root = await lock_customer(tx, row["leaf"])
    if root is None:
        return
    settles = [state for state in ("sent", "delivered") if state in SETTLES_FROM[report.status]]
    rows = await tx.connection.fetch(SETTLE_UP_TO, root, row["id"], account, report.status, settles, report.until)
    moved = sorted(rows, key=lambda each: (each["at"], each["entry_id"]))
    if moved:
        await append_to_customer(tx, root, [ReceiptChanged(each["entry_id"], report.status, None) for each in moved])
