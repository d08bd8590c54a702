"""What an agent writes: replies, which leave by the outbox, notes, which do not, and sending a reply again.

Everything a reply changes stands in the caller's transaction: entry, outbox row, conversation, the line of My Customers
and their events. Locks in the order of all others: the customer's stream, the contacts, the agent. A folded
conversation means the one that is shown in its place, and whoever holds a contact of either may write.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from operator import itemgetter
from uuid import UUID

import asyncpg
from msgspec import Struct, structs

from model.agent import Actor
from model.customer import ConversationStatus
from model.event import ConversationChanged, CustomerEvent, ReceiptChanged
from model.refusal import Refused
from model.timeline import Author, Entry
from model.wire import Note, Reply
from profiles.folded import own_conversation
from profiles.reply_content import held_by, use_uploads
from profiles.reply_limits import LimitsOf, check_again
from profiles.route import Route, choose_route
from store.feeds import NewEntry, Transaction, append_to_agent, append_to_customer, lock_customer
from store.pool import Connection

UNPLACED = datetime.min.replace(tzinfo=UTC)
"""An entry's time until `append_to_customer` gives it its place."""


class Talk(Struct, frozen=True):
    """A conversation that is shown, under its customer's lock. `leaf`: whose it is."""

    id: UUID
    root: UUID
    leaf: UUID
    status: ConversationStatus
    opened_at: datetime
    needs_attention: bool


ADD_TO_OUTBOX = """
insert into outbox (entry_id, customer_id, conversation_id, account_id, to_address, body, at, state,
                    content, in_reply_to, files)
values ($1, $2, $3, $4, $5, $6, $7, 'queued', $8, $9, $10)
"""
AWAIT_CUSTOMER = "update conversation set status = 'waiting', needs_attention = false where id = any ($1)"


async def reply(tx: Transaction, actor: Actor, frame: Reply, limits_of: LimitsOf | None = None) -> UUID | Refused:
    """Answer the customer: the entry, and its row in the outbox, from where the sender takes it after COMMIT.

    Gives the entry's id, which is the frame's; the same frame again gives it again and changes nothing. `limits_of`:
    what each account's channel takes.
    """
    talk = await lock_conversation(tx, frame.conversation)
    if isinstance(talk, Refused):
        return talk
    known = await _written_before(tx.connection, actor, frame, talk)
    if known is not None:
        return known
    contacts = await tx.connection.fetch(LOCK_CONTACTS, talk.id)
    refused = _may_write(actor, contacts) or _unsendable(frame.body, bool(frame.attachments or frame.template))
    if refused is None and talk.status == "closed":
        refused = Refused(
            "wrong_state", "The conversation is closed; it reopens when the customer writes.", "conversation"
        )
    if refused is not None:
        return refused
    route = await choose_route(tx.connection, talk.root, frame, contact_to_answer(actor, contacts))
    if isinstance(route, Refused):
        return route
    leaf = route.leaf or talk.leaf
    holds = await held_by(tx.connection, actor, frame, structs.replace(route, leaf=leaf), (talk.root, limits_of))
    if isinstance(holds, Refused):
        return holds
    own = talk.id if leaf == talk.leaf else await own_conversation(tx.connection, leaf, talk.id)
    entry = structs.replace(
        _entry(actor, frame, talk, structs.replace(route, leaf=leaf)), media=holds.files, content=holds.content
    )
    new = NewEntry(entry, leaf, route.handle_id, own, answers=holds.answers, uploaded=True)
    changes: list[CustomerEvent | NewEntry] = [new]
    await tx.connection.execute(AWAIT_CUSTOMER, [talk.id, own])
    if talk.status != "waiting" or talk.needs_attention:
        changes.append(ConversationChanged(talk.id, "waiting", talk.opened_at, None, False))
    at = await append_to_customer(tx, talk.root, changes)
    row = (entry.id, leaf, own, route.account, route.address, frame.body, at)
    await tx.connection.execute(ADD_TO_OUTBOX, *row, holds.json, holds.answers, list(frame.attachments))
    await use_uploads(tx.connection, frame.attachments, entry.id, route.account)
    await _show_answered(tx, actor, talk.id, frame.body)
    return frame.id


async def note(tx: Transaction, actor: Actor, frame: Note) -> UUID | Refused:
    """Write a note for colleagues. Nothing leaves, and the conversation keeps its status."""
    talk = await lock_conversation(tx, frame.conversation)
    if isinstance(talk, Refused):
        return talk
    known = await _written_before(tx.connection, actor, frame, talk)
    if known is not None:
        return known
    refused = _may_write(actor, await tx.connection.fetch(LOCK_CONTACTS, talk.id)) or _unsendable(frame.body)
    if refused is not None:
        return refused
    # No handle brought it, so it carries the root and stays there when a merge is undone.
    await append_to_customer(tx, talk.root, [NewEntry(_entry(actor, frame, talk), talk.root)])
    return frame.id


OUTBOX_ROW = """
select o.state, o.conversation_id, o.account_id,
       exists (select from consent c where c.handle_id = e.handle_id and c.account_id = o.account_id and c.opted_out)
           as opted_out
  from outbox o join entry e on e.id = o.entry_id
 where o.entry_id = $1
   for no key update of o
"""
CONVERSATION_OF_ENTRY = "select conversation_id from outbox where entry_id = $1"
# The fence tells the old attempt's late outcome from the new one's; its provider id stays until there is another, so
# that a late receipt of the old attempt is known for what it is.
SEND_AGAIN = """
update outbox
   set state = 'queued', attempts = 0, fence = fence + 1, error = null, due_at = clock_timestamp(),
       deadline_at = clock_timestamp() + interval '1 hour'
 where entry_id = $1
"""


async def retry(tx: Transaction, actor: Actor, entry_id: UUID, limits_of: LimitsOf | None = None) -> UUID | Refused:
    """Send a reply again that failed, or of which nobody knows whether it left, if its channel takes it now."""
    conversation = await tx.connection.fetchval(CONVERSATION_OF_ENTRY, entry_id)
    talk = await lock_conversation(tx, conversation) if conversation else None
    if not isinstance(talk, Talk):
        return Refused("not_found", "There is no such reply.", "entry")
    refused = _may_write(actor, await tx.connection.fetch(LOCK_CONTACTS, talk.id))
    if refused is not None:
        return refused
    row = await tx.connection.fetchrow(OUTBOX_ROW, entry_id)
    if row is None or row["state"] not in ("failed", "unknown"):
        return Refused("wrong_state", "Only a reply that failed, or whose fate is unknown, can be sent again.", "entry")
    if row["opted_out"]:
        return Refused("opted_out", f"The customer has opted out of messages from {row['account_id']}.", "entry")
    refused = await check_again(tx.connection, entry_id, limits_of) if limits_of else None
    if refused is not None:
        return refused
    await tx.connection.execute(SEND_AGAIN, entry_id)
    await append_to_customer(tx, talk.root, [ReceiptChanged(entry_id, "queued")])
    return entry_id


LEAF_OF = "select customer_id from conversation where id = $1"
CONVERSATION = """
select s.id, s.customer_id, s.status, s.opened_at, s.needs_attention, v.customer_id as own_leaf
  from conversation v join conversation s on s.id = coalesce(v.folded_into, v.id) where v.id = $1
"""


async def lock_conversation(tx: Transaction, conversation: UUID) -> Talk | Refused:
    """The conversation that is shown for this one, its customer locked."""
    leaf = await tx.connection.fetchval(LEAF_OF, conversation)
    root = row = None
    while leaf is not None:
        root = await lock_customer(tx, leaf)
        # Read under the lock: it may have been closed, folded, or moved to another customer while we waited.
        row = await tx.connection.fetchrow(CONVERSATION, conversation) if root else None
        if row is None or row["own_leaf"] == leaf:
            break
        leaf = row["own_leaf"]
    if root is None or row is None:
        return Refused("not_found", "There is no such conversation.", "conversation")
    return Talk(row["id"], root, row["customer_id"], row["status"], row["opened_at"], row["needs_attention"])


WRITTEN = """
select e.kind, e.author_id, coalesce(v.folded_into, v.id) as shown_id
  from entry e left join conversation v on v.id = e.conversation_id where e.id = $1
"""


async def _written_before(
    connection: Connection, actor: Actor, frame: Reply | Note, talk: Talk
) -> UUID | Refused | None:
    row = await connection.fetchrow(WRITTEN, frame.id)
    if row is None:
        return None
    kind = "message" if isinstance(frame, Reply) else "note"
    if (row["kind"], row["shown_id"], row["author_id"]) == (kind, talk.id, actor.id):
        return frame.id
    return Refused("wrong_state", "This id belongs to another entry; take a new one.", "id")


LOCK_CONTACTS = """
select id, state, class, channel, agent_id, account_id, handle_id, arrived_at from contact
 where conversation_id in (select id from conversation where id = $1 or folded_into = $1) order by id for no key update
"""


def _may_write(actor: Actor, contacts: Sequence[asyncpg.Record]) -> Refused | None:
    if actor.role in ("supervisor", "admin"):
        return None
    if any(contact["agent_id"] == actor.id for contact in contacts):  # set exactly while somebody holds it
        return None
    return Refused("not_holder", "Only who holds a contact of this conversation may write in it.", "conversation")


def _unsendable(body: str, holds_more: bool = False) -> Refused | None:
    if not body.strip() and not holds_more:
        return Refused("bad_frame", "There is nothing in the text.", "body")
    if "\x00" in body:
        return Refused("bad_frame", "The text holds U+0000, which cannot be stored; leave it out.", "body")
    return None


def contact_to_answer(actor: Actor, contacts: Sequence[asyncpg.Record]) -> asyncpg.Record | None:
    """Whose account and handle a reply takes: a live contact before an ended one, the actor's own, the newest."""
    return max(
        contacts,
        key=lambda contact: (
            contact["state"] not in ("abandoned", "closed"),
            contact["class"] != "voice",
            contact["agent_id"] == actor.id,
            contact["arrived_at"],
        ),
        default=None,
    )


def _entry(actor: Actor, frame: Reply | Note, talk: Talk, route: Route | None = None) -> Entry:
    return Entry(
        id=frame.id,
        kind="message" if route else "note",
        channel=route.channel if route else None,
        direction="out" if route else None,
        body=frame.body,
        at=UNPLACED,
        status="queued" if route else None,
        conversation=talk.id,
        author=Author(actor.id, actor.name),
        handle=route.to if route else None,
        account=route.account if route else None,
        leaf=route.leaf if route and route.leaf != talk.root else None,
    )


# `due_at` is when it will be parked: the agent spoke last, and the customer is silent. Not while the contact waits to
# be shown: then its own deadline stands there.
SHOW_ANSWERED = """
update contact c
   set preview = left($2, 160), preview_direction = 'out', preview_at = clock_timestamp(),
       unread = case when c.agent_id = $3 then 0 else c.unread end,
       due_at = case when c.state = 'assigned' and c.shown
                     then clock_timestamp() + make_interval(secs =>
                          coalesce((select q.park_after_seconds from queue q where q.id = c.queue_id), 900))
                     else c.due_at end
 where c.conversation_id in (select v.id from conversation v where v.id = $1 or v.folded_into = $1)
   and c.class in ('messaging', 'mail') and c.agent_id is not null
returning c.agent_id, held_line(c, false) as line
"""


async def _show_answered(tx: Transaction, actor: Actor, conversation: UUID, body: str) -> None:
    """The lines of My Customers show the answer, whoever of those who may has given it."""
    rows = await tx.connection.fetch(SHOW_ANSWERED, conversation, body, actor.id)
    for row in sorted(rows, key=itemgetter("agent_id")):
        await append_to_agent(tx, row["agent_id"], [row["line"]])
