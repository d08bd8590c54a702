"""What customers, agents, supervisors, processes and time do: in the product, and in the model of it."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import msgspec

from gateway.rule_catalog import rule_catalog
from gateway.worker import Worker
from model.agent import Actor, PresenceStatus
from model.refusal import Refused
from model.wire import Reply
from profiles.merge import MergeOrder, merge
from profiles.reply import reply
from router.accept import Accepted, accept_offer
from router.closing import close_conversation
from router.endings import end_offer
from router.finishing import finish, wrap_up
from router.holding import shown
from router.presence import (
    bury_dead_processes,
    connect_screen,
    disconnect_screen,
    register_process,
    set_presence,
    unregister_process,
)
from router.rule_versions import examine, publish, written_of
from router.rules.language import parse_rule_set
from store.feeds import Transaction
from store.ids import new_id
from tests.store.invariants import WAITS_IN_VAIN
from tests.store.work_handing import WORKING, Handing
from tests.store.work_model import LIVE, RULE_SETS, TALKS, URGENT, Held, oldest, queue_by, settle, take_over, unanswered

PASSES = "update contact set due_at = clock_timestamp() - interval '1 ms' where id = $1 returning id"
EXPIRES = "update offer set expires_at = clock_timestamp() - interval '1 ms' where id = $1 returning id"
ASKED_LONG = "update handover set expires_at = clock_timestamp() - interval '1 ms' where id = $1 returning id"
UNTOLD = "select count(*) from handover where ended_at is not null and not told"
CAPACITY = "update agent_state set cap_messaging = $2 where agent_id = $1 returning seq"
LONG_GONE = "update agent_state set gone_at = clock_timestamp() - interval '61 s' where agent_id = $1 returning seq"
DIES = "update gateway_process set expires_at = clock_timestamp() - interval '1 ms' where id = $1 returning id"


class Acts(Handing):
    """One action each."""

    # --- customers ---

    def write(self, phone: str, auto: bool, urgent: bool, routed: bool) -> None:
        text = f"{URGENT} {self.step}" if urgent else f"hello {self.step}"
        self.last = (f"SM-{self.step}", phone, "sms-auto" if auto else "sms-main")
        self.wait(self.company.text(phone, text, account=self.last[2], key=self.last[0]))
        joined = self.live.get(phone) or oldest(self.of_group(phone))
        self.said.setdefault(phone, []).append((self.step, text))
        self.closed.discard(phone)
        if joined is not None:
            # where another number's contact is joined, that number's conversation is open already
            came_back = joined.state == "parked"
            joined.hear(self.step)
            if came_back:
                joined.arrived_at = self.rows(LIVE)[joined.phone]["arrived_at"]
        else:
            row = self.rows(LIVE)[phone]
            default = "auto" if auto else "general"
            self.live[phone] = Held(row["id"], phone, row["conversation_id"], default, self.step, row["arrived_at"])
        if routed:
            self.drain()

    def write_the_same_again(self) -> None:
        key, phone, account = self.last
        self.wait(self.company.text(phone, "again", account=account, key=key))

    # --- agents ---

    def accept(self, pick: int) -> None:
        held, offer, seat = self.ringing(pick)
        for _ in range(2):  # a repeated accept is the same answer
            done = self.accepting(offer, seat.actor)
            assert done == "gone" if held.over else isinstance(done, Accepted), done
        if not held.over:
            held.become("assigned")
            held.deadline, held.unrouted = held.answered, False

    def accepting(self, offer: UUID, actor: Actor) -> Accepted | str:
        async def within() -> Accepted | Refused:
            async with self.company.pool.acquire() as connection:
                return await accept_offer(connection, offer, actor)

        done = self.wait(within())
        return done.code if isinstance(done, Refused) else done

    def accept_what_is_not_theirs(self, pick: int) -> None:
        _, offer, seat = self.ringing(pick)
        other = next(each for each in self.seats if each is not seat)
        assert self.accepting(offer, other.actor) == "forbidden"
        assert self.accepting(new_id(), seat.actor) == "gone"

    def decline(self, pick: int) -> None:
        held, offer, seat = self.ringing(pick)
        assert self.do(lambda tx: end_offer(tx, offer, "declined", agent=seat.actor.id)) is None
        held.pass_over(seat.actor.id)

    def answer(self, pick: int, who: int, mine: bool) -> None:
        held, actor = self.one(pick, who, mine)
        frame = Reply(conversation=held.talk, body="here", id=new_id(), ref="r")
        done = self.do(lambda tx: reply(tx, actor, frame))
        group = [each for each in self.of_group(held.phone) if each.state in ("assigned", "wrapping", "parked")]
        if all(each.agent != actor.id for each in group):
            assert isinstance(done, Refused)
            return
        assert done == frame.id
        for each in group:
            each.answered = True
            if each.state == "assigned" and each.shown:
                each.deadline, each.over = True, False

    def look(self, pick: int) -> None:
        held = self.nth(pick, "assigned")
        assert self.do(lambda tx: shown(tx, held.id, self.seat(held.agent).actor)) is None
        if not held.shown:
            held.shown, held.deadline, held.over = True, held.answered, False

    def end(self, pick: int, who: int, mine: bool) -> None:
        held, actor = self.one(pick, who, mine)
        done = self.do(lambda tx: finish(tx, held.id, actor))
        if held.state == "offered" or held.agent != actor.id:
            assert isinstance(done, Refused)
        elif held.state != "wrapping":
            wraps = held.state == "assigned" and held.queue == "general"
            held.become("wrapping" if wraps else "closed")

    def end_wrap_up(self, pick: int) -> None:
        held = self.nth(pick, "wrapping")
        assert self.do(lambda tx: wrap_up(tx, held.id, self.seat(held.agent).actor)) is None
        held.become("closed")

    def choose(self, who: int, status: PresenceStatus) -> None:
        assert self.do(lambda tx: set_presence(tx, self.seats[who].actor.id, status, None)) is None
        self.seats[who].presence = status

    def connect(self, who: int) -> None:
        """Everyone who has no screen opens one, and this one chooses to be there."""
        for seat in self.seats:
            if not seat.screens:
                screen = new_id()
                self.do(lambda tx, a=seat.actor.id, s=screen: connect_screen(tx, a, s, self.company.process))  # type: ignore[misc]
                seat.screens.append(screen)
                seat.long_gone = False
        self.choose(who, "available")

    def disconnect(self, who: int, long: bool) -> None:
        seat = self.seats[who]
        while seat.screens:
            screen = seat.screens.pop()
            self.do(lambda tx, s=screen: disconnect_screen(tx, seat.actor.id, s))  # type: ignore[misc]
        if long:
            self.wait(self.company.value(LONG_GONE, seat.actor.id))
            seat.long_gone = True

    # --- supervisors ---

    def close(self, pick: int, who: int) -> None:
        phone, held = sorted(self.live.items())[pick % len(self.live)]
        actor = self.boss if who == 3 else self.seats[who].actor
        done = self.do(lambda tx: close_conversation(tx, held.talk, actor))
        group = self.of_group(phone)
        if who != 3 and any(each.agent not in (None, actor.id) for each in group):
            assert isinstance(done, Refused)
            return
        for each in group:
            each.become("closed")
        self.closed |= set(self.group(phone)) & self.said.keys()

    def merge(self, pick: int, other: int) -> None:
        """The contacts of both keep offer and holder."""
        roots = {self.groups[phone]: row["root_id"] for phone, row in self.rows(TALKS).items()}
        known = sorted(roots)
        survivor = known[pick % len(known)]
        loser = known[(pick + 1 + other % (len(known) - 1)) % len(known)]
        order = MergeOrder(roots[survivor], roots[loser], by=self.boss)
        done = self.do(lambda tx: merge(tx, order))
        assert not isinstance(done, Refused), done
        self.groups = {phone: survivor if group == loser else group for phone, group in self.groups.items()}
        for root in (roots[survivor], roots[loser]):
            self.mirrors.pop(root, None)  # a screen is told, and reads anew

    def change_capacity(self, who: int, slots: int) -> None:
        self.wait(self.company.value(CAPACITY, self.seats[who].actor.id, slots))
        self.seats[who].slots = slots

    def publish(self, rules: str) -> None:
        """From the next contact on; what waits is not routed again for it."""
        rule_set = parse_rule_set(msgspec.json.encode({"rules": RULE_SETS[rules]}).decode())

        async def publishing(tx: Transaction) -> object:
            examined = await examine(written_of(rule_set), await rule_catalog(tx.connection))
            return await publish(tx.connection, examined, self.boss.id)

        done = self.do(publishing)
        assert not isinstance(done, Refused), done
        self.published = rules

    # --- processes and time ---

    def restart(self, polite: bool) -> None:
        """The one gateway process ends, or is killed and found dead; another takes over."""
        process, next_one = self.company.process, new_id()
        if polite:
            self.do(lambda tx: unregister_process(tx, process))
        else:
            self.wait(self.company.value(DIES, process))
            self.do(bury_dead_processes)
        self.wait(self._take_over_from(next_one))
        for seat in self.seats:
            seat.screens.clear()

    async def _take_over_from(self, process: UUID) -> None:
        async def nothing() -> None:
            return

        await register_process(self.eye, process)
        self.company.process = process
        self.company.worker = Worker(self.company.pool, self.company.announce, process, nothing)

    def time_passes(self, pick: int, swept: bool) -> None:
        waiting = [held for _, held in sorted(self.live.items()) if held.timed]
        held = waiting[pick % len(waiting)]
        if held.asking and not held.asking.late:
            self.wait(self.company.value(ASKED_LONG, held.asking.id))
            held.asking.late = True
        else:
            self.wait(self.company.value(EXPIRES if held.offer else PASSES, held.offer or held.id))
            held.over = True
        if swept:
            self.settle()

    def settle(self) -> None:
        self.wait(self.company.worker.settle())
        settle([held for _, held in self.those(*WORKING)], self.seats)
        for held in unanswered(self.live.values(), self.seats):
            held.asking = None
        assert self.wait(self.eye.fetchval(UNTOLD)) == 0

    def drain(self) -> None:
        waiting = self.those("new", "queued")
        busy = Counter(held.agent for _, held in self.those(*WORKING))
        room = any(seat.routable and busy[seat.actor.id] < seat.slots for seat in self.seats)
        self.wait(self.company.drain())
        live = self.rows(LIVE)
        for phone, held in waiting:
            if held.unrouted and not held.handed:
                said = sorted(each for number in self.group(phone) for each in self.said.get(number, ()))
                held.queue = queue_by(self.published, held.default, [text for step, text in said if step >= held.since])
            held.unrouted = False
            take_over(held, live[phone], self.seats, room=room)
        assert not self.wait(self.eye.fetch(WAITS_IN_VAIN)), "waits beside a free agent"
