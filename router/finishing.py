"""The end of an agent's work on a contact: finish, wrap-up, and how it ended."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import Struct

from model.agent import Actor
from model.refusal import Refused
from model.timeline import Author
from router.after_work import WrapUp, after_finish
from router.contact import ENDED
from router.dispositions import ended_as
from router.holding import Change, lock_contact, not_holder, step
from store.feeds import Transaction

NO_CONTACT = Refused("not_found", "There is no such contact.", "contact")
NEEDS_CODE = Refused("invalid", "This queue wants to know how the contact ended. Choose a disposition.", "disposition")


class Ending(Struct, frozen=True):
    """What the agent says with it. `disposition`: how it ended; `wrap_up`: they want time for it, where they may."""

    disposition: str | None = None
    note: str | None = None
    wrap_up: bool = False


NOTHING = Ending()
HELD_BEFORE = "select exists (select from offer where contact_id = $1 and agent_id = $2 and state = 'accepted')"
KEEP_CODE = "update contact set disposition_id = $2 where id = $1"
BEGIN_WRAP_UP = "update contact set wrap_up = $2 where id = $1"
ASK_WRAP_UP = "update contact set wrap_up_asked = true where id = $1"


async def finish(tx: Transaction, contact: UUID, actor: Actor, ending: Ending = NOTHING) -> Refused | None:
    """The agent is done: wrap-up as the queue asks for it, else the end. Asking again changes nothing."""
    locked = await lock_contact(tx, contact)
    if locked is None:
        return NO_CONTACT
    root, row = locked
    if row["state"] == "wrapping" and row["agent_id"] == actor.id and ending.disposition is None:
        return None
    if row["state"] in ENDED and await tx.connection.fetchval(HELD_BEFORE, contact, actor.id):
        return None
    refused = not_holder(row, actor)
    if refused:
        return refused
    if ending.wrap_up and row["wrap_up_mode"] != "optional":
        return Refused("invalid", f"Wrap-up is {row['wrap_up_mode']} in this queue; leave this out.", "wrap_up")
    return await _finish(tx, root, row, actor, ending)


async def _finish(tx: Transaction, root: UUID, row: Any, actor: Actor, ending: Ending) -> Refused | None:
    by = Author(actor.id, actor.name)
    coded, asked = ending.disposition is not None, ending.wrap_up or row["wrap_up_asked"]
    after = after_finish(row["state"], row["wrap_up_mode"], row["wrap_up_seconds"], asked=asked, coded=coded)
    if after == "needs_code":
        return NEEDS_CODE
    if isinstance(after, WrapUp):
        await tx.connection.execute(BEGIN_WRAP_UP, row["id"], after.mode)
        change = Change("finished", "finished", "finished", after.lasts, actor=by, note=ending.note)
        return await step(tx, root, row, change)
    said = None if row["state"] == "wrapping" else "finished"
    return await _end(tx, root, row, actor, ending, said)


async def _end(tx: Transaction, root: UUID, row: Any, actor: Actor, ending: Ending, said: str | None) -> Refused | None:
    words = await _words(tx, row, ending)
    if isinstance(words, Refused):
        return words
    change = Change("done", "finished", said, actor=Author(actor.id, actor.name), ended_as=words, note=ending.note)
    return await step(tx, root, row, change)


async def _words(tx: Transaction, row: Any, ending: Ending) -> str | Refused | None:
    """How it ended, in the words of the timeline, kept on the contact."""
    if ending.disposition is None:
        return None
    words = await ended_as(tx.connection, ending.disposition, row["queue_id"])
    if not isinstance(words, Refused):
        await tx.connection.execute(KEEP_CODE, row["id"], ending.disposition)
    return words


async def wrap_up(tx: Transaction, contact: UUID, actor: Actor, ending: Ending = NOTHING) -> Refused | None:
    """End wrap-up before its timer. During a call, where wrap-up is optional: ask for it when the call is over."""
    locked = await lock_contact(tx, contact)
    if locked is None:
        return NO_CONTACT
    root, row = locked
    refused = not_holder(row, actor)
    if refused:
        return refused
    if row["state"] == "assigned" and row["wrap_up_mode"] == "optional" and ending == NOTHING:
        return await _ask(tx, root, row, actor)
    if row["state"] != "wrapping":
        return Refused("wrong_state", f"The contact is {row['state']}, not in wrap-up.", "contact")
    if row["wrap_up"] == "required" and ending.disposition is None:
        return NEEDS_CODE
    return await _end(tx, root, row, actor, ending, None)


async def _ask(tx: Transaction, root: UUID, row: Any, actor: Actor) -> Refused | None:
    if row["class"] != "voice":
        return await _finish(tx, root, row, actor, Ending(wrap_up=True))
    await tx.connection.execute(ASK_WRAP_UP, row["id"])
    return None


async def end_talk(tx: Transaction, root: UUID, contact: Any, why: str) -> None:
    """The holder of a call has talked: wrap-up as the queue asks for it, else the end."""
    after = after_finish(
        contact["state"], contact["wrap_up_mode"], contact["wrap_up_seconds"], asked=contact["wrap_up_asked"]
    )
    if isinstance(after, WrapUp):
        await tx.connection.execute(BEGIN_WRAP_UP, contact["id"], after.mode)
        await step(tx, root, contact, Change("finished", why, why, after.lasts))
    else:
        await step(tx, root, contact, Change("done", why, why))
