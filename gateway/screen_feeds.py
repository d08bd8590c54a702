"""The feeds one screen follows: its agent's, and those of the customers it shows.

Always subscribe, then read, then attach: what is committed in between is found in the log.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Sequence
from uuid import UUID

from gateway.desk import Accepted, DeskState
from gateway.screen_hello import complete_pages, judge_claims
from gateway.screen_parts import Parts, Writer
from gateway.screen_reopening import Reopenings
from gateway.screen_tasks import Tasks, push_then_ring
from model import to_screen, wire, wire_board, wire_calls
from model.agent import Actor
from model.event import FeedId, HeldChanged, OfferEnded, OfferMade, PresenceChanged
from model.refusal import Refused
from model.typing_mark import TypingMark
from pushers import close_codes
from pushers.feeds import LogEvent, Page
from pushers.hub import Subscription
from pushers.prefetch import Prefetched
from pushers.session import Session
from pushers.snapshot import Encoded, Opening, contact_in, encode_snapshot, profile_frame
from router.retiring import DEACTIVATED

MAX_ROOT_MOVES = 3
VIEWING = ("accepted", "routed", "opened")
"""Reasons of a profile that is shown to somebody who wants to see it, not only because it changed."""


class ScreenFeeds:
    """Follows feeds for one session."""

    def __init__(self, parts: Parts, actor: Actor, session: Session, writer: Writer) -> None:
        self._parts = parts
        self._actor = actor
        self._session = session
        self._wake = writer.wake
        self._room = writer.room
        self._flushed = writer.flushed
        self._agent_feed = FeedId("agent", actor.id)
        self._agent: Subscription | None = None
        self._state_seq = 0
        self._epoch = ""
        self._customers: dict[UUID, Subscription] = {}
        self._reopenings = Reopenings(session, self)
        self._tasks = Tasks(self._fail)
        self.ringing: set[UUID] = set()

    @property
    def followed(self) -> Collection[UUID]:
        """The customers whose feeds it follows."""
        return self._customers.keys()

    # --- the hub calls these ---

    def events(self, feed: FeedId, events: Sequence[LogEvent]) -> None:
        """Pass events on, and do what the server does by itself about those of the agent."""
        name = str(feed)
        for event in events:
            # What the welcome shows already must not ring again.
            live = event.seq > self._state_seq
            if self._reopenings.take(feed, event):
                break
            match self._session.publish(name, event.seq, event.body, live=live):
                case OfferMade() as offer:
                    self._ring(offer.offer, offer.customer)
                case OfferEnded() as ended:
                    self._parts.prefetch.drop(ended.offer)
                    self.ringing.discard(ended.offer)
                case PresenceChanged(presence=presence) if presence.reason == DEACTIVATED:
                    self._session.close(close_codes.SIGNED_OUT)
                case HeldChanged(held=held, routed=True):
                    self.spawn(self.show(held.customer, Opening("routed"), held.contact))
                case _:
                    pass
        self._wake()

    def lost(self, feed: FeedId) -> None:
        """The log does not hold what comes next: begin anew."""
        self._session.send(to_screen.Resync(str(feed)))
        self._session.end(str(feed))
        if feed == self._agent_feed:
            self.spawn(self._begin_agent())
        else:
            self._customers.pop(feed.id, None)
            self.spawn(self.show(feed.id, Opening("resync")))
        self._wake()

    def typing(self, mark: TypingMark) -> None:
        """Somebody is writing; the agents themselves know."""
        if mark.agent != self._actor.id:
            shown = to_screen.TypingFrame(mark.customer, mark.conversation, mark.channel, mark.agent, mark.note)
            self._session.hint(str(FeedId("customer", mark.customer)), shown)
            self._wake()

    # --- hello ---

    async def greet(self, hello: wire.Hello, screen_id: UUID) -> None:
        """Answer a hello: errors, `resync` of the agent's feed if need be, `welcome`, then what was missed."""
        parts = self._parts
        claims = judge_claims(hello, self._actor, parts.most_followed)
        self._agent = parts.hub.subscribe(self._agent_feed, self)
        for feed in claims.customers:
            self._customers[feed.id] = parts.hub.subscribe(feed, self)
        await parts.desk.connect(self._actor, screen_id)
        wants = list(claims.customers.items())
        if claims.agent is not None:
            wants.append((self._agent_feed, claims.agent))
        self._epoch, pages = await parts.hub.resume(wants)
        complete = complete_pages(pages, hello.epoch == self._epoch)
        state = await parts.desk.state(self._actor)
        for error in claims.errors:
            self._session.send(error)
        if claims.agent is not None and self._agent_feed not in complete:
            self._session.send(to_screen.Resync(str(self._agent_feed)))
        await self._welcome(state, complete)
        known = {page.feed: page.head is not None for page in pages}
        for feed in claims.customers:
            if feed not in complete:
                await self._start_over(feed, known.get(feed, False), hello.ref)
        await self._prepare(state)

    async def _welcome(self, state: DeskState, complete: dict[FeedId, Page]) -> None:
        """Send `welcome` and begin the feeds it names: each at the position after which events follow."""
        agent = complete.get(self._agent_feed)
        feeds = {str(feed): page.after for feed, page in complete.items()}
        feeds |= {str(FeedId("customer", id)): self._standing(id) for id in self._customers if self._standing(id) >= 0}
        feeds[str(self._agent_feed)] = agent.after if agent else state.seq
        self._state_seq = state.seq
        self._session.send(
            to_screen.Welcome(
                self._actor,
                self._epoch,
                state.presence,
                state.capacity,
                state.contacts,
                state.offers,
                feeds,
                state.now,
                state.tasks,
                state.handovers,
            )
        )
        self._session.begin(str(self._agent_feed), feeds[str(self._agent_feed)])
        if agent is None and self._agent is not None:
            self._parts.hub.attach(self._agent, state.seq)
        for page in complete.values():
            await self._replay(page)

    def _standing(self, customer: UUID) -> int:
        position = self._session.position(str(FeedId("customer", customer)))
        return -1 if position is None else position

    async def _replay(self, page: Page) -> None:
        """Send what was missed as fast as the screen reads it; what happens meanwhile waits in the log."""
        name = str(page.feed)
        self._session.begin(name, page.after)
        for event in page.events:
            await self._room()
            if self._reopenings.take(page.feed, event):
                return
            self._session.publish(name, event.seq, event.body, live=False)
        subscription = self._agent if page.feed == self._agent_feed else self._customers.get(page.feed.id)
        if subscription is not None:
            self._parts.hub.attach(subscription, page.after + len(page.events))

    async def _start_over(self, feed: FeedId, known: bool, ref: str | None) -> None:
        await self._room()
        self._session.send(to_screen.Resync(str(feed)))
        if not known or not await self.show(feed.id, Opening("resync")):
            self.leave(feed.id)
            self._session.send(to_screen.Error("not_found", "There is no such customer.", ref, f"resume.{feed}"))

    async def _begin_agent(self) -> None:
        """The agent's feed is lost while connected: subscribe again and welcome anew."""
        self._agent = self._parts.hub.subscribe(self._agent_feed, self)
        self._epoch, _ = await self._parts.hub.resume([])
        state = await self._parts.desk.state(self._actor)
        await self._welcome(state, {})
        await self._prepare(state)

    async def _prepare(self, state: DeskState) -> None:
        """Make the profiles of what rings already ready."""
        if state.offers:
            for offer, customer in (await self._parts.offered(self._actor.id)).items():
                self._ring(offer, customer)

    def _ring(self, offer: UUID, customer: UUID) -> None:
        self.ringing.add(offer)
        self._parts.prefetch.expect(offer, customer)

    # --- customers ---

    async def show(
        self,
        customer: UUID,
        opening: Opening,
        contact: UUID | None = None,
        first: Callable[[], None] = lambda: None,
    ) -> bool:
        """Send the profile as it is now and follow the customer; False when there is no such customer.

        `contact`: the id of the one it is opened for, where the opening does not hold it. `first`: done right before.
        """
        hub = self._parts.hub
        for _ in range(MAX_ROOT_MOVES):
            subscription = hub.subscribe(FeedId("customer", customer), self)
            try:
                snapshot = await self._parts.desk.snapshot(customer)
            except BaseException:  # cancelled or failed: nobody listens to what is not shown
                hub.unsubscribe(subscription)
                raise
            if snapshot is not None and snapshot.customer_id == customer:
                if contact is not None:
                    opening = Opening(opening.reason, opening.ref, opening.offer, contact_in(snapshot, contact))
                first()
                self._begin(subscription, encode_snapshot(snapshot), opening, ())
                return True
            hub.unsubscribe(subscription)
            if snapshot is None:
                return False
            # Merged: what is asked for by the other id is shown, and followed, under the root's.
            customer = snapshot.customer_id
        raise RuntimeError("a customer's root moved again and again")

    async def accept(self, frame: wire.Accept) -> Refused | None:
        """Accept an offer and send the profile: the one made ready while it rang, else as it is now."""
        kept = self._parts.prefetch.find(frame.offer)
        # Subscribed before the accept commits, so that nothing after what was collected goes unheard.
        subscription = self._parts.hub.subscribe(kept.feed, self) if kept else None
        try:
            outcome = await self._parts.desk.accept(self._actor, frame.offer)
            if isinstance(outcome, Refused):
                return outcome
            await self._parts.prefetch.settled(frame.offer)
            opening = Opening("accepted", frame.ref, frame.offer, outcome.contact)
            if not self._send_prefetched(kept, subscription, outcome, opening):
                await self.show(outcome.customer, opening)
            if outcome.contact.work_class == "voice":
                self._tasks.try_out(push_then_ring(self._flushed, self._parts.desk, outcome.contact.id))
        finally:
            if subscription is not None and subscription not in self._customers.values():
                self._parts.hub.unsubscribe(subscription)
        return None

    async def take(self, frame: wire.Accept | wire.Next | wire_calls.AcceptHandover) -> Refused | None:
        """Take what is offered, what a colleague asks, or the next that waits, and send the profile."""
        return await (self.accept(frame) if isinstance(frame, wire.Accept) else self.take_given(frame))

    async def take_given(self, frame: wire.Next | wire_calls.AcceptHandover) -> Refused | None:
        """Take a contact that nothing was made ready for, and send the profile as it is now."""
        desk = self._parts.desk
        if isinstance(frame, wire.Next):
            given = await desk.take_next(self._actor, frame.queue)
        else:
            given = await desk.accept_handover(self._actor, frame.handover)
        if isinstance(given, Refused):
            return given
        await self.show(given.customer, Opening("accepted", frame.ref, given.hold, given.contact))
        if given.contact.work_class == "voice":
            self._tasks.try_out(push_then_ring(self._flushed, self._parts.desk, given.contact.id))
        return None

    def _send_prefetched(
        self, kept: Prefetched | None, subscription: Subscription | None, outcome: Accepted, opening: Opening
    ) -> bool:
        if kept is None or subscription is None or kept.encoded is None or not kept.usable_for(outcome.customer):
            return False
        self._begin(subscription, kept.encoded, opening, tuple(kept.since))
        return True

    def _begin(self, subscription: Subscription, encoded: Encoded, opening: Opening, since: Sequence[LogEvent]) -> None:
        """Send the profile, what was collected since, and go on live. No await: nothing can come in between."""
        customer, name = encoded.feed.id, str(encoded.feed)
        before = self._customers.pop(customer, None)
        if before is not None:
            self._parts.hub.unsubscribe(before)
        self._customers[customer] = subscription
        frame = profile_frame(encoded, opening)
        self._session.send(frame)
        self._session.begin(name, encoded.seq)
        for event in since:
            self._session.publish(name, event.seq, event.body)
        self._parts.hub.attach(subscription, since[-1].seq if since else encoded.seq)
        while len(self._customers) > self._parts.most_followed:
            oldest = next(iter(self._customers))
            self.leave(oldest)
            message = "No longer followed, for too many customers are open; open it again."
            self._session.send(to_screen.Error("gone", message, field=str(FeedId("customer", oldest))))
        self._wake()
        if opening.reason == "accepted" and opening.offer is not None:
            self._tasks.try_out(self._parts.desk.keep_seen(self._actor, opening.offer, frame))
        if opening.reason in VIEWING:
            self._note_viewed(customer)

    def _note_viewed(self, customer: UUID) -> None:
        """Remember whom the agent looks at, once the profile is on its way; what fails is forgotten."""
        self._tasks.try_out(self._parts.desk.viewed(self._actor, customer))

    def leave(self, customer: UUID) -> None:
        """Follow this customer no longer; harmless when nobody does."""
        subscription = self._customers.pop(customer, None)
        if subscription is not None:
            self._parts.hub.unsubscribe(subscription)
        self._session.end(str(FeedId("customer", customer)))

    def use(self, customer: UUID) -> None:
        """The agent works with this customer: others give way first."""
        if customer in self._customers:
            self._customers[customer] = self._customers.pop(customer)

    def watch(self, frame: wire_board.Watch) -> Refused | None:
        """Show the board, or no longer."""
        return self._parts.board.carry_out(frame, self._session, self._wake)

    async def stop(self) -> None:
        """Unsubscribe from everything."""
        self._parts.board.leave(self._session)
        await self._tasks.stop()
        for subscription in [*self._customers.values(), *([self._agent] if self._agent else [])]:
            self._parts.hub.unsubscribe(subscription)
        self._customers.clear()
        self._agent = None

    def spawn(self, work: Coroutine[None, None, object]) -> None:
        """Do what the server does by itself."""
        self._tasks.start(work)

    def try_out(self, work: Coroutine[None, None, None]) -> None:
        """Do what may fail unnoticed."""
        self._tasks.try_out(work)

    def _fail(self) -> None:
        self._session.close(close_codes.INTERNAL)
        self._wake()
