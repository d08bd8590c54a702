"""The hub: one per process. It notices that feeds moved, reads what its subscriptions lack, and delivers it.

Subscribe, then read the snapshot, then `attach` at the snapshot's sequence: what was committed in between is found in
the log. A subscription gets every event after its position exactly once and in order, or is told that it is lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from random import SystemRandom
from typing import Protocol
from uuid import UUID

import asyncpg
from msgspec import Struct

from model.event import FeedId
from model.typing_mark import TypingMark
from pushers import feeds
from pushers.bus.base import Bus, Told, pass_over
from pushers.feeds import LogEvent, Page
from store.feeds import Announce, Positions
from store.pool import Pool

MAX_READS = 2
MAX_BACKOFF_SECONDS = 2.0

log = logging.getLogger(__name__)
random = SystemRandom()

OUTAGE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What a database that is away, full or overloaded raises (`TimeoutError` is an `OSError`)."""


class Pace(Struct, frozen=True):
    """How often the hub looks by itself, in seconds."""

    check_seconds: float = 5.0
    """Positions of all followed feeds: finds what the bus lost."""
    follow_seconds: float = 0.2
    """The log, while the bus cannot tell of other processes."""


class Sink(Protocol):
    """Where a subscription's events go. Called on the event loop; must neither wait nor raise."""

    def events(self, feed: FeedId, events: Sequence[LogEvent]) -> None:
        """The next events of the feed, in order."""

    def lost(self, feed: FeedId) -> None:
        """The log no longer holds what comes next; the subscription has ended."""

    def typing(self, mark: TypingMark) -> None:
        """Somebody is writing to the customer of this feed, or the customer is. Of no sequence, and never again."""


class Subscription:
    """One follower of one feed. `position`: the last sequence delivered; None until it is attached."""

    def __init__(self, feed: FeedId, sink: Sink) -> None:
        self.feed = feed
        self.sink = sink
        self.position: int | None = None


class _Feed:
    """A feed somebody follows: the head it is known to have reached, and who follows it."""

    def __init__(self) -> None:
        self.head = -1
        self.asked = -1
        self.reading = False
        self.subscriptions: list[Subscription] = []

    def lacking(self) -> set[int]:
        """Positions from which somebody lacks events."""
        return {s.position for s in self.subscriptions if s.position is not None and s.position < self.head}


def _nothing(feed: FeedId) -> None:
    """Nobody wants to know."""


class Hub:
    """Connects the bus and the log with the subscriptions of this process.

    `process`: the id of this process in `gateway_process`, to know others from itself.
    """

    def __init__(self, pool: Pool, bus: Bus, process: UUID | None = None, pace: Pace | None = None) -> None:
        self._pool = pool
        self._bus = bus
        self._process = process
        self._pace = pace or Pace()
        self._feeds: dict[FeedId, _Feed] = {}
        self._behind: dict[FeedId, None] = {}
        self._reads: set[asyncio.Task[None]] = set()
        self._watch: asyncio.Task[None] | None = None
        self._others = False
        self._following = False
        self._look: str | None = None
        self._epoch: str | None = None
        self.on_followed: Callable[[FeedId], None] = _nothing
        """Called when a feed that nobody here followed is followed."""
        self.on_moved: Announce | None = None
        """Called with all that moved, whether or not a screen follows it; must neither wait nor raise."""
        self.on_typing: Told = pass_over
        """Called with every mark, whether or not a screen follows its customer."""

    @property
    def behind(self) -> int:
        """Reads under way and feeds that wait for one."""
        return len(self._reads) + len(self._behind)

    async def start(self) -> None:
        """Start the bus and the watch. Returns though both may still be unable to connect."""
        await self._bus.start(self.hear, self.hear_typing)
        self._watch = asyncio.create_task(self._keep_watch())

    async def stop(self) -> None:
        """Stop the bus, the watch and reads under way; subscriptions hear nothing more."""
        await self._bus.stop()
        tasks = [*self._reads, *([self._watch] if self._watch else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._feeds.clear()
        self._behind.clear()

    def subscribe(self, feed: FeedId, sink: Sink) -> Subscription:
        """Follow a feed. Nothing is delivered before `attach`; read the snapshot in between."""
        subscription = Subscription(feed, sink)
        if feed not in self._feeds:
            self.on_followed(feed)
        self._feeds.setdefault(feed, _Feed()).subscriptions.append(subscription)
        return subscription

    def followed(self, kind: str) -> list[UUID]:
        """Whose feeds of this kind are followed here."""
        return [feed.id for feed in self._feeds if feed.kind == kind]

    def attach(self, subscription: Subscription, position: int) -> None:
        """Deliver everything after `position`, beginning with what was committed since the snapshot was read."""
        subscription.position = position
        followed = self._feeds.get(subscription.feed)
        if followed is not None and position < followed.head:
            self._behind[subscription.feed] = None
            self._pump()

    def unsubscribe(self, subscription: Subscription) -> None:
        """Deliver nothing more; harmless when it has ended already."""
        followed = self._feeds.get(subscription.feed)
        if followed is None or subscription not in followed.subscriptions:
            return
        followed.subscriptions.remove(subscription)
        if not followed.subscriptions:
            del self._feeds[subscription.feed]
            self._behind.pop(subscription.feed, None)

    def announce(self, positions: Positions) -> None:
        """Tell the hubs of all processes, this one at once, that feeds have moved. Never waits and never raises."""
        self._bus.publish(positions)

    def hear(self, positions: Positions) -> None:
        """Feeds have moved. Those nobody here follows cost a look-up."""
        if self.on_moved is not None:
            self.on_moved(positions)
        for feed, seq in positions.items():
            followed = self._feeds.get(feed)
            if followed is not None and seq > followed.head:
                followed.head = seq
                self._behind[feed] = None
        self._pump()

    def tell(self, mark: TypingMark) -> None:
        """Somebody is writing: tell the hubs of all processes that the bus reaches. Never waits and never raises."""
        self._bus.tell(mark)

    def hear_typing(self, mark: TypingMark) -> None:
        """Somebody is writing: tell who follows the customer here."""
        self.on_typing(mark)
        followed = self._feeds.get(FeedId("customer", mark.customer))
        for subscription in list(followed.subscriptions) if followed else []:
            subscription.sink.typing(mark)

    async def resume(self, wants: Sequence[tuple[FeedId, int]]) -> tuple[str, list[Page]]:
        """The epoch of the database as it is now, and what the log holds after each position.

        Raises what a database that is away raises.
        """
        async with self._pool.acquire() as connection:
            pages = await feeds.read_events(connection, wants) if wants else []
            return await feeds.fetch_epoch(connection), pages

    # --- reading what is lacked: all feeds that wait go in one query, at most two at once ---

    def _pump(self) -> None:
        while len(self._reads) < MAX_READS:
            wants = self._take()
            if not wants:
                return
            task = asyncio.create_task(self._read(wants))
            self._reads.add(task)
            task.add_done_callback(self._read_done)

    def _take(self) -> list[tuple[FeedId, int]]:
        """All that is lacked, one want for each position somebody stands at: one far behind holds up nobody."""
        wants = []
        for feed in list(self._behind):
            followed = self._feeds.get(feed)
            if followed is None:
                del self._behind[feed]
            elif not followed.reading:
                del self._behind[feed]
                positions = followed.lacking()
                followed.reading = bool(positions)
                followed.asked = followed.head
                wants += [(feed, position) for position in positions]
        return wants

    def _read_done(self, task: asyncio.Task[None]) -> None:
        self._reads.discard(task)
        if not task.cancelled():
            self._pump()

    async def _read(self, wants: list[tuple[FeedId, int]]) -> None:
        try:
            async with self._pool.acquire() as connection:
                pages = await feeds.read_live(connection, wants)
                unclear = [(page.feed, page.after) for page in pages if page.head is None]
                # Rotated away, or announced though it is not there.
                others = await feeds.read_events(connection, unclear) if unclear else []
            for page in [page for page in pages if page.head is not None] + others:
                self._deliver(page)
        except Exception as error:
            # Whatever it is, the feeds are read again; only its type, for a database's messages quote values.
            log.warning("events not read, trying again: %s", type(error).__name__)
            # The slot is kept meanwhile: a database that is away is not asked by every announcement.
            await asyncio.sleep(random.uniform(0.1, MAX_BACKOFF_SECONDS / 2))
        finally:
            self._finish(wants)

    def _finish(self, wants: list[tuple[FeedId, int]]) -> None:
        for feed, _ in wants:
            followed = self._feeds.get(feed)
            if followed is not None:
                followed.reading = False
                if followed.lacking():
                    self._behind[feed] = None

    def _deliver(self, page: Page) -> None:
        followed = self._feeds.get(page.feed)
        if followed is None:
            return
        if page.head == page.after:
            # Announced, yet not there: whoever announced it was wrong, unless it came while we read.
            followed.head = page.head if followed.head == followed.asked else followed.head
            return
        for subscription in [s for s in followed.subscriptions if s.position == page.after]:
            if page.unbroken and page.events:
                subscription.position = page.events[-1].seq
                subscription.sink.events(page.feed, page.events)
            else:
                self._lose(subscription)

    def _lose(self, subscription: Subscription) -> None:
        self.unsubscribe(subscription)
        subscription.sink.lost(subscription.feed)

    # --- what the bus does not tell ---

    async def _keep_watch(self) -> None:
        loop = asyncio.get_running_loop()
        check_at = loop.time()
        pause = self._pace.follow_seconds
        while True:
            try:
                await self._follow_if_deaf()
                if loop.time() >= check_at:
                    await self._check()
                    check_at = loop.time() + self._pace.check_seconds
                pause = self._pace.follow_seconds
            except Exception as error:
                # Whatever it is: a watch that ends would leave every screen of this process stale, and silently.
                log.warning("positions not checked, trying again: %s", type(error).__name__)
                self._look = None
                check_at = loop.time()
                pause = min(pause * 2, MAX_BACKOFF_SECONDS)
            await asyncio.sleep(pause)

    async def _follow_if_deaf(self) -> None:
        deaf = not self._bus.healthy or (self._others and not self._bus.shared)
        if not deaf and not self._following:
            return
        began = self._look is None
        async with self._pool.acquire() as connection:
            # Also once after the bus has healed: what was committed before it could be heard.
            moved, self._look = await feeds.follow(connection, self._look)
            if began:
                # What moved before this first look is not news to the log, only to us.
                moved = await feeds.fetch_heads(connection, list(self._feeds))
        self.hear(moved)
        self._following = deaf
        if not deaf:
            self._look = None

    async def _check(self) -> None:
        followed = list(self._feeds)
        async with self._pool.acquire() as connection:
            epoch = await feeds.fetch_epoch(connection)
            if not self._bus.shared:
                self._others = await feeds.others_live(connection, self._process)
            heads = await feeds.fetch_heads(connection, followed) if followed else {}
        if self._epoch not in (None, epoch):
            log.warning("the database has another epoch: every screen starts anew")
            self._lose_all(followed)
        self._epoch = epoch
        self.hear(heads)

    def _lose_all(self, followed: list[FeedId]) -> None:
        for feed in followed:
            entry = self._feeds.get(feed)
            for subscription in list(entry.subscriptions) if entry else []:
                self._lose(subscription)
