"""What comes after a contact: wrap-up in four modes, and what becomes of held work whose agent is gone. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from msgspec import Struct

from model.agent import WrapUpMode
from model.contact import ContactState

WhenLeft = Literal["by_answer", "keep", "queue", "park"]
Gone = Literal["offline", "vanished", "deactivated"]

KEPT_FOR = timedelta(hours=12)
"""How long `keep` keeps the work of an agent who vanished and never came back."""
PARKED_UNANSWERED_FOR = timedelta(hours=1)
"""How long a parked contact may wait for its owner when the customer's last word has no answer."""


class WrapUp(Struct, frozen=True):
    """Wrap-up begins. `lasts` None: until the agent ends it."""

    mode: Literal["optional", "timed", "required"]
    lasts: timedelta | None


After = Literal["done", "needs_code"] | WrapUp


def after_finish(
    state: ContactState, mode: WrapUpMode, seconds: int, *, asked: bool = False, coded: bool = False
) -> After:
    """What finishing a held contact leads to. `coded`: it says how the contact ended, so nothing is left to do.

    A parked one takes no capacity and so has no wrap-up: where a code is required, it is needed at once.
    """
    if coded:
        return "done"
    if state != "assigned":
        return "needs_code" if mode == "required" else "done"
    if mode == "required":
        return WrapUp("required", None)
    if mode == "optional" and asked:
        return WrapUp("optional", timedelta(seconds=seconds) if seconds else None)
    if mode == "timed" and seconds:
        return WrapUp("timed", timedelta(seconds=seconds))
    return "done"


Handed = Literal["done", "parked", "queued"]


def when_left(state: ContactState, gone: Gone, policy: WhenLeft, *, answered: bool, kept_long: bool) -> Handed | None:
    """What becomes of a contact whose agent logged off, vanished beyond their grace, or works here no more.

    None: it stays theirs. The queue's policy is about those who vanished; who logs off hands back by answer. What
    an agent leaves who works here no more is never parked for them.
    """
    if state == "wrapping":
        return "done"
    if gone == "deactivated":
        return "queued" if state in ("assigned", "parked") else None
    if state != "assigned":
        return None
    if gone == "vanished" and policy == "keep" and not kept_long:
        return None
    if gone == "vanished" and policy in ("queue", "park"):
        return "queued" if policy == "queue" else "parked"
    return "parked" if answered else "queued"
