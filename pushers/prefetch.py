"""The snapshots of ringing offers: composed while it rings, so that accepting costs one statement and one send.

For each offer the customer's feed is subscribed, then the snapshot read, then what happens since is collected. It
never leaves the process before the accept, and what cannot be kept complete is dropped: the profile is then read anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from model.event import FeedId
from model.typing_mark import TypingMark
from pushers.feeds import PAGE, LogEvent
from pushers.hub import Hub, Subscription
from pushers.reopening import reopening
from pushers.snapshot import Encoded, Snapshot, encode_snapshot

MAX_PREFETCHED = 2_000
"""Offers kept ready in a process: about 25 MB of profiles of 12.5 KB. Beyond it profiles are read at accept."""
WAIT_SECONDS = 2.0

ReadSnapshot = Callable[[UUID], Awaitable[Snapshot | None]]

log = logging.getLogger(__name__)


class Prefetched:
    """One offer's profile at a sequence, and the events of its customer since, without a gap."""

    def __init__(self, feed: FeedId) -> None:
        self.feed = feed
        self.encoded: Encoded | None = None
        self.since: list[LogEvent] = []
        self.stale = False
        self.subscription: Subscription | None = None

    def events(self, feed: FeedId, events: Sequence[LogEvent]) -> None:
        """Collect what happened since the snapshot; beyond one page, or after a merge, it is read anew."""
        self.since += events
        if len(self.since) > PAGE or any(reopening(feed.id, event.body) for event in events):
            self.stale = True
            self.since.clear()

    def lost(self, feed: FeedId) -> None:
        """The feed cannot be continued."""
        self.stale = True

    def typing(self, mark: TypingMark) -> None:
        """A profile that is ready holds what was said, not what is being written."""

    def usable_for(self, customer: UUID) -> bool:
        """Whether it is complete and of this root: a merge since the offer makes it another customer's."""
        return not self.stale and self.encoded is not None and self.encoded.feed.id == customer


class Prefetch:
    """The prefetched profiles of one process, one for each offer that rings on a screen of it."""

    def __init__(self, hub: Hub, read: ReadSnapshot, limit: int = MAX_PREFETCHED) -> None:
        self._hub = hub
        self._read = read
        self._limit = limit
        self._kept: dict[UUID, Prefetched] = {}
        self._tasks: dict[UUID, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def expect(self, offer: UUID, customer: UUID) -> None:
        """Make the customer's profile ready, for this offer rings. Again for the same offer changes nothing."""
        if offer in self._kept or len(self._kept) >= self._limit:
            return
        kept = self._kept[offer] = Prefetched(FeedId("customer", customer))
        task = self._tasks[offer] = asyncio.create_task(self._load(kept, customer))
        task.add_done_callback(lambda _: self._tasks.pop(offer, None))

    def drop(self, offer: UUID) -> None:
        """The offer ended. Whoever took the profile before still has it as it was."""
        kept = self._kept.pop(offer, None)
        if kept is not None and kept.subscription is not None:
            self._hub.unsubscribe(kept.subscription)
            kept.subscription = None

    def find(self, offer: UUID) -> Prefetched | None:
        """What is kept for this offer, ready or not. Ask before accepting: the offer's end drops it."""
        return self._kept.get(offer)

    async def settled(self, offer: UUID) -> None:
        """Wait while this offer's snapshot is being read, at most 2 s."""
        task = self._tasks.get(offer)
        if task is not None:
            await asyncio.wait([task], timeout=WAIT_SECONDS)

    async def stop(self) -> None:
        """Forget everything."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for offer in list(self._kept):
            self.drop(offer)

    async def _load(self, kept: Prefetched, customer: UUID) -> None:
        subscription = kept.subscription = self._hub.subscribe(kept.feed, kept)
        try:
            snapshot = await self._read(customer)
        except Exception as error:
            # Whatever it is, the profile is read again at accept, and answers to the agent then.
            log.warning("profile not prefetched: %s", type(error).__name__)
            snapshot = None
        if snapshot is None or snapshot.customer_id != customer:
            # Merged meanwhile: the feed to follow is another one. Rare enough to be read at accept.
            kept.stale = True
            self._hub.unsubscribe(subscription)
            return
        kept.encoded = encode_snapshot(snapshot)
        self._hub.attach(subscription, snapshot.seq)
