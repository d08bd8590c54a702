"""The life of a held contact: its steps, what is due, whose agent is gone; seen, shown.

Every function locks the customer's stream, then the contact, asks the pure machine, and saves what it said.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from msgspec import Struct

from model.agent import Actor
from model.contact import ContactState, ProfileContact, VisibleState
from model.event import ContactChanged, CustomerEvent, HeldEnded
from model.refusal import Refused
from model.timeline import Author, Entry, EntryKind
from router.after_work import KEPT_FOR, PARKED_UNANSWERED_FOR, Handed, when_left
from router.contact import ContactEvent, advance, frees_capacity, loses_agent
from router.offer import DECLINE_EXCLUDES_FOR
from router.presence import HELD_GRACE
from store.feeds import NewEntry, Transaction, append_to_agent, append_to_customer, lock_customer
from store.ids import new_id

CUSTOMER_OF = "select customer_id from contact where id = $1"
LOCK_CONTACT = """
select c.id, c.customer_id, c.state, c.unrouted, c.fence, c.class, c.agent_id, c.conversation_id,
       coalesce(v.folded_into, v.id) as shown_id, c.channel, c.arrived_at, c.shown, c.due_at, c.preview_direction,
       c.queue_id, coalesce(q.wrap_up_seconds, 0) as wrap_up_seconds, coalesce(q.wrap_up_mode, 'none') as wrap_up_mode,
       coalesce(q.when_left, 'by_answer') as when_left, c.wrap_up, c.wrap_up_asked, c.disposition_id
  from contact c join conversation v on v.id = c.conversation_id left join queue q on q.id = c.queue_id
 where c.id = $1 for no key update of c
"""


class Change(Struct, frozen=True):
    """One step of a contact. `said` is the status entry it leaves, `why` what the agent who loses it is told.

    `ended_as`: how the actor says it ended; `note`: what they write for colleagues with it.
    """

    event: ContactEvent
    why: str
    said: str | None = None
    due_in: timedelta | None = None
    pass_over: UUID | None = None
    actor: Author | None = None
    ended_as: str | None = None
    note: str | None = None


async def lock_contact(tx: Transaction, contact: UUID) -> tuple[UUID, Any] | None:
    """Lock the customer's stream, then the contact: the root, and the contact's row."""
    customer = await tx.connection.fetchval(CUSTOMER_OF, contact)
    while customer is not None:
        root = await lock_customer(tx, customer)
        row = await tx.connection.fetchrow(LOCK_CONTACT, contact)
        if root is None or row is None or row["customer_id"] == customer:
            return (root, row) if root is not None and row is not None else None
        customer = row["customer_id"]  # moved to another customer while we waited
    return None


SAVE = """
update contact
   set state = $2, state_at = clock_timestamp(), fence = fence + ($2 = 'queued')::int,
       agent_id = case when $2 in ('assigned', 'wrapping', 'parked') then agent_id end,
       due_at = clock_timestamp() + $3::interval, shown = true,
       unrouted = unrouted or ($2 = 'queued' and need_id is null),
       declined_by = case when $4::uuid is null then '{}' else array[$4] end,
       declined_until = case when $4::uuid is null then null else clock_timestamp() + $5 end,
       prefer_agent_id = null, prefer_until = null, then_agent_id = null, prefer_by_rule = false, handed_by = null,
       handed_note = null,
       wrap_up_asked = false
 where id = $1
returning state, due_at
"""
RELEASE = """
update offer set released_at = clock_timestamp()
 where contact_id = $1 and state = 'accepted' and released_at is null
returning agent_id, class, weight
"""
FREE_SLOT = """
update agent_state
   set used_voice = used_voice - case when $2 = 'voice' then $3 else 0 end,
       used_messaging = used_messaging - case when $2 = 'messaging' then $3 else 0 end,
       used_mail = used_mail - case when $2 = 'mail' then $3 else 0 end,
       used_voicemail = used_voicemail - case when $2 = 'voicemail' then $3 else 0 end,
       idle_since = clock_timestamp()
 where agent_id = $1
"""
HELD_LINE = "select held_line(c, false) from contact c where c.id = $1"
NAME_OF = "select name from agent where id = $1"


async def step(tx: Transaction, root: UUID, row: Any, change: Change) -> Refused | None:
    """Do what the machine allows: the row, the freed slot, and the events of customer and agent."""
    after = advance(row["state"], change.event, row["class"])
    if after is None:
        return Refused("wrong_state", f"The contact is {row['state']}; this needs another state.", "contact")
    saved = await tx.connection.fetchrow(SAVE, row["id"], after, change.due_in, change.pass_over, DECLINE_EXCLUDES_FOR)
    if saved is None:
        raise LookupError(f"contact {row['id']} left its lock")
    await append_to_customer(tx, root, await _customer_changes(tx, root, row, change, saved))
    if frees_capacity(row["state"], after):
        released = await tx.connection.fetchrow(RELEASE, row["id"])
        if released is not None:
            await tx.connection.execute(FREE_SLOT, released["agent_id"], released["class"], released["weight"])
    if row["agent_id"] is not None:
        if loses_agent(row["state"], after):
            await append_to_agent(tx, row["agent_id"], [HeldEnded(row["id"], change.why)])
        else:
            await append_to_agent(tx, row["agent_id"], [await tx.connection.fetchval(HELD_LINE, row["id"])])
    return None


async def _customer_changes(
    tx: Transaction, root: UUID, row: Any, change: Change, saved: Any
) -> list[CustomerEvent | NewEntry]:
    state = cast(ContactState, saved["state"])
    stays = state in ("assigned", "wrapping", "parked")
    holder = Author(row["agent_id"], await tx.connection.fetchval(NAME_OF, row["agent_id"])) if stays else None
    visible = cast(VisibleState, "waiting" if state in ("new", "queued", "offered") else state)
    contact = ProfileContact(
        row["id"],
        row["shown_id"],
        row["channel"],
        row["class"],
        visible,
        holder,
        row["arrived_at"],
        saved["due_at"] if state == "wrapping" else None,
    )
    ended_as = f"{ENDED_AS}{change.ended_as}" if change.ended_as else None
    lines: tuple[tuple[EntryKind, str | None], ...] = (
        ("note", change.note),
        ("status", change.said),
        ("status", ended_as),
    )
    entries = [new_entry(root, row, kind, body, change.actor) for kind, body in lines if body]
    return [*entries, ContactChanged(contact)]


def status_entry(root: UUID, row: Any, body: str, author: Author | None) -> NewEntry:
    """A step of a contact on the timeline."""
    return new_entry(root, row, "status", body, author)


ENDED_AS = "disposition: "
"""The body of the entry that says how a contact ended, before the labels."""


def new_entry(root: UUID, row: Any, kind: EntryKind, body: str, author: Author | None) -> NewEntry:
    """An entry about a contact, of nobody's handle: it stays with the root."""
    entry = Entry(
        id=new_id(),
        kind=kind,
        channel=None if kind == "note" else row["channel"],
        direction=None,
        body=body,
        at=row["arrived_at"],  # placed in time when it is appended
        status=None,
        conversation=row["shown_id"],
        author=author,
    )
    return NewEntry(entry, root, conversation=row["conversation_id"])


def not_holder(row: Any, actor: Actor) -> Refused | None:
    if row["agent_id"] == actor.id or actor.role in ("supervisor", "admin"):
        return None
    return Refused("not_holder", "Only the agent who holds this contact may do that.", "contact")


NO_CONTACT = Refused("not_found", "There is no such contact.", "contact")


IS_DUE = "select $1::timestamptz <= clock_timestamp()"


async def settle_due(tx: Transaction, contact: UUID) -> bool:
    """What is due by the database's clock: wrap-up ends, a silent customer is parked, an unshown contact goes back."""
    locked = await lock_contact(tx, contact)
    if locked is None or not await tx.connection.fetchval(IS_DUE, locked[1]["due_at"]):
        return False
    root, row = locked
    if row["state"] == "wrapping":
        change = Change("done", "finished")
    elif row["state"] == "parked":
        change = Change("handed_back", "unanswered", "handed_back")
    elif row["state"] == "queued" and not row["unrouted"]:  # else the rules look anew at what was written since
        change = Change("closed", "by_rule")
    elif row["state"] != "assigned":
        return False
    elif not row["shown"]:
        change = Change("handed_back", "not_shown", pass_over=row["agent_id"])
    else:
        change = Change("parked", "parked")
    if row["state"] == "parked" and row["preview_direction"] == "out":
        await tx.connection.execute(NOT_DUE, contact)  # its owner has answered it meanwhile
        return True
    return await step(tx, root, row, change) is None


NOT_DUE = "update contact set due_at = null where id = $1"
STILL_LEFT = """
select case when not a.active then 'deactivated' when s.presence = 'offline' then 'offline' else 'vanished' end as gone,
       s.gone_at < clock_timestamp() - $3::interval as kept_long
  from agent_state s join agent a on a.id = s.agent_id
 where s.agent_id = $1 and (not a.active or s.presence = 'offline' or s.gone_at < clock_timestamp() - $2::interval)
   for no key update of s
"""
EVENT_OF: dict[Handed, ContactEvent] = {"done": "done", "parked": "parked", "queued": "handed_back"}


async def leave_agent(tx: Transaction, contact: UUID, agent: UUID, why: str) -> bool:
    """The holder logged off, vanished or works here no more: `router.after_work` says what becomes of it."""
    locked = await lock_contact(tx, contact)
    if locked is None or locked[1]["agent_id"] != agent:
        return False
    root, row = locked
    left = await tx.connection.fetchrow(STILL_LEFT, agent, HELD_GRACE, KEPT_FOR)
    if left is None:
        return False  # they came back after the sweep had looked
    answered = row["preview_direction"] == "out"
    handed = when_left(
        row["state"], left["gone"], row["when_left"], answered=answered, kept_long=bool(left["kept_long"])
    )
    if handed is None:
        return False
    said = "handed_back" if handed == "queued" else None
    due = PARKED_UNANSWERED_FOR if handed == "parked" and not answered else None
    return await step(tx, root, row, Change(EVENT_OF[handed], why, said, due_in=due)) is None


SEEN = """
update contact set unread = 0 where id = $1 and agent_id = $2 and unread > 0 returning held_line(contact, false)
"""
# From now on `due_at` is when it is parked, if the agent has answered already.
SHOWN = """
update contact c
   set shown = true,
       due_at = case when c.preview_direction = 'out' then clock_timestamp() + coalesce(
           (select q.park_after_seconds from queue q where q.id = c.queue_id), 900) * interval '1 second' end
 where c.id = $1 and c.agent_id = $2 and c.state = 'assigned' and not c.shown
"""
HOLDER = "select agent_id from contact where id = $1"


async def seen(tx: Transaction, contact: UUID, actor: Actor) -> Refused | None:
    """The holder has looked: nothing is unread on any of their screens."""
    line = await tx.connection.fetchval(SEEN, contact, actor.id)
    if line is not None:
        await append_to_agent(tx, actor.id, [line])
        return None
    return await _held_by(tx, contact, actor)


async def shown(tx: Transaction, contact: UUID, actor: Actor) -> Refused | None:
    """A screen shows the profile of an auto-accepted contact: it stays."""
    await tx.connection.execute(SHOWN, contact, actor.id)
    return await _held_by(tx, contact, actor)


async def _held_by(tx: Transaction, contact: UUID, actor: Actor) -> Refused | None:
    if await tx.connection.fetchval(HOLDER, contact) != actor.id:
        return Refused("not_holder", "You do not hold this contact.", "contact")
    return None
