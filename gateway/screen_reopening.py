"""After a merge or its undoing a screen is shown the profile anew, right behind the event that says so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Coroutine
from typing import Protocol
from uuid import UUID

from model.event import FeedId
from pushers.feeds import LogEvent
from pushers.reopening import Reopening, reopening
from pushers.session import Session
from pushers.snapshot import Opening


class Following(Protocol):
    """The feeds a screen follows."""

    @property
    def followed(self) -> Collection[UUID]:
        """The customers whose feeds it follows."""

    def leave(self, customer: UUID) -> None:
        """Follow this one no longer."""

    def spawn(self, work: Coroutine[None, None, object]) -> None:
        """Do what the server does by itself."""

    def show(self, customer: UUID, opening: Opening, *, first: Callable[[], None]) -> Awaitable[bool]:
        """Send the profile of the customer's root, after `first`, and follow it."""


class Reopenings:
    """What of one screen is being shown anew."""

    def __init__(self, session: Session, following: Following) -> None:
        self._session = session
        self._following = following
        self._open: set[UUID] = set()

    def take(self, feed: FeedId, event: LogEvent) -> bool:
        """Whether this event of a customer's feed asks for it: then nothing more of this feed is sent until it is done.

        A screen that is cut off in between resumes before the event, and is shown the profile then.
        """
        found = reopening(feed.id, event.body)
        stood = self._session.position(str(feed))
        if found is None or stood is None or event.seq <= stood:
            return False
        if found.root in self._following.followed or found.root in self._open:
            # The survivor's own feed says it too: once is enough.
            self._session.publish(str(feed), event.seq, event.body)
            self._following.leave(feed.id)
        else:
            self._following.leave(feed.id)
            self._open.add(feed.id)
            self._following.spawn(self._show(feed, event, found))
        return True

    async def _show(self, feed: FeedId, event: LogEvent, found: Reopening) -> None:
        def say() -> None:
            self._session.begin(str(feed), event.seq - 1)
            self._session.publish(str(feed), event.seq, event.body)
            self._session.end(str(feed))

        try:
            await self._following.show(feed.id, Opening(found.reason), first=say)
        finally:
            self._open.discard(feed.id)
