"""Who is it? The decision, from what a channel proves and what is known. Pure.

A proven handle finds its customer. Several in one contact make one customer of several, unless something speaks against
it: then the customers stay apart and a colleague is asked. What somebody only says of themselves links nothing.
The outcome does not depend on the order in which handles are named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from model.customer import Source
from model.inbound import HandleKind, HandleRef
from profiles.birth_dates import are_of_different_people
from profiles.handles import classify
from profiles.names import are_different_people

Why = Literal[
    "conflicting_external_ids", "never_link", "different_names", "different_birth_dates", "role_address", "policy"
]
"""Why two customers proven to be one stay apart all the same."""
Step = Literal["first_contact", "known_handle", "proven_together", "proven_by_channel"]
Rule = Literal[Step, "changed_id", "external_id", "shared_handle", "means_nobody"]


class Evidence(Struct, frozen=True):
    """What one contact or one identification says of who it is. `proven`: the handle it came on first."""

    proven: tuple[HandleRef, ...]
    claims: tuple[HandleRef, ...] = ()
    replaces: HandleRef | None = None
    """The handle that the first one took the place of, as the channel proves."""
    name: str | None = None
    external_id: str | None = None
    account: str | None = None
    key: str | None = None
    """The provider's id of the event."""
    source: Source = "channel"


class Owner(Struct, frozen=True):
    """What is known of a handle (None: of the external id): whose it is, and what could keep two customers apart."""

    handle: HandleRef | None
    leaf: UUID | None = None
    root: UUID | None = None
    shared: bool = False
    candidates: tuple[UUID, ...] = ()
    """Of a shared handle: who may be writing, the last identified first."""
    external_ids: frozenset[str] = frozenset()
    """Of the whole profile."""
    names: tuple[str, ...] = ()
    since: datetime | None = None
    never: frozenset[UUID] = frozenset()
    """Profiles that somebody said are not this one."""
    placeholder: bool = False
    """Nobody knows yet who this is."""
    birth_dates: tuple[date, ...] = ()


class Policy(Struct, frozen=True):
    """What may happen without a human."""

    auto_merge: bool = True


class Reason(Struct, frozen=True):
    """One step of the decision: the rule, the handle it looked at, and the customers it was between."""

    rule: Rule
    handle: HandleRef | None
    customer: UUID | None = None
    rivals: tuple[UUID, ...] = ()


class Joined(Struct, frozen=True):
    """Another customer who is the same one; `handle`: by which that is proven."""

    customer: UUID
    handle: HandleRef | None


class Kept(Struct, frozen=True):
    """A customer or a handle that was proven together with the one decided for, and was kept apart."""

    why: Why
    handle: HandleRef | None
    customer: UUID | None = None


class Matched(Struct, frozen=True):
    """It is this customer. `add`: further handles of theirs; `merge`: customers who are the same one."""

    customer: UUID
    add: tuple[HandleRef, ...] = ()
    merge: tuple[Joined, ...] = ()
    external_id: str | None = None
    """To be noted, because it was not known."""
    kept: tuple[Kept, ...] = ()
    claimed: tuple[HandleRef, ...] = ()
    reasons: tuple[Reason, ...] = ()


class New(Struct, frozen=True):
    """It is nobody we know. `add`: the handles of the new customer."""

    add: tuple[HandleRef, ...]
    external_id: str | None = None
    kept: tuple[Kept, ...] = ()
    claimed: tuple[HandleRef, ...] = ()
    reasons: tuple[Reason, ...] = ()


class Ambiguous(Struct, frozen=True):
    """Several people write on it, or nobody is meant by it; `candidates`: who it may be."""

    candidates: tuple[UUID, ...] = ()
    claimed: tuple[HandleRef, ...] = ()
    reasons: tuple[Reason, ...] = ()


Decision = Matched | New | Ambiguous
Key = tuple[HandleKind, str, str]


def key_of(handle: HandleRef) -> Key:
    """What makes it the same handle, in the order in which handles are locked."""
    return handle.kind, handle.scope, handle.value


def linking(proven: Sequence[HandleRef]) -> tuple[HandleRef, ...]:
    """The handles that may say who it is: those of one person, else role addresses, else what means nobody.

    A role address beside a personal one links nothing: the next to write from it may be somebody else.
    """
    for standing in ("personal", "role", "placeholder"):
        found = {key_of(ref): ref for ref in reversed(proven) if classify(ref.kind, ref.value) == standing}
        if found:
            return tuple(ref for key, ref in sorted(found.items()))
    return ()


def match(evidence: Evidence, owners: Iterable[Owner], policy: Policy) -> Decision:
    """Decide. `owners`: one of every handle of the evidence that is known, and one of the external id if it is."""
    known = _Known(evidence, owners)
    if evidence.external_id is None and known.means_nobody:
        return known.ambiguous()
    found, kept = known.possible()
    if not found:
        return known.nobody_of_these(kept)
    target, *others = sorted(found, key=lambda owner: _rank(owner, evidence.external_id))
    accepted: list[Owner] = [target]
    joined: list[Joined] = []
    for other in others:
        why = next((why for one in accepted if (why := _against(one, other))), None)
        why = why or (None if policy.auto_merge else "policy")
        if why:
            kept.append(Kept(why, other.handle, other.root))
        else:
            accepted.append(other)
            joined.append(Joined(_root(other), other.handle))
    ids = frozenset().union(*(owner.external_ids for owner in accepted))
    return Matched(
        _root(target),
        known.free,
        tuple(joined),
        evidence.external_id if not ids else None,
        tuple(kept) + known.beside(_root(target)),
        known.claimed_besides({_root(owner) for owner in accepted}),
        known.reasons(_root(target)),
    )


class _Known:
    """The evidence laid beside what is known of it."""

    def __init__(self, evidence: Evidence, owners: Iterable[Owner]) -> None:
        self._evidence = evidence
        self._by_key: dict[Key, Owner] = {}
        self._by_external_id: Owner | None = None
        for owner in owners:
            if owner.handle is None:
                self._by_external_id = owner
            else:
                self._by_key[key_of(owner.handle)] = owner
        self.handles = linking(evidence.proven)
        self.free = tuple(ref for ref in self.handles if self._is_free(ref))

    def _is_free(self, ref: HandleRef) -> bool:
        owner = self._by_key.get(key_of(ref))
        is_free = owner is None or (owner.root is None and not owner.shared)
        return is_free and classify(ref.kind, ref.value) != "placeholder"

    @property
    def means_nobody(self) -> bool:
        """Only handles that many people use, or that stand for none."""
        return not self.free and not self._owners()

    def _owners(self) -> list[Owner]:
        """One of each profile that a proven handle leads to, the external id's first."""
        refs = [*self.handles, *([self._evidence.replaces] if self._evidence.replaces else [])]
        meant = [ref for ref in refs if classify(ref.kind, ref.value) != "placeholder"]
        all_of = [self._by_external_id, *(self._by_key.get(key_of(ref)) for ref in meant)]
        found: dict[UUID, Owner] = {}
        for owner in all_of:
            if owner is not None and owner.root is not None:
                found.setdefault(owner.root, owner)
        return list(found.values())

    def possible(self) -> tuple[list[Owner], list[Kept]]:
        """Who it can be by what the evidence says besides, and who it cannot.

        Where only the name speaks against all of them and no handle is left for somebody new, the handle decides.
        """
        judged = [(owner, self._contradicts(owner)) for owner in self._owners()]
        possible = [owner for owner, why in judged if why is None]
        kept = [Kept(why, owner.handle, owner.root) for owner, why in judged if why is not None]
        if possible or self.free or self._evidence.external_id:
            return possible, kept
        first = min(self._owners(), key=lambda owner: _rank(owner, None))
        return [first], [each for each in kept if each.customer != first.root]

    def _contradicts(self, owner: Owner) -> Why | None:
        """Why this is not whom the evidence means."""
        given = self._evidence.external_id
        if given is not None and owner.external_ids and given not in owner.external_ids:
            return "conflicting_external_ids"
        if given is not None and given in owner.external_ids:
            return None
        # A name only speaks against linking something further; alone, the handle has proven who it is.
        links = len(self.handles) > 1 or self._evidence.replaces is not None or given is not None
        names = (self._evidence.name,) if self._evidence.name else ()
        return "different_names" if links and are_different_people(names, owner.names) else None

    def beside(self, target: UUID | None) -> tuple[Kept, ...]:
        """Owners of role addresses that came along."""
        others = [self._by_key.get(key_of(ref)) for ref in self._evidence.proven if ref not in self.handles]
        roots = {owner.root: owner for owner in others if owner and owner.root not in (None, target)}
        return tuple(Kept("role_address", owner.handle, owner.root) for owner in roots.values())

    def claimed_besides(self, roots: set[UUID]) -> tuple[HandleRef, ...]:
        """What was claimed and is not theirs already."""
        pairs = [(ref, self._by_key.get(key_of(ref))) for ref in self._evidence.claims]
        unlike = [ref for ref, owner in pairs if owner is None or not (owner.shared or owner.root in roots)]
        return tuple(ref for ref in unlike if classify(ref.kind, ref.value) == "personal")

    def nobody_of_these(self, kept: list[Kept]) -> New:
        """Somebody new, with the handles that are free."""
        claimed = self.claimed_besides(set())
        reasons = tuple(Reason("first_contact", ref) for ref in self.free)
        return New(self.free, self._evidence.external_id, tuple(kept) + self.beside(None), claimed, reasons)

    def ambiguous(self) -> Ambiguous:
        """Whoever may be writing on these."""
        candidates: dict[UUID, None] = {}
        reasons = []
        for ref in self.handles:
            owner = self._by_key.get(key_of(ref))
            these = owner.candidates if owner else ()
            candidates.update(dict.fromkeys(these))
            rule: Rule = "shared_handle" if classify(ref.kind, ref.value) != "placeholder" else "means_nobody"
            reasons.append(Reason(rule, ref, None, these))
        return Ambiguous(tuple(candidates), self.claimed_besides(set()), tuple(reasons))

    def reasons(self, target: UUID) -> tuple[Reason, ...]:
        """How each handle counted, and which customers it stood between."""
        roots = tuple(owner.root for owner in self._owners() if owner.root not in (None, target))
        found = []
        if self._by_external_id is not None:
            found.append(Reason("external_id", None, self._by_external_id.root, roots))
        for ref in self.handles:
            owner = self._by_key.get(key_of(ref))
            rule: Rule = "shared_handle" if owner and owner.shared else "known_handle"
            if ref in self.free:
                rule = "changed_id" if self._evidence.replaces else "proven_together"
            found.append(Reason(rule, ref, owner.root if owner else None, roots))
        return tuple(found)


def _against(ours: Owner, theirs: Owner) -> Why | None:
    """What keeps two profiles apart that a contact proves to be one."""
    if theirs.root in ours.never or ours.root in theirs.never:
        return "never_link"
    if ours.external_ids and theirs.external_ids and not ours.external_ids & theirs.external_ids:
        return "conflicting_external_ids"
    if are_different_people(ours.names, theirs.names):
        return "different_names"
    # Two of one given name behind one switchboard, a father and a son on one phone: the names cannot tell.
    return "different_birth_dates" if are_of_different_people(ours.birth_dates, theirs.birth_dates) else None


def _rank(owner: Owner, external_id: str | None) -> tuple[bool, bool, bool, datetime, UUID]:
    """Who survives comes first: who is somebody, whom the external id names, who has one, who is known longer."""
    assert owner.since is not None, "an owner has a customer"  # noqa: S101  # a mistake of the caller
    is_other = external_id not in owner.external_ids
    return owner.placeholder, is_other, not owner.external_ids, owner.since, _root(owner)


def _root(owner: Owner) -> UUID:
    assert owner.root is not None, "an owner has a customer"  # noqa: S101  # a mistake of the caller
    return owner.root
