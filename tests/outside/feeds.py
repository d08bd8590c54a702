"""When a feed is complete and in order on a screen: pure, for the screen as it runs and for the checker afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Place:
    """Where a screen stands in a feed.

    `known`: everything up to here was seen. `cursor`: the last one delivered since the newest snapshot, which may be
    composed before what the screen has already seen; what follows it may be told again, in order.
    """

    known: int
    cursor: int


@dataclass
class Follower:
    """One screen's feeds over all its connections. Each method returns what is wrong, or None."""

    epoch: str | None = None
    places: dict[str, Place] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    """Feeds of which the server said `resync`; a snapshot must follow."""
    owed: set[str] = field(default_factory=set)
    """Feeds that were to be resumed and of which `welcome` said nothing yet."""
    asked: dict[str, int] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    """Feeds this screen gave up itself: what was already on its way does not matter."""

    def resume(self) -> dict[str, int]:
        """What `hello` says; remembered until `welcome` answers it."""
        self.asked = {feed: place.known for feed, place in self.places.items() if feed not in self.lost}
        return self.asked

    def welcome(self, epoch: str, feeds: dict[str, int]) -> str | None:
        """A new connection begins: events follow these sequences."""
        asked, self.asked = self.asked, {}
        if self.epoch not in (None, epoch):
            asked = {}
            self.places.clear()
        self.epoch = epoch
        self.owed = {feed for feed in asked if feed not in feeds}
        wrong = [
            f"{feed}: asked to resume after {asked[feed]}, was welcomed at {seq}"
            for feed, seq in feeds.items()
            if feed in asked and seq != asked[feed] and feed not in self.lost
        ]
        for feed, seq in feeds.items():
            self.lost.discard(feed)
            self.places[feed] = Place(seq, seq)
        return "; ".join(wrong) or None

    def resync(self, feed: str) -> str | None:
        """The server gave this feed up; `welcome` or `profile` must follow."""
        self.lost.add(feed)
        self.owed.discard(feed)
        self.places.pop(feed, None)
        return None

    def snapshot(self, feed: str, seq: int) -> str | None:
        """A profile at `seq`: everything up to it is on the screen."""
        self.lost.discard(feed)
        self.owed.discard(feed)
        self.left.discard(feed)
        place = self.places.get(feed)
        self.places[feed] = Place(max(seq, place.known) if place else seq, seq)
        return None

    def event(self, feed: str, seq: int) -> str | None:
        """The next item of a feed."""
        self.owed.discard(feed)
        place = self.places.get(feed)
        if place is None and feed in self.left:
            return None
        if place is None:
            return f"{feed}: event {seq} of a feed that has no snapshot here"
        known, cursor = place.known, place.cursor
        place.known, place.cursor = max(known, seq), seq
        if seq == known + 1 or (seq == cursor + 1 and seq <= known):
            return None
        return f"{feed}: {'gap' if seq > known + 1 else 'repeat'}, {seq} after {known}"

    def leave(self, feed: str) -> None:
        """This screen no longer follows the feed."""
        self.places.pop(feed, None)
        self.lost.discard(feed)
        self.owed.discard(feed)
        self.left.add(feed)

    def unfinished(self) -> list[str]:
        """Feeds that were given up or left out at a resume and of which no snapshot came."""
        return sorted(self.lost | self.owed)
