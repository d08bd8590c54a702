"""The rows of the outbox as its workers see them: claim, outcome, and what nobody works on any more.

`queued → sending → sent`; back to `queued` while the provider is busy; `failed` and `unknown` end an attempt. The fence
of a claim keeps the late outcome of an old attempt from a new one.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from adapters.base import Busy, Refused, SendOutcome, Sent, Unknown
from model.content import Content
from model.event import ReceiptChanged
from model.timeline import DeliveryStatus
from store.feeds import Transaction, append_to_customer, lock_customer
from store.pool import Connection

LEASE = timedelta(seconds=30)
PER_ACCOUNT: Final = 8
"""Sends of an account claimed at once by a process: a provider that hangs fills its own places only."""
FIRST_BACKOFF_SECONDS: Final = 5.0
LONGEST_BACKOFF_SECONDS: Final = 300.0
LONGEST_PAUSE_SECONDS: Final = 3600.0


class Claim(Struct, frozen=True):
    """A reply this worker alone may send until the lease ends. `fence` marks the attempt."""

    entry_id: UUID
    customer_id: UUID
    account_id: str
    to_address: str
    body: str
    fence: int
    attempts: int
    in_reply_to: str | None = None
    content: tuple[Content, ...] = ()
    files: tuple[UUID, ...] = ()

    def __repr__(self) -> str:
        return f"Claim({self.entry_id}, attempt {self.attempts})"


class Verdict(Struct, frozen=True):
    """What an outcome makes of the row."""

    state: DeliveryStatus
    error: str | None = None
    provider_id: str | None = None
    due_in_seconds: float = 0.0
    pause_seconds: float | None = None
    """The account rests this long, with all its replies."""


# Only the head of each conversation: the next leaves when this one is settled, whichever way. Account by account, so
# that a long queue of one is not searched for the others.
CLAIM = """
with h as materialized (
    select o.entry_id
      from account a cross join lateral (
           select o.entry_id from outbox o
            where o.account_id = a.id and o.state = 'queued' and o.due_at <= clock_timestamp()
              and o.deadline_at > clock_timestamp()
              and not exists (
                  select from outbox p
                   where p.conversation_id = o.conversation_id and p.state in ('queued', 'sending')
                     and p.entry_id <> o.entry_id
                     and (p.state = 'sending' or (p.at, p.entry_id) < (o.at, o.entry_id)))
            order by o.due_at, o.entry_id limit $1
              for no key update of o skip locked) o
     where (a.paused_until is null or a.paused_until <= clock_timestamp()) and a.id <> all ($2::text[])
     limit $3)
update outbox o
   set state = 'sending', attempts = o.attempts + 1, fence = o.fence + 1, lease_until = clock_timestamp() + $4,
       left_at = clock_timestamp()
  from h where o.entry_id = h.entry_id
returning o.entry_id, o.customer_id, o.account_id, o.to_address, o.body, o.fence, o.attempts, o.in_reply_to,
          o.content::text as content, o.files
"""
_content = msgspec.json.Decoder(tuple[Content, ...]).decode


async def claim_replies(connection: Connection, full: list[str], limit: int) -> list[Claim]:
    """Take due replies, at most `PER_ACCOUNT` of each account that is not among `full`; committed when this returns."""
    rows = await connection.fetch(CLAIM, PER_ACCOUNT, full, limit, LEASE)
    return [
        Claim(*[*tuple(row)[:8], _content(row["content"]) if row["content"] else (), tuple(row["files"])])
        for row in rows
    ]


# A late outcome still settles a reply the sweep has called unknown: it is the same attempt. Another attempt has another
# fence. A receipt that overtook the outcome has moved the row already; then only the provider's id is missing.
RECORD_OUTCOME = """
update outbox o
   set state = $3, lease_until = null, error = $4, provider_id = coalesce($5, o.provider_id),
       due_at = case when $3 = 'queued' then least(clock_timestamp() + $6, o.deadline_at) else o.due_at end
  from (select entry_id, state, error from outbox where entry_id = $1 for no key update) was
 where o.entry_id = was.entry_id and o.fence = $2 and o.state in ('sending', 'unknown')
returning was.state, was.error
"""
NAME_LATE = """
update outbox set provider_id = $3
 where entry_id = $1 and fence = $2 and provider_id is null
"""
PAUSE = """
update account set paused_until = greatest(paused_until, clock_timestamp() + $2) where id = $1
"""


async def record_outcome(tx: Transaction, claim: Claim, verdict: Verdict) -> None:
    """Record what became of a claim; screens hear of it when they would see a difference."""
    root = await lock_customer(tx, claim.customer_id)
    if root is None:
        return
    due_in = timedelta(seconds=verdict.due_in_seconds)
    row = await tx.connection.fetchrow(
        *(RECORD_OUTCOME, claim.entry_id, claim.fence, verdict.state, verdict.error, verdict.provider_id, due_in)
    )
    if row is None and verdict.provider_id is not None:
        await tx.connection.execute(NAME_LATE, claim.entry_id, claim.fence, verdict.provider_id)
    if row is not None:
        await _tell(tx, root, claim, verdict, row)
    if verdict.pause_seconds is not None:  # last: every worker of this account wants this row
        await tx.connection.execute(PAUSE, claim.account_id, timedelta(seconds=verdict.pause_seconds))


async def _tell(tx: Transaction, root: UUID, claim: Claim, verdict: Verdict, row: asyncpg.Record) -> None:
    shown = "queued" if row["state"] == "sending" else row["state"]
    if (shown, row["error"]) != (verdict.state, verdict.error):
        await append_to_customer(tx, root, [ReceiptChanged(claim.entry_id, verdict.state, verdict.error)])


# Leases that ran out: whoever had them died between asking the provider and recording. Deadlines that passed while the
# account rested or the database was away.
OVERDUE = """
select entry_id, customer_id, fence, 'unknown' as state, null as error from outbox
 where state = 'sending' and lease_until <= clock_timestamp()
union all
select entry_id, customer_id, fence, 'failed', error from outbox
 where state = 'queued' and due_at <= clock_timestamp() and deadline_at <= clock_timestamp()
 limit 100
"""
END_OVERDUE = """
update outbox set state = $3, lease_until = null, error = $4
 where entry_id = $1 and fence = $2
   and case $3 when 'unknown' then state = 'sending' and lease_until <= clock_timestamp()
               else state = 'queued' and deadline_at <= clock_timestamp() end
"""
WHY_OVERDUE: dict[str, str] = {
    "unknown": "We stopped while sending: the provider may or may not have taken it.",
    "failed": "It could not be sent in time.",
}


async def end_overdue(tx: Transaction, row: asyncpg.Record) -> None:
    """Make one row of `OVERDUE` unknown or failed, unless it has moved since."""
    root = await lock_customer(tx, row["customer_id"])
    state, last_error = row["state"], row["error"]
    error = WHY_OVERDUE[state] + (f" The provider last said: {last_error}" if last_error else "")
    done = await tx.connection.execute(END_OVERDUE, row["entry_id"], row["fence"], state, error)
    if root is not None and done == "UPDATE 1":
        await append_to_customer(tx, root, [ReceiptChanged(row["entry_id"], state, error)])


def judge(outcome: SendOutcome, attempts: int, chance: float) -> Verdict:
    """What an outcome makes of the row. `chance`, 0 to 1, spreads the attempts of replies that failed together."""
    match outcome:
        case Sent():
            state: DeliveryStatus = "delivered" if outcome.status == "delivered" else "sent"
            return Verdict(state, provider_id=outcome.provider_id or None)
        case Refused():
            return Verdict("failed", outcome.error)
        case Unknown():
            return Verdict("unknown", outcome.error)
    backoff = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2.0 ** min(attempts - 1, 16))
    pause = _pause(outcome)
    wait = max(backoff * (0.75 + chance / 2), pause + chance)
    return Verdict("queued", outcome.error, due_in_seconds=wait, pause_seconds=pause)


def _pause(outcome: Busy) -> float:
    """Seconds the account rests: what the provider asked for, and as long as it could not be held by nonsense."""
    asked = outcome.retry_after_seconds
    if asked is None or not asked > 0:  # also not a number
        return FIRST_BACKOFF_SECONDS
    return min(asked, LONGEST_PAUSE_SECONDS)
