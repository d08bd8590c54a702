"""Carry out the frames of one screen, one after the other: ask the desk, answer `result` or `error`.

Strictly in order: each is bounded by the pool's limits (2 s for a connection, 5 s a statement), and an agent who clicks
twice means the order of the clicks.
"""

from __future__ import annotations

import logging
from uuid import UUID

from gateway.desk import Desk
from gateway.policy import may, may_send
from gateway.screen_feeds import ScreenFeeds
from gateway.screen_parts import Parts
from model import to_screen, wire, wire_board, wire_calls
from model.agent import Actor
from model.refusal import Refused
from pushers import close_codes
from pushers.session import Command, Session
from pushers.snapshot import Opening

UNAVAILABLE = "This could not be done at the moment; try again."
FORBIDDEN = Refused("forbidden", "This customer is not shown to you.", "customer")
NO_CUSTOMER = Refused("not_found", "There is no such customer.", "customer")

log = logging.getLogger(__name__)

Answer = to_screen.Result | Refused | None
"""None: nothing is to be answered, because a `profile` was."""


class Commands:
    """Carries out the commands of one screen."""

    def __init__(self, parts: Parts, actor: Actor, session: Session, feeds: ScreenFeeds) -> None:
        self._parts = parts
        self._actor = actor
        self._session = session
        self._feeds = feeds

    async def carry_out(self, command: Command, screen_id: UUID) -> None:
        """Do what the frame asks and queue the answer. Raises nothing a desk may raise."""
        try:
            if isinstance(command, wire.Hello):
                await self._feeds.greet(command, screen_id)
                return
            answer = await self._ask(command)
        except Exception as error:
            # Only its type: messages of a database quote values.
            log.error("%s failed: %s", type(command).__name__, type(error).__name__)
            self._session.send(to_screen.Error("unavailable", UNAVAILABLE, command.ref))
            if isinstance(command, wire.Hello):
                # Without a welcome there is nothing to go on from.
                self._session.close(close_codes.INTERNAL)
            return
        self._answer(command, answer)

    def _answer(self, command: Command, answer: Answer) -> None:
        if isinstance(answer, Refused):
            self._session.send(to_screen.Error(answer.code, answer.message, command.ref, answer.field))
        elif answer is not None and command.ref is not None:
            self._session.send(answer)

    async def _ask(self, command: Command) -> Answer:
        if not may_send(self._actor, str(command.__struct_config__.tag)):
            return Refused("forbidden", f"The role {self._actor.role} may not do this.")
        match command:
            case wire.Accept() | wire.Next() | wire_calls.AcceptHandover():
                return _done(command, await self._feeds.take(command))
            case wire.Open():
                return await self._open(command)
            case wire.Leave() | wire_board.Watch():
                return _done(command, self._follow(command))
            case wire.Timeline():
                return await self._timeline(command)
            case wire.Reply() | wire.Note():
                return _entry(command, await _write(self._parts.desk, self._actor, command))
            case wire.Typing():
                return _done(command, await self._parts.marks.agent_types(self._actor, command))
            case wire.Recent():
                return to_screen.Result(command.ref, customers=await self._parts.desk.recent(self._actor))
            case wire.Edit() | wire.AddDetail() | wire.SetTopics() | wire.Identify() | wire.AddTask() | wire.EndTask():
                return await _edit(self._parts.desk, self._actor, command)
            case _:
                return _done(command, await _simple(self._parts.desk, self._actor, command))

    async def _open(self, command: wire.Open) -> Answer:
        if not may(self._actor, "customer.read", command.customer):
            return FORBIDDEN
        shown = await self._feeds.show(command.customer, Opening("opened", command.ref))
        return None if shown else NO_CUSTOMER

    def _follow(self, command: wire.Leave | wire_board.Watch) -> Refused | None:
        if isinstance(command, wire_board.Watch):
            return self._feeds.watch(command)
        self._feeds.leave(command.customer)
        return None

    async def _timeline(self, command: wire.Timeline) -> Answer:
        if not may(self._actor, "customer.read", command.customer):
            return FORBIDDEN
        self._feeds.use(command.customer)
        page = await self._parts.desk.timeline(self._actor, command)
        if isinstance(page, Refused):
            return page
        entries, more = page
        return to_screen.Result(command.ref, timeline=entries, more=more)


def _done(command: Command, refused: Refused | None) -> Answer:
    return refused or to_screen.Result(command.ref)


def _entry(command: Command, entry: UUID | Refused) -> Answer:
    return entry if isinstance(entry, Refused) else to_screen.Result(command.ref, entry=entry)


async def _write(desk: Desk, actor: Actor, command: wire.Reply | wire.Note) -> UUID | Refused:
    if isinstance(command, wire.Note):
        return await desk.note(actor, command)
    return await desk.reply(actor, command)


_Editing = wire.Edit | wire.AddDetail | wire.SetTopics | wire.Identify | wire.AddTask | wire.EndTask


async def _edit(desk: Desk, actor: Actor, command: _Editing) -> Answer:
    """The frames that change a profile: whoever shows it sees by its feed what it is now."""
    match command:
        case wire.Edit():
            return _done(command, await desk.edit(actor, command))
        case wire.AddDetail():
            return await desk.add_detail(actor, command) or to_screen.Result(command.ref, entry=command.id)
        case wire.SetTopics():
            return _done(command, await desk.set_topics(actor, command))
        case wire.Identify():
            return _done(command, await desk.identify(actor, command))
        case wire.AddTask():
            return await desk.add_task(actor, command) or to_screen.Result(command.ref, entry=command.id)
        case wire.EndTask():
            return _done(command, await desk.end_task(actor, command))


async def _simple(desk: Desk, actor: Actor, command: Command) -> Refused | None:
    """The frames that are answered by nothing but yes or no."""
    match command:
        case wire.Active():
            return None  # that it came is what it says
        case wire.SetPresence():
            return await desk.set_presence(actor, command.status, command.reason)
        case wire.Decline():
            return await desk.decline(actor, command.offer, command.reason)
        case wire.Finish():
            return await desk.finish(actor, command)
        case wire.WrapUp():
            return await desk.wrap_up(actor, command)
        case wire.Close():
            return await desk.close(actor, command.conversation)
        case wire.Retry():
            return await desk.retry(actor, command.entry)
        case wire.Seen():
            return await desk.seen(actor, command.contact)
        case wire.Shown():
            return await desk.shown(actor, command.contact)
        case _:
            return await _hand_on(desk, actor, command)


async def _hand_on(desk: Desk, actor: Actor, command: Command) -> Refused | None:
    """The frames of calls, of handing a contact on, and of supervisors."""
    match command:
        case wire_calls.CallFrame():
            return await desk.call(actor, command.contact, command.action)
        case wire_calls.Dial():
            return await desk.dial(actor, command)
        case wire_calls.Transfer():
            return await desk.transfer(actor, command)
        case wire_calls.DeclineHandover() | wire_calls.CancelHandover():
            return await desk.end_handover(actor, command)
        case wire_board.TakeBack() | wire_board.Reassign() | wire_board.SetPresenceOf():
            return await desk.supervise(actor, command)
        case _:
            raise TypeError(type(command).__name__)
