"""How likely two profiles are one person: rare names say much, common ones little, families stay apart."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.likeness import compare
from profiles.names import are_clearly_different, count_people, may_be_one, word_likeness, words_of
from profiles.portrait import Claimed, Crowd, Place, Portrait

LIKELY = 0.75
A, B = UUID(int=1), UUID(int=2)
TOWN = Crowd(
    10_000, {"maria": 300, "garcia": 250, "smith": 200, "john": 250, "anna": 200, "lindqvist": 2, "solveig": 2}
)
HOME = Place("12 Elm Street", "Springfield", "12345")
BORN = date(1985, 12, 10)


def score(ours: Mapping[str, object], theirs: Mapping[str, object], crowd: Crowd = TOWN) -> float:
    return compare(Portrait(A, **ours), Portrait(B, **theirs), crowd).score  # type: ignore[arg-type]


def test_a_rare_name_is_enough_and_a_common_one_is_not() -> None:
    assert score({"names": ("Solveig Lindqvist",)}, {"names": ("Solveig Lindqvist",)}) > 0.95
    assert score({"names": ("Maria Garcia",)}, {"names": ("Maria Garcia",)}) < 0.3


@pytest.mark.parametrize(
    "more",
    [
        {"birth_dates": (BORN,)},
        {"places": (HOME,)},
        {"locations": ("Springfield",), "companies": ("Acme",), "emails": ("mg.1985x@a.com",)},
    ],
)
def test_a_common_name_with_more_in_common_is_enough(more: dict[str, object]) -> None:
    theirs = {**more, "emails": ("mg.1985x@b.com",)} if "emails" in more else more
    assert score({"names": ("Maria Garcia",), **more}, {"names": ("Maria Garcia",), **theirs}) > LIKELY


def test_a_typing_error_costs_little() -> None:
    right, wrong = {"names": ("Solveig Lindqvist",)}, {"names": ("Solvieg Lindqvist",)}
    assert LIKELY < score(right, wrong) < score(right, right)


def test_a_spelling_of_a_common_name_is_no_rare_name() -> None:
    assert score({"names": ("John Smith",)}, {"names": ("Jhon Smith",)}) < LIKELY


@pytest.mark.parametrize("given_name", ["Peter", "Maria", "Chloe"])
def test_one_family_name_at_one_address_with_one_birth_date_is_a_family(given_name: str) -> None:
    shared: dict[str, object] = {"places": (HOME,), "birth_dates": (BORN,), "companies": ("Acme",)}
    near = {"phones": ("+14155550124",)}
    ours = {"names": ("Anna Lindqvist",), "phones": ("+14155550123",), **shared}
    assert score(ours, {"names": (f"{given_name} Lindqvist",), **near, **shared}) < LIKELY


@pytest.mark.parametrize("given_name", ["Marta", "Maria", "Mira"])
def test_given_names_of_one_household_that_only_begin_alike_are_two_peoples(given_name: str) -> None:
    household: dict[str, object] = {"places": (HOME,), "companies": ("Acme",), "locations": ("Springfield",)}
    marco = {"names": ("Marco Lindqvist",), "phones": ("+14155550123",), **household}
    other = {"names": (f"{given_name} Lindqvist",), "phones": ("+14155550124",), **household}
    assert score(marco, other) < 0.1
    born = {"birth_dates": (BORN,)}
    assert score({**marco, **born}, {**other, **born}) < LIKELY, "twins"


@pytest.mark.parametrize(
    "other", ["Lindqvist, Layla", "Leila Lindqvist", "Lalya Lindqvist", "L. Lindqvist", "Layla M. Lindqvist"]
)
def test_one_given_name_in_other_spellings_at_one_address_is_one_person(other: str) -> None:
    person: dict[str, object] = {"places": (HOME,), "birth_dates": (BORN,)}
    assert score({"names": ("Layla Lindqvist",), **person}, {"names": (other,), **person}) > LIKELY


def test_another_birth_date_at_one_address_makes_a_parent_of_that_name() -> None:
    father = {"names": ("Maria Garcia",), "places": (HOME,), "birth_dates": (date(1951, 3, 4),)}
    assert score(father, {**father, "birth_dates": (BORN,)}) < LIKELY


@pytest.mark.parametrize("theirs", ["Peter Lindqvist", "Marco Lindqvist", "Grace Hopper"])
@pytest.mark.parametrize("twins", [True, False])
def test_a_handle_that_two_different_names_were_proven_to_use_asks_nobody(theirs: str, twins: bool) -> None:
    born = (BORN,) if twins else ()
    kept = Claimed("phone", "", "+14155550123", proven=True)
    anna = Portrait(A, ("Anna Lindqvist",), birth_dates=born, places=(HOME,), claims=(kept,))
    other = Portrait(
        B, (theirs,), birth_dates=born, phones=("+14155550123",), places=() if "Grace" in theirs else (HOME,)
    )
    for one, two in ((anna, other), (other, anna)):
        found = compare(one, two, TOWN)
        assert not found.claimed
        assert found.score < LIKELY
        assert [field.weight for field in found.matched if field.field == "claimed phone"] == [0]


@pytest.mark.parametrize("theirs", ["Anna Lindqvist", "A. Lindqvist", "Anna Hopper", "Anna", None])
def test_a_handle_proven_and_kept_apart_for_another_reason_is_asked_about(theirs: str | None) -> None:
    kept = Claimed("phone", "", "+14155550123", proven=True)
    anna = Portrait(A, ("Anna Lindqvist",), external_ids=("C1",), claims=(kept,))
    other = Portrait(B, (theirs,) if theirs else (), external_ids=("C2",), phones=("+14155550123",))
    assert compare(anna, other, TOWN).claimed
    assert compare(other, anna, TOWN).claimed


@pytest.mark.parametrize(
    ("field", "ours", "theirs"),
    [("birth_dates", (BORN,), (date(1971, 3, 4),)), ("external_ids", ("C1",), ("C2",))],
)
def test_what_one_person_has_once_speaks_against_it(field: str, ours: object, theirs: object) -> None:
    name = {"names": ("Anna Lindqvist",)}
    alike = score(name, name)
    assert score({**name, field: ours}, {**name, field: theirs}) < alike - 0.3


def test_a_birth_date_that_is_wrong_in_one_part_speaks_neither_against_nor_loudly_for() -> None:
    name = {"names": ("Maria Garcia",)}
    alike, slip, same, other = (
        score({**name, "birth_dates": (BORN,)}, {**name, "birth_dates": (born,)})
        for born in (date(1985, 12, 11), date(1985, 12, 27), BORN, date(1971, 3, 4))
    )
    assert other < score(name, name) < slip < alike < same


def test_a_date_that_forms_fill_in_says_nothing() -> None:
    name = {"names": ("Maria Garcia",)}
    filled = {**name, "birth_dates": (date(1970, 1, 1),)}
    assert score(filled, filled) == score(name, name)


@pytest.mark.parametrize(
    ("ours", "theirs", "how"),
    [
        ("+14155550123", "+14155590123", "one digit apart"),
        ("+14155550123", "+14155505123", "two digits changed about"),
    ],
)
def test_a_number_one_slip_away_speaks_for_it(ours: str, theirs: str, how: str) -> None:
    found = compare(Portrait(A, ("J Smith",), phones=(ours,)), Portrait(B, ("J Smith",), phones=(theirs,)), TOWN)
    phone = next(field for field in found.matched if field.field == "phone")
    assert (phone.how, phone.ours, phone.theirs) == (how, ours, theirs)
    assert phone.weight > 3


def test_numbers_side_by_side_in_a_block_of_many_say_nothing() -> None:
    block = Crowd(10_000, near_phones=40)
    ours, theirs = {"phones": ("+14155550123",)}, {"phones": ("+14155550124",)}
    assert score(ours, theirs, block) < score(ours, theirs)
    assert score(ours, theirs, block) == score({}, {}, block)


def test_role_and_made_up_addresses_say_nothing() -> None:
    assert score({"emails": ("info@a.example",)}, {"emails": ("info@b.example",)}) == score({}, {})
    assert score({"emails": ("none@a.example",)}, {"emails": ("none@b.example",)}) == score({}, {})


def test_the_same_before_the_at_says_more_when_it_is_not_just_the_name() -> None:
    name = {"names": ("John Smith",)}
    plain = score({**name, "emails": ("john.smith@a.com",)}, {**name, "emails": ("john.smith@b.com",)})
    rare = score({**name, "emails": ("jsmith.zx81@a.com",)}, {**name, "emails": ("jsmith.zx81@b.com",)})
    assert score(name, name) < plain < rare


@pytest.mark.parametrize("name", ["Grace Hopper", "Grace Murray", "G. Hopper", "Grace", None])
def test_a_claim_is_told_unless_the_names_are_of_two_people(name: str | None) -> None:
    claim = Claimed("email", "", "grace@example.com")
    ours = Portrait(A, (name,) if name else (), claims=(claim,))
    theirs = Portrait(B, ("Grace Hopper",), emails=("grace@example.com",))
    for one, other in ((ours, theirs), (theirs, ours)):
        found = compare(one, other, TOWN)
        assert found.claimed
        assert ("claimed email", "only claimed") in {(field.field, field.how) for field in found.matched}
    assert not compare(Portrait(A, ("Grace Hopper",)), theirs, TOWN).claimed
    another = Portrait(A, ("Ada Lovelace",), claims=(claim,))
    for one, other in ((another, theirs), (theirs, another)):
        found = compare(one, other, TOWN)
        assert not found.claimed
        assert found.score < 0.01
        assert ("claimed email", 0.0) in {(field.field, field.weight) for field in found.matched}, "it is still shown"


NAMES = (
    "Maria Garcia",
    "María García López",
    "Garcia, Maria",
    "M. Garcia",
    "Bob Smith",
    "Robert Smyth",
    "Anna",
    "王伟",
    "",
)
PLACES = [HOME, Place("12 Elm St", "Springfield", "12345"), Place(None, "Berlin")]
CLAIMS = [Claimed("email", "", "mg85@a.com"), Claimed("external_id", "", "C1", True)]
PORTRAITS = st.builds(
    Portrait,
    st.just(A),
    st.lists(st.sampled_from(NAMES), max_size=2, unique=True).map(tuple),
    st.lists(st.sampled_from(["Acme", "Acme Ltd", "Globex"]), max_size=1).map(tuple),
    st.lists(st.sampled_from(["Berlin", "Springfield"]), max_size=1).map(tuple),
    st.lists(st.sampled_from([BORN, date(1985, 10, 12), date(1990, 1, 1)]), max_size=1).map(tuple),
    st.lists(st.sampled_from(["C1", "C2"]), max_size=1).map(tuple),
    st.lists(st.sampled_from(["+14155550123", "+14155550124", "+14155551023"]), max_size=2, unique=True).map(tuple),
    st.lists(st.sampled_from(["mg85@a.com", "mg85@b.com", "m.g85@a.com", "info@a.com"]), max_size=2).map(tuple),
    st.just(()),
    st.lists(st.sampled_from(PLACES), max_size=1).map(tuple),
    st.lists(st.sampled_from(CLAIMS), max_size=1).map(tuple),
)  # fmt: skip


@given(PORTRAITS, PORTRAITS)
def test_it_is_the_same_from_both_sides(ours: Portrait, theirs: Portrait) -> None:
    one, other = compare(ours, theirs, TOWN), compare(theirs, ours, TOWN)
    assert one.score == pytest.approx(other.score)
    assert one.claimed == other.claimed
    assert sorted((f.field, f.how, f.weight) for f in one.matched) == sorted(
        (f.field, f.how, f.weight) for f in other.matched
    )


@given(st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_two_names_differ_from_both_sides(ours: str, theirs: str) -> None:
    assert are_clearly_different(ours, theirs) == are_clearly_different(theirs, ours)
    assert not are_clearly_different(ours, ours)


@pytest.mark.parametrize(
    ("ours", "theirs", "different"),
    [
        ("Marco Rossi", "Maria Rossi", True),
        ("Laura Rossi", "Paula Rossi", True),
        ("Karim Rossi", "Maria Rossi", True),
        ("Yusuf Rossi", "Yousef Rossi", False),
        ("Sofia Rossi", "Rossi, Sophie", False),
        ("Mohamed Rossi", "Muhammad Rossi", False),
        ("Jan Rossi", "Jon Rossi", False),
        ("Maria Rossi", "Mraia Rossi", False),
    ],
)
def test_names_that_only_share_letters_differ_and_those_that_sound_alike_do_not(
    ours: str, theirs: str, different: bool
) -> None:
    assert are_clearly_different(ours, theirs) == different


@given(st.text(alphabet="abcdeñßø", min_size=1, max_size=9), st.text(alphabet="abcdeñßø", min_size=1, max_size=9))
def test_words_are_as_like_from_both_sides(ours: str, theirs: str) -> None:
    assert word_likeness(ours, theirs) == word_likeness(theirs, ours)
    assert may_be_one(ours, theirs) == may_be_one(theirs, ours)
    assert 0 <= word_likeness(ours, theirs) <= 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Dr. Ana López-Núñez", ("ana", "lopez", "nunez")),
        ("O'Brien, Séan", ("sean", "obrien")),
        ("STRAẞE Jürgen (Büro)", ("strasse", "jurgen")),
        ("王 伟", ("王", "伟")),
        ("🌸", ()),
    ],
)
def test_names_are_read_in_one_alphabet_without_titles(name: str, words: tuple[str, ...]) -> None:
    assert words_of(name) == words


@pytest.mark.parametrize(
    ("names", "people"),
    [
        (["Anna Meier", "A. Meier", "Meier, Anna", "Anna Maier", "Anna Schmidt"], 1),
        (["Anna Meier", "Ben Meier"], 2),
        (["Anna Meier", "Ben Okafor", "Chloe Dubois", "Dmitri Volkov"], 4),
        (["", "🌸"], 0),
    ],
)
def test_how_many_people_some_names_are(names: list[str], people: int) -> None:
    assert count_people(names) == people
