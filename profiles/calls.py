"""Calls on the timeline: a call is recorded before its caller hears anything, and its entry follows its course.

Calls never reopen a conversation: they stand in the open one, or begin one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from model.agent import Actor
from model.contact import ProfileContact
from model.event import ContactChanged, ConversationChanged, CustomerEvent
from model.inbound import HandleRef
from model.refusal import Refused
from model.timeline import Author, Entry
from model.wire_calls import Dial
from profiles.call_course import fetch_course
from profiles.folded import own_conversation
from profiles.handles import classify
from profiles.identity import Evidence
from profiles.people import resolve
from profiles.record import canonical_ref
from store.feeds import NewEntry, Transaction, append_to_customer, lock_customer
from store.ids import new_id
from store.pool import Connection

_UNPLACED = datetime.min.replace(tzinfo=UTC)
_encode = msgspec.json.Encoder().encode


class NewCall(Struct, frozen=True):
    """A call on its way into the database, with the bytes it came from. `key`: the provider's id of it."""

    account: str
    key: str
    handle: HandleRef
    name_hint: str | None
    query: str
    content_type: str | None
    raw: bytes


class Person(Struct, frozen=True):
    """Whose call it is: the handle, its leaf, and the root, whose stream is locked."""

    handle_id: UUID
    leaf: UUID
    root: UUID
    account: str


SEE = "insert into seen (account_id, key) values ($1, $2) on conflict do nothing returning true"
KEEP_RAW = """
insert into raw_event (slot, id, account_id, key, received_at, step, query, content_type, body)
values (raw_slot(now()), $1, $2, $3, now(), null, $4, $5, $6)
"""
KNOWN = """
select k.id from call_leg l join call k on k.id = l.call_id
 where k.account_id = $1 and l.sid = $2 and l.role = 'customer'
"""
ADD_CONTACT = """
insert into contact (id, customer_id, conversation_id, account_id, handle_id, channel, class, unrouted, arrived_at,
                     preview, preview_direction, messages, unread)
values ($1, $2, $3, $4, $5, 'voice', $6, $7, clock_timestamp(), $8, 'in', 1, 1)
returning arrived_at
"""
ADD_CALL = """
insert into call (id, account_id, contact_id, handle_id, entry_id, direction, state)
values ($1, $2, $3, $4, $5, 'in', 'menu')
"""
ADD_CUSTOMER_LEG = """
insert into call_leg (id, call_id, role, address, state, sid) values ($1, $2, 'customer', $3, 'answered', $4)
"""


async def record_call(tx: Transaction, new: NewCall) -> tuple[UUID, bool]:
    """The call's id, and whether it is new: an arrival already seen changes nothing.

    Raises `asyncpg.SerializationError` when a merge came between: record again.
    """
    connection = tx.connection
    if not await connection.fetchval(SEE, new.account, new.key):
        known: UUID | None = await connection.fetchval(KNOWN, new.account, new.key)
        if known is None:
            raise LookupError("a call was seen that is not there")
        return known, False
    entry, call = new_id(), new_id()
    await connection.execute(KEEP_RAW, entry, new.account, new.key, new.query, new.content_type, new.raw)
    person = await whose(tx, canonical_ref(new.handle), new)
    own, shown, opened = await open_conversation(tx, person)
    contact = await add_contact(tx, person, own, "voice", "Call")
    await connection.execute(ADD_CALL, call, new.account, contact.id, person.handle_id, entry)
    await connection.execute(ADD_CUSTOMER_LEG, new_id(), call, new.handle.form or new.handle.value, new.key)
    course = await fetch_course(connection, call)
    line = _entry(entry, "call", person, shown, new.handle.value)
    line = msgspec.structs.replace(line, content=(course,))
    changes: list[CustomerEvent | NewEntry] = [] if opened is None else [opened]
    changes.append(NewEntry(line, person.leaf, person.handle_id, own))
    changes.append(ContactChanged(msgspec.structs.replace(contact, conversation=shown)))
    await append_to_customer(tx, person.root, changes)
    return call, True


async def whose(tx: Transaction, handle: HandleRef, new: NewCall) -> Person:
    """Who calls, with the root's stream locked. A shared handle speaks as whom it spoke last, or as nobody yet.

    Of a withheld number every call is somebody else's.
    """
    evidence = Evidence((handle,), name=new.name_hint, account=new.account, key=new.key)
    resolution = await resolve(tx, evidence)
    row = await tx.connection.fetchrow(HANDLE, handle.kind, handle.scope, handle.value)
    if row is None:
        raise asyncpg.SerializationError("a handle is gone, record again")
    spoke = None if classify(handle.kind, handle.value) == "placeholder" else row["speaks_as"]
    leaf = resolution.leaf or spoke or await _nobody(tx.connection, row["id"], new)
    root = await lock_customer(tx, leaf)
    if root is None:
        raise asyncpg.SerializationError("a customer is gone, record again")
    return Person(row["id"], leaf, root, new.account)


# Shared: whom it spoke as last, while that one's conversation is open.
HANDLE = """
select h.id, (select m.id from customer m
               where m.id = h.speaks_as and exists (
                     select from conversation o where o.profile_id = m.root_id and o.status <> 'closed'
                                                  and o.folded_into is null)) as speaks_as
  from handle h where (h.kind, h.scope, h.value) = ($1, $2, $3)
"""
ADD_NOBODY = "insert into customer (id, root_id, placeholder) values ($1, $1, true)"
ADD_STREAM = "insert into stream (kind, id) values (1, $1)"
SPEAK_AS = "update handle set speaks_as = $2 where id = $1"
LINK = "insert into link (id, handle_id, customer_id, rule, evidence) values ($1, $2, $3, 'shared_handle', $4::jsonb)"


async def _nobody(connection: Connection, handle: UUID, new: NewCall) -> UUID:
    """A new customer of whom nothing is known."""
    nobody = new_id()
    await connection.execute(ADD_NOBODY, nobody)
    await connection.execute(ADD_STREAM, nobody)
    await connection.execute(SPEAK_AS, handle, nobody)
    why = {"account": new.account, "key": new.key, "proven_by": "channel", "rivals": []}
    await connection.execute(LINK, new_id(), handle, nobody, _encode(why).decode())
    return nobody


OPEN_OF = """
select id, customer_id, status, needs_attention, opened_at from conversation
 where profile_id = $1 and status <> 'closed' and folded_into is null
"""
BEGIN = """
insert into conversation (id, customer_id, profile_id, status, needs_attention, opened_at)
values ($1, $2, $3, 'new', $4, clock_timestamp()) returning opened_at
"""


async def open_conversation(
    tx: Transaction, person: Person, asks: bool = True
) -> tuple[UUID, UUID, ConversationChanged | None]:
    """The leaf's own conversation, the one that is shown, and what is new of it. `asks`: a new one waits for us."""
    row = await tx.connection.fetchrow(OPEN_OF, person.root)
    if row is None:
        id_ = new_id()
        at = await tx.connection.fetchval(BEGIN, id_, person.leaf, person.root, asks)
        return id_, id_, ConversationChanged(id_, "new", at, None, asks)
    if row["customer_id"] == person.leaf:
        return row["id"], row["id"], None
    return await own_conversation(tx.connection, person.leaf, row["id"]), row["id"], None


async def add_contact(
    tx: Transaction, person: Person, conversation: UUID, work_class: Literal["voice", "voicemail"], preview: str
) -> ProfileContact:
    """A new contact of this class, as a profile shows it. A call is passed over by the rules until it waits."""
    id_ = new_id()
    at = await tx.connection.fetchval(
        *(ADD_CONTACT, id_, person.leaf, conversation, person.account, person.handle_id, work_class),
        *(work_class == "voicemail", preview[:160]),
    )
    return ProfileContact(id_, conversation, "voice", work_class, "waiting", None, at)


def _entry(id_: UUID, kind: Literal["call", "voicemail"], person: Person, shown: UUID, handle: str) -> Entry:
    return Entry(
        id=id_,
        kind=kind,
        channel="voice",
        direction="in",
        body="",
        at=_UNPLACED,
        status=None,
        conversation=shown,
        handle=handle,
        account=person.account,
        leaf=person.leaf if person.leaf != person.root else None,
    )


LEFT = """
select k.account_id, k.handle_id, c.customer_id, h.value as handle
  from call k join contact c on c.id = k.contact_id join handle h on h.id = k.handle_id where k.id = $1
"""
SET_VOICEMAIL = "update call set voicemail_id = $2 where id = $1 and voicemail_id is null returning true"


async def add_voicemail(tx: Transaction, root: UUID, call: UUID) -> bool:
    """A caller left word: an entry of its own, and work for an agent. Once; the root's stream is locked."""
    row = await tx.connection.fetchrow(LEFT, call)
    entry = new_id()
    if row is None or not await tx.connection.fetchval(SET_VOICEMAIL, call, entry):
        return False
    person = Person(row["handle_id"], row["customer_id"], root, row["account_id"])
    own, shown, opened = await open_conversation(tx, person)
    contact = await add_contact(tx, person, own, "voicemail", "Voicemail")
    line = _entry(entry, "voicemail", person, shown, row["handle"])
    changes: list[CustomerEvent | NewEntry] = [] if opened is None else [opened]
    changes.append(NewEntry(line, person.leaf, person.handle_id, own))
    changes.append(ContactChanged(msgspec.structs.replace(contact, conversation=shown)))
    await append_to_customer(tx, root, changes)
    return True


# A number of this customer's that a call may go to: one they own, or one that speaks as them.
NUMBER_OF = """
select h.id, h.value, coalesce(h.customer_id, h.speaks_as) as leaf from handle h
  join customer m on m.id = coalesce(h.customer_id, h.speaks_as)
 where m.root_id = $1 and h.kind = 'phone' and $2 in (h.value, h.form)
"""
ACCOUNT_OF_CALLS = """
select id from account where channel = 'voice' and ($1::text is null or id = $1) order by created_at, id limit 1
"""
MADE_BEFORE = "select contact_id from call where id = $1"
ADD_OUR_CALL = """
insert into call (id, account_id, contact_id, handle_id, entry_id, direction, state)
values ($1, $2, $3, $4, $5, 'out', 'calling')
"""


async def begin_call(tx: Transaction, actor: Actor, frame: Dial) -> UUID | Refused | None:
    """A call of ours: its contact, not yet anybody's. None: it was begun before."""
    connection = tx.connection
    root = await lock_customer(tx, frame.customer)
    if root is None:
        return Refused("not_found", "There is no such customer.", "customer")
    if await connection.fetchval(MADE_BEFORE, frame.id) is not None:
        return None
    number = await connection.fetchrow(NUMBER_OF, root, frame.to)
    if number is None:
        return Refused("no_handle", "This customer has no such number. Add it to the profile first.", "to")
    account = await connection.fetchval(ACCOUNT_OF_CALLS, frame.account)
    if account is None:
        return Refused("not_found", "There is no such account to call from.", "account")
    person = Person(number["id"], number["leaf"], root, account)
    own, shown, opened = await open_conversation(tx, person, asks=False)
    contact = await add_contact(tx, person, own, "voice", "Call")
    entry = new_id()
    await connection.execute(ADD_OUR_CALL, frame.id, account, contact.id, person.handle_id, entry)
    line = msgspec.structs.replace(
        _entry(entry, "call", person, shown, number["value"]),
        direction="out",
        author=Author(actor.id, actor.name),
        content=(await fetch_course(connection, frame.id),),
    )
    changes: list[CustomerEvent | NewEntry] = [] if opened is None else [opened]
    mine = msgspec.structs.replace(contact, conversation=shown, state="assigned", agent=Author(actor.id, actor.name))
    changes += [NewEntry(line, person.leaf, person.handle_id, own), ContactChanged(mine)]
    await append_to_customer(tx, root, changes)
    return contact.id
