"""Mutated fixtures against `verify` and `parse` themselves: they may raise Forged and ParseError, and nothing else."""

from __future__ import annotations

import random
import time
from collections import Counter

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from adapters.base import Forged, ParseError, WebhookRequest
from adapters.testing.cases import is_letter
from adapters.testing.harness import HarnessBase
from adapters.testing.mutate import mutated

BATCH = 200
SIGN_EVERY = 16
LEAST_READ = 0.2


class Tally(Struct):
    """What came of a provider's mutated bodies."""

    runs: int = 0
    read: int = 0
    forged: int = 0

    @property
    def share(self) -> float:
        """How many of the bodies could be read."""
        return self.read / self.runs if self.runs else 0.0


class Target:
    """One provider under attack. Whatever it raises that it may not, `attack` raises."""

    def __init__(self, harness: HarnessBase) -> None:
        self.harness = harness
        self.genuine = list(harness.requests().values())
        self.tally = Tally()
        self.seen: Counter[str] = Counter()
        self._proved = harness.unsigned() is not None

    def wrong(self, number: int) -> tuple[WebhookRequest, bytes]:
        """A genuine request and a body made wrong, by a number."""
        rng = random.Random(number)
        request = rng.choice(self.genuine)
        return request, mutated(request.body, dict(request.headers).get("content-type", ""), rng)

    def attack(self, request: WebhookRequest, body: bytes) -> None:
        """Give it a body that is not the one that was proved, then let it read that body."""
        account, adapter = self.harness.account, self.harness.adapter
        changed = replace(request, body=body)
        self.tally.runs += 1
        try:
            adapter.verify(changed, account)
        except Forged:
            self.tally.forged += 1
        else:
            assert self._cannot_tell(request.body, body), f"a changed body was taken for genuine: {body!r}"
        if self.tally.runs % SIGN_EVERY == 0:
            self._prove(body)
        self._read(changed)

    def _cannot_tell(self, genuine: bytes, body: bytes) -> bool:
        """Whether the scheme itself sees no difference, as Twilio's sees none when a field stands there twice."""
        if body == genuine or not (self._proved and self.harness.covers_body):
            return True
        ours, theirs = self.harness.resigned(body), self.harness.resigned(genuine)
        proof = self.harness.proof
        return proof is not None and dict(ours.headers)[proof] == dict(theirs.headers)[proof]

    def _prove(self, body: bytes) -> None:
        # A body in which no proof can stand any more need not be genuine; it must still not break the verifier.
        try:
            proved = self.harness.resigned(body)
        except ValueError:
            return  # this scheme has no proof for such bytes
        try:
            self.harness.adapter.verify(proved, self.harness.account)
        except Forged:
            self.seen["forged though proved"] += 1

    def _read(self, request: WebhookRequest) -> None:
        try:
            events = self.harness.adapter.parse(request, self.harness.account)
        except ParseError as error:
            assert error.reason
            self.seen[error.field or ""] += 1
            return
        self.tally.read += not (events and all(map(is_letter, events)))


def fuzz(harness: HarnessBase, seconds: float, seed: int) -> Tally:
    """hypothesis chooses the mutations, for about so many seconds."""
    target = Target(harness)
    until, rounds = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        _round(target, f"{seed} {rounds}")
        rounds += 1
    return target.tally


def _round(target: Target, seed: str) -> None:
    @seeded(seed)
    @settings(
        max_examples=BATCH,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 2**64))
    def attack(number: int) -> None:
        target.attack(*target.wrong(number))

    attack()
