"""Carry out the frames of one screen, one after the other: ask the desk, answer `result` or `error`.

Strictly in order: each is bounded by the pool's limits (2 s for a connection, 5 s a statement), and an agent who clicks
twice means the order of the clicks.
"""

from __future__ import annotations

import logging
from uuid import UUID

from gateway.desk import Desk
from gateway.policy import may
from gateway.screen_feeds import ScreenFeeds
from gateway.screen_parts import Parts
from model import wire
from model.agent import Actor
from model.refusal import Refused
from pushers import close_codes
from pushers.session import Command, Session
from pushers.snapshot import Opening

UNAVAILABLE = "This could not be done at the moment; try again."
FORBIDDEN = Refused("forbidden", "This customer is not shown to you.", "customer")
NO_CUSTOMER = Refused("not_found", "There is no such customer.", "customer")

log = logging.getLogger(__name__)

Answer = wire.Result | Refused | None
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
            self._session.send(wire.Error("unavailable", UNAVAILABLE, command.ref))
            if isinstance(command, wire.Hello):
                # Without a welcome there is nothing to go on from.
                self._session.close(close_codes.INTERNAL)
            return
        self._answer(command, answer)

    def _answer(self, command: Command, answer: Answer) -> None:
        if isinstance(answer, Refused):
            self._session.send(wire.Error(answer.code, answer.message, command.ref, answer.field))
        elif answer is not None and command.ref is not None:
            self._session.send(answer)

    async def _ask(self, command: Command) -> Answer:
        match command:
            case wire.Accept():
                return _done(command, await self._feeds.accept(command))
            case wire.Open():
                return await self._open(command)
            case wire.Leave(customer=customer):
                self._feeds.leave(customer)
                return wire.Result(command.ref)
            case wire.Timeline():
                return await self._timeline(command)
            case wire.Reply():
                return _entry(command, await self._parts.desk.reply(self._actor, command))
            case wire.Note():
                return _entry(command, await self._parts.desk.note(self._actor, command))
            case _:
                return _done(command, await _simple(self._parts.desk, self._actor, command))

    async def _open(self, command: wire.Open) -> Answer:
        if not may(self._actor, "customer.read", command.customer):
            return FORBIDDEN
        shown = await self._feeds.show(command.customer, Opening("opened", command.ref))
        return None if shown else NO_CUSTOMER

    async def _timeline(self, command: wire.Timeline) -> Answer:
        if not may(self._actor, "customer.read", command.customer):
            return FORBIDDEN
        self._feeds.use(command.customer)
        page = await self._parts.desk.timeline(self._actor, command)
        if isinstance(page, Refused):
            return page
        entries, more = page
        return wire.Result(command.ref, timeline=entries, more=more)


def _done(command: Command, refused: Refused | None) -> Answer:
    return refused or wire.Result(command.ref)


def _entry(command: Command, entry: UUID | Refused) -> Answer:
    return entry if isinstance(entry, Refused) else wire.Result(command.ref, entry=entry)


async def _simple(desk: Desk, actor: Actor, command: Command) -> Refused | None:
    """The frames that are answered by nothing but yes or no."""
    match command:
        case wire.SetPresence():
            return await desk.set_presence(actor, command.status, command.reason)
        case wire.Decline():
            return await desk.decline(actor, command.offer, command.reason)
        case wire.Finish():
            return await desk.finish(actor, command.contact)
        case wire.WrapUp():
            return await desk.wrap_up(actor, command.contact)
        case wire.Close():
            return await desk.close(actor, command.conversation)
        case wire.Retry():
            return await desk.retry(actor, command.entry)
        case wire.Seen():
            return await desk.seen(actor, command.contact)
        case wire.Shown():
            return await desk.shown(actor, command.contact)
        case _:
            raise TypeError(type(command).__name__)
