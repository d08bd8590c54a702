"""How agents hand on what they hold, blind and warm: in the product, and in the model of it."""

from __future__ import annotations

from uuid import UUID

from gateway.voice_calls import Calls
from gateway.voice_desk import transfer
from model.agent import Actor
from model.contact import ContactState
from model.refusal import Refused
from model.wire_calls import Target, Transfer
from router.assign import Given
from router.handover import accept_handover, cancel_handover, decline_handover
from tests.store.work_model import LIVE, Asking, Held, Seat
from tests.store.work_place import Place

WORKING: tuple[ContactState, ...] = ("offered", "assigned", "wrapping")
ANSWERS = ("take", "take", "decline", "cancel", "take another's")


class Handing(Place):
    """One action each."""

    def hand_on(self, pick: int, who: int, to_queue: str | None, mine: bool) -> None:
        """To another agent, or to a queue."""
        held, actor = self.one(pick, who, mine)
        target = self.seats[(who + pick) % len(self.seats)]
        to = Target(queue=to_queue) if to_queue else Target(agent=target.actor.id)
        done = self._transfer(actor, Transfer(held.id, to))
        legal = self._theirs(held, actor) and (bool(to_queue) or self._free(target, actor))
        assert (done is None) == legal, done
        if not legal:
            return
        held.hand_back(actor.id if to_queue else None)
        if to_queue:
            held.queue, held.handed = to_queue, True
        else:
            held.first = [target.actor.id, actor.id]

    def ask_to_take(self, pick: int, who: int, mine: bool) -> None:
        """Another agent is asked; its holder keeps it meanwhile."""
        held, actor = self.one(pick, who, mine)
        target = self.seats[(who + pick) % len(self.seats)]
        done = self._transfer(actor, Transfer(held.id, Target(agent=target.actor.id), warm=True))
        legal = self._theirs(held, actor) and self._free(target, actor) and held.asking is None
        assert (done is None) == legal, done
        if legal:
            held.asking = Asking(self.rows(LIVE)[held.phone]["asked"], target.actor.id)

    def answer_who_asks(self, pick: int, how: str) -> None:
        """Who is asked takes it or will not, who asked asks no longer, or somebody takes what another was asked."""
        held = self.those_asked()[pick % len(self.those_asked())]
        asking = held.asking
        assert asking is not None
        holder, asked = self.seat(held.agent).actor, self.seat(asking.agent)
        match how:
            case "take":
                self._take(held, asking, asked)
            case "decline":
                assert self.do(lambda tx: decline_handover(tx, asking.id, None, asked.actor)) is None
                held.asking = None
            case "cancel":
                refused = self.do(lambda tx: cancel_handover(tx, asking.id, asked.actor))
                assert refused is not None
                assert refused.code == "not_holder"
                assert self.do(lambda tx: cancel_handover(tx, asking.id, holder)) is None
                held.asking = None
            case _:
                assert self._taking(asking.id, holder) == "forbidden"

    def _take(self, held: Held, asking: Asking, asked: Seat) -> None:
        room = bool(asked.screens) and self._busy(asked) < asked.slots
        answer = "gone" if asking.late else "given" if room else "wrong_state"
        for _ in range(2):  # a repeated accept is the same answer
            assert self._taking(asking.id, asked.actor) == answer
        if answer == "given":
            held.taken_over()

    def those_asked(self) -> list[Held]:
        """The contacts somebody is asked to take over."""
        return [held for _, held in sorted(self.live.items()) if held.asking]

    def _taking(self, handover: UUID, actor: Actor) -> str:
        done = self.do(lambda tx: accept_handover(tx, handover, actor))
        return "given" if isinstance(done, Given) else done.code

    def _transfer(self, actor: Actor, frame: Transfer) -> Refused | None:
        calls = Calls(self.company.pool, self.company.announce, lambda: None, lambda: None)
        return self.wait(transfer(calls, actor, frame))

    def _theirs(self, held: Held, actor: Actor) -> bool:
        return held.state in ("assigned", "parked") and held.agent == actor.id

    def _free(self, target: Seat, actor: Actor) -> bool:
        return target.routable and self._busy(target) < target.slots and target.actor.id != actor.id

    def _busy(self, seat: Seat) -> int:
        return sum(held.agent == seat.actor.id for _, held in self.those(*WORKING))
