"""Who is it: only what a channel proves links; what speaks against it keeps apart; the order of handles is nothing."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from model.inbound import HandleRef
from profiles.identity import Ambiguous, Decision, Evidence, Matched, New, Owner, Policy, key_of, match

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
REFS = (
    HandleRef("phone", "+14155550123"),
    HandleRef("phone", "+14155550177"),
    HandleRef("email", "ada@example.com"),
    HandleRef("social", "psid-1", "meta:page"),
)
PHONE, OTHER, MAIL, SOCIAL = REFS
INFO = HandleRef("email", "info@acme.example")
NOBODY = HandleRef("phone", "+10000000000")
A, B, C = UUID(int=1), UUID(int=2), UUID(int=3)


def owner(handle: HandleRef | None, root: UUID, **more: object) -> Owner:
    """A handle of a customer who is the older the lower the id."""
    plain = Owner(handle, root, root, since=FIRST + timedelta(days=root.int))
    return structs.replace(plain, **more)


def decide(
    *proven: HandleRef, owners: tuple[Owner, ...] = (), policy: Policy | None = None, **more: object
) -> Decision:
    return match(structs.replace(Evidence(proven), **more), owners, policy or Policy())


def test_nobody_known_is_somebody_new_with_all_handles() -> None:
    decision = decide(PHONE, MAIL)
    assert isinstance(decision, New)
    assert set(decision.add) == {PHONE, MAIL}
    assert {reason.rule for reason in decision.reasons} == {"first_contact"}


def test_a_known_handle_finds_its_customer_and_brings_the_others_along() -> None:
    decision = decide(PHONE, MAIL, owners=(owner(PHONE, A),))
    assert isinstance(decision, Matched)
    assert (decision.customer, decision.add, decision.merge) == (A, (MAIL,), ())
    assert {(reason.rule, reason.handle) for reason in decision.reasons} == {
        ("known_handle", PHONE),
        ("proven_together", MAIL),
    }


def test_two_customers_proven_at_once_are_one_and_the_older_survives() -> None:
    """I4."""
    decision = decide(PHONE, MAIL, owners=(owner(PHONE, B), owner(MAIL, A)))
    assert isinstance(decision, Matched)
    assert decision.customer == A
    assert [(joined.customer, joined.handle) for joined in decision.merge] == [(B, PHONE)]
    assert all(reason.rivals == (B,) for reason in decision.reasons)


def test_whoever_has_the_external_id_survives_even_if_younger() -> None:
    owners = (owner(PHONE, A), owner(MAIL, B, external_ids=frozenset({"C1"})))
    decision = decide(PHONE, MAIL, owners=owners)
    assert isinstance(decision, Matched)
    assert decision.customer == B


@pytest.mark.parametrize(
    ("more_of_a", "more_of_b", "policy", "why"),
    [
        (
            {"external_ids": frozenset({"C1"})},
            {"external_ids": frozenset({"C2"})},
            Policy(),
            "conflicting_external_ids",
        ),
        ({"never": frozenset({B})}, {}, Policy(), "never_link"),
        ({}, {"never": frozenset({A})}, Policy(), "never_link"),
        ({"names": ("Ada Lovelace",)}, {"names": ("Grace Hopper",)}, Policy(), "different_names"),
        (
            {"names": ("Ana Silva",), "birth_dates": (date(1966, 12, 30),)},
            {"names": ("Ana Souza",), "birth_dates": (date(1985, 4, 3),)},
            Policy(),
            "different_birth_dates",
        ),
        ({}, {}, Policy(auto_merge=False), "policy"),
    ],
)
def test_what_speaks_against_it_keeps_two_customers_apart(
    more_of_a: dict[str, object], more_of_b: dict[str, object], policy: Policy, why: str
) -> None:
    owners = (owner(PHONE, A, **more_of_a), owner(MAIL, B, **more_of_b))
    decision = decide(PHONE, MAIL, owners=owners, policy=policy)
    assert isinstance(decision, Matched)
    assert decision.merge == ()
    assert [(kept.why, kept.customer) for kept in decision.kept] == [(why, B)]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("Bob Smith", "Robert Smith"),
        ("Ada Lovelace", "Lovelace, Ada"),
        ("Ana López", "Ana Schmidt"),
        ("Ada", "Grace Hopper"),
    ],
)
def test_a_name_that_may_be_the_same_persons_keeps_nobody_apart(ours: str, theirs: str) -> None:
    decision = decide(PHONE, MAIL, owners=(owner(PHONE, A, names=(ours,)), owner(MAIL, B, names=(theirs,))))
    assert isinstance(decision, Matched)
    assert [joined.customer for joined in decision.merge] == [B]


@pytest.mark.parametrize(
    "theirs",
    [
        (date(1966, 12, 30),),
        (date(1966, 11, 12),),  # day and month changed about
        (date(1966, 12, 3),),
        (date(1968, 12, 11),),
        (date(1966, 1, 1),),  # the day is not known
        (date(1970, 1, 1),),  # a form filled it in
        (date(1985, 4, 3), date(1966, 12, 11)),
        (),
    ],
)
def test_a_birth_date_with_a_slip_keeps_nobody_apart(theirs: tuple[date, ...]) -> None:
    ours = owner(PHONE, A, names=("Ana Silva",), birth_dates=(date(1966, 12, 11),))
    decision = decide(PHONE, MAIL, owners=(ours, owner(MAIL, B, names=("Ana Silva",), birth_dates=theirs)))
    assert isinstance(decision, Matched)
    assert [joined.customer for joined in decision.merge] == [B]


def test_what_is_claimed_never_links() -> None:
    """I3."""
    decision = decide(PHONE, owners=(owner(MAIL, A),), claims=(MAIL, OTHER))
    assert isinstance(decision, New)
    assert decision.add == (PHONE,)
    assert decision.claimed == (MAIL, OTHER)
    known = decide(PHONE, owners=(owner(PHONE, A), owner(MAIL, A)), claims=(MAIL,))
    assert isinstance(known, Matched)
    assert known.claimed == (), "it is theirs already"


def test_a_role_address_links_nothing_beside_a_personal_handle() -> None:
    decision = decide(PHONE, INFO, owners=(owner(INFO, A),))
    assert isinstance(decision, New)
    assert decision.add == (PHONE,)
    assert [(kept.why, kept.customer) for kept in decision.kept] == [("role_address", A)]
    alone = decide(INFO, owners=(owner(INFO, A),))
    assert isinstance(alone, Matched)
    assert alone.customer == A


def test_what_means_nobody_finds_nobody_even_where_somebody_has_it() -> None:
    assert isinstance(decide(NOBODY, owners=(owner(NOBODY, A),)), Ambiguous)
    decision = decide(NOBODY, PHONE, owners=(owner(NOBODY, A),))
    assert isinstance(decision, New)
    assert decision.add == (PHONE,)


def test_a_shared_handle_is_ambiguous_alone_and_says_nothing_beside_another() -> None:
    """I2."""
    shared = Owner(PHONE, shared=True, candidates=(B, A))
    alone = decide(PHONE, owners=(shared,))
    assert isinstance(alone, Ambiguous)
    assert alone.candidates == (B, A)
    beside = decide(PHONE, MAIL, owners=(shared, owner(MAIL, C)))
    assert isinstance(beside, Matched)
    assert (beside.customer, beside.add) == (C, ())


def test_a_handle_that_took_the_place_of_another_is_the_same_persons() -> None:
    """I10."""
    decision = decide(SOCIAL, owners=(owner(OTHER, A),), replaces=OTHER)
    assert isinstance(decision, Matched)
    assert (decision.customer, decision.add) == (A, (SOCIAL,))
    assert decision.reasons[-1].rule == "changed_id"
    assert decide(SOCIAL, replaces=OTHER) == New((SOCIAL,), reasons=decide(SOCIAL).reasons)


def test_an_external_id_finds_its_customer_and_a_handle_of_another_id_is_not_theirs() -> None:
    c1 = frozenset({"C1"})
    found = decide(PHONE, external_id="C1", owners=(owner(None, A, external_ids=c1),))
    assert isinstance(found, Matched)
    assert (found.customer, found.add, found.external_id) == (A, (PHONE,), None)
    noted = decide(PHONE, external_id="C1", owners=(owner(PHONE, A),))
    assert isinstance(noted, Matched)
    assert noted.external_id == "C1"
    other = decide(PHONE, external_id="C2", owners=(owner(PHONE, A, external_ids=c1),))
    assert isinstance(other, New)
    assert (other.add, other.external_id) == ((), "C2")
    assert [kept.why for kept in other.kept] == ["conflicting_external_ids"]


def test_a_name_never_takes_a_message_away_from_the_owner_of_its_handle() -> None:
    decision = decide(PHONE, owners=(owner(PHONE, A, names=("Ada Lovelace",)),), name="Grace Hopper")
    assert isinstance(decision, Matched)
    assert decision.customer == A
    further = decide(PHONE, MAIL, owners=(owner(PHONE, A, names=("Ada Lovelace",)),), name="Grace Hopper")
    assert isinstance(further, New)
    assert further.add == (MAIL,), "the new handle is not given to somebody of another name"


MORE = st.fixed_dictionaries(
    {},
    optional={
        "external_ids": st.sampled_from([frozenset(), frozenset({"C1"}), frozenset({"C2"})]),
        "never": st.sampled_from([frozenset(), frozenset({A}), frozenset({B, C})]),
        "names": st.sampled_from([(), ("Ada Lovelace",), ("Grace Hopper",)]),
    },
)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Evidence, tuple[Owner, ...]]:
    about = {root: draw(MORE) for root in (A, B, C)}
    owners = []
    for ref in REFS:
        whose = draw(st.sampled_from([None, "shared", A, B, C]))
        if whose == "shared":
            owners.append(Owner(ref, shared=True, candidates=(A,)))
        elif isinstance(whose, UUID):
            owners.append(owner(ref, whose, **about[whose]))
    proven = draw(st.lists(st.sampled_from([*REFS, INFO, NOBODY]), min_size=1, max_size=4, unique=True))
    claims = draw(st.lists(st.sampled_from(REFS), max_size=2, unique=True))
    name = draw(st.sampled_from([None, "Ada Lovelace", "Grace Hopper"]))
    return Evidence(tuple(proven), tuple(claims), name=name), tuple(owners)


@given(worlds())
def test_the_order_of_handles_and_owners_does_not_matter(world: tuple[Evidence, tuple[Owner, ...]]) -> None:
    evidence, owners = world
    decisions = {
        str(match(structs.replace(evidence, proven=proven), owners[::step], Policy()))
        for proven in itertools.permutations(evidence.proven)
        for step in (1, -1)
    }
    candidates = "candidates" in next(iter(decisions))
    assert len(decisions) == 1 or candidates, decisions


@given(worlds())
def test_what_is_decided_keeps_every_promise(world: tuple[Evidence, tuple[Owner, ...]]) -> None:
    evidence, owners = world
    decision = match(evidence, owners, Policy())
    proven = {key_of(ref) for ref in evidence.proven}
    by_key = {key_of(each.handle): each for each in owners if each.handle}
    if isinstance(decision, Ambiguous):
        return
    for ref in decision.add:
        known = by_key.get(key_of(ref))
        assert key_of(ref) in proven, "only what is proven is linked"
        assert known is None or known.root is None, "nobody loses a handle"
        assert ref not in (INFO, NOBODY) or set(evidence.proven) <= {INFO, NOBODY}
    if isinstance(decision, Matched):
        reached = {each.root for each in owners if each.handle and key_of(each.handle) in proven}
        assert {decision.customer, *(joined.customer for joined in decision.merge)} <= reached
        joined = [each for each in owners if each.root in {decision.customer, *(j.customer for j in decision.merge)}]
        ids: set[str] = set().union(*(each.external_ids for each in joined))
        assert len(ids) <= 1, "different external ids are never one person"
        assert not any(one.root in other.never for one in joined for other in joined if one.root != other.root)
