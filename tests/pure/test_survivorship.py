"""Which value a profile shows, by each rule; and that a merge taken away gives back exactly the leaf."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from model.customer import Provenance, Source
from profiles.survivorship import (
    ALIKE,
    ALONE,
    CHOSEN,
    EDITED,
    JOINED,
    LISTS,
    SAID,
    STAYS,
    Choice,
    Composed,
    Leaf,
    MergeLink,
    Outcome,
    Value,
    combine,
    compose,
    outcomes_of,
)

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
IDS = [UUID(int=n << 80) for n in range(1, 7)]


def day(number: float) -> datetime:
    return BEGIN + timedelta(days=number)


MERGED = day(10)


def said(value: Value, source: Source = "agent", at: float = 1, revision: int = 1) -> Outcome:
    return Outcome(value, Provenance(source, day(at), revision=revision))


def decided(ours: Outcome, theirs: Outcome, choice: Choice | None = None, field: str = "plan") -> Outcome:
    choices: dict[str, Choice] = {field: choice} if choice else {}
    return combine({field: ours}, {field: theirs}, choices, MERGED)[field]


def beside(outcome: Outcome) -> tuple[str, ...]:
    assert outcome.provenance is not None
    return outcome.provenance.beside


def test_what_was_edited_after_the_merge_wins_over_a_choice_also_when_it_was_removed() -> None:
    edited = said("gold", at=11, revision=5)
    outcome = decided(edited, said("silver"), "loser")
    assert (outcome.value, outcome.rule, beside(outcome)) == ("gold", EDITED, ("silver",))
    assert outcome.provenance is not None
    assert outcome.provenance.revision == 5
    removed = decided(said(None, at=11), said("silver"))
    assert (removed.value, removed.rule, beside(removed)) == (None, EDITED, ("silver",))


def test_what_was_chosen_at_the_merge_overrules_the_rules() -> None:
    outcome = decided(said("gold"), said("silver", "channel"), "loser")
    assert (outcome.value, outcome.rule, beside(outcome)) == ("silver", CHOSEN, ("gold",))
    assert decided(said("gold", "channel"), said("silver"), "survivor").value == "gold"
    assert decided(said(None), said("silver"), "survivor").value is None


def test_what_only_one_side_has_is_shown_with_where_it_comes_from() -> None:
    outcome = decided(Outcome(), said("silver", "service"))
    assert (outcome.value, outcome.rule, beside(outcome)) == ("silver", ALONE, ())
    assert outcome.provenance is not None
    assert outcome.provenance.source == "service"
    assert decided(said("gold"), said((), "agent"), field="tags").value == "gold"


def test_lists_are_joined_in_order_without_doubles_unless_one_was_chosen_or_edited() -> None:
    ours, theirs = said(("vip", "press")), said(("press", "new"))
    joined = decided(ours, theirs, field="tags")
    assert (joined.value, joined.rule, beside(joined)) == (("vip", "press", "new"), JOINED, ())
    assert decided(ours, theirs, "loser", "tags").value == ("press", "new")
    edited = decided(said(("vip",), at=11), theirs, field="tags")
    assert (edited.value, edited.rule, beside(edited)) == (("vip",), EDITED, ("press", "new"))


def test_what_somebody_said_beats_what_came_by_the_channel_and_otherwise_the_survivors_stays() -> None:
    told = decided(said("Ana M", "channel"), said("Ana Matos", "agent"))
    assert (told.value, told.rule, beside(told)) == ("Ana Matos", SAID, ("Ana M",))
    assert decided(said("Ana Matos"), said("Ana M", "channel")).rule == SAID
    kept = decided(said("gold"), said("silver"))
    assert (kept.value, kept.rule, beside(kept)) == ("gold", STAYS, ("silver",))


def test_of_two_who_say_the_same_the_proven_one_is_named() -> None:
    proven = Outcome("gold", Provenance("service", day(2), verified=True))
    outcome = decided(said("gold"), proven)
    assert (outcome.value, outcome.rule, beside(outcome)) == ("gold", ALIKE, ())
    assert outcome.provenance is not None
    assert outcome.provenance.verified


def test_whoever_saw_only_one_side_is_told_when_they_edit() -> None:
    """A merged value's revision is one that neither side had, so that an edit of what was seen before is a conflict."""
    for ours, theirs in ((said("gold", revision=1), said("silver", revision=1)), (Outcome(), said("x", revision=0))):
        outcome = decided(ours, theirs)
        assert outcome.provenance is not None
        seen = {each.provenance.revision if each.provenance else 0 for each in (ours, theirs)}
        assert outcome.provenance.revision not in seen


def test_a_value_without_a_fact_came_with_the_first_contact() -> None:
    leaf = Leaf(IDS[0], {"name": "Ana", "plan": None, "tags": ()}, {}, day(3))
    outcomes = outcomes_of(leaf)
    assert outcomes["name"].provenance == Provenance("channel", day(3))
    assert outcomes["plan"].provenance is outcomes["tags"].provenance is None


def test_in_a_chain_each_merge_is_decided_by_what_it_found() -> None:
    a, b, c = (Leaf(id_, {"plan": plan}, {}, BEGIN) for id_, plan in zip(IDS, ("x", "y", "z"), strict=False))
    links = [MergeLink(a.id, b.id, day(2), {"plan": "loser"}), MergeLink(c.id, a.id, day(3), {"plan": "loser"})]
    outcome = compose(c.id, [a, b, c], links)["plan"]
    assert (outcome.value, set(beside(outcome))) == ("y", {"x", "z"})
    assert compose(a.id, [a, b, c], links[:1])["plan"].value == "y"


VALUES: dict[str, st.SearchStrategy[Value]] = {
    "name": st.sampled_from([None, "Ana", "Ana Matos", "A."]),
    "fields.limit": st.sampled_from([None, 3.0, 4.5]),
    "fields.member": st.sampled_from([None, True, False]),
    "tags": st.lists(st.sampled_from(["vip", "new", "press"]), unique=True).map(tuple),
}


@st.composite
def leaves(draw: st.DrawFn) -> list[Leaf]:
    found = []
    for id_ in IDS[: draw(st.integers(2, 6))]:
        values = {field: draw(strategy) for field, strategy in VALUES.items()}
        sources = st.sampled_from(get_args(Source))
        facts = {
            field: Provenance(draw(sources), day(draw(st.integers(0, 5))), revision=draw(st.integers(0, 3)))
            for field in values
            if draw(st.booleans())
        }
        found.append(Leaf(id_, values, facts, BEGIN))
    return found


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Leaf], list[MergeLink]]:
    """Leaves, and merges among what were roots at the time, later than every fact."""
    all_leaves = draw(leaves())
    roots = [leaf.id for leaf in all_leaves]
    links = []
    for number in range(draw(st.integers(1, len(roots) - 1))):
        survivor, loser = draw(st.permutations(roots))[:2]
        choices = draw(st.dictionaries(st.sampled_from(sorted(VALUES)), st.sampled_from(get_args(Choice))))
        links.append(MergeLink(survivor, loser, day(10 + number), choices))
        roots.remove(loser)
    return all_leaves, links


def plain(composed: Composed) -> dict[str, tuple[Value, Provenance | None]]:
    return {field: (outcome.value, outcome.provenance) for field, outcome in composed.items()}


@given(histories())
def test_a_merge_taken_away_gives_back_what_both_sides_were(history: tuple[list[Leaf], list[MergeLink]]) -> None:
    all_leaves, links = history
    *before, last = links
    survivor, loser = (compose(id_, all_leaves, before) for id_ in (last.survivor, last.loser))
    merged = compose(last.survivor, all_leaves, links)
    assert merged == combine(survivor, loser, last.choices, last.at)
    for leaf in all_leaves:
        assert plain(compose(leaf.id, all_leaves, [])) == plain(outcomes_of(leaf))


@given(histories())
def test_every_shown_value_was_said_by_a_leaf_and_every_other_word_stands_beside(
    history: tuple[list[Leaf], list[MergeLink]],
) -> None:
    all_leaves, links = history
    root = links[-1].survivor
    group = {root}
    for link in reversed(links):
        group |= {link.loser} if link.survivor in group else set()
    members = [leaf for leaf in all_leaves if leaf.id in group]
    composed = compose(root, all_leaves, links)
    for field in VALUES:
        known = {leaf.values[field] for leaf in members} - {None, ()}
        outcome = composed[field]
        if field in LISTS:
            assert isinstance(outcome.value, tuple)
            words = {item for each in known if isinstance(each, tuple) for item in each}
            assert len(outcome.value) == len(set(outcome.value))
            assert words == {*outcome.value, *(outcome.provenance.beside if outcome.provenance else ())}
        else:
            assert outcome.value in known | {None}
            others = known - {outcome.value}
            assert len(outcome.provenance.beside if outcome.provenance else ()) == len(others)


@given(histories(), st.sampled_from([None, "Somebody Else"]))
def test_an_edit_after_all_merges_is_what_is_shown(
    history: tuple[list[Leaf], list[MergeLink]], name: str | None
) -> None:
    all_leaves, links = history
    root = links[-1].survivor
    shown = compose(root, all_leaves, links)["name"]
    revision = (shown.provenance.revision if shown.provenance else 0) + 1
    edited = [
        msgspec.structs.replace(
            leaf,
            values=leaf.values | {"name": name},
            facts=leaf.facts | {"name": Provenance("agent", day(100), revision=revision)},
        )
        if leaf.id == root
        else leaf
        for leaf in all_leaves
    ]
    outcome = compose(root, edited, links)["name"]
    assert (outcome.value, outcome.rule) == (name, EDITED)
    assert outcome.provenance is not None
    assert outcome.provenance.revision == revision
